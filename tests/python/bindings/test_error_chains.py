"""What a run raises when a callback fails: the place, the user's exception, the user's line."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.inputs import AbortExecution, StatefulSourcePartition
from cppwax.outputs import StatefulSinkPartition
from cppwax.testing import TestingSource
from tests.python.bindings.answering import (
    Callback,
    dynamic_sink,
    dynamic_source,
    fixed_sink,
    fixed_source,
    flow_of,
    sink_part,
    source_part,
)
from tests.python.conftest import EntryPoint
from tests.python.flows import root_of
from tests.python.logics import PAST, batch_logic


class Mishap(Exception):
    """Raised by callbacks here."""


def mishap(*_args: Any) -> Any:
    raise Mishap("on purpose")  # the user's line


def keyed(**answers: Callback) -> Dataflow:
    return flow_of(step=lambda up: op.stateful_batch("step", up, batch_logic(**answers)))


def mapped(mapper: Callback) -> Dataflow:
    return flow_of(step=lambda up: op.flat_map_batch("step", up, mapper))


def branched(predicate: Callback) -> Dataflow:
    return flow_of(step=lambda up: op.branch("step", up, predicate).trues)


def built(builder: Callback) -> Dataflow:
    return flow_of(step=lambda up: op.stateful_batch("step", up, builder))


def inspected(inspector: Callback) -> Dataflow:
    return flow_of(step=lambda up: op.inspect_debug("step", up, inspector))


@dataclass
class Case:
    """A flow with one callback to fill in."""

    flow: Callable[[Callback], Dataflow]
    step: str
    doing: str
    """A pattern for what the message says was being done."""


CASES = {
    "mapper": Case(mapped, "flow.step", r"calling `mapper` on a batch of 2 items"),
    "predicate": Case(branched, "flow.step", r"calling `predicate` on an item"),
    "inspector": Case(inspected, "flow.step", r"calling `inspector` on an item"),
    "builder": Case(built, "flow.step", r"calling `builder` for key '[ab]'"),
    "on_batch": Case(
        lambda f: keyed(on_batch=f), "flow.step", r"calling `on_batch` for key '[ab]'"
    ),
    "on_notify": Case(
        lambda f: keyed(on_notify=f, notify_at=lambda: PAST),
        "flow.step",
        r"calling `on_notify` for key '[ab]'",
    ),
    "on_eof": Case(lambda f: keyed(on_eof=f), "flow.step", r"calling `on_eof` for key '[ab]'"),
    "notify_at": Case(
        lambda f: keyed(notify_at=f), "flow.step", r"calling `notify_at` for key '[ab]'"
    ),
    "source_list_parts": Case(
        lambda f: flow_of(fixed_source(list_parts=f)), "flow.inp", r"calling `list_parts`"
    ),
    "source_build_part": Case(
        lambda f: flow_of(fixed_source(build_part=f)),
        "flow.inp",
        r"calling `build_part` of partition 'p'",
    ),
    "source_build": Case(
        lambda f: flow_of(dynamic_source(build=f)), "flow.inp", r"calling `build`"
    ),
    "fixed_next_batch": Case(
        lambda f: flow_of(fixed_source(next_batch=f)),
        "flow.inp",
        r"calling `next_batch` of partition 'p'",
    ),
    "dynamic_next_batch": Case(
        lambda f: flow_of(dynamic_source(next_batch=f)), "flow.inp", r"calling `next_batch`"
    ),
    "next_awake": Case(
        lambda f: flow_of(fixed_source(next_awake=f)),
        "flow.inp",
        r"calling `next_awake` of partition 'p'",
    ),
    "source_close": Case(
        lambda f: flow_of(fixed_source(close=f)), "flow.inp", r"calling `close` of partition 'p'"
    ),
    "sink_list_parts": Case(
        lambda f: flow_of(sink=fixed_sink(list_parts=f)), "flow.out", r"calling `list_parts`"
    ),
    "part_fn": Case(
        lambda f: flow_of(sink=fixed_sink(part_fn=f)),
        "flow.out",
        r"calling `part_fn` for key '[ab]'",
    ),
    "sink_build_part": Case(
        lambda f: flow_of(sink=fixed_sink(build_part=f)),
        "flow.out",
        r"calling `build_part` of partition 'p'",
    ),
    "sink_build": Case(
        lambda f: flow_of(sink=dynamic_sink(build=f)), "flow.out", r"calling `build`"
    ),
    "fixed_write_batch": Case(
        lambda f: flow_of(sink=fixed_sink(write_batch=f)),
        "flow.out",
        r"calling `write_batch` of partition 'p' with [12] items?",
    ),
    "dynamic_write_batch": Case(
        lambda f: flow_of(sink=dynamic_sink(write_batch=f)),
        "flow.out",
        r"calling `write_batch` with [12] items?",
    ),
    "fixed_sink_close": Case(
        lambda f: flow_of(sink=fixed_sink(close=f)),
        "flow.out",
        r"calling `close` of partition 'p'",
    ),
    "dynamic_sink_close": Case(
        lambda f: flow_of(sink=dynamic_sink(close=f)), "flow.out", r"calling `close`"
    ),
}


def run_failing(entry_point: EntryPoint, flow: Dataflow, case: Case) -> BaseException:
    """Run a flow; check type and message of what comes out, and return the first exception."""
    with pytest.raises(CppwaxRuntimeError) as caught:
        entry_point(flow)
    assert type(caught.value) is CppwaxRuntimeError
    place = rf"step '{case.step}' failed in epoch 1 on worker [0-{entry_point.workers - 1}]"
    assert re.fullmatch(place + r"( of process 0)? while " + case.doing, str(caught.value))
    return root_of(caught.value)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_callback_that_raises(entry_point: EntryPoint, case: Case) -> None:
    root = run_failing(entry_point, case.flow(mishap), case)
    assert type(root) is Mishap
    assert root.args == ("on purpose",)
    last = traceback.extract_tb(root.__traceback__)[-1]
    assert last.filename == __file__
    assert last.name == "mishap"
    assert last.line == 'raise Mishap("on purpose")  # the user\'s line'


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt, GeneratorExit, MemoryError])
@pytest.mark.parametrize("name", ["mapper", "on_batch", "fixed_next_batch", "dynamic_write_batch"])
def test_exceptions_that_mean_something_elsewhere(
    entry_point: EntryPoint, name: str, raised: type[BaseException]
) -> None:
    def fail(*_args: Any) -> Any:
        raise raised

    root = run_failing(entry_point, CASES[name].flow(fail), CASES[name])
    assert type(root) is raised


@pytest.mark.parametrize("raised", [StopIteration, AbortExecution])
@pytest.mark.parametrize("name", ["mapper", "predicate", "on_eof", "next_awake", "part_fn"])
def test_ends_of_sources_are_errors_elsewhere(
    entry_point: EntryPoint, name: str, raised: type[BaseException]
) -> None:
    def fail(*_args: Any) -> Any:
        raise raised

    root = run_failing(entry_point, CASES[name].flow(fail), CASES[name])
    assert type(root) is raised


class OddOffset(datetime):
    def utcoffset(self) -> Any:
        return 0


ODD_OFFSET = OddOffset(2020, 1, 1, tzinfo=timezone(timedelta(hours=1)))

NONSENSE: list[tuple[str, Any, type[BaseException], str]] = [
    ("mapper", None, TypeError, "to be iterables"),
    ("mapper", 5, TypeError, "to be iterables"),
    ("predicate", 1, TypeError, "must be a `bool`"),
    ("predicate", None, TypeError, "must be a `bool`"),
    ("on_batch", None, TypeError, "must be a 2-tuple"),
    ("on_batch", [[], False], TypeError, "must be a 2-tuple"),
    ("on_batch", ([], False, 1), TypeError, "must be a 2-tuple"),
    ("on_batch", ("ab", False), TypeError, "got a `str`"),
    ("on_batch", ({1}, False), TypeError, "got a `set`"),
    ("on_batch", ({1: 2}, False), TypeError, "got a `dict`"),
    ("on_batch", (iter([1]), False), TypeError, "got a `list_iterator`"),
    ("on_batch", ([], 0), TypeError, "must be a `bool`"),
    ("on_batch", ([], None), TypeError, "must be a `bool`"),
    ("on_notify", 5, TypeError, "must be a 2-tuple"),
    ("on_eof", ([], 1), TypeError, "must be a `bool`"),
    ("notify_at", 5, TypeError, "with a timezone.*got a `int`"),
    ("notify_at", datetime(2020, 1, 1), TypeError, "with a timezone.*tzinfo="),
    ("notify_at", ODD_OFFSET, TypeError, "offset from UTC is a `int`"),
    ("next_awake", "now", TypeError, "with a timezone.*got a `str`"),
    ("next_awake", datetime(2020, 1, 1), TypeError, "with a timezone.*tzinfo="),
    ("next_awake", ODD_OFFSET, TypeError, "offset from UTC is a `int`"),
    ("fixed_next_batch", None, TypeError, "to be iterables"),
    ("dynamic_next_batch", 5, TypeError, "to be iterables"),
    ("source_list_parts", None, TypeError, "list of `str`, got a `NoneType`"),
    ("source_list_parts", "ab", TypeError, "list of `str`, got a `str`"),
    ("source_list_parts", [1], TypeError, "list of `str`, got one with a `int`"),
    ("sink_list_parts", None, TypeError, "list of `str`, got a `NoneType`"),
    ("source_build_part", 5, TypeError, "must be a `StatefulSourcePartition`, got a `int`"),
    ("source_build", None, TypeError, "must be a `StatelessSourcePartition`"),
    ("sink_build_part", None, TypeError, "must be a `StatefulSinkPartition`"),
    ("sink_build", None, TypeError, "must be a `StatelessSinkPartition`"),
    ("part_fn", 1.0, TypeError, "must be an `int`, got a `float`"),
    ("part_fn", None, TypeError, "must be an `int`, got a `NoneType`"),
    ("part_fn", -1, OverflowError, "got -1"),
    ("part_fn", 1 << 64, OverflowError, "got 18446744073709551616"),
]


@pytest.mark.parametrize(("name", "answer", "root_type", "words"), NONSENSE)
def test_callback_that_answers_nonsense(
    entry_point: EntryPoint, name: str, answer: Any, root_type: type, words: str
) -> None:
    case = CASES[name]
    root = run_failing(entry_point, case.flow(lambda *_args: answer), case)
    assert type(root) is root_type
    assert re.search(words, str(root))
    assert f"step '{case.step}'" in str(root)


def test_iterator_that_raises(entry_point: EntryPoint) -> None:
    def mapper(batch: list[Any]) -> Any:
        yield batch[0]
        mishap()

    case = Case(mapped, "flow.step", r"iterating over the result of calling `mapper` .*")
    root = run_failing(entry_point, mapped(mapper), case)
    assert type(root) is Mishap
    assert [frame.name for frame in traceback.extract_tb(root.__traceback__)] == [
        "mapper",
        "mishap",
    ]


def test_batch_that_raises_while_it_is_drained(entry_point: EntryPoint) -> None:
    def next_batch() -> Any:
        yield 1
        raise AbortExecution  # no end of a source here: `next_batch` has returned

    case = Case(mapped, "flow.inp", r"iterating over the result of calling `next_batch` .*")
    flow = flow_of(fixed_source(next_batch=next_batch))
    assert type(run_failing(entry_point, flow, case)) is AbortExecution


def test_causes_of_the_users_exception_stay(entry_point: EntryPoint) -> None:
    def fail(_batch: list[Any]) -> Any:
        try:
            mishap()
        except Mishap as ex:
            raise ValueError("because") from ex

    with pytest.raises(CppwaxRuntimeError) as caught:
        entry_point(mapped(fail))
    chain = [caught.value.__cause__, root_of(caught.value)]
    assert [type(ex) for ex in chain] == [ValueError, Mishap]


BARE_ITEMS = [5, ["a", 1], ("a",), ("a", 1, 2), (5, 1), (None, 1), (b"a", 1)]


@pytest.mark.parametrize("item", BARE_ITEMS, ids=repr)
@pytest.mark.parametrize("to", ["step", "out"])
def test_item_without_a_key_is_a_bare_error(entry_point: EntryPoint, item: Any, to: str) -> None:
    if to == "step":
        flow = flow_of(
            TestingSource([item]),
            lambda up: op.stateful_batch("step", op.map("id", up, lambda x: x), batch_logic()),
        )
    else:
        flow = flow_of(TestingSource([item]), sink=fixed_sink())
    with pytest.raises(TypeError, match=rf"step 'flow\.{to}' .*`str`|2-tuple") as caught:
        entry_point(flow)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("logic", [None, 5, batch_logic], ids=["None", "int", "function"])
def test_builder_of_something_else_is_a_bare_error(entry_point: EntryPoint, logic: Any) -> None:
    with pytest.raises(TypeError, match=r"step 'flow\.step'.* `StatefulBatchLogic`"):
        entry_point(built(lambda _state: logic))


def test_sink_without_partitions_and_an_item(entry_point: EntryPoint) -> None:
    case = Case(mapped, "flow.out", "choosing a partition")
    root = run_failing(entry_point, flow_of(sink=fixed_sink(list_parts=list)), case)
    assert type(root) is ValueError
    assert "lists no partition" in str(root)


def test_long_key_is_cut_in_the_message(entry_point: EntryPoint) -> None:
    flow = flow_of(
        TestingSource([("k" * 10_000, 1)]),
        lambda up: op.stateful_batch("step", up, batch_logic(on_batch=mishap)),
    )
    with pytest.raises(CppwaxRuntimeError, match="for key 'kkk") as caught:
        entry_point(flow)
    assert len(str(caught.value)) < 250


def test_all_partitions_are_closed_though_one_fails_to(entry_point: EntryPoint) -> None:
    built: list[str] = []
    closed: list[str] = []

    def build_part(_step_id: str, part: str, _state: Any) -> Any:
        built.append(part)

        def close() -> None:
            closed.append(part)
            mishap()

        return source_part({"close": close}, StatefulSourcePartition)

    source = fixed_source(list_parts=lambda: ["p", "q", "r"], build_part=build_part)
    with pytest.raises(CppwaxRuntimeError, match="calling `close` of partition '[pqr]'"):
        entry_point(flow_of(source))
    assert sorted(closed) == sorted(built)
    assert len(built) == 3 or entry_point.workers > 1


def test_all_sink_partitions_are_closed_though_one_fails_to(entry_point: EntryPoint) -> None:
    built: list[str] = []
    closed: list[str] = []

    def build_part(_step_id: str, part: str, _state: Any) -> Any:
        built.append(part)

        def close() -> None:
            closed.append(part)
            mishap()

        return sink_part({"close": close}, StatefulSinkPartition)

    sink = fixed_sink(
        list_parts=lambda: ["p", "q", "r"],
        part_fn=lambda key: 0 if key == "a" else 1,
        build_part=build_part,
    )
    with pytest.raises(CppwaxRuntimeError, match="calling `close` of partition '[pq]'"):
        entry_point(flow_of(sink=sink))
    assert sorted(closed) == sorted(built)
    assert built == ["p", "q"] or entry_point.workers > 1
