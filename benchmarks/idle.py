"""How much of a core does a quiet source take, on one worker and on three?

A source says when it wants to be asked again, or leaves it to the engine to ask now and then.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, timezone
from typing import Any

from benchmarks.harness import main
from benchmarks.workload import BYTEWAX, CPPWAX, Bar, Library, Side, Workload, derived

_CPPWAX_THREE = Side("cppwax -w3", "cppwax", 3)
_BYTEWAX_THREE = Side("Bytewax -w3", "bytewax", 3)


class Idle(Workload):
    """A flow without items, for so many milliseconds."""

    unit = "% of a core"
    #: A cost is seconds of a core a millisecond of quiet.
    scale = 1e5
    sides = (CPPWAX, BYTEWAX, _CPPWAX_THREE, _BYTEWAX_THREE)
    bars = (
        Bar("must", 1, "{} %", None),
        Bar("should", 0.1, "{} %", None),
        Bar("must", 3, "{} % on three", None, _CPPWAX_THREE),
        Bar("should", 0.3, "{} % on three", None, _CPPWAX_THREE),
    )
    epoch_interval = timedelta(seconds=1)
    _polled: bool

    def size(self, side: Side, seconds: float) -> int:
        """See base class."""
        return round(seconds * 1000)

    def prepare(self, count: int, setting: int) -> None:
        """See base class."""
        self._length = timedelta(milliseconds=count)
        self._ended = 0
        self._out: list[str] = []

    def flow(self, library: Library) -> Any:
        """See base class."""
        op, row = library.op, self

        class Part:
            def __init__(self) -> None:
                self._until = datetime.now(timezone.utc) + row._length

            def next_batch(self) -> list[str]:
                if datetime.now(timezone.utc) < self._until:
                    return []
                row._ended += 1
                raise StopIteration

            def next_awake(self) -> datetime | None:
                return None if row._polled else self._until

        class Quiet:
            def build(self, step_id: str, worker_index: int, worker_count: int) -> Any:
                return derived(Part, library.inputs.StatelessSourcePartition)()

        flow = library.dataflow.Dataflow(self.name)
        quiet = op.input("quiet", flow, derived(Quiet, library.inputs.DynamicSource)())
        op.output("out", op.map("map", quiet, str.upper), library.testing.TestingSink(self._out))
        return flow

    def is_right(self) -> bool:
        """See base class."""
        return self._ended > 0 and not self._out


class IdleAsleep(Idle):
    """The source names the time of its next item."""

    name = "idle_asleep"
    title = "a source whose next_awake lies in the future; epochs of 1 s"
    _polled = False


class IdlePolled(Idle):
    """The source does not know."""

    name = "idle_polled"
    title = "a source whose next_awake is None, and which has nothing; epochs of 1 s"
    _polled = True


ROWS = (IdleAsleep(), IdlePolled())

if __name__ == "__main__":
    sys.exit(main(ROWS))
