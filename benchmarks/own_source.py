"""What does an item cost that comes alone, from a source that the user wrote, through a map?"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.batch_size_one import has_low_bytes
from benchmarks.harness import main
from benchmarks.stateless_chain import low_byte
from benchmarks.workload import BYTEWAX, CPPWAX, Library, Workload, derived, part_of


class NumbersPart:
    """Gives one integer a call."""

    def __init__(self, count: int) -> None:
        """Start at zero."""
        self._numbers = iter(range(count))

    def next_batch(self) -> list[int]:
        """Give one; `next` says when they are over."""
        return [next(self._numbers)]


class OwnSource(Workload):
    """See the module."""

    name = "own_source"
    title = "a user's DynamicSource, whose batches have one item; map"
    sides = (CPPWAX, BYTEWAX)
    bars = (part_of("must", 6), part_of("should", 10))

    def prepare(self, count: int, setting: int) -> None:
        """See base class."""
        self._count = count
        self._out: list[int] = []

    def flow(self, library: Library) -> Any:
        """See base class."""
        op, count = library.op, self._count
        part = derived(NumbersPart, library.inputs.StatelessSourcePartition)

        class Numbers:
            def build(self, step_id: str, worker_index: int, worker_count: int) -> Any:
                return part(count)

        source = derived(Numbers, library.inputs.DynamicSource)()
        flow = library.dataflow.Dataflow(self.name)
        low = op.map("low", op.input("numbers", flow, source), low_byte)
        op.output("out", low, library.testing.TestingSink(self._out))
        return flow

    def is_right(self) -> bool:
        """See base class."""
        return has_low_bytes(self._out, self._count)


ROWS = (OwnSource(),)

if __name__ == "__main__":
    sys.exit(main(ROWS))
