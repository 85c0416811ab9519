"""`cppwax state`: what is in a store, what a run of a dataflow would find, removing states."""

from __future__ import annotations

import json
import pickle
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cppwax.operators as op
from cppwax._state_commands import state_group
from cppwax._stored_state import OpenStore, StepCheck
from cppwax.dataflow import Dataflow
from cppwax.errors import RecoveryError
from cppwax.inputs import Source
from cppwax.recovery import RecoveryConfig, init_db_dir
from cppwax.testing import TestingSink, TestingSource, run_main
from tests.python.recovery.support import AppendingSink, TwoEach, run_that_waits

FLOW = """
import os
import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSink, TestingSource

class Total:
    def __init__(self):
        self.number = 0

    def __repr__(self):
        return f"Total({self.number})"

def add(total, value):
    total = total or Total()
    total.number += value
    return total, total.number

def get_flow(name="sum", flow_id="totals"):
    flow = Dataflow(flow_id)
    items = [(key, number) for number in range(3) for key in ("a", "b", "c")]
    stream = op.input("inp", flow, TestingSource(items))
    op.output("out", op.stateful_map(name, stream, add), TestingSink([]))
    return flow
"""

SUM = "totals.sum"
INNER = "totals.sum.stateful_flat_map.stateful.stateful_batch"


def state(*arguments: str) -> Result:
    return CliRunner().invoke(state_group, arguments)


def shown(*arguments: str) -> str:
    result = state(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments: str) -> str:
    result = state(*arguments)
    assert result.exit_code == 1
    assert not isinstance(result.exception, AssertionError)
    return result.output


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def flow_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that has the flow, imported anew."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("totals.py").write_text(FLOW)
    monkeypatch.delitem(sys.modules, "totals", raising=False)
    import totals

    yield totals
    sys.modules.pop("totals", None)


@pytest.fixture
def store(flow_module: Any, tmp_path: Path) -> Path:
    """A store of three partitions that one run has used."""
    folder = tmp_path / "db"
    folder.mkdir()
    init_db_dir(folder, 3)
    run_main(
        flow_module.get_flow(),
        epoch_interval=timedelta(0),
        recovery_config=RecoveryConfig(folder),
    )
    return folder


def test_steps_are_listed_with_their_sizes(store: Path) -> None:
    before = bytes_in(store)
    found = json.loads(shown("list", str(store), "--json"))
    assert found["flow_id"] == "totals"
    assert found["executions"] == 1
    assert found["resume_epoch"] == found["partitions"][0]["durable_epoch"] >= 9
    assert [part["path"] for part in found["partitions"]] == [
        str(store.resolve() / f"part-{index}.sqlite3") for index in range(3)
    ]
    steps = {step["step_id"]: step for step in found["steps"]}
    assert sorted(steps) == ["totals.inp", INNER]
    assert steps[INNER]["keys"] == 3
    assert steps[INNER]["entries"] >= 3
    assert steps["totals.inp"]["keys"] == 1
    text = shown("list", str(store))
    assert INNER in text
    assert f"resumes at:  epoch {found['resume_epoch']}" in text
    assert bytes_in(store) == before


def test_keys_are_listed_with_their_epochs(store: Path) -> None:
    keys = json.loads(shown("list", str(store), SUM, "--json"))
    assert [each["key"] for each in keys] == ["a", "b", "c"]
    last = json.loads(shown("list", str(store), "--json"))["resume_epoch"]
    assert all(0 < each["epoch"] <= last and each["bytes"] > 0 for each in keys)
    lines = shown("list", str(store), SUM).splitlines()
    assert lines[0].split() == ["key", "epoch", "bytes"]
    assert [line.split()[0] for line in lines[1:]] == ["a", "b", "c"]


def test_a_state_is_loaded_only_on_request(
    store: Path, flow_module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("unpickled")

    with monkeypatch.context() as patch:
        patch.setattr(pickle, "loads", fail)
        patch.setattr(flow_module, "Total", fail)
        text = shown("show", str(store), SUM, "a")
        described = json.loads(shown("show", str(store), SUM, "a", "--json"))
        raw = CliRunner().invoke(state_group, ["show", str(store), SUM, "a", "--raw"])
    assert "not loaded" in text
    assert "'Total'" in text
    assert described["key"] == "a"
    assert "repr" not in described
    assert pickle.loads(raw.stdout_bytes).number == 3
    assert shown("show", str(store), SUM, "a", "--load") == "Total(3)\n"
    assert json.loads(shown("show", str(store), SUM, "a", "--load", "--json"))["repr"] == "Total(3)"


def test_a_state_that_cannot_be_unpickled_is_told(store: Path, flow_module: Any) -> None:
    del flow_module.Total
    assert "cannot be unpickled: AttributeError" in refused("show", str(store), SUM, "a", "--load")


def test_what_is_not_there_is_named(store: Path) -> None:
    assert "no state of key 'z'" in refused("show", str(store), SUM, "z")
    text = refused("show", str(store), "totals.other", "a")
    assert "'totals.other'" in text
    assert INNER in text


def verdicts(*arguments: str) -> tuple[int, dict[str, str]]:
    result = state("check", *arguments, "--json")
    return result.exit_code, {
        each["step_id"]: each["verdict"] for each in json.loads(result.output)
    }


def test_the_same_flow_keeps_all(store: Path) -> None:
    before = bytes_in(store)
    assert verdicts(str(store), "totals:get_flow") == (0, {INNER: "kept", "totals.inp": "kept"})
    assert verdicts(str(store), "totals:get_flow", "--load")[0] == 0
    assert "(3 keys)" in shown("check", str(store), "totals:get_flow")
    assert bytes_in(store) == before


def test_a_renamed_step_is_told(store: Path) -> None:
    code, found = verdicts(str(store), "totals:get_flow('renamed')")
    assert code == 1
    assert found == {
        INNER: "dropped",
        INNER.replace("sum", "renamed"): "new",
        "totals.inp": "kept",
    }


def test_a_class_that_moved_is_told(store: Path, flow_module: Any) -> None:
    flow_module.Moved = flow_module.__dict__.pop("Total")
    code, found = verdicts(str(store), "totals:get_flow")
    assert (code, found[INNER]) == (1, "unreadable")
    text = refused("check", str(store), "totals:get_flow")
    assert "            key '" in text
    assert "`totals.Total`: AttributeError" in text


def test_a_class_that_cannot_take_its_old_state_is_told(store: Path, flow_module: Any) -> None:
    def refuse(_self: object, _state: object) -> None:
        raise ValueError("of an old version")

    flow_module.Total.__setstate__ = refuse
    assert verdicts(str(store), "totals:get_flow")[0] == 0
    assert verdicts(str(store), "totals:get_flow", "--load")[1][INNER] == "unreadable"
    assert "of an old version" in refused("check", str(store), "totals:get_flow", "--load")


def test_another_flow_is_told(store: Path) -> None:
    text = refused("check", str(store), "totals:get_flow('sum', 'other')")
    assert "belongs to the flow 'totals', not to 'other'" in text
    result = state("check", str(store), "totals:nothing")
    assert result.exit_code == 2
    assert "nothing" in result.output


def checked(folder: Path, flow: Dataflow) -> list[StepCheck]:
    with OpenStore([folder]) as opened:
        return opened.check(flow)


def test_a_partition_that_is_not_listed_is_told(tmp_path: Path) -> None:
    def flow(*names: str) -> Dataflow:
        built = Dataflow("parts")
        op.output("out", op.input("inp", built, TwoEach(*names)), TestingSink([]))
        return built

    folder = tmp_path / "db"
    folder.mkdir()
    init_db_dir(folder, 2)
    run_main(flow("a", "b"), recovery_config=RecoveryConfig(folder))
    (kept,) = checked(folder, flow("a", "b", "c"))
    assert (kept.verdict, kept.keys) == ("kept", 2)
    (gone,) = checked(folder, flow("a"))
    assert gone.verdict == "not listed"
    assert list(gone.problems.values()) == ["b"]


def test_a_sink_partition_that_is_not_listed_is_told(tmp_path: Path) -> None:
    def flow(*names: str) -> Dataflow:
        built = Dataflow("parts")
        op.output("out", op.input("inp", built, TwoEach("a", "b")), AppendingSink([], *names))
        return built

    folder = tmp_path / "db"
    folder.mkdir()
    init_db_dir(folder, 2)
    run_main(flow("x", "y"), recovery_config=RecoveryConfig(folder))
    inp, kept = checked(folder, flow("x", "y", "z"))
    assert (inp.verdict, kept.verdict, kept.keys) == ("kept", "kept", 2)
    inp, gone = checked(folder, flow("x"))
    assert (inp.verdict, gone.verdict) == ("kept", "not listed")
    assert gone.problems == {"the sink does not list this partition": "y"}
    # As a run finds.
    with pytest.raises(RecoveryError, match="partition 'y' of step 'parts.out'"):
        run_main(flow("x"), recovery_config=RecoveryConfig(folder))


def listing(list_parts: Callable[[], Any]) -> Dataflow:
    built, source = Dataflow("totals"), TwoEach()
    source.list_parts = list_parts  # type: ignore[method-assign]
    op.output("out", op.input("inp", built, source), TestingSink([]))
    return built


def of_unknown_kind() -> Dataflow:
    class Strange(Source[Any]):
        pass

    built = Dataflow("totals")
    op.output("out", op.input("inp", built, Strange()), TestingSink([]))
    return built


@pytest.mark.parametrize(
    ("get_flow", "said"),
    [
        (lambda: listing({}.popitem), "'totals.inp': calling `list_parts` fails with KeyError: "),
        (lambda: listing(lambda: None), "'totals.inp': calling `list_parts` fails with TypeError"),
        (lambda: Dataflow("totals"), "needs at least one input"),
        (of_unknown_kind, "'totals.inp'"),
    ],
)
def test_a_flow_that_cannot_be_asked_is_told_in_a_line(
    store: Path, flow_module: Any, get_flow: Callable[[], Dataflow], said: str
) -> None:
    flow_module.strange = get_flow
    result = state("check", str(store), "totals:strange")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    assert said in result.output


def test_a_step_is_dropped_for_good(store: Path) -> None:
    before = bytes_in(store)
    declined = CliRunner().invoke(state_group, ["drop", str(store), SUM], input="n\n")
    assert declined.exit_code != 0
    assert bytes_in(store) == before
    assert "3 keys" in shown("drop", str(store), SUM, "--yes")
    found = json.loads(shown("list", str(store), "--json"))
    assert [step["step_id"] for step in found["steps"]] == ["totals.inp"]
    assert "no states of step" in refused("drop", str(store), SUM, "--yes")
    for index in range(3):
        with sqlite3.connect(store / f"part-{index}.sqlite3") as file:
            blocks = file.execute("SELECT count(*) FROM block").fetchone()[0]
            segments = file.execute("SELECT sum(blocks) FROM segment").fetchone()[0]
        file.close()
        assert blocks == (segments or 0)


def test_a_run_goes_on_after_a_drop(store: Path, flow_module: Any) -> None:
    shown("drop", str(store), "totals.inp", "--yes")
    out: list[Any] = []
    flow = Dataflow("totals")
    stream = op.input("inp", flow, TestingSource([("a", 1)]))
    op.output("out", op.stateful_map("sum", stream, flow_module.add), TestingSink(out))
    run_main(flow, recovery_config=RecoveryConfig(store))
    assert out == [("a", 4)]


def test_a_store_in_use_is_refused(store: Path) -> None:
    def flow_with(wait: Callable[[Any], Any]) -> Dataflow:
        flow = Dataflow("totals")
        items = op.map("wait", op.input("in2", flow, TestingSource([1])), wait)
        op.output("out", items, TestingSink([]))
        return flow

    with run_that_waits(flow_with, store):
        assert "another run in this process" in refused("list", str(store))
        assert "another run in this process" in refused("drop", str(store), SUM, "--yes")
        command = [sys.executable, "-c", "from cppwax._cli import main; main()", "state"]
        other = subprocess.run([*command, "list", store], capture_output=True, text=True)
        assert other.returncode == 1
        assert "in use by process" in other.stderr


def test_a_killed_run_is_shown_as_a_resume_would_have_it(flow_module: Any, tmp_path: Path) -> None:
    program = tmp_path / "killed.py"
    program.write_text(
        FLOW
        + """
def die(item):
    if item == ("c", 2 + 1):
        os.kill(os.getpid(), 9)
    return item

def get_killed():
    flow = Dataflow("totals")
    items = [(key, number) for number in range(3) for key in ("a", "b", "c")]
    stream = op.input("inp", flow, TestingSource(items))
    totals = op.stateful_map("sum", stream, add)
    op.output("out", op.map("die", totals, die), TestingSink([]))
    return flow
"""
    )
    folder = tmp_path / "db"
    folder.mkdir()
    init_db_dir(folder, 2)
    command = [sys.executable, "-m", "cppwax.run", "killed:get_killed", "-r", "db", "-s", "0"]
    assert subprocess.run(command, cwd=tmp_path).returncode == -signal.SIGKILL
    assert any(path.name.endswith("-wal") for path in folder.iterdir())
    before = bytes_in(folder)
    keys = json.loads(shown("list", str(folder), SUM, "--json"))
    assert [each["key"] for each in keys] == ["a", "b", "c"]
    after = bytes_in(folder)
    # Only the lock that the dead process left is taken and given back.
    assert {n: b for n, b in before.items() if not n.endswith(".lock")} == after


def test_partitions_may_lie_in_several_folders(store: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir(0o700)
    (store / "part-2.sqlite3").rename(other / "part-2.sqlite3")
    keys = json.loads(shown("list", str(store), "--with", str(other), SUM, "--json"))
    assert [each["key"] for each in keys] == ["a", "b", "c"]


def test_the_console_script_has_the_commands(store: Path) -> None:
    command = [sys.executable, "-c", "from cppwax._cli import main; main()", "state"]
    done = subprocess.run([*command, "list", store, "--json"], capture_output=True, text=True)
    assert json.loads(done.stdout)["flow_id"] == "totals", done.stderr
    checked = subprocess.run(
        [*command, "check", store, "totals:get_flow('other')"], capture_output=True, text=True
    )
    assert checked.returncode == 1
    assert "refused without --drop-state" in checked.stdout
