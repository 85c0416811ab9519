"""`stateful_map`: one result for each value, with the help of a state for each key."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cppwax.operators as op
from cppwax.testing import run_main
from tests.python.conftest import EntryPoint
from tests.python.flows import by_key, fails, fails_bare, few_examples, spread, through


def _running_sum(total: int | None, value: int) -> tuple[int, int]:
    total = (total or 0) + value
    return total, total


def _sum(s: Any) -> Any:
    return op.stateful_map("step", s, _running_sum)


def test_keeps_a_state_for_each_key(run_one: EntryPoint) -> None:
    out = through(run_one, [("a", 1), ("b", 10), ("a", 2), ("b", 20)], _sum)
    assert out == [("a", 1), ("b", 10), ("a", 3), ("b", 30)]


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_keeps_the_order_of_each_key(entry_point: EntryPoint, batch: int) -> None:
    items = [(key, 1) for _ in range(5) for key in "abc"]
    out = by_key(through(entry_point, items, _sum, batch))
    assert out == {key: [1, 2, 3, 4, 5] for key in "abc"}


@few_examples
@given(
    items=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4)), max_size=30),
    batch=st.integers(1, 10),
)
def test_does_what_a_loop_over_a_dict_does(items: list[tuple[str, int]], batch: int) -> None:
    def mapper(state: int | None, value: int) -> tuple[int | None, tuple[int | None, int]]:
        return (None if value == 0 else (state or 0) + value), (state, value)

    states: dict[str, int | None] = {}
    expected = []
    for key, value in items:
        states[key], emitted = mapper(states.get(key), value)
        expected.append((key, emitted))
    out = through(run_main, items, lambda s: op.stateful_map("step", s, mapper), batch)
    assert by_key(out) == by_key(expected)


def test_a_state_of_none_forgets_the_key(entry_point: EntryPoint) -> None:
    def pairs(first: int | None, value: int) -> tuple[int | None, int]:
        return (value, value) if first is None else (None, first + value)

    items = [("a", value) for value in (1, 2, 3, 4)]
    for batch in (1, 4):
        out = through(entry_point, items, lambda s: op.stateful_map("step", s, pairs), batch)
        assert out == [("a", 1), ("a", 3), ("a", 3), ("a", 7)]


@pytest.mark.parametrize("state", [0, False, "", []])
def test_any_other_state_is_kept(entry_point: EntryPoint, state: Any) -> None:
    out = through(
        entry_point,
        [("a", 1), ("a", 2)],
        lambda s: op.stateful_map("step", s, lambda old, value: (state, old)),
    )
    assert out == [("a", None), ("a", state)]


def test_emits_none_too(entry_point: EntryPoint) -> None:
    out = through(
        entry_point, [("a", 1)], lambda s: op.stateful_map("step", s, lambda old, v: (v, None))
    )
    assert out == [("a", None)]


def test_emits_nothing_at_the_end(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], _sum) == []


def test_all_items_of_a_key_meet_one_state(entry_point: EntryPoint) -> None:
    out = spread(entry_point, lambda s: op.stateful_map("step", s, lambda n, _: _running_sum(n, 1)))
    assert out == {key: [*range(1, 5 * entry_point.workers + 1)] for key in "abcdef"}


@pytest.mark.parametrize("result", [None, 5, (1,), (1, 2, 3)])
def test_a_result_that_is_no_pair_is_refused(entry_point: EntryPoint, result: Any) -> None:
    with fails(TypeError, "2-tuple"):
        through(
            entry_point, [("a", 1)], lambda s: op.stateful_map("step", s, lambda old, v: result)
        )


@pytest.mark.parametrize("item", [5, None, ["a", 1], ("a",), ("a", 1, 2), "ab"])
def test_an_item_that_is_no_pair_is_refused_bare(entry_point: EntryPoint, item: Any) -> None:
    with fails_bare(TypeError, "2-tuple"):
        through(entry_point, [item], _sum)


@pytest.mark.parametrize("key", [None, 1, b"a"])
def test_a_key_that_is_no_str_is_refused_bare(entry_point: EntryPoint, key: Any) -> None:
    with fails_bare(TypeError, "`str`"):
        through(entry_point, [(key, 1)], _sum)


def test_an_error_of_the_mapper_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        through(entry_point, [("a", 0)], lambda s: op.stateful_map("step", s, lambda old, v: 1 / v))
