import dataclasses
import inspect
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import (
    Dataflow,
    DataflowId,
    KeyedStream,
    MultiPort,
    SinglePort,
    Stream,
    operator,
)
from cppwax.inputs import DynamicSource
from cppwax.outputs import DynamicSink


class NoSource(DynamicSource):
    def build(self, step_id, worker_index, worker_count):
        raise AssertionError("no test here runs a flow")


class NoSink(DynamicSink):
    def build(self, step_id, worker_index, worker_count):
        raise AssertionError("no test here runs a flow")


def begin(flow_id="flow"):
    flow = Dataflow(flow_id)
    return flow, op.input("inp", flow, NoSource())


def same(x):
    return x


def ids(steps):
    return [inner for step in steps for inner in (step.step_id, *ids(step.substeps))]


@operator
def twice(step_id: str, up: Stream[int], offset: int = 3, *, note=None) -> Stream[int]:
    """Map twice."""
    return op.map("second", op.map("first", up, same), same)


@operator
def parted(step_id: str, up: Stream) -> op.BranchOut:
    parts = op.branch("part", twice("before", up, 4), same)
    return op.BranchOut(twice("after", parts.trues), parts.falses)


# What an operator is.


def test_operator_looks_like_its_function():
    assert (twice.__name__, twice.__doc__, twice.__module__) == ("twice", "Map twice.", __name__)
    parameters = inspect.signature(twice).parameters
    assert list(parameters) == ["step_id", "up", "offset", "note"]
    assert (parameters["offset"].default, parameters["note"].kind.name) == (3, "KEYWORD_ONLY")


def test_step_keeps_all_arguments():
    flow, stream = begin()
    down = twice("x", stream, note="why")
    step = flow.substeps[-1]
    assert [field.name for field in dataclasses.fields(step)] == [
        *("step_name", "step_id", "substeps"),
        *("up", "offset", "note", "down"),
    ]
    assert (step.step_name, step.step_id, step.offset, step.note) == ("x", "flow.x", 3, "why")
    assert step.up == SinglePort("flow.x.up", "flow.inp.down")
    assert step.down == SinglePort("flow.x.down", down.stream_id)
    assert (step.ups_names, step.dwn_names, step.core) == (["up"], ["down"], False)


def test_operators_nest():
    flow, stream = begin()
    out = parted("x", stream)
    assert ids(flow.substeps[1:]) == [
        "flow.x",
        "flow.x.before",
        "flow.x.before.first",
        "flow.x.before.first.flat_map_batch",
        "flow.x.before.second",
        "flow.x.before.second.flat_map_batch",
        "flow.x.part",
        "flow.x.after",
        "flow.x.after.first",
        "flow.x.after.first.flat_map_batch",
        "flow.x.after.second",
        "flow.x.after.second.flat_map_batch",
    ]
    step = flow.substeps[-1]
    assert (step.ups_names, step.dwn_names) == (["up"], ["trues", "falses"])
    assert step.falses == SinglePort("flow.x.falses", "flow.x.part.falses")
    # The results are streams of the flow again.
    op.merge("all", out.trues, out.falses, stream)
    assert flow.substeps[-1].step_id == "flow.all"


def test_one_operator_can_be_used_often():
    flow, stream = begin()
    twice("b", twice("a", stream))
    assert [step.step_id for step in flow.substeps] == ["flow.inp", "flow.a", "flow.b"]


def test_streams_can_come_by_args_and_kwargs():
    @operator
    def by_args(step_id: str, *ups: Stream[int], factor: int = 1) -> Stream[int]:
        return op.merge("all", *ups)

    @operator
    def by_kwargs(step_id: str, **ups: KeyedStream[int]) -> KeyedStream[int]:
        return op.merge("all", *ups.values())

    flow, stream = begin()
    other = op.map("other", stream, same)
    by_args("x", stream, other)
    by_kwargs("y", left=stream, right=other)
    x, y = flow.substeps[-2:]
    assert x.ups == MultiPort("flow.x.ups", {0: stream.stream_id, 1: other.stream_id})
    expected = {"left": stream.stream_id, "right": other.stream_id}
    assert y.ups == MultiPort("flow.y.ups", expected)
    assert (x.ups_names, y.ups_names) == (["ups"], ["ups"])


def test_other_variadic_arguments_are_kept():
    @operator
    def many(step_id: str, up: Stream, *args: int, **kwargs: int) -> Stream:
        return op.map("m", up, lambda x: (x, args, kwargs))

    flow, stream = begin()
    many("x", stream, 1, 2, three=3)
    assert (flow.substeps[-1].args, flow.substeps[-1].kwargs) == ((1, 2), {"three": 3})


def test_operator_can_begin_a_stream():
    @operator
    def from_nothing(step_id: str, flow: Dataflow, note: str) -> Stream[int]:
        return op.map("m", op.input("inp", flow, NoSource()), same)

    flow = Dataflow("flow")
    stream = from_nothing("x", flow, "why")
    step = flow.substeps[0]
    assert (step.flow, step.ups_names) == (DataflowId("flow"), [])
    assert ids(flow.substeps) == [
        *("flow.x", "flow.x.inp", "flow.x.m", "flow.x.m.flat_map_batch"),
    ]
    assert stream.flow() is flow


def test_operator_can_begin_a_stream_through_its_upstream():
    @operator
    def with_more(step_id: str, up: Stream[int]) -> Stream[int]:
        return op.merge("all", up, op.input("more", up.flow(), NoSource()))

    flow, stream = begin()
    with_more("x", stream)
    assert ids(flow.substeps[1:]) == ["flow.x", "flow.x.more", "flow.x.all"]


def test_operator_can_end_a_stream():
    @operator
    def drop(step_id: str, up: Stream) -> None:
        op.output("out", up, NoSink())

    flow, stream = begin()
    assert drop("x", stream) is None
    assert flow.substeps[-1].dwn_names == []


def test_operator_can_pass_its_upstream_on():
    @operator
    def nothing(step_id: str, up: Stream) -> Stream:
        return up

    flow, stream = begin()
    op.map("after", nothing("x", stream), same)
    assert [step.step_id for step in flow.substeps] == ["flow.inp", "flow.x", "flow.after"]
    assert flow.substeps[1].down == SinglePort("flow.x.down", "flow.inp.down")


def test_results_beside_streams_are_kept():
    @dataclasses.dataclass
    class Result:
        odd: Stream[int]
        even: "KeyedStream[int]"
        count: int

    @operator
    def split(step_id: str, up: Stream[int], other: Stream[int]) -> Result:
        return Result(up, other, 2)

    flow, stream = begin()
    result = split("x", stream, op.map("m", stream, same))
    assert flow.substeps[-1].dwn_names == ["odd", "even"]
    assert flow.substeps[-1].count == result.count == 2
    op.merge("all", result.odd, result.even, stream)


def test_annotations_may_be_strings():
    @operator
    def late(step_id: "str", up: "Stream[int]") -> "KeyedStream[int]":
        return op.key_on("k", up, str)

    flow, stream = begin()
    late("x", stream)
    assert (flow.substeps[-1].ups_names, flow.substeps[-1].dwn_names) == (["up"], ["down"])


def test_step_id_may_stand_anywhere():
    @operator
    def last(up: Stream, step_id: str) -> Stream:
        return op.map("m", up, same)

    flow, stream = begin()
    last(stream, "x")
    twice(step_id="y", up=stream)
    assert [step.step_id for step in flow.substeps[1:]] == ["flow.x", "flow.y"]


def test_function_gets_the_whole_step_id():
    seen = []

    @operator
    def outer(step_id: str, up: Stream) -> Stream:
        seen.append(step_id)
        return inner("i", up)

    @operator
    def inner(step_id: str, up: Stream) -> Stream:
        seen.append(step_id)
        return up

    outer("o", begin()[1])
    assert seen == ["flow.o", "flow.o.i"]


def test_core_operators_are_marked():
    @operator(_core=True)
    def native(step_id: str, up: Stream) -> Stream:
        return Stream(f"{step_id}.down", up._scope)

    flow, stream = begin()
    native("x", stream)
    assert flow.substeps[-1].core is True


# What cannot be an operator.


def test_function_needs_a_step_id():
    with pytest.raises(TypeError, match="no parameter `step_id`"):

        @operator
        def nameless(up: Stream) -> Stream:
            return up


@pytest.mark.parametrize("name", ["step_name", "substeps", "core", "ups_names", "dwn_names"])
def test_fields_of_all_steps_are_reserved(name):
    namespace: dict[str, Any] = {"Stream": Stream}
    exec(f"def own(step_id: str, up: Stream, {name}: int) -> Stream: return up", namespace)
    with pytest.raises(TypeError, match=f"rename `{name}`"):
        operator(namespace["own"])


def test_parameter_and_result_need_different_names():
    with pytest.raises(TypeError, match="rename `down`"):

        @operator
        def own(step_id: str, up: Stream, down: int) -> Stream:
            return up


def test_unknown_annotation_is_explained():
    with pytest.raises(NameError, match="'Missing' is not defined.*TYPE_CHECKING"):

        @operator
        def own(step_id: str, up: "Missing") -> Stream:  # noqa: F821 - what the test is about
            return up


def test_only_callables_can_be_operators():
    with pytest.raises(TypeError, match="not a callable"):
        operator(5)


@pytest.mark.parametrize(
    ("promised", "given"),
    [(Stream, 5), (Stream, None), (op.BranchOut, None), (None, 5), (KeyedStream[int], (1, 2))],
)
def test_function_must_keep_its_promise(promised, given):
    def own(step_id: str, up: Stream):
        return given

    own.__annotations__["return"] = promised
    flow, stream = begin()
    with pytest.raises(TypeError, match="'flow.x'.*`own` must return") as info:
        operator(own)("x", stream)
    assert str(type(given)) in str(info.value)
    assert len(flow.substeps) == 1
