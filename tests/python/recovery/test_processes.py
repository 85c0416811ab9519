"""Recovery over several processes: who has which partition, and what all of them refuse alike."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from cppwax.recovery import init_db_dir
from tests.python.cluster.processes import Cluster, Ended, Process, cluster_of

# Sums of all lines with the same remainder; each line is written once, whoever reads and counts.
FLOW = """
import os
import threading
import cppwax.operators as op
from cppwax.connectors.files import DirSource, FileSink
from cppwax.dataflow import Dataflow

def add(total, value):
    total = (total or 0) + value
    return total, total

def get_flow(wait=0.0003, other_step="sum", fails=False):
    flow = Dataflow("summed")
    lines = op.input("inp", flow, DirSource("in", batch_size=5))
    def slowly(line):
        threading.Event().wait(wait)
        if fails:
            raise ValueError("no such line")
        return line
    keyed = op.key_on("key", op.map("slow", lines, slowly), lambda line: str(int(line) % 11))
    sums = op.stateful_map(other_step, op.map_value("number", keyed, int), add)
    texts = op.map("text", sums, lambda pair: (pair[0], f"{pair[0]} {pair[1]}"))
    op.output("out", texts, FileSink("out.txt"))
    return flow
"""
FILES = 4
LINES_A_FILE = 600
PARTITIONS = 3
# The full campaign is longer.
ROUNDS = int(os.environ.get("CPPWAX_KILL_ROUNDS", "6"))
STORE = ("-r", "db", "-s", "0.02", "--stop-timeout", "20")


def numbers() -> range:
    return range(FILES * LINES_A_FILE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a place with a flow, its input, and an empty store."""
    (tmp_path / "summed.py").write_text(FLOW)
    (tmp_path / "in").mkdir()
    for file in range(FILES):
        lines = "".join(f"{number}\n" for number in numbers() if number % FILES == file)
        (tmp_path / "in" / f"{file}.txt").write_text(lines)
    (tmp_path / "db").mkdir()
    init_db_dir(tmp_path / "db", PARTITIONS)
    return tmp_path


def check_output(folder: Path) -> None:
    """Compare with what must have been written: each line's sum depends on the order of its key.

    So the sums of a key, sorted, must begin with its first line and differ by its lines.
    """
    by_key: dict[str, list[int]] = {str(key): [] for key in range(11)}
    for row in (folder / "out.txt").read_text().splitlines():
        key, total = row.split()
        by_key[key].append(int(total))
    for key, totals in by_key.items():
        expected = Counter(number for number in numbers() if str(number % 11) == key)
        steps = Counter(b - a for a, b in zip([0, *totals], totals, strict=False))
        assert steps == expected, key


def written(folder: Path) -> int:
    return (folder / "out.txt").read_text().count("\n")


def local(folder: Path, *options: str, flow: str = "summed.py:get_flow") -> Process:
    """Start the command line, on one process or by `-p` on several."""
    return Process(["-m", "cppwax.run", flow, *STORE, *options], {}, folder)


def test_a_run_goes_on_with_other_numbers_of_processes(folder: Path) -> None:
    chance = random.Random(5)
    lines = 0
    # So slow that none comes to the end of its input before it is told to stop.
    for options in (["-p1"], ["-p2"], ["-p3", "-w2"], ["-w3"], ["-p2"]):
        process = local(folder, *options, flow="summed.py:get_flow(0.03)")
        wait_for_output(folder, lines + chance.randint(20, 60))
        process.send(signal.SIGTERM)
        ended = process.end()
        assert ended.code == 0, ended.err
        lines = written(folder)
    ended = local(folder, "-p2", flow="summed.py:get_flow(0)").end()
    assert ended.code == 0, ended.err
    check_output(folder)


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_when_processes_are_killed(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(ROUNDS):
        with cluster_of(2, folder) as cluster:
            options = [*STORE, "--connect-timeout", "3", "-w", str(chance.randint(1, 2))]
            processes = [cluster.start("summed.py:get_flow", index, *options) for index in (0, 1)]
            victims = chance.choice([processes, processes[:1], processes[1:]])
            number = chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
            try:
                processes[0].end(chance.uniform(0.1, 1.2))
            except subprocess.TimeoutExpired:
                for victim in victims:
                    victim.send(number)
            for process in processes:
                check_end(process.end(60))
    ended = local(folder, "-p3", flow="summed.py:get_flow(0)").end()
    assert ended.code == 0, ended.err
    check_output(folder)


def check_end(ended: Ended) -> None:
    for wrong in ("RecoveryError", "bug in cppwax", "Usage"):
        assert wrong not in ended.err, ended.err


def run_both(cluster: Cluster, *options: str) -> list[Ended]:
    return cluster.run("summed.py:get_flow", *STORE, *options)


def test_partitions_may_lie_on_any_process(folder: Path) -> None:
    places = [folder / "one", folder / "two"]
    for place in places:
        place.mkdir()
    move(folder / "db", places[0], 0)
    move(folder / "db", places[1], 1, 2)
    for lines in (50, 150):
        with cluster_of(2, folder) as cluster:
            processes = [
                cluster.start("summed.py:get_flow(0.03)", index, *STORE, "-r", str(place))
                for index, place in enumerate(places)
            ]
            wait_for_output(folder, lines)
            processes[0].send(signal.SIGTERM)
            assert [process.end().code for process in processes] == [0, 0]
        # And on another one the next time.
        move(places[0], places[1], 0)
        move(places[1], places[0], 1, 2)
    with cluster_of(2, folder) as cluster:
        ends = [
            cluster.start("summed.py:get_flow(0)", index, *STORE, "-r", str(places[index]))
            for index in (0, 1)
        ]
        assert [process.end().code for process in ends] == [0, 0]
    check_output(folder)


def move(source: Path, target: Path, *partitions: int) -> None:
    for partition in partitions:
        for path in source.glob(f"part-{partition}.sqlite3*"):
            shutil.move(path, target / path.name)


def remove_one(folder: Path) -> None:
    (folder / "db" / "part-1.sqlite3").unlink()


def remove_all(folder: Path) -> None:
    shutil.rmtree(folder / "db")
    (folder / "db").mkdir()


def damage_one(folder: Path) -> None:
    with (folder / "db" / "part-2.sqlite3").open("r+b") as file:
        file.seek(0)
        file.write(b"no database")


def open_to_others(folder: Path) -> None:
    (folder / "db" / "part-0.sqlite3").chmod(0o666)


def mix_stores(folder: Path) -> None:
    (folder / "other").mkdir()
    init_db_dir(folder / "other", PARTITIONS)
    shutil.copy(folder / "other" / "part-1.sqlite3", folder / "db" / "part-1.sqlite3")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (remove_one, "nowhere: 1;"),
        (remove_all, "no recovery partition"),
        (damage_one, "part-2.sqlite3"),
        (open_to_others, "chmod go-w"),
        (mix_stores, "of different stores"),
    ],
)
def test_a_store_that_does_not_fit_is_refused_by_all(
    folder: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(folder)
    before = contents(folder / "db")
    with cluster_of(2, folder) as cluster:
        for ended in run_both(cluster):
            assert ended.code == 1, ended.err
            assert said in ended.err
            assert "Error" in ended.err and "lost process" not in ended.err
    assert contents(folder / "db") == before


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_what_one_process_cannot_use_all_refuse(folder: Path) -> None:
    with cluster_of(2, folder) as cluster:
        processes = [
            cluster.start("summed.py:get_flow", 0, *STORE),
            cluster.start("summed.py:get_flow", 1, "-r", "nowhere"),
        ]
        ends = [process.end() for process in processes]
    assert [ended.code for ended in ends] == [1, 1]
    assert "process 1: the recovery folder 'nowhere'" in ends[0].err
    assert "the recovery folder 'nowhere'" in ends[1].err


def test_a_copy_on_another_process_is_refused(folder: Path) -> None:
    shutil.copytree(folder / "db", folder / "copy")
    with cluster_of(2, folder) as cluster:
        processes = [
            cluster.start("summed.py:get_flow", index, "-r", name)
            for index, name in enumerate(["db", "copy"])
        ]
        for process in processes:
            ended = process.end()
            assert ended.code == 1
            assert "is there twice" in ended.err
            assert str(folder / "copy" / "part-0.sqlite3") in ended.err


def test_recovery_on_one_process_only_is_refused(folder: Path) -> None:
    with cluster_of(2, folder) as cluster:
        processes = [
            cluster.start("summed.py:get_flow", 0, *STORE),
            cluster.start("summed.py:get_flow", 1),
        ]
        for index, process in enumerate(processes):
            ended = process.end()
            assert ended.code == 1
            assert f"process {1 - index}" in ended.err
            assert "recovery" in ended.err and "-r" in ended.err


def test_a_second_run_over_the_same_store_is_refused(folder: Path) -> None:
    with cluster_of(2, folder) as first:
        running = first.start_all("summed.py:get_flow(0.01)", *STORE)
        wait_for_output(folder)
        with cluster_of(2, folder) as second:
            for ended in run_both(second):
                assert ended.code == 1
                assert "in use" in ended.err
        running[0].send(signal.SIGTERM)
        for process in running:
            assert process.end().code == 0


def wait_for_output(folder: Path, lines: int = 1) -> None:
    out = folder / "out.txt"
    deadline = time.monotonic() + 30
    while not (out.exists() and written(folder) >= lines):
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def test_states_of_steps_that_are_gone_are_refused_or_dropped_by_all(folder: Path) -> None:
    process = local(folder, "-p2", flow="summed.py:get_flow(0.01)")
    wait_for_output(folder)
    process.send(signal.SIGTERM)
    assert process.end().code == 0
    renamed = 'summed.py:get_flow(0, "total")'
    with cluster_of(2, folder) as cluster:
        for ended in cluster.run(renamed, *STORE):
            assert ended.code == 1
            assert "'summed.sum." in ended.err and "--drop-state" in ended.err
    with cluster_of(2, folder) as cluster:
        one = cluster.start(renamed, 0, *STORE, "--drop-state")
        other = cluster.start(renamed, 1, *STORE)
        for process in (one, other):
            ended = process.end()
            assert ended.code == 1
            assert "some processes were started with --drop-state" in ended.err
    with cluster_of(2, folder) as cluster:
        assert [ended.code for ended in cluster.run(renamed, *STORE, "--drop-state")] == [0, 0]
    with cluster_of(2, folder) as cluster:
        assert [ended.code for ended in cluster.run(renamed, *STORE)] == [0, 0]


def test_a_survivor_says_from_where_a_restart_goes_on(folder: Path) -> None:
    with cluster_of(2, folder) as cluster:
        processes = cluster.start_all("summed.py:get_flow(0.003)", *STORE)
        wait_for_output(folder, 200)
        processes[1].send(signal.SIGKILL)
        ended = processes[0].end()
    assert ended.code == 1
    assert "lost process 1" in ended.err
    assert "a restart resumes from epoch" in ended.err and "at least" in ended.err


def test_a_failure_of_user_code_is_shown_by_all(folder: Path) -> None:
    with cluster_of(2, folder) as cluster:
        for ended in cluster.run("summed.py:get_flow(0, fails=True)", *STORE):
            assert ended.code == 1
            assert "no such line" in ended.err and "summed.slow" in ended.err
    ended = local(folder, "-p2", flow="summed.py:get_flow(0)").end()
    assert ended.code == 0, ended.err
    check_output(folder)
