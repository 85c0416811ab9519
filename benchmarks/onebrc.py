"""What does a row of a big file cost: least, mean and greatest temperature of each station?

The job is that of the "one billion row challenge" (https://github.com/gunnarmorling/1brc): a text
file of `station;temperature` lines, 413 stations, and one sorted line of results. The file is
generated, in a temporary folder, and what it must give is counted at that time. Figures are a row;
CPU time and peak memory are those of all processes together. What the same processes take for an
empty file is taken off time, not off memory.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import report
from benchmarks.exchange import Side, run_command, run_processes
from benchmarks.workload import ROOT, Cost, Library

_STATIONS = 413
#: Different temperatures that a station has; enough that no result is known early.
_VALUES = 200
_ROWS_A_BLOCK = 100_000
_SYLLABLES = ("ba", "chi", "dor", "é", "fu", "gan", "ho", "kyo", "lis", "mün", "na", "São ", "ty")

#: Least, sum and greatest in tenths of a degree, and how many.
Stats = list[int]


def station_names() -> list[str]:
    """Make up names of one to six syllables, some of more bytes than letters."""
    rng = random.Random(3)
    names: dict[str, None] = {}
    while len(names) < _STATIONS:
        name = "".join(rng.choices(_SYLLABLES, k=rng.randint(1, 6))).strip()
        names[name[0].upper() + name[1:]] = None
    return list(names)


def write_rows(path: Path, rows: int) -> str:
    """Write a file of so many rows; return what the job must give."""
    rng = random.Random(1)
    lines: dict[str, tuple[str, int]] = {}
    for name in station_names():
        middle = rng.uniform(-20, 35)
        for _ in range(_VALUES):
            tenths = max(-999, min(999, round(rng.gauss(middle, 10) * 10)))
            lines[f"{name};{tenths / 10:.1f}\n"] = (name, tenths)
    choices, counts = list(lines), Counter[str]()
    with path.open("w", encoding="utf-8") as file:
        for first in range(0, rows, _ROWS_A_BLOCK):
            block = rng.choices(choices, k=min(_ROWS_A_BLOCK, rows - first))
            file.write("".join(block))
            counts.update(block)
    stations: dict[str, Counter[int]] = {}
    for line, count in counts.items():
        name, tenths = lines[line]
        stations.setdefault(name, Counter())[tenths] += count
    results = [
        (name, [min(all_), sum(tenths * n for tenths, n in all_.items()), max(all_), all_.total()])
        for name, all_ in stations.items()
    ]
    return as_text(results)


def parse(line: str) -> tuple[str, int]:
    """Take a line apart; temperatures are in tenths of a degree, which are exact."""
    name, _, degrees = line.partition(";")
    return name, int(degrees[:-2] + degrees[-1])


def no_stats() -> Stats:
    """Begin."""
    return [1000, 0, -1000, 0]


def add(stats: Stats, tenths: int) -> Stats:
    """Take a temperature."""
    if tenths < stats[0]:
        stats[0] = tenths
    if tenths > stats[2]:
        stats[2] = tenths
    stats[1] += tenths
    stats[3] += 1
    return stats


def append(values: list[Any], value: Any) -> list[Any]:
    """Put a value at the end."""
    values.append(value)
    return values


def as_text(results: Iterable[tuple[str, Stats]]) -> str:
    """Write the results as the challenge wants them, sorted by station."""
    shown = (
        f"{name}={low / 10:.1f}/{total / count / 10:.1f}/{high / 10:.1f}"
        for name, (low, total, high, count) in sorted(results)
    )
    return f"{{{', '.join(shown)}}}"


def flow(package: str, path: str, **reading: int) -> Any:
    """Define the job for a library, with options for reading that it may have alone."""
    library = Library(package)
    op = library.op
    files, stdio = (import_module(f"{package}.connectors.{name}") for name in ("files", "stdio"))
    flow = library.dataflow.Dataflow("onebrc")
    rows = op.map("parse", op.input("lines", flow, files.FileSource(path, 1000, **reading)), parse)
    stations = op.key_on("all", op.fold_final("stats", rows, no_stats, add), lambda _: "all")
    results = op.map("text", op.fold_final("results", stations, list, append), _text_of_all)
    op.output("out", results, stdio.StdOutSink())
    return flow


def _text_of_all(results: tuple[str, list[tuple[str, Stats]]]) -> str:
    return as_text(results[1])


def loop(path: Path) -> None:
    """Do the job in plain Python."""
    stations: dict[str, Stats] = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            name, tenths = parse(line.rstrip("\n"))
            stats = stations.get(name)
            if stats is None:
                stats = stations[name] = no_stats()
            add(stats, tenths)
    if stations:
        print(as_text(stations.items()))


@dataclass(frozen=True)
class Way:
    """Who does the job; a plain loop if there is no package."""

    label: str
    package: str
    workers: int = 1
    processes: int = 1
    #: Whether the file is read in ranges: four for each worker.
    ranges: bool = False

    def run(self, path: Path) -> tuple[str, Cost]:
        """Do it once; return what is printed, and what all processes took."""
        if not self.package:
            return run_command(self.label, "benchmarks.onebrc", "--loop", str(path))
        side = Side(self.label, self.package, self.processes)
        reading = ""
        if self.ranges:
            length = path.stat().st_size // (4 * self.workers * self.processes) + 1
            reading = f", range_bytes={length}"
        text = f"benchmarks.onebrc:flow({self.package!r}, {str(path)!r}{reading})"
        return run_processes(side, text, f"-w{self.workers}")


WAYS = (
    Way("cppwax -w1", "cppwax"),
    Way("cppwax -w2", "cppwax", workers=2),
    Way("cppwax -p2", "cppwax", processes=2),
    Way("cppwax -w2, ranges", "cppwax", workers=2, ranges=True),
    Way("cppwax -p2, ranges", "cppwax", processes=2, ranges=True),
    Way("Bytewax -w1", "bytewax"),
    Way("Bytewax -w2", "bytewax", workers=2),
    Way("Bytewax -p2", "bytewax", processes=2),
    Way("loop", ""),
)


def cost_of(way: Way, path: Path, rows: int, expected: str) -> Cost:
    """Run once and check; return seconds a row."""
    _, none = way.run(path.with_name("empty.txt"))
    printed, all_ = way.run(path)
    # Bytewax prints there too who connects to whom.
    lines = [line for line in printed.splitlines() if line.startswith("{")]
    if lines != [expected]:
        raise SystemExit(f"{way.label}: WRONG RESULT\n{printed[:1000]}")
    return Cost((all_.cpu - none.cpu) / rows, (all_.wall - none.wall) / rows, all_.memory)


def measure(ways: list[Way], rows: int, rounds: int, path: Path) -> None:
    """Run all ways in turn, and print medians; the last one is what others are compared to."""
    # By another process: a child's peak of memory is never less than its parent's.
    make = [sys.executable, "-m", "benchmarks.onebrc", "--make", str(path), "--rows", str(rows)]
    made = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True)
    path.with_name("empty.txt").touch()
    megabytes = path.stat().st_size / 1e6
    print(f"{rows:,} rows, {megabytes:,.0f} MB, {_STATIONS} stations, {rounds} rounds", flush=True)
    costs: dict[Way, list[Cost]] = {way: [] for way in ways}
    for number in range(rounds):
        first = number % len(ways)
        for way in ways[first:] + ways[:first]:
            costs[way].append(cost_of(way, path, rows, made.stdout.strip()))
    last = costs[ways[-1]]
    print("all results right\n")
    print(f"| | wall, ns a row | CPU, ns a row | peak memory | time over {ways[-1].label} |")
    print("|---|---|---|---|---|")
    for way, all_ in costs.items():
        walls = sorted(cost.wall * 1e9 for cost in all_)
        over = median(own.wall / of.wall for own, of in zip(all_, last, strict=True))
        print(
            f"| {way.label} | {median(walls):,.0f} ({walls[0]:,.0f}..{walls[-1]:,.0f}) "
            f"| {median(cost.cpu for cost in all_) * 1e9:,.0f} "
            f"| {median(cost.memory or 0 for cost in all_):,.0f} MB | {over:.2f} |"
        )


def main() -> int:
    """Measure, as a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, help="rows of the file (50 million)")
    parser.add_argument("--rounds", type=int, help="how many interleaved rounds (3)")
    parser.add_argument("--quick", action="store_true", help="1 round of 1 million rows")
    parser.add_argument("--only", nargs="*", default=[""], help="ways with these words in them")
    parser.add_argument("--folder", help="where the temporary folder is made; 14 bytes a row")
    parser.add_argument("--make", metavar="FILE", type=Path, help="only write a file")
    parser.add_argument("--loop", metavar="FILE", type=Path, help="only run the plain loop")
    args = parser.parse_args()
    rows = args.rows or (1_000_000 if args.quick else 50_000_000)
    if args.loop:
        loop(args.loop)
    elif args.make:
        print(write_rows(args.make, rows))
    else:
        ways = [
            way
            for way in WAYS
            if any(word in way.label for word in args.only)
            and (not way.package or find_spec(way.package))
        ]
        if not ways:
            parser.error(f"no such way: {args.only}; there are {[way.label for way in WAYS]}")
        print(report.machine())
        with tempfile.TemporaryDirectory(prefix="onebrc-", dir=args.folder) as folder:
            measure(ways, rows, args.rounds or (1 if args.quick else 3), Path(folder) / "rows.txt")
    return 0


if __name__ == "__main__":
    sys.exit(main())
