"""`filter_value`: items go on where the predicate is true of the value."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators as op
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through


def test_keeps_items_by_value_in_order(entry_point: EntryPoint) -> None:
    items = [("a", 1), ("b", 2), ("a", 3), ("c", 0)]
    out = through(entry_point, items, lambda s: op.filter_value("step", s, lambda v: v % 2 == 1))
    assert out == [("a", 1), ("a", 3)]


def test_is_not_called_without_items(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], lambda s: op.filter_value("step", s, lambda v: 1 / 0)) == []


@pytest.mark.parametrize("answer", [1, 0, None, "yes"])
def test_an_answer_that_is_no_bool_is_refused(entry_point: EntryPoint, answer: Any) -> None:
    with fails(TypeError, "must be a `bool`"):
        through(entry_point, [("a", 1)], lambda s: op.filter_value("step", s, lambda v: answer))


@pytest.mark.parametrize("item", [5, None, ("a",), ("a", 1, 2)])
def test_an_item_that_is_no_pair_is_refused(entry_point: EntryPoint, item: Any) -> None:
    with fails(TypeError, "2-tuple"):
        through(entry_point, [item], lambda s: op.filter_value("step", s, lambda v: True))


def test_an_error_of_the_predicate_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        through(entry_point, [("a", 0)], lambda s: op.filter_value("step", s, lambda v: 1 / v > 0))
