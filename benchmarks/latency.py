"""How long is an item on its way through an exchange between two processes, at a calm rate?

A source on worker 0 gives single items at a fixed rate, each with the time at which it was due; the
key sends it to a step on the other process, which notes how long that has taken. Both processes
run on this machine, so that they read the same clock. Shown are p50, p99 and the worst, of cppwax
and Bytewax (where it is installed), in turn.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime, timedelta, timezone
from importlib import import_module
from typing import Any

from benchmarks import report
from benchmarks.harness import add_options, installed, interleaved
from benchmarks.processes import run_processes
from benchmarks.results import Measured, Piece
from benchmarks.workload import Bar, Cost, Library, Side, derived, part_of

SIDES = (Side("cppwax", "cppwax", processes=2), Side("Bytewax", "bytewax", processes=2))
_BARS: tuple[Bar, ...] = (part_of("figure", 1.0, SIDES[1], SIDES[0]),)
_PERCENTS = {"p50": 50.0, "p99": 99.0, "worst": 100.0}

#: Items at the begin that are not counted: the first ones warm up.
WARM_UP = 100


class Ticks:
    """Gives items of all keys in turn, each when it is due."""

    def __init__(self, count: int, rate: int) -> None:
        """Take how many, and how many a second."""
        self._left, self._number = count, 0
        self._wait = 1 / rate
        self._due = time.monotonic() + 0.5

    def next_batch(self) -> list[tuple[str, float]]:
        """Give the next item."""
        if self._number == self._left:
            raise StopIteration
        due = self._due
        self._number += 1
        self._due += self._wait
        # Of many keys, so that whichever process a key is on, both have some.
        return [(f"key{self._number % 64}", due)]

    def next_awake(self) -> datetime:
        """Say when the next one is due."""
        return datetime.now(timezone.utc) + timedelta(seconds=self._due - time.monotonic())


class Nothing:
    """Gives nothing, on all workers but the first."""

    def next_batch(self) -> list[tuple[str, float]]:
        """End at once."""
        raise StopIteration

    def next_awake(self) -> None:
        """Be asked at once."""


def ticking(package: str, count: int, rate: int) -> Any:
    """Measure how late each item comes to the process that did not make it; print that."""
    library = Library(package)
    base = library.inputs.StatelessSourcePartition
    ticks, nothing = derived(Ticks, base), derived(Nothing, base)
    made_here = False

    class Source:
        def build(self, step_id: str, worker_index: int, worker_count: int) -> Any:
            nonlocal made_here
            made_here = worker_index == 0
            return ticks(count, rate) if made_here else nothing()

    flow = library.dataflow.Dataflow("latency")
    up = library.op.input("inp", flow, derived(Source, library.inputs.DynamicSource)())

    def note(state: Any, due: float) -> tuple[Any, str]:
        late = time.monotonic() - due
        return state, "" if made_here else f"late {late * 1e6:.1f}"

    noted = library.op.stateful_map("note", up, note)
    text = library.op.map("text", noted, lambda pair: pair[1])
    stdio = import_module(f"{package}.connectors.stdio")
    library.op.output("out", library.op.filter("far", text, bool), stdio.StdOutSink())
    return flow


def percentile(sorted_values: list[float], percent: float) -> float:
    """Return the least value that so many percent do not exceed."""
    at = -(-len(sorted_values) * percent // 100)
    return sorted_values[max(0, int(at) - 1)]


def late_items(side: Side, count: int, rate: int) -> tuple[list[float], Cost]:
    """Run once; return how late the items were that changed processes, in microseconds, sorted."""
    flow = f"benchmarks.latency:ticking('{side.package}', {count}, {rate})"
    printed, cost = run_processes(side, flow)
    late = [float(line.split()[1]) for line in printed.splitlines() if line.startswith("late")]
    if not count / 4 < len(late) < count:
        raise SystemExit(f"{side.label}: {len(late)} of {count} items changed processes")
    return sorted(late[WARM_UP:]), cost


def measure(count: int, rate: int, rounds: int) -> list[Measured]:
    """Run the sides in turn; return a row for each percentile."""
    sides = installed(SIDES)
    costs: dict[str, dict[Side, list[Cost]]] = {
        name: {side: [] for side in sides} for name in _PERCENTS
    }

    def run(side: Side) -> Cost:
        late, cost = late_items(side, count, rate)
        for name, percent in _PERCENTS.items():
            costs[name][side].append(Cost(cost.cpu / count, percentile(late, percent) / 1e6))
        return cost

    interleaved(sides, rounds, run)
    rows = []
    for name in _PERCENTS:
        title = f"{name} of {count:,} items at {rate:,} a second"
        row = Measured(f"latency_{name}", title, "µs", 1e6, "wall", _BARS)
        row.sizes, row.costs = dict.fromkeys(sides, count), costs[name]
        rows.append(row)
    return rows


def main() -> int:
    """Measure, as a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser, rounds=5)
    parser.add_argument("--quick", action="store_true", help="1 round of 1,000 items")
    parser.add_argument("--items", type=int, help="items of a run (10,000)")
    parser.add_argument("--rate", type=int, default=1000, help="items a second (1,000)")
    args = parser.parse_args()
    piece = Piece.begin("latency")
    print(report.machine(piece), flush=True)
    count = args.items or (1000 if args.quick else 10_000)
    for measured in measure(count, args.rate, args.rounds or (1 if args.quick else 5)):
        piece.add(measured, args.json)
        print(f"\n{report.details(measured)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
