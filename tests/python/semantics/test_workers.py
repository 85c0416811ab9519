"""What happens on which worker."""

from __future__ import annotations

from collections import Counter
from threading import Lock, get_ident
from typing import Any

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.outputs import FixedPartitionedSink, StatefulSinkPartition
from cppwax.testing import TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import BatchSink, OnEachWorker, Parts


def _read(run: EntryPoint, source: Any) -> BatchSink:
    sink = BatchSink()
    flow = Dataflow("flow")
    op.output("out", op.input("inp", flow, source), sink)
    run(flow)
    return sink


def test_partitions_are_spread_evenly(entry_point: EntryPoint) -> None:
    source = Parts({name: [[name]] for name in "fedcba"})
    sink = _read(entry_point, source)
    assert sorted(part for part, _ in source.readers) == [*"abcdef"]
    readers = Counter(thread for _, thread in source.readers)
    assert sorted(readers.values()) == [6 // entry_point.workers] * entry_point.workers
    assert Counter(x for _, items in sink.batches for x in items) == Counter("abcdef")


def test_a_partition_is_read_by_a_worker_that_lists_it(entry_point: EntryPoint) -> None:
    class Local(Parts):
        """Each worker reaches another partition."""

        listed: dict[int, str]
        lock: Lock

        def list_parts(self) -> list[str]:
            with self.lock:
                name = f"p{len(self.listed)}"
                self.listed[get_ident()] = name
            return [name]

    source = Local({f"p{i}": [[i]] for i in range(3)})
    source.listed, source.lock = {}, Lock()
    sink = _read(entry_point, source)
    assert sorted(source.readers) == sorted((part, t) for t, part in source.listed.items())
    assert len(sink.batches) == entry_point.workers


def test_a_testing_source_has_one_partition(entry_point: EntryPoint) -> None:
    assert TestingSource([]).list_parts() == ["iterable"]
    sink = _read(entry_point, TestingSource(range(10)))
    assert len({worker for worker, _ in sink.batches}) == 1


def test_stateless_steps_move_nothing(entry_point: EntryPoint) -> None:
    seen: list[tuple[int, int]] = []
    sink = BatchSink()
    flow = Dataflow("flow")
    s = op.input("inp", flow, OnEachWorker(lambda worker: [[worker] * 10] * 10))
    s = op.flat_map("twice", op.map("same", s, lambda x: x), lambda x: [x, x])
    s = op.branch("all", op.filter("every", s, lambda x: True), lambda x: True).trues
    s = op.key_rm("unkey", op.key_on("key", s, str))
    s = op.inspect_debug("see", op.merge("one", s), lambda _i, x, _e, w: seen.append((x, w)))
    op.output("out", s, sink)
    entry_point(flow)
    workers = range(entry_point.workers)
    assert Counter(seen) == Counter({(worker, worker): 200 for worker in workers})
    assert sink.workers_of(lambda x: x) == {worker: {worker} for worker in workers}


def test_keyed_steps_get_the_items_of_a_sender_in_order(entry_point: EntryPoint) -> None:
    seen: dict[tuple[str, int], list[int]] = {}
    threads: dict[str, set[int]] = {}

    def mapper(state: int | None, value: tuple[str, int, int]) -> tuple[int, None]:
        key, sender, i = value
        seen.setdefault((key, sender), []).append(i)
        threads.setdefault(key, set()).add(get_ident())
        return 1, None

    def batches(worker: int) -> list[list[Any]]:
        return [[(key, (key, worker, i)) for key in "abcdefgh"] for i in range(50)]

    flow = Dataflow("flow")
    s = op.input("inp", flow, OnEachWorker(batches))
    op.output("out", op.stateful_map("step", s, mapper), BatchSink())
    entry_point(flow)
    assert len(seen) == 8 * entry_point.workers
    assert all(order == [*range(50)] for order in seen.values())
    assert all(len(of_key) == 1 for of_key in threads.values())


class _Writer(StatefulSinkPartition[Any, None]):
    def __init__(self, part: str, written: list[tuple[str, int, Any]]) -> None:
        self.part = part
        self.written = written

    def write_batch(self, values: list[Any]) -> None:
        self.written += [(self.part, get_ident(), value) for value in values]

    def snapshot(self) -> None:
        return None


class _Sink(FixedPartitionedSink[Any, None]):
    def __init__(self) -> None:
        self.written: list[tuple[str, int, Any]] = []

    def list_parts(self) -> list[str]:
        return ["p0", "p1", "p2"]

    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> _Writer:
        return _Writer(for_part, self.written)


def test_a_sink_partition_is_written_by_one_worker_in_order_of_each_sender(
    entry_point: EntryPoint,
) -> None:
    def batches(worker: int) -> list[list[Any]]:
        return [[(key, (key, worker, i)) for key in "abcdefgh"] for i in range(20)]

    sink = _Sink()
    flow = Dataflow("flow")
    op.output("out", op.input("inp", flow, OnEachWorker(batches)), sink)
    entry_point(flow)
    threads: dict[str, set[int]] = {}
    parts: dict[str, set[str]] = {}
    orders: dict[tuple[str, int], list[int]] = {}
    for part, thread, (key, sender, i) in sink.written:
        threads.setdefault(part, set()).add(thread)
        parts.setdefault(key, set()).add(part)
        orders.setdefault((key, sender), []).append(i)
    assert all(len(of_part) == 1 for of_part in threads.values())
    assert all(len(of_key) == 1 for of_key in parts.values())
    assert len(orders) == 8 * entry_point.workers
    assert all(order == [*range(20)] for order in orders.values())


def test_workers_run_on_as_many_threads(entry_point: EntryPoint) -> None:
    threads: set[int] = set()
    flow = Dataflow("flow")
    s = op.input("inp", flow, OnEachWorker(lambda worker: [[worker]]))
    op.inspect("see", s, lambda _id, _x: threads.add(get_ident()))
    entry_point(flow)
    assert len(threads) == entry_point.workers
