"""Where items come from: the classes to subclass for a custom source.

Choose by what the outside system can do:

- `FixedPartitionedSource`: it has named parts, each of which can be read again from a given
  position (files, topic partitions). Each part is read by one worker; its position is
  snapshotted, so a resumed run goes on where the last one ended.
- `DynamicSource`: every worker can open its own reader and there is no position to go back to
  (a subscription, a socket). Items that were under way when a run ended are lost.
- `SimplePollingSource`: one value is fetched every so often (an HTTP endpoint, a sensor).

The `batch*` functions help to write `next_batch`: they turn iterables and getters into lists of
a useful size. Items move through a dataflow in the lists that `next_batch` returns, and the cost
of a step is mostly paid for each list, so a source should return many items at once where they
are at hand.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import Generic

from typing_extensions import TypeVar

from cppwax._batching import batch, batch_async, batch_getter, batch_getter_ex

__all__ = [
    "AbortExecution",
    "DynamicSource",
    "FixedPartitionedSource",
    "S",
    "SimplePollingSource",
    "Sn",
    "Source",
    "StatefulSourcePartition",
    "StatelessSourcePartition",
    "X",
    "batch",
    "batch_async",
    "batch_getter",
    "batch_getter_ex",
]

X = TypeVar("X")
"""Type of the items a source emits."""

S = TypeVar("S")
"""Type of the state that a source partition is resumed from."""

Sn = TypeVar("Sn", default=None)
"""Type of a state that is `None` where a source keeps none."""


class AbortExecution(RuntimeError):
    """Raise this from `next_batch` to end the whole run at once.

    The run ends without an exception and without a snapshot, as if the process had been killed
    at this point: what the open epoch did is done again by a resumed run. It is meant for
    tests of recovery and for sources that find that going on makes no sense.
    """


class Source(ABC, Generic[X]):  # noqa: B024 - what a source must have is said by the two kinds
    """Common base of all sources.

    Do not subclass this: subclass `FixedPartitionedSource` or `DynamicSource`.
    """


class StatefulSourcePartition(ABC, Generic[X, S]):
    """A reader of one partition that knows its position."""

    @abstractmethod
    def next_batch(self) -> Iterable[X]:
        """Return the items that can be had now.

        Return an empty list if there are none yet; never block for long, because the worker
        can do nothing else meanwhile.

        Returns:
            Items in order. An iterator is drained at once.

        Raises:
            StopIteration: The partition has come to its end.
            AbortExecution: The whole run is to end at once.
        """
        ...

    def next_awake(self) -> datetime | None:
        """Say when `next_batch` is to be called next.

        Returns:
            A time with a timezone; a past one means at once. `None` leaves it to the engine: at
            once after items came, after a short pause where none did.
        """
        return None

    @abstractmethod
    def snapshot(self) -> S:
        """Return the position from which reading goes on after a resume.

        It is taken after a `next_batch` and stands for everything returned up to then. It must
        be picklable and must not change afterwards.

        Returns:
            What `FixedPartitionedSource.build_part` gets as `resume_state`.
        """
        ...

    def close(self) -> None:
        """Release what the partition holds.

        Called when the run ends: at end of input, on a failure, an abort or a stop; not when
        the process is killed.
        """
        return


class FixedPartitionedSource(Source[X], Generic[X, S]):
    """A source of named partitions that can each be read again from a position."""

    # Whether a partition that is built without a state begins where its outside is at that moment:
    # the engine makes that place durable at once then, without waiting for items or an interval.
    # Not for sources outside this package yet.
    _starts_now = False

    def _found_no_parts(self) -> None:
        """Raise if the input cannot have been meant to be empty.

        Called on every worker where none of them has listed a partition. Not for sources outside
        this package yet.
        """
        return

    @abstractmethod
    def list_parts(self) -> list[str]:
        """Name the partitions that this worker can reach.

        Called on every worker. A partition that several workers name is read by one of them. An
        empty list on all workers is an input that has ended.

        Returns:
            Names, each the same on every worker and in every run.
        """
        ...

    @abstractmethod
    def build_part(
        self, step_id: str, for_part: str, resume_state: S | None
    ) -> StatefulSourcePartition[X, S]:
        """Open a partition.

        Args:
            step_id: Id of the input step.
            for_part: One of the names that `list_parts` returned.
            resume_state: The last snapshot of this partition; `None` starts at its beginning.

        Returns:
            A reader at that position.
        """
        ...


class StatelessSourcePartition(ABC, Generic[X]):
    """A reader without a position."""

    @abstractmethod
    def next_batch(self) -> Iterable[X]:
        """Return the items that can be had now.

        Return an empty list if there are none yet; never block for long, because the worker
        can do nothing else meanwhile.

        Returns:
            Items in order. An iterator is drained at once.

        Raises:
            StopIteration: The partition has come to its end.
            AbortExecution: The whole run is to end at once.
        """
        ...

    def next_awake(self) -> datetime | None:
        """Say when `next_batch` is to be called next.

        Returns:
            A time with a timezone; a past one means at once. `None` leaves it to the engine: at
            once after items came, after a short pause where none did.
        """
        return None

    def close(self) -> None:
        """Release what the partition holds.

        Called when the run ends: at end of input, on a failure, an abort or a stop; not when
        the process is killed.
        """
        return


class DynamicSource(Source[X]):
    """A source of which every worker opens a reader of its own."""

    @abstractmethod
    def build(
        self, step_id: str, worker_index: int, worker_count: int
    ) -> StatelessSourcePartition[X]:
        """Open this worker's reader.

        Args:
            step_id: Id of the input step.
            worker_index: Which worker of the cluster this is, from 0.
            worker_count: How many workers the cluster has.

        Returns:
            A reader. It is up to the source that two workers do not emit the same items.
        """
        ...


class _SimplePollingPartition(StatefulSourcePartition[X, S]):
    """Call a getter at regular times."""

    def __init__(
        self,
        now: datetime,
        interval: timedelta,
        align_to: datetime | None,
        getter: Callable[[], X],
        snapshot: Callable[[], S],
    ) -> None:
        self._interval = interval
        self._getter = getter
        self._snapshot = snapshot
        if align_to is None:
            self._next_awake = now
        else:
            # The first multiple of the interval, counted from `align_to`, that is not past.
            self._next_awake = now + (align_to - now) % interval

    def next_batch(self) -> list[X]:
        try:
            item = self._getter()
        except SimplePollingSource.Retry as ex:
            self._next_awake += ex.timeout
            return []
        # From the time that was due, not from now, so that slow getters do not make it drift.
        self._next_awake += self._interval
        return [] if item is None else [item]

    def next_awake(self) -> datetime | None:
        return self._next_awake

    def snapshot(self) -> S:
        return self._snapshot()


class SimplePollingSource(FixedPartitionedSource[X, Sn]):
    """Fetch one item every so often, on one worker.

    Subclass it and write `next_item`. It is for values that change slowly and are cheap to ask
    for; where an interval must be short or must be met exactly, write a
    `FixedPartitionedSource` with a `next_awake` of its own.

    >>> class Thermometer(SimplePollingSource[float]):
    ...     def next_item(self) -> float:
    ...         return 21.5
    >>> source = Thermometer(timedelta(seconds=10))
    >>> source.build_part("flow.inp", "singleton", None).next_batch()
    [21.5]
    """

    class Retry(Exception):
        """Raise this from `next_item` to be asked again at another time than the next interval."""

        def __init__(self, timeout: timedelta) -> None:
            """Ask for another try.

            Args:
                timeout: How long to wait before the next call.
            """
            super().__init__(timeout)
            self.timeout = timeout

        def __repr__(self) -> str:
            """Show the timeout."""
            return f"SimplePollingSource.Retry(timeout={self.timeout!r})"

        def __eq__(self, other: object) -> bool:
            """Compare timeouts."""
            return isinstance(other, SimplePollingSource.Retry) and self.timeout == other.timeout

        def __hash__(self) -> int:
            """Agree with `__eq__`."""
            return hash(self.timeout)

    def __init__(self, interval: timedelta, align_to: datetime | None = None) -> None:
        """Set when to ask.

        Args:
            interval: Time from one call of `next_item` to the next.
            align_to: Calls are made at whole intervals from this time on, which makes them fall
                on full minutes, say. It needs a timezone. By default the first call is made at
                once.

        Raises:
            TypeError: `align_to` has no timezone.
            ValueError: `align_to` is given with an interval that is not longer than zero.
        """
        if align_to is not None:
            if align_to.tzinfo is None:
                raise TypeError(
                    "align_to must have a timezone; "
                    "add one, for example tzinfo=datetime.timezone.utc"
                )
            if interval <= timedelta(0):
                raise ValueError(
                    f"interval must be longer than zero where align_to is given, not {interval}"
                )
        self._interval = interval
        self._align_to = align_to

    def list_parts(self) -> list[str]:
        """Name the only partition."""
        return ["singleton"]

    def build_part(
        self, _step_id: str, for_part: str, resume_state: Sn | None
    ) -> _SimplePollingPartition[X, Sn]:
        """Start polling; see `FixedPartitionedSource.build_part`."""
        if resume_state is not None:
            self.resume(resume_state)
        return _SimplePollingPartition(
            datetime.now(timezone.utc),
            self._interval,
            self._align_to,
            self.next_item,
            self.snapshot,
        )

    @abstractmethod
    def next_item(self) -> X:
        """Fetch the next item.

        Returns:
            The item; `None` emits nothing this time.

        Raises:
            SimplePollingSource.Retry: Nothing could be had; ask again after the time it gives.
            StopIteration: There is nothing more to come.
        """
        ...

    def snapshot(self) -> Sn:
        """Return what `resume` needs to go on; by default there is nothing to keep.

        Returns:
            A picklable value.
        """
        return None  # type: ignore[return-value]

    def resume(self, resume_state: Sn) -> None:
        """Go on from a snapshot; by default it is ignored.

        Args:
            resume_state: What `snapshot` returned last.
        """
        return
