"""`flat_map_value`: any number of values for each value, with the same key."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators as op
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through


def test_emits_the_parts_with_the_key_in_order(entry_point: EntryPoint) -> None:
    out = through(
        entry_point,
        [("a", "to be"), ("b", ""), ("c", "or")],
        lambda s: op.flat_map_value("step", s, str.split),
    )
    assert out == [("a", "to"), ("a", "be"), ("c", "or")]


def test_a_result_may_be_a_generator(entry_point: EntryPoint) -> None:
    out = through(
        entry_point,
        [("a", 2)],
        lambda s: op.flat_map_value("step", s, lambda v: (i for i in range(v))),
    )
    assert out == [("a", 0), ("a", 1)]


def test_is_not_called_without_items(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], lambda s: op.flat_map_value("step", s, lambda v: 1 / 0)) == []


@pytest.mark.parametrize("result", [None, 5])
def test_a_result_that_is_no_iterable_is_refused(entry_point: EntryPoint, result: Any) -> None:
    with fails(TypeError):
        through(entry_point, [("a", 1)], lambda s: op.flat_map_value("step", s, lambda v: result))


@pytest.mark.parametrize("item", [5, None, ("a",), ("a", 1, 2)])
def test_an_item_that_is_no_pair_is_refused(entry_point: EntryPoint, item: Any) -> None:
    with fails(TypeError, "2-tuple"):
        through(entry_point, [item], lambda s: op.flat_map_value("step", s, lambda v: [v]))


def test_an_error_of_the_mapper_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        through(entry_point, [("a", 0)], lambda s: op.flat_map_value("step", s, lambda v: [1 / v]))
