"""`map_value`: values are transformed, keys stay."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators as op
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through


def test_transforms_values_and_keeps_keys_and_order(entry_point: EntryPoint) -> None:
    out = through(
        entry_point, [("a", 1), ("b", 2), ("a", 3)], lambda s: op.map_value("step", s, str)
    )
    assert out == [("a", "1"), ("b", "2"), ("a", "3")]


def test_emits_none_too(entry_point: EntryPoint) -> None:
    out = through(entry_point, [("a", 1)], lambda s: op.map_value("step", s, lambda v: None))
    assert out == [("a", None)]


def test_is_not_called_without_items(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], lambda s: op.map_value("step", s, lambda v: 1 / 0)) == []


@pytest.mark.parametrize("item", [5, None, ("a",), ("a", 1, 2)])
def test_an_item_that_is_no_pair_is_refused(entry_point: EntryPoint, item: Any) -> None:
    with fails(TypeError, "2-tuple"):
        through(entry_point, [("a", 1), item], lambda s: op.map_value("step", s, str))


def test_an_error_of_the_mapper_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ValueError, "invalid literal"):
        through(entry_point, [("a", "x")], lambda s: op.map_value("step", s, int))


def test_a_type_error_of_the_mapper_is_the_users_own(entry_point: EntryPoint) -> None:
    with fails(TypeError, "unsupported operand"):
        through(entry_point, [("a", 1)], lambda s: op.map_value("step", s, lambda v: v + ""))
