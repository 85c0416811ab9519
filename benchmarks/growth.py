"""Does an item cost the same however many items, keys and steps there are?

Each line is one job in three sizes. What grows by more than a logarithm would make a large job
impossible, however fast a small one is. The plain loop is beside it, because the processor's caches
make it dearer too to have many keys. A step of a chain costs what the whole chain costs, over the
number of its steps.

Flat is what costs at most 1.25 times as much at the last size as at the first one; logarithmic,
what each tenfold makes dearer by no more than what an item costs at the first size, to the side or
to the loop: else the faster side would be blamed for the same cache misses.
"""

from __future__ import annotations

import argparse
import random
import sys
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import growth_table, report
from benchmarks.harness import add_options, installed
from benchmarks.keyed import FoldFinal, running_sum
from benchmarks.results import Measured, Piece
from benchmarks.stateless_chain import StatelessChain
from benchmarks.windows import KINDS, Windows
from benchmarks.workload import (
    BATCH,
    BYTEWAX,
    CPPWAX,
    LOOP,
    Library,
    Side,
    Tail,
    Workload,
    batches,
    repeated,
)


def plus_one(number: int) -> int:
    """Add one."""
    return number + 1


class Keys(Workload):
    """Running sums of so many keys, which come in no order."""

    def __init__(self, keys: int) -> None:
        """Name the row by how many."""
        self._keys = keys
        self.name = f"keys_{keys}"
        self.title = f"stateful_map, {keys:,} keys"

    def prepare(self, count: int, setting: int) -> None:
        """See base class."""
        block = [(f"key{n}", 1) for n in range(self._keys if count else 0)]
        random.Random(1).shuffle(block)
        self._times = count // self._keys
        self._items = repeated(block, count) if count else iter(block)
        self._tail = Tail()

    def flow(self, library: Library) -> Any:
        """See base class."""
        op = library.op
        flow = library.dataflow.Dataflow(self.name)
        items = op.input("items", flow, library.testing.TestingSource(self._items, BATCH))
        op.output("out", op.stateful_map("sums", items, running_sum), self._tail.sink(library))
        return flow

    def loop(self) -> None:
        """See base class."""
        states: dict[str, int] = {}
        for batch in batches(self._items):
            self._tail.write_batch([_sum_up(states, key, value) for key, value in batch])

    def is_right(self) -> bool:
        """See base class."""
        last = list(self._tail.last)[-self._keys :]
        return self._tail.count == self._times * self._keys and all(
            total == self._times for _, total in last
        )


def _sum_up(states: dict[str, int], key: str, value: int) -> tuple[str, int]:
    states[key], emitted = running_sum(states.get(key), value)
    return key, emitted


class WindowKeys(Windows):
    """Tumbling windows of so many keys."""

    def __init__(self, keys: int) -> None:
        """Name the row by how many."""
        super().__init__(KINDS[0], keys)


class _Chain(Workload):
    """So many steps of one kind in a row."""

    def __init__(self, name: str, title: str, steps: int) -> None:
        """Name the row by how many."""
        self._steps = steps
        self.name = f"{name}_{steps}"
        self.title = f"{steps} {title}"

    @abstractmethod
    def some(self) -> list[Any]:
        """Give the items that are repeated: few, that share objects."""

    @abstractmethod
    def add_step(self, library: Library, step: int, stream: Any) -> Any:
        """Add a step after a stream."""

    def prepare(self, count: int, setting: int) -> None:
        """See base class."""
        self._count = count
        self._items = repeated(self.some(), count)
        self._tail = Tail()

    def flow(self, library: Library) -> Any:
        """See base class."""
        op = library.op
        flow = library.dataflow.Dataflow(self.name)
        stream = op.input("items", flow, library.testing.TestingSource(self._items, BATCH))
        for step in range(self._steps):
            stream = self.add_step(library, step, stream)
        op.output("out", stream, self._tail.sink(library))
        return flow


class Maps(_Chain):
    """A chain of so many maps."""

    def __init__(self, steps: int) -> None:
        """Name the row by how many."""
        super().__init__("maps", "map steps in a row", steps)

    def some(self) -> list[Any]:
        """See base class."""
        return list(range(100))

    def add_step(self, library: Library, step: int, stream: Any) -> Any:
        """See base class."""
        return library.op.map(f"plus{step}", stream, plus_one)

    def loop(self) -> None:
        """See base class."""
        for batch in batches(self._items):
            for _ in range(self._steps):
                batch = [plus_one(number) for number in batch]
            self._tail.write_batch(batch)

    def is_right(self) -> bool:
        """See base class."""
        expected = [n % 100 + self._steps for n in range(min(self._count, BATCH))]
        return self._tail.count == self._count and list(self._tail.last) == expected


class Sums(_Chain):
    """A chain of so many keyed steps, each of which adds up what the last one gives."""

    _KEYS = 1000

    def __init__(self, steps: int) -> None:
        """Name the row by how many."""
        super().__init__("sums", "stateful_map steps in a row, 1,000 keys", steps)

    def some(self) -> list[Any]:
        """See base class."""
        return [(f"key{n}", 1) for n in range(self._KEYS)]

    def add_step(self, library: Library, step: int, stream: Any) -> Any:
        """See base class."""
        return library.op.stateful_map(f"sums{step}", stream, latest)

    def loop(self) -> None:
        """See base class."""
        states: list[dict[str, int]] = [{} for _ in range(self._steps)]
        for batch in batches(self._items):
            for state in states:
                batch = [_latest(state, key, value) for key, value in batch]
            self._tail.write_batch(batch)

    def is_right(self) -> bool:
        """See base class."""
        expected = {f"key{n}": 1 + self._steps for n in range(self._KEYS)} if self._count else {}
        return self._tail.count == self._count and dict(self._tail.last) == expected


def latest(state: int | None, value: int) -> tuple[int, int]:
    """Keep a value, and emit one more: numbers stay small, however many steps there are."""
    return value, value + 1


def _latest(states: dict[str, int], key: str, value: int) -> tuple[str, int]:
    states[key], emitted = latest(states.get(key), value)
    return key, emitted


@dataclass(frozen=True)
class Scale:
    """One line: what grows, the jobs with their counts of items, and what a cost is shared by."""

    text: str
    sizes: Sequence[int]
    job: Callable[[int], tuple[Workload, int]]
    shared_by: Callable[[int], int] = lambda _: 1


def scales(quick: bool) -> list[Scale]:
    """Choose the sizes."""
    items = (10_000, 100_000, 1_000_000) if quick else (100_000, 1_000_000, 10_000_000)
    keys = (10, 1_000, 100_000) if quick else (10, 10_000, 1_000_000)
    steps = (1, 10, 100)
    # Many a key: else it is the first item of each key that is measured. Those of windows lie in
    # memory, one by one.
    many, in_memory, chained = 20 * keys[-1], 10 * keys[-1], keys[-1]
    return [
        Scale("items; map, filter, map", items, lambda n: (StatelessChain(), n)),
        Scale("items; fold_final, 400 keys", items, lambda n: (FoldFinal(), n)),
        Scale("keys; stateful_map", keys, lambda n: (Keys(n), many)),
        Scale("keys; fold_window, tumbling", keys, lambda n: (WindowKeys(n), in_memory)),
        Scale("steps; map", steps, lambda n: (Maps(n), chained), lambda n: n),
        Scale("steps; stateful_map", steps, lambda n: (Sums(n), chained), lambda n: n),
    ]


def measure(scale: Scale, sides: Sequence[Side], rounds: int) -> list[Measured]:
    """Run the sizes of a line in turn; return a row for each size."""
    rows = []
    for size in scale.sizes:
        job, count = scale.job(size)
        shared = scale.shared_by(size)
        unit = "ns an item" if shared == 1 else "ns an item and step"
        row = Measured(job.name, job.title, unit, 1e9 / shared, job.counts)
        row.line, row.at = scale.text, size
        row.sizes, row.costs = dict.fromkeys(sides, count), {side: [] for side in sides}
        rows.append((row, job))
    for _ in range(rounds):
        for row, job in rows:
            for side in sides:
                row.costs[side].append(job.cost(side, row.sizes[side]))
    return [row for row, _ in rows]


def main() -> int:
    """Measure, as a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser, rounds=3)
    parser.add_argument("--quick", action="store_true", help="sizes a tenth, one round")
    parser.add_argument("--bytewax", action="store_true", help="Bytewax too; takes long")
    parser.add_argument("--only", default="", help="lines with these words in them")
    parser.add_argument("--one", nargs=4, metavar=("ROW", "SIDE", "COUNT", "SETTING"))
    args = parser.parse_args()
    chosen = [scale for scale in scales(args.quick) if args.only in scale.text]
    if args.one:
        return run_one(*args.one)
    if not chosen:
        parser.error(
            f"no line has {args.only!r}; there are: "
            + ", ".join(scale.text for scale in scales(args.quick))
        )
    sides = installed([CPPWAX, LOOP, *([BYTEWAX] if args.bytewax else [])])
    piece = Piece.begin("growth")
    print(f"{report.machine(piece)}\n\n{growth_table.HEAD}", flush=True)
    rounds = args.rounds or (1 if args.quick else 3)
    for scale in chosen:
        rows = measure(scale, sides, rounds)
        for row in rows:
            piece.add(row, args.json)
        print(growth_table.lines(rows), flush=True)
    print("\nall results right")
    return 0


def run_one(name: str, side: str, count: str, setting: str) -> int:
    """Be the process of one run."""
    jobs = [
        scale.job(n)[0] for quick in (False, True) for scale in scales(quick) for n in scale.sizes
    ]
    job = next(job for job in jobs if job.name == name)
    return job.run_here(job.sides[int(side)], int(count), int(setting))


if __name__ == "__main__":
    sys.exit(main())
