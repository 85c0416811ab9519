"""The services that connectors are for, each started for a test and ended with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import Request, urlopen

import pytest

from tests.python.compat.running import PROGRAMS


def free_port() -> int:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


@contextmanager
def _running(command: list[Any], says: str, env: dict[str, str] | None = None) -> Iterator[str]:
    """Run a server, from when it says that it is ready; the line in which it does."""
    with subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(env or {})},
    ) as process:
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if says in line:
                    break
            assert process.poll() is None and said and says in said[-1], said
            # What it says from now on must not fill the pipe.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            yield said[-1]
        finally:
            process.kill()


def _installed(server: str) -> str:
    found = shutil.which(server)
    if found is None:
        pytest.skip(f"{server} is not installed")
    return found


@contextmanager
def redis_server(folder: Path) -> Iterator[int]:
    """A Redis server; its port."""
    port = free_port()
    command = [_installed("redis-server"), "--bind", "127.0.0.1", "--port", port, "--save", ""]
    with _running([*command, "--dir", folder], "eady to accept connections"):
        yield port


@contextmanager
def clickhouse_server(folder: Path) -> Iterator[int]:
    """ClickHouse's engine behind an HTTP server; its port."""
    with _running([sys.executable, PROGRAMS / "clickhouse_server.py", folder], "\n") as port:
        yield int(port)


@contextmanager
def influxdb_server(folder: Path) -> Iterator[tuple[int, int]]:
    """An InfluxDB server; the ports at which it can be written to and asked."""
    port = free_port()
    env = {
        "INFLUXDB_REPORTING_DISABLED": "true",
        "INFLUXDB_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
        "INFLUXDB_BIND_ADDRESS": f"127.0.0.1:{free_port()}",
        "INFLUXDB_META_DIR": str(folder / "meta"),
        "INFLUXDB_DATA_DIR": str(folder / "data"),
        "INFLUXDB_DATA_WAL_DIR": str(folder / "wal"),
    }
    with (
        _running([_installed("influxd")], "Listening for signals", env),
        _second_write_api(port) as write_port,
    ):
        yield write_port, port


class _SecondWriteApi(BaseHTTPRequestHandler):
    """Version 2 of the API for writes, which InfluxDB itself has only from 1.8 on.

    A write goes to the server's first API with its parameters renamed, as 1.8 does it, and the
    answer comes back as it is.
    """

    protocol_version = "HTTP/1.1"
    target_port: int

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if url.path != "/api/v2/write":
            self._answer(404, b"")
            return
        asked = dict(parse_qsl(url.query))
        unit = {"ns": "n", "us": "u"}.get(asked["precision"], asked["precision"])
        query = urlencode({"db": asked["bucket"], "precision": unit})
        request = Request(f"http://127.0.0.1:{self.target_port}/write?{query}", body)
        if encoding := self.headers.get("Content-Encoding"):
            request.add_header("Content-Encoding", encoding)
        try:
            with urlopen(request, timeout=30) as answer:
                self._answer(answer.status, answer.read())
        except HTTPError as ex:
            with ex:
                self._answer(ex.code, ex.read())

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        if code != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def _second_write_api(port: int) -> Iterator[int]:
    handler = type("Handler", (_SecondWriteApi,), {"target_port": port})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def ask_influxdb(port: int, statement: str) -> str:
    query = urlencode({"db": "traffic", "q": statement}).encode()
    with urlopen(f"http://127.0.0.1:{port}/query", query, timeout=30) as answer:
        return str(answer.read().decode())


@contextmanager
def rerun_server(recording: Path) -> Iterator[int]:
    """Rerun's server, which keeps in a recording what clients log; its port."""
    spec = find_spec("rerun_cli")
    if spec is None or spec.origin is None:
        pytest.skip("rerun-sdk is not installed: it has no wheel for this Python")
    port = free_port()
    command = [Path(spec.origin).parent / "rerun", "--bind", "127.0.0.1", "--port", port]
    with _running([*command, "--save", recording], "Saving incoming log stream"):
        yield port
