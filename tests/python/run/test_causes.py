"""Failures whose causes go in a ring, as user code can make them: they are shown like others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cppwax._causes import root_of, with_causes
from tests.python.cluster.processes import cluster_of

RINGS = """
def fail_of_itself(_item=None):
    try:
        {}["key"]
    except KeyError as ex:
        raise ex from ex

def fail_of_fallback(_item=None):
    try:
        raise ConnectionError("of the first")
    except ConnectionError as first:
        try:
            raise OSError("of the fallback")
        except OSError as second:
            fallback = second
        # Which has `first` as its context.
        raise first from fallback
"""
FLOWS = """
import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource
from rings import *

def flow_of(mapper):
    flow = Dataflow("flow")
    up = op.redistribute("spread", op.input("inp", flow, TestingSource([1])))
    op.output("out", op.map("step", up, mapper), StdOutSink())
    return flow

def get_of_itself():
    return flow_of(fail_of_itself)

def get_of_fallback():
    return flow_of(fail_of_fallback)
"""
LAST_LINES = {"of_itself": "KeyError: 'key'", "of_fallback": "ConnectionError: of the first"}
KINDS = pytest.mark.parametrize("kind", LAST_LINES)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rings.py").write_text(RINGS)
    (tmp_path / "flows.py").write_text(FLOWS)
    for kind in LAST_LINES:
        (tmp_path / f"imports_{kind}.py").write_text(f"import rings\nrings.fail_{kind}()\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ended(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cppwax.run", *arguments], capture_output=True, text=True, timeout=60
    )


@KINDS
@pytest.mark.parametrize("options", [[], ["-w2"], ["-p2"]], ids=" ".join)
def test_a_run_ends_with_the_traceback(kind: str, options: list[str]) -> None:
    run = ended(f"flows:get_{kind}", *options)
    assert run.returncode == 1
    assert LAST_LINES[kind] in run.stderr.splitlines()
    assert f"in fail_{kind}" in run.stderr
    assert "flow.step" in run.stderr.splitlines()[-1]


@KINDS
@pytest.mark.parametrize("options", [[], ["-p2"]], ids=" ".join)
def test_an_import_ends_with_the_traceback(kind: str, options: list[str]) -> None:
    run = ended(f"imports_{kind}", *options)
    assert run.returncode == 2
    assert LAST_LINES[kind] in run.stderr.splitlines()
    assert f"in fail_{kind}" in run.stderr


@KINDS
def test_all_processes_of_a_cluster_are_told(kind: str, here: Path) -> None:
    with cluster_of(2, here) as cluster:
        # A path, as names without a dot are those of the cluster tests.
        for run in cluster.run(f"flows.py:get_{kind}"):
            assert run.code == 1
            assert LAST_LINES[kind] in run.err


@KINDS
def test_the_starter_of_a_process_is_told(kind: str) -> None:
    # Where it hears nothing, it ends the process after a while, and all looks well.
    script = (
        f"from cppwax._local_processes import started_here; started_here(); import imports_{kind}"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "CPPWAX_LOCAL_PROCESS": f"{os.getpid()}:1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 1
    assert LAST_LINES[kind] in run.stdout.splitlines()


@KINDS
def test_each_exception_comes_once(kind: str) -> None:
    scope: dict = {}
    exec(RINGS, scope)
    with pytest.raises((KeyError, ConnectionError)) as raised:
        scope[f"fail_{kind}"]()
    ex = raised.value
    assert with_causes(ex) == ([ex] if kind == "of_itself" else [ex, ex.__cause__])
    assert with_causes(ex, contexts=True) == with_causes(ex)
    assert root_of(ex) is ex.__cause__


def test_contexts_are_followed_only_where_there_is_no_cause() -> None:
    first, second, third = ValueError(), ValueError(), ValueError()
    first.__cause__, first.__context__ = second, third
    second.__context__ = third
    assert with_causes(first) == [first, second]
    assert with_causes(first, contexts=True) == [first, second, third]
    assert root_of(third) is third
