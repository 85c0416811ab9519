"""Programs that run beside a test: started by exec, told by signals, watched line by line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True)
class Exit:
    """How a program ended."""

    code: int
    stdout: str
    """What it printed after the line that was waited for last."""
    stderr: str
    seconds: float
    """From the last signal, or from the call of `end`."""


class Child:
    """A running program."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._told_at = time.monotonic()

    def wait_for(self, line: str) -> None:
        """Read what the program prints up to this line."""
        assert self._process.stdout is not None
        for printed in self._process.stdout:
            if printed.decode().rstrip("\n") == line:
                return
        stderr = self._process.communicate()[1].decode()
        raise AssertionError(f"ended without printing {line!r}: {stderr}")

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._told_at = time.monotonic()
        self._process.send_signal(number)

    def end(self, within: float) -> Exit:
        """Wait for the end.

        Args:
            within: Seconds from now after which it is killed and the test fails.
        """
        stdout, stderr = self._process.communicate(timeout=within)
        seconds = time.monotonic() - self._told_at
        return Exit(self._process.returncode, stdout.decode(), stderr.decode(), seconds)


@contextmanager
def running(arguments: Sequence[str], variables: Mapping[str, str] = {}) -> Iterator[Child]:
    """Start `python` with arguments; it is killed at the end if it still runs.

    Args:
        arguments: What follows `python` on the command line.
        variables: Of its environment, besides those of this process.
    """
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # `communicate` knows nothing of what a buffer has read beyond the line waited for.
        bufsize=0,
        env={**os.environ, **variables},
    )
    with process:
        try:
            yield Child(process)
        finally:
            process.kill()
