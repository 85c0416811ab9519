"""What is logged, from which level on, and in which form."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import cppwax.operators as op
from cppwax._logging import choose_form, log_to_stderr
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.testing import TestingSink, TestingSource, run_main
from cppwax.tracing import setup_tracing


@pytest.mark.parametrize(
    ("level", "number"),
    [
        (None, logging.ERROR),
        ("error", logging.ERROR),
        ("WARN", logging.WARNING),
        ("Info", logging.INFO),
        ("DEBUG", logging.DEBUG),
        ("TRACE", logging.DEBUG),
    ],
)
def test_levels_are_those_of_logging(level: str | None, number: int) -> None:
    for _ in range(2):
        setup_tracing(log_level=level)
    logger = logging.getLogger("cppwax")
    assert logger.level == number
    # The test's own may be there too.
    assert [type(handler).__name__ for handler in logger.handlers].count("_ToStderr") == 1


def shop(items: list[int]) -> Dataflow:
    flow = Dataflow("shop")
    stream = op.input("inp", flow, TestingSource(items))
    op.output("out", op.map("divide", stream, lambda x: 1 // x), TestingSink([]))
    return flow


def test_runs_are_logged(capsys: pytest.CaptureFixture[str]) -> None:
    setup_tracing(log_level="INFO")
    run_main(shop([1]))
    with pytest.raises(CppwaxRuntimeError):
        run_main(shop([0]))
    err = capsys.readouterr().err
    assert "INFO cppwax.run: run begins: flow_id=shop process_id=0 processes=1 workers=1" in err
    assert "INFO cppwax.run: run ended: ending=eof" in err
    assert "INFO cppwax.run: run failed: CppwaxRuntimeError: " in err


def test_the_command_line_logs_from_its_level_on() -> None:
    def logged(level: str) -> str:
        command = [sys.executable, "-m", "cppwax.run", "examples.simple", "--log-level", level]
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stderr

    assert "run ended: ending=eof" in logged("info")
    assert logged("warning") == ""


def test_lines_of_the_log_can_be_json() -> None:
    command = [sys.executable, "-m", "cppwax.run", "examples.simple", "-p", "2"]
    command += ["--log-level", "info", "--log-format", "json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    runs = [line for line in lines if line["logger"] == "cppwax.run"]
    assert sorted(
        (line["process_id"], line.get("ending")) for line in runs if "ending" in line
    ) == [
        (0, "eof"),
        (1, "eof"),
    ]
    first = runs[0]
    assert first["message"].startswith("run begins: flow_id=simple ")
    assert (first["level"], first["processes"], first["workers"]) == ("INFO", 2, 1)
    assert datetime.fromisoformat(first["time"]).utcoffset() == timedelta(0)
    assert len({line["pid"] for line in runs}) == 2


@pytest.fixture
def json_lines() -> Iterator[None]:
    log_to_stderr("info")
    choose_form(as_json=True)
    yield
    choose_form(as_json=False)


def test_a_line_of_json_has_the_exception(
    json_lines: None, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("cppwax.test")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logger.warning("%s failed", "it", exc_info=True)
    setup_tracing(log_level="INFO")
    logger.warning("as before", stack_info=True)
    choose_form(as_json=False)
    logger.warning("plain")
    failed, as_before, plain = capsys.readouterr().err.splitlines()
    line = json.loads(failed)
    assert line["message"] == "it failed"
    assert line["exception"].endswith("ValueError: two\nlines")
    assert json.loads(as_before)["stack"].startswith("Stack ")
    assert plain.endswith("WARNING cppwax.test: plain")


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("level", 3, "WARNING"),
        ("share", float("nan"), "nan"),
        ("parts", {(1, 2): 3}, "{(1, 2): 3}"),
        ("step", int, "<class 'int'>"),
        ("sizes", [1, None, "x"], [1, None, "x"]),
    ],
)
def test_what_a_record_has_of_its_own_is_a_field(
    json_lines: None, capsys: pytest.CaptureFixture[str], field: str, value: object, told: object
) -> None:
    logging.getLogger("cppwax.test").warning("so it is", extra={field: value})
    assert json.loads(capsys.readouterr().err)[field] == told


def test_the_form_holds_for_a_level_that_the_flow_chooses(tmp_path: Path) -> None:
    (tmp_path / "chosen.py").write_text(
        "from cppwax.tracing import setup_tracing\n"
        "from examples.simple import flow\n"
        "setup_tracing(log_level='INFO')\n"
    )
    command = [sys.executable, "-m", "cppwax.run", "chosen", "--log-format", "json"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)
    assert [json.loads(line)["level"] for line in ended.stderr.splitlines()] == ["INFO", "INFO"]
