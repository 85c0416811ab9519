"""Dataflows run from the command line: output, failures, signals, exit codes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

FLOWS = """
import threading
import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.inputs import DynamicSource, StatelessSourcePartition
from cppwax.testing import TestingSource

class Quiet(DynamicSource, StatelessSourcePartition):
    # Says that it has started, then has nothing.
    said = False

    def build(self, step_id, worker_index, worker_count):
        return Quiet()

    def next_batch(self):
        first, self.said = not self.said, True
        return ["started"] if first else []

def flow_of(source, mapper=lambda x: x):
    flow = Dataflow("flow")
    up = op.input("inp", flow, source)
    op.output("out", op.map("step", up, mapper), StdOutSink())
    return flow

def divide(x):
    return 6 // x

def block(x):
    # In one piece, as other workers print too.
    print(f"{x}\\n", end="", flush=True)
    threading.Event().wait()

def fails():
    return flow_of(TestingSource([3, 0, 1]), divide)

def aborts():
    return flow_of(TestingSource([1, TestingSource.ABORT(), 2]))

def quiet():
    return flow_of(Quiet())

def blocks():
    return flow_of(Quiet(), block)

def endless():
    return flow_of(TestingSource(iter(int, 1), 1000))

def broken_type():
    flow = Dataflow("flow")
    up = op.input("inp", flow, TestingSource(["no pair"]))
    op.output("out", op.stateful_map("step", up, lambda s, v: (s, v)), StdOutSink())
    return flow

def epochs():
    flow = Dataflow("flow")
    up = op.input("inp", flow, TestingSource(range(3)))
    op.inspect_debug("step", up)
    return flow

def no_output():
    flow = Dataflow("flow")
    op.input("inp", flow, TestingSource([1]))
    return flow
"""

WORKERS = pytest.mark.parametrize("workers", [1, 3])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "flows.py").write_text(FLOWS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def start(*args: str, **env: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command line; it is killed if it outlives the block."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CPPWAX_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "cppwax.run", *args],
        env=inherited | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def ended(*args: str, **env: str) -> tuple[int, str, str]:
    """Run to the end: the exit code, standard output, standard error."""
    with start(*args, **env) as process:
        stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


@WORKERS
def test_output_is_the_flows_alone(workers: int) -> None:
    examples = str(ROOT / "examples" / "parametric.py")
    code, stdout, stderr = ended(f"{examples}:get_flow(10)", "-w", str(workers))
    assert (code, stderr) == (0, "")
    assert stdout.splitlines() == [str(i) for i in range(1, 11)]


@WORKERS
def test_words_are_counted(here: Path, workers: int) -> None:
    words = [f"w{'xyz'[i % 3] * (i % 40)}" for i in range(20_000)]
    (here / "text.txt").write_text("\n".join(" ".join(words[i::200]) for i in range(200)))
    example = str(ROOT / "examples" / "wordcount.py")
    code, stdout, stderr = ended(f"{example}:get_flow('text.txt')", "-w", str(workers))
    assert (code, stderr) == (0, "")
    rows = [line.split() for line in stdout.splitlines()]
    assert {word: int(count) for count, word in rows} == Counter(words)


@WORKERS
def test_a_failure_shows_the_users_line_and_the_step(here: Path, workers: int) -> None:
    code, stdout, stderr = ended("flows:fails", "-w", str(workers))
    assert code == 1
    assert stdout in ("2\n", "")
    # The user's frame is the only one.
    frames = [line.strip() for line in stderr.splitlines() if line.startswith("  File ")]
    line = FLOWS.splitlines().index("    return 6 // x") + 1
    assert frames == [f'File "{os.path.realpath("flows.py")}", line {line}, in divide']
    assert "ZeroDivisionError" in stderr
    assert "flow.step" in stderr.splitlines()[-1]


def test_a_failure_without_user_code_shows_no_frames() -> None:
    code, _, stderr = ended("flows:broken_type")
    assert code == 1
    assert stderr.startswith("TypeError: ")
    assert "flow.step" in stderr


def test_a_flow_without_an_output_fails() -> None:
    code, stdout, stderr = ended("flows:no_output")
    assert (code, stdout) == (1, "")
    assert "output" in stderr


@WORKERS
def test_an_abort_is_no_failure(workers: int) -> None:
    code, stdout, stderr = ended("flows:aborts", "-s", "0", "-w", str(workers))
    assert (code, stdout, stderr) == (0, "1\n", "")


def test_the_snapshot_interval_is_the_epochs() -> None:
    expected = [f"flow.step W0 @{i + 1}: {i}\n" for i in range(3)]
    assert ended("flows:epochs", "-s", "0") == (0, "".join(expected), "")
    assert ended("flows:epochs", CPPWAX_SNAPSHOT_INTERVAL="0") == (0, "".join(expected), "")


@WORKERS
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_signals_end_a_quiet_run(workers: int, number: signal.Signals, code: int) -> None:
    with start("flows:quiet", "-w", str(workers)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (code, "")


@WORKERS
def test_a_run_that_cannot_stop_is_abandoned(workers: int) -> None:
    with start("flows:blocks", "--stop-timeout", "0.1", "-w", str(workers)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 143


@WORKERS
def test_a_reader_that_leaves_ends_the_run(workers: int) -> None:
    with start("flows:endless", "-w", str(workers)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        process.stdout.close()
        assert process.wait(timeout=60) == 141
        assert process.stderr is not None
        assert process.stderr.read() == ""
