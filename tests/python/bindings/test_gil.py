"""The program's other Python threads run on, whatever the workers do."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.inputs import DynamicSource, StatelessSourcePartition
from cppwax.outputs import DynamicSink, StatelessSinkPartition
from tests.python.conftest import EntryPoint

TICKS = 100
# A tick takes a millisecond; if it finds the interpreter busy it waits for Python's switch interval
# (5 ms) and a millisecond more, once for each worker. Asserted is five times that.
LONGEST_TICK = 0.001 + 0.006
ASSERTED_TICK = 5 * LONGEST_TICK


def has_lock() -> bool:
    """Without one nobody waits for another thread: the system alone gives processors."""
    is_enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
    return is_enabled()


class Ticker:
    """A thread that takes the interpreter again and again, and lets go of it in between."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _tick(self) -> None:
        never = threading.Event()
        started = time.monotonic()
        for _ in range(TICKS):
            never.wait(0.001)
        self.seconds = time.monotonic() - started
        self.done.set()


class _FromIterator(StatelessSourcePartition[Any]):
    def __init__(self, batches: Iterator[list[Any]]) -> None:
        # The engine calls it straight: no Python function in between that would give way.
        self.next_batch = batches.__next__  # type: ignore[method-assign]

    def next_batch(self) -> list[Any]:
        raise AssertionError("hidden by the iterator's")


class FromIterator(DynamicSource[Any]):
    """What an iterator gives."""

    def __init__(self, batches: Iterator[list[Any]], ticker: Ticker) -> None:
        self._batches = batches
        self._ticker = ticker

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> _FromIterator:
        self._ticker.start()
        return _FromIterator(self._batches)


def batches_until(done: threading.Event) -> Iterator[list[Any]]:
    """Looks at the event, in Python, once in a long while only."""
    many = [[1, 2, 3]] * 100_000
    return itertools.chain.from_iterable(iter(lambda: [] if done.is_set() else many, []))


class _Discard(StatelessSinkPartition[Any]):
    def write_batch(self, items: list[Any]) -> None:
        return


class DiscardSink(DynamicSink[Any]):
    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> _Discard:
        return _Discard()


class _UntilDone(StatelessSourcePartition[Any]):
    def __init__(self, batch: list[Any], done: threading.Event) -> None:
        self._batch = batch
        self._done = done

    def next_batch(self) -> list[Any]:
        if self._done.is_set():
            raise StopIteration
        return self._batch


class UntilDone(DynamicSource[Any]):
    """The same batch again and again, until the ticker is through."""

    def __init__(self, batch: list[Any], ticker: Ticker) -> None:
        self._batch = batch
        self._ticker = ticker

    def build(self, _step_id: str, worker_index: int, _worker_count: int) -> _UntilDone:
        if worker_index == 0:
            self._ticker.start()
        return _UntilDone(self._batch, self._ticker.done)


def flow_of(source: DynamicSource[Any], mapper: Callable[[list[Any]], list[Any]]) -> Dataflow:
    flow = Dataflow("flow")
    stream = op.flat_map_batch("step", op.input("inp", flow, source), mapper)
    op.output("out", stream, DiscardSink())
    return flow


def sum_up(batch: list[Any]) -> list[Any]:
    return [sum(range(1000)) for _ in batch]


@pytest.mark.parametrize("mapper", [list, sum_up], ids=["short_calls_in_c", "python_calls"])
def test_threads_run_on_while_workers_are_busy(
    entry_point: EntryPoint, mapper: Callable[[list[Any]], list[Any]]
) -> None:
    ticker = Ticker()
    entry_point(flow_of(UntilDone(list(range(20)), ticker), mapper))
    assert not has_lock() or ticker.seconds < TICKS * ASSERTED_TICK * entry_point.workers


@pytest.fixture
def long_switch_interval() -> Iterator[float]:
    """What Python's threads wait for before they ask for the interpreter."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(0.02)
    yield 0.02
    sys.setswitchinterval(usual)


def test_threads_run_on_with_a_long_switch_interval(
    run_one: EntryPoint, long_switch_interval: float
) -> None:
    ticker = Ticker()
    run_one(flow_of(UntilDone(list(range(20)), ticker), sum_up))
    assert not has_lock() or ticker.seconds < 5 * TICKS * (0.002 + long_switch_interval)


def test_threads_run_on_while_workers_are_idle(entry_point: EntryPoint) -> None:
    ticker = Ticker()
    entry_point(flow_of(UntilDone([], ticker), list))
    assert not has_lock() or ticker.seconds < TICKS * ASSERTED_TICK


def test_threads_run_on_while_all_calls_are_in_c(run_one: EntryPoint) -> None:
    """C functions never look at who else wants to run: the engine has to, between them."""
    ticker = Ticker()
    run_one(flow_of(FromIterator(batches_until(ticker.done), ticker), list))
    assert not has_lock() or ticker.seconds < TICKS * ASSERTED_TICK
