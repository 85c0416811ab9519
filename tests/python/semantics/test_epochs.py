"""Epochs: where they begin and end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.inputs import FixedPartitionedSource, StatefulSourcePartition
from cppwax.testing import TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import BatchSink, Parts, Timed, fails_bare

_ZERO = timedelta(0)


def _epochs(run: EntryPoint, interval: Any, *sources: Any) -> dict[Any, int]:
    """Run; tell the epoch of each item."""
    epochs: dict[Any, int] = {}
    flow = Dataflow("flow")
    for i, source in enumerate(sources):
        s = op.input(f"inp_{i}", flow, source)
        op.inspect_debug(f"see_{i}", s, lambda _id, x, epoch, _w: epochs.setdefault(x, epoch))
    run(flow, epoch_interval=interval)
    return epochs


@pytest.mark.parametrize(
    "interval",
    [None, timedelta(seconds=10), timedelta(days=1), timedelta(days=365_000), timedelta.max],
)
def test_the_first_epoch_is_1_and_lasts(entry_point: EntryPoint, interval: Any) -> None:
    assert set(_epochs(entry_point, interval, TestingSource(range(500))).values()) == {1}


@pytest.mark.parametrize("interval", [5, 0.5, "5", b""])
def test_an_interval_that_is_no_timedelta_is_refused_bare(
    entry_point: EntryPoint, interval: Any
) -> None:
    with fails_bare(TypeError):
        _epochs(entry_point, interval, TestingSource([]))


def test_a_negative_interval_is_refused_bare(entry_point: EntryPoint) -> None:
    with fails_bare(ValueError):
        _epochs(entry_point, timedelta(seconds=-1), TestingSource([]))


def test_at_interval_zero_every_poll_is_an_epoch_an_empty_one_too(entry_point: EntryPoint) -> None:
    source = Parts({"p": [["a"], [], ["b", "c"], [], [], ["d"]]})
    assert _epochs(entry_point, _ZERO, source) == {"a": 1, "b": 3, "c": 3, "d": 6}


def test_at_interval_zero_a_round_of_several_sources_is_an_epoch(run_one: EntryPoint) -> None:
    epochs = _epochs(run_one, _ZERO, TestingSource("abc"), TestingSource("12"))
    assert epochs == {"a": 1, "1": 1, "b": 2, "2": 2, "c": 3}


class _LoggedSource(FixedPartitionedSource[Any, int]):
    def __init__(self, log: list[Any]) -> None:
        self.log = log

    def list_parts(self) -> list[str]:
        return ["p"]

    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> _LoggedPartition:
        return _LoggedPartition(self.log)


class _LoggedPartition(StatefulSourcePartition[Any, int]):
    def __init__(self, log: list[Any]) -> None:
        self.log = log
        self.given = 0

    def next_batch(self) -> list[Any]:
        if self.given == 4:
            raise StopIteration()
        self.given += 1
        self.log.append(("next", self.given))
        return [("key", self.given)]

    def snapshot(self) -> int:
        return self.given


def test_at_interval_zero_the_source_waits_until_all_is_written(entry_point: EntryPoint) -> None:
    log: list[Any] = []

    class Sink(BatchSink):
        def build(self, *args: Any) -> Any:
            part = super().build(*args)
            part.write_batch = lambda items: log.extend(("write", value) for _, value in items)
            return part

    flow = Dataflow("flow")
    s = op.input("inp", flow, _LoggedSource(log))
    s = op.stateful_map("step", op.redistribute("spread", s), lambda n, v: (1, v))
    op.output("out", s, Sink())
    entry_point(flow, epoch_interval=_ZERO)
    assert log == [(what, i) for i in range(1, 5) for what in ("next", "write")]


def test_an_epoch_ends_when_the_interval_is_over(entry_point: EntryPoint) -> None:
    source = Timed([(0, ["a"]), (0.3, ["b"]), (0.3, ["c"])])
    epochs = _epochs(entry_point, timedelta(seconds=0.05), source)
    assert 1 == epochs["a"] < epochs["b"] < epochs["c"]


def test_a_sleeping_source_does_not_hold_up_the_epochs_of_another(entry_point: EntryPoint) -> None:
    awake = Timed([(0, ["a"]), (0.2, ["b"]), (0.2, ["c"])])
    asleep = Timed([(0.5, ["z"])])
    epochs = _epochs(entry_point, timedelta(seconds=0.05), awake, asleep)
    assert 1 == epochs["a"] < epochs["b"] < epochs["c"]


def test_epochs_never_go_back(entry_point: EntryPoint) -> None:
    seen: list[int] = []
    flow = Dataflow("flow")
    s = op.input("inp", flow, TestingSource([("a", i) for i in range(2000)]))
    s = op.stateful_map("step", s, lambda n, v: (1, v))
    op.inspect_debug("see", s, lambda _id, _x, epoch, _w: seen.append(epoch))
    entry_point(flow, epoch_interval=timedelta(milliseconds=1))
    assert seen == sorted(seen)
    assert len(seen) == 2000
