"""`merge`: one stream of several."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSink, TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import through


def _merged(run: EntryPoint, *sources: TestingSource) -> list[Any]:
    out: list[Any] = []
    flow = Dataflow("flow")
    ups = [op.input(f"inp_{i}", flow, source) for i, source in enumerate(sources)]
    op.output("out", op.merge("step", *ups), TestingSink(out))
    run(flow)
    return out


def test_emits_all_items_of_all_streams(entry_point: EntryPoint) -> None:
    out = _merged(entry_point, TestingSource([1, 2, 3]), TestingSource([4, 5]))
    assert sorted(out) == [1, 2, 3, 4, 5]


def test_takes_one_batch_of_each_source_in_turn(run_one: EntryPoint) -> None:
    out = _merged(run_one, TestingSource("abc"), TestingSource("123"))
    assert out == ["a", "1", "b", "2", "c", "3"]


def test_a_source_that_has_ended_is_left_out(run_one: EntryPoint) -> None:
    out = _merged(run_one, TestingSource("a"), TestingSource("123"), TestingSource("xy"))
    assert out == ["a", "1", "x", "2", "y", "3"]


def test_batches_stay_together(run_one: EntryPoint) -> None:
    out = _merged(run_one, TestingSource("abcd", 2), TestingSource("1234", 3))
    assert out == ["a", "b", "1", "2", "3", "c", "d", "4"]


def test_the_order_of_the_arguments_counts(run_one: EntryPoint) -> None:
    out: list[str] = []
    flow = Dataflow("flow")
    first = op.input("first", flow, TestingSource("ab"))
    second = op.input("second", flow, TestingSource("12"))
    op.output("out", op.merge("step", second, first), TestingSink(out))
    run_one(flow)
    assert out == ["1", "a", "2", "b"]


def test_keeps_the_order_of_each_stream(entry_point: EntryPoint) -> None:
    out = _merged(entry_point, TestingSource(range(50)), TestingSource(range(100, 130), 7))
    assert [x for x in out if x < 100] == list(range(50))
    assert [x for x in out if x >= 100] == list(range(100, 130))


def test_one_stream_is_enough(entry_point: EntryPoint) -> None:
    assert through(entry_point, range(3), lambda s: op.merge("step", s)) == [0, 1, 2]


def test_the_same_stream_twice_doubles_the_items(entry_point: EntryPoint) -> None:
    assert sorted(through(entry_point, "ab", lambda s: op.merge("step", s, s))) == [*"aabb"]


def test_without_items_there_is_nothing(entry_point: EntryPoint) -> None:
    assert _merged(entry_point, TestingSource([]), TestingSource([])) == []


def test_no_stream_at_all_is_refused() -> None:
    with pytest.raises(AssertionError):
        op.merge("step")
