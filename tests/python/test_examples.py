"""The examples run as their texts say."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_EXPECTED = {
    "examples.simple": ["0", "4", "16", "36", "64"],
    "examples.parametric:get_flow(10)": [str(n) for n in range(1, 11)],
    "examples.join": ["u1: Ada lives in London", "u2: Grace lives in New York"],
    "examples.stateful": [
        "garage: +0.0",
        "garage: +0.5",
        "kitchen: +0.0",
        "kitchen: +1.0",
        "kitchen: +6.0",
    ],
    "examples.custom_connector:get_flow(2)": [],
    "examples.windows": [
        "castle, window 0: 12:00",
        "castle, window 0: 3",
        "castle, window 3: 12:30",
        "castle, window 3: 5",
        "harbour, window 0: 12 12 3",
        "harbour, window 0: 12:00",
        "harbour, window 0: bus 7 too late",
        "harbour, window 1: 12:10",
        "harbour, window 1: 5",
    ],
}


def _run(import_str: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cppwax.run", import_str, *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


def _lines(text: str) -> list[str]:
    return sorted(line.strip() for line in text.splitlines())


@pytest.mark.parametrize("workers", ["1", "3"])
@pytest.mark.parametrize("import_str", _EXPECTED)
def test_example_prints_what_it_should(import_str: str, workers: str) -> None:
    """On one worker and on three."""
    ended = _run(import_str, "-w", workers)
    assert ended.returncode == 0, ended.stderr
    assert _lines(ended.stdout) == sorted(_EXPECTED[import_str])


def test_custom_connector_writes_to_standard_error() -> None:
    """Its sink is one's own."""
    ended = _run("examples.custom_connector:get_flow(2)")
    assert _lines(ended.stderr) == ["one 1", "one 2", "two 1", "two 2"]


def test_wordcount_counts_as_counter_does() -> None:
    """Over the license text."""
    words = re.findall(r"[^\W\d_]+", (ROOT / "LICENSE").read_text("utf-8").lower())
    ended = _run("examples.wordcount:get_flow('LICENSE')", "-w", "2")
    pairs = [line.split() for line in ended.stdout.splitlines()]
    assert {word: int(count) for count, word in pairs} == Counter(words)


def test_all_examples_are_tested() -> None:
    """A new example needs a line above."""
    tested = {name.partition(":")[0] for name in _EXPECTED}
    tested |= {"examples.kafka_totals", "examples.sqlite_sink", "examples.wordcount"}
    present = {f"examples.{p.stem}" for p in (ROOT / "examples").glob("*.py")}
    assert present - {"examples.__init__"} == tested
