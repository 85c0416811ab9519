"""`input`: a stream begins with the items of a source."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.inputs import Source
from cppwax.testing import TestingSink, TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import OnEachWorker, Parts, fails_bare, from_source


def _same(s: Any) -> Any:
    return s


def test_gives_the_items_of_a_partition_in_order(entry_point: EntryPoint) -> None:
    assert from_source(entry_point, TestingSource(range(100), 7), _same) == [*range(100)]


def test_reads_every_partition_once(entry_point: EntryPoint) -> None:
    source = Parts({name: [[name + "0"], [name + "1"]] for name in "abcde"})
    out = from_source(entry_point, source, _same)
    assert sorted(out) == [name + i for name in "abcde" for i in "01"]
    assert sorted(part for part, _ in source.readers) == [*"abcde"]


def test_builds_a_dynamic_source_on_every_worker(entry_point: EntryPoint) -> None:
    source = OnEachWorker(lambda worker: [[worker, worker]])
    out = from_source(entry_point, source, _same)
    count = entry_point.workers
    assert sorted(out) == sorted([*range(count)] * 2)
    assert sorted(source.built) == [("flow.inp", worker, count) for worker in range(count)]


def test_a_source_that_gives_nothing_ends_the_stream(entry_point: EntryPoint) -> None:
    assert from_source(entry_point, TestingSource([]), _same) == []


def test_a_flow_may_have_several(entry_point: EntryPoint) -> None:
    outs: list[list[Any]] = [[], []]
    flow = Dataflow("flow")
    for i, items in enumerate(("abc", range(5))):
        op.output(
            f"out_{i}", op.input(f"inp_{i}", flow, TestingSource(items)), TestingSink(outs[i])
        )
    entry_point(flow)
    assert outs == [["a", "b", "c"], [0, 1, 2, 3, 4]]


@pytest.mark.parametrize("source", [None, [1, 2], TestingSource, "abc"])
def test_what_is_no_source_is_refused_when_built(source: Any) -> None:
    with pytest.raises(TypeError):
        op.input("inp", Dataflow("flow"), source)


def test_a_source_of_neither_kind_is_refused(entry_point: EntryPoint) -> None:
    class Neither(Source):
        pass

    with fails_bare(TypeError, "flow.inp"):
        from_source(entry_point, Neither(), _same)
