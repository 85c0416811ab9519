"""Small flows for tests of meaning: sources that do as told, and what a failed run must say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from threading import get_ident
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

import cppwax.operators as op
from cppwax.dataflow import Dataflow, Stream
from cppwax.errors import CppwaxRuntimeError
from cppwax.inputs import (
    DynamicSource,
    FixedPartitionedSource,
    Source,
    StatefulSourcePartition,
    StatelessSourcePartition,
)
from cppwax.outputs import DynamicSink, StatelessSinkPartition
from cppwax.testing import TestingSink, TestingSource

if TYPE_CHECKING:
    from tests.python.conftest import EntryPoint

# A run takes milliseconds, but on a busy machine any of them may take long.
few_examples = settings(max_examples=40, deadline=None)
"""For `hypothesis` tests that run a flow for each example."""

very_few_examples = settings(max_examples=8, deadline=None)
"""The same where each example takes several runs over a store."""

Step = Callable[[Stream[Any]], Stream[Any]]


def through(run: EntryPoint, items: Iterable[Any], step: Step, batch: int = 1) -> list[Any]:
    """Run a step over items.

    Args:
        run: An entry point.
        items: What the source gives.
        step: Gets the stream of the items; gives the stream to look at.
        batch: How many items the source gives at once.

    Returns:
        What came out, in order of arrival.
    """
    return from_source(run, TestingSource(items, batch), step)


def from_source(run: EntryPoint, source: Source[Any], step: Step) -> list[Any]:
    """Run a step over what a source gives; see `through`."""
    out: list[Any] = []
    flow = Dataflow("flow")
    op.output("out", step(op.input("inp", flow, source)), TestingSink(out))
    run(flow)
    return out


def root_of(ex: BaseException) -> BaseException:
    """Follow the causes to the first exception."""
    while ex.__cause__ is not None:
        ex = ex.__cause__
    return ex


@contextmanager
def fails(
    cls: type[BaseException], match: str | None = None, step: str = "flow.step"
) -> Iterator[None]:
    """Expect a run to fail in a step.

    Args:
        cls: The type of the first exception.
        match: A pattern that its message matches.
        step: What the message of the run's exception names.
    """
    with pytest.raises(CppwaxRuntimeError) as caught:
        yield
    assert step in str(caught.value)
    with pytest.raises(cls, match=match) as first:
        raise root_of(caught.value)
    assert first.type is cls


@contextmanager
def fails_bare(cls: type[BaseException], match: str | None = None) -> Iterator[None]:
    """Expect a run to fail with an exception that nothing wraps."""
    with pytest.raises(cls, match=match) as caught:
        yield
    assert caught.type is cls


def by_key(items: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    """Group the values of keyed items, each key's in order."""
    groups: dict[str, list[Any]] = defaultdict(list)
    for key, value in items:
        groups[key].append(value)
    return dict(groups)


@dataclass
class _ListedPartition(StatefulSourcePartition[Any, int]):
    batches: Iterator[list[Any]]
    given: int = 0

    def next_batch(self) -> list[Any]:
        batch = next(self.batches)
        self.given += 1
        return batch

    def snapshot(self) -> int:
        return self.given


@dataclass
class Parts(FixedPartitionedSource[Any, int]):
    """A source of several partitions, spread over the workers: for each, its batches."""

    parts: dict[str, list[list[Any]]]
    readers: list[tuple[str, int]] = field(default_factory=list)
    """Partition and thread, for each partition that was built."""

    def list_parts(self) -> list[str]:
        return list(self.parts)

    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> _ListedPartition:
        self.readers.append((for_part, get_ident()))
        return _ListedPartition(iter(self.parts[for_part]))


@dataclass
class _TimedPartition(StatefulSourcePartition[Any, int]):
    batches: list[tuple[float, list[Any]]]
    last: datetime
    given: int = 0

    def next_batch(self) -> list[Any]:
        if self.given == len(self.batches):
            raise StopIteration()
        self.last = datetime.now(timezone.utc)
        self.given += 1
        return self.batches[self.given - 1][1]

    def next_awake(self) -> datetime | None:
        if self.given == len(self.batches):
            return None
        return self.last + timedelta(seconds=self.batches[self.given][0])

    def snapshot(self) -> int:
        return self.given


@dataclass
class Timed(FixedPartitionedSource[Any, int]):
    """A source of one partition that gives each batch so many seconds after the one before."""

    batches: list[tuple[float, list[Any]]]

    def list_parts(self) -> list[str]:
        return ["timed"]

    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> _TimedPartition:
        return _TimedPartition(self.batches, datetime.now(timezone.utc))


@dataclass
class _ListedReader(StatelessSourcePartition[Any]):
    batches: Iterator[list[Any]]

    def next_batch(self) -> list[Any]:
        return next(self.batches)


@dataclass
class OnEachWorker(DynamicSource[Any]):
    """A source that gives, on each worker, what a function of the worker's index makes."""

    batches: Callable[[int], list[list[Any]]]
    built: list[tuple[str, int, int]] = field(default_factory=list)

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _ListedReader:
        self.built.append((step_id, worker_index, worker_count))
        return _ListedReader(iter(self.batches(worker_index)))


@dataclass
class _WorkerPartition(StatelessSinkPartition[Any]):
    worker: int
    batches: list[tuple[int, list[Any]]]

    def write_batch(self, items: list[Any]) -> None:
        self.batches.append((self.worker, items))


@dataclass
class BatchSink(DynamicSink[Any]):
    """Keeps what `write_batch` is called with, together with the index of the worker."""

    batches: list[tuple[int, list[Any]]] = field(default_factory=list)

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _WorkerPartition:
        return _WorkerPartition(worker_index, self.batches)

    def workers_of(self, group: Callable[[Any], Any]) -> dict[Any, set[int]]:
        """Tell which workers wrote the items of each group."""
        workers: dict[Any, set[int]] = defaultdict(set)
        for worker, items in self.batches:
            for item in items:
                workers[group(item)].add(worker)
        return dict(workers)


def spread(run: EntryPoint, step: Step, keys: str = "abcdef", n: int = 5) -> dict:
    """Run a keyed step over items that every worker reads, one item a batch.

    Each worker reads for each key the values 0, 1, … Checks that what comes out of a key comes
    from one worker, and that not all keys are on the same worker.

    Args:
        run: An entry point, with `workers`.
        step: Gets the stream of the items; gives the stream to look at.
        keys: Letters that are keys.
        n: How many items each worker reads for each key.

    Returns:
        What came out, by key.
    """
    sink = BatchSink()
    flow = Dataflow("flow")
    source = OnEachWorker(lambda worker: [[(key, i)] for i in range(n) for key in keys])
    op.output("out", step(op.input("inp", flow, source)), sink)
    run(flow)
    workers = sink.workers_of(lambda item: item[0])
    assert all(len(of_key) == 1 for of_key in workers.values())
    assert len(set().union(*workers.values())) > 1 or run.workers == 1
    return by_key(item for _, items in sink.batches for item in items)
