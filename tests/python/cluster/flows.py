"""Flows that the processes of these tests run."""

from __future__ import annotations

import atexit
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal

import cppwax.operators as op
import cppwax.operators.windowing as win
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow, KeyedStream, Stream
from cppwax.inputs import DynamicSource, StatelessSourcePartition
from cppwax.testing import TestingSource

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def _flow(step: Any, items: Any = range(40), batch: int = 3) -> Dataflow:
    flow = Dataflow("flow")
    down = step(op.input("inp", flow, TestingSource(items, batch)))
    op.output("out", op.map("text", down, repr), StdOutSink())
    return flow


def _keyed(up: Stream[int]) -> KeyedStream[int]:
    return op.key_on("key", up, lambda x: f"key {x % 7}")


def mapped() -> Dataflow:
    return _flow(lambda up: op.map("step", op.redistribute("spread", up), lambda x: x * 2))


def filtered() -> Dataflow:
    return _flow(lambda up: op.filter("step", op.redistribute("spread", up), lambda x: x % 3 == 0))


def flat() -> Dataflow:
    return _flow(lambda up: op.flat_map("step", up, lambda x: [x] * (x % 3)))


def branched() -> Dataflow:
    def step(up: Stream[int]) -> Stream[Any]:
        sides = op.branch("step", op.redistribute("spread", up), lambda x: x % 2 == 0)
        return op.merge("both", op.map("even", sides.trues, lambda x: ("even", x)), sides.falses)

    return _flow(step)


def merged() -> Dataflow:
    flow = Dataflow("flow")
    ups = [op.input(f"inp{i}", flow, TestingSource(range(i * 10, i * 10 + 10))) for i in range(3)]
    op.output("out", op.map("text", op.merge("step", *ups), repr), StdOutSink())
    return flow


def keyed() -> Dataflow:
    return _flow(_keyed)


def stateful() -> Dataflow:
    def add(state: int | None, value: int) -> tuple[int, int]:
        total = (state or 0) + value
        return total, total

    return _flow(lambda up: op.stateful_map("step", _keyed(up), add))


def folded() -> Dataflow:
    return _flow(lambda up: op.fold_final("step", _keyed(up), int, lambda a, b: a + b))


def counted() -> Dataflow:
    return _flow(lambda up: op.count_final("step", up, lambda x: str(x % 5)))


def joined() -> Dataflow:
    def step(up: Stream[int]) -> Stream[Any]:
        left = op.key_on("left", op.filter("low", up, lambda x: x < 20), lambda x: str(x % 20))
        right = op.key_on("right", op.filter("high", up, lambda x: x >= 20), lambda x: str(x % 20))
        return op.join("step", left, right)

    return _flow(step)


def reduced() -> Dataflow:
    return _flow(lambda up: op.reduce_final("step", _keyed(up), max))


def windowed(watermark: Literal["key", "worker"] = "key") -> Dataflow:
    def step(up: Stream[int]) -> Stream[Any]:
        clock = win.EventClock(
            ts_getter=lambda x: START + timedelta(seconds=x),
            wait_for_system_duration=timedelta(hours=1),
            watermark=watermark,
        )
        windower = win.TumblingWindower(length=timedelta(seconds=10), align_to=START)
        return win.collect_window("step", _keyed(up), clock, windower).down

    return _flow(step)


def windowed_by_worker() -> Dataflow:
    return windowed("worker")


class Unpicklable(Exception):
    """Cannot go to another process."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = lambda: what


def fails() -> Dataflow:
    def fail(key_value: Any) -> Any:
        if key_value[1] == 30:
            raise Unpicklable("no good item")
        return key_value

    return _flow(lambda up: op.map("step", op.key_on("key", up, str), fail))


def aborts() -> Dataflow:
    return _flow(lambda up: up, [1, TestingSource.ABORT(), 2])


class _Ticks(StatelessSourcePartition[Any]):
    def __init__(self, worker: int) -> None:
        self._worker = worker
        self._count = 0

    def next_batch(self) -> list[Any]:
        self._count += 1
        return [(str(i), f"from {self._worker}") for i in range(20)]

    def next_awake(self) -> datetime:
        return datetime.now(timezone.utc) + timedelta(milliseconds=5)


class _EndlessTicks(DynamicSource[Any]):
    def build(self, step_id: str, worker_index: int, worker_count: int) -> _Ticks:
        return _Ticks(worker_index)


def endless() -> Dataflow:
    """Print, on each process, once that items come from elsewhere; go on forever."""
    flow = Dataflow("flow")
    told = set()

    def first(state: Any, value: str) -> Any:
        told_now = None if value in told else value
        told.add(value)
        return state, told_now

    up = op.input("inp", flow, _EndlessTicks())
    down = op.stateful_map("step", up, first)
    op.output("out", op.filter_map("text", down, lambda kv: kv[1]), StdOutSink())
    return flow


class _Fast(StatelessSourcePartition[Any]):
    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._batch = [("k" + "x" * 100 + str(i), "v" * 500) for i in range(100)]

    def next_batch(self) -> list[Any]:
        if time.monotonic() > self._end:
            raise StopIteration
        return [(key, value + key) for key, value in self._batch]


class _FastOnOne(DynamicSource[Any]):
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _Fast:
        return _Fast(self._seconds if worker_index == 0 else 0)


def _print_peak() -> None:
    lines = Path("/proc/self/status").read_text().splitlines()
    print("peak", next(line.split()[1] for line in lines if line.startswith("VmHWM")))


def pressed(seconds: float) -> Dataflow:
    """Give items fast on process 0 to a slow step; print the most memory, in KB, at the end."""
    atexit.register(_print_peak)

    def slow(state: Any, _value: str) -> Any:
        time.sleep(0.0005)
        return state, None

    flow = Dataflow("flow")
    up = op.input("inp", flow, _FastOnOne(seconds))
    down = op.stateful_map("step", up, slow)
    end = op.fold_final("end", op.map("one", down, lambda kv: ("all", 1)), int, lambda a, b: a + b)
    op.output("out", op.map("text", end, lambda kv: f"items {kv[1]}"), StdOutSink())
    return flow
