"""Ctrl-C and SIGTERM at any moment: in time, with the right exit code, and nothing left behind.

Times are asserted at five times of what is promised, as the machine may be busy with other things.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals

import pytest

from tests.python.bindings.child import PROGRAMS, Child, Exit, running

# Seconds, promised and asserted.
AT_ONCE = 5 * 0.5
AFTER_STOP_TIMEOUT = 5 * 1.2
AFTER_PATIENCE = 5 * 2.2

BOTH_SIGNALS = pytest.mark.parametrize("number", [SIGINT, SIGTERM], ids=lambda s: s.name)
WORKERS = pytest.mark.parametrize("workers", [1, 3], ids=lambda n: f"w{n}")

#: Exit code by signal, where the run stopped in order, and where it did not.
STOPPED = {SIGINT: 130, SIGTERM: 0}
ABANDONED = {SIGINT: 130, SIGTERM: 143}


def command_line(flow: str, workers: int, *options: str) -> list[str]:
    program = PROGRAMS / "signalled.py"
    return ["-m", "cppwax.run", f"{program}:{flow}", "-w", str(workers), *options]


def library(name: str, *arguments: object) -> list[str]:
    return [str(PROGRAMS / "library.py"), name, *map(str, arguments)]


def end_by(child: Child, *numbers: Signals) -> Exit:
    child.wait_for("ready")
    for number in numbers:
        child.send(number)
    return child.end(within=2 * AFTER_PATIENCE)


@dataclass(frozen=True)
class Situation:
    """What a run of the command line is at when a signal comes, and how it ends by that."""

    flow: str
    codes: dict[Signals, int]
    """By the signal that was sent last."""
    seconds: float
    on_three_workers: float | None = None
    """Seconds where that differs: only on the main thread can a system call be ended."""
    awaited: tuple[str, ...] = ("ready",)
    """A signal is sent when the program has printed each of these lines; at once for none."""
    options: tuple[str, ...] = ()


LONG_TIMEOUT = ("--stop-timeout", "3600")

SITUATIONS = {
    "idle": Situation("idle", STOPPED, AT_ONCE),
    "in a sleep": Situation("sleeping", ABANDONED, AFTER_STOP_TIMEOUT, AFTER_PATIENCE),
    "in a busy loop": Situation("busy", ABANDONED, AFTER_STOP_TIMEOUT),
    "in C": Situation("busy_in_c", ABANDONED, AFTER_PATIENCE),
    "in what goes on after the interruption": Situation("stubborn", ABANDONED, AFTER_PATIENCE),
    "in a source that blocks": Situation("blocked", ABANDONED, AFTER_STOP_TIMEOUT, AFTER_PATIENCE),
    "in a slow sink": Situation("slow_sink", ABANDONED, AFTER_PATIENCE),
    "where threads do not take turns": Situation("unswitched", ABANDONED, AFTER_PATIENCE),
    "while stopping": Situation(
        "closing", ABANDONED, AT_ONCE, awaited=("ready", "closing"), options=LONG_TIMEOUT
    ),
    "twice in a row": Situation(
        "sleeping", ABANDONED, AT_ONCE, awaited=("ready", ""), options=LONG_TIMEOUT
    ),
}


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=SITUATIONS)
@WORKERS
@BOTH_SIGNALS
def test_command_line_ends(number: Signals, workers: int, situation: Situation) -> None:
    with running(command_line(situation.flow, workers, *situation.options)) as child:
        for line in situation.awaited:
            if line:
                child.wait_for(line)
                child.send(number)
            else:
                # Two equal signals as close as this may come as one, others in either order.
                child.send(SIGINT if number is SIGTERM else SIGTERM)
        ended = child.end(within=2 * AFTER_PATIENCE)
    either = set(situation.codes.values()) if "" in situation.awaited else set()
    assert ended.code in either | {situation.codes[number]}
    assert ended.stderr == ""
    promised = situation.on_three_workers if workers > 1 else None
    assert ended.seconds < (promised or situation.seconds)


def test_a_failure_outlives_the_stop_that_frees_it() -> None:
    with running(command_line("failing", 2)) as child:
        ended = end_by(child, SIGTERM)
    assert ended.code == 1
    assert "ValueError: failed beside" in ended.stderr
    assert "KeyboardInterrupt" not in ended.stderr
    with running(library("once", "failing", 2)) as child:
        ended = end_by(child, SIGTERM)
    assert "ValueError" in ended.stdout


@WORKERS
def test_twice_in_a_row_by_sigint(workers: int) -> None:
    with running(library("twice", workers)) as child:
        for _ in range(2):
            child.wait_for("ready")
            child.send(SIGINT)
            child.wait_for("KeyboardInterrupt cause=None")
        child.wait_for("waiting")
        child.send(SIGINT)
        ended = child.end(within=AT_ONCE)
    assert (ended.code, ended.stdout, ended.stderr) == (0, "the program's own\n", "")


@WORKERS
def test_twice_in_a_row_by_sigterm(workers: int) -> None:
    with running(library("twice", workers)) as child:
        for _ in range(2):
            child.wait_for("ready")
            child.send(SIGTERM)
            child.wait_for("returned")
        child.wait_for("waiting")
        child.send(SIGTERM)
        ended = child.end(within=AT_ONCE)
    assert ended.code == -SIGTERM


@WORKERS
@pytest.mark.parametrize("case", ["idle", "busy"])
def test_program_goes_on_after_sigterm(case: str, workers: int) -> None:
    with running(library("once", case, workers)) as child:
        ended = end_by(child, SIGTERM)
    assert (ended.code, ended.stdout, ended.stderr) == (0, "returned\nwent on\n", "")


@WORKERS
@pytest.mark.parametrize("case", ["idle", "busy"])
def test_interrupt_is_bare_and_comes_once(case: str, workers: int) -> None:
    with running(library("once", case, workers)) as child:
        ended = end_by(child, SIGINT)
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout == "KeyboardInterrupt cause=None\nwent on\n"


@pytest.mark.parametrize(
    "number, outcome", [(SIGINT, "KeyboardInterrupt cause=None"), (SIGTERM, "returned")]
)
def test_library_ends_a_sleep_on_the_main_thread(number: Signals, outcome: str) -> None:
    with running(library("once", "sleeping", 1)) as child:
        ended = end_by(child, number)
    assert (ended.code, ended.stdout, ended.stderr) == (0, f"{outcome}\nwent on\n", "")
    assert ended.seconds < AFTER_STOP_TIMEOUT


@pytest.mark.parametrize(
    "number, outcome", [(SIGINT, "KeyboardInterrupt cause=None"), (SIGTERM, "returned")]
)
def test_what_an_interruption_becomes_is_no_failure(number: Signals, outcome: str) -> None:
    with running(library("once", "leaking", 1)) as child:
        ended = end_by(child, number)
    assert (ended.code, ended.stdout, ended.stderr) == (0, f"{outcome}\nwent on\n", "")


def test_library_interrupts_again() -> None:
    with running(library("once", "stubborn", 1)) as child:
        child.wait_for("ready")
        child.send(SIGINT)
        child.wait_for("refused")
        ended = child.end(within=AFTER_PATIENCE)
    assert ended.stdout == "KeyboardInterrupt cause=None\nwent on\n"


@WORKERS
def test_own_handler_that_raises_ends_the_run_bare(workers: int) -> None:
    with running(library("own_raising_handler", workers)) as child:
        ended = end_by(child, SIGINT)
    assert (ended.code, ended.stdout, ended.stderr) == (0, "OwnStop cause=None\n", "")
    assert ended.seconds < AT_ONCE


@WORKERS
def test_own_handler_that_does_not_raise(workers: int) -> None:
    with running(library("own_noting_handler", workers)) as child:
        ended = end_by(child, SIGTERM)
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[-1] == "returned"
    assert ended.seconds < AT_ONCE


@WORKERS
def test_ignored_signal_stays_ignored(workers: int) -> None:
    with running(library("ignored", workers)) as child:
        ended = end_by(child, SIGINT, SIGTERM)
    assert (ended.code, ended.stdout, ended.stderr) == (0, "returned\n", "")


def test_interrupt_after_asyncio_in_a_callback() -> None:
    with running(library("after_asyncio", 1)) as child:
        ended = end_by(child, SIGINT)
    assert (ended.code, ended.stdout, ended.stderr) == (0, "KeyboardInterrupt cause=None\n", "")
    assert ended.seconds < AT_ONCE


@WORKERS
def test_run_in_another_thread_leaves_signals_alone(workers: int) -> None:
    with running(library("in_other_thread", workers)) as child:
        ended = end_by(child, SIGINT)
    assert (ended.code, ended.stderr) == (0, "")
    assert [line for line in ended.stdout.splitlines() if line != "ready"] == [
        "main thread",
        "returned",
    ]


@WORKERS
def test_main_thread_shares_its_signals(workers: int) -> None:
    with running(library("along_with_main", workers)) as child:
        child.wait_for("ready")
        ended = end_by(child, SIGINT)
    assert ended.stdout == " | ".join(["KeyboardInterrupt cause=None"] * 2) + "\n"


@WORKERS
def test_nested_runs(workers: int) -> None:
    with running(library("nested", workers)) as child:
        ended = end_by(child, SIGINT)
    assert (ended.code, ended.stdout, ended.stderr) == (0, "KeyboardInterrupt cause=None\n", "")
    assert ended.seconds < AFTER_STOP_TIMEOUT


@WORKERS
def test_processes_of_callbacks_take_signals(workers: int) -> None:
    with running(library("subprocess_ends", workers)) as child:
        ended = child.end(within=AFTER_PATIENCE)
    assert (ended.code, ended.stdout, ended.stderr) == (0, f"-{SIGTERM.value}\n", "")


def test_what_ends_a_system_call_comes_to_our_handler_or_not_at_all(tmp_path: Path) -> None:
    late_signals = tmp_path / "late_signals.so"
    source = PROGRAMS / "late_signals.cpp"
    compiling = ["c++", "-shared", "-fPIC", "-o", str(late_signals), str(source), "-ldl"]
    subprocess.run(compiling, check=True)
    program = library("interrupted_without_sigint")
    with running(program, {"LD_PRELOAD": str(late_signals)}) as child:
        child.wait_for("ready")
        ended = child.end(within=AFTER_PATIENCE)
    assert (ended.code, ended.stderr) == (0, "")
    assert ended.stdout == "failed\nwent on\n"
