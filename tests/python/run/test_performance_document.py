"""What was measured goes through files into a document unharmed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import all as all_pieces
from benchmarks import document
from benchmarks.results import Measured, Piece
from benchmarks.workload import BYTEWAX, CPPWAX, LOOP, Bar, Cost, Side, at_most, part_of

TWO = Side("cppwax -w2", "cppwax", 2)
TEXT = """# By hand
<!-- begin: table -->
old
<!-- end -->
between
### fold
about it
<!-- begin: growth -->
<!-- end -->
"""


def row(name: str, own: float, bytewax: float = 1000.0, loop: float = 100.0) -> Measured:
    bars = (part_of("must", 10), at_most("should", 1.1), Bar("must", 1.5, "{} ns", None))
    measured = Measured(name, f"title of {name}", "ns an item", 1e9, "cpu", bars)
    for side, figure in ((CPPWAX, own), (BYTEWAX, bytewax), (LOOP, loop)):
        measured.sizes[side] = 1000
        measured.costs[side] = [Cost(figure * f * 1e-9, 1.0, 12.0) for f in (0.9, 1.0, 1.2)]
    return measured


def piece(section: str, *rows: Measured, began: str = "2026-01-02 03:04:05+00:00") -> Piece:
    machine = dict.fromkeys(("python", "packages", "revision", "system", "processor"), "some")
    return Piece(section, machine | {"cores": "2"}, 0.25, began, "python -m x", 90.0, [*rows])


def test_a_piece_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "piece.json"
    begun = Piece.begin("table")
    assert begun.machine["cores"] and begun.machine["python"].startswith(("CPython", "PyPy"))
    for measured in (row("fold", 100.0), Measured("free", "t", "ns", 1e9, "wall", obstacle="no")):
        begun.add(measured, path)
        assert Piece.load_from(path) == begun


def test_text_by_hand_is_kept_and_misses_are_linked() -> None:
    pieces = [piece("table", row("chain", 104.0), row("fold", 120.0))]
    text = document.written(TEXT, pieces)
    assert [line for line in text.splitlines() if line in TEXT.splitlines()] == [
        line for line in TEXT.splitlines() if line != "old"
    ]
    assert "*must*: 1 of 4 reached; missed: `chain`, [`fold`](#fold)" in text
    assert "*should*: 1 of 2 reached; missed: [`fold`](#fold)" in text
    assert "| 104 (93.6..125) | 1,000 (900..1,200) | 100 (90..120) |" in text
    assert "1.1x loop: **MISS**, is 1.2 (1.2..1.2)" in text
    # Once more, it is the same.
    assert document.written(text, pieces) == text


def test_later_rows_replace_earlier_ones_if_they_were_measured() -> None:
    earlier = piece("table", row("a", 1.0), row("b", 2.0))
    later = piece("table", row("b", 3.0), Measured("a", "t", "ns", 1e9, "cpu", obstacle="no"))
    rows = document.rows_of([earlier, later], "table")
    assert [(r.name, round(r.figures(CPPWAX)[1])) for r in rows] == [("a", 1), ("b", 3)]
    assert document.rows_of([earlier], "nexmark") == []


def test_sides_of_one_library_are_told_apart() -> None:
    measured = row("scaling", 100.0)
    measured.sizes[TWO], measured.costs[TWO] = 1000, [Cost(5e-8, 1.0)] * 3
    shown = document.rows_table([measured, Measured("free", "t", "ns", 1, "cpu", obstacle="why")])
    assert "-w1: 100 (90..120)<br>-w2: 50 (50..50) | 1,000 (" in shown
    heads, _, *lines = shown.splitlines()
    assert {line.count("|") for line in lines} == {heads.count("|")}


def test_growth_is_sorted_by_size() -> None:
    rows = [row("big", 220.0), row("small", 100.0)]
    for measured, at in zip(rows, (100, 1), strict=True):
        measured.line, measured.at = "keys; fold", at
    text = document.written(TEXT, [piece("growth", *rows)])
    assert "| keys; fold | cppwax | 1 / 100 | 100 / 220 | 2.20 (2.20..2.20) | logarithmic |" in text


def test_each_piece_has_a_place_in_the_document() -> None:
    marks = re.findall(r"<!-- begin: (\w+) -->", document.DOCUMENT.read_text())
    assert sorted(marks) == sorted(["runs", *all_pieces.PIECES])


def test_unknown_piece_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["all", "tables"])
    with pytest.raises(SystemExit):
        all_pieces.main()
    assert "no such piece: tables; there are table, nexmark" in capsys.readouterr().err
