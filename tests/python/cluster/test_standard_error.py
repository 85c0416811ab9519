"""A standard error that nobody reads: what is said of the others holds nothing up."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.python.cluster.processes import FLOWS, ROOT, SECRET, cluster_of


@contextmanager
def full_pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    try:
        os.set_blocking(writer, False)
        for size in (1 << 16, 1):
            try:
                while True:
                    os.write(writer, b"x" * size)
            except BlockingIOError:
                pass
        # What the process is given must be as a shell's.
        os.set_blocking(writer, True)
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


def drain(reader: int) -> str:
    os.set_blocking(reader, False)
    text = b""
    try:
        while chunk := os.read(reader, 1 << 16):
            text += chunk
    except BlockingIOError:
        pass
    return text.decode()


def refused(address: str, said: bytes) -> None:
    """Call a process as a stranger would, as soon as it listens; return once it has refused."""
    host, port = address.split(":")
    pause = threading.Event()
    while True:
        try:
            stranger = socket.create_connection((host, int(port)), 20)
            break
        except ConnectionRefusedError:
            pause.wait(0.02)
    with stranger:
        stranger.sendall(said)
        stranger.shutdown(socket.SHUT_WR)
        while stranger.recv(4096):
            pass


def test_it_holds_up_no_other_process() -> None:
    """The network's thread says who was refused, and would send no signs of life meanwhile."""
    with cluster_of(2) as cluster, full_pipe() as (reader, writer):
        place = ["-i", "0", "-a", ";".join(cluster.addresses)]
        zero = subprocess.Popen(
            [sys.executable, "-m", "cppwax.run", f"{FLOWS}:keyed", *place],
            env=os.environ | {"CPPWAX_CLUSTER_SECRET": SECRET},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=writer,
        )
        try:
            refused(cluster.addresses[0], b"GET / HTTP/1.1\r\n\r\n")
            assert "refused" not in drain(reader)
            refused(cluster.addresses[0], b"\x16\x03\x01\x00\x05hello")
            said = drain(reader)
            assert re.search(r"cppwax: standard error was blocked: \d+ lines? w", said)
            assert any("was refused: it " in line for line in said.splitlines()[1:])
            assert cluster.start("keyed", 1).end().code == 0
            assert zero.wait(30) == 0
        finally:
            zero.kill()
            zero.wait()


def test_it_holds_up_no_end() -> None:
    """A worker that does not come back is given up, and what there is to say of it is lost."""
    stuck = ROOT / "tests/python/bindings/programs/stuck_beside.py"
    with full_pipe() as (_reader, writer):
        process = subprocess.Popen(
            [sys.executable, "-m", "cppwax.run", f"{stuck}:flow('waiting', 'fails')", "-w2"],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=writer,
        )
        try:
            assert process.wait(30) == 1
        finally:
            process.kill()
            process.wait()
