"""Runs over a store of a flow that has changed since: what is kept, told, refused."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

import cppwax.operators as op
from cppwax._state_commands import state_group
from cppwax.dataflow import Dataflow
from cppwax.errors import RecoveryError
from cppwax.recovery import RecoveryConfig, init_db_dir
from cppwax.testing import cluster_main
from tests.python.recovery.support import AppendingSink, TwoEach


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "db"
    folder.mkdir()
    init_db_dir(folder, 3)
    return folder


def run(folder: Path, source: TwoEach, sink: AppendingSink, workers: int) -> None:
    flow = Dataflow("flow")
    op.output("out", op.input("inp", flow, source), sink)
    cluster_main(
        flow,
        [],
        0,
        epoch_interval=timedelta(0),
        recovery_config=RecoveryConfig(folder),
        worker_count_per_proc=workers,
    )


@pytest.mark.parametrize("workers", [1, 3])
def test_a_source_partition_that_is_gone_is_refused(folder: Path, workers: int) -> None:
    out: list[tuple[str, int]] = []
    run(folder, TwoEach("a", "b"), AppendingSink(out, "x", "y"), 1)
    with pytest.raises(RuntimeError, match="partition 'b' of step 'flow.inp'") as caught:
        run(folder, TwoEach("a", "c"), AppendingSink(out, "x", "y"), workers)
    assert isinstance(caught.value, RecoveryError)
    assert "cppwax state drop" in str(caught.value)
    # It can be brought back, or given up.
    run(folder, TwoEach("a", "b"), AppendingSink(out, "x", "y"), workers)
    assert len(out) == 4
    dropped = CliRunner().invoke(state_group, ["drop", str(folder), "flow.inp", "b", "--yes"])
    assert dropped.exit_code == 0, dropped.output
    run(folder, TwoEach("a", "c"), AppendingSink(out, "x", "y"), workers)
    assert sorted(out[4:]) == [("x", 2), ("y", 1)]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_sink_partition_that_is_gone_is_refused(folder: Path, workers: int) -> None:
    out: list[tuple[str, int]] = []
    run(folder, TwoEach("a"), AppendingSink(out, "x", "y"), 1)
    with pytest.raises(RuntimeError, match="partition 'y' of step 'flow.out'"):
        run(folder, TwoEach("a", "b"), AppendingSink(out, "x"), workers)
    assert len(out) == 2


FLOW = """
import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource

def get_flow(name, count):
    flow = Dataflow("changed")
    stream = op.input("inp", flow, TestingSource([("a", number) for number in range(count)]))
    sums = op.stateful_map(name, stream, lambda s, v: ((s or 0) + v, (s or 0) + v))
    op.output("out", op.map("text", sums, lambda item: f"{item[0]} {item[1]}"), StdOutSink())
    return flow
"""


def test_the_command_line_refuses_states_without_a_step(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    Path("changed.py").write_text(FLOW)

    def command(name: str, count: int, *options: str) -> subprocess.CompletedProcess[str]:
        flow = f"changed:get_flow({name!r}, {count})"
        arguments = [sys.executable, "-m", "cppwax.run", "-r", "db", *options, flow]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=60)

    assert command("sum", 2).stdout == "a 0\na 1\n"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    refused = command("renamed", 3)
    assert refused.returncode == 1
    assert "'changed.sum." in refused.stderr
    assert "--drop-state" in refused.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert command("renamed", 3, "--drop-state").stdout == "a 2\n"
    # They are gone for good.
    assert command("sum", 4, "--drop-state").stdout == "a 3\n"
