"""What does an item cost that comes alone, from `TestingSource(range(N))`, through a map?"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.harness import main
from benchmarks.stateless_chain import low_byte
from benchmarks.workload import Library, Workload, part_of


class BatchSizeOne(Workload):
    """See the module."""

    name = "batch_size_one"
    title = "TestingSource(range(N)), whose batches have one item; map"
    bars = (part_of("must", 10), part_of("should", 25))

    def prepare(self, count: int, setting: int) -> None:
        """See base class."""
        self._count = count
        self._out: list[int] = []

    def flow(self, library: Library) -> Any:
        """See base class."""
        op, testing = library.op, library.testing
        flow = library.dataflow.Dataflow(self.name)
        numbers = op.input("numbers", flow, testing.TestingSource(range(self._count)))
        low = op.map("low", numbers, low_byte)
        op.output("out", low, testing.TestingSink(self._out))
        return flow

    def loop(self) -> None:
        """See base class."""
        self._out += [low_byte(number) for number in range(self._count)]

    def is_right(self) -> bool:
        """See base class."""
        return has_low_bytes(self._out, self._count)


def has_low_bytes(out: list[int], count: int) -> bool:
    """Tell whether these are the low bytes of the integers below `count`, in their order."""
    expected = list(range(256))
    blocks = (out[at : at + 256] for at in range(0, count, 256))
    return len(out) == count and all(block == expected[: len(block)] for block in blocks)


ROWS = (BatchSizeOne(),)

if __name__ == "__main__":
    sys.exit(main(ROWS))
