"""`filter_map_value`: results go on with the key unless they are None."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators as op
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through


def test_leaves_out_none_only(entry_point: EntryPoint) -> None:
    items = [("a", 1), ("b", None), ("c", 0), ("d", ""), ("e", False)]
    out = through(entry_point, items, lambda s: op.filter_map_value("step", s, lambda v: v))
    assert out == [("a", 1), ("c", 0), ("d", ""), ("e", False)]


def test_emits_the_result_not_the_value(entry_point: EntryPoint) -> None:
    choose = {1: "one"}.get
    out = through(
        entry_point, [("a", 1), ("b", 2)], lambda s: op.filter_map_value("step", s, choose)
    )
    assert out == [("a", "one")]


def test_is_not_called_without_items(entry_point: EntryPoint) -> None:
    out = through(entry_point, [], lambda s: op.filter_map_value("step", s, lambda v: 1 / 0))
    assert out == []


@pytest.mark.parametrize("item", [5, None, ("a",), ("a", 1, 2)])
def test_an_item_that_is_no_pair_is_refused(entry_point: EntryPoint, item: Any) -> None:
    with fails(TypeError, "2-tuple"):
        through(entry_point, [item], lambda s: op.filter_map_value("step", s, str))


def test_an_error_of_the_mapper_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        through(entry_point, [("a", 0)], lambda s: op.filter_map_value("step", s, lambda v: 1 / v))
