"""`stateful_flat_map`: any number of results for each value, with a state for each key."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cppwax.operators as op
from cppwax.testing import run_main
from tests.python.conftest import EntryPoint
from tests.python.flows import by_key, fails, fails_bare, few_examples, spread, through


def _when_changed(last: int | None, value: int) -> tuple[int, list[Any]]:
    return value, [] if value == last else [last, value]


def _changes(s: Any) -> Any:
    return op.stateful_flat_map("step", s, _when_changed)


def test_emits_the_parts_in_order(entry_point: EntryPoint) -> None:
    out = through(entry_point, [("a", 1), ("a", 1), ("a", 2)], _changes)
    assert out == [("a", None), ("a", 1), ("a", 1), ("a", 2)]


@few_examples
@given(
    items=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3)), max_size=30),
    batch=st.integers(1, 10),
)
def test_does_what_a_loop_over_a_dict_does(items: list[tuple[str, int]], batch: int) -> None:
    def mapper(state: int | None, value: int) -> tuple[int | None, list[Any]]:
        return (None if value == 0 else (state or 0) + value), [state] * value

    states: dict[str, int | None] = {}
    expected = []
    for key, value in items:
        states[key], emitted = mapper(states.get(key), value)
        expected += [(key, part) for part in emitted]
    out = through(run_main, items, lambda s: op.stateful_flat_map("step", s, mapper), batch)
    assert by_key(out) == by_key(expected)


@pytest.mark.parametrize("made_by", [list, tuple, iter, set, lambda xs: (x for x in xs)])
def test_a_result_may_be_any_iterable(entry_point: EntryPoint, made_by: Any) -> None:
    out = through(
        entry_point,
        [("a", 2)],
        lambda s: op.stateful_flat_map("step", s, lambda old, v: (v, made_by([1, v]))),
    )
    assert out == [("a", 1), ("a", 2)]


def test_a_state_of_none_forgets_the_key(entry_point: EntryPoint) -> None:
    for batch in (1, 3):
        out = through(
            entry_point,
            [("a", 1), ("a", 2), ("a", 3)],
            lambda s: op.stateful_flat_map("step", s, lambda old, v: (None, [old, v])),
            batch,
        )
        assert out == [("a", x) for x in (None, 1, None, 2, None, 3)]


def test_emits_nothing_at_the_end(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], _changes) == []


def test_all_items_of_a_key_meet_one_state(entry_point: EntryPoint) -> None:
    def count(n: int | None, _value: int) -> tuple[int, list[int]]:
        n = (n or 0) + 1
        return n, [n]

    out = spread(entry_point, lambda s: op.stateful_flat_map("step", s, count))
    assert out == {key: [*range(1, 5 * entry_point.workers + 1)] for key in "abcdef"}


@pytest.mark.parametrize("result", [None, 5, (1,), (1, [], 3)])
def test_a_result_that_is_no_pair_is_refused(entry_point: EntryPoint, result: Any) -> None:
    with fails(TypeError, "2-tuple"):
        through(
            entry_point,
            [("a", 1)],
            lambda s: op.stateful_flat_map("step", s, lambda old, v: result),
        )


@pytest.mark.parametrize("emit", [None, 5])
def test_what_is_to_be_emitted_must_be_iterable(entry_point: EntryPoint, emit: Any) -> None:
    with fails(TypeError):
        through(
            entry_point,
            [("a", 1)],
            lambda s: op.stateful_flat_map("step", s, lambda old, v: (v, emit)),
        )


def test_an_item_that_is_no_pair_is_refused_bare(entry_point: EntryPoint) -> None:
    with fails_bare(TypeError, "2-tuple"):
        through(entry_point, [5], _changes)


def test_an_error_of_the_mapper_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        through(
            entry_point,
            [("a", 0)],
            lambda s: op.stateful_flat_map("step", s, lambda old, v: (v, [1 / v])),
        )
