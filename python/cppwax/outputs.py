"""Where items go: the classes to subclass for a custom sink.

Choose by what the outside system can do:

- `FixedPartitionedSink`: it has a fixed set of named parts, and each can go back to a position
  (files that are truncated, say). Items are `(key, value)` pairs, the key chooses the part, and
  a resumed run can write each value exactly once. If it has transactions instead (a database),
  make the parts `TransactionalSinkPartition`s.
- `DynamicSink`: every worker can open its own writer. Values that were written in the epoch that
  a failed run left open are written again by the resumed one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar
from zlib import adler32

__all__ = [
    "DynamicSink",
    "FixedPartitionedSink",
    "S",
    "Sink",
    "StatefulSinkPartition",
    "StatelessSinkPartition",
    "TransactionalSinkPartition",
    "X",
]

X = TypeVar("X")
"""Type of the items a sink writes."""

S = TypeVar("S")
"""Type of the state that a sink partition is resumed from."""


class Sink(ABC, Generic[X]):  # noqa: B024 - what a sink must have is said by the two kinds
    """Common base of all sinks.

    Do not subclass this: subclass `FixedPartitionedSink` or `DynamicSink`.
    """


class StatefulSinkPartition(ABC, Generic[X, S]):
    """A writer of one partition that knows its position."""

    @abstractmethod
    def write_batch(self, values: list[X]) -> None:
        """Write values.

        Args:
            values: Values in order, without their keys. The list is the writer's to keep.
        """
        ...

    @abstractmethod
    def snapshot(self) -> S:
        """Return the position to go back to on a resume.

        It stands for everything written up to now, so make sure that this has left the process's
        buffers. It must be picklable and must not change afterwards.

        Returns:
            What `FixedPartitionedSink.build_part` gets as `resume_state`.
        """
        ...

    def close(self) -> None:
        """Release what the partition holds.

        Called when the run ends: at end of input, on a failure, an abort or a stop; not when
        the process is killed.
        """
        return


class TransactionalSinkPartition(StatefulSinkPartition[X, S]):
    """A writer to a system with transactions; only for runs with a recovery store.

    What the outside system has committed cannot be taken back at a resume. So such a partition
    keeps what is given to `write_batch` until the epoch is durable, and commits it then:

    1. `prepare(epoch)` says that all values since the call before are of this epoch, which is over.
    2. `snapshot()` follows at once and returns all values that are not committed yet, with their
       epochs.
    3. `committed(epoch)` says that no resume can go back behind this epoch any more. Commit the
       values of all epochs up to it, and in the same transaction write down the epoch.

    A run may die after 3 was due, before or after the transaction. So the next one calls
    `committed` first, with the epoch that it goes on from: commit then of the values in
    `resume_state` those of epochs up to it that are greater than the one written down. That makes
    each value appear exactly once. Epochs of a recovery store are never used twice.

    `examples/sqlite_sink.py` is one.
    """

    @abstractmethod
    def prepare(self, epoch: int) -> None:
        """Hear that an epoch is over in which there were values.

        Args:
            epoch: The epoch of all values since the last call.
        """
        ...

    @abstractmethod
    def committed(self, epoch: int) -> None:
        """Commit what was prepared.

        Not called after a failure, an abort or a kill: the next run over the store does it.

        Args:
            epoch: All epochs up to this one are durable. It grows from call to call; not every
                epoch has a call of its own.
        """
        ...


class FixedPartitionedSink(Sink[tuple[str, X]], Generic[X, S]):
    """A sink of named partitions that can each go back to a position.

    Its items are `(key, value)` pairs. All values of a key go to the same partition, in order.
    """

    @abstractmethod
    def list_parts(self) -> list[str]:
        """Name the partitions that this worker can reach.

        Called on every worker. A partition that several workers name is written by one of them.

        Returns:
            Names, each the same on every worker and in every run.
        """
        ...

    def part_fn(self, item_key: str) -> int:
        """Choose the partition of a key.

        The result modulo the number of partitions is the index into the sorted names. It must
        be the same in every process and every run: the built-in `hash` is not.

        >>> class Sink(FixedPartitionedSink[str, None]):
        ...     def list_parts(self):
        ...         return ["a", "b"]
        ...
        ...     def build_part(self, step_id, for_part, resume_state): ...
        >>> Sink().part_fn("key")
        42402122

        Args:
            item_key: Key of an item.

        Returns:
            A number from 0 on; by default the Adler-32 sum of the key's UTF-8 bytes.
        """
        return adler32(item_key.encode())

    @abstractmethod
    def build_part(
        self, step_id: str, for_part: str, resume_state: S | None
    ) -> StatefulSinkPartition[X, S]:
        """Open a partition.

        Args:
            step_id: Id of the output step.
            for_part: One of the names that `list_parts` returned.
            resume_state: The last snapshot of this partition; `None` starts anew.

        Returns:
            A writer at that position. What lies behind it was written in an epoch that the last
            run did not finish, and will be written again: overwrite it.
        """
        ...


class StatelessSinkPartition(ABC, Generic[X]):
    """A writer without a position."""

    @abstractmethod
    def write_batch(self, items: list[X]) -> None:
        """Write items.

        Args:
            items: Items in order. The list is the writer's to keep.
        """
        ...

    def end_epoch(self) -> None:
        """Wait until all that was written has arrived where it is to be.

        Called when an epoch is over in which there were items, at the end of the input and at a
        stop; not after a failure or an abort. Only when it has returned can the epoch become
        durable, so that a resumed run does not write its items again. A writer that hands items on
        in the background, and waits for them here alone, loses none, and does not wait for each
        batch. By default it does nothing.
        """
        return

    def close(self) -> None:
        """Release what the partition holds.

        Called when the run ends: at end of input, on a failure, an abort or a stop; not when
        the process is killed.
        """
        return


class DynamicSink(Sink[X]):
    """A sink of which every worker opens a writer of its own."""

    @abstractmethod
    def build(
        self, step_id: str, worker_index: int, worker_count: int
    ) -> StatelessSinkPartition[X]:
        """Open this worker's writer.

        Args:
            step_id: Id of the output step.
            worker_index: Which worker of the cluster this is, from 0.
            worker_count: How many workers the cluster has.

        Returns:
            A writer.
        """
        ...
