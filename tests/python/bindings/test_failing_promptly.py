"""A failure or an abort comes out in time, though another worker is in user code.

Times are asserted at five times of what is promised, as the machine may be busy with other things.
"""

from __future__ import annotations

import hashlib
import threading
from datetime import timedelta
from functools import partial
from signal import SIGINT, SIGTERM, Signals
from typing import Any

import pytest

import cppwax.operators as op
from cppwax import _engine
from cppwax.errors import CppwaxRuntimeError
from cppwax.inputs import StatelessSourcePartition
from tests.python.bindings.answering import answering, dynamic_source, flow_of
from tests.python.bindings.child import PROGRAMS, Exit, running

# Seconds, promised and asserted.
AFTER_INTERRUPTION = 5 * 1.2
AFTER_PATIENCE = 5 * 2.2

FAILURE = "CppwaxRuntimeError from ValueError('the reason')"
GIVEN_UP = "cppwax: a worker did not come back from user code; the process ends without it.\n"


def command_line(stuck: str, way: str, *options: str) -> Exit:
    program = f"{PROGRAMS / 'stuck_beside.py'}:flow({stuck!r}, {way!r})"
    with running(["-m", "cppwax.run", program, "-w", "2", *options]) as child:
        child.wait_for("ready")
        return child.end(within=2 * AFTER_PATIENCE)


def library(stuck: str, way: str) -> Exit:
    with running([str(PROGRAMS / "stuck_beside.py"), stuck, way]) as child:
        child.wait_for("ready")
        return child.end(within=2 * AFTER_PATIENCE)


def assert_tells_the_failure(ended: Exit) -> None:
    assert ended.code == 1
    assert ended.stderr.index("in _fail") < ended.stderr.index("ValueError: the reason")
    assert "step 'beside.inp' failed in epoch 1 on worker 1 while" in ended.stderr
    assert "KeyboardInterrupt" not in ended.stderr


@pytest.mark.parametrize("stuck", ["short", "busy", "running_a_flow"])
def test_others_are_interrupted_and_close(stuck: str) -> None:
    ended = command_line(stuck, "fails")
    assert_tells_the_failure(ended)
    assert GIVEN_UP not in ended.stderr
    assert ended.stdout == "the other worker closed\n"
    assert ended.seconds < AFTER_INTERRUPTION


@pytest.mark.parametrize("stuck", ["waiting", "busy_in_c"])
def test_a_worker_that_cannot_be_interrupted_is_given_up(stuck: str) -> None:
    ended = command_line(stuck, "fails")
    assert_tells_the_failure(ended)
    assert ended.stderr.endswith(GIVEN_UP)
    assert ended.stdout == ""
    assert ended.seconds < AFTER_PATIENCE


def test_how_long_others_may_take_is_the_stop_timeout() -> None:
    ended = command_line("busy", "fails", "--stop-timeout", "0")
    assert_tells_the_failure(ended)
    assert ended.seconds < AFTER_INTERRUPTION - 1


@pytest.mark.parametrize("stuck", ["short", "busy", "running_a_flow"])
def test_abort_interrupts_others(stuck: str) -> None:
    ended = command_line(stuck, "aborts")
    assert (ended.code, ended.stdout, ended.stderr) == (0, "the other worker closed\n", "")
    assert ended.seconds < AFTER_INTERRUPTION


@pytest.mark.parametrize("stuck", ["waiting", "busy_in_c"])
def test_abort_gives_up_a_worker_that_cannot_be_interrupted(stuck: str) -> None:
    ended = command_line(stuck, "aborts")
    assert (ended.code, ended.stdout, ended.stderr) == (1, "", GIVEN_UP)
    assert ended.seconds < AFTER_PATIENCE


@pytest.mark.parametrize(("way", "outcome"), [("fails", FAILURE), ("aborts", "returned")])
@pytest.mark.parametrize("stuck", ["short", "busy", "running_a_flow"])
def test_library_interrupts_others(stuck: str, way: str, outcome: str) -> None:
    ended = library(stuck, way)
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout == f"the other worker closed\n{outcome}\n"
    assert ended.seconds < AFTER_INTERRUPTION


@pytest.mark.parametrize(("number", "code"), [(SIGINT, 130), (SIGTERM, 1)])
@pytest.mark.parametrize("stuck", ["busy", "waiting"])
def test_a_signal_meanwhile_hides_no_failure(stuck: str, number: Signals, code: int) -> None:
    program = f"{PROGRAMS / 'stuck_beside.py'}:flow({stuck!r}, 'fails')"
    with running(["-m", "cppwax.run", program, "-w", "2"]) as child:
        child.wait_for("ready")
        child.send(number)
        ended = child.end(within=2 * AFTER_PATIENCE)
    assert ended.code == code
    assert "ValueError: the reason" in ended.stderr
    assert ended.seconds < AFTER_PATIENCE


def test_two_workers_fail_at_once_with_an_exception_that_takes_time_to_show() -> None:
    program = f"{PROGRAMS / 'failing_together.py'}:flow"
    with running(["-m", "cppwax.run", program, "-w", "2"]) as child:
        ended = child.end(within=2 * AFTER_PATIENCE)
    assert ended.code == 1
    assert "_Odd: shown at last" in ended.stderr


def test_a_failure_lets_others_close_in_their_own_time() -> None:
    is_inside = threading.Event()
    closed = []

    def fail() -> None:
        is_inside.wait()
        raise ValueError

    def close_slowly() -> None:
        # Far longer than the stop timeout. An interruption would come right after it.
        threading.Event().wait(0.5)
        closed.append(True)

    def get_inside() -> list[int]:
        is_inside.set()
        return []

    def build(_step_id: str, worker_index: int, _worker_count: int) -> Any:
        if worker_index == 0:
            return answering({"next_batch": fail}, StatelessSourcePartition)
        methods = {"next_batch": get_inside, "close": close_slowly}
        return answering(methods, StatelessSourcePartition)

    flow = flow_of(dynamic_source(build=build))
    with pytest.raises(CppwaxRuntimeError):
        _engine.run(flow, worker_count=2, stop_timeout=timedelta(milliseconds=10))
    assert closed == [True]


@pytest.mark.parametrize("on_caller_thread", [True, False])
def test_what_interrupts_a_call_in_c_too_late_spares_close(on_caller_thread: bool) -> None:
    is_about_to_work = threading.Event()
    closed = []
    # Takes its time in C, without the interpreter's lock or a look at what is pending.
    work = partial(hashlib.pbkdf2_hmac, "sha256", b"password", b"salt")

    def build(_step_id: str, worker_index: int, _worker_count: int) -> Any:
        batches = iter([[500_000]])

        def next_batch() -> list[int]:
            if worker_index == 1:
                is_about_to_work.wait()
                raise ValueError
            is_about_to_work.set()
            return next(batches)

        methods = {"next_batch": next_batch, "close": lambda: closed.append(worker_index)}
        return answering(methods, StatelessSourcePartition)

    flow = flow_of(dynamic_source(build=build), lambda up: op.map("work", up, work))
    with pytest.raises(CppwaxRuntimeError) as failed:
        _engine.run(
            flow,
            worker_count=2,
            on_caller_thread=on_caller_thread,
            stop_timeout=timedelta(milliseconds=50),
        )
    assert isinstance(failed.value.__cause__, ValueError)
    assert sorted(closed) == [0, 1]
