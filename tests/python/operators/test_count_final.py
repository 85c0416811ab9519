"""`count_final`: how many items there are of each key, at the end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cppwax.operators as op
from cppwax.testing import run_main
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, fails_bare, few_examples, spread, through


def _count(s: Any) -> Any:
    return op.count_final("step", s, str)


def test_emits_keys_sorted_at_the_end(run_one: EntryPoint) -> None:
    assert through(run_one, "cabbca", _count) == [("a", 2), ("b", 2), ("c", 2)]


def test_sorts_keys_by_their_characters(run_one: EntryPoint) -> None:
    keys = ["é", "Z", "a", "", "aa", "\U0001f600", "~"]
    assert [key for key, _ in through(run_one, keys, _count)] == sorted(keys)


@few_examples
@given(items=st.lists(st.integers(0, 9)), batch=st.integers(1, 10))
def test_counts_like_a_counter(items: list[int], batch: int) -> None:
    out = through(run_main, items, _count, batch)
    assert out == sorted(Counter(map(str, items)).items())


def test_counts_the_items_of_all_workers(entry_point: EntryPoint) -> None:
    out = spread(entry_point, lambda s: op.count_final("step", s, lambda item: item[0]))
    assert out == {key: [5 * entry_point.workers] for key in "abcdef"}


def test_without_items_emits_nothing(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], _count) == []


@pytest.mark.parametrize("key", [None, 1])
def test_a_key_that_is_no_str_is_refused_bare(entry_point: EntryPoint, key: Any) -> None:
    with fails_bare(TypeError, "`str`"):
        through(entry_point, "a", lambda s: op.count_final("step", s, lambda x: key))


def test_an_error_of_the_key_function_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        through(entry_point, "a", lambda s: op.count_final("step", s, lambda x: 1 / 0))
