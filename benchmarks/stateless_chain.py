"""What do map, filter, map cost an item, in batches of 1,000?"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.harness import main
from benchmarks.workload import BATCH, GRAIN, Library, Workload, at_most, batches, repeated


def plus_one(number: int) -> int:
    """Go on to the next number."""
    return number + 1


def is_even(number: int) -> bool:
    """Let half of the numbers pass."""
    return number % 2 == 0


def low_byte(number: int) -> int:
    """Return a small number, so that results share objects and take no memory."""
    return number & 255


class StatelessChain(Workload):
    """See the module."""

    name = "stateless_chain"
    title = "map, filter, map; batches of 1,000"
    bars = (at_most("must", 1.3), at_most("should", 1.1))

    def prepare(self, count: int, setting: int) -> None:
        """See base class."""
        block = list(range(GRAIN))
        self._items = repeated(block, count)
        self._blocks = count // GRAIN
        self._block_sum = sum(low_byte(n + 1) for n in block if is_even(n + 1))
        self._out: list[int] = []

    def flow(self, library: Library) -> Any:
        """See base class."""
        op, testing = library.op, library.testing
        flow = library.dataflow.Dataflow(self.name)
        numbers = op.input("numbers", flow, testing.TestingSource(self._items, BATCH))
        even = op.filter("even", op.map("plus", numbers, plus_one), is_even)
        op.output("out", op.map("low", even, low_byte), testing.TestingSink(self._out))
        return flow

    def loop(self) -> None:
        """See base class."""
        for batch in batches(self._items):
            self._out += [low_byte(m) for n in batch if is_even(m := plus_one(n))]

    def is_right(self) -> bool:
        """See base class."""
        count, total = GRAIN // 2 * self._blocks, self._block_sum * self._blocks
        return len(self._out) == count and sum(self._out) == total


ROWS = (StatelessChain(),)

if __name__ == "__main__":
    sys.exit(main(ROWS))
