"""What a flow should not be given ends with the right result in little memory, or a clear error."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.python.bindings.child import running

PROGRAM = Path(__file__).parent / "programs" / "bad_input.py"
MANY = 10_000_000

WORKERS = pytest.mark.parametrize("workers", [1, 2], ids=lambda n: f"w{n}")


def result_of(case: str, workers: int) -> dict[str, Any]:
    with running([str(PROGRAM), case, str(workers)]) as child:
        ended = child.end(within=60)
    assert ended.code == 0, ended.stderr
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


@WORKERS
@pytest.mark.parametrize("case", ["many_from_a_generator", "many_from_a_batch"])
def test_many_items_made_one_by_one_from_one(case: str, workers: int) -> None:
    result = result_of(case, workers)
    assert result["items"] == MANY
    assert result["peak_megabytes"] < 80


@WORKERS
@pytest.mark.parametrize("case", ["many_from_a_list", "many_at_once_from_a_batch"])
def test_many_items_at_once_from_one(case: str, workers: int) -> None:
    result = result_of(case, workers)
    assert result["items"] == MANY
    # The list takes 80, and a copy of its pointers as much.
    assert result["peak_megabytes"] < 250


@WORKERS
@pytest.mark.skipif(
    not getattr(sys, "_is_gil_enabled", lambda: True)(),
    reason="without a lock Python itself gives large blocks back late: a plain loop takes as much",
)
def test_items_of_100_megabytes(workers: int) -> None:
    result = result_of("huge_items", workers)
    assert result["items"] == 10
    assert result["peak_megabytes"] < 450, "no more than a few at a time"


@WORKERS
def test_threads_of_callbacks_outlive_the_run(workers: int) -> None:
    result = result_of("started_threads", workers)
    assert (result["items"], result["before"], result["seen"]) == (100, 0, 100)


def test_flow_that_runs_itself_meets_the_recursion_limit() -> None:
    assert result_of("run_in_itself", 1)["root"] == "RecursionError"


@WORKERS
@pytest.mark.parametrize("case", ["switching_always", "switching_never"])
def test_callback_that_changes_the_switch_interval(case: str, workers: int) -> None:
    assert result_of(case, workers)["items"] == 100_000


@WORKERS
def test_what_the_system_refuses_is_no_bug_of_ours(workers: int) -> None:
    result = result_of("no_descriptor_left", workers)
    assert result["type"] == "CppwaxRuntimeError"
    assert "Too many open files" in result["message"]
    assert "bug" not in result["message"]
