"""`inspect_debug`: a look at each item with its epoch and worker."""

from __future__ import annotations

from datetime import timedelta

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import OnEachWorker, fails, through


def test_sees_step_id_item_epoch_and_worker(run_one: EntryPoint) -> None:
    seen: list[tuple[str, str, int, int]] = []
    out = through(run_one, "ab", lambda s: op.inspect_debug("step", s, lambda *a: seen.append(a)))
    assert seen == [("flow.step", "a", 1, 0), ("flow.step", "b", 1, 0)]
    assert out == ["a", "b"]


def test_tells_the_worker_that_has_the_item(entry_point: EntryPoint) -> None:
    seen: list[tuple[int, int]] = []
    flow = Dataflow("flow")
    up = op.input("inp", flow, OnEachWorker(lambda worker: [[worker]]))
    op.inspect_debug("step", up, lambda _id, item, _epoch, worker: seen.append((item, worker)))
    entry_point(flow)
    assert sorted(seen) == [(i, i) for i in range(entry_point.workers)]


def test_at_interval_zero_each_batch_has_its_epoch(run_one: EntryPoint) -> None:
    seen: list[tuple[str, int]] = []
    flow = Dataflow("flow")
    up = op.input("inp", flow, TestingSource("abcde", 2))
    op.inspect_debug("step", up, lambda _id, item, epoch, _worker: seen.append((item, epoch)))
    run_one(flow, epoch_interval=timedelta(0))
    assert seen == [("a", 1), ("b", 1), ("c", 2), ("d", 2), ("e", 3)]


def test_prints_by_default(run_one: EntryPoint, capsys: pytest.CaptureFixture[str]) -> None:
    through(run_one, ["a", 1], lambda s: op.inspect_debug("step", s))
    assert capsys.readouterr().out == "flow.step W0 @1: 'a'\nflow.step W0 @1: 1\n"


def test_counts_as_an_output(entry_point: EntryPoint) -> None:
    seen: list[int] = []
    flow = Dataflow("flow")
    up = op.input("inp", flow, TestingSource([1]))
    op.inspect_debug("step", up, lambda _id, item, _epoch, _worker: seen.append(item))
    entry_point(flow)
    assert seen == [1]


def test_is_not_called_without_items(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], lambda s: op.inspect_debug("step", s, lambda *a: 1 / 0)) == []


def test_an_error_of_the_inspector_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        through(entry_point, [1], lambda s: op.inspect_debug("step", s, lambda *a: 1 / 0))
