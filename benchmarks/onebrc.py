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
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.harness import add_options, installed, interleaved
from benchmarks.processes import run_command, run_processes
from benchmarks.results import Measured, Piece
from benchmarks.workload import LOOP, ROOT, Bar, Cost, Library, Side

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


_RANGES = (
    Side("cppwax -w2, ranges", "cppwax", 2),
    Side("cppwax -p2, ranges", "cppwax", processes=2),
)
SIDES = (
    Side("cppwax -w1", "cppwax"),
    Side("cppwax -w2", "cppwax", 2),
    Side("cppwax -p2", "cppwax", processes=2),
    *_RANGES,
    Side("Bytewax -w1", "bytewax"),
    Side("Bytewax -w2", "bytewax", 2),
    Side("Bytewax -p2", "bytewax", processes=2),
    LOOP,
)


def run(side: Side, path: Path) -> tuple[str, Cost]:
    """Do it once; return what is printed, and what all processes took."""
    if not side.package:
        return run_command(side.label, "benchmarks.onebrc", "--loop", str(path))
    reading = ""
    if side in _RANGES:
        # Four for each worker.
        length = path.stat().st_size // (4 * side.workers * side.processes) + 1
        reading = f", range_bytes={length}"
    return run_processes(side, f"benchmarks.onebrc:flow({side.package!r}, {str(path)!r}{reading})")


def cost_of(side: Side, path: Path, rows: int, expected: str) -> Cost:
    """Run once and check; return seconds a row."""
    _, none = run(side, path.with_name("empty.txt"))
    printed, all_ = run(side, path)
    # Bytewax prints there too who connects to whom.
    lines = [line for line in printed.splitlines() if line.startswith("{")]
    if lines != [expected]:
        raise SystemExit(f"{side.label}: WRONG RESULT\n{printed[:1000]}")
    return Cost((all_.cpu - none.cpu) / rows, (all_.wall - none.wall) / rows, all_.memory)


def measure(sides: list[Side], rows: int, rounds: int, path: Path) -> Measured:
    """Write the file and run all sides in turn; the last one is what others are compared to."""
    # By another process: a child's peak of memory is never less than its parent's.
    make = [sys.executable, "-m", "benchmarks.onebrc", "--make", str(path), "--rows", str(rows)]
    made = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=True)
    path.with_name("empty.txt").touch()
    title = f"{rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB, {_STATIONS} stations"
    costs = interleaved(sides, rounds, lambda side: cost_of(side, path, rows, made.stdout.strip()))
    bars = tuple(
        Bar("figure", 1.0, f"{side.label}: {{}}x {sides[-1].label}", sides[-1], side)
        for side in sides[:-1]
    )
    sizes = dict.fromkeys(sides, rows)
    return Measured("onebrc", title, "ns a row", 1e9, "wall", bars, sizes, costs)


def main() -> int:
    """Measure, as a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser, rounds=3)
    parser.add_argument("--rows", type=int, help="rows of the file (50 million)")
    parser.add_argument("--quick", action="store_true", help="1 round of 1 million rows")
    parser.add_argument("--only", nargs="*", default=[""], help="sides with these words in them")
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
        sides = [side for side in installed(SIDES) if any(word in side.label for word in args.only)]
        if not sides:
            parser.error(f"no such side: {args.only}; there are {[s.label for s in SIDES]}")
        piece = Piece.begin("onebrc")
        print(report.machine(piece), flush=True)
        rounds = args.rounds or (1 if args.quick else 3)
        with tempfile.TemporaryDirectory(prefix="onebrc-", dir=args.folder) as folder:
            measured = measure(sides, rows, rounds, Path(folder) / "rows.txt")
        piece.add(measured, args.json)
        print(f"\n{report.details(measured)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
