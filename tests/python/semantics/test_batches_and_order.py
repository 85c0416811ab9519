"""Which batches user code sees, and in what order items come."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSink, TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import BatchSink, Parts, through
from tests.python.logics import Log, batch_logic, calls
from tests.python.scripted import dynamic_source, ending


def test_a_batch_of_5000_stays_one_list_everywhere(entry_point: EntryPoint) -> None:
    lengths: list[int] = []
    log: Log = []
    sink = BatchSink()
    flow = Dataflow("flow")
    s = op.input("inp", flow, TestingSource([("a", i) for i in range(5000)], 5000))
    s = op.flat_map_batch("lengths", s, lambda xs: lengths.append(len(xs)) or xs)
    op.output("out", s, sink)
    op.output("keyed_out", op.stateful_batch("keyed", s, batch_logic(log)), TestingSink([]))
    entry_point(flow)
    assert lengths == [5000]
    assert [len(values) for _, values in calls(log, "on_batch")] == [5000]
    assert [len(items) for _, items in sink.batches] == [5000]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_sink_sees_the_batches_of_the_source(entry_point: EntryPoint, size: int) -> None:
    sink = BatchSink()
    flow = Dataflow("flow")
    s = op.input("inp", flow, TestingSource(range(7), size))
    s = op.map("same", op.filter("not_3", s, lambda x: x != 3), lambda x: x)
    op.output("out", s, sink)
    entry_point(flow)
    batches = [[x for x in range(at, min(at + size, 7)) if x != 3] for at in range(0, 7, size)]
    assert [items for _, items in sink.batches] == [batch for batch in batches if batch]


def test_empty_batches_call_nothing(entry_point: EntryPoint) -> None:
    lengths: list[int] = []
    sink = BatchSink()
    flow = Dataflow("flow")
    s = op.input("inp", flow, Parts({"p": [[], [1], [], [], [2, 3], []]}))
    s = op.flat_map_batch("lengths", s, lambda xs: lengths.append(len(xs)) or xs)
    op.output("out", s, sink)
    entry_point(flow)
    assert lengths == [1, 2]
    assert [items for _, items in sink.batches] == [[1], [2, 3]]


def _keyed_chain(s: Any) -> Any:
    s = op.stateful_map("sum", s, lambda n, v: ((n or 0) + 1, v))
    s = op.stateful("same", s, lambda state: _Same())
    return op.map_value("again", s, lambda v: v)


class _Same(op.StatefulLogic):
    def on_item(self, value: Any) -> Any:
        return [value], self.RETAIN

    def snapshot(self) -> None:
        return None


def test_single_items_keep_their_order_through_keyed_steps(run_one: EntryPoint) -> None:
    items = [("cab"[i * 7 % 3], i) for i in range(200)]
    assert through(run_one, items, _keyed_chain) == items


@pytest.mark.parametrize("size", [1, 4, 100])
def test_each_key_keeps_its_order_through_keyed_steps(entry_point: EntryPoint, size: int) -> None:
    items = [("cab"[i * 7 % 3], i) for i in range(200)]
    out = through(entry_point, items, _keyed_chain, size)
    for key in "abc":
        assert [x for x in out if x[0] == key] == [x for x in items if x[0] == key]


def test_sources_are_polled_in_turn_in_the_order_they_were_added(run_one: EntryPoint) -> None:
    polled: list[str] = []
    flow = Dataflow("flow")
    for name in ("c", "a", "b"):

        def poll(name: str = name) -> list[str]:
            polled.append(name)
            return [name]

        s = op.input(name, flow, dynamic_source(next_batch=ending(poll, poll, poll)))
        op.output(f"out_{name}", s, TestingSink([]))
    run_one(flow)
    assert polled == [*"cab"] * 3


def test_merge_depends_on_the_rounds_through_chains_too(run_one: EntryPoint) -> None:
    out: list[Any] = []
    flow = Dataflow("flow")
    fast = op.input("fast", flow, TestingSource(range(4)))
    slow = op.input("slow", flow, TestingSource(range(10, 13)))
    for i in range(3):
        slow = op.map(f"step_{i}", slow, lambda x: x)
    op.output("out", op.merge("merge", fast, slow), TestingSink(out))
    run_one(flow)
    assert out == [0, 10, 1, 11, 2, 12, 3]


@pytest.mark.parametrize("length", [0, 1, 3])
def test_ways_of_one_source_that_meet_again_take_turns(run_one: EntryPoint, length: int) -> None:
    """Long enough for the batches of a quick source to be joined, were this not seen."""

    def both(s: Any) -> Any:
        far = op.map("b", s, lambda x: (x, "b"))
        for i in range(length):
            far = op.redistribute(f"spread_{i}", far)
        return op.merge("both", op.map("a", s, lambda x: (x, "a")), far)

    assert through(run_one, range(200), both, 1) == [(x, way) for x in range(200) for way in "ab"]


def test_a_join_of_ways_of_one_source_pairs_what_belongs_together(run_one: EntryPoint) -> None:
    def pairs(s: Any) -> Any:
        squares = op.map_value("square", s, lambda x: x * x)
        return op.join("pair", s, squares, insert_mode="first", emit_mode="complete")

    items = [("key", x) for x in range(200)]
    assert through(run_one, items, pairs, 1) == [("key", (x, x * x)) for x in range(200)]


def test_what_is_emitted_at_the_end_reaches_steps_before_their_end(
    entry_point: EntryPoint,
) -> None:
    def step(s: Any) -> Any:
        counts = op.count_final("count", s, str)
        return op.max_final("max", op.map("same_key", counts, lambda kv: ("all", kv[1])))

    assert through(entry_point, "abracadabra", step) == [("all", 5)]


class _CountingStream(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return super().write(text)


def _print(run: EntryPoint, items: Any, batch: int) -> None:
    flow = Dataflow("flow")
    op.output("out", op.input("inp", flow, TestingSource(items, batch)), StdOutSink())
    run(flow)


def test_stdout_is_the_one_of_the_moment(entry_point: EntryPoint) -> None:
    stream = io.StringIO()
    with redirect_stdout(stream):
        _print(entry_point, ["a", 1, None], 1)
    assert stream.getvalue() == "a\n1\nNone\n"


def test_stdout_gets_one_write_for_a_batch(entry_point: EntryPoint) -> None:
    stream = _CountingStream()
    with redirect_stdout(stream):
        _print(entry_point, range(1000), 1000)
    assert len(stream.writes) == 1
