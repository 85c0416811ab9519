"""After a run nothing of it is left: neither references to items nor objects of our own."""

from __future__ import annotations

import gc
import sys
import tracemalloc
import weakref
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow, Stream
from cppwax.errors import CppwaxRuntimeError
from cppwax.inputs import AbortExecution
from cppwax.testing import TestingSink, TestingSource
from tests.python.conftest import EntryPoint
from tests.python.logics import FUTURE, batch_logic


class Item:
    """Something of which references can be counted and followed."""


class Failure(Exception):
    pass


def fail(*_args: Any) -> Any:
    raise Failure


def abort(*_args: Any) -> Any:
    raise AbortExecution


def all_kinds(items: Iterable[Any], mapper: Callable[[list], Any], out: list[Any]) -> Dataflow:
    """Make a flow with a step of each kind, and two consumers of one stream."""

    def keys(up: Stream[Any], name: str, **answers: Any) -> Stream[Any]:
        keyed = op.key_on(f"key_{name}", up, lambda item: str(id(item) % 5))
        return op.stateful_batch(f"step_{name}", keyed, batch_logic(**answers))

    flow = Dataflow("flow")
    up = op.flat_map_batch("mapped", op.input("inp", flow, TestingSource(items, 3)), mapper)
    branches = op.branch("branch", up, lambda item: id(item) % 3 == 0)
    merged = op.merge("merge", branches.trues, branches.falses)
    spread = op.redistribute("spread", op.inspect_debug("look", merged, lambda *_args: None))
    kept = keys(spread, "kept", notify_at=FUTURE)
    dropped = keys(spread, "dropped", on_batch=lambda values: (values, True))
    op.output("kept", kept, TestingSink(out))
    op.output("dropped", dropped, TestingSink(out))
    return flow


def iterate(batch: list[Any]) -> Iterable[Any]:
    yield from batch


def run_it(entry_point: EntryPoint, flow: Dataflow) -> None:
    try:
        entry_point(flow)
    except CppwaxRuntimeError as ex:
        assert type(ex.__cause__) is Failure


class FailingLater:
    """Passes two batches on, then ends the run with batches in flight and iterators open."""

    def __init__(self, end: Callable[..., Any]) -> None:
        self.end = end
        self.calls = 0

    def __call__(self, batch: list[Any]) -> Iterable[Any]:
        self.calls += 1
        yield batch[0]
        if self.calls == 3:
            self.end()
        yield from batch[1:]


MAPPERS: dict[str, Callable[[], Callable[[list[Any]], Any]]] = {
    "list": lambda: list,
    "argument": lambda: lambda batch: batch,
    "tuple": lambda: tuple,
    "iterator": lambda: iterate,
    "failing": lambda: FailingLater(fail),
    "failing_at_once": lambda: fail,
}


@pytest.mark.parametrize("mapper", MAPPERS.values(), ids=MAPPERS.keys())
def test_references_return_to_what_they_were(
    entry_point: EntryPoint, mapper: Callable[[], Callable[[list[Any]], Any]]
) -> None:
    items = [Item() for _ in range(20)]
    before = [sys.getrefcount(item) for item in items]
    out: list[Any] = []
    flow = all_kinds(items, mapper(), out)
    flow_before = sys.getrefcount(flow)
    run_it(entry_point, flow)
    gc.collect()
    assert sys.getrefcount(flow) == flow_before
    out.clear()
    del flow
    gc.collect()
    assert [sys.getrefcount(item) for item in items] == before


@pytest.mark.parametrize("mapper", MAPPERS.values(), ids=MAPPERS.keys())
def test_items_die_after_a_run(
    entry_point: EntryPoint, mapper: Callable[[], Callable[[list[Any]], Any]]
) -> None:
    made: list[weakref.ref[Item]] = []

    def make() -> Iterable[Item]:
        for _ in range(20):
            item = Item()
            made.append(weakref.ref(item))
            yield item

    out: list[Any] = []
    run_it(entry_point, all_kinds(make(), mapper(), out))
    out.clear()
    gc.collect()
    assert len(made) > 0
    assert [item() for item in made] == [None] * len(made)


def test_aborted_run_leaves_nothing(entry_point: EntryPoint) -> None:
    items = [Item() for _ in range(20)]
    before = [sys.getrefcount(item) for item in items]
    out: list[Any] = []
    for end in (TestingSource.ABORT(), TestingSource.EOF()):
        entry_point(all_kinds([*items, end, *items], list, out))
    out.clear()
    gc.collect()
    assert [sys.getrefcount(item) for item in items] == before


def test_failed_builder_and_logics_leave_nothing(entry_point: EntryPoint) -> None:
    logics: weakref.WeakSet[Any] = weakref.WeakSet()
    builder = batch_logic(on_eof=fail)

    def build(state: Any) -> Any:
        logic = builder(state)
        logics.add(logic)
        return logic

    flow = Dataflow("flow")
    up = op.input("inp", flow, TestingSource([(str(i), i) for i in range(50)], 10))
    op.output("out", op.stateful_batch("step", up, build), TestingSink([]))
    run_it(entry_point, flow)
    gc.collect()
    assert len(logics) == 0


def test_discarded_logic_dies_at_once(run_one: EntryPoint) -> None:
    """The state of a key is dropped when it is discarded, not when the run ends."""
    logics: weakref.WeakSet[Any] = weakref.WeakSet()
    alive: list[int] = []
    builder = batch_logic(on_batch=lambda values: (values, True))

    def build(state: Any) -> Any:
        alive.append(len(logics))
        logic = builder(state)
        logics.add(logic)
        return logic

    flow = Dataflow("flow")
    up = op.input("inp", flow, TestingSource([(str(i), i) for i in range(10)]))
    op.output("out", op.stateful_batch("step", up, build), TestingSink([]))
    run_one(flow)
    assert alive == [0] * 10


@pytest.mark.parametrize("ending", ["eof", "failing"])
def test_memory_is_flat_over_many_runs(entry_point: EntryPoint, ending: str) -> None:
    out: list[Any] = []

    def once() -> None:
        mapper = FailingLater(fail) if ending == "failing" else list
        run_it(entry_point, all_kinds([Item() for _ in range(50)], mapper, out))
        out.clear()

    def after(runs: int) -> tuple[int, int]:
        for _ in range(runs):
            once()
        gc.collect()
        # Python's cache of attribute look-ups fills up with the names it saw.
        getattr(sys, "_clear_internal_caches", sys._clear_type_cache)()
        return len(gc.get_objects()), tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        rounds = [after(5)] + [after(50) for _ in range(4)]
    finally:
        tracemalloc.stop()
    # A single object a run would be 50 of them in each round. A table that grows now and then, of
    # Python itself, does so in some rounds only.
    grown = [last - first for first, last in pairwise(objects for objects, _ in rounds)]
    assert min(grown) < 40
    grown = [last - first for first, last in pairwise(size for _, size in rounds)]
    assert min(grown) < 50 * 40
