"""The native forms of `join` and `collect` do what their Python forms do."""

from __future__ import annotations

import datetime as datetime_module
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from itertools import cycle, product
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from cppwax.operators._collect import CollectBuilder
from cppwax.operators._join import JoinBuilder
from cppwax.testing import TestingSource
from tests.python.bindings.keyed_forms import Form, resumed_forms, run_form, run_forms
from tests.python.flows import few_examples, very_few_examples

INSERT_MODES: list[Any] = ["first", "last", "product"]
EMIT_MODES: list[Any] = ["complete", "final", "running"]

keys = st.sampled_from("abé")
batch_sizes = st.integers(1, 9)
by_modes = pytest.mark.parametrize("modes", list(product(INSERT_MODES, EMIT_MODES)))
sides_and_items = st.integers(1, 3).flatmap(
    lambda sides: st.tuples(
        st.just(sides),
        st.lists(
            st.tuples(keys, st.tuples(st.integers(0, sides - 1), st.sampled_from([None, 1, 2]))),
            max_size=20,
        ),
    )
)


@by_modes
@few_examples
@given(drawn=sides_and_items, batch_size=batch_sizes)
def test_join_as_the_python_form(modes: Any, drawn: Any, batch_size: int) -> None:
    sides, items = drawn
    native, python = run_forms(
        lambda: JoinBuilder("flow.step", sides, *modes), lambda: items, batch_size
    )
    assert native == python
    assert native.error is None
    if modes[1] == "final":
        assert native.last_keys == python.last_keys


@very_few_examples
@given(
    modes=st.tuples(st.sampled_from(INSERT_MODES), st.sampled_from(EMIT_MODES)),
    drawn=sides_and_items,
    cut=st.integers(0, 20),
    end=st.sampled_from([TestingSource.ABORT, TestingSource.EOF]),
    batch_size=st.sampled_from([1, 3]),
)
def test_each_form_of_join_resumes_what_the_other_has_stored(
    modes: Any, drawn: Any, cut: int, end: Any, batch_size: int
) -> None:
    sides, items = drawn
    results = resumed_forms(
        lambda: JoinBuilder("flow.step", sides, *modes),
        lambda: [*items[:cut], end(), *items[cut:]],
        batch_size,
    )
    assert results[True, False] == results[False, False] == results[False, True]


@pytest.mark.parametrize("insert", INSERT_MODES)
@pytest.mark.parametrize("sides", [1, 2, 3])
def test_join_resumes_what_another_kind_of_join_has_stored(insert: Any, sides: int) -> None:
    """The state of a join of two sides, of all values, comes to one that is made otherwise."""

    other = JoinBuilder("flow.step", 2, "product", "running")
    this = JoinBuilder("flow.step", sides, insert, "running")
    # For each choice of forms: a run and a look at the store, twice.
    builders = cycle([other, other, this, this])
    items = [("a", (0, 1)), ("a", (0, 2)), ("a", (1, 3)), ("b", (0, 4))]
    more = [("a", (0, 5)), ("a", (sides - 1, 6)), ("b", (sides - 1, 7)), ("b", (0, 8))]
    results = resumed_forms(lambda: next(builders), lambda: [*items, TestingSource.EOF(), *more], 1)
    assert results[True, False] == results[False, False] == results[False, True]


sizes = st.sampled_from([0, 1, 2, 3, 100, 2.5])
plain_items = st.lists(st.tuples(keys, st.integers()), max_size=20)
NEVER = [timedelta(hours=1), timedelta.max, timedelta(days=10_000 * 366)]
AT_ONCE = [timedelta(0), timedelta(seconds=-1)]


def collecting(timeout: timedelta, size: Any) -> Callable[[], Any]:
    return lambda: CollectBuilder("flow.step", timeout, size)


@few_examples
@given(items=plain_items, timeout=st.sampled_from(NEVER), size=sizes, batch_size=batch_sizes)
def test_collect_as_the_python_form(
    items: list[Any], timeout: timedelta, size: Any, batch_size: int
) -> None:
    native, python = run_forms(collecting(timeout, size), lambda: items, batch_size)
    assert native == python
    if size == 100:  # All lists leave at the end.
        assert native.last_keys == python.last_keys


@few_examples
@given(items=plain_items, timeout=st.sampled_from(AT_ONCE), size=sizes, batch_size=batch_sizes)
def test_collect_with_times_that_are_over_as_the_python_form(
    items: list[Any], timeout: timedelta, size: Any, batch_size: int
) -> None:
    native, python = run_forms(collecting(timeout, size), lambda: items, batch_size)
    assert native == python


@very_few_examples
@given(
    first=plain_items,
    second=plain_items,
    size=sizes,
    end=st.sampled_from([TestingSource.ABORT, TestingSource.EOF]),
    batch_size=st.sampled_from([1, 3]),
)
def test_each_form_of_collect_resumes_what_the_other_has_stored(
    first: list[Any], second: list[Any], size: Any, end: Any, batch_size: int
) -> None:
    # Without the time of the day, which the states of other timeouts have in them.
    results = resumed_forms(
        collecting(timedelta.max, size), lambda: [*first, end(), *second], batch_size
    )
    assert results[True, False] == results[False, False] == results[False, True]


def test_the_time_in_a_stored_state_is_when_the_values_are_to_leave() -> None:
    before = datetime.now(timezone.utc)
    results = resumed_forms(
        collecting(timedelta(hours=1), 9), lambda: [("a", 1), TestingSource.ABORT(), ("a", 2)], 1
    )
    after = datetime.now(timezone.utc)
    for first, stored, _second, none_left in results.values():
        assert first.out == {}
        ((values, due),) = (eval(state, {"datetime": datetime_module}) for state in stored)
        assert values == [1]
        assert before <= due - timedelta(hours=1) <= after
        assert due.tzinfo is timezone.utc
        assert none_left == []


def test_builders_of_users_subclasses_run_through_python() -> None:
    class Larger(CollectBuilder[Any]):
        def __call__(self, state: Any) -> Any:
            return super().__call__(([0], None) if state is None else state)

    form = Form(Larger("flow.step", timedelta(hours=1), 3), native=True)
    assert run_form(form, [("a", 1), ("a", 2)], 1).out == {"a": ["[0, 1, 2]"]}
