"""How the end of a run becomes an exit code and a message; no engine is needed to see it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

SCRIPT = """
import os, sys
from cppwax._exit import exit_code_of
from cppwax.errors import CppwaxRuntimeError

def user_code():
    {user_code}

def run():
    try:
        return user_code()
    except Exception as ex:
        raise CppwaxRuntimeError("step flow.step failed") from ex

sys.exit(exit_code_of(run))
"""


def start(user_code: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(user_code=user_code)],
        # With it, nothing would be left for the last flush.
        env={k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(user_code: str, stdout: int = subprocess.PIPE) -> tuple[int, str]:
    """Run to the end: the exit code, and what is on standard error."""
    with start(user_code, stdout) as process:
        _, stderr = process.communicate(timeout=60)
    return process.returncode, stderr


@pytest.fixture
def closed_pipe() -> Iterator[int]:
    """A standard output that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize(
    ("ending", "code"), [("eof", 0), ("aborted", 0), ("stopped", 0), ("abandoned", 143)]
)
def test_how_a_run_ended_is_the_code(ending: str, code: int) -> None:
    assert ended(f"return {ending!r}") == (code, "")


def test_ctrl_c_is_quiet() -> None:
    assert ended("raise KeyboardInterrupt") == (130, "")


def test_a_failure_shows_user_code_and_the_step() -> None:
    code, stderr = ended("raise ValueError('no')")
    assert code == 1
    assert stderr.index("in user_code") < stderr.index("ValueError: no")
    assert stderr.rstrip().endswith("CppwaxRuntimeError: step flow.step failed")
    assert "_exit.py" not in stderr


def test_a_hook_of_the_program_gets_the_failure() -> None:
    hook = "sys.excepthook = lambda t, ex, tb: print('hook', t.__name__, file=sys.stderr)"
    assert ended(f"{hook}; raise ValueError") == (1, "hook CppwaxRuntimeError\n")


@pytest.mark.parametrize(
    "user_code",
    [
        "print('a', flush=True)",
        # Found only by the last flush.
        "print('a')",
        # Found within, and again by the last flush.
        "[print('a' * 1000) for _ in range(100)]",
    ],
)
def test_a_closed_output_is_quiet(closed_pipe: int, user_code: str) -> None:
    assert ended(user_code, closed_pipe) == (141, "")


def test_a_broken_pipe_of_user_code_is_a_failure() -> None:
    code, stderr = ended("r, w = os.pipe(); os.close(r); os.write(w, b'x')")
    assert code == 1
    assert "BrokenPipeError" in stderr


def test_a_failure_is_shown_even_where_the_output_is_closed(closed_pipe: int) -> None:
    code, stderr = ended("print('a'); raise ValueError('no')", closed_pipe)
    assert code == 1
    assert "ValueError: no" in stderr
    assert "BrokenPipeError" not in stderr


def test_a_full_disk_behind_the_output_is_a_failure() -> None:
    with open("/dev/full", "w") as full:
        code, stderr = ended("print('a')", full.fileno())
    assert (code, stderr) == (
        1,
        "Error: cannot write to standard output: No space left on device\n",
    )


def test_a_reader_that_leaves_ends_the_program() -> None:
    with start("while True: print('a')") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "a\n"
        process.stdout.close()
        assert process.wait(timeout=60) == 141
        assert process.stderr is not None
        assert process.stderr.read() == ""
