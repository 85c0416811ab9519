"""Sinks that commit what has become durable, and the example of one, killed at any moment."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.outputs import FixedPartitionedSink, TransactionalSinkPartition
from cppwax.recovery import RecoveryConfig, init_db_dir
from cppwax.testing import TestingSource, cluster_main, run_main

ROOT = Path(__file__).resolve().parents[3]
ROUNDS = int(os.environ.get("CPPWAX_KILL_ROUNDS", "8"))

Call = tuple[str, Any]


class Recorder(FixedPartitionedSink[Any, list[Call]]):
    """Two partitions that record what they are told."""

    def __init__(self, calls: dict[str, list[Call]], fail: Callable[[Call], Any] = bool) -> None:
        self.calls = calls
        self.fail = fail

    def list_parts(self) -> list[str]:
        return ["even", "odd"]

    def part_fn(self, item_key: str) -> int:
        return int(item_key) % 2

    def build_part(self, _step_id: str, for_part: str, state: list[Call] | None) -> Any:
        calls = self.calls.setdefault(for_part, [])
        fail = self.fail

        class Part(TransactionalSinkPartition[Any, list[Call]]):
            def tell(self, call: Call) -> None:
                calls.append(call)
                fail(call)

            def write_batch(self, values: list[Any]) -> None:
                self.tell(("write", values))

            def prepare(self, epoch: int) -> None:
                self.tell(("prepare", epoch))

            def snapshot(self) -> list[Call]:
                self.tell(("snapshot", None))
                return list(calls)

            def committed(self, epoch: int) -> None:
                self.tell(("committed", epoch))

            def close(self) -> None:
                self.tell(("close", None))

        Part().tell(("build", state is not None))
        return Part()


@pytest.fixture
def store(tmp_path: Path) -> RecoveryConfig:
    folder = tmp_path / "db"
    folder.mkdir()
    init_db_dir(folder, 2)
    return RecoveryConfig(folder)


def flow_of(items: list[Any], sink: Any) -> Dataflow:
    flow = Dataflow("flow")
    op.output("out", op.input("inp", flow, TestingSource(items)), sink)
    return flow


def run(flow: Dataflow, store: RecoveryConfig | None, workers: int = 1) -> None:
    each_batch = timedelta(0)
    if workers == 1:
        run_main(flow, epoch_interval=each_batch, recovery_config=store)
        return
    cluster_main(
        flow,
        [],
        0,
        epoch_interval=each_batch,
        recovery_config=store,
        worker_count_per_proc=workers,
    )


def check(calls: list[Call]) -> None:
    """What is prepared follows what was written, and is committed later, in order."""
    prepared: list[int] = []
    committed: list[int] = []
    written = False
    for at, (name, value) in enumerate(calls):
        if name == "write":
            written = True
        elif name == "prepare":
            assert written
            assert calls[at + 1][0] == "snapshot"
            assert value > max(prepared + committed, default=0)
            prepared.append(value)
            written = False
        elif name == "committed":
            assert value > max(committed, default=-1)
            committed.append(value)
    assert max(prepared, default=0) <= committed[-1]


@pytest.mark.parametrize("workers", [1, 3])
def test_what_was_prepared_is_committed_in_order(store: RecoveryConfig, workers: int) -> None:
    calls: dict[str, list[Call]] = {}
    items = [(str(number), number) for number in range(20)]
    run(flow_of(items, Recorder(calls)), store, workers)
    for part, remainder in (("even", 0), ("odd", 1)):
        check(calls[part])
        values = [value for name, got in calls[part] if name == "write" for value in got]
        assert values == [number for number in range(20) if number % 2 == remainder]
        # The last epoch is told before the end.
        assert [name for name, _ in calls[part][-2:]] == ["committed", "close"]


def test_a_resume_begins_with_the_epoch_that_it_goes_on_from(store: RecoveryConfig) -> None:
    eof = TestingSource.EOF
    items = [("0", 0), ("1", 1), ("0", 2), eof(), ("0", 3)]
    first: dict[str, list[Call]] = {}
    run(flow_of(items, Recorder(first)), store)
    second: dict[str, list[Call]] = {}
    run(flow_of(items, Recorder(second)), store, workers=3)
    for part in ("even", "odd"):
        last = [value for name, value in first[part] if name == "committed"][-1]
        assert second[part][:2] == [("build", True), ("committed", last)]
        check(second[part])
    assert ("write", [3]) in second["even"]


def test_a_failure_commits_nothing_more(store: RecoveryConfig) -> None:
    def fail(call: Call) -> None:
        if call == ("write", [1]):
            raise ValueError("full")

    calls: dict[str, list[Call]] = {}
    with pytest.raises(CppwaxRuntimeError, match="write_batch"):
        run(flow_of([("0", 0), ("1", 1), ("0", 2)], Recorder(calls, fail)), store)
    assert calls["odd"][-2:] == [("write", [1]), ("close", None)]


@pytest.mark.parametrize("method", ["prepare", "committed"])
def test_an_error_names_the_call(store: RecoveryConfig, method: str) -> None:
    def fail(call: Call) -> None:
        if call[0] == method:
            raise ValueError("no connection")

    with pytest.raises(CppwaxRuntimeError, match=f"calling `{method}` of partition") as caught:
        run(flow_of([("0", 0)], Recorder({}, fail)), store)
    assert "flow.out" in str(caught.value)
    assert isinstance(caught.value.__cause__, ValueError)


def test_without_a_store_it_is_refused() -> None:
    with pytest.raises(CppwaxRuntimeError, match="flow.out") as caught:
        run(flow_of([("0", 0)], Recorder({})), None)
    assert "recovery_config" in str(caught.value.__cause__)


LINES = 2000
SLOW = """
import threading
import examples.sqlite_sink as example
import cppwax.operators as op
from cppwax.connectors.files import FileSource
from cppwax.dataflow import Dataflow

def slowly(line):
    threading.Event().wait(0.0003)
    return line

def get_flow():
    flow = Dataflow("to_sqlite")
    lines = op.map("slow", op.input("inp", flow, FileSource("in.txt", batch_size=5)), slowly)
    keyed = op.key_on("key", lines, lambda line: line)
    op.output("out", keyed, example.LineSink("out.sqlite3"))
    return flow
"""


def rows(path: str) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return sorted(text for (text,) in database.execute("SELECT text FROM line"))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_example_writes_each_row_once_over_kills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    monkeypatch.chdir(tmp_path)
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    Path("slow.py").write_text(SLOW)
    Path("in.txt").write_text("".join(f"{number}\n" for number in range(LINES)))
    Path("db").mkdir()
    init_db_dir("db", 2)
    command = [sys.executable, "-m", "cppwax.run", "slow:get_flow", "-r", "db", "-s", "0.01"]
    for _ in range(ROUNDS):
        arguments = [*command, "-w", str(chance.randint(1, 3))]
        with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
            try:
                process.wait(timeout=chance.uniform(0.1, 0.8))
            except subprocess.TimeoutExpired:
                kinds = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]
                process.send_signal(chance.choice(kinds))
            _, stderr = process.communicate(timeout=60)
        # A signal may also hit what the interpreter does before the run.
        assert "RecoveryError:" not in stderr and "bug in cppwax" not in stderr, stderr
    subprocess.run([*command, "-w", "2"], check=True, timeout=60)
    assert rows("out.sqlite3") == sorted(str(number) for number in range(LINES))


def test_the_example_refuses_another_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    from examples.sqlite_sink import get_flow

    inp, out = tmp_path / "in.txt", tmp_path / "out.sqlite3"
    inp.write_text("a\nb\n")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        init_db_dir(tmp_path / name, 1)
    run(get_flow(str(inp), str(out)), RecoveryConfig(tmp_path / "one"))
    assert rows(str(out)) == ["a", "b"]
    run(get_flow(str(inp), str(out)), RecoveryConfig(tmp_path / "one"))
    assert rows(str(out)) == ["a", "b"]
    with pytest.raises(CppwaxRuntimeError, match="build_part") as caught:
        run(get_flow(str(inp), str(out)), RecoveryConfig(tmp_path / "two"))
    assert "not of this recovery store" in str(caught.value.__cause__)
