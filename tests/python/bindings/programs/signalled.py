"""Flows to be ended by signals: `python -m cppwax.run signalled.py:idle`."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.inputs import DynamicSource, StatelessSourcePartition
from cppwax.outputs import DynamicSink, StatelessSinkPartition
from cppwax.testing import TestingSink, TestingSource


def say_ready() -> None:
    # In one piece, as other threads may print too.
    print("ready\n", end="", flush=True)


# What a program does besides, when a flow is seen to run.
tell_ready: Callable[[], None] = say_ready


class _Quiet(StatelessSourcePartition[int]):
    def __init__(self, is_first: bool) -> None:
        self._is_first = is_first

    def next_batch(self) -> list[int]:
        if self._is_first:
            tell_ready()
            self._is_first = False
        return []


class QuietSource(DynamicSource[int]):
    """Never has an item; says that it is read."""

    def build(self, _step_id: str, worker_index: int, _worker_count: int) -> _Quiet:
        return _Quiet(worker_index == 0)


def idle() -> Dataflow:
    flow = Dataflow("idle")
    op.output("out", op.input("inp", flow, QuietSource()), TestingSink([]))
    return flow


class _Closing(_Quiet):
    def close(self) -> None:
        print("closing\n", end="", flush=True)
        time.sleep(3600)


class ClosingSource(DynamicSource[int]):
    """Never has an item, and does not come to the end of its `close`."""

    def build(self, _step_id: str, worker_index: int, _worker_count: int) -> _Closing:
        return _Closing(worker_index == 0)


def closing() -> Dataflow:
    flow = Dataflow("closing")
    op.output("out", op.input("inp", flow, ClosingSource()), TestingSink([]))
    return flow


def _stuck(work: Callable[[], Any]) -> Dataflow:
    def get_stuck(item: int) -> int:
        tell_ready()
        work()
        return item

    flow = Dataflow("stuck")
    stream = op.map("stuck", op.input("inp", flow, TestingSource([1])), get_stuck)
    op.output("out", stream, TestingSink([]))
    return flow


class _Blocked(_Quiet):
    def next_batch(self) -> list[int]:
        super().next_batch()
        time.sleep(3600)
        return []


class BlockedSource(DynamicSource[int]):
    """Does not come back from `next_batch`."""

    def build(self, _step_id: str, worker_index: int, _worker_count: int) -> _Blocked:
        return _Blocked(worker_index == 0)


def blocked() -> Dataflow:
    flow = Dataflow("blocked")
    op.output("out", op.input("inp", flow, BlockedSource()), TestingSink([]))
    return flow


class _Slow(StatelessSinkPartition[int]):
    def write_batch(self, _items: list[int]) -> None:
        tell_ready()
        time.sleep(3)


class SlowSink(DynamicSink[int]):
    """Takes longer for a batch than a stop may."""

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> _Slow:
        return _Slow()


def slow_sink() -> Dataflow:
    flow = Dataflow("slow_sink")
    items = op.input("inp", flow, TestingSource(range(10**9), 1000))
    op.output("out", op.redistribute("spread", items), SlowSink())
    return flow


def unswitched() -> Dataflow:
    """Another thread would have to wait for hours until a busy callback gives it its turn."""

    def spin() -> None:
        sys.setswitchinterval(1e6)
        while True:
            pass

    return _stuck(spin)


def sleeping() -> Dataflow:
    return _stuck(lambda: time.sleep(3600))


def busy() -> Dataflow:
    def spin() -> None:
        while True:
            pass

    return _stuck(spin)


def busy_in_c() -> Dataflow:
    # Holds the interpreter's lock for hours and never looks at signals.
    return _stuck(lambda: sum(range(10**14)))


def stubborn() -> Dataflow:
    def refuse_once() -> None:
        try:
            time.sleep(3600)
        except KeyboardInterrupt:
            print("refused", flush=True)
        time.sleep(3600)

    return _stuck(refuse_once)


class _Failing(StatelessSourcePartition[int]):
    def __init__(self, is_first: bool, is_stuck: threading.Event) -> None:
        self._is_first = is_first
        self._is_stuck = is_stuck

    def next_batch(self) -> list[int]:
        while self._is_first:
            self._is_stuck.set()
        self._is_stuck.wait()
        tell_ready()
        raise ValueError("failed beside")


class FailingSource(DynamicSource[int]):
    """Stays busy on the first worker, and fails on the second one then."""

    def __init__(self) -> None:
        self._is_stuck = threading.Event()

    def build(self, _step_id: str, worker_index: int, _worker_count: int) -> _Failing:
        return _Failing(worker_index == 0, self._is_stuck)


def failing() -> Dataflow:
    flow = Dataflow("failing")
    op.output("out", op.input("inp", flow, FailingSource()), TestingSink([]))
    return flow


def leaking() -> Dataflow:
    """The KeyboardInterrupt that ends the callback is turned into another exception."""

    def disguise() -> None:
        try:
            time.sleep(3600)
        except KeyboardInterrupt:
            raise ValueError("disguised") from None

    return _stuck(disguise)
