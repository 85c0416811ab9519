"""What do stateful_map, fold_final and join cost an item, on one worker?"""

from __future__ import annotations

import sys
from itertools import chain, repeat
from typing import Any

from benchmarks.harness import main
from benchmarks.workload import (
    BATCH,
    GRAIN,
    Bar,
    Library,
    Tail,
    Workload,
    at_most,
    batches,
    part_of,
    repeated,
)


def running_sum(state: int | None, value: int) -> tuple[int, int]:
    """Add up, and emit the sum so far."""
    total = value if state is None else state + value
    return (total, total)


def add(state: int, value: int) -> int:
    """Add up."""
    return state + value


def counts(count: int, keys: int) -> dict[str, int]:
    """Return how often each key occurs among so many items."""
    return {f"key{n}": count // keys for n in range(keys)} if count else {}


class StatefulMap(Workload):
    """See the module."""

    name = "stateful_map"
    title = "running sums by stateful_map; 1,000 keys, batches of 1,000"
    bars = (part_of("must", 10), at_most("should", 1.0))
    _KEYS = 1000

    def prepare(self, count: int, setting: int) -> None:
        """See base class."""
        self._count = count
        self._items = repeated([(f"key{n % self._KEYS}", 1) for n in range(GRAIN)], count)
        self._tail = Tail()

    def flow(self, library: Library) -> Any:
        """See base class."""
        op = library.op
        flow = library.dataflow.Dataflow(self.name)
        items = op.input("items", flow, library.testing.TestingSource(self._items, BATCH))
        sums = op.stateful_map("sums", items, running_sum)
        op.output("out", sums, self._tail.sink(library))
        return flow

    def loop(self) -> None:
        """See base class."""
        states: dict[str, int] = {}
        for batch in batches(self._items):
            out = []
            for key, value in batch:
                states[key], emitted = running_sum(states.get(key), value)
                out.append((key, emitted))
            self._tail.write_batch(out)

    def is_right(self) -> bool:
        """See base class."""
        last = dict(self._tail.last)
        return self._tail.count == self._count and last == counts(self._count, self._KEYS)


class FoldFinal(Workload):
    """See the module."""

    name = "fold_final"
    title = "sums by fold_final; 400 keys, batches of 1,000"
    bars: tuple[Bar, ...] = (part_of("must", 5), at_most("should", 0.9))
    _KEYS = 400

    def prepare(self, count: int, setting: int) -> None:
        """See base class."""
        self._count = count
        self._items = repeated([(f"key{n % self._KEYS}", 1) for n in range(GRAIN)], count)
        self._out: list[tuple[str, int]] = []

    def flow(self, library: Library) -> Any:
        """See base class."""
        op, testing = library.op, library.testing
        flow = library.dataflow.Dataflow(self.name)
        items = op.input("items", flow, testing.TestingSource(self._items, BATCH))
        op.output("out", op.fold_final("fold", items, int, add), testing.TestingSink(self._out))
        return flow

    def loop(self) -> None:
        """See base class."""
        states: dict[str, int] = {}
        builder = int
        for key, value in self._items:
            states[key] = add(states[key] if key in states else builder(), value)
        self._out += states.items()

    def is_right(self) -> bool:
        """See base class."""
        expected = counts(self._count, self._KEYS)
        return dict(self._out) == expected and len(self._out) == len(expected)


class Join(Workload):
    """See the module."""

    name = "join"
    title = "join of two sides, final rows; each key ten times a side; per item of either side"
    bars = (part_of("must", 12), at_most("should", 1.5))
    _TIMES = 10

    def prepare(self, count: int, setting: int) -> None:
        """See base class."""
        self._keys = count // 2 // self._TIMES
        left = [(f"key{n}", n) for n in range(self._keys)]
        right = [(key, -n) for key, n in left]
        self._sides = [chain.from_iterable(repeat(side, self._TIMES)) for side in (left, right)]
        self._out: list[tuple[str, tuple[int, ...]]] = []

    def flow(self, library: Library) -> Any:
        """See base class."""
        op, testing = library.op, library.testing
        flow = library.dataflow.Dataflow(self.name)
        left, right = (
            op.input(name, flow, testing.TestingSource(items, BATCH))
            for name, items in zip(("left", "right"), self._sides, strict=True)
        )
        rows = op.join("join", left, right, emit_mode="final")
        op.output("out", rows, testing.TestingSink(self._out))
        return flow

    def loop(self) -> None:
        """See base class."""
        rows: dict[str, list[Any]] = {}
        for both in zip(*map(batches, self._sides), strict=True):
            for side, batch in enumerate(both):
                for key, value in batch:
                    row = rows.get(key)
                    if row is None:
                        row = rows[key] = [None, None]
                    row[side] = value
        self._out += [(key, tuple(row)) for key, row in rows.items()]

    def is_right(self) -> bool:
        """See base class."""
        expected = {f"key{n}": (n, -n) for n in range(self._keys)}
        return dict(self._out) == expected and len(self._out) == len(expected)


ROWS = (StatefulMap(), FoldFinal(), Join())

if __name__ == "__main__":
    sys.exit(main(ROWS))
