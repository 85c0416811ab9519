"""Pages of real processes, asked over the network."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.python.cluster.processes import ROOT, Process

Start = Callable[..., Process]
ENABLED = "CPPWAX_DATAFLOW_API_ENABLED"


@pytest.fixture
def start() -> Iterator[Start]:
    started = []

    def start(*arguments: str, name: str = "quiet", **env: str) -> Process:
        command = ["-m", "cppwax.run", f"tests.python.web.flows:{name}", *arguments]
        started.append(Process(command, env, ROOT))
        return started[-1]

    yield start
    for process in started:
        process.kill()


def address_of(process: Process, number: int = 0) -> str:
    process.err.wait_for(f"pages of process {number}: ")
    found = re.search(rf"^cppwax: pages of process {number}: (\S+)$", process.err.so_far(), re.M)
    assert found
    return found[1]


def read(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as page:
            return page.status, page.read().decode()
    except urllib.error.HTTPError as ex:
        with ex:
            return ex.code, ex.read().decode()


def stop(process: Process) -> None:
    # Before that it would not be the engine that hears of it.
    process.out.wait_for("started 0")
    process.send(signal.SIGTERM)
    ended = process.end()
    assert ended.code == 0, ended.err


def test_pages_are_there_while_the_dataflow_runs(start: Start) -> None:
    process = start("--dataflow-api", "--dataflow-api-port", "0")
    address = address_of(process)
    assert address.startswith("http://127.0.0.1:")
    assert json.loads(read(f"{address}/dataflow")[1])["flow_id"] == "flow"
    assert read(f"{address}/healthz") == (200, "ok\n")
    process.out.wait_for("started 0")
    assert read(f"{address}/readyz") == (200, "running\n")
    metrics = read(f"{address}/metrics")[1]
    assert "cppwax_run_running 1.0" in metrics
    assert "\nseen_total 1.0\n" in metrics
    counted = 'cppwax_item_out_count_total{step_id="flow.inp",worker_index="0"} 1.0'
    assert counted in metrics
    stop(process)
    with pytest.raises(OSError):
        read(f"{address}/healthz")


def test_a_process_is_ready_when_the_others_are_there(start: Start) -> None:
    first, pages = free_ports(2), ("--dataflow-api", "--dataflow-api-port", "0")
    addresses = f"127.0.0.1:{first};127.0.0.1:{first + 1}"
    waiting = start("-i", "0", "-a", addresses, *pages)
    address = address_of(waiting)
    assert read(f"{address}/readyz") == (503, "starting\n")
    assert read(f"{address}/healthz") == (200, "ok\n")
    other = start("-i", "1", "-a", addresses)
    for number, process in enumerate((waiting, other)):
        process.out.wait_for(f"started {number}")
    assert read(f"{address}/readyz") == (200, "running\n")
    stop(waiting)
    assert other.end().code == 0


def test_a_process_that_stops_is_not_ready(start: Start) -> None:
    pages = ("--dataflow-api", "--dataflow-api-port", "0")
    process = start(*pages, "-w", "2", "--stop-timeout", "60", name="stuck")
    address = address_of(process)
    process.out.wait_for("stuck 1")
    process.out.wait_for("started 0")
    assert read(f"{address}/readyz") == (200, "running\n")
    process.send(signal.SIGTERM)
    deadline = time.monotonic() + 30
    while (answer := read(f"{address}/readyz")) != (503, "stopping\n"):
        assert time.monotonic() < deadline, answer
    assert read(f"{address}/healthz") == (200, "ok\n")


@pytest.mark.parametrize("count", [130, 270])
def test_idle_connections_do_not_keep_health_checks_out(start: Start, count: int) -> None:
    process = start("--dataflow-api", "--dataflow-api-port", "0")
    address = address_of(process)
    host, port = address.removeprefix("http://").split(":")
    with ExitStack() as held:
        for _ in range(count):
            held.enter_context(socket.create_connection((host, int(port)), 20))
        assert read(f"{address}/healthz") == (200, "ok\n")
    stop(process)


def test_without_being_asked_nothing_is_served_or_imported() -> None:
    program = (
        "import sys; sys.argv[1:] = ['examples.simple']\n"
        "from cppwax import run\n"
        "assert run._exit_code(run._run_command, 'run') == 0\n"
        "unwanted = {'waitress', 'prometheus_client', 'rich', 'cppwax._web.server'}\n"
        "unwanted |= {'cppwax._watch.figures', 'cppwax._watch.progress'}\n"
        "assert not unwanted & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, timeout=60)


@pytest.mark.parametrize("value", ["1", "true"])
def test_the_variables_of_bytewax_have_ours(start: Start, tmp_path: Path, value: str) -> None:
    process = start(
        CPPWAX_DATAFLOW_API_PORT="0",
        CPPWAX_DATAFLOW_API_CACHE_PATH=str(tmp_path),
        **{ENABLED: value},
    )
    page = read(f"{address_of(process)}/dataflow")[1]
    assert (tmp_path / "dataflow.json").read_text(encoding="utf-8") == page
    assert [path.name for path in tmp_path.iterdir()] == ["dataflow.json"]
    stop(process)


def test_a_port_in_use_is_a_warning(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        ended = start("--dataflow-api", "--dataflow-api-port", port, name="short").end()
    assert (ended.code, ended.out) == (0, "0\n1\n2\n")
    assert f"cannot be served at 127.0.0.1:{port}: Address already in use" in ended.err
    assert "the dataflow runs without them" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
def test_an_address_of_no_machine_of_ours_is_a_warning(start: Start, host: str) -> None:
    ended = start("--dataflow-api", "--dataflow-api-bind", host, name="short").end()
    assert (ended.code, ended.out) == (0, "0\n1\n2\n")
    assert f"cannot be served at {host}:3030: " in ended.err


def test_a_folder_that_is_not_there_is_a_warning(start: Start) -> None:
    ended = start(
        *("--dataflow-api", "--dataflow-api-port", "0"),
        name="short",
        CPPWAX_DATAFLOW_API_CACHE_PATH="/not/there",
    ).end()
    assert (ended.code, ended.out) == (0, "0\n1\n2\n")
    assert "cannot write '/not/there/dataflow.json'" in ended.err


def free_ports(count: int) -> int:
    """Find ports in a row that nobody has."""
    # Tests that run beside this one look elsewhere first.
    for first in range(20_000 + os.getpid() % 1000 * 10, 32_000, 7):
        try:
            with ExitStack() as held:
                for port in range(first, first + count):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
        except OSError:
            continue
    raise AssertionError("no free ports")


def test_each_process_has_pages_of_its_own(start: Start) -> None:
    port = free_ports(2)
    process = start("-p", "2", "-w", "2", "--dataflow-api", "--dataflow-api-port", str(port))
    for number in range(2):
        address = address_of(process, number)
        assert address == f"http://127.0.0.1:{port + number}"
        metrics = read(f"{address}/metrics")[1]
        assert f'process_id="{number}",processes="2"' in metrics
        assert "cppwax_run_workers 2.0" in metrics
        status = json.loads(read(f"{address}/status")[1])
        assert status["neighbours"] == [{"process_id": 1 - number, "port": port + 1 - number}]
    for worker in range(4):
        process.out.wait_for(f"started {worker}")
    stop(process)


def test_a_failing_dataflow_fails_as_without_pages(start: Start) -> None:
    plain = start(name="fails").end()
    with_pages = start("--dataflow-api", "--dataflow-api-port", "0", name="fails").end()
    assert with_pages.code == plain.code == 1
    assert with_pages.err.endswith(plain.err)


def test_a_failing_metric_disturbs_nothing_else(start: Start) -> None:
    process = start("--dataflow-api", "--dataflow-api-port", "0", name="broken_metric")
    address = address_of(process)
    assert read(f"{address}/metrics") == (500, "ValueError: no figures today\n")
    assert read(f"{address}/healthz")[0] == 200
    stop(process)


def test_strangers_do_not_hold_up_the_end(start: Start) -> None:
    process = start("--dataflow-api", "--dataflow-api-port", "0")
    host, port = address_of(process).removeprefix("http://").split(":")
    with ExitStack() as held:
        for text in (b"", b"GET /metrics HT", b"\x16\x03\x01\x02\x00garbage\r\n\r\n"):
            for _ in range(30):
                stranger = held.enter_context(socket.create_connection((host, int(port)), 20))
                stranger.sendall(text)
        stop(process)


def test_the_next_run_can_have_the_same_port(start: Start) -> None:
    port = str(free_ports(1))
    for _ in range(2):
        process = start("--dataflow-api", "--dataflow-api-port", port)
        assert read(f"{address_of(process)}/healthz")[0] == 200
        stop(process)


def test_programs_of_their_own_have_pages_by_variable(tmp_path: Path) -> None:
    program = (
        "from cppwax.run import cli_main\n"
        "from tests.python.web.flows import short\n"
        "cli_main(short())"
    )
    env = {ENABLED: "1", "CPPWAX_DATAFLOW_API_PORT": "0"}
    ended = Process(["-c", program], env, ROOT).end()
    assert (ended.code, ended.out) == (0, "0\n1\n2\n")
    assert "pages of process 0: http://127.0.0.1:" in ended.err


@pytest.mark.parametrize(
    ("arguments", "env", "said"),
    [
        (["--dataflow-api", "--dataflow-api-port", "x"], {}, "'x' is not a port"),
        (["--dataflow-api", "--dataflow-api-port", "70000"], {}, "give a number up to 65535"),
        (["--dataflow-api-port", "3031"], {}, "add --dataflow-api"),
        (["--dataflow-api-bind", "0.0.0.0"], {}, "add --dataflow-api"),
        ([], {ENABLED: "maybe"}, "--dataflow-api"),
        ([], {ENABLED: "1", "CPPWAX_DATAFLOW_API_PORT": "x"}, "CPPWAX_DATAFLOW_API_PORT"),
    ],
)
def test_wrong_options_are_usage_errors(
    start: Start, arguments: list[str], env: dict[str, str], said: str
) -> None:
    ended = start(*arguments, name="short", **env).end()
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err
