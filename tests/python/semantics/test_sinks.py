"""How sinks are called, and what they may answer."""

from __future__ import annotations

import itertools
from typing import Any
from zlib import adler32

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.inputs import AbortExecution
from cppwax.outputs import FixedPartitionedSink
from cppwax.testing import TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, fails_bare
from tests.python.logics import Log, calls, raising
from tests.python.scripted import dynamic_sink, ending, fixed_sink, fixed_source

_ITEMS = [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("a", 5)]


def _write(run: EntryPoint, items: Any, sink: Any, batch: int = 1) -> None:
    flow = Dataflow("flow")
    source = TestingSource(items, batch) if isinstance(items, list) else items
    op.output("out", op.input("inp", flow, source), sink)
    run(flow)


def _written(log: Log) -> dict[str, list[Any]]:
    """Give the values that were written, by part."""
    values: dict[str, list[Any]] = {}
    for name, *args in log:
        part, _, method = name.partition(".")
        if method == "write_batch":
            values.setdefault(part, []).extend(args[0])
    return values


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_parts_get_values_by_the_number_of_the_key(entry_point: EntryPoint, batch: int) -> None:
    log: Log = []
    _write(entry_point, _ITEMS, fixed_sink(log), batch)
    # "a" is 97, so the odd ones go to the second part.
    assert _written(log) == {"b": [1, 3, 5], "a": [2, 4]}


def test_names_of_parts_are_sorted_first(entry_point: EntryPoint) -> None:
    log: Log = []
    part_of = {"a": 0, "b": 1, "c": 2, "d": 3}
    sink = fixed_sink(log, list_parts=["z", "x", "y", "x"], part_fn=part_of.__getitem__)
    _write(entry_point, _ITEMS, sink)
    assert _written(log) == {"x": [1, 4, 5], "y": [2], "z": [3]}


def test_by_default_the_number_is_the_adler_32_sum(entry_point: EntryPoint) -> None:
    log: Log = []
    sink = fixed_sink(log, part_fn=lambda key: FixedPartitionedSink.part_fn(sink, key))
    keys = ["", "a", "b", "ab", "é", "\U0001f600", "a long key with words"]
    _write(entry_point, [(key, key) for key in keys], sink)
    assert _written(log) == {
        part: [key for key in keys if adler32(key.encode()) % 2 == i] for i, part in enumerate("ab")
    }


@pytest.mark.parametrize("number", [0, 1, True, 2**32, 2**63])
def test_any_number_from_0_on_will_do(entry_point: EntryPoint, number: int) -> None:
    log: Log = []
    _write(entry_point, [("a", 1)], fixed_sink(log, part_fn=number))
    assert _written(log) == {"ab"[number % 2]: [1]}


def test_a_partition_is_chosen_once_for_each_item(entry_point: EntryPoint) -> None:
    """One that may say something else the next time sends no item to a wrong worker either."""
    log: Log = []
    numbers = itertools.count()
    _write(entry_point, _ITEMS * 10, fixed_sink(log, part_fn=lambda _key: next(numbers)))
    assert next(numbers) == len(_ITEMS) * 10
    assert sorted(part for _, _, part, _ in calls(log, "build_part")) == ["a", "b"]


@pytest.mark.parametrize("number", [-1, 2**64, 2**100])
def test_a_number_out_of_range_is_refused(entry_point: EntryPoint, number: int) -> None:
    with fails(OverflowError, step="flow.out"):
        _write(entry_point, [("a", 1)], fixed_sink(part_fn=number))


@pytest.mark.parametrize("number", [1.0, None, "1"])
def test_what_is_no_number_is_refused(entry_point: EntryPoint, number: Any) -> None:
    with fails(TypeError, step="flow.out"):
        _write(entry_point, [("a", 1)], fixed_sink(part_fn=number))


def test_parts_are_built_at_their_first_item(run_one: EntryPoint) -> None:
    log: Log = []
    _write(run_one, _ITEMS, fixed_sink(log))
    names = [entry[0] for entry in log if entry[0] != "part_fn"]
    assert names[:-2] == [
        "list_parts",
        *("build_part", "b.write_batch"),
        *("build_part", "a.write_batch"),
        *("b.write_batch", "a.write_batch", "b.write_batch"),
    ]
    assert sorted(names[-2:]) == ["a.close", "b.close"]
    assert calls(log, "build_part") == [
        ("build_part", "flow.out", "b", None),
        ("build_part", "flow.out", "a", None),
    ]


def test_parts_without_items_are_not_built(entry_point: EntryPoint) -> None:
    log: Log = []
    _write(entry_point, [("a", 1), ("c", 2)], fixed_sink(log))
    assert [part for _, _, part, _ in calls(log, "build_part")] == ["b"]


def test_a_part_gets_the_values_of_a_batch_as_one_list(run_one: EntryPoint) -> None:
    log: Log = []
    _write(run_one, _ITEMS, fixed_sink(log), batch=3)
    assert calls(log, "b.write_batch") == [("b.write_batch", [1, 3]), ("b.write_batch", [5])]
    assert calls(log, "a.write_batch") == [("a.write_batch", [2]), ("a.write_batch", [4])]


def test_without_recovery_no_snapshot_is_asked_for(entry_point: EntryPoint) -> None:
    log: Log = []
    _write(entry_point, _ITEMS, fixed_sink(log, snapshot=raising(ValueError("unwanted"))))
    assert calls(log, "a.snapshot", "b.snapshot") == []


@pytest.mark.parametrize("item", [5, ["a", 1], ("a",), ("a", 1, 2), (1, 1), (b"a", 1)])
def test_an_item_that_is_no_keyed_pair_is_refused_bare(entry_point: EntryPoint, item: Any) -> None:
    with fails_bare(TypeError, "flow.out"):
        _write(entry_point, [item], fixed_sink())


@pytest.mark.parametrize("parts", [None, 5, "ab", ["a", 1], {"a"}])
def test_parts_that_are_no_list_of_names_are_refused(entry_point: EntryPoint, parts: Any) -> None:
    with fails(TypeError, step="flow.out"):
        _write(entry_point, [("a", 1)], fixed_sink(list_parts=parts))


@pytest.mark.parametrize("part", [None, 5, object()])
def test_what_is_built_must_be_a_part(entry_point: EntryPoint, part: Any) -> None:
    with fails(TypeError, "StatefulSinkPartition", step="flow.out"):
        _write(entry_point, [("a", 1)], fixed_sink(build_part=part))
    with fails(TypeError, "StatelessSinkPartition", step="flow.out"):
        _write(entry_point, [("a", 1)], dynamic_sink(build=part))


@pytest.mark.parametrize("method", ["list_parts", "part_fn", "build_part", "write_batch"])
def test_an_error_of_a_fixed_sink_ends_the_run(entry_point: EntryPoint, method: str) -> None:
    with fails(ValueError, "my own", step="flow.out"):
        _write(entry_point, _ITEMS, fixed_sink(**{method: raising(ValueError("my own"))}))


@pytest.mark.parametrize("method", ["build", "write_batch"])
def test_an_error_of_a_dynamic_sink_ends_the_run(entry_point: EntryPoint, method: str) -> None:
    with fails(ValueError, "my own", step="flow.out"):
        _write(entry_point, _ITEMS, dynamic_sink(**{method: raising(ValueError("my own"))}))


def test_a_dynamic_sink_is_built_on_every_worker(entry_point: EntryPoint) -> None:
    log: Log = []
    _write(entry_point, _ITEMS, dynamic_sink(log))
    count = entry_point.workers
    assert sorted(calls(log, "build")) == [("build", "flow.out", i, count) for i in range(count)]
    assert calls(log, "write_batch") == [("write_batch", [item]) for item in _ITEMS]
    assert len(calls(log, "close")) == count


@pytest.mark.parametrize(
    "last",
    [[], [raising(AbortExecution())], [raising(ValueError())]],
    ids=["end", "abort", "error"],
)
def test_sinks_are_closed_once_however_it_ends(entry_point: EntryPoint, last: Any) -> None:
    for make in (fixed_sink, dynamic_sink):
        log: Log = []
        source = fixed_source(next_batch=ending([("a", 1)], *last))
        try:
            _write(entry_point, source, make(log))
        except RuntimeError:
            assert last
        built = calls(log, "build", "build_part")
        assert len(calls(log, "close", "a.close", "b.close")) == len(built)


def test_a_sink_is_closed_when_its_own_writing_fails(entry_point: EntryPoint) -> None:
    for make in (fixed_sink, dynamic_sink):
        log: Log = []
        with fails(ValueError, step="flow.out"):
            _write(entry_point, _ITEMS, make(log, write_batch=raising(ValueError())))
        built = calls(log, "build", "build_part")
        assert len(calls(log, "close", "a.close", "b.close")) == len(built)


def test_an_error_of_close_ends_the_run(entry_point: EntryPoint) -> None:
    for make in (fixed_sink, dynamic_sink):
        with fails(ValueError, "my own", step="flow.out"):
            _write(entry_point, _ITEMS, make(close=raising(ValueError("my own"))))


def test_without_parts_there_must_be_no_items(entry_point: EntryPoint) -> None:
    _write(entry_point, [], fixed_sink(list_parts=[]))
    with fails(ValueError, step="flow.out"):
        _write(entry_point, [("a", 1)], fixed_sink(list_parts=[]))


def test_without_items_nothing_is_written(entry_point: EntryPoint) -> None:
    log: Log = []
    _write(entry_point, [], fixed_sink(log))
    assert calls(log, "part_fn", "build_part") == []
