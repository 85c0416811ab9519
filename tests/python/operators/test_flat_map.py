"""`flat_map`: any number of results for each item."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

import cppwax.operators as op
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through


def test_emits_the_parts_of_all_results_in_order(entry_point: EntryPoint) -> None:
    out = through(entry_point, [2, 0, 3], lambda s: op.flat_map("step", s, lambda x: [x] * x))
    assert out == [2, 2, 3, 3, 3]


@pytest.mark.parametrize(
    "made_by",
    [list, tuple, iter, dict.fromkeys, deque, lambda xs: (x for x in xs)],
    ids=["list", "tuple", "iterator", "dict", "deque", "generator"],
)
def test_a_result_may_be_any_iterable(entry_point: EntryPoint, made_by: Any) -> None:
    out = through(entry_point, [2], lambda s: op.flat_map("step", s, lambda x: made_by([1, x])))
    assert out == [1, 2]


def test_a_str_is_an_iterable_too(entry_point: EntryPoint) -> None:
    assert through(entry_point, ["ab"], lambda s: op.flat_map("step", s, lambda x: x)) == ["a", "b"]


def test_is_not_called_without_items(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], lambda s: op.flat_map("step", s, lambda x: 1 / 0)) == []


@pytest.mark.parametrize("result", [None, 5, 1.5, object()])
def test_a_result_that_is_no_iterable_is_refused(entry_point: EntryPoint, result: Any) -> None:
    with fails(TypeError):
        through(entry_point, [1], lambda s: op.flat_map("step", s, lambda x: result))


def test_an_error_in_a_generator_ends_the_run(entry_point: EntryPoint) -> None:
    def results(x: int) -> Iterator[int]:
        yield x
        raise ValueError("half way")

    with fails(ValueError, "half way"):
        through(entry_point, [1], lambda s: op.flat_map("step", s, results))


def test_a_type_error_in_a_generator_is_the_users_own(entry_point: EntryPoint) -> None:
    with fails(TypeError, "unsupported operand"):
        through(entry_point, [1], lambda s: op.flat_map("step", s, lambda x: (y + "" for y in [x])))


def test_one_item_may_become_very_many(entry_point: EntryPoint) -> None:
    out = through(entry_point, [100_000] * 2, lambda s: op.flat_map("step", s, range))
    assert out == [*range(100_000), *range(100_000)]
