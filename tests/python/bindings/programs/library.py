"""Programs that run flows by library entry points and are told by signals: `library.py NAME`."""

from __future__ import annotations

import asyncio
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from types import FrameType
from typing import Any

import signalled

import cppwax.operators as op
from cppwax import _engine
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.inputs import DynamicSource, StatelessSourcePartition
from cppwax.testing import TestingSink, TestingSource, cluster_main, run_main


def say(text: str) -> None:
    print(text + "\n", end="", flush=True)


def run(flow: Dataflow, workers: str = "1") -> None:
    if workers == "1":
        run_main(flow)
    else:
        cluster_main(flow, [], 0, worker_count_per_proc=int(workers))


def outcome_of(flow: Dataflow, workers: str = "1") -> str:
    try:
        run(flow, workers)
    except BaseException as ex:
        return f"{type(ex).__name__} cause={ex.__cause__!r}"
    return "returned"


def twice(workers: str) -> None:
    """Two runs, then a program's own wait; a signal ends each."""
    for _ in range(2):
        say(outcome_of(signalled.idle(), workers))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    try:
        say("waiting")
        time.sleep(3600)
    except KeyboardInterrupt:
        say("the program's own")


def once(case: str, workers: str) -> None:
    """One run; the program goes on after it."""
    say(outcome_of(getattr(signalled, case)(), workers))
    # An interruption that came too late would be raised here.
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        pass
    say("went on")


def interrupted_without_sigint() -> None:
    """A failure interrupts the worker on the main thread, where SIGINT is not ours to use."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _engine.run(signalled.failing(), worker_count=2, stop_timeout=timedelta(milliseconds=50))
    except CppwaxRuntimeError:
        say("failed")
    say("went on")


class OwnStop(Exception):
    pass


class _Asleep(StatelessSourcePartition[int]):
    def __init__(self, asked: threading.Event) -> None:
        self._asked = asked

    def next_batch(self) -> list[int]:
        raise AssertionError("not to be read before an hour is over")

    def next_awake(self) -> datetime:
        self._asked.set()
        return datetime.now(timezone.utc) + timedelta(hours=1)


class AsleepSource(DynamicSource[int]):
    """Sleeps for an hour."""

    def __init__(self, asked: threading.Event) -> None:
        self._asked = asked

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> _Asleep:
        return _Asleep(self._asked)


def own_raising_handler(workers: str) -> None:
    """The handler's turn comes while no user code runs."""

    def stop(*_: Any) -> None:
        raise OwnStop

    asked = threading.Event()
    main = threading.get_ident()

    def is_in_user_code() -> bool:
        # Also in what that calls: `asked.set()` has frames of its own.
        frame: FrameType | None = sys._current_frames()[main]
        while frame is not None and frame.f_code is not _Asleep.next_awake.__code__:
            frame = frame.f_back
        return frame is not None

    def tell_when_asleep() -> None:
        asked.wait()
        while is_in_user_code():
            pass
        say("ready")

    signal.signal(signal.SIGINT, stop)
    threading.Thread(target=tell_when_asleep).start()
    flow = Dataflow("asleep")
    op.output("out", op.input("inp", flow, AsleepSource(asked)), TestingSink([]))
    say(outcome_of(flow, workers))
    assert signal.getsignal(signal.SIGINT) is stop


class _Until(StatelessSourcePartition[int]):
    def __init__(self, event: threading.Event) -> None:
        self._event = event
        self._is_told = False

    def next_batch(self) -> list[int]:
        if not self._is_told:
            self._is_told = True
            say("ready")
        if self._event.is_set():
            raise StopIteration
        return []


class UntilSource(DynamicSource[int]):
    """Ends when an event happens."""

    def __init__(self, event: threading.Event) -> None:
        self._event = event

    def build(self, _step_id: str, worker_index: int, _worker_count: int) -> _Until:
        return _Until(self._event)


def until_flow(event: threading.Event) -> Dataflow:
    flow = Dataflow("until")
    op.output("out", op.input("inp", flow, UntilSource(event)), TestingSink([]))
    return flow


def own_noting_handler(workers: str) -> None:
    """The handler makes the source end: the run ends as by itself."""
    event = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: event.set())
    say(outcome_of(until_flow(event), workers))


def ignored(workers: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    say(outcome_of(signalled.idle(), workers))


def after_asyncio(workers: str) -> None:
    """`asyncio.run` in a callback leaves Python's own SIGINT handler in the place of ours."""

    async def answer() -> int:
        return 42

    def ask(item: int) -> int:
        asyncio.run(answer())
        say("ready")
        time.sleep(3600)
        return item

    flow = Dataflow("asks")
    stream = op.map("ask", op.input("inp", flow, TestingSource([1])), ask)
    op.output("out", stream, TestingSink([]))
    say(outcome_of(flow, workers))


def in_other_thread(workers: str) -> None:
    """Signals are the main thread's own affair while only other threads run flows."""
    event = threading.Event()
    outcomes: queue.SimpleQueue[str] = queue.SimpleQueue()
    run_it = lambda: outcomes.put(outcome_of(until_flow(event), workers))  # noqa: E731
    try:
        # Within, since it may still wait for the thread to begin while that is ready already.
        threading.Thread(target=run_it).start()
        # A signal just before a wait does not end it: Python looks for signals before that only.
        while True:
            with suppress(queue.Empty):
                outcomes.get(timeout=0.1)
    except KeyboardInterrupt:
        say("main thread")
    event.set()
    say(outcomes.get())


def along_with_main(workers: str) -> None:
    """A run on the main thread shares its signals with all others."""
    others = threading.Thread(target=lambda: outcomes.append(outcome_of(signalled.idle(), workers)))
    outcomes: list[str] = []
    others.start()
    outcomes.append(outcome_of(signalled.idle(), workers))
    others.join()
    say(" | ".join(outcomes))


def nested(workers: str) -> None:
    def run_inner(item: int) -> int:
        run(signalled.idle(), workers)
        return item

    flow = Dataflow("outer")
    stream = op.map("nest", op.input("inp", flow, TestingSource([1])), run_inner)
    op.output("out", stream, TestingSink([]))
    say(outcome_of(flow, workers))


def subprocess_ends(workers: str) -> None:
    """A process that a callback starts can be ended by a signal."""

    def start_and_end(item: int) -> int:
        process = subprocess.Popen(
            [sys.executable, "-c", "print(flush=True); input()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with process:
            assert process.stdout is not None
            process.stdout.readline()
            process.terminate()
            say(str(process.wait()))
        return item

    flow = Dataflow("starts")
    stream = op.map("start", op.input("inp", flow, TestingSource([1])), start_and_end)
    op.output("out", stream, TestingSink([]))
    run(flow, workers)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
