"""The native form of `fold_final` does what its Python form does, with and without a store."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from cppwax.operators._final import FoldFinalBuilder
from cppwax.testing import TestingSource
from tests.python.bindings.forms import Failure
from tests.python.bindings.keyed_forms import Form, resumed_forms, run_form, run_forms
from tests.python.flows import few_examples, very_few_examples


class Text(str):
    """A key with ideas of its own."""

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


class Copied(list[Any]):
    """Counts in itself how often it was copied."""

    def __deepcopy__(self, memo: Any) -> Copied:
        return Copied([*self, "copied"])


def append(values: Any, value: Any) -> Any:
    values.append(value)
    return values


def replace(state: Any, value: Any) -> Any:
    return value


def forget(state: Any, value: Any) -> Any:
    return None if state == 0 else value


def fail_at_7(state: Any, value: Any) -> Any:
    if value == 7:
        raise Failure(f"folding into {state!r}")
    return (state, value)


def fail_to_build() -> Any:
    raise Failure("building")


STEPS: dict[str, tuple[Callable[[], Any], Callable[[Any, Any], Any]]] = {
    "list": (list, append),
    "copied": (Copied, append),
    "int": (int, lambda a, b: a + b),
    "replace": (lambda: "first", replace),
    "none": (int, forget),
    "nested": (lambda: (), lambda a, b: (a, b)),
}
by_step = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())

keys = st.sampled_from(["a", "b", "é", "鍵", Text("a"), Text("z"), "\ud800"])
keyed_items = st.lists(st.tuples(keys, st.integers(0, 5)), max_size=40)
batch_sizes = st.sampled_from([1, 2, 7, 100])


def builder_of(step: Any) -> Callable[[], Any]:
    return lambda: FoldFinalBuilder("flow.step", *step)


@by_step
@few_examples
@given(items=keyed_items, batch_size=batch_sizes)
def test_as_the_python_form(step: Any, items: list[Any], batch_size: int) -> None:
    native, python = run_forms(builder_of(step), lambda: items, batch_size)
    assert native == python
    assert native.error is None
    assert native.last_keys == sorted({str(key) for key, _ in items})


BAD_ITEMS = [5, None, ["a", 1], ("a", 1, 2), (1, 1), "ab"]


@few_examples
@given(
    before=keyed_items,
    bad=st.sampled_from([*BAD_ITEMS, ("a", 7)]),
    behind=keyed_items,
    batch_size=batch_sizes,
)
def test_fails_as_the_python_form(
    before: list[Any], bad: Any, behind: list[Any], batch_size: int
) -> None:
    items = [*before, bad, *behind]
    native, python = run_forms(builder_of((int, fail_at_7)), lambda: items, batch_size)
    assert native == python
    assert native.error is not None


def test_an_item_that_is_no_pair_is_found_before_its_batch_is_worked_on() -> None:
    seen: list[Any] = []
    builder = FoldFinalBuilder("flow.step", int, lambda _state, value: seen.append(value))
    run_form(Form(builder, native=True), [("a", 1), ("a", 2), ("a", 3), "bad"], 2)
    assert seen == [1, 2]


@pytest.mark.parametrize("batch_size", [1, 3])
def test_fails_to_build_as_the_python_form(batch_size: int) -> None:
    items = [("a", 1), ("b", 2)]
    native, python = run_forms(builder_of((fail_to_build, append)), lambda: items, batch_size)
    assert native == python
    assert native.error is not None


@very_few_examples
@given(
    step=st.sampled_from(list(STEPS.values())),
    end=st.sampled_from([TestingSource.ABORT, TestingSource.EOF]),
    first=st.lists(st.tuples(keys, st.integers(0, 5)), max_size=10),
    second=st.lists(st.tuples(keys, st.integers(0, 5)), max_size=10),
    batch_size=st.sampled_from([1, 3]),
)
def test_each_form_resumes_what_the_other_has_stored(
    step: Any, end: Any, first: list[Any], second: list[Any], batch_size: int
) -> None:
    results = resumed_forms(builder_of(step), lambda: [*first, end(), *second], batch_size)
    assert results[True, False] == results[False, False] == results[False, True]


@pytest.mark.parametrize("bad", [("a", 7), None])
def test_a_run_leaves_no_reference(bad: Any) -> None:
    values = [(object(),) for _ in range(20)]
    items = [("abc"[i % 3], value) for i, value in enumerate(values)]
    before = [sys.getrefcount(value) for value in values]
    for fold in (append, fail_at_7):
        run_form(Form(FoldFinalBuilder("flow.step", list, fold), native=True), [*items, bad], 4)
    del items
    gc.collect()
    assert [sys.getrefcount(value) for value in values] == [count - 1 for count in before]


def test_a_builder_of_a_users_subclass_runs_through_python() -> None:
    class Negated(FoldFinalBuilder[Any, Any]):
        def __call__(self, state: Any) -> Any:
            return super().__call__(-100 if state is None else state)

    builder = Negated("flow.step", int, lambda a, b: a + b)
    assert run_form(Form(builder, native=True), [("a", 1)], 1).out == {"a": ["-99"]}
