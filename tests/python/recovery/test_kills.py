"""Runs of the command line that are killed, or stopped, at any moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest

HEAD = """
import threading
from datetime import datetime, timedelta, timezone
import cppwax.operators as op
import cppwax.operators.windowing as w
from cppwax.connectors.files import FileSink, FileSource
from cppwax.dataflow import Dataflow

def get_flow():
    flow = Dataflow("killed")
    lines = op.input("inp", flow, FileSource("in.txt", batch_size=5))
    def slowly(line):
        threading.Event().wait(0.0003)
        return line
    keyed = op.key_on("key", op.map("slow", lines, slowly), lambda line: str(int(line) % 11))
    told = step(op.map_value("number", keyed, int))
    texts = op.map("text", told, lambda pair: (pair[0], f"{pair[0]} {pair[1]}"))
    op.output("out", texts, FileSink("out.txt"))
    return flow
"""

SUMS = """
def step(numbers):
    def add(total, value):
        total = (total or 0) + value
        return total, total
    return op.stateful_map("sum", numbers, add)
"""

# A number a minute, and a day's pause after each 300: what passes between two runs is nothing.
WINDOWS = """
BEGIN = datetime(2024, 1, 1, tzinfo=timezone.utc)

def timestamp(number):
    return BEGIN + timedelta(days=number // 300, minutes=number)

def step(numbers):
    clock = w.EventClock(timestamp, timedelta(minutes=30))
    hours = w.collect_window("hours", numbers, clock, w.TumblingWindower(timedelta(hours=1), BEGIN))
    runs = w.fold_window(
        "runs", numbers, clock, w.SessionWindower(timedelta(hours=1)), int,
        lambda total, number: total + number, lambda a, b: a + b, ordered=False,
    )
    return op.merge("all", hours.down, hours.late, runs.down, runs.late)
"""

# Keys may be on other workers in each run: their windows stay the same.
WORKER_WINDOWS = WINDOWS.replace(
    "timedelta(minutes=30)", 'timedelta(minutes=30), watermark="worker"'
)

LINES = 3000
# The full campaign is longer.
ROUNDS = int(os.environ.get("CPPWAX_KILL_ROUNDS", "8"))


def command(workers: int) -> list[str]:
    options = ["-r", "db", "-s", "0.02", "-w", str(workers)]
    return [sys.executable, "-m", "cppwax.run", "killed:get_flow", *options]


def expected_sums() -> Counter[str]:
    totals: Counter[int] = Counter()
    rows: Counter[str] = Counter()
    for number in range(LINES):
        totals[number % 11] += number
        rows[f"{number % 11} {totals[number % 11]}"] += 1
    return rows


def expected_windows() -> Counter[str]:
    hours: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    runs: Counter[tuple[int, int]] = Counter()
    for number in range(LINES):
        key, day = number % 11, number // 300
        hours[key, 24 * day + number // 60].append(number)
        runs[key, day] += number
    windows = chain(hours.items(), runs.items())
    return Counter(f"{key} {(window_id, value)}" for (key, window_id), value in windows)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("step", "expected"),
    [(SUMS, expected_sums), (WINDOWS, expected_windows), (WORKER_WINDOWS, expected_windows)],
    ids=["sums", "windows", "windows_of_a_worker"],
)
def test_nothing_is_lost_or_doubled(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    expected: Callable[[], Counter[str]],
    seed: int,
) -> None:
    chance = random.Random(seed)
    monkeypatch.chdir(tmp_path)
    Path("killed.py").write_text(HEAD + step)
    Path("in.txt").write_text("".join(f"{number}\n" for number in range(LINES)))
    Path("db").mkdir()
    subprocess.run([sys.executable, "-m", "cppwax.recovery", "db", "2"], check=True)
    for _ in range(ROUNDS):
        number = chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
        process = subprocess.Popen(command(chance.randint(1, 3)), stderr=subprocess.PIPE, text=True)
        with process:
            try:
                process.wait(timeout=chance.uniform(0.1, 0.9))
            except subprocess.TimeoutExpired:
                process.send_signal(number)
            _, stderr = process.communicate(timeout=60)
        # A signal may also hit what the interpreter does before the run.
        assert "RecoveryError:" not in stderr and "bug in cppwax" not in stderr, stderr
    subprocess.run(command(2), check=True, timeout=60)
    assert Counter(Path("out.txt").read_text().split("\n")[:-1]) == expected()
