"""Packages that build on Bytewax run on cppwax, against the services that they are for."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.python.compat import services
from tests.python.compat.running import MODULES, ON_CPPWAX, PROGRAMS, lines_of, start

_COUNTS = {"be": "2", "not": "1", "or": "1", "to": "2"}
_on_both = pytest.mark.parametrize(
    "module", [*MODULES, [*ON_CPPWAX, "-w2"]], ids=lambda module: "".join(module[::2])
)


def _need(*packages: str) -> None:
    """Skip where one of them is not installed."""
    for package in packages:
        # Not imported: what it imports of Bytewax may not be there.
        outer = package.rpartition(".")[0]
        if (outer and find_spec(outer) is None) or find_spec(package) is None:
            pytest.skip(f"{package} is not installed: see tests/connector_packages.txt")


def _write(module: list[str], program: str, folder: Path, **env: object) -> None:
    text = {name: str(value) for name, value in env.items()}
    lines_of(module, str(PROGRAMS / program), folder=folder, env=text)


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    folder = tmp_path / "redis"
    folder.mkdir()
    with services.redis_server(folder) as port:
        yield port


@_on_both
def test_redis_is_written(module: list[str], redis_port: int, tmp_path: Path) -> None:
    _need("bytewax.bytewax_redis", "redis")
    import redis

    _write(module, "redis_write.py", tmp_path, REDIS_PORT=redis_port)
    with redis.Redis(port=redis_port, decode_responses=True) as client:
        assert {word: client.get(word) for word in _COUNTS} == _COUNTS
        entries = [entry for _, entry in client.xrange("counts")]
    assert {entry["word"]: entry["count"] for entry in entries} == _COUNTS


def _first_words(arguments: list[str], port: int, count: int, folder: Path) -> list[str]:
    """Read words until there are so many, and stop the flow, which waits for more."""
    env = {"REDIS_PORT": str(port), "VALKEY_PORT": str(port), "PYTHONUNBUFFERED": "1"}
    with start(ON_CPPWAX, *arguments, folder=folder, env=env) as process:
        assert process.stdout is not None
        words = [process.stdout.readline().strip() for _ in range(count)]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=90)
    return words


def test_a_redis_stream_is_read(redis_port: int, tmp_path: Path) -> None:
    _need("bytewax.bytewax_redis", "redis")
    import redis

    with redis.Redis(port=redis_port) as client:
        for word in _COUNTS:
            client.xadd("counts", {"word": word})
    program = str(PROGRAMS / "redis_read.py")
    assert _first_words([program], redis_port, len(_COUNTS), tmp_path) == list(_COUNTS)
    both = _first_words([program, "-p2"], redis_port, len(_COUNTS), tmp_path)
    assert sorted(both) == sorted(_COUNTS)


def test_a_redis_server_that_goes_away_ends_the_flow(tmp_path: Path) -> None:
    _need("bytewax.bytewax_redis", "redis")
    import redis

    env = {"PYTHONUNBUFFERED": "1"}
    with services.redis_server(tmp_path) as port:
        with redis.Redis(port=port) as client:
            client.xadd("counts", {"word": "to"})
        env["REDIS_PORT"] = str(port)
        program = str(PROGRAMS / "redis_read.py")
        process = start(ON_CPPWAX, program, folder=tmp_path, env=env)
        assert process.stdout is not None and process.stdout.readline() == "to\n"
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "redis.exceptions.ConnectionError" in err
    assert "step 'redis_read.entries' failed" in err.splitlines()[-1]


@_on_both
def test_valkey_is_written(module: list[str], redis_port: int, tmp_path: Path) -> None:
    _need("bytewax_valkey", "redis")
    import redis

    with redis.Redis(port=redis_port, decode_responses=True) as client:
        with client.pubsub() as listener:
            listener.subscribe("counted")
            assert listener.get_message(timeout=30)["type"] == "subscribe"
            _write(module, "valkey_write.py", tmp_path, VALKEY_PORT=redis_port)
            messages = [listener.get_message(timeout=30) for _ in _COUNTS]
        entries = [entry for _, entry in client.xrange("counts")]
    assert {entry["word"]: entry["count"] for entry in entries} == _COUNTS
    assert dict(message["data"].split() for message in messages) == _COUNTS


def test_a_valkey_stream_is_read_from_where_it_was(redis_port: int, tmp_path: Path) -> None:
    _need("bytewax_valkey", "redis")
    import redis

    (tmp_path / "db").mkdir()
    lines_of(["cppwax.recovery"], "db", "1", folder=tmp_path)
    arguments = [str(PROGRAMS / "valkey_read.py"), "-r", "db", "-s", "0", "--stop-timeout", "60"]
    with redis.Redis(port=redis_port) as client:
        for word in _COUNTS:
            client.xadd("counts", {"word": word})
        assert _first_words(arguments, redis_port, len(_COUNTS), tmp_path) == list(_COUNTS)
        client.xadd("counts", {"word": "that"})
        assert _first_words(arguments, redis_port, 1, tmp_path) == ["that"]


@_on_both
def test_duckdb_is_written(module: list[str], tmp_path: Path) -> None:
    _need("bytewax.duckdb", "duckdb")
    import duckdb

    file = tmp_path / "numbers.duckdb"
    _write(module, "duckdb_write.py", tmp_path, DUCKDB_FILE=file)
    with duckdb.connect(str(file)) as connection:
        rows = connection.execute("SELECT id, square FROM squares ORDER BY id").fetchall()
    assert rows == [(n, n * n) for n in range(20)]


@_on_both
def test_clickhouse_is_written(module: list[str], tmp_path: Path) -> None:
    _need("bytewax.clickhouse", "chdb", "clickhouse_connect")
    folder = tmp_path / "clickhouse"
    folder.mkdir()
    with services.clickhouse_server(folder) as port:
        _write(module, "clickhouse_write.py", tmp_path, CLICKHOUSE_PORT=port)
        statement = b"SELECT id, name FROM default.numbers ORDER BY id"
        with urlopen(f"http://127.0.0.1:{port}/", statement, timeout=30) as answer:
            rows = answer.read().decode().splitlines()
    assert rows == [f"{n}\tnumber {n}" for n in range(20)]


@_on_both
def test_influxdb_is_written(module: list[str], tmp_path: Path) -> None:
    _need("bytewax.influxdb", "influxdb_client_3")
    with services.influxdb_server(tmp_path) as (write_port, port):
        services.ask_influxdb(port, "CREATE DATABASE traffic")
        _write(module, "influxdb_write.py", tmp_path, INFLUXDB_PORT=write_port)
        found = services.ask_influxdb(port, "SELECT count(value), sum(value) FROM speed")
    assert '"values":[["1970-01-01T00:00:00Z",20,190]]' in found


def _logged(recording: Path, timeline: str, path: str) -> list[tuple[int, float]]:
    """What a recording of Rerun has at a time, below a path that all workers have."""
    import rerun as rr

    try:
        view = rr.dataframe.load_recording(recording).view(index=timeline, contents=path)
        table = view.select().read_all()
    except RuntimeError:
        # Nothing has been written yet, or half of something.
        return []
    return [
        (time.value, scalar[0])
        for name in table.column_names
        if name.endswith(":Scalar")
        for time, scalar in zip(table[timeline], table[name].to_pylist(), strict=True)
        if scalar is not None
    ]


@_on_both
def test_rerun_is_logged_to(module: list[str], tmp_path: Path) -> None:
    _need("bytewax.bytewax_rerun", "rerun")
    recording = tmp_path / "numbers.rrd"
    squares = [(n * 1_000_000_000, float(n * n)) for n in range(20)]
    with services.rerun_server(recording) as port:
        _write(module, "rerun_write.py", tmp_path, RERUN_PORT=port)
        # The flow has sent all, and the server writes it in its own time.
        pause = threading.Event()
        while (found := sorted(_logged(recording, "number", "/dataflow/**"))) != squares:
            assert len(found) < len(squares), found
            pause.wait(0.05)
    calls = _logged(recording, "bytewax", "/bytewax/**")
    assert len(calls) == len(squares) and all(seconds >= 0 for _, seconds in calls)


@pytest.mark.parametrize(
    ("variable", "client", "error", "told"),
    [
        ("REDIS_PORT", "redis", "ConnectionError", "step 'redis_write."),
        ("VALKEY_PORT", "valkey", "ConnectionError", "step 'valkey_write."),
        ("INFLUXDB_PORT", "influxdb_client_3", "NewConnectionError", "step 'influxdb_write."),
        # Connects when the flow is made.
        ("CLICKHOUSE_PORT", "clickhouse_connect", "OperationalError", "module 'clickhouse_write'"),
        ("DUCKDB_FILE", "duckdb", "IOException", "step 'duckdb_write."),
    ],
)
def test_a_service_that_is_not_there_is_told(
    variable: str, client: str, error: str, told: str, tmp_path: Path
) -> None:
    _need(client)
    port = str(services.free_port())
    nowhere = str(tmp_path / "nowhere" / "file") if variable == "DUCKDB_FILE" else port
    program = f"{variable.partition('_')[0].lower()}_write.py"
    env = {variable: nowhere}
    process = start([*ON_CPPWAX, "-w2"], str(PROGRAMS / program), folder=tmp_path, env=env)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (1, 2), err
    assert error in err, err
    last = err.splitlines()[-1]
    assert told in last and "failed" in last, err


@_on_both
def test_operators_in_event_time(module: list[str], tmp_path: Path) -> None:
    names = ("interval", "ordering", "select_timerange", "stateful_timeout", "timers")
    _need(*(f"bytewax.{name}" for name in names))
    expected = (PROGRAMS / "event_time.txt").read_text("utf-8").splitlines()
    assert sorted(lines_of(module, str(PROGRAMS / "event_time.py"), folder=tmp_path)) == expected
