"""What does recovery cost: snapshots of many keys at a steady rate, and a resume?

At a steady rate a keyed flow runs with epochs of a second, with a store and without; the question
is what its snapshots cost an item, and a key that has changed in an epoch. A resume is from the
start of the run over a stored state for each key to the first item that comes through. Each run is
a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cached_property
from math import ceil
from pathlib import Path

from benchmarks.harness import main
from benchmarks.stores import keys_in, listed, run
from benchmarks.workload import (
    BATCH,
    BYTEWAX,
    CPPWAX,
    GRAIN,
    Bar,
    Cost,
    Row,
    Side,
    environment,
    part_of,
)

_KEYS = 200_000
_RATE = 500_000
#: A steady run lasts so many times as long as others, which is 30 s.
_LONGER = 30 / 3.5

_NONE = Side("no store", "cppwax")
_STORE = Side("store", "cppwax")


class Snapshots(Row):
    """See the module."""

    name = "snapshots"
    title = f"{_RATE:,} items a second over {_KEYS:,} keys, epochs of 1 s: a store against none"
    sides = (_NONE, _STORE)
    bars = (
        Bar("must", 1.5, "{}x cost", _NONE, _STORE),
        Bar("must", 300, "{} ns a dirty key", _NONE, _STORE, times=_RATE / _KEYS),
        Bar("should", 1.15, "{}x cost", _NONE, _STORE),
    )

    def size(self, side: Side, seconds: float) -> int:
        """See base class."""
        return max(1, round(seconds * _LONGER)) * _RATE // BATCH * BATCH

    def cost(self, side: Side, size: int) -> Cost:
        """See base class."""
        with tempfile.TemporaryDirectory(prefix="cppwax-bench-") as folder:
            store = Path(folder) if side == _STORE else None
            if store:
                init = [sys.executable, "-m", "cppwax.recovery", folder, "1"]
                subprocess.run(init, env=environment(), check=True)
            ran = run("snapshots", side.package, _KEYS, size, _RATE, store or "")
            if store:
                found, keys = listed(store), min(size, _KEYS)
                # Of each second a snapshot, but for the first and the last one.
                if keys_in(found) != keys or found["resume_epoch"] < size // _RATE - 2:
                    raise SystemExit(f"{self.name}: WRONG RESULT: the store has {found}")
        return Cost(ran["cpu"] / size, ran["wall"] / size, ran["memory"])


class Resume(Row):
    """See the module; the size is how many keys there are."""

    name = "resume"
    title = f"resume of {_KEYS:,} keys: start to the first item that comes through"
    unit = "s"
    scale = 1.0
    counts = "wall"
    sides = (CPPWAX, BYTEWAX)
    bars = (part_of("must", 8), part_of("should", 40))

    def size(self, side: Side, seconds: float) -> int:
        """See base class; all of them for a run of a second, and fewer for a rough idea."""
        return min(_KEYS, ceil(seconds * _KEYS / GRAIN) * GRAIN)

    def cost(self, side: Side, size: int) -> Cost:
        """See base class."""
        store = self._folder / f"{side.package}-{size}"
        if not store.exists():
            store.mkdir()
            run("fill", side.package, size, 0, 0, store)
        ran = run("resume", side.package, size, 0, 0, store)
        return Cost(ran["cpu"], ran["wall"], ran["memory"])

    @property
    def _folder(self) -> Path:
        return Path(self._temporary.name)

    @cached_property
    def _temporary(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="cppwax-bench-")


ROWS = (Snapshots(), Resume())

if __name__ == "__main__":
    sys.exit(main(ROWS))
