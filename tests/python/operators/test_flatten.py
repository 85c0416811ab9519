"""`flatten`: the parts of items that are iterables."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators as op
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through


def test_emits_the_parts_in_order(entry_point: EntryPoint) -> None:
    items = [[1, 2], (), (3,), range(4, 6)]
    assert through(entry_point, items, lambda s: op.flatten("step", s)) == [1, 2, 3, 4, 5]


def test_goes_one_level_deep(entry_point: EntryPoint) -> None:
    assert through(entry_point, [[[1], [2]]], lambda s: op.flatten("step", s)) == [[1], [2]]


def test_without_items_there_are_no_parts(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], lambda s: op.flatten("step", s)) == []


@pytest.mark.parametrize("item", [1, None, object()])
def test_an_item_that_is_no_iterable_is_refused(entry_point: EntryPoint, item: Any) -> None:
    with fails(TypeError, "to be iterables"):
        through(entry_point, [[1], item], lambda s: op.flatten("step", s))
