"""Native steps over `(key, value)` items do what their Python forms do."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import hypothesis.strategies as st
import pytest
from hypothesis import given

from cppwax.operators._batch_mappers import (
    FilterMapValueBatch,
    FilterValueBatch,
    FlatMapValueBatch,
    KeyRmBatch,
    MapValueBatch,
)
from cppwax.operators._join import LabelValueBatch
from tests.python.bindings.forms import (
    Failure,
    Refusing,
    Scripted,
    Weird,
    giving,
    raising,
    run_both,
    run_step,
)
from tests.python.flows import few_examples


class Pair(NamedTuple):
    """A named tuple, which is a pair too."""

    key: str
    value: Any


class Odd(tuple):
    """A tuple that iterates in a way of its own."""

    def __iter__(self) -> Any:
        return iter(("odd", 0))


class Key(str):
    """A subclass of str, which keys may be."""


PAIRS = [
    ("a", 1),
    (Key("b"), 2),
    ("\ud800", 3),
    (1, "no key"),
    Pair("named", 4),
    ["list", 5],
    "xy",
    {"of": 1, "two": 2},
    Weird("weird", 6),
    Odd(("seems", 7)),
]
NO_PAIRS = [
    (),
    ("a",),
    ("a", 1, 2),
    Pair("a", 1)[:1],
    [],
    "abc",
    5,
    None,
    Weird("a"),
    Weird(1, 2, 3),
    Refusing(),
]


def itself(value: Any) -> Any:
    return value


VALUES = [itself, giving(None), giving(7), lambda value: (value, value)]
FAILING = [raising(Failure), raising(TypeError), raising(StopIteration), raising(ValueError)]
SEVERAL = [giving([1, 2]), giving(()), giving("xyz"), giving(range(3)), giving(Weird(4, 5))]

STEPS: dict[str, tuple[Callable[[Scripted], Any], list[Any], list[Any]]] = {
    "map_value": (lambda f: MapValueBatch("flow.step", f), VALUES, FAILING),
    "filter_value": (
        lambda f: FilterValueBatch("flow.step", f),
        [giving(True), giving(False)],
        [*FAILING, giving(1), giving(None), giving("yes")],
    ),
    "filter_map_value": (lambda f: FilterMapValueBatch("flow.step", f), VALUES, FAILING),
    "flat_map_value": (
        lambda f: FlatMapValueBatch("flow.step", f),
        [*SEVERAL, lambda value: (value for _ in range(2))],
        [*FAILING, giving(1), giving(None), giving(Refusing()), lambda _: map(int, ["1", "x"])],
    ),
}
WITHOUT_CALLABLE: dict[str, Any] = {
    "key_rm": lambda _f: KeyRmBatch("flow.step"),
    "label_value": lambda _f: LabelValueBatch("flow.step", 3),
}
ALL = {name: (make, good) for name, (make, good, _) in STEPS.items()} | {
    name: (make, VALUES) for name, make in WITHOUT_CALLABLE.items()
}

by_step = pytest.mark.parametrize("step", ALL.values(), ids=ALL.keys())
batch_sizes = st.sampled_from([1, 2, 7, 100])


@by_step
@few_examples
@given(data=st.data())
def test_as_the_python_form(step: Any, data: st.DataObject) -> None:
    make_batch, good = step
    answers = data.draw(st.lists(st.sampled_from(good), min_size=1, max_size=5))
    items = data.draw(st.lists(st.sampled_from(PAIRS), max_size=60))
    native, python = run_both(make_batch, answers, lambda: items, data.draw(batch_sizes))
    assert native == python
    assert python.error is None


@by_step
@few_examples
@given(data=st.data())
def test_refuses_what_the_python_form_refuses(step: Any, data: st.DataObject) -> None:
    make_batch, good = step
    answers = data.draw(st.lists(st.sampled_from(good), min_size=1, max_size=5))
    items = data.draw(st.lists(st.sampled_from(PAIRS), max_size=40))
    items.append(data.draw(st.sampled_from(NO_PAIRS)))
    native, python = run_both(make_batch, answers, lambda: items, data.draw(batch_sizes))
    assert native == python
    assert python.error is not None


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
@few_examples
@given(data=st.data())
def test_fails_as_the_python_form(step: Any, data: st.DataObject) -> None:
    make_batch, good, bad = step
    answers = data.draw(st.lists(st.sampled_from(good), max_size=30))
    answers.append(data.draw(st.sampled_from(bad)))
    items = data.draw(st.lists(st.sampled_from(PAIRS), min_size=31, max_size=40))
    native, python = run_both(make_batch, answers, lambda: items, data.draw(batch_sizes))
    assert native == python
    assert python.error is not None


@by_step
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_no_run_leaves_a_reference(step: Any, batch_size: int) -> None:
    make_batch, good = step
    values = [object() for _ in range(30)]
    keys = [f"key {i}" for i in range(30)]
    items = list(zip(keys, values, strict=True))
    gc.collect()
    before = [sys.getrefcount(it) for it in (*values, *keys, *items)]
    for answer in (good[0], raising(Failure)):
        for wrong in NO_PAIRS:
            run_step(make_batch(Scripted([*good, answer])), [*items, wrong], batch_size)
    gc.collect()
    assert [sys.getrefcount(it) for it in (*values, *keys, *items)] == before
