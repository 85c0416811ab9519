"""Packages that build on Bytewax run on cppwax, against the services that they are for."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.python.compat.running import MODULES, ON_CPPWAX, PROGRAMS, lines_of, start

_COUNTS = {"be": "2", "not": "1", "or": "1", "to": "2"}
_on_both = pytest.mark.parametrize("module", MODULES, ids=lambda module: module[0])


def _need(package: str, client: str = "pytest") -> Any:
    """Skip where a package is not installed; its client, to look at what it did."""
    # Not imported: what it imports of Bytewax may not be there.
    if find_spec("bytewax") is None or find_spec(f"bytewax.{package}") is None:
        pytest.skip(f"bytewax.{package} is not installed: see tests/connector_packages.txt")
    return pytest.importorskip(client)


def _free_port() -> int:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


@contextmanager
def _running(command: list[Any], says: str, env: dict[str, str] | None = None) -> Iterator[None]:
    """Run a server, from when it says that it is ready."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=subprocess.STDOUT, text=True, env=env
    ) as process:
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if says in line:
                    break
            assert process.poll() is None, said
            yield
        finally:
            process.kill()


@contextmanager
def _redis_server(folder: Path) -> Iterator[int]:
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not installed")
    port = _free_port()
    command = [server, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", folder]
    with _running(command, "eady to accept connections"):
        yield port


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with _redis_server(folder) as port:
        yield port


@_on_both
def test_redis_is_written(module: list[str], redis_port: int, tmp_path: Path) -> None:
    redis = _need("bytewax_redis", "redis")
    lines_of(
        module,
        str(PROGRAMS / "redis_write.py"),
        folder=tmp_path,
        env={"REDIS_PORT": str(redis_port)},
    )
    with redis.Redis(port=redis_port, decode_responses=True) as client:
        assert {word: client.get(word) for word in _COUNTS} == _COUNTS
        entries = [entry for _, entry in client.xrange("counts")]
    assert {entry["word"]: entry["count"] for entry in entries} == _COUNTS


def _first_words(arguments: list[str], port: int, count: int, folder: Path) -> list[str]:
    """Read words until there are so many, and stop the flow, which waits for more."""
    env = {"REDIS_PORT": str(port), "PYTHONUNBUFFERED": "1"}
    program = str(PROGRAMS / "redis_read.py")
    with start(ON_CPPWAX, program, *arguments, folder=folder, env=env) as process:
        assert process.stdout is not None
        words = [process.stdout.readline().strip() for _ in range(count)]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    return words


def test_a_redis_stream_is_read(redis_port: int, tmp_path: Path) -> None:
    redis = _need("bytewax_redis", "redis")
    with redis.Redis(port=redis_port) as client:
        for word in _COUNTS:
            client.xadd("counts", {"word": word})
    assert _first_words([], redis_port, len(_COUNTS), tmp_path) == list(_COUNTS)
    assert sorted(_first_words(["-p2"], redis_port, len(_COUNTS), tmp_path)) == sorted(_COUNTS)


@_on_both
def test_duckdb_is_written(module: list[str], tmp_path: Path) -> None:
    duckdb = _need("duckdb", "duckdb")
    file = tmp_path / "numbers.duckdb"
    lines_of(
        module,
        str(PROGRAMS / "duckdb_write.py"),
        folder=tmp_path,
        env={"DUCKDB_FILE": str(file)},
    )
    with duckdb.connect(str(file)) as connection:
        rows = connection.execute("SELECT id, square FROM squares ORDER BY id").fetchall()
    assert rows == [(n, n * n) for n in range(20)]


@_on_both
def test_operators_in_event_time(module: list[str], tmp_path: Path) -> None:
    for name in ("interval", "ordering", "select_timerange", "stateful_timeout", "timers"):
        _need(name)
    expected = (PROGRAMS / "event_time.txt").read_text("utf-8").splitlines()
    assert sorted(lines_of(module, str(PROGRAMS / "event_time.py"), folder=tmp_path)) == expected


@contextmanager
def _clickhouse_server(folder: Path) -> Iterator[int]:
    command = [sys.executable, str(PROGRAMS / "clickhouse_server.py"), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


@_on_both
def test_clickhouse_is_written(module: list[str], tmp_path: Path) -> None:
    _need("clickhouse", "pyarrow")
    for client in ("chdb", "clickhouse_connect"):
        if find_spec(client) is None:
            pytest.skip(f"{client} is not installed: see the extra `clickhouse`")
    program = str(PROGRAMS / "clickhouse_write.py")
    folder = tmp_path / "clickhouse"
    folder.mkdir()
    with _clickhouse_server(folder) as port:
        lines_of(module, program, folder=tmp_path, env={"CLICKHOUSE_PORT": str(port)})
        statement = b"SELECT id, name FROM default.numbers ORDER BY id"
        with urlopen(f"http://127.0.0.1:{port}/", statement, timeout=30) as answer:
            rows = answer.read().decode().splitlines()
    assert rows == [f"{n}\tnumber {n}" for n in range(20)]


def _ask_influxdb(port: int, statement: str) -> str:
    query = urlencode({"db": "traffic", "q": statement}).encode()
    with urlopen(f"http://127.0.0.1:{port}/query", query, timeout=30) as answer:
        return str(answer.read().decode())


@contextmanager
def _influxdb_server(folder: Path) -> Iterator[int]:
    server = shutil.which("influxd")
    if server is None:
        pytest.skip("influxd is not installed: see docs/developing.md")
    port = _free_port()
    env = {
        **os.environ,
        "INFLUXDB_REPORTING_DISABLED": "true",
        "INFLUXDB_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
        "INFLUXDB_BIND_ADDRESS": f"127.0.0.1:{_free_port()}",
        "INFLUXDB_META_DIR": str(folder / "meta"),
        "INFLUXDB_DATA_DIR": str(folder / "data"),
        "INFLUXDB_DATA_WAL_DIR": str(folder / "wal"),
    }
    with _running([server], "Listening for signals", env):
        yield port


@_on_both
def test_influxdb_is_written(module: list[str], tmp_path: Path) -> None:
    _need("influxdb", "influxdb_client_3")
    program = str(PROGRAMS / "influxdb_write.py")
    with _influxdb_server(tmp_path) as port:
        _ask_influxdb(port, "CREATE DATABASE traffic")
        lines_of(module, program, folder=tmp_path, env={"INFLUXDB_PORT": str(port)})
        found = _ask_influxdb(port, "SELECT count(value), sum(value) FROM speed")
    assert '"values":[["1970-01-01T00:00:00Z",20,190]]' in found
