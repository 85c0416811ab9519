"""Runs over a store of a flow that has changed since: what is kept, told, refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

import cppwax.operators as op
from cppwax._state_commands import state_group
from cppwax._stored_state import OpenStore
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


def run_command(flow: str, *options: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", "cppwax.run", "-r", "db", *options, flow]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60)


def test_the_command_line_refuses_states_without_a_step(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    Path("changed.py").write_text(FLOW)

    def command(name: str, count: int, *options: str) -> subprocess.CompletedProcess[str]:
        return run_command(f"changed:get_flow({name!r}, {count})", *options)

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


KINDS = """
import cppwax.operators as op
from cppwax.connectors.files import FileSink
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.inputs import DynamicSource, StatelessSourcePartition
from cppwax.operators import StatefulBatchLogic
from cppwax.testing import TestingSource

class Once(StatelessSourcePartition):
    done = False

    def next_batch(self):
        if self.done:
            raise StopIteration
        self.done = True
        return [("a", "x")]

class OnceEach(DynamicSource):
    def build(self, step_id, worker_index, worker_count):
        return Once()

class Count(StatefulBatchLogic):
    def __init__(self, count):
        self.count = count or 0

    def on_batch(self, values):
        self.count += len(values)
        return [str(self.count)], False

    def snapshot(self):
        return self.count

def get_flow(*stateless):
    flow = Dataflow("kinds")
    source = OnceEach() if "inp" in stateless else TestingSource([("a", "x"), ("a", "x")])
    stream = op.input("inp", flow, source)
    if "count" in stateless:
        counts = op.flat_map_batch("count", stream, lambda items: items)
    else:
        counts = op.stateful_batch("count", stream, Count)
    op.output("out", counts, StdOutSink() if "out" in stateless else FileSink("out.txt"))
    return flow
"""
STEPS = ["inp", "count", "out"]


@pytest.fixture
def flow_of_kinds(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Dataflow]]:
    """Give the flow in which the named steps keep no state, in the folder of its module."""
    monkeypatch.chdir(folder.parent)
    monkeypatch.syspath_prepend(folder.parent)
    Path("kinds.py").write_text(KINDS)
    monkeypatch.delitem(sys.modules, "kinds", raising=False)
    import kinds

    yield kinds.get_flow
    sys.modules.pop("kinds", None)


def verdicts(folder: Path, flow: Dataflow) -> dict[str, str]:
    with OpenStore([folder]) as store:
        return {check.step_id: check.verdict for check in store.check(flow)}


def test_the_command_line_refuses_states_of_steps_that_keep_none_any_more(
    folder: Path, flow_of_kinds: Callable[..., Dataflow]
) -> None:
    assert run_command("kinds:get_flow()").returncode == 0
    assert Path("out.txt").read_text() == "1\n2\n"
    changed = "kinds:get_flow('inp', 'count', 'out')"
    refused = run_command(changed)
    assert refused.returncode == 1
    assert "keep no state any more: 'kinds.count', 'kinds.inp', 'kinds.out'" in refused.stderr
    assert "--drop-state" in refused.stderr
    assert verdicts(folder, flow_of_kinds(*STEPS)) == {f"kinds.{step}": "dropped" for step in STEPS}
    assert verdicts(folder, flow_of_kinds()) == {f"kinds.{step}": "kept" for step in STEPS}
    assert run_command(changed, "--drop-state").stdout == "('a', 'x')\n"
    # They are gone for good.
    assert verdicts(folder, flow_of_kinds()) == {f"kinds.{step}": "new" for step in STEPS}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("step", STEPS)
def test_a_program_is_told_of_a_step_that_keeps_no_state_any_more(
    folder: Path,
    flow_of_kinds: Callable[..., Dataflow],
    step: str,
    workers: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def run_program(flow: Dataflow) -> str:
        config = RecoveryConfig(folder)
        cluster_main(flow, [], 0, recovery_config=config, worker_count_per_proc=workers)
        return capfd.readouterr().err

    assert run_program(flow_of_kinds()) == ""
    assert f"keep no state any more: 'kinds.{step}'; they are not used" in run_program(
        flow_of_kinds(step)
    )
    # They are left as they were.
    assert verdicts(folder, flow_of_kinds())[f"kinds.{step}"] == "kept"
