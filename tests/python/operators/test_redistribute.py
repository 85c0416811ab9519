"""`redistribute`: items are spread over the workers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import BatchSink, OnEachWorker, by_key, through


def _spread(run: EntryPoint, source: Any) -> dict[int, list[Any]]:
    sink = BatchSink()
    flow = Dataflow("flow")
    op.output("out", op.redistribute("step", op.input("inp", flow, source)), sink)
    run(flow)
    return {worker: sum(lists, []) for worker, lists in by_key(sink.batches).items()}


def test_no_item_is_lost_or_doubled(entry_point: EntryPoint) -> None:
    out = through(entry_point, range(1000), lambda s: op.redistribute("step", s), 7)
    assert Counter(out) == Counter(range(1000))


def test_one_worker_keeps_items_and_their_order(run_one: EntryPoint) -> None:
    assert through(run_one, range(10), lambda s: op.redistribute("step", s), 3) == [*range(10)]


def test_one_worker_keeps_batches(run_one: EntryPoint) -> None:
    def step(s: Any) -> Any:
        spread = op.redistribute("step", s)
        return op.flat_map_batch("lengths", spread, lambda xs: [len(xs)])

    assert through(run_one, range(10), step, 4) == [4, 4, 2]


def test_every_worker_gets_a_fair_share_of_one_partition(entry_point: EntryPoint) -> None:
    shares = _spread(entry_point, TestingSource(range(3000), 10))
    assert len(shares) == entry_point.workers
    fair = 3000 / entry_point.workers
    assert all(0.5 * fair <= len(share) <= 1.5 * fair for share in shares.values())


def test_single_items_are_spread_too(entry_point: EntryPoint) -> None:
    shares = _spread(entry_point, TestingSource(range(300)))
    assert len(shares) == entry_point.workers


def test_what_all_workers_read_is_spread(entry_point: EntryPoint) -> None:
    def batches(worker: int) -> list[list[int]]:
        return [[worker * 100 + i] for i in range(100)]

    shares = _spread(entry_point, OnEachWorker(batches))
    assert sorted(sum(shares.values(), [])) == [*range(100 * entry_point.workers)]


def test_keyed_steps_after_it_still_see_all_items_of_a_key(entry_point: EntryPoint) -> None:
    def step(s: Any) -> Any:
        return op.count_final("count", op.redistribute("step", s), lambda x: str(x % 5))

    out = through(entry_point, range(100), step)
    assert sorted(out) == [(str(i), 20) for i in range(5)]


def test_without_items_there_is_nothing(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], lambda s: op.redistribute("step", s)) == []
