"""Runs rows in interleaved rounds and prints medians, noise, hits and misses.

Each run is a new process, so that no side inherits the other's memory or imports.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from math import ceil
from pathlib import Path

from benchmarks import report
from benchmarks.results import Measured, Piece
from benchmarks.workload import CPPWAX, GRAIN, Cost, Counted, Row, Side, Workload


def is_installed(package: str) -> bool:
    """Tell whether a library is here: packages that extend it share its name."""
    return find_spec(package) is not None and find_spec(f"{package}.operators") is not None


def interleaved(
    sides: Sequence[Side], rounds: int, cost: Callable[[Side], Cost]
) -> dict[Side, list[Cost]]:
    """Run all sides once a round; return what each round cost them.

    Another side begins each round: what comes first may find the machine in another state.
    """
    costs: dict[Side, list[Cost]] = {side: [] for side in sides}
    for number in range(rounds):
        first = number % len(sides)
        for side in [*sides[first:], *sides[:first]]:
            costs[side].append(cost(side))
    return costs


def installed(sides: Sequence[Side]) -> list[Side]:
    """Return the sides whose package is there."""
    return [side for side in sides if not side.package or is_installed(side.package)]


def measure(row: Row, rounds: int, seconds: float) -> Measured:
    """Run all sides of a row, round by round.

    Each side's runs last at least `seconds`, but none has more items than the first, which is
    cppwax: a slower side has fewer, or a round would last for minutes.

    Args:
        row: What to run.
        rounds: How often.
        seconds: How long a run should last.

    Returns:
        What each round gave; no rounds if the row cannot be measured here.
    """
    if row.obstacle():
        return Measured.of(row, {})
    sizes: dict[Side, int] = {}
    for side in installed(row.sides):
        size = row.size(side, seconds)
        sizes[side] = min(size, next(iter(sizes.values()), size))
    measured = Measured.of(row, sizes)
    measured.costs = interleaved(list(sizes), rounds, lambda side: row.cost(side, sizes[side]))
    return measured


def add_options(parser: argparse.ArgumentParser, rounds: int = 7) -> None:
    """Add the options that all commands have."""
    parser.add_argument("--rounds", type=int, help=f"how many interleaved rounds ({rounds})")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write what the rounds gave there"
    )


def main(rows: Sequence[Row], section: str = "table") -> int:
    """Run rows as a command.

    Args:
        rows: What can be run.
        section: Where they belong in the document.

    Returns:
        The exit code. A run that fails or gives a wrong result ends the process.
    """
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("rows", nargs="*", metavar="row", help=", ".join(r.name for r in rows))
    add_options(parser)
    parser.add_argument("--seconds", type=float, help="how long a run lasts at least (3.5)")
    parser.add_argument("--items", type=int, help="so many a run, however long it takes")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 0.3 s: a rough idea")
    parser.add_argument(
        "--one",
        nargs=4,
        metavar=("ROW", "SIDE", "COUNT", "SETTING"),
        help="a single run in this process, as the rounds start it; for profilers",
    )
    args = parser.parse_args()
    by_name = {row.name: row for row in rows}
    if args.one:
        name, side, count, setting = args.one
        row = by_name[name]
        if not isinstance(row, Workload):
            parser.error(f"a run of {name} is no single process")
        return row.run_here(row.sides[int(side)], int(count), int(setting))
    if unknown := set(args.rows) - set(by_name):
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(by_name)}")
    rounds = args.rounds or (3 if args.quick else 7)
    seconds = args.seconds or (0.3 if args.quick else 3.5)
    if not is_installed(CPPWAX.package):
        parser.error("cppwax is not installed here; ./test makes an environment that has it, .venv")
    piece = Piece.begin(section)
    print(report.machine(piece), flush=True)
    for row in [by_name[name] for name in args.rows] or rows:
        if args.items and isinstance(row, Counted):
            row.items = ceil(args.items / GRAIN) * GRAIN
        piece.add(measure(row, rounds, seconds), args.json)
        print(f"\n{report.details(piece.measured[-1])}", flush=True)
    print(f"\n{report.table(piece.measured)}")
    return 0
