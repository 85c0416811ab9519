"""What rounds gave, as JSON: raw costs, with the machine and the time at which they were taken.

A file holds a piece: what one command has measured, interleaved. A document (`document.py`) is made
of several.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.workload import ROOT, Bar, Cost, Row, Side


@dataclass
class Measured:
    """A row with what its rounds gave: for each side its size, and a cost from each round."""

    name: str
    title: str
    unit: str
    scale: float
    #: "cpu" or "wall", as in `Row`.
    counts: str
    bars: tuple[Bar, ...] = ()
    sizes: dict[Side, int] = field(default_factory=dict)
    costs: dict[Side, list[Cost]] = field(default_factory=dict)
    #: Why it was not measured.
    obstacle: str = ""
    #: Of a job that is measured as it grows: what grows, and the size that it has here.
    line: str = ""
    at: int = 0

    @classmethod
    def of(cls, row: Row, sizes: dict[Side, int]) -> Measured:
        """Begin without any round."""
        sides: dict[Side, list[Cost]] = {side: [] for side in sizes}
        texts = (row.name, row.title, row.unit, row.scale, row.counts)
        return cls(*texts, row.bars, sizes, sides, row.obstacle())

    def figures(self, side: Side, kind: str = "") -> list[float]:
        """Return cpu or wall of each round, in the row's unit; without a kind, what counts."""
        return [getattr(cost, kind or self.counts) * self.scale for cost in self.costs[side]]

    def compared(self, bar: Bar) -> list[float]:
        """Compare the two sides of a bar, round by round; nothing if one was not measured."""
        if bar.subject not in self.costs or (bar.of is not None and bar.of not in self.costs):
            return []
        subject = self.figures(bar.subject)
        of = [None] * len(subject) if bar.of is None else self.figures(bar.of)
        return [bar.compare(mine, theirs) for mine, theirs in zip(subject, of, strict=True)]

    def as_json(self) -> dict[str, Any]:
        """Return it as what JSON has."""
        plain = {name: value for name, value in vars(self).items() if name not in _STRUCTURED}
        sides = [
            {**asdict(side), "size": self.sizes[side], "costs": [asdict(cost) for cost in costs]}
            for side, costs in self.costs.items()
        ]
        return {**plain, "bars": [asdict(bar) for bar in self.bars], "sides": sides}

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> Measured:
        """Make it of what `as_json` gave."""
        bars = [
            Bar(**{**bar, "subject": Side(**bar["subject"]), "of": bar["of"] and Side(**bar["of"])})
            for bar in found.pop("bars")
        ]
        measured = cls(bars=tuple(bars), **{k: v for k, v in found.items() if k != "sides"})
        for given in found["sides"]:
            size, costs = given.pop("size"), given.pop("costs")
            side = Side(**given)
            measured.sizes[side] = size
            measured.costs[side] = [Cost(**cost) for cost in costs]
        return measured


_STRUCTURED = ("bars", "sizes", "costs")


@dataclass
class Piece:
    """What one command has measured, and where and when."""

    #: Of the document.
    section: str
    #: As it is to be read, by what it is.
    machine: dict[str, str]
    load: float
    began: str
    command: str
    seconds: float = 0.0
    measured: list[Measured] = field(default_factory=list)

    @classmethod
    def begin(cls, section: str) -> Piece:
        """Look at the machine, and at the clock."""
        now = datetime.now(timezone.utc).isoformat(" ", "seconds")
        return cls(section, _machine(), os.getloadavg()[0], now, _command())

    def add(self, measured: Measured, path: Path | None) -> None:
        """Take a row, and write all that there is so far, so that an end in between loses little.

        Args:
            measured: The row.
            path: Where to; nothing is written if it is missing.
        """
        self.measured.append(measured)
        self.seconds = time.monotonic() - _LOADED
        if path:
            rows = [measured.as_json() for measured in self.measured]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({**vars(self), "measured": rows}, indent=1) + "\n")

    @classmethod
    def load_from(cls, path: Path) -> Piece:
        """Read a file that `add` has written."""
        found = json.loads(path.read_text())
        rows = [Measured.from_json(measured) for measured in found.pop("measured")]
        return cls(**found, measured=rows)


_LOADED = time.monotonic()


def _machine() -> dict[str, str]:
    packages = ", ".join(f"{name} {_version(name)}" for name in ("cppwax", "bytewax"))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return {
        "python": python,
        "packages": packages,
        "revision": _revision(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
    }


def _command() -> str:
    """Return the command that this process is, but for where it writes."""
    words = sys.orig_argv[1:]
    if "--json" in words:
        at = words.index("--json")
        del words[at : at + 2]
    return f"python {shlex.join(words)}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "from its sources" if find_spec(package) else "missing"


def _revision() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
