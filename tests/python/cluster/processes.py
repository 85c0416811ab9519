"""Real processes of one cluster on this machine: started by exec, watched line by line."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[3]
FLOWS = Path(__file__).parent / "flows.py"
SECRET = "a secret of at least 32 characters"


class _Lines:
    """What comes out of a pipe, read by a thread of its own."""

    def __init__(self, pipe: IO[str]) -> None:
        self._seen: list[str] = []
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                with self._changed:
                    self._seen.append(line)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, text: str, within: float = 30) -> None:
        def is_there() -> bool:
            return self._ended or any(text in line for line in self._seen)

        with self._changed:
            self._changed.wait_for(is_there, within)
            seen = "".join(self._seen)
        assert text in seen, f"waited for {text!r}; there was {seen!r}"

    def so_far(self) -> str:
        with self._changed:
            return "".join(self._seen)

    def all(self) -> str:
        self._thread.join(30)
        return "".join(self._seen)


class Process:
    """One process that runs beside the test."""

    def __init__(self, arguments: Sequence[str], env: dict[str, str], folder: Path) -> None:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CPPWAX_")}
        self._popen = subprocess.Popen(
            [sys.executable, *arguments],
            env=inherited | {"PYTHONUNBUFFERED": "1"} | env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._popen.stdout is not None and self._popen.stderr is not None
        self.out = _Lines(self._popen.stdout)
        self.err = _Lines(self._popen.stderr)
        self.pid = self._popen.pid

    def send(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def end(self, within: float = 40) -> Ended:
        """Wait for the end."""
        began = time.monotonic()
        code = self._popen.wait(within)
        return Ended(code, self.out.all(), self.err.all(), time.monotonic() - began)

    def kill(self) -> None:
        self._popen.kill()
        self._popen.wait(30)


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    code: int
    out: str
    err: str
    seconds: float
    """Since it was asked for."""

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@contextmanager
def free_addresses(count: int) -> Iterator[list[str]]:
    """Hold free ports of this machine; whoever lets addresses be used again may listen there."""
    with ExitStack() as held:
        addresses = []
        for _ in range(count):
            holder = held.enter_context(socket.socket())
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("127.0.0.1", 0))
            addresses.append(f"127.0.0.1:{holder.getsockname()[1]}")
        yield addresses


@dataclass
class Cluster:
    """Processes that are started one by one; all are killed at the end of the test."""

    addresses: list[str]
    folder: Path = ROOT
    started: list[Process] = field(default_factory=list)

    def start(self, flow: str, index: int, *options: str, **env: str) -> Process:
        """Start one process.

        Args:
            flow: A name in flows.py, or an import string.
            index: Which process it is.
            *options: More options; a later one goes before an earlier one.
            **env: More of its environment.
        """
        named = flow if "." in flow.split("(")[0] else f"{FLOWS}:{flow}"
        place = ["-i", str(index), "-a", ";".join(self.addresses)]
        process = Process(
            ["-m", "cppwax.run", named, *place, "--connect-timeout", "20", *options],
            {"CPPWAX_CLUSTER_SECRET": SECRET} | env,
            self.folder,
        )
        self.started.append(process)
        return process

    def start_all(self, flow: str, *options: str, **env: str) -> list[Process]:
        return [self.start(flow, index, *options, **env) for index in range(len(self.addresses))]

    def run(self, flow: str, *options: str, **env: str) -> list[Ended]:
        """Run to the end on all processes."""
        return [process.end() for process in self.start_all(flow, *options, **env)]


@contextmanager
def cluster_of(count: int, folder: Path = ROOT) -> Iterator[Cluster]:
    with free_addresses(count) as addresses:
        cluster = Cluster(addresses, folder)
        try:
            yield cluster
        finally:
            for process in cluster.started:
                process.kill()


def run_alone(flow: str, *options: str) -> Ended:
    """Run to the end on one process."""
    named = flow if "." in flow.split("(")[0] else f"{FLOWS}:{flow}"
    process = Process(["-m", "cppwax.run", named, *options], {}, ROOT)
    try:
        return process.end()
    finally:
        process.kill()


def all_lines(ends: Sequence[Ended]) -> list[str]:
    """All that was printed, sorted; each process must have ended well."""
    for ended in ends:
        assert ended.code == 0, ended.err
    return sorted(line for ended in ends for line in ended.lines)
