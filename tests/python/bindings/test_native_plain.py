"""Native steps over whole items do what their Python forms do: map, filter, filter_map, key_on."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.operators._batch_mappers import FilterBatch, FilterMapBatch, KeyOnBatch, MapBatch
from cppwax.operators._final import CountBatch
from cppwax.operators._join import LabelBatch
from cppwax.testing import TestingSource, run_main
from tests.python.bindings.forms import (
    Failure,
    Scripted,
    giving,
    hidden,
    raising,
    run_both,
    run_step,
)
from tests.python.flows import BatchSink, few_examples


class Key(str):
    """A subclass of str, which keys may be."""


def itself(item: Any) -> Any:
    return item


VALUES = [itself, giving(None), giving(7), lambda item: (item, item), giving("text")]
BOOLS = [giving(True), giving(False), lambda item: item % 2 == 0]
FAILING = [raising(Failure), raising(TypeError), raising(StopIteration), raising(ValueError)]

STEPS: dict[str, tuple[Callable[[Scripted], Any], list[Any], list[Any]]] = {
    "map": (lambda f: MapBatch("flow.step", f), VALUES, FAILING),
    "filter": (
        lambda f: FilterBatch("flow.step", f),
        BOOLS,
        [*FAILING, giving(1), giving(None), giving("yes"), giving(0)],
    ),
    "filter_map": (lambda f: FilterMapBatch("flow.step", f), VALUES, FAILING),
    "key_on": (
        lambda f: KeyOnBatch("flow.step", f),
        [repr, giving("a"), giving(Key("b")), giving("\ud800")],
        [*FAILING, giving(1), giving(None), giving(b"a")],
    ),
    "count": (lambda f: CountBatch("flow.step", f), [repr, *VALUES], FAILING),
    "label": (lambda _f: LabelBatch("flow.step", 3), VALUES, FAILING),
}

by_step = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())


@by_step
@few_examples
@given(data=st.data())
def test_as_the_python_form(step: Any, data: st.DataObject) -> None:
    make_batch, good, _bad = step
    answers = data.draw(st.lists(st.sampled_from(good), min_size=1, max_size=5))
    count = data.draw(st.integers(0, 60))
    batch_size = data.draw(st.sampled_from([1, 2, 7, 100]))
    native, python = run_both(make_batch, answers, lambda: range(count), batch_size)
    assert native == python
    assert python.error is None


@by_step
@few_examples
@given(data=st.data())
def test_fails_as_the_python_form(step: Any, data: st.DataObject) -> None:
    make_batch, good, bad = step
    answers = data.draw(st.lists(st.sampled_from(good), max_size=45))
    answers.append(data.draw(st.sampled_from(bad)))
    batch_size = data.draw(st.sampled_from([1, 2, 7, 100]))
    native, python = run_both(make_batch, answers, lambda: range(50), batch_size)
    assert native == python


def test_a_result_may_be_the_item_itself() -> None:
    items = [object() for _ in range(10)]
    before = [sys.getrefcount(item) for item in items]
    native, python = run_both(lambda f: MapBatch("flow.step", f), [itself], lambda: items, 3)
    assert native == python
    gc.collect()
    assert [sys.getrefcount(item) for item in items] == before


@by_step
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_a_failure_leaves_no_reference(step: Any, batch_size: int) -> None:
    make_batch, good, bad = step
    items = list(range(1000, 1050))
    before = [sys.getrefcount(item) for item in items]
    answers = [good[0]] * 20
    for failing in bad:
        run_step(make_batch(Scripted([*answers, failing])), items, batch_size)
    gc.collect()
    assert [sys.getrefcount(item) for item in items] == before


def test_a_subclass_runs_through_python() -> None:
    class Negated(MapBatch[Any, Any]):
        def __call__(self, xs: list[Any]) -> list[Any]:
            return [-x for x in xs]

    assert run_step(Negated("flow.step", itself), [1, 2], 2).batches == ["[-1, -2]"]


def test_steps_in_a_row_keep_the_batches_of_the_source() -> None:
    """Small batches are joined inside; a user's callable sees those of the source, less what went.

    The batches of which nothing is left are not seen at all.
    """
    seen: list[list[int]] = []

    def look(items: list[int]) -> list[int]:
        seen.append(list(items))
        return items

    flow = Dataflow("flow")
    up = op.input("inp", flow, TestingSource(range(3000), 3))
    up = op.map("double", up, lambda x: x * 2)
    up = op.filter("some", up, lambda x: x % 8 != 0 and not 600 < x < 900)
    up = op.filter_map("fewer", up, lambda x: None if x % 10 == 0 else x)
    up = op.flat_map_batch("look", up, look)
    sink = BatchSink()
    op.output("out", up, sink)
    run_main(flow)
    kept = [
        [x * 2 for x in range(i, i + 3) if x * 2 % 8 and not 600 < x * 2 < 900 and x * 2 % 10]
        for i in range(0, 3000, 3)
    ]
    assert seen == [batch for batch in kept if batch]
    assert [items for _, items in sink.batches] == seen


def test_what_came_before_a_failure_reaches_the_sink() -> None:
    def fail_at_900(x: int) -> int:
        if x == 900:
            raise Failure
        return x

    flow = Dataflow("flow")
    up = op.map("first", op.input("inp", flow, TestingSource(range(2000))), lambda x: x)
    up = op.map("step", up, fail_at_900)
    sink = BatchSink()
    op.output("out", op.map("last", up, lambda x: x), sink)
    with pytest.raises(CppwaxRuntimeError, match=r"flow\.step.*calling `mapper` on an item"):
        run_main(flow)
    assert [items for _, items in sink.batches] == [[x] for x in range(900)]


class Big(bytearray):
    """Counts how many live."""

    alive = 0
    most = 0

    def __init__(self, _item: int) -> None:
        super().__init__(1 << 20)
        Big.alive += 1
        Big.most = max(Big.most, Big.alive)

    def __del__(self) -> None:
        Big.alive -= 1


def test_results_far_larger_than_their_items_are_not_gathered() -> None:
    flow = Dataflow("flow")
    up = op.input("inp", flow, TestingSource(range(300)))
    up = op.map("large", up, Big)
    op.output("out", op.map("length", up, len), BatchSink())
    run_main(flow)
    assert Big.alive == 0
    assert Big.most < 40


def test_the_python_form_is_still_of_use() -> None:
    """What `hidden` hides is really hidden: its batch mapper is called."""
    batches: list[int] = []

    def counting(items: list[int]) -> list[int]:
        batches.append(len(items))
        return items

    run_step(hidden(counting), range(5), 2)
    assert batches == [2, 2, 1]
