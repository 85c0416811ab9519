"""What tests of recovery have in common: sources and sinks with partitions, runs that wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from cppwax.dataflow import Dataflow
from cppwax.inputs import FixedPartitionedSource, StatefulSourcePartition
from cppwax.outputs import FixedPartitionedSink, StatefulSinkPartition
from cppwax.recovery import RecoveryConfig
from cppwax.testing import run_main

TIMEOUT_SECS = 30


class TwoEach(FixedPartitionedSource[Any, int]):
    """Partitions of two items each: of `a`, these are `("a1", 1)` and `("a2", 2)`."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)

    def list_parts(self) -> list[str]:
        return self.names

    def build_part(self, _step_id: str, for_part: str, state: int | None) -> Any:
        class Part(StatefulSourcePartition[Any, int]):
            at = state or 0

            def next_batch(self) -> list[Any]:
                if self.at == 2:
                    raise StopIteration
                self.at += 1
                return [(f"{for_part}{self.at}", self.at)]

            def snapshot(self) -> int:
                return self.at

        return Part()


class AppendingSink(FixedPartitionedSink[int, int]):
    """Partitions that append `(partition, value)` to one list; the key ends in the number of it."""

    def __init__(self, out: list[tuple[str, int]], *names: str) -> None:
        self.out = out
        self.names = list(names)

    def list_parts(self) -> list[str]:
        return self.names

    def part_fn(self, item_key: str) -> int:
        return int(item_key[-1])

    def build_part(self, _step_id: str, for_part: str, _state: int | None) -> Any:
        out = self.out

        class Part(StatefulSinkPartition[int, int]):
            def write_batch(self, values: list[int]) -> None:
                out.extend((for_part, value) for value in values)

            def snapshot(self) -> int:
                return 1

        return Part()


@contextmanager
def run_that_waits(
    flow_with: Callable[[Callable[[Any], Any]], Dataflow], store: Path
) -> Iterator[None]:
    """Have a run over a store in a thread, which goes on to its end after the block.

    Args:
        flow_with: Makes the dataflow, given a mapper for one of its steps that waits.
        store: The folder of the store.
    """
    began, may_end = threading.Event(), threading.Event()

    def wait(item: Any) -> Any:
        began.set()
        assert may_end.wait(TIMEOUT_SECS)
        return item

    options = {"epoch_interval": timedelta(0), "recovery_config": RecoveryConfig(store)}
    thread = threading.Thread(target=run_main, args=[flow_with(wait)], kwargs=options)
    thread.start()
    try:
        assert began.wait(TIMEOUT_SECS)
        yield
    finally:
        may_end.set()
        thread.join()
