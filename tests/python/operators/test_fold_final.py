"""`fold_final`: all values of a key in one, at the end."""

from __future__ import annotations

from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cppwax.operators as op
from cppwax.testing import run_main
from tests.python.conftest import EntryPoint
from tests.python.flows import by_key, fails, fails_bare, few_examples, spread, through


def _append(values: list[Any], value: Any) -> list[Any]:
    values.append(value)
    return values


def _lists(s: Any) -> Any:
    return op.fold_final("step", s, list, _append)


def test_folds_in_order_of_arrival_and_emits_keys_sorted(run_one: EntryPoint) -> None:
    items = [("b", 1), ("a", 2), ("b", 3), ("a", 4)]
    for batch in (1, 4):
        assert through(run_one, items, _lists, batch) == [("a", [2, 4]), ("b", [1, 3])]


@few_examples
@given(
    items=st.lists(st.tuples(st.sampled_from("abc"), st.integers(-9, 9)), max_size=30),
    batch=st.integers(1, 10),
)
def test_folds_like_functools_reduce(items: list[tuple[str, int]], batch: int) -> None:
    def folder(a: int, b: int) -> int:
        return 3 * a - b

    out = through(run_main, items, lambda s: op.fold_final("step", s, int, folder), batch)
    assert out == sorted((key, reduce(folder, vs, 0)) for key, vs in by_key(items).items())


def test_builds_once_for_each_key(entry_point: EntryPoint) -> None:
    built: list[None] = []

    def build() -> int:
        built.append(None)
        return 100

    def step(s: Any) -> Any:
        return op.fold_final("step", s, build, lambda total, value: total + value)

    out = through(entry_point, [("a", 1), ("b", 2), ("a", 3)], step)
    assert sorted(out) == [("a", 104), ("b", 102)]
    assert len(built) == 2


def test_a_folded_value_of_none_is_kept_and_emitted(entry_point: EntryPoint) -> None:
    def folder(state: int | None, value: int) -> int | None:
        return None if state == 0 else value

    for batch in (1, 3):
        out = through(
            entry_point,
            [("a", 1), ("a", 2)],
            lambda s: op.fold_final("step", s, int, folder),
            batch,
        )
        assert out == [("a", 2)]
    out = through(entry_point, [("a", 1)], lambda s: op.fold_final("step", s, int, folder))
    assert out == [("a", None)]


def test_folds_the_items_of_all_workers(entry_point: EntryPoint) -> None:
    out = spread(entry_point, _lists)
    assert {key: sorted(values[0]) for key, values in out.items()} == {
        key: sorted([*range(5)] * entry_point.workers) for key in "abcdef"
    }


def test_without_items_emits_nothing(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], _lists) == []


@pytest.mark.parametrize("item", [5, None, ["a", 1], ("a", 1, 2), (1, 1)])
def test_an_item_that_is_no_keyed_pair_is_refused_bare(entry_point: EntryPoint, item: Any) -> None:
    with fails_bare(TypeError):
        through(entry_point, [item], _lists)


def test_an_error_of_the_folder_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        through(
            entry_point, [("a", 0)], lambda s: op.fold_final("step", s, int, lambda a, b: a / b)
        )


def test_an_error_of_the_builder_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        through(entry_point, [("a", 0)], lambda s: op.fold_final("step", s, lambda: 1 / 0, max))
