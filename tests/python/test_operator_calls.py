"""How operators must not be called, and what is said then."""

from datetime import timedelta

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow, Stream, operator
from cppwax.inputs import DynamicSource


class NoSource(DynamicSource):
    def build(self, step_id, worker_index, worker_count):
        raise AssertionError("no test here runs a flow")


def begin(flow_id="flow"):
    flow = Dataflow(flow_id)
    return flow, op.input("inp", flow, NoSource())


def same(x):
    return x


@pytest.mark.parametrize("step_id", [None, 5, b"x", same])
def test_step_name_must_be_a_str(step_id):
    with pytest.raises(TypeError, match="'step_id' must be a `str`"):
        op.map(step_id, begin()[1], same)


@pytest.mark.parametrize("step_id", ["a.b", ".", "x."])
def test_step_name_with_a_period_is_refused(step_id):
    with pytest.raises(ValueError, match="can't contain any periods") as info:
        op.map(step_id, begin()[1], same)
    assert repr(step_id) in str(info.value)


def test_step_name_must_be_new_in_its_scope():
    flow, stream = begin()
    op.map("x", stream, same)
    with pytest.raises(ValueError, match="step 'flow.x' already exists"):
        op.filter("x", stream, same)
    assert len(flow.substeps) == 2

    @operator
    def own(step_id: str, up: Stream) -> Stream:
        return op.map("m", op.map("m", up, same), same)

    with pytest.raises(ValueError, match="step 'flow.y.m' already exists"):
        own("y", stream)


def test_function_cannot_take_its_own_name_outside():
    flow, stream = begin()

    @operator
    def own(step_id: str, up: Stream) -> Stream:
        op.map("x", stream, same)
        return up

    with pytest.raises(ValueError, match="step 'flow.x' already exists"):
        own("x", stream)


def test_a_failed_call_leaves_no_step():
    flow, stream = begin()

    @operator
    def broken(step_id: str, up: Stream) -> Stream:
        op.map("m", up, same)
        raise KeyError("why")

    with pytest.raises(KeyError, match="why"):
        broken("x", stream)
    assert [step.step_id for step in flow.substeps] == ["flow.inp"]
    op.map("x", stream, same)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((), {}), (("x",), {}), (("x", None), {}), (("x", 1, 2, 3), {}), (("x", 1, 2), {"k": 3})],
)
def test_wrong_number_of_arguments_is_explained(args, kwargs):
    with pytest.raises(TypeError, match=r"`map` called with .*; it takes \(step_id, up, mapper\)"):
        op.map(*args, **kwargs)


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        (lambda flow, stream: None, "NoneType"),
        (lambda flow, stream: same, "function"),
        (lambda flow, stream: flow, "begin a stream with `cppwax.operators.input`"),
        (lambda flow, stream: [stream], "each stream as an argument of its own"),
        (lambda flow, stream: op.branch("b", stream, same), "`.trues` or `.falses`"),
    ],
)
@pytest.mark.parametrize("call", [lambda x: op.map("x", x, same), lambda x: op.merge("x", x)])
def test_upstream_must_be_a_stream(call, wrong, remedy):
    with pytest.raises(TypeError, match="step 'x'.* must be a `Stream`; got ") as info:
        call(wrong(*begin()))
    assert remedy in str(info.value)


@pytest.mark.parametrize("call", [lambda: op.merge("x"), lambda: op.join("x")])
def test_step_without_streams_is_refused(call):
    with pytest.raises(AssertionError, match="inconsistent stream scoping.*'x'.* no stream"):
        call()


@pytest.mark.parametrize("other_id", ["other", "flow"])
@pytest.mark.parametrize("call", [op.merge, op.join])
def test_streams_of_two_flows_are_refused(call, other_id):
    with pytest.raises(AssertionError, match=f"inconsistent.*'flow' and '{other_id}'"):
        call("x", begin()[1], begin(other_id)[1])


def test_streams_hidden_in_a_list_are_refused():
    @operator
    def only_hidden(step_id: str, ups: list[Stream]) -> Stream:
        return op.merge("m", *ups)

    @operator
    def also_hidden(step_id: str, up: Stream, ups: list[Stream]) -> Stream:
        return op.merge("m", up, *ups)

    _, stream = begin()
    with pytest.raises(AssertionError, match="inconsistent stream scoping"):
        only_hidden("x", [stream])
    with pytest.raises(AssertionError, match="inconsistent stream scoping"):
        also_hidden("y", stream, [stream])


def test_inner_streams_that_leaked_are_refused():
    leaked = []

    @operator
    def leak(step_id: str, up: Stream) -> Stream:
        leaked.append(op.map("m", up, same))
        return leaked[0]

    down = leak("x", begin()[1])
    with pytest.raises(AssertionError, match="inconsistent.*'flow.x' and 'flow'"):
        op.merge("y", leaked[0], down)


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("predicate", lambda s: op.branch("x", s, None)),
        ("timeout", lambda s: op.collect("x", s, 5, 5)),
        ("max_size", lambda s: op.collect("x", s, SECOND, "5")),
        ("key", lambda s: op.count_final("x", s, "key")),
        ("getter", lambda s: op.enrich_cached("x", s, None, same)),
        ("mapper", lambda s: op.enrich_cached("x", s, same, None)),
        ("ttl", lambda s: op.enrich_cached("x", s, same, same, 5)),
        ("_now_getter", lambda s: op.enrich_cached("x", s, same, same, SECOND, SECOND)),
        ("predicate", lambda s: op.filter("x", s, None)),
        ("mapper", lambda s: op.filter_map("x", s, None)),
        ("mapper", lambda s: op.filter_map_value("x", s, None)),
        ("predicate", lambda s: op.filter_value("x", s, None)),
        ("mapper", lambda s: op.flat_map("x", s, None)),
        ("mapper", lambda s: op.flat_map_batch("x", s, None)),
        ("mapper", lambda s: op.flat_map_value("x", s, None)),
        ("builder", lambda s: op.fold_final("x", s, [], same)),
        ("folder", lambda s: op.fold_final("x", s, list, None)),
        ("flow", lambda s: op.input("x", s, NoSource())),
        ("source", lambda s: op.input("x", s.flow(), [1, 2])),
        ("source", lambda s: op.input("x", s.flow(), NoSource)),
        ("inspector", lambda s: op.inspect("x", s, None)),
        ("inspector", lambda s: op.inspect_debug("x", s, None)),
        ("key", lambda s: op.key_on("x", s, "key")),
        ("mapper", lambda s: op.map("x", s, s)),
        ("mapper", lambda s: op.map_value("x", s, None)),
        ("sink", lambda s: op.output("x", s, [])),
        ("reducer", lambda s: op.reduce_final("x", s, None)),
        ("builder", lambda s: op.stateful("x", s, None)),
        ("builder", lambda s: op.stateful_batch("x", s, None)),
        ("mapper", lambda s: op.stateful_flat_map("x", s, None)),
        ("mapper", lambda s: op.stateful_map("x", s, None)),
    ],
)
def test_wrong_argument_is_named_where_it_is_given(argument, call):
    flow, stream = begin()
    with pytest.raises(TypeError, match=rf"step '(flow\.)?x'.*'{argument}' must be"):
        call(stream)
    assert len(flow.substeps) == 1


def test_a_class_given_for_its_object_is_explained():
    with pytest.raises(TypeError, match=r"make an object of it: `NoSource\("):
        op.input("x", Dataflow("flow"), NoSource)


@pytest.mark.parametrize("mode", ["insert_mode", "emit_mode"])
def test_unknown_join_mode_is_refused(mode):
    _, stream = begin()
    with pytest.raises(ValueError, match=f"'flow.x': unknown '{mode}' 'often'; known are '"):
        op.join("x", stream, stream, **{mode: "often"})
