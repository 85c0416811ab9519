"""`min_final`: the least value of each key, at the end."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import cppwax.operators as op
from cppwax.testing import run_main
from tests.python.conftest import EntryPoint
from tests.python.flows import by_key, fails, few_examples, spread, through


def _min(s: Any) -> Any:
    return op.min_final("step", s)


def test_emits_the_least_of_each_key_sorted(run_one: EntryPoint) -> None:
    assert through(run_one, [("b", 1), ("a", 2), ("b", 3), ("a", 0)], _min) == [("a", 0), ("b", 1)]


@few_examples
@given(
    items=st.lists(st.tuples(st.sampled_from("abc"), st.text("xy", max_size=3)), max_size=30),
    batch=st.integers(1, 10),
)
def test_compares_by_and_keeps_the_first_of_equals(
    items: list[tuple[str, str]], batch: int
) -> None:
    out = through(run_main, items, lambda s: op.min_final("step", s, by=len), batch)
    assert out == sorted((key, min(values, key=len)) for key, values in by_key(items).items())


def test_looks_at_the_items_of_all_workers(entry_point: EntryPoint) -> None:
    assert spread(entry_point, _min) == {key: [0] for key in "abcdef"}


def test_without_items_emits_nothing(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], _min) == []


def test_values_that_cannot_be_compared_end_the_run(entry_point: EntryPoint) -> None:
    with fails(TypeError, "not supported between"):
        through(entry_point, [("a", 1), ("a", "x")], _min)


def test_an_error_of_by_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        through(
            entry_point,
            [("a", 0), ("a", 0)],
            lambda s: op.min_final("step", s, by=lambda v: 1 / v),
        )
