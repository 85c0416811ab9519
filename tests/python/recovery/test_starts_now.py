"""Sources that begin where things are at the start: the place outlives a kill, whatever came."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cppwax.recovery import init_db_dir
from tests.python.cluster.processes import Cluster, Process, cluster_of

# Prints what is appended to files after the start.
FLOW = """
from datetime import datetime, timedelta, timezone
from pathlib import Path
import cppwax.operators as op
from cppwax._watch import progress
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.inputs import FixedPartitionedSource, StatefulSourcePartition

progress._LINE_SECONDS = 0.05

class Tail(StatefulSourcePartition):
    def __init__(self, path, place, sleeps):
        self.path = path
        self.place = path.stat().st_size if place is None else place
        self.awake = datetime.now(timezone.utc) + timedelta(hours=1) if sleeps else None

    def next_batch(self):
        with self.path.open("rb") as file:
            file.seek(self.place)
            lines = file.read().splitlines()
            self.place = file.tell()
        return [line.decode() for line in lines]

    def next_awake(self):
        return self.awake

    def snapshot(self):
        return self.place

class TailsSource(FixedPartitionedSource):
    _starts_now = True

    def __init__(self, sleeps):
        self.sleeps = sleeps

    def list_parts(self):
        return [path.name for path in Path("logs").iterdir()]

    def build_part(self, step_id, for_part, resume_state):
        return Tail(Path("logs", for_part), resume_state, self.sleeps)

def get_flow(sleeps=False):
    flow = Dataflow("tails")
    op.output("out", op.input("inp", flow, TailsSource(sleeps)), StdOutSink())
    return flow
"""
STORE = ("-r", "db", "-s", "3600", "--progress")
#: Of the next run, if the one before has closed its first epoch alone.
SECOND_RUN = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tails.py").write_text(FLOW)
    (tmp_path / "logs").mkdir()
    append(tmp_path, "old", "a", "b")
    (tmp_path / "db").mkdir()
    init_db_dir(tmp_path / "db", 2)
    return tmp_path


def append(folder: Path, line: str, *names: str) -> None:
    for name in names:
        with (folder / "logs" / name).open("a") as file:
            file.write(f"{line} {name}\n")


@contextmanager
def run_of(folder: Path, *options: str, flow: str = "get_flow") -> Iterator[Process]:
    """Have a run, which is killed at the end."""
    command = ["-m", "cppwax.run", f"tails.py:{flow}", *STORE, *options]
    process = Process(command, {}, folder)
    try:
        yield process
    finally:
        process.kill()


def wait_until_durable(process: Process, epoch: int = 1) -> None:
    process.err.wait_for(f", {epoch} through")


def wait_for_lines(process: Process, line: str, *names: str) -> None:
    for name in names:
        process.out.wait_for(f"{line} {name}")


@pytest.mark.parametrize(
    ("flow", "workers"),
    [("get_flow", "1"), ("get_flow(sleeps=True)", "3")],
    ids=["idle", "asleep"],
)
def test_a_place_where_nothing_came(folder: Path, flow: str, workers: str) -> None:
    with run_of(folder, "-w", workers, flow=flow) as process:
        wait_until_durable(process)
    append(folder, "new", "a", "b")
    with run_of(folder) as process:
        wait_for_lines(process, "new", "a", "b")
    assert "old" not in process.out.all()


def test_at_interval_zero_before_the_first_poll(folder: Path) -> None:
    with run_of(folder, "-s", "0", flow="get_flow(sleeps=True)") as process:
        wait_until_durable(process)
    append(folder, "new", "a", "b")
    with run_of(folder) as process:
        wait_for_lines(process, "new", "a", "b")


def test_what_the_open_epoch_has_read_is_read_again(folder: Path) -> None:
    with run_of(folder) as process:
        wait_until_durable(process)
        append(folder, "new", "a")
        wait_for_lines(process, "new", "a")
    append(folder, "more", "a")
    with run_of(folder) as process:
        wait_for_lines(process, "more", "a")
    assert process.out.all() == "new a\nmore a\n"


def test_a_new_part_of_a_later_run(folder: Path) -> None:
    with run_of(folder) as process:
        wait_until_durable(process)
    append(folder, "old", "c")
    with run_of(folder) as process:
        wait_until_durable(process, SECOND_RUN)
    append(folder, "new", "a", "b", "c")
    with run_of(folder) as process:
        wait_for_lines(process, "new", "a", "b", "c")
    assert "old" not in process.out.all()


def test_a_stop_keeps_the_place(folder: Path) -> None:
    with run_of(folder) as process:
        wait_until_durable(process)
        process.send(signal.SIGTERM)
        assert process.end().code == 0
    append(folder, "new", "a", "b")
    with run_of(folder) as process:
        wait_for_lines(process, "new", "a", "b")


def test_over_several_processes(folder: Path) -> None:
    names = ["a", "b", "c", "d"]
    append(folder, "old", "c", "d")
    with cluster_of(2, folder) as cluster:
        for process in start_both(cluster):
            wait_until_durable(process)
    append(folder, "new", *names)
    with cluster_of(2, folder) as cluster:
        both = start_both(cluster)
        deadline = time.monotonic() + 30
        while (printed := lines_of(both)) != [f"new {name}" for name in names]:
            assert time.monotonic() < deadline, printed
            threading.Event().wait(0.02)


def lines_of(processes: list[Process]) -> list[str]:
    return sorted(line for each in processes for line in each.out.so_far().splitlines())


def start_both(cluster: Cluster) -> list[Process]:
    return [cluster.start("tails.py:get_flow", index, *STORE, "-w", "2") for index in (0, 1)]
