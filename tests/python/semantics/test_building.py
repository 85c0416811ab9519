"""From steps to a flow that runs."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow, KeyedStream, SinglePort, Stream, operator
from cppwax.testing import TestingSink, TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, fails_bare, through
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


def test_defining_a_flow_looks_at_each_step_a_few_times() -> None:
    class Counted(list[Any]):
        looked_at = 0

        def __iter__(self) -> Any:
            for step in super().__iter__():
                Counted.looked_at += 1
                yield step

        def __getitem__(self, index: Any) -> Any:
            found = super().__getitem__(index)
            Counted.looked_at += len(found) if isinstance(index, slice) else 1
            return found

    flow = Dataflow("flow", Counted())
    s = op.input("inp", flow, TestingSource([1]))
    for i in range(500):
        s = op.map(f"step_{i}", s, str)
    assert Counted.looked_at < 5 * 500


def test_names_of_steps_that_were_taken_out_are_free_again() -> None:
    flow = Dataflow("flow")
    s = op.input("inp", flow, TestingSource([1]))
    op.map("one", s, str)
    flow.substeps.pop()
    op.map("one", s, str)
    with pytest.raises(ValueError, match="already exists"):
        op.map("one", s, str)


BROKEN = [
    # Where, which attribute, what it is instead, what is said.
    ("flow", "flow_id", 5, "the flow: `flow_id` must be a `str`, not a `int`"),
    ("flow", "substeps", (), "the flow: `substeps` must be a list, not a `tuple`"),
    ("flow", "substeps", [5], "the flow: `substeps` must be a list of `Operator`s, not a `int`"),
    ("map", "substeps", None, "step 'flow.map': `substeps` must be a list, not a `NoneType`"),
    ("map", "step_id", 5, "a step of the flow: `step_id` must be a `str`, not a `int`"),
    ("core", "step_id", None, "a step of step 'flow.map': `step_id` must be a `str`"),
    ("core", "up", "x", "step 'flow.map.flat_map_batch': `up` must be a `Port`, not a `str`"),
    ("core", "down", SinglePort("p", 5), "`down` must be a `Port` of ids of streams, not a `int`"),
    ("input", "source", None, "step 'flow.inp': the source must be a `FixedPartitionedSource`"),
]


@pytest.mark.parametrize(("where", "attribute", "value", "message"), BROKEN)
def test_an_attribute_broken_by_hand_is_named(
    entry_point: EntryPoint, where: str, attribute: str, value: Any, message: str
) -> None:
    flow = Dataflow("flow")
    s = op.input("inp", flow, TestingSource([1]))
    op.output("out", op.map("map", s, str), TestingSink([]))
    source, mapped, _ = flow.substeps
    broken = {"flow": flow, "input": source, "map": mapped, "core": mapped.substeps[0]}[where]
    object.__setattr__(broken, attribute, value)
    with fails_bare(TypeError, match=message):
        entry_point(flow)
