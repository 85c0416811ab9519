"""`map`: one result for each item."""

from __future__ import annotations

import pytest

import cppwax.operators as op
from cppwax.dataflow import Stream
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through


def test_emits_the_result_for_each_item_in_order(entry_point: EntryPoint) -> None:
    out = through(entry_point, range(5), lambda s: op.map("step", s, lambda x: x * 2))
    assert out == [0, 2, 4, 6, 8]


def test_emits_none_too(entry_point: EntryPoint) -> None:
    assert through(entry_point, [1, 2], lambda s: op.map("step", s, lambda x: None)) == [None, None]


def test_is_not_called_without_items(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], lambda s: op.map("step", s, lambda x: 1 / 0)) == []


def test_an_error_of_the_mapper_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        through(entry_point, [1], lambda s: op.map("step", s, lambda x: x / 0))


def test_is_not_called_again_after_an_error(entry_point: EntryPoint) -> None:
    seen: list[int] = []

    def mapper(x: int) -> int:
        seen.append(x)
        return 6 // (3 - x)

    with fails(ZeroDivisionError):
        through(entry_point, range(9), lambda s: op.map("step", s, mapper))
    assert seen == [0, 1, 2, 3]


def test_any_callable_will_do(entry_point: EntryPoint) -> None:
    assert through(entry_point, ["1", "2"], lambda s: op.map("step", s, int)) == [1, 2]


def test_two_consumers_each_get_all_items(entry_point: EntryPoint) -> None:
    def both(s: Stream) -> Stream:
        return op.merge("both", op.map("a", s, lambda x: x), op.map("b", s, lambda x: -x))

    assert sorted(through(entry_point, [1, 2], both)) == [-2, -1, 1, 2]


def test_a_mapper_that_cannot_be_called_is_refused_when_built(entry_point: EntryPoint) -> None:
    with pytest.raises(TypeError):
        through(entry_point, [1], lambda s: op.map("step", s, 5))
