"""`output`: all items of a stream go to a sink."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.outputs import Sink
from cppwax.testing import TestingSink, TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import BatchSink, OnEachWorker, fails_bare


def _write(run: EntryPoint, source: Any, *sinks: Any) -> None:
    flow = Dataflow("flow")
    s = op.input("inp", flow, source)
    for i, sink in enumerate(sinks):
        op.output(f"out_{i}", s, sink)
    run(flow)


def test_writes_all_items_in_order(entry_point: EntryPoint) -> None:
    out: list[int] = []
    _write(entry_point, TestingSource(range(100), 7), TestingSink(out))
    assert out == [*range(100)]


def test_several_outputs_each_get_all_items(entry_point: EntryPoint) -> None:
    outs: list[list[int]] = [[], []]
    _write(entry_point, TestingSource(range(10)), *map(TestingSink, outs))
    assert outs == [[*range(10)], [*range(10)]]


def test_a_dynamic_sink_writes_where_the_items_are(entry_point: EntryPoint) -> None:
    sink = BatchSink()
    _write(entry_point, OnEachWorker(lambda worker: [[worker], [worker]]), sink)
    count = entry_point.workers
    assert sink.workers_of(lambda item: item) == {worker: {worker} for worker in range(count)}


def test_a_sink_that_changes_its_list_changes_nobody_elses(entry_point: EntryPoint) -> None:
    class Emptying(BatchSink):
        def build(self, *args: Any) -> Any:
            part = super().build(*args)
            write = part.write_batch
            part.write_batch = lambda items: (write(list(items)), items.clear())
            return part

    sinks = Emptying(), Emptying()
    _write(entry_point, TestingSource(range(4), 2), *sinks)
    for sink in sinks:
        assert [items for _, items in sink.batches] == [[0, 1], [2, 3]]


def test_nothing_is_written_without_items(entry_point: EntryPoint) -> None:
    sink = BatchSink()
    _write(entry_point, TestingSource([]), sink)
    assert sink.batches == []


@pytest.mark.parametrize("sink", [None, [], TestingSink, print])
def test_what_is_no_sink_is_refused_when_built(sink: Any) -> None:
    with pytest.raises(TypeError):
        _write(lambda flow: None, TestingSource([]), sink)


def test_a_sink_of_neither_kind_is_refused(entry_point: EntryPoint) -> None:
    class Neither(Sink):
        pass

    with fails_bare(TypeError, "flow.out_0"):
        _write(entry_point, TestingSource([1]), Neither())
