"""From steps to a flow that runs."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow, KeyedStream, Stream, operator
from cppwax.testing import TestingSink, TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through
from tests.python.logics import Log, calls
from tests.python.scripted import dynamic_sink, fixed_source


@operator
def lengths(step_id: str, up: Stream[str]) -> KeyedStream[int]:
    """Count words by their length."""
    keyed = op.key_on("key", up, lambda word: str(len(word)))
    return op.count_final("count", keyed, lambda item: item[0])


def test_own_operators_run_as_what_is_in_them(entry_point: EntryPoint) -> None:
    out = through(entry_point, ["to", "be", "or", "not"], lambda s: lengths("lengths", s))
    assert sorted(out) == [("2", 3), ("3", 1)]


def test_an_error_names_the_step_within_an_own_operator(entry_point: EntryPoint) -> None:
    with fails(TypeError, step="flow.lengths.key"):
        through(entry_point, [5], lambda s: lengths("lengths", s))


@pytest.mark.parametrize("flow_id", ["a.b", "."])
def test_a_flow_id_has_no_periods(flow_id: str) -> None:
    with pytest.raises(ValueError, match="can't contain any periods"):
        Dataflow(flow_id)


def test_a_step_name_has_no_periods() -> None:
    with pytest.raises(ValueError, match="can't contain any periods"):
        op.input("a.b", Dataflow("flow"), TestingSource([]))


def test_names_have_no_lone_surrogates() -> None:
    with pytest.raises(ValueError, match="can't contain lone surrogates") as caught:
        Dataflow("flow\udc80")
    assert r"'flow\udc80'" in str(caught.value)
    with pytest.raises(ValueError, match="can't contain lone surrogates") as caught:
        op.input("inp\udc80", Dataflow("flow"), TestingSource([]))
    assert r"'inp\udc80'" in str(caught.value)


def test_names_may_be_in_any_script(entry_point: EntryPoint) -> None:
    flow = Dataflow("поток 𝓯")
    s = op.input("入口", flow, TestingSource([1]))
    op.inspect("außen", op.map("karte", s, lambda _x: 1 / 0))
    with fails(ZeroDivisionError, step="поток 𝓯.karte.flat_map_batch"):
        entry_point(flow)


def test_a_flow_runs_again_with_everything_built_anew(entry_point: EntryPoint) -> None:
    log: Log = []
    out: list[Any] = []
    flow = Dataflow("flow")
    s = op.input("inp", flow, TestingSource([("a", 1), ("a", 2)]))
    s = op.stateful_map("sum", s, lambda total, v: ((total or 0) + v,) * 2)
    op.output("out", s, TestingSink(out))
    op.output("logged", s, dynamic_sink(log))
    for _ in range(3):
        entry_point(flow)
    assert out == [("a", 1), ("a", 3)] * 3
    assert len(calls(log, "build")) == len(calls(log, "close")) == 3 * entry_point.workers


def test_steps_may_be_added_between_runs(entry_point: EntryPoint) -> None:
    first: list[int] = []
    second: list[int] = []
    flow = Dataflow("flow")
    s = op.input("inp", flow, TestingSource([1, 2]))
    op.output("out", s, TestingSink(first))
    entry_point(flow)
    op.output("more", op.map("negative", s, lambda x: -x), TestingSink(second))
    entry_point(flow)
    assert (first, second) == ([1, 2, 1, 2], [-1, -2])


def test_a_stream_without_consumer_is_computed_all_the_same(entry_point: EntryPoint) -> None:
    seen: list[int] = []
    flow = Dataflow("flow")
    s = op.input("inp", flow, TestingSource([1, 2]))
    op.map("unused", s, lambda x: seen.append(x))
    op.output("out", s, TestingSink([]))
    entry_point(flow)
    assert seen == [1, 2]


def test_then_builds_the_same_flow(entry_point: EntryPoint) -> None:
    out = through(
        entry_point,
        range(5),
        lambda s: s.then(op.map, "double", lambda x: x * 2).then(op.filter, "big", lambda x: x > 4),
    )
    assert out == [6, 8]


def test_building_calls_no_callback(entry_point: EntryPoint) -> None:
    log: Log = []
    flow = Dataflow("flow")
    s = op.input("inp", flow, fixed_source(log))
    op.output("out", op.map("step", s, lambda x: 1 / 0), dynamic_sink(log))
    assert log == []
    entry_point(flow)
    assert log != []


def test_long_chains_run(entry_point: EntryPoint) -> None:
    def chain(s: Any) -> Any:
        for i in range(300):
            s = op.map(f"add_{i}", s, lambda x: x + 1)
        return s

    assert through(entry_point, [0, 1], chain) == [300, 301]


def test_wide_flows_run(entry_point: EntryPoint) -> None:
    def fan(s: Any) -> Any:
        return op.merge("all", *[op.map(f"add_{i}", s, lambda x, i=i: x + i) for i in range(100)])

    assert sorted(through(entry_point, [0, 1000], fan)) == [*range(100), *range(1000, 1100)]
