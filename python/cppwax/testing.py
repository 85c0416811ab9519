"""Sources, sinks and entry points for tests, notebooks and trying things out.

>>> import cppwax.operators as op
>>> from cppwax.dataflow import Dataflow
>>> out = []
>>> flow = Dataflow("example")
>>> inp = op.input("inp", flow, TestingSource([1, 2, 3]))
>>> doubled = op.map("double", inp, lambda x: x * 2)
>>> op.output("out", doubled, TestingSink(out))
>>> run_main(flow)
>>> out
[2, 4, 6]
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from cppwax._cluster import check_addresses, check_process_id, cluster_of
from cppwax._entry import run_in_this_process
from cppwax.dataflow import Dataflow
from cppwax.inputs import (
    AbortExecution,
    FixedPartitionedSource,
    StatefulSourcePartition,
    StatelessSourcePartition,
)
from cppwax.outputs import DynamicSink, StatelessSinkPartition

if TYPE_CHECKING:
    from cppwax.recovery import RecoveryConfig

__all__ = [
    "TestingSink",
    "TestingSource",
    "TimeTestingGetter",
    "cluster_main",
    "ffwd_iter",
    "poll_next_batch",
    "run_main",
]

X = TypeVar("X")


def run_main(
    flow: Dataflow,
    *,
    epoch_interval: timedelta | None = None,
    recovery_config: RecoveryConfig | None = None,
) -> None:
    """Run a dataflow to its end with one worker, on the calling thread.

    Args:
        flow: What to run. It can be run again.
        epoch_interval: Time from one epoch to the next; `None` is 10 seconds. With an interval
            of zero every batch of a source is an epoch of its own.
        recovery_config: Where to keep states, and to go on from; `None` keeps none.

    Raises:
        CppwaxRuntimeError: The dataflow failed; the end of its `__cause__` chain is what was
            raised, and its message names the step.
        KeyboardInterrupt: The run was interrupted.
        TypeError: An argument is of the wrong type.
    """
    run_in_this_process(
        flow,
        worker_count=1,
        on_caller_thread=True,
        epoch_interval=epoch_interval,
        recovery_config=recovery_config,
    )


def cluster_main(
    flow: Dataflow,
    addresses: Sequence[str] | None,
    proc_id: int,
    *,
    epoch_interval: timedelta | None = None,
    recovery_config: RecoveryConfig | None = None,
    worker_count_per_proc: int = 1,
) -> None:
    """Run a dataflow to its end with several workers, each on a thread of its own.

    With several addresses this is one process of a cluster; it waits for the others. A secret
    comes from the environment, as `cppwax.run` has it.

    Args:
        flow: What to run. It can be run again.
        addresses: `host:port` of each process; `None`, none or one of them is a single process.
        proc_id: Which of the processes this is; 0 for a single one.
        epoch_interval: Time from one epoch to the next; `None` is 10 seconds. With an interval
            of zero every batch of a source is an epoch of its own.
        recovery_config: Where to keep states, and to go on from; `None` keeps none.
        worker_count_per_proc: How many workers to run; the same on all processes.

    Raises:
        ClusterError: The processes could not meet, or one was lost.
        CppwaxRuntimeError: The dataflow failed; the end of its `__cause__` chain is what was
            raised, and its message names the step.
        KeyboardInterrupt: The run was interrupted.
        TypeError: An argument is of the wrong type.
        ValueError: An argument makes no sense.
    """
    given = check_addresses(addresses or ["localhost:2101"])
    check_process_id(proc_id, given)
    cluster = cluster_of(given, proc_id, os.environ)
    run_in_this_process(
        flow,
        worker_count=worker_count_per_proc,
        on_caller_thread=False,
        epoch_interval=epoch_interval,
        recovery_config=recovery_config,
        cluster=cluster,
    )


class _Mark:
    """Base of what a `TestingSource` does not emit but act on: one test an item tells them."""


class _IterSourcePartition(StatefulSourcePartition[X, int]):
    """Emit from an iterable, acting on the marks in it.

    The index that it resumes from counts items and ends of input, but no pauses and no aborts
    that were passed; on resume so many elements of any kind are skipped, which after an abort
    emits some items again, as a real source does.
    """

    def __init__(self, ib: Iterable[Any], batch_size: int, resume_state: int | None) -> None:
        self._index = 0 if resume_state is None else resume_state
        self._batch_size = batch_size
        self._it = iter(ib)
        ffwd_iter(self._it, self._index)
        self._raise: Exception | None = None
        self._next_awake: datetime | None = None

    def next_batch(self) -> list[X]:
        if self._raise is not None:
            raise self._raise
        self._next_awake = None
        items: list[X] = []
        for item in self._it:
            if isinstance(item, _Mark):
                if self._act_on(item):
                    break
                continue
            items.append(item)
            if len(items) >= self._batch_size:
                break
        else:
            self._raise = StopIteration()
            if not items:
                raise self._raise
        self._index += len(items)
        return items

    def _act_on(self, mark: _Mark) -> bool:
        """Return whether the batch ends here."""
        if isinstance(mark, TestingSource.EOF):
            self._raise = StopIteration()
            # Skipped when the source is resumed.
            self._index += 1
        elif isinstance(mark, TestingSource.ABORT):
            if mark._triggered:
                return False
            self._raise = AbortExecution()
            mark._triggered = True
        elif isinstance(mark, TestingSource.PAUSE):
            self._next_awake = datetime.now(timezone.utc) + mark.for_duration
        return True

    def next_awake(self) -> datetime | None:
        return self._next_awake

    def snapshot(self) -> int:
        return self._index


class TestingSource(FixedPartitionedSource[X, int]):
    """Emit the items of an iterable, on one worker.

    Marks among the items, `EOF`, `ABORT` and `PAUSE`, stand for what happens to real sources.
    They end the batch that is being made, which may thus be short or empty.

    The iterable is iterated anew for each run; give something that allows it, such as a list,
    where the flow is run more than once.

    >>> source = TestingSource([1, 2, TestingSource.EOF(), 3], batch_size=10)
    >>> part = source.build_part("flow.inp", "iterable", None)
    >>> part.next_batch()
    [1, 2]
    >>> source.build_part("flow.inp", "iterable", part.snapshot()).next_batch()
    [3]
    """

    # Or pytest would take it for a test.
    __test__ = False

    @dataclass
    class EOF(_Mark):
        """Be at the end of the input; a resumed run goes on behind it."""

    @dataclass
    class ABORT(_Mark):
        """End the run as if it were killed, the first time that this mark is met.

        A mark remembers that it was met; make a new one for each test.
        """

        _triggered: bool = False

    @dataclass
    class PAUSE(_Mark):
        """Emit nothing for a while."""

        for_duration: timedelta

    def __init__(self, ib: Iterable[X | EOF | ABORT | PAUSE], batch_size: int = 1) -> None:
        """Choose what to emit.

        Args:
            ib: Items and marks.
            batch_size: How many items to emit at once.
        """
        self._ib = ib
        self._batch_size = batch_size

    def list_parts(self) -> list[str]:
        """Name the only partition."""
        return ["iterable"]

    def build_part(
        self, step_id: str, for_part: str, resume_state: int | None
    ) -> _IterSourcePartition[X]:
        """Start emitting; see `FixedPartitionedSource.build_part`."""
        return _IterSourcePartition(self._ib, self._batch_size, resume_state)


class _ListSinkPartition(StatelessSinkPartition[X]):
    def __init__(self, ls: list[X]) -> None:
        self._ls = ls

    def write_batch(self, items: list[X]) -> None:
        self._ls += items


class TestingSink(DynamicSink[X]):
    """Append all items to a list.

    The workers of a process share it.
    """

    # Or pytest would take it for a test.
    __test__ = False

    def __init__(self, ls: list[X]) -> None:
        """Choose the list.

        Args:
            ls: List to append to. It is not emptied when a run starts.
        """
        self._ls = ls

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _ListSinkPartition[X]:
        """Open this worker's writer; see `DynamicSink.build`."""
        return _ListSinkPartition(self._ls)


@dataclass
class TimeTestingGetter:
    """A clock that stands still until it is told to advance.

    Pass its `get` where a function that returns the current time is asked for.

    >>> clock = TimeTestingGetter(datetime(2024, 1, 1, tzinfo=timezone.utc))
    >>> clock.advance(timedelta(hours=1))
    >>> clock.get().hour
    1
    """

    now: datetime

    def advance(self, td: timedelta) -> None:
        """Let time pass.

        Args:
            td: How much.
        """
        self.now += td

    def get(self) -> datetime:
        """Return the time it is."""
        return self.now


def ffwd_iter(it: Iterator[Any], n: int) -> None:
    """Skip elements of an iterator.

    >>> it = iter("abc")
    >>> ffwd_iter(it, 2)
    >>> next(it)
    'c'

    Args:
        it: What to advance.
        n: How many elements to skip; fewer if there are no more.

    Raises:
        ValueError: `n` is negative.
    """
    deque(islice(it, n, n), maxlen=0)


def poll_next_batch(
    part: StatefulSourcePartition[X, Any] | StatelessSourcePartition[X],
    timeout: timedelta = timedelta(seconds=5),
) -> list[X]:
    """Call `next_batch` of a source partition until it returns items.

    Args:
        part: What to poll, as often as it can be.
        timeout: How long to try.

    Returns:
        The first batch that is not empty.

    Raises:
        StopIteration: The partition came to its end.
        TimeoutError: There were no items in time.
    """
    deadline = time.monotonic() + timeout.total_seconds()
    while True:
        batch = part.next_batch()
        items = batch if isinstance(batch, list) else list(batch)
        if items:
            return items
        if time.monotonic() > deadline:
            raise TimeoutError(f"{part!r} returned no items within {timeout}")


def _main() -> None:
    from cppwax.run import main

    main("python -m cppwax.testing")


def _main_of_child() -> None:
    from cppwax._compat_options import install_in_child

    install_in_child()


if __name__ == "__main__":
    _main()
elif __name__ == "__mp_main__":
    _main_of_child()
