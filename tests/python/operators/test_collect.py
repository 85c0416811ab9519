"""`collect`: values of a key in lists, until full, timed out or at the end."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cppwax.operators as op
from cppwax.testing import run_main
from tests.python.conftest import EntryPoint
from tests.python.flows import Timed, by_key, fails_bare, few_examples, from_source, spread, through

_HOUR = timedelta(hours=1)


def _collect(max_size: int, timeout: timedelta = _HOUR) -> Any:
    return lambda s: op.collect("step", s, timeout, max_size)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_a_full_list_leaves_and_the_rest_at_the_end(entry_point: EntryPoint, batch: int) -> None:
    out = through(entry_point, [("a", i) for i in range(5)], _collect(2), batch)
    assert out == [("a", [0, 1]), ("a", [2, 3]), ("a", [4])]


@few_examples
@given(
    items=st.lists(st.tuples(st.sampled_from("abc"), st.integers()), max_size=30),
    batch=st.integers(1, 10),
    max_size=st.integers(1, 4),
)
def test_cuts_the_values_of_each_key_into_lists(
    items: list[tuple[str, int]], batch: int, max_size: int
) -> None:
    expected = {}
    for key, values in by_key(items).items():
        rest = iter(values)
        expected[key] = [*iter(lambda rest=rest: list(islice(rest, max_size)), [])]
    assert by_key(through(run_main, items, _collect(max_size), batch)) == expected


def test_nothing_is_left_when_the_last_list_was_full(entry_point: EntryPoint) -> None:
    assert through(entry_point, [("a", 1), ("a", 2)], _collect(2)) == [("a", [1, 2])]


def test_at_the_end_keys_come_sorted(run_one: EntryPoint) -> None:
    out = through(run_one, [("b", 1), ("a", 2), ("b", 3)], _collect(9))
    assert out == [("a", [2]), ("b", [1, 3])]


def test_without_items_emits_nothing(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], _collect(2)) == []


def test_emits_what_there_is_when_the_timeout_is_over(entry_point: EntryPoint) -> None:
    source = Timed([(0, [("z", 1), ("z", 2)]), (0.5, [("z", 3)])])
    out = from_source(entry_point, source, _collect(9, timedelta(seconds=0.05)))
    assert out == [("z", [1, 2]), ("z", [3])]


def test_each_value_restarts_the_timeout(run_one: EntryPoint) -> None:
    source = Timed([(0, [("a", 1)]), (0.6, [("a", 2)]), (0.6, [("a", 3)])])
    out = from_source(run_one, source, _collect(9, timedelta(seconds=1)))
    assert out == [("a", [1, 2, 3])]


def test_the_longest_timeout_is_never_over(entry_point: EntryPoint) -> None:
    out = through(entry_point, [("a", 1), ("a", 2)], _collect(9, timedelta.max))
    assert out == [("a", [1, 2])]


def test_all_values_of_a_key_come_together(entry_point: EntryPoint) -> None:
    out = spread(entry_point, _collect(1000))
    expected = sorted([*range(5)] * entry_point.workers)
    assert {key: sorted(lists[0]) for key, lists in out.items()} == dict.fromkeys(
        "abcdef", expected
    )


@pytest.mark.parametrize(("timeout", "max_size"), [(10, 2), (None, 2), (_HOUR, "2"), (_HOUR, None)])
def test_arguments_of_other_types_are_refused(timeout: Any, max_size: Any) -> None:
    with pytest.raises(TypeError):
        through(run_main, [("a", 1)], lambda s: op.collect("step", s, timeout, max_size))


def test_an_item_that_is_no_keyed_pair_is_refused_bare(entry_point: EntryPoint) -> None:
    with fails_bare(TypeError, "flow.step"):
        through(entry_point, [5], _collect(2))
