"""A cluster of processes on this machine, as one command: `-p N`.

The command starts the others by exec and does none of the work itself. It copies what they print,
line by line, passes signals on, and shows the first failure once. Each of the others tells it by a
pipe of its own that its dataflow was found, and how it failed.
"""

from __future__ import annotations

import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import IO

from cppwax._causes import root_of
from cppwax._cluster import LOCAL_PROCESS_VARIABLE, new_secret
from cppwax._exit import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_STDOUT_CLOSED
from cppwax.errors import ClusterError, RemoteError

# What the environment says of clusters is not for this one.
_NOT_FOR_THEM = (
    "CPPWAX_CLUSTER_SECRET_FILE",
    "CPPWAX_BIND",
    "CPPWAX_TLS_CERT",
    "CPPWAX_TLS_KEY",
    "CPPWAX_TLS_CA",
)

# What a failure is, in the order in which one is shown rather than another.
_FOUND, _OWN, _OF_CLUSTER, _TOLD = b"FOCT"

_STDOUT, _STDERR = 1, 2
_CHUNK_BYTES = 1 << 16
# A line that is longer is torn: else one without an end would be kept forever.
_MAX_LINE_BYTES = 1 << 20
# Processes that have heard of an end need about two seconds, and what user code makes of it.
_GRACE_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1


class _Copied:
    """Copies whole lines of one process to one of our own outputs."""

    def __init__(self, pipe: IO[bytes], to: int) -> None:
        self.pipe = pipe
        self._to = to
        self._rest = b""

    def take(self) -> bool:
        """Copy what there is; return whether more may come."""
        chunk = os.read(self.pipe.fileno(), _CHUNK_BYTES)
        self._rest += chunk
        end = self._rest.rfind(b"\n") + 1
        if not chunk or (end == 0 and len(self._rest) > _MAX_LINE_BYTES):
            end = len(self._rest)
        whole, self._rest = self._rest[:end], self._rest[end:]
        _write_all(self._to, whole)
        return bool(chunk)


class _Told:
    """Keeps what one process tells of itself: a letter, then text."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.pipe = pipe
        self._bytes = b""

    def take(self) -> bool:
        """Read what there is; return whether more may come."""
        chunk = os.read(self.pipe.fileno(), _CHUNK_BYTES)
        self._bytes += chunk
        return bool(chunk)

    @property
    def was_found(self) -> bool:
        return self._bytes[:1] == bytes([_FOUND])

    @property
    def failure(self) -> tuple[int, bytes] | None:
        """What kind it is, as the place in the order of showing, and the text."""
        told = self._bytes.removeprefix(bytes([_FOUND]))
        return (bytes([_OWN, _OF_CLUSTER, _TOLD]).index(told[0]), told[1:]) if told else None


class _Child:
    def __init__(self, arguments: Sequence[str], env: dict[str, str]) -> None:
        reader, writer = os.pipe()
        self.told = _Told(os.fdopen(reader, "rb", buffering=0))
        try:
            self.process = subprocess.Popen(
                [sys.executable, *_interpreter_flags(), "-m", "cppwax.run", *arguments],
                env=env | {LOCAL_PROCESS_VARIABLE: f"{os.getpid()}:{writer}"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                pass_fds=[writer],
                # Signals of the terminal come to us, and from us to them, once.
                start_new_session=True,
            )
        finally:
            os.close(writer)
        assert self.process.stdout is not None and self.process.stderr is not None
        self.outputs = [
            _Copied(self.process.stdout, _STDOUT),
            _Copied(self.process.stderr, _STDERR),
        ]

    @property
    def code(self) -> int | None:
        """As a shell has it."""
        code = self.process.poll()
        return code if code is None or code >= 0 else 128 - code


class _Group:
    """All processes, while they run."""

    def __init__(self) -> None:
        self.children: list[_Child] = []
        self.signals: list[int] = []
        self._is_stdout_closed = False
        self._selector = selectors.DefaultSelector()
        self._first_code: int | None = None
        self._deadlines: list[tuple[float, signal.Signals]] = []

    def pass_on(self, number: int, _frame: FrameType | None = None) -> None:
        """Send a signal to all that still run."""
        self.signals.append(number)
        for child in self.children:
            child.process.send_signal(number)

    def add(self, child: _Child) -> None:
        self.children.append(child)
        pipes: list[_Copied | _Told] = [*child.outputs, child.told]
        for pipe in pipes:
            self._selector.register(pipe.pipe, selectors.EVENT_READ, pipe)
        # A signal that came in between has not reached it.
        for number in self.signals[:1]:
            child.process.send_signal(number)

    def run(self) -> None:
        """Copy what they print until all have ended."""
        while self._selector.get_map() or any(child.code is None for child in self.children):
            # Those that end say so by closing their pipes; children of theirs may keep them open.
            for key, _ in self._selector.select(0.1 if self._looks_often() else None):
                self._take(key.data)
            self._look_for_ends()
            self._keep_deadlines()
            if self._looks_often() and all(child.code is not None for child in self.children):
                self._drain()
                return

    def _looks_often(self) -> bool:
        return bool(self._deadlines) or any(child.code is not None for child in self.children)

    def _take(self, pipe: _Copied | _Told) -> None:
        try:
            may_go_on = pipe.take()
        except BrokenPipeError:
            # They notice by themselves when they print again.
            self._is_stdout_closed = True
            may_go_on = False
        if not may_go_on:
            self._selector.unregister(pipe.pipe)
            pipe.pipe.close()

    def _drain(self) -> None:
        while ready := self._selector.select(0):
            for key, _ in ready:
                self._take(key.data)

    def _look_for_ends(self) -> None:
        if self._first_code:
            return
        for child in self.children:
            if not child.code:
                continue
            self._first_code = child.code
            # The others cannot know of one that they have not met.
            wait = _GRACE_SECONDS if child.told.was_found else 0
            now = time.monotonic()
            self._deadlines = [
                (now + wait, signal.SIGTERM),
                (now + wait + _GRACE_SECONDS, signal.SIGKILL),
            ]
            return

    def _keep_deadlines(self) -> None:
        while self._deadlines and time.monotonic() >= self._deadlines[0][0]:
            number = self._deadlines.pop(0)[1]
            for child in self.children:
                child.process.send_signal(number)

    def end(self) -> int:
        """Show what failed; return the code to exit with."""
        if self._is_stdout_closed:
            return EXIT_STDOUT_CLOSED
        failures = [failure for child in self.children if (failure := child.told.failure)]
        if failures:
            _write_all(_STDERR, min(failures, key=lambda failure: failure[0])[1])
        if signal.SIGINT in self.signals:
            return EXIT_INTERRUPTED
        return self._first_code or 0

    def kill(self) -> None:
        """Leave none behind."""
        for child in self.children:
            child.process.kill()
            child.process.wait()
        self._selector.close()


def run_local_processes(count: int, arguments: Sequence[str]) -> int:
    """Run several processes of one cluster to their end.

    Args:
        count: How many.
        arguments: For `python -m cppwax.run`, without those that name the cluster.

    Returns:
        The code to exit with.
    """
    group = _Group()
    env = {name: text for name, text in os.environ.items() if name not in _NOT_FOR_THEM}
    env["CPPWAX_CLUSTER_SECRET"] = new_secret()
    if os.isatty(_STDOUT):
        env["PYTHONUNBUFFERED"] = "1"
    with _signals_to(group), _free_addresses(count) as addresses:
        try:
            for index in range(count):
                place = ["-i", str(index), "-a", ";".join(addresses)]
                group.add(_Child([*place, *arguments], env))
            group.run()
        finally:
            group.kill()
    return group.end()


@contextmanager
def _signals_to(group: _Group) -> Iterator[None]:
    before = {
        number: signal.signal(number, group.pass_on)
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _free_addresses(count: int) -> Iterator[list[str]]:
    """Hold ports that nobody else is given; the processes may listen at them all the same."""
    with ExitStack() as held:
        holders = [held.enter_context(socket.socket()) for _ in range(count)]
        for holder in holders:
            # Both who hold a port and who listen there have to say so.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind(("127.0.0.1", 0))
        yield [f"127.0.0.1:{holder.getsockname()[1]}" for holder in holders]


def _interpreter_flags() -> list[str]:
    return subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined, no-any-return]


def _write_all(to: int, text: bytes) -> None:
    while text:
        try:
            text = text[os.write(to, text) :]
        except BlockingIOError:
            # Who shares an output with us may have made it one that does not wait.
            _wait_for_room(to)


def _wait_for_room(to: int) -> None:
    poll = select.poll()
    poll.register(to, select.POLLOUT)
    poll.poll()


class LocalProcess:
    """What a process that was started here tells the one that started it."""

    def __init__(self, parent: int, pipe: int) -> None:
        """Begin to live no longer than the parent.

        Args:
            parent: Its process id.
            pipe: Where to write.
        """
        self._pipe = pipe
        os.set_inheritable(pipe, False)
        _end_with(parent)
        sys.excepthook = self._tell_exception

    def tell_found(self) -> None:
        """Tell that the dataflow was found: the others may meet this process."""
        _write_all(self._pipe, bytes([_FOUND]))

    def tell_failure(self, text: str, kind: int = _OWN) -> None:
        """Tell how this process failed.

        Args:
            text: What one would see.
            kind: Whose failure it is.
        """
        _write_all(self._pipe, bytes([kind]) + text.encode(errors="backslashreplace"))

    def _tell_exception(self, _cls: object, ex: BaseException, _tb: object) -> None:
        import traceback

        kind = _OWN
        if isinstance(root_of(ex), RemoteError):
            kind = _TOLD
        elif isinstance(ex, ClusterError):
            kind = _OF_CLUSTER
        self.tell_failure("".join(traceback.format_exception(ex)), kind)


def started_here() -> LocalProcess | None:
    """Tell whether this process is one of a local cluster; only the first call can say so."""
    told = os.environ.pop(LOCAL_PROCESS_VARIABLE, None)
    if told is None:
        return None
    parent, pipe = map(int, told.split(":"))
    return LocalProcess(parent, pipe)


def _end_with(parent: int) -> None:
    # Imported here for its cost: only processes that are started so need it.
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # It may have ended before that.
    if os.getppid() != parent:
        os._exit(EXIT_FAILED)
