"""`reduce_final`: all values of a key reduced to one, at the end."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cppwax.operators as op
from cppwax.testing import run_main
from tests.python.conftest import EntryPoint
from tests.python.flows import by_key, fails, few_examples, spread, through


def _concat(s: Any) -> Any:
    return op.reduce_final("step", s, add)


def test_reduces_in_order_and_emits_keys_sorted(run_one: EntryPoint) -> None:
    items = [("b", "x"), ("a", "1"), ("b", "y"), ("a", "2"), ("b", "z")]
    for batch in (1, 2, 5):
        assert through(run_one, items, _concat, batch) == [("a", "12"), ("b", "xyz")]


@few_examples
@given(
    items=st.lists(st.tuples(st.sampled_from("abc"), st.text("xyz", max_size=2)), max_size=30),
    batch=st.integers(1, 10),
)
def test_reduces_like_functools_reduce(items: list[tuple[str, str]], batch: int) -> None:
    out = through(run_main, items, _concat, batch)
    assert out == sorted((key, reduce(add, values)) for key, values in by_key(items).items())


def test_a_single_value_is_not_reduced(entry_point: EntryPoint) -> None:
    out = through(
        entry_point, [("a", "x")], lambda s: op.reduce_final("step", s, lambda a, b: 1 / 0)
    )
    assert out == [("a", "x")]


def test_reduces_the_items_of_all_workers(entry_point: EntryPoint) -> None:
    out = spread(entry_point, _concat)
    assert out == {key: [10 * entry_point.workers] for key in "abcdef"}


def test_without_items_emits_nothing(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], _concat) == []


@pytest.mark.parametrize("item", [5, None, ("a",), ("a", 1, 2)])
def test_an_item_that_is_no_pair_is_refused(entry_point: EntryPoint, item: Any) -> None:
    with fails(TypeError, "2-tuple"):
        through(entry_point, [item], _concat)


def test_an_error_of_the_reducer_ends_the_run(entry_point: EntryPoint) -> None:
    for batch in (1, 2):
        with fails(TypeError, "unsupported operand"):
            through(entry_point, [("a", 1), ("a", "x")], _concat, batch)
