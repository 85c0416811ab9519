"""`flat_map_batch`: whole batches, as the source gave them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import cppwax.operators as op
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through


@pytest.mark.parametrize(("size", "lengths"), [(1, [1] * 5), (2, [2, 2, 1]), (10, [5])])
def test_gets_what_one_next_batch_gave(
    entry_point: EntryPoint, size: int, lengths: list[int]
) -> None:
    out = through(
        entry_point, range(5), lambda s: op.flat_map_batch("step", s, lambda xs: [len(xs)]), size
    )
    assert out == lengths


def test_gets_a_list_that_is_its_own(entry_point: EntryPoint) -> None:
    def take(xs: Any) -> list[Any]:
        assert type(xs) is list
        copy = xs.copy()
        xs.clear()
        return copy

    def step(s: Any) -> Any:
        taken = op.flat_map_batch("step", s, take)
        return op.merge("both", taken, op.map("same", s, lambda x: -x))

    assert sorted(through(entry_point, range(1, 4), step, 2)) == [-3, -2, -1, 1, 2, 3]


def test_may_give_the_same_list_again_and_again(entry_point: EntryPoint) -> None:
    reused: list[int] = []

    def double(xs: list[int]) -> list[int]:
        reused[:] = [x * 2 for x in xs]
        return reused

    def step(s: Any) -> Any:
        return op.flat_map_batch("step", s, double)

    assert through(entry_point, range(6), step, 2) == [0, 2, 4, 6, 8, 10]


def test_may_be_a_generator(entry_point: EntryPoint) -> None:
    def pairs(xs: list[int]) -> Iterator[int]:
        for x in xs:
            yield x
            yield -x

    out = through(entry_point, [1, 2], lambda s: op.flat_map_batch("step", s, pairs))
    assert out == [1, -1, 2, -2]


def test_filters_only_shrink_the_batches_after_them(entry_point: EntryPoint) -> None:
    def step(s: Any) -> Any:
        kept = op.filter("odd", s, lambda x: x % 2 == 1 and x != 5)
        return op.flat_map_batch("step", kept, lambda xs: [xs])

    assert through(entry_point, range(8), step, 3) == [[1], [3], [7]]


def test_is_never_called_with_an_empty_list(entry_point: EntryPoint) -> None:
    lengths: list[int] = []

    def step(s: Any) -> Any:
        none = op.filter("none", s, lambda x: False)
        return op.flat_map_batch("step", none, lambda xs: lengths.append(len(xs)) or [])

    assert through(entry_point, range(5), step, 2) == []
    assert lengths == []


def test_a_flat_map_before_it_grows_the_batch(entry_point: EntryPoint) -> None:
    def step(s: Any) -> Any:
        more = op.flat_map("more", s, lambda x: [x, x, x])
        return op.flat_map_batch("step", more, lambda xs: [len(xs)])

    assert through(entry_point, range(5), step, 2) == [6, 6, 3]


@pytest.mark.parametrize("result", [None, 5])
def test_a_result_that_is_no_iterable_is_refused(entry_point: EntryPoint, result: Any) -> None:
    with fails(TypeError):
        through(entry_point, [1], lambda s: op.flat_map_batch("step", s, lambda xs: result))


def test_an_error_of_the_mapper_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        through(entry_point, [1], lambda s: op.flat_map_batch("step", s, lambda xs: 1 / 0))


def test_an_error_while_the_result_is_read_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        through(
            entry_point, [1], lambda s: op.flat_map_batch("step", s, lambda xs: (1 / 0 for _ in xs))
        )
