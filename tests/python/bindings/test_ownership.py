"""Who owns a list: what user code returned is copied at once, what it was given is its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import cppwax.operators as op
from cppwax.dataflow import Dataflow, Stream
from cppwax.inputs import DynamicSource, StatelessSourcePartition
from cppwax.outputs import (
    DynamicSink,
    FixedPartitionedSink,
    StatefulSinkPartition,
    StatelessSinkPartition,
)
from cppwax.testing import TestingSink, TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import through
from tests.python.logics import batch_logic


def test_mapper_that_reuses_the_list_it_returns(entry_point: EntryPoint) -> None:
    mine: list[int] = []

    def mapper(batch: list[int]) -> list[int]:
        mine.clear()
        mine.extend(batch)
        return mine

    out = through(entry_point, range(100), lambda s: op.flat_map_batch("step", s, mapper), batch=7)
    assert out == list(range(100))


def test_mapper_that_returns_its_own_argument_and_changes_it_later(
    entry_point: EntryPoint,
) -> None:
    given: list[list[int]] = []

    def mapper(batch: list[int]) -> list[int]:
        for earlier in given:
            earlier.clear()
        given.append(batch)
        return batch

    out = through(entry_point, range(100), lambda s: op.flat_map_batch("step", s, mapper), batch=7)
    assert out == list(range(100))


def test_mapper_that_empties_its_argument(entry_point: EntryPoint) -> None:
    def mapper(batch: list[int]) -> list[int]:
        taken = [batch.pop() for _ in range(len(batch))]
        return taken[::-1]

    out = through(entry_point, range(20), lambda s: op.flat_map_batch("step", s, mapper), batch=5)
    assert out == list(range(20))


def test_iterator_over_the_argument_sees_what_the_mapper_does_to_it(
    entry_point: EntryPoint,
) -> None:
    """A lazy result reads its batch while it is drained: the batch is nobody else's."""

    def mapper(batch: list[int]) -> Iterator[int]:
        items = iter(batch)
        batch.append(-1)
        return items

    out = through(entry_point, range(4), lambda s: op.flat_map_batch("step", s, mapper), batch=2)
    assert out == [0, 1, -1, 2, 3, -1]


def test_consumers_of_one_stream_share_no_list(entry_point: EntryPoint) -> None:
    def wipe(batch: list[int]) -> list[int]:
        batch.clear()
        return batch

    def double(batch: list[int]) -> list[int]:
        batch += batch
        return batch

    wiped: list[int] = []
    doubled: list[int] = []
    plain: list[int] = []
    flow = Dataflow("flow")
    up = op.input("inp", flow, TestingSource(range(6), 3))
    op.output("wiped", op.flat_map_batch("wipe", up, wipe), TestingSink(wiped))
    op.output("doubled", op.flat_map_batch("double", up, double), TestingSink(doubled))
    op.output("plain", up, TestingSink(plain))
    entry_point(flow)
    assert wiped == []
    assert doubled == [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5]
    assert plain == [0, 1, 2, 3, 4, 5]


def test_consumers_of_one_stream_share_the_items(run_one: EntryPoint) -> None:
    items = [object() for _ in range(3)]
    left: list[object] = []
    right: list[object] = []
    flow = Dataflow("flow")
    up = op.input("inp", flow, TestingSource(items))
    op.output("left", up, TestingSink(left))
    op.output("right", up, TestingSink(right))
    run_one(flow)
    assert [id(item) for item in left] == [id(item) for item in right] == [id(i) for i in items]


@dataclass
class KeepingSink(DynamicSink[int]):
    """Keeps the very lists it is given, and changes them after a while."""

    lists: list[list[int]] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Any:
        sink = self

        class Partition(StatelessSinkPartition[int]):
            def write_batch(self, items: list[int]) -> None:
                sink.seen.extend(items)
                sink.lists.append(items)
                sink.lists[0].append(-1)

        return Partition()


def test_sink_that_keeps_and_changes_its_lists(entry_point: EntryPoint) -> None:
    sink = KeepingSink()
    flow = Dataflow("flow")
    op.output("out", op.input("inp", flow, TestingSource(range(12), 4)), sink)
    entry_point(flow)
    assert sink.seen == list(range(12))
    assert len({id(kept) for kept in sink.lists}) == len(sink.lists)
    assert [item for kept in sink.lists for item in kept if item != -1] == list(range(12))


@dataclass
class ListPart(StatefulSinkPartition[int, None]):
    lists: list[list[int]]

    def write_batch(self, values: list[int]) -> None:
        self.lists.append(values)

    def snapshot(self) -> None:
        return None


@dataclass
class ListParts(FixedPartitionedSink[int, None]):
    lists: dict[str, list[list[int]]] = field(default_factory=dict)

    def list_parts(self) -> list[str]:
        return ["even", "odd"]

    def part_fn(self, item_key: str) -> int:
        return int(item_key)

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> ListPart:
        return ListPart(self.lists.setdefault(for_part, []))


def test_sink_partitions_own_their_lists(entry_point: EntryPoint) -> None:
    sink = ListParts()
    flow = Dataflow("flow")
    source = TestingSource([(str(i % 2), i) for i in range(8)], 4)
    op.output("out", op.input("inp", flow, source), sink)
    entry_point(flow)
    assert sink.lists == {"even": [[0, 2], [4, 6]], "odd": [[1, 3], [5, 7]]}
    assert len({id(kept) for lists in sink.lists.values() for kept in lists}) == 4


@dataclass
class ReusingSource(DynamicSource[int]):
    """Returns one and the same list from each `next_batch` of worker 0, and clears it after."""

    lists: list[Any]

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Any:
        lists = iter(self.lists if worker_index == 0 else [])

        class Partition(StatelessSourcePartition[int]):
            def __init__(self) -> None:
                self.mine: list[int] = []

            def next_batch(self) -> list[int]:
                self.mine.extend(next(lists))
                return self.mine

            def next_awake(self) -> None:
                self.mine.clear()

        return Partition()


def test_source_that_reuses_its_list(entry_point: EntryPoint) -> None:
    out: list[int] = []
    flow = Dataflow("flow")
    source = ReusingSource([[1, 2], [3], [], [4, 5, 6]])
    op.output("out", op.input("inp", flow, source), TestingSink(out))
    entry_point(flow)
    assert out == [1, 2, 3, 4, 5, 6]


def test_keyed_logic_that_keeps_and_returns_its_values(entry_point: EntryPoint) -> None:
    kept: list[list[int]] = []

    def on_batch(values: list[int]) -> tuple[list[int], bool]:
        for earlier in kept:
            earlier.clear()
        kept.append(values)
        return values, False

    def step(up: Stream[Any]) -> Stream[Any]:
        return op.stateful_batch("step", up, batch_logic(on_batch=on_batch))

    out = through(entry_point, [("a", i) for i in range(30)], step, batch=4)
    assert out == [("a", i) for i in range(30)]
    assert len({id(values) for values in kept}) == len(kept)


def test_a_subclass_of_list_gives_what_it_iterates(entry_point: EntryPoint) -> None:
    class Backwards(list[int]):
        def __iter__(self) -> Iterator[int]:
            return reversed(self)

    out = through(entry_point, range(4), lambda s: op.flat_map_batch("step", s, Backwards), batch=2)
    assert out == [1, 0, 3, 2]
