"""`branch`: each item goes into one of two streams."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSink, TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through


def _split(run: EntryPoint, items: Any, predicate: Any, batch: int = 1) -> tuple[list, list]:
    trues: list[Any] = []
    falses: list[Any] = []
    flow = Dataflow("flow")
    out = op.branch("step", op.input("inp", flow, TestingSource(items, batch)), predicate)
    op.output("trues", out.trues, TestingSink(trues))
    op.output("falses", out.falses, TestingSink(falses))
    run(flow)
    return trues, falses


def test_splits_by_the_predicate_in_order(entry_point: EntryPoint) -> None:
    assert _split(entry_point, range(5), lambda x: x % 2 == 0) == ([0, 2, 4], [1, 3])


def test_splits_within_a_batch(entry_point: EntryPoint) -> None:
    assert _split(entry_point, range(5), lambda x: x > 1, batch=5) == ([2, 3, 4], [0, 1])


def test_both_streams_may_stay_empty(entry_point: EntryPoint) -> None:
    assert _split(entry_point, [], lambda x: True) == ([], [])
    assert _split(entry_point, [1], lambda x: True) == ([1], [])
    assert _split(entry_point, [1], lambda x: False) == ([], [1])


def test_asks_once_for_each_item(entry_point: EntryPoint) -> None:
    asked: list[int] = []
    _split(entry_point, range(3), lambda x: bool(asked.append(x)))
    assert asked == [0, 1, 2]


def test_a_stream_may_be_left_unused(entry_point: EntryPoint) -> None:
    out = through(entry_point, range(4), lambda s: op.branch("step", s, lambda x: x > 1).trues)
    assert out == [2, 3]


def test_both_streams_can_be_merged_again(entry_point: EntryPoint) -> None:
    def step(s: Any) -> Any:
        out = op.branch("step", s, lambda x: x > 1)
        return op.merge("all", out.trues, out.falses)

    assert sorted(through(entry_point, range(4), step)) == [0, 1, 2, 3]


@pytest.mark.parametrize("answer", [1, 0, None, "yes"])
def test_an_answer_that_is_no_bool_is_refused(entry_point: EntryPoint, answer: Any) -> None:
    with fails(TypeError, "must be a `bool`"):
        _split(entry_point, [1], lambda x: answer)


def test_an_error_of_the_predicate_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        _split(entry_point, [0], lambda x: 1 / x > 0)


def test_the_pair_is_no_stream(entry_point: EntryPoint) -> None:
    with pytest.raises(TypeError, match="must be a `Stream`"):
        through(entry_point, [1], lambda s: op.branch("step", s, lambda x: True))
