"""The native forms of what `reduce_final` and `enrich_cached` are made of do what Python's do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial, reduce
from operator import add, itemgetter
from random import Random
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

import cppwax.operators as op
from cppwax.operators._enrich import EnrichBatch
from cppwax.operators._final import FoldFinalBuilder, PreReduceBatch, ReduceFolder, _no_value
from cppwax.testing import TestingSource
from tests.python.bindings.forms import Failure, Weird, run_both, run_step
from tests.python.bindings.keyed_forms import resumed_forms, run_forms
from tests.python.conftest import EntryPoint
from tests.python.flows import few_examples, through, very_few_examples


class Text(str):
    """A key with ideas of its own."""

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


class Number(int):
    """A number that is added in its own way."""

    def __add__(self, other: Any) -> Any:
        return Number(7 * int(self) + 3 * int(other))

    __radd__ = __add__


def pair_up(a: Any, b: Any) -> Any:
    return (a, b)


def forget(a: Any, b: Any) -> Any:
    return None if a == 1 else b


def fail_at_7(a: Any, b: Any) -> Any:
    if b == 7:
        raise Failure(f"reducing {a!r}")
    return b


HUGE = 2**63 - 1
REDUCERS: dict[str, tuple[Callable[[Any, Any], Any], Any]] = {
    "add ints": (add, st.sampled_from([0, 1, -1, HUGE, -HUGE, 2 * HUGE])),
    "add any": (add, st.sampled_from([1, 1.5, True, Number(3)])),
    "add lists": (add, st.sampled_from([[], [1]])),
    "max": (max, st.sampled_from([1, 1.0, True, 2, float("nan")])),
    "min": (min, st.sampled_from([1, 1.0, True, 2, float("nan")])),
    "max by": (partial(max, key=len), st.sampled_from(["", "a", "b", "cc"])),
    "min by": (partial(min, key=len), st.sampled_from(["", "a", "b", "cc"])),
    "max by none": (partial(max, key=None), st.integers(0, 3)),
    "max with first": (partial(max, 2), st.integers(0, 3)),
    "pairs": (pair_up, st.integers(0, 3)),
    "none": (forget, st.integers(0, 3)),
}
FAILING: dict[str, tuple[Callable[[Any, Any], Any], Any]] = {
    "add none": (add, st.sampled_from([None, 1])),
    "mixed": (max, st.sampled_from([1, "a", None])),
    "by fails": (partial(min, key=len), st.sampled_from(["a", 1])),
    "by is mixed": (partial(max, key=itemgetter(0)), st.sampled_from([(1,), ("a",)])),
}
by_reducer = pytest.mark.parametrize("reducer", REDUCERS.values(), ids=REDUCERS.keys())

keys = st.sampled_from(["a", "b", "é", Text("a"), Text("z"), "\ud800"])
strange_keys = st.sampled_from(["a", Text("a"), 1, True, 1.0, None, ("a",)])
batch_sizes = st.sampled_from([1, 2, 7, 100])


def items_of(values: Any, most: int = 30) -> Any:
    return st.lists(st.tuples(keys, values), max_size=most)


@by_reducer
@few_examples
@given(data=st.data())
def test_the_last_reduction_as_the_python_form(reducer: Any, data: st.DataObject) -> None:
    function, values = reducer
    items = data.draw(items_of(values))
    native, python = run_forms(
        lambda: FoldFinalBuilder("flow.step", _no_value, ReduceFolder(function)),
        lambda: items,
        data.draw(batch_sizes),
    )
    assert native == python
    assert native.last_keys == python.last_keys


def test_by_is_called_for_both_values_in_turn() -> None:
    calls: list[int] = []

    def by(value: int) -> int:
        calls.append(value)
        return value

    native, python = run_forms(
        lambda: FoldFinalBuilder("flow.step", _no_value, ReduceFolder(partial(max, key=by))),
        lambda: [("a", number) for number in (1, 3, 2)],
        100,
    )
    assert native == python
    assert calls == [1, 3, 3, 2] * 2


@pytest.mark.parametrize("reducer", FAILING.values(), ids=FAILING.keys())
@few_examples
@given(data=st.data())
def test_the_last_reduction_fails_as_the_python_form(reducer: Any, data: st.DataObject) -> None:
    """Of one key: which of several fails first depends on their order."""
    function, values = reducer
    items = [("a", value) for value in data.draw(st.lists(values, max_size=9))]
    native, python = run_forms(
        lambda: FoldFinalBuilder("flow.step", _no_value, ReduceFolder(function)),
        lambda: items,
        data.draw(batch_sizes),
    )
    assert native == python


@very_few_examples
@given(
    data=st.data(),
    reducer=st.sampled_from(list(REDUCERS.values())),
    end=st.sampled_from([TestingSource.ABORT, TestingSource.EOF]),
)
def test_each_form_of_it_resumes_what_the_other_has_stored(
    data: st.DataObject, reducer: Any, end: Any
) -> None:
    function, values = reducer
    first, second = data.draw(items_of(values, 10)), data.draw(items_of(values, 10))
    results = resumed_forms(
        lambda: FoldFinalBuilder("flow.step", _no_value, ReduceFolder(function)),
        lambda: [*first, end(), *second],
        1,
    )
    assert results[True, False] == results[False, False] == results[False, True]


@pytest.mark.parametrize("name", [name for name in (*REDUCERS, *FAILING) if "add" not in name])
@few_examples
@given(data=st.data())
def test_reducing_batches_as_the_python_form(name: str, data: st.DataObject) -> None:
    function, values = (REDUCERS | FAILING)[name]
    items = data.draw(st.lists(st.tuples(keys | strange_keys, values), max_size=30))
    native, python = run_both(
        lambda _f: PreReduceBatch("flow.step", function), [], lambda: items, data.draw(batch_sizes)
    )
    assert native == python


BAD_ITEMS = [5, None, ("a", 1, 2), ("a",), "abc", ([], 1), ("a", 7), ["a", 7], Weird("a")]


@few_examples
@given(
    before=items_of(st.integers(0, 6)), bad=st.sampled_from(BAD_ITEMS), behind=items_of(st.just(1))
)
def test_fails_to_reduce_a_batch_as_the_python_form(
    before: list[Any], bad: Any, behind: list[Any]
) -> None:
    items = [*before, ("a", 1), bad, *behind]
    for batch_size in (1, 3, 100):
        native, python = run_both(
            lambda _f: PreReduceBatch("flow.step", fail_at_7), [], lambda: items, batch_size
        )
        assert native == python


def test_pairs_that_are_no_tuples_are_reduced(entry_point: EntryPoint) -> None:
    out = through(
        entry_point,
        [["a", 1], ("a", 2), Weird("b", 3)],
        lambda s: op.reduce_final("step", s, add),
        batch=3,
    )
    assert sorted(out) == [("a", 3), ("b", 3)]


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_counts(entry_point: EntryPoint, batch: int) -> None:
    words = Random(batch).choices(["a", "b", "é", Text("a"), "\ud800"], k=500)
    out = through(entry_point, words, lambda s: op.count_final("step", s, lambda w: w), batch)
    assert sorted(out) == sorted(Counter(str(word) + "" for word in words).items())


@pytest.mark.parametrize("values", [[1, 2, 3], [1, 0.5, 3], [[1], [2], [3]], [HUGE, HUGE, 1]])
def test_sums(entry_point: EntryPoint, values: list[Any]) -> None:
    items = [(key, value) for value in values for key in "ab"]
    for batch in (1, 4):
        out = through(entry_point, items, lambda s: op.reduce_final("step", s, add), batch)
        assert sorted(out) == [(key, reduce(add, values)) for key in "ab"]


def test_a_count_of_keys_that_are_no_strs_fails_as_ever(entry_point: EntryPoint) -> None:
    with pytest.raises(TypeError, match="must be a `str`|to be a `str`"):
        through(entry_point, [1, 2], lambda s: op.count_final("step", s, lambda n: n), 2)


class Clock:
    """Gives a new second whenever it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> datetime:
        self.asked += 1
        if self.asked == 9:
            raise Failure("no time")
        return datetime(2000, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=self.asked)


@few_examples
@given(
    items=st.lists(st.integers(0, 3), max_size=40),
    ttl=st.sampled_from([0, 1, 2, 100]),
    batch_size=batch_sizes,
)
def test_enriching_as_the_python_form(items: list[int], ttl: int, batch_size: int) -> None:
    seen = []
    for native in (True, False):
        fetched: list[Any] = []
        clock = Clock()

        def fetch(key: int, fetched: list[Any] = fetched, clock: Clock = clock) -> Any:
            fetched.append((key, clock.asked))
            return key, clock.asked

        batch = EnrichBatch(
            "flow.step",
            fetch,
            lambda cache, item: cache.get(item),
            timedelta(seconds=ttl),
            clock,
        )
        run = run_step(batch if native else partial(batch), items, batch_size)
        seen.append((run, fetched, clock.asked))
    assert seen[0] == seen[1]
