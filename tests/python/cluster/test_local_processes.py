"""`-p`: several processes of this machine by one command."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cppwax.run import _arguments_of, _run_command
from tests.python.cluster.processes import ROOT, Ended, Process, all_lines, run_alone

PROGRAMS = Path(__file__).parent / "programs.py"
COMMANDS = ["cppwax.run", "cppwax.testing"]


class Starter:
    """Starts commands; kills them at the end of the test."""

    def __init__(self) -> None:
        self.started: list[Process] = []

    def __call__(self, *arguments: str, module: str = "cppwax.run", **env: str) -> Process:
        process = Process(["-m", module, *arguments], env, ROOT)
        self.started.append(process)
        return process


@pytest.fixture
def start() -> Iterator[Starter]:
    starter = Starter()
    yield starter
    for process in starter.started:
        process.kill()


def program(name: str) -> str:
    return f"tests.python.cluster.programs:{name}"


def flow(name: str) -> str:
    return f"tests.python.cluster.flows:{name}"


def pids_of(process: Process, count: int) -> list[int]:
    for worker in range(count):
        process.out.wait_for(f" of {worker}\n")
    return [int(pid) for pid in re.findall(r"pid (\d+) of", process.out.so_far())]


def assert_all_end(watched: list[int]) -> None:
    """Wait for processes that are not children of the test."""
    poll = select.poll()
    for descriptor in watched:
        poll.register(descriptor, select.POLLIN)
    left = set(watched)
    while left:
        ended = poll.poll(20_000)
        assert ended, "a process was left behind"
        for descriptor, _ in ended:
            poll.unregister(descriptor)
            os.close(descriptor)
            left.discard(descriptor)


@pytest.mark.parametrize("module", COMMANDS)
@pytest.mark.parametrize("workers", ["-w1", "-w2"])
def test_it_prints_what_one_worker_prints(start: Starter, module: str, workers: str) -> None:
    ended = start("-p", "2", workers, flow("counted"), module=module).end()
    assert ended.err == ""
    assert all_lines([ended]) == all_lines([run_alone("counted")])


def test_one_process_is_this_one(start: Starter) -> None:
    ended = start("-p1", flow("keyed")).end()
    assert all_lines([ended]) == all_lines([run_alone("keyed")])


def test_lines_are_not_torn(start: Starter) -> None:
    ended = start("-p3", program("lines")).end()
    assert ended.code == 0, ended.err
    assert len(ended.lines) == 200
    assert {line[0] for line in ended.lines} == {"0", "1", "2"}
    assert all(line == line[0] * 6000 for line in ended.lines)


def test_an_output_that_does_not_wait_is_waited_for() -> None:
    """Who shares it may have made it so: a shell's pipe to a program of Node, say."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    process = subprocess.Popen(
        [sys.executable, "-m", "cppwax.run", "-p3", program("lines")],
        stdout=writer,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    os.close(writer)
    with process, os.fdopen(reader) as out:
        try:
            # Far more than the pipe takes is on its way before any of it is read.
            assert process.stderr is not None
            select.select([reader], [], [])
            select.select([process.stderr], [], [], 0.5)
            assert len(out.readlines()) == 200
            assert process.stderr.read() == ""
            assert process.wait(30) == 0
        finally:
            process.kill()


def test_a_failure_is_shown_once(start: Starter) -> None:
    ended = start("-p3", flow("fails")).end()
    assert ended.code == 1
    assert ended.err.count("Traceback") == 1
    assert "in fail" in ended.err
    assert ended.err.count("Unpicklable: no good item") == 1
    assert "step 'flow.step" in ended.err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tests.python.cluster.flows:nope", "nope"),
        ("no_such_module", "no module 'no_such_module'"),
    ],
)
def test_a_slip_is_told_once(start: Starter, name: str, said: str) -> None:
    ended = start("-p3", name).end()
    assert ended.code == 2
    assert ended.err.count("Error:") == 1
    assert said in ended.err


def test_an_abort_is_no_failure(start: Starter) -> None:
    ended = start("-p2", flow("aborts")).end()
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signals_are_passed_on(start: Starter, number: signal.Signals, code: int) -> None:
    # A busy machine may take more than the second that is the default.
    process = start("-p2", "--stop-timeout", "20", program("endless"))
    watched = [os.pidfd_open(pid) for pid in pids_of(process, 2)]
    process.send(number)
    ended = process.end()
    assert (ended.code, ended.err) == (code, "")
    assert_all_end(watched)


def test_a_second_signal_ends_at_once(start: Starter) -> None:
    process = start("-p2", "--stop-timeout", "1000", program("stuck"))
    process.out.wait_for("stuck")
    # Two of a kind might be taken as one.
    process.send(signal.SIGTERM)
    process.send(signal.SIGINT)
    assert process.end().code == 130


def test_nobody_is_left_behind_when_the_starter_is_killed(start: Starter) -> None:
    process = start("-p3", program("endless"))
    watched = [os.pidfd_open(pid) for pid in pids_of(process, 3)]
    process.send(signal.SIGKILL)
    assert_all_end(watched)


def test_one_that_is_killed_ends_all(start: Starter) -> None:
    process = start("-p3", program("endless"))
    pids = pids_of(process, 3)
    watched = [os.pidfd_open(pid) for pid in pids]
    os.kill(pids[1], signal.SIGKILL)
    ended = process.end()
    assert ended.code == 128 + signal.SIGKILL
    assert ended.err.count("ClusterError: lost process") == 1
    assert_all_end(watched)


def test_one_that_ends_before_it_is_met_ends_all(start: Starter) -> None:
    process = start("-p3", program("leaves_one_out"))
    ended = process.end(20)
    assert ended.code == 7
    assert "Traceback" not in ended.err


def test_a_reader_that_leaves_ends_all() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "cppwax.run", "-p2", program("prints")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None and process.stderr is not None
            assert process.stdout.readline()
            process.stdout.close()
            assert process.wait(30) == 141
            assert process.stderr.read() == ""
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-p0"], "0 is too few"),
        (["-p", "x"], "'x' is not a whole number"),
        (["-p2", "-i0", "-a", "one:1;two:1"], "--process-id has no place beside -p"),
        (["-p2", "-a", "one:1;two:1"], "--addresses has no place beside -p"),
        (["-p2", "--bind", "one:1"], "--bind has no place beside -p"),
    ],
)
def test_wrong_usage(start: Starter, arguments: list[str], said: str) -> None:
    ended: Ended = start(flow("keyed"), *arguments).end()
    assert ended.code == 2
    assert said in ended.err


def test_variables_of_another_cluster(start: Starter) -> None:
    """What says how to meet has no use; that this is one of several processes is a mistake."""
    others = {"CPPWAX_BIND": "one:1", "CPPWAX_TLS_CERT": __file__}
    assert start(flow("keyed"), "-p2", **others).end().code == 0
    ended = start(flow("keyed"), "-p2", CPPWAX_ADDRESSES="one:1;two:1").end()
    assert ended.code == 2
    assert "unset CPPWAX_ADDRESSES" in ended.err


def test_every_option_reaches_the_processes() -> None:
    # Those that only the starter has a use for, and those that it gives by itself.
    own = {"processes", "process_id", "addresses", "bind", "tls_cert", "tls_key", "tls_ca"}
    values = {
        "--workers-per-process": "2",
        "--snapshot-interval": "3",
        "--recovery-directory": "db",
        "--backup-interval": "4",
        "--drop-state": None,
        "--bytewax": None,
        "--stop-timeout": "5",
        "--connect-timeout": "6",
        "--peer-timeout": "7",
        "--max-batch-bytes": "8000",
        "--progress": None,
        "--dataflow-api": None,
        "--dataflow-api-port": "9000",
        "--dataflow-api-bind": "0.0.0.0",
    }
    given = [word for option in values.items() for word in option if word is not None]
    passed = _arguments_of(_run_command.main(["a:b", "-p2", *given], standalone_mode=False))
    again = _run_command.make_context("again", list(passed))
    before = _run_command.make_context("before", ["a:b", "-p2", *given])
    for parameter in _run_command.params:
        name = parameter.name
        if name is not None and parameter.expose_value and name not in own:
            assert again.params[name] == before.params[name], name
            assert again.params[name] is not None, f"give {name} a value here"
