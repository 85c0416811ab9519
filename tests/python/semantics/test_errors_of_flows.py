"""How a run fails."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

import cppwax.errors
import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.errors import BytewaxRuntimeError, CppwaxRuntimeError
from cppwax.testing import TestingSink, TestingSource, cluster_main, run_main
from tests.python.conftest import EntryPoint
from tests.python.flows import OnEachWorker, fails, root_of, through
from tests.python.logics import batch_logic, item_logic, raising
from tests.python.scripted import dynamic_sink, dynamic_source, fixed_sink, fixed_source


def _caught(run: Callable[[Any], Any], flow: Any) -> CppwaxRuntimeError:
    with pytest.raises(CppwaxRuntimeError) as caught:
        run(flow)
    return caught.value


def _flow(step: Callable[[Any], Any], items: Any = (("a", 1),)) -> Dataflow:
    flow = Dataflow("flow")
    s = op.input("inp", flow, TestingSource(items))
    op.output("out", step(s), TestingSink([]))
    return flow


def test_a_flow_needs_an_input(entry_point: EntryPoint) -> None:
    root = root_of(_caught(entry_point, Dataflow("flow")))
    assert type(root) is ValueError
    assert "at least one input" in str(root)


def test_a_flow_needs_an_output(entry_point: EntryPoint) -> None:
    flow = Dataflow("flow")
    op.map("step", op.input("inp", flow, TestingSource([1])), str)
    root = root_of(_caught(entry_point, flow))
    assert type(root) is ValueError
    assert "output" in str(root)


class _OwnError(Exception):
    def __init__(self, first: int, *, second: int) -> None:
        super().__init__(first, second)


def _places(ex: BaseException) -> dict[str, Dataflow]:
    """Give flows in which different callbacks raise."""
    fail = raising(ex)
    flows = {
        "map": _flow(lambda s: op.map("step", s, fail)),
        "filter": _flow(lambda s: op.filter("step", s, fail)),
        "flat_map_batch": _flow(lambda s: op.flat_map_batch("step", s, fail)),
        "branch": _flow(lambda s: op.branch("step", s, fail).trues),
        "inspect_debug": _flow(lambda s: op.inspect_debug("step", s, fail)),
        "key_on": _flow(lambda s: op.key_on("step", s, fail)),
        "stateful_map": _flow(lambda s: op.stateful_map("step", s, fail)),
        "fold_final": _flow(lambda s: op.fold_final("step", s, int, fail)),
        "builder": _flow(lambda s: op.stateful_batch("step", s, fail)),
        "on_batch": _flow(lambda s: op.stateful_batch("step", s, batch_logic(on_batch=fail))),
        "on_item": _flow(lambda s: op.stateful("step", s, item_logic(on_item=fail))),
        "on_eof": _flow(lambda s: op.stateful_batch("step", s, batch_logic(on_eof=fail))),
    }
    for name, source in {
        "list_parts": fixed_source(list_parts=fail),
        "build_part": fixed_source(build_part=fail),
        "next_awake": fixed_source(next_awake=fail),
        "build": dynamic_source(build=fail),
    }.items():
        flows[f"source {name}"] = flow = Dataflow("flow")
        op.output("out", op.input("step", flow, source), TestingSink([]))
    for name, sink in {
        "part_fn": fixed_sink(part_fn=fail),
        "write_batch": dynamic_sink(write_batch=fail),
    }.items():
        flows[f"sink {name}"] = flow = Dataflow("flow")
        op.output("step", op.input("inp", flow, TestingSource([("a", 1)])), sink)
    return flows


_PLACES = sorted(_places(Exception()))


@pytest.mark.parametrize("place", _PLACES)
@pytest.mark.parametrize(
    "ex",
    [
        _OwnError(1, second=2),
        SystemExit(3),
        KeyboardInterrupt(),
        StopIteration("not the end"),
        GeneratorExit(),
        MemoryError(),
    ],
    ids=lambda ex: type(ex).__name__,
)
def test_whatever_user_code_raises_is_the_root(
    entry_point: EntryPoint, place: str, ex: BaseException
) -> None:
    caught = _caught(entry_point, _places(ex)[place])
    assert root_of(caught) is ex
    assert "flow.step" in str(caught)


def test_the_traceback_leads_to_the_line_of_the_user(entry_point: EntryPoint) -> None:
    def my_mapper(x: Any) -> Any:
        return x[0] / x[1]

    caught = _caught(entry_point, _flow(lambda s: op.map("step", s, my_mapper)))
    (last,) = traceback.extract_tb(root_of(caught).__traceback__)[-1:]
    assert (last.filename, last.name) == (__file__, "my_mapper")


def test_causes_of_the_users_exception_are_kept(entry_point: EntryPoint) -> None:
    cause = ValueError("first")
    ex = KeyError("second")

    def fail(x: Any) -> Any:
        raise ex from cause

    caught = _caught(entry_point, _flow(lambda s: op.map("step", s, fail)))
    assert root_of(caught) is cause
    assert ex.__cause__ is cause


def test_the_error_has_the_old_name_too() -> None:
    assert BytewaxRuntimeError is CppwaxRuntimeError
    assert issubclass(CppwaxRuntimeError, RuntimeError)
    assert cppwax.errors.CppwaxRuntimeError is CppwaxRuntimeError


def test_one_workers_error_ends_all(entry_point: EntryPoint) -> None:
    last = entry_point.workers - 1
    flow = Dataflow("flow")
    endless = dynamic_source(next_batch=lambda: [1])
    op.inspect("see", op.input("endless", flow, endless), lambda _id, _x: None)
    s = op.input("inp", flow, OnEachWorker(lambda worker: [[worker]]))
    s = op.map("step", s, lambda worker: 1 / (worker - last))
    op.output("out", s, TestingSink([]))
    with fails(ZeroDivisionError):
        entry_point(flow)


def test_the_message_names_worker_and_epoch(entry_point: EntryPoint) -> None:
    last = entry_point.workers - 1
    flow = Dataflow("flow")
    s = op.input("inp", flow, OnEachWorker(lambda worker: [[worker]]))
    s = op.map("step", s, lambda worker: 1 / (worker - last))
    op.output("out", s, TestingSink([]))
    message = str(_caught(entry_point, flow))
    assert f"worker {last}" in message
    assert "epoch 1" in message


def test_when_all_workers_fail_one_error_is_told(entry_point: EntryPoint) -> None:
    flow = Dataflow("flow")
    s = op.input("inp", flow, OnEachWorker(lambda worker: [[worker]]))
    op.output("out", op.map("step", s, lambda worker: [][worker]), TestingSink([]))
    with fails(IndexError):
        entry_point(flow)


def test_after_an_error_no_end_is_told(entry_point: EntryPoint) -> None:
    told: list[str] = []

    def step(s: Any) -> Any:
        s = op.stateful_batch(
            "keyed", s, batch_logic(on_eof=lambda: told.append("end") or ([], True))
        )
        return op.map("step", s, lambda kv: 1 / kv[1])

    with fails(ZeroDivisionError):
        through(entry_point, [("a", 0), ("a", 1)], step)
    assert told == []


def test_a_flow_that_failed_can_be_run_again(entry_point: EntryPoint) -> None:
    divisors = [0, 1]
    out: list[Any] = []
    flow = Dataflow("flow")
    s = op.map("step", op.input("inp", flow, TestingSource([6])), lambda x: x / divisors[0])
    op.output("out", s, TestingSink(out))
    with fails(ZeroDivisionError):
        entry_point(flow)
    divisors.pop(0)
    entry_point(flow)
    assert out == [6.0]


@pytest.mark.parametrize("flow", [5, None, "flow", Dataflow])
def test_what_is_no_dataflow_is_refused(entry_point: EntryPoint, flow: Any) -> None:
    with pytest.raises(TypeError):
        entry_point(flow)


@pytest.mark.parametrize("addresses", [None, []])
def test_a_cluster_without_addresses_is_one_process(addresses: Any) -> None:
    out: list[int] = []
    flow = Dataflow("flow")
    op.output("out", op.input("inp", flow, TestingSource([1, 2])), TestingSink(out))
    cluster_main(flow, addresses, 0)
    assert out == [1, 2]


def test_a_run_in_another_thread_fails_there(entry_point: EntryPoint) -> None:
    caught: list[BaseException] = []

    def run() -> None:
        try:
            entry_point(_flow(lambda s: op.map("step", s, lambda x: x / 0)))
        except CppwaxRuntimeError as ex:
            caught.append(root_of(ex))

    thread = Thread(target=run)
    thread.start()
    thread.join(timeout=60)
    assert [type(ex) for ex in caught] == [TypeError]


def test_another_run_goes_on_when_one_fails(entry_point: EntryPoint) -> None:
    failing = _flow(lambda s: op.map("step", s, lambda x: x / 0))

    def run_inside(x: Any) -> Any:
        with fails(TypeError):
            run_main(failing)
        return x

    assert through(entry_point, [1, 2], lambda s: op.map("nest", s, run_inside)) == [1, 2]
