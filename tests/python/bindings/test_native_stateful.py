"""The native forms of `stateful_map`, `stateful_flat_map` and `stateful` do what Python's do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from cppwax.operators import StatefulLogic
from cppwax.operators._stateful import (
    StatefulBuilder,
    StatefulFlatMapBuilder,
    StatefulMapBuilder,
)
from cppwax.testing import TestingSource
from tests.python.bindings.forms import Failure, Refusing, Weird
from tests.python.bindings.keyed_forms import Form, resumed_forms, run_form, run_forms
from tests.python.flows import few_examples, very_few_examples
from tests.python.logics import FUTURE, PAST

# What a callback does is said by the value it gets.
Deed = tuple[str, int]


def generate(*values: Any, error: type[BaseException] | None = None) -> Iterator[Any]:
    yield from values
    if error is not None:
        raise error("while iterating")


class NotCopied:
    """A state that can be stored but not copied."""

    def __deepcopy__(self, memo: Any) -> Any:
        raise Failure("copying")


GOOD_STATES: dict[str, Callable[[Any, int], Any]] = {
    "keep": lambda state, _n: state or [],
    "count": lambda state, n: [*(state or []), n],
    "change": lambda state, n: state.append(n) or state if state else [n],
    "forget": lambda _state, _n: None,
    "falsy": lambda _state, _n: 0,
}
GOOD_VALUES: dict[str, Callable[[int], Any]] = {
    "none": lambda _n: [],
    "list": lambda n: [n, None],
    "tuple": lambda n: (n,),
    "text": lambda _n: "ab",
    "range": range,
    "dict": lambda n: {n: n},
    "iterator": lambda n: generate(n, n),
    "weird": lambda n: Weird(n, n),
}
BAD_VALUES: dict[str, Callable[[int], Any]] = {
    "number": lambda n: n,
    "nothing": lambda _n: None,
    "refusing": lambda _n: Refusing(),
    "fails": lambda n: generate(n, error=Failure),
    "mistypes": lambda n: generate(n, error=TypeError),
}
BAD_PAIRS: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "one": lambda: (1,),
    "three": lambda: (1, 2, 3),
    "long list": lambda: [1, 2, 3],
    "number": lambda: 5,
    "refusing": Refusing,
    "fails": lambda: generate(1, error=Failure),
    "mistypes": lambda: generate(1, error=ValueError),
    "endless": lambda: iter(int, 1),
}
PAIRS: dict[str, Callable[[Any, Any], Any]] = {
    "tuple": lambda a, b: (a, b),
    "list": lambda a, b: [a, b],
    "iterator": lambda a, b: iter((a, b)),
    "weird": Weird,
}


def raise_failure() -> Any:
    raise Failure("by the user")


BAD_PAIRS["raises"] = raise_failure


def map_mapper(state: Any, value: Any) -> Any:
    kind, deed, n = value
    if kind in BAD_PAIRS:
        return BAD_PAIRS[kind]()
    # Shown at once, since the state may change later.
    return PAIRS[kind](GOOD_STATES[deed](state, n), (repr(state), n))


def flat_map_mapper(state: Any, value: Any) -> Any:
    kind, deed, values, n = value
    if kind in BAD_PAIRS:
        return BAD_PAIRS[kind]()
    emitted = (GOOD_VALUES | BAD_VALUES)[values](n)
    return PAIRS[kind](GOOD_STATES[deed](state, n), emitted)


keys = st.sampled_from("abé")
numbers = st.integers(0, 3)
pair_kinds = st.sampled_from(["tuple", *PAIRS])
deeds = st.sampled_from(list(GOOD_STATES))
map_values = st.tuples(pair_kinds, deeds, numbers)
flat_map_values = st.tuples(pair_kinds, deeds, st.sampled_from(list(GOOD_VALUES)), numbers)
bad_pairs = st.sampled_from(list(BAD_PAIRS))

STEPS: dict[str, tuple[Callable[[], Any], Any, Any]] = {
    "map": (
        lambda: StatefulMapBuilder("flow.step", map_mapper),
        map_values,
        st.tuples(bad_pairs, deeds, numbers),
    ),
    "flat_map": (
        lambda: StatefulFlatMapBuilder("flow.step", flat_map_mapper),
        flat_map_values,
        st.tuples(bad_pairs, deeds, st.just("none"), numbers)
        | st.tuples(pair_kinds, deeds, st.sampled_from(list(BAD_VALUES)), numbers),
    ),
}


class Logic(StatefulLogic[Any, Any, Any]):
    """Does with a value what that says; shows how it was called."""

    def __init__(self, state: Any) -> None:
        self.seen = list(state or [])
        self.due: datetime | None = None

    def on_item(self, value: Any) -> Any:
        kind, values, over, n = value
        if kind in BAD_PAIRS:
            return BAD_PAIRS[kind]()
        self.seen.append(n)
        self.due = {0: PAST, 1: FUTURE}.get(n)
        return PAIRS[kind]((GOOD_VALUES | BAD_VALUES)[values](n), over)

    def on_notify(self) -> Any:
        self.seen.append("notified")
        self.due = None
        return [list(self.seen)], len(self.seen) % 3 == 0

    def on_eof(self) -> Any:
        return (list(self.seen),), len(self.seen) % 2 == 0

    def notify_at(self) -> datetime | None:
        return self.due

    def snapshot(self) -> Any:
        return list(self.seen)

    def __repr__(self) -> str:
        return "Logic()"


item_values = st.tuples(pair_kinds, st.sampled_from(list(GOOD_VALUES)), st.booleans(), numbers)
STEPS["stateful"] = (
    lambda: StatefulBuilder("flow.step", Logic),
    item_values,
    st.tuples(bad_pairs, st.just("none"), st.booleans(), numbers)
    | st.tuples(pair_kinds, st.sampled_from(list(BAD_VALUES)), st.booleans(), numbers)
    | st.tuples(
        pair_kinds, st.sampled_from(list(GOOD_VALUES)), st.sampled_from([None, 0, "yes"]), numbers
    ),
)

by_step = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())


def items_of(values: Any, most: int = 30) -> Any:
    return st.lists(st.tuples(keys, values), max_size=most)


@by_step
@few_examples
@given(data=st.data())
def test_as_the_python_form(step: Any, data: st.DataObject) -> None:
    make_builder, values, _bad = step
    items = data.draw(items_of(values))
    native, python = run_forms(make_builder, lambda: items, data.draw(st.integers(1, 9)))
    assert native == python
    assert native.error is None


@by_step
@few_examples
@given(data=st.data())
def test_fails_as_the_python_form(step: Any, data: st.DataObject) -> None:
    make_builder, values, bad = step
    items = [*data.draw(items_of(values)), ("a", data.draw(bad)), *data.draw(items_of(values, 5))]
    native, python = run_forms(make_builder, lambda: items, data.draw(st.integers(1, 9)))
    assert native == python
    assert native.error is not None


@by_step
@very_few_examples
@given(data=st.data(), end=st.sampled_from([TestingSource.ABORT, TestingSource.EOF]))
def test_each_form_resumes_what_the_other_has_stored(
    step: Any, data: st.DataObject, end: Any
) -> None:
    make_builder, values, _bad = step
    first, second = data.draw(items_of(values, 10)), data.draw(items_of(values, 10))
    batch_size = data.draw(st.sampled_from([1, 3]))
    results = resumed_forms(make_builder, lambda: [*first, end(), *second], batch_size)
    assert results[True, False] == results[False, False] == results[False, True]


def test_values_of_one_batch_are_taken_as_they_arrive() -> None:
    """Per-item logics keep the order of the stream, also among keys."""
    seen: list[str] = []

    def mapper(state: Any, value: str) -> Any:
        seen.append(value)
        return 1, value

    items = [(key, f"{key}{i}") for i in range(3) for key in "ba"]
    run_form(Form(StatefulMapBuilder("flow.step", mapper), native=True), items, 6)
    assert seen == ["b0", "a0", "b1", "a1", "b2", "a2"]


def test_a_state_is_copied_for_the_store_as_by_the_python_form() -> None:
    def make_builder() -> Any:
        return StatefulMapBuilder("flow.step", lambda _state, _value: (NotCopied(), 1))

    results = resumed_forms(make_builder, lambda: [("a", 1), TestingSource.EOF(), ("a", 2)], 1)
    assert results[True, False][0].error is not None
    assert "calling `snapshot` of key 'a'" in results[True, False][0].error[0]
    assert results[True, False][0] == results[False, False][0]


def test_a_builder_that_gives_no_logic_fails_as_the_python_form() -> None:
    for builder in (lambda _state: None, lambda _state: raise_failure()):
        native, python = run_forms(
            lambda builder=builder: StatefulBuilder("flow.step", builder),
            lambda: [("a", ("tuple", "list", False, 1))],
            1,
        )
        assert native == python
        assert native.error is not None


@pytest.mark.parametrize("bad", [None, ([1], 1), (1, False), [[1], False], ({1}, False)])
@pytest.mark.parametrize("method", ["on_notify", "on_eof"])
def test_wrong_results_of_other_callbacks_fail_as_the_python_form(method: str, bad: Any) -> None:
    class Wrong(Logic):
        pass

    setattr(Wrong, method, lambda _self: bad)
    native, python = run_forms(
        lambda: StatefulBuilder("flow.step", Wrong), lambda: [("a", ("tuple", "list", False, 0))], 1
    )
    assert native == python
    assert native.error is not None


@pytest.mark.parametrize("bad", ["soon", datetime(2000, 1, 1), 5])
def test_wrong_due_times_fail_as_the_python_form(bad: Any) -> None:
    class Wrong(Logic):
        def notify_at(self) -> Any:
            return bad

    native, python = run_forms(
        lambda: StatefulBuilder("flow.step", Wrong), lambda: [("a", ("tuple", "list", False, 3))], 1
    )
    assert native == python
    assert native.error is not None


def test_a_due_time_of_a_logic_that_is_over_stays_for_the_next_of_the_same_batch() -> None:
    """As in the Python form, which knows one logic a key in each batch."""

    class Due(Logic):
        def notify_at(self) -> datetime | None:
            if self.seen[-1] == 5:
                return datetime.now(timezone.utc)
            return None

    items = [("a", ("tuple", "none", False, 5)), ("b", ("tuple", "none", False, 3))]
    items += [("a", ("tuple", "none", True, 3)), ("a", ("tuple", "none", False, 3))]
    native, python = run_forms(lambda: StatefulBuilder("flow.step", Due), lambda: items, 2)
    assert native == python
