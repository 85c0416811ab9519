import copy
import subprocess
import sys
from datetime import timedelta

import pytest

import cppwax.operators as op
from cppwax.dataflow import (
    Dataflow,
    DataflowId,
    KeyedStream,
    MultiPort,
    Operator,
    Port,
    SinglePort,
    Stream,
    f_repr,
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


def tree(steps):
    """Draw steps as `name:kind` with the inner ones in brackets; core ones have a star."""
    drawn = []
    for step in steps:
        kind = type(step).__name__ + ("*" if step.core else "")
        inner = f"[{tree(step.substeps)}]" if step.substeps else ""
        drawn.append(f"{step.step_name}:{kind}{inner}")
    return " ".join(drawn)


BATCH = "flat_map_batch:flat_map_batch*"
FLAT_MAP = f"flat_map:flat_map[{BATCH}]"
MAP = f"map:map[{BATCH}]"
STATEFUL = "stateful:stateful[stateful_batch:stateful_batch*]"
FOLD = f"fold_final:fold_final[{STATEFUL}]"
REDUCE = f"pre_reduce:flat_map_batch* {FOLD}"
SECOND = timedelta(seconds=1)

# Inner steps are public: they are in drawings, metrics and recovery keys.
TREES = {
    "_noop": (lambda s: op._noop("x", s), "x:_noop*"),
    "branch": (lambda s: op.branch("x", s, same), "x:branch*"),
    "collect": (lambda s: op.collect("x", s, SECOND, 2), f"x:collect[{STATEFUL}]"),
    "count_final": (
        lambda s: op.count_final("x", s, same),
        f"x:count_final[init_count:map[{BATCH}] sum:reduce_final[{REDUCE}]]",
    ),
    "enrich_cached": (
        lambda s: op.enrich_cached("x", s, same, lambda cache, x: x),
        f"x:enrich_cached[{BATCH}]",
    ),
    "filter": (lambda s: op.filter("x", s, same), f"x:filter[{FLAT_MAP}]"),
    "filter_map": (lambda s: op.filter_map("x", s, same), f"x:filter_map[{FLAT_MAP}]"),
    "filter_map_value": (
        lambda s: op.filter_map_value("x", s, same),
        f"x:filter_map_value[flat_map_value:flat_map_value[{FLAT_MAP}]]",
    ),
    "filter_value": (
        lambda s: op.filter_value("x", s, same),
        f"x:filter_value[filter:flat_map_value[{FLAT_MAP}]]",
    ),
    "flat_map": (lambda s: op.flat_map("x", s, same), f"x:flat_map[{BATCH}]"),
    "flat_map_batch": (lambda s: op.flat_map_batch("x", s, same), "x:flat_map_batch*"),
    "flat_map_value": (
        lambda s: op.flat_map_value("x", s, same),
        f"x:flat_map_value[{FLAT_MAP}]",
    ),
    "flatten": (lambda s: op.flatten("x", s), f"x:flatten[{FLAT_MAP}]"),
    "fold_final": (lambda s: op.fold_final("x", s, list, same), f"x:fold_final[{STATEFUL}]"),
    "inspect": (lambda s: op.inspect("x", s), "x:inspect[inspect_debug:inspect_debug*]"),
    "inspect_debug": (lambda s: op.inspect_debug("x", s), "x:inspect_debug*"),
    "join": (
        lambda s: op.join("x", s, s),
        f"x:join[add_names:_join_label_merge[label_0:map_value[{MAP}] label_1:map_value[{MAP}] "
        "merge:merge*] join:stateful[stateful_batch:stateful_batch*]]",
    ),
    "key_on": (lambda s: op.key_on("x", s, same), f"x:key_on[{MAP}]"),
    "key_rm": (lambda s: op.key_rm("x", s), f"x:key_rm[{MAP}]"),
    "map": (lambda s: op.map("x", s, same), f"x:map[{BATCH}]"),
    "map_value": (lambda s: op.map_value("x", s, same), f"x:map_value[{MAP}]"),
    "max_final": (
        lambda s: op.max_final("x", s),
        f"x:max_final[reduce_final:reduce_final[{REDUCE}]]",
    ),
    "merge": (lambda s: op.merge("x", s, s), "x:merge*"),
    "min_final": (
        lambda s: op.min_final("x", s, by=len),
        f"x:min_final[reduce_final:reduce_final[{REDUCE}]]",
    ),
    "output": (lambda s: op.output("x", s, NoSink()), "x:output*"),
    "raises": (lambda s: op.raises("x", s), "x:raises[output:output*]"),
    "redistribute": (lambda s: op.redistribute("x", s), "x:redistribute*"),
    "reduce_final": (lambda s: op.reduce_final("x", s, same), f"x:reduce_final[{REDUCE}]"),
    "stateful": (
        lambda s: op.stateful("x", s, same),
        "x:stateful[stateful_batch:stateful_batch*]",
    ),
    "stateful_batch": (lambda s: op.stateful_batch("x", s, same), "x:stateful_batch*"),
    "stateful_flat_map": (
        lambda s: op.stateful_flat_map("x", s, same),
        f"x:stateful_flat_map[{STATEFUL}]",
    ),
    "stateful_map": (
        lambda s: op.stateful_map("x", s, same),
        f"x:stateful_map[stateful_flat_map:stateful_flat_map[{STATEFUL}]]",
    ),
}


def all_steps(steps, parent_id):
    for step in steps:
        yield step, parent_id
        yield from all_steps(step.substeps, step.step_id)


@pytest.mark.parametrize("name", sorted(TREES))
def test_tree_of_inner_steps(name):
    build, expected = TREES[name]
    flow, stream = begin()
    build(stream)
    assert tree(flow.substeps[1:]) == expected


def test_every_operator_has_its_tree_here():
    operators = {name for name in op.__all__ if hasattr(getattr(op, name), "_shape")}
    assert operators - {"input", "_join_label_merge"} == set(TREES)


@pytest.mark.parametrize("name", sorted(TREES))
def test_ids_ports_and_streams_agree(name):
    flow, stream = begin()
    TREES[name][0](stream)
    streams = {"flow.inp.down"}
    for step, parent_id in all_steps(flow.substeps, "flow"):
        assert step.step_id == f"{parent_id}.{step.step_name}"
        for port_name in step.ups_names + step.dwn_names:
            port = getattr(step, port_name)
            assert isinstance(port, Port)
            assert port.port_id == f"{step.step_id}.{port_name}"
        if step.core:
            downs = [getattr(step, port_name) for port_name in step.dwn_names]
            streams.update(port.stream_id for port in downs)
    # Whatever a step reads comes out of a core step.
    for step, _ in all_steps(flow.substeps, "flow"):
        for port_name in step.ups_names + step.dwn_names:
            assert set(getattr(step, port_name).stream_ids.values()) <= streams


@pytest.mark.parametrize("name", sorted(TREES))
def test_flow_can_be_deep_copied(name):
    flow, stream = begin()
    TREES[name][0](stream)
    twin = copy.deepcopy(flow)
    assert tree(twin.substeps) == tree(flow.substeps)
    op.map("more", op.input("other", twin, NoSource()), same)
    assert len(twin.substeps) == len(flow.substeps) + 2
    assert all(a is not b for a, b in zip(twin.substeps, flow.substeps, strict=False))


def test_defining_a_flow_does_not_load_the_engine():
    program = (
        "import sys, cppwax.operators as op\n"
        "from cppwax.dataflow import Dataflow\n"
        "from cppwax.inputs import DynamicSource\n"
        "class S(DynamicSource):\n"
        "    def build(self, *args): ...\n"
        "op.inspect('see', op.input('inp', Dataflow('flow'), S()))\n"
        "loaded = [m for m in sys.modules if m.startswith('cppwax')]\n"
        "assert 'cppwax.operators' in loaded and 'cppwax._engine' not in loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_new_flow_is_empty():
    flow = Dataflow("flow")
    assert (flow.flow_id, flow.substeps) == ("flow", [])
    assert flow == Dataflow("flow")
    assert flow != Dataflow("other")
    assert repr(flow) == "Dataflow(flow_id='flow', substeps=[], _scope=_Scope(parent_id='flow'))"


def test_input_keeps_the_flow_by_its_id():
    flow, stream = begin()
    step = flow.substeps[0]
    assert step.flow == DataflowId("flow")
    assert step.down == SinglePort("flow.inp.down", stream.stream_id)
    assert step.ups_names == []


def test_ports_name_their_streams():
    flow, stream = begin()
    op.merge("all", stream, op.map("double", stream, same))
    ups = flow.substeps[-1].ups
    assert ups == MultiPort("flow.all.ups", {0: "flow.inp.down", 1: ups.stream_ids[1]})
    assert ups.stream_ids[1] == "flow.double.flat_map_batch.down"
    assert SinglePort("p", "s").stream_ids == {"stream": "s"}
    assert not isinstance(flow, Port)


def test_steps_and_streams_cannot_be_changed():
    flow, stream = begin()
    for thing, name in ((stream, "stream_id"), (flow, "flow_id"), (flow.substeps[0], "step_id")):
        with pytest.raises(AttributeError, match="cannot assign"):
            setattr(thing, name, "other")


def test_streams_are_equal_by_id():
    assert begin()[1] == begin()[1]
    assert begin()[1] != begin("other")[1]
    assert len({begin()[1], begin()[1]}) == 1


def test_stream_knows_its_flow():
    flow, stream = begin()
    assert stream.flow() is flow
    assert op.filter("f", stream, same).flow() is flow


def test_then_reads_as_a_chain():
    flow, stream = begin()
    assert stream.then(op.map, "a", same).then(op.filter, "b", predicate=same) == Stream(
        "flow.b.flat_map.flat_map_batch.down", stream._scope
    )
    assert stream.then(op.output, "out", NoSink()) is None
    assert stream.then(lambda step_id, up, *rest: (step_id, up, rest), "c", 1, 2) == (
        "c",
        stream,
        (1, 2),
    )
    assert [step.step_id for step in flow.substeps[1:]] == ["flow.a", "flow.b", "flow.out"]


def test_stream_types_can_be_subscripted():
    assert Stream[int].__origin__ is Stream
    assert KeyedStream[int] == Stream[tuple[str, int]]


@pytest.mark.parametrize("flow_id", ["a.b", ".", "flow."])
def test_flow_id_with_a_period_is_refused(flow_id):
    with pytest.raises(ValueError, match="can't contain a period") as info:
        Dataflow(flow_id)
    assert repr(flow_id) in str(info.value)


@pytest.mark.parametrize("flow_id", [None, 5, b"flow"])
def test_flow_id_must_be_a_str(flow_id):
    with pytest.raises(TypeError, match="must be a `str`"):
        Dataflow(flow_id)


def test_f_repr_tells_where_a_function_is():
    assert f_repr(same).startswith(f"<function '{__name__}.same' line ")
    assert f_repr(len) == "<built-in function len>"
    assert f_repr(5) == "5"


def test_operators_are_data_classes_below_operator():
    flow, stream = begin()
    op.map("m", stream, same)
    step = flow.substeps[-1]
    assert isinstance(step, Operator) and isinstance(step, op.map._shape.cls)
    assert step.mapper is same
    assert step == copy.deepcopy(step)
