"""Runs of the command line that are killed, or stopped, at any moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

FLOW = """
import threading
import cppwax.operators as op
from cppwax.connectors.files import FileSink, FileSource
from cppwax.dataflow import Dataflow

def add(total, value):
    total = (total or 0) + value
    return total, total

def get_flow():
    flow = Dataflow("killed")
    lines = op.input("inp", flow, FileSource("in.txt", batch_size=5))
    def slowly(line):
        threading.Event().wait(0.0003)
        return line
    keyed = op.key_on("key", op.map("slow", lines, slowly), lambda line: str(int(line) % 11))
    sums = op.stateful_map("sum", op.map_value("number", keyed, int), add)
    texts = op.map("text", sums, lambda pair: (pair[0], f"{pair[0]} {pair[1]}"))
    op.output("out", texts, FileSink("out.txt"))
    return flow
"""

LINES = 3000
# The full campaign is longer.
ROUNDS = int(os.environ.get("CPPWAX_KILL_ROUNDS", "8"))


def command(workers: int) -> list[str]:
    options = ["-r", "db", "-s", "0.02", "-w", str(workers)]
    return [sys.executable, "-m", "cppwax.run", "killed:get_flow", *options]


def expected() -> Counter[str]:
    totals: Counter[int] = Counter()
    rows: Counter[str] = Counter()
    for number in range(LINES):
        totals[number % 11] += number
        rows[f"{number % 11} {totals[number % 11]}"] += 1
    return rows


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_or_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    monkeypatch.chdir(tmp_path)
    Path("killed.py").write_text(FLOW)
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
        assert "RecoveryError" not in stderr and "bug in cppwax" not in stderr, stderr
    subprocess.run(command(2), check=True, timeout=60)
    assert Counter(Path("out.txt").read_text().split("\n")[:-1]) == expected()
