"""The facts that the C++ tests repeat are those of the Python form as it is."""

from __future__ import annotations

from pathlib import Path

from scripts.write_windowing_vectors import vectors

_FILE = Path(__file__).parents[3] / "fixtures/windowing_vectors.txt"


def test_the_recorded_facts_are_up_to_date() -> None:
    assert _FILE.read_text("utf-8") == vectors(), "run `python -m scripts.write_windowing_vectors`"


def test_all_that_can_happen_is_in_them() -> None:
    lines = _FILE.read_text("utf-8").splitlines()
    first_words = {line.split()[0] for line in lines}
    assert first_words == {
        *("case", "batch", "notify", "restart", "eof"),
        *("L", "E", "M", "forgotten", "next"),
    }
    assert sum(line.startswith("M ") and len(line.split()) > 5 for line in lines) > 5
