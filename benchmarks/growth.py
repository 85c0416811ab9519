"""Does an item cost the same however many items, keys and steps there are?

Each line is one job in three sizes. What grows by more than a logarithm would make a large job
impossible, however fast a small one is. The plain loop is beside it, because the processor's caches
make it dearer too to have many keys. A step of a chain costs what the whole chain costs, over the
number of its steps.
"""

from __future__ import annotations

import argparse
import random
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median
from typing import Any

from benchmarks import report
from benchmarks.keyed import FoldFinal, running_sum
from benchmarks.stateless_chain import StatelessChain
from benchmarks.windows import KINDS, Windows
from benchmarks.workload import (
    BATCH,
    BYTEWAX,
    CPPWAX,
    LOOP,
    Cost,
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
    many = 4 * keys[-1]
    chained = many // 4

    return [
        Scale("items; map, filter, map", items, lambda n: (StatelessChain(), n)),
        Scale("items; fold_final, 400 keys", items, lambda n: (FoldFinal(), n)),
        Scale("keys; stateful_map", keys, lambda n: (Keys(n), many)),
        Scale("keys; fold_window, tumbling", keys, lambda n: (WindowKeys(n), many)),
        Scale("steps; map", steps, lambda n: (Maps(n), chained), lambda n: n),
        Scale("steps; stateful_map", steps, lambda n: (Sums(n), chained), lambda n: n),
    ]


def measure(chosen: Iterable[Scale], sides: Sequence[Side], rounds: int) -> None:
    """Run the sizes of each line in turn, and print medians."""
    print("| what grows | side | sizes | CPU, ns an item | the last over the first | memory, MB |")
    print("|---|---|---|---|---|---|")
    for scale in chosen:
        costs: dict[tuple[Side, int], list[Cost]] = {
            (side, size): [] for side in sides for size in scale.sizes
        }
        for _ in range(rounds):
            for side, size in costs:
                row, count = scale.job(size)
                costs[side, size].append(row.cost(side, count))
        for side in sides:
            of_side = [costs[side, size] for size in scale.sizes]
            print(f"| {scale.text} | {side.label} | {line(scale, of_side)} |", flush=True)


def line(scale: Scale, costs: Sequence[Sequence[Cost]]) -> str:
    """Show what the sizes cost of which there are so many rounds each."""
    figures = [
        [cost.cpu * 1e9 / scale.shared_by(size) for cost in of_size]
        for size, of_size in zip(scale.sizes, costs, strict=True)
    ]
    last = median(
        last / max(first, 1e-9) for first, last in zip(figures[0], figures[-1], strict=True)
    )
    cells = (
        " / ".join(f"{size:,}" for size in scale.sizes),
        " / ".join(f"{median(figure):,.0f}" for figure in figures),
        f"{last:.2f}",
        " / ".join(f"{median(cost.memory or 0 for cost in of_size):,.0f}" for of_size in costs),
    )
    return " | ".join(cells)


def main() -> int:
    """Measure, as a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how many interleaved rounds (3)")
    parser.add_argument("--quick", action="store_true", help="sizes a tenth, one round")
    parser.add_argument("--bytewax", action="store_true", help="Bytewax too; takes long")
    parser.add_argument("--only", default="", help="lines with these words in them")
    parser.add_argument("--one", nargs=4, metavar=("ROW", "SIDE", "COUNT", "SETTING"))
    args = parser.parse_args()
    chosen = [scale for scale in scales(args.quick) if args.only in scale.text]
    if args.one:
        name, side, count, setting = args.one
        rows = [
            scale.job(n)[0]
            for quick in (False, True)
            for scale in scales(quick)
            for n in scale.sizes
        ]
        row = next(row for row in rows if row.name == name)
        return row.run_here(row.sides[int(side)], int(count), int(setting))
    if not chosen:
        parser.error(
            f"no line has {args.only!r}; there are: "
            + ", ".join(scale.text for scale in scales(args.quick))
        )
    sides = [CPPWAX, LOOP, *([BYTEWAX] if args.bytewax and find_spec("bytewax") else [])]
    print(f"{report.machine()}\n")
    measure(chosen, sides, 1 if args.quick else args.rounds)
    print("\nall results right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
