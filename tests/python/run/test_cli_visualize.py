"""Drawings from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

COMMANDS = {
    "module": ["-m", "cppwax.visualize"],
    "script": ["-c", "from cppwax._cli import main; main()", "visualize"],
}

MODULE = """
import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSink, TestingSource
print("imported")

def get_flow(name):
    flow = Dataflow("flow")
    stream = op.input("inp", flow, TestingSource([]))
    op.output("out", op.map(name, stream, str), TestingSink([]))
    return flow

flow = get_flow("naïve")
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mod.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "broken.py").write_text("raise KeyError('boom')\n")
    monkeypatch.chdir(tmp_path)


def visualize(*args: str, command: str = "module", **env: str) -> tuple[int, str, str]:
    ended = subprocess.run(
        [sys.executable, *COMMANDS[command], *args],
        env=os.environ | env,
        capture_output=True,
        timeout=60,
    )
    return ended.returncode, ended.stdout.decode(), ended.stderr.decode()


@pytest.mark.parametrize("command", COMMANDS)
def test_mermaid_is_the_default(command: str) -> None:
    code, out, err = visualize("mod", command=command)
    assert (code, err) == (0, "imported\n")
    assert out.startswith('flowchart TD\nsubgraph "flow (Dataflow)"\n')
    assert out == visualize("mod:flow", "-o", "mermaid")[1]


def test_json_is_json() -> None:
    described = json.loads(visualize("mod:get_flow('x')", "--output-format", "json")[1])
    assert [step["step_id"] for step in described["substeps"]] == ["flow.inp", "flow.x", "flow.out"]


@pytest.mark.parametrize(
    ("output_format", "in_it"),
    [("plantuml", "component flow.x.flat_map_batch"), ("svg", ">flat_map_batch<")],
)
def test_substeps_are_shown_if_asked_for(output_format: str, in_it: str) -> None:
    plain = visualize("mod:get_flow('x')", "-o", output_format)[1]
    deep = visualize("mod:get_flow('x')", "-o", output_format, "-r")[1]
    assert in_it not in plain
    assert in_it in deep
    assert deep == visualize("mod:get_flow('x')", "-o", output_format, "--recursive")[1]


def test_a_picture_is_utf8_whatever_the_terminal_has() -> None:
    code, out, _ = visualize("mod", "-o", "svg", PYTHONIOENCODING="ascii")
    assert code == 0
    assert "naïve" in out
    ElementTree.fromstring(out)


def test_text_is_what_the_terminal_can_show() -> None:
    assert "● naïve (map)" in visualize("mod", "-o", "text", PYTHONIOENCODING="utf-8")[1].replace(
        "●  ", "● "
    )
    assert "*  na\\xefve (map)" in visualize("mod", "-o", "text", PYTHONIOENCODING="latin-1")[1]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "Missing argument 'IMPORT_STR'"),
        (["mod", "-o", "png"], "'png' is not one of"),
        (["nod"], "Invalid value for IMPORT_STR: no module 'nod'; did you mean 'mod'?"),
        (["mod:flwo"], "has no 'flwo'; did you mean 'flow'"),
        (["mod:get_flow"], "wrong arguments for factory get_flow(name)"),
        (["mod:get_flow(1"], "cannot understand"),
    ],
)
def test_slips_are_usage_errors(args: list[str], said: str) -> None:
    code, out, err = visualize(*args)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_module_that_fails_shows_its_own_traceback() -> None:
    code, out, err = visualize("broken")
    assert (code, out) == (2, "")
    assert err.endswith(
        "KeyError: 'boom'\nError: IMPORT_STR 'broken': module 'broken' failed to import\n"
    )
    assert os.path.join("cppwax", "") not in err


def test_a_reader_that_goes_away_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, *COMMANDS["module"], "mod", "-o", "svg"],
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, b"imported\n")


def test_drawing_needs_no_engine() -> None:
    program = (
        "import sys, cppwax.visualize, cppwax.dataflow as d\n"
        "flow = d.Dataflow('flow')\n"
        "cppwax.visualize.to_svg(flow), cppwax.visualize.to_text(flow)\n"
        "sys.exit('cppwax._engine' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_help_teaches() -> None:
    code, out, err = visualize("--help")
    assert (code, err) == (0, "")
    for part in ("json", "mermaid", "plantuml", "svg", "text", "--recursive", "GitHub"):
        assert part in out
    assert max(map(len, out.splitlines())) <= 80
