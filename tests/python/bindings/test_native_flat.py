"""Native flat_map and flatten do what their Python forms do, and keep their place in between."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

import cppwax.operators as op
from cppwax.operators._batch_mappers import FlatMapBatch, FlattenBatch
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
from tests.python.conftest import EntryPoint
from tests.python.flows import few_examples, through

# Several slices, and several windows of credit.
MANY = 200_000


class Backwards(list[Any]):
    """A list that iterates in a way of its own."""

    def __iter__(self) -> Iterator[Any]:
        return reversed(self)


class Indexed:
    """Has items by index alone, which Python can iterate over."""

    def __getitem__(self, index: int) -> int:
        if index == 3:
            raise IndexError
        return index

    def __repr__(self) -> str:
        return "Indexed()"


def generate(count: int, error: type[BaseException] | None = None) -> Iterator[int]:
    yield from range(count)
    if error is not None:
        raise error("by the user, while iterating")


GOOD: list[Callable[[], Any]] = [
    list,
    tuple,
    lambda: [1, 2, 3],
    lambda: (4,),
    lambda: "text",
    lambda: b"ab",
    lambda: range(5),
    lambda: {"k": 1},
    lambda: Weird(1, 2),
    lambda: Backwards([1, 2, 3]),
    Indexed,
    lambda: generate(3),
    lambda: map(str, [1, 2]),
    lambda: [[1], (2,)],
]
BAD: list[Callable[[], Any]] = [
    lambda: None,
    lambda: 5,
    object,
    lambda: list,
    Refusing,
    lambda: generate(2, Failure),
    lambda: generate(2, TypeError),
    lambda: map(int, ["1", "x"]),
    lambda: map(len, [5]),
]


def as_answer(make: Callable[[], Any]) -> Callable[[Any], Any]:
    return lambda _item: make()


def make_flat_map(mapper: Scripted) -> Any:
    return FlatMapBatch("flow.step", mapper)


batch_sizes = st.sampled_from([1, 2, 7, 100])
several_good = st.lists(st.sampled_from(GOOD), max_size=40)


@few_examples
@given(st.lists(st.sampled_from(GOOD), min_size=1, max_size=5), st.integers(0, 60), batch_sizes)
def test_flat_map_as_the_python_form(makers: list[Any], count: int, batch_size: int) -> None:
    answers = [as_answer(make) for make in makers]
    native, python = run_both(make_flat_map, answers, lambda: range(count), batch_size)
    assert native == python
    assert python.error is None


FAILING = [*map(as_answer, BAD), *map(raising, (Failure, TypeError, ValueError, StopIteration))]


@few_examples
@given(several_good, st.sampled_from(FAILING), batch_sizes)
def test_flat_map_fails_as_the_python_form(makers: list[Any], bad: Any, batch_size: int) -> None:
    answers = [*map(as_answer, makers), bad]
    native, python = run_both(make_flat_map, answers, lambda: range(50), batch_size)
    assert native == python
    assert python.error is not None


@few_examples
@given(several_good, batch_sizes)
def test_flatten_as_the_python_form(makers: list[Any], batch_size: int) -> None:
    native, python = run_both(
        lambda _f: FlattenBatch("flow.step"), [], lambda: [make() for make in makers], batch_size
    )
    assert native == python
    assert python.error is None


@few_examples
@given(several_good, st.sampled_from(BAD), several_good, batch_sizes)
def test_flatten_fails_as_the_python_form(
    before: list[Any], bad: Any, behind: list[Any], batch_size: int
) -> None:
    def items() -> list[Any]:
        return [make() for make in (*before, bad, *behind)]

    native, python = run_both(lambda _f: FlattenBatch("flow.step"), [], items, batch_size)
    assert native == python
    assert python.error is not None


@pytest.mark.parametrize("kind", [list, tuple, iter, generate])
def test_large_results_of_a_mapper(entry_point: EntryPoint, kind: Any) -> None:
    def mapper(item: int) -> Any:
        return generate(MANY) if kind is generate else kind(range(MANY))

    out = through(entry_point, range(3), lambda s: op.flat_map("step", s, mapper), batch=2)
    assert out == list(range(MANY)) * 3


def test_large_results_through_a_chain_of_steps(entry_point: EntryPoint) -> None:
    def chain(up: Any) -> Any:
        up = op.flat_map("wide", up, lambda item: range(item * 100, item * 100 + 100))
        up = op.flat_map("wider", up, lambda item: list(range(item * 100, item * 100 + 100)))
        return op.filter("step", up, lambda item: item % 2 == 0)

    out = through(entry_point, range(30), chain, batch=10)
    assert out == list(range(0, 300_000, 2))


def test_an_endless_iterator_gives_what_is_taken(run_one: EntryPoint) -> None:
    """An iterator is taken from as there is room, not emptied at once."""

    def endless(_item: int) -> Iterator[int]:
        count = 0
        while True:
            yield count
            count += 1

    def stop_at_a_million(item: int) -> int:
        if item == 1_000_000:
            raise Failure
        return item

    def chain(up: Any) -> Any:
        return op.map("stop", op.flat_map("step", up, endless), stop_at_a_million)

    with pytest.raises(Exception, match=r"flow\.stop"):
        through(run_one, [0], chain)


class Big(bytearray):
    """A megabyte; counts how many live."""

    alive = 0
    most = 0

    def __init__(self, *_args: Any) -> None:
        super().__init__(1 << 20)
        Big.alive += 1
        Big.most = max(Big.most, Big.alive)

    def __del__(self) -> None:
        Big.alive -= 1


@pytest.mark.parametrize("kind", [iter, list])
def test_large_items_in_flight_are_bounded(run_one: EntryPoint, kind: Any) -> None:
    Big.most = 0

    def chain(up: Any) -> Any:
        up = op.flat_map("wide", up, lambda _item: kind(map(Big, range(3))))
        return op.map("step", up, len)

    assert through(run_one, range(100), chain, batch=100) == [1 << 20] * 300
    assert Big.alive == 0
    assert Big.most < 40


@pytest.mark.parametrize("bad", FAILING)
@pytest.mark.parametrize("batch_size", [1, 4, 100])
def test_a_failure_leaves_no_reference(bad: Any, batch_size: int) -> None:
    items = [object() for _ in range(30)]
    before = [sys.getrefcount(item) for item in items]

    def several(item: Any) -> Any:
        return (it for it in (item, item))

    answers = [*[lambda item: [item, item], giving([]), several] * 6, bad]
    run_step(make_flat_map(Scripted(answers)), items, batch_size)
    gc.collect()
    assert [sys.getrefcount(item) for item in items] == before
