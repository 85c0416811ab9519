"""Sinks that write in the background are asked at the end of each epoch, before it counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.outputs import DynamicSink, StatelessSinkPartition
from cppwax.recovery import RecoveryConfig, init_db_dir
from cppwax.testing import TestingSource, run_main
from tests.python.conftest import EntryPoint
from tests.python.flows import fails

Log = list[Any]
AT_ONCE, LATER = timedelta(0), timedelta(hours=1)


def nothing() -> None:
    pass


class Background(StatelessSinkPartition[Any]):
    def __init__(self, arrived: Log, log: Log, at_end: Callable[[], None]) -> None:
        self.pending: Log = []
        self.arrived = arrived
        self.log = log
        self.at_end = at_end

    def write_batch(self, items: Log) -> None:
        self.log.append("write")
        self.pending += items

    def end_epoch(self) -> None:
        self.log.append("end")
        self.at_end()
        self.arrived += self.pending
        self.pending.clear()

    def close(self) -> None:
        self.log.append("close")


class BackgroundSink(DynamicSink[Any]):
    def __init__(self, at_end: Callable[[], None] = nothing) -> None:
        self.arrived: Log = []
        self.log: Log = []
        self.at_end = at_end

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Background:
        return Background(self.arrived, self.log, self.at_end)


def flow_of(items: Any, sink: Any, step: Callable[[Any], Any] = lambda item: item) -> Dataflow:
    flow = Dataflow("flow")
    read = op.map("step", op.input("inp", flow, TestingSource(items)), step)
    op.output("out", read, sink)
    return flow


@pytest.fixture
def store(tmp_path: Path) -> RecoveryConfig:
    init_db_dir(tmp_path, 2)
    return RecoveryConfig(tmp_path)


def test_each_epoch_ends_before_the_next_one_is_read(entry_point: EntryPoint) -> None:
    sink = BackgroundSink()
    entry_point(flow_of([1, 2, 3], sink), epoch_interval=AT_ONCE)
    assert [each for each in sink.log if each != "close"] == ["write", "end"] * 3


def test_the_end_of_the_data_is_one_too(entry_point: EntryPoint) -> None:
    sink = BackgroundSink()
    entry_point(flow_of([1, 2, 3], sink), epoch_interval=LATER)
    assert sink.log[:4] == ["write", "write", "write", "end"]
    assert set(sink.log[4:]) == {"close"}
    assert sink.arrived == [1, 2, 3]


def test_where_nothing_was_written_nothing_is_asked(entry_point: EntryPoint) -> None:
    sink = BackgroundSink()
    flow = Dataflow("flow")
    items = op.input("inp", flow, TestingSource([1, 2, 3]))
    op.output("out", op.filter("none", items, lambda item: False), sink)
    entry_point(flow, epoch_interval=AT_ONCE)
    assert set(sink.log) == {"close"}


@pytest.mark.parametrize("aborts", [False, True], ids=["error", "abort"])
def test_an_epoch_that_fails_does_not_end(entry_point: EntryPoint, aborts: bool) -> None:
    sink = BackgroundSink()

    def step(item: Any) -> Any:
        if item == 3:
            raise ValueError("three")
        return item

    if aborts:
        entry_point(flow_of([1, 2, TestingSource.ABORT(), 3], sink), epoch_interval=LATER)
    else:
        with fails(ValueError, "three"):
            entry_point(flow_of([1, 2, 3], sink, step), epoch_interval=LATER)
    assert "end" not in sink.log and "close" in sink.log


def test_its_failure_is_the_run_s(entry_point: EntryPoint) -> None:
    def fail() -> None:
        raise ValueError("not delivered")

    with fails(ValueError, "not delivered", step="flow.out"):
        entry_point(flow_of([1], BackgroundSink(fail)))


@pytest.mark.parametrize("interval", [AT_ONCE, LATER])
def test_what_has_not_arrived_comes_again(store: RecoveryConfig, interval: timedelta) -> None:
    """After an abort, and after a failure of the end itself."""
    items = [1, 2, 3, TestingSource.ABORT(), 4, 5, TestingSource.EOF(), 6]
    arrived: Log = []

    def fail() -> None:
        raise ValueError("not delivered")

    def run(at_end: Callable[[], None]) -> None:
        sink = BackgroundSink(at_end)
        try:
            run_main(flow_of(items, sink), epoch_interval=interval, recovery_config=store)
        finally:
            arrived.extend(sink.arrived)

    run(nothing)  # to the abort
    with fails(ValueError, "not delivered", step="flow.out"):
        run(fail)
    for _ in range(5):  # an abort or end that comes right behind what is repeated, comes again
        run(nothing)
    assert set(arrived) == {1, 2, 3, 4, 5, 6}
