"""Writes docs/performance.md and its plots from what the commands have measured.

    .venv/bin/python -m benchmarks.document                  # of benchmarks/results/*.json
    .venv/bin/python -m benchmarks.document table.json growth.json --into /tmp/performance.md

Only what lies between the marks `<!-- begin: NAME -->` and `<!-- end -->` is written; the text
around them is kept. A row that several files have is taken from the latest that has measured it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmarks import growth_table, report
from benchmarks.results import Measured, Piece
from benchmarks.workload import BYTEWAX, CPPWAX, LOOP, ROOT, Side

DOCUMENT = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "benchmarks" / "results"
#: From the folder of the document.
PICTURES = "pictures/performance"

_MARKED = re.compile(r"(<!-- begin: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_LEVELS = ("must", "should", "figure")
_ALONE = {side.label for side in (CPPWAX, BYTEWAX, LOOP)}


def rows_of(pieces: Sequence[Piece], section: str) -> list[Measured]:
    """Return the rows of a section, each as it was measured last, if at all."""
    rows: dict[tuple[str, str, int], Measured] = {}
    for piece in pieces:
        for row in piece.measured if piece.section == section else ():
            key = (row.line, row.name, row.at)
            if key not in rows or row.costs:
                rows[key] = row
    return list(rows.values())


def _runs(pieces: Sequence[Piece]) -> str:
    """Tell where and when each file was measured."""
    lines = ["| measured | began | took | load before | cppwax of | command |", "|---" * 6 + "|"]
    for piece in pieces:
        cells = (
            piece.section,
            piece.began,
            f"{piece.seconds / 60:.0f} min",
            f"{piece.load:.2f}",
            piece.machine["revision"],
            f"`{piece.command}`",
        )
        lines.append(f"| {' | '.join(cells)} |")
    machines = dict.fromkeys(
        "; ".join(
            (
                f"{found['processor']}, {found['cores']} cores",
                found["system"],
                found["python"],
                found["packages"],
            )
        )
        for found in (piece.machine for piece in pieces)
    )
    return "\n".join([*(f"- {machine}" for machine in machines), "", *lines])


def _side_name(row: Measured, side: Side) -> str:
    """Return how a side is called in its library's column: not at all, if it is alone there."""
    if side.label in _ALONE:
        alone = sum(other.package == side.package for other in row.costs) == 1
        return "" if alone else "-w1: "
    return f"{side.label.removeprefix('cppwax ').removeprefix('Bytewax ')}: "


def _column(row: Measured, package: str) -> str:
    costs = [
        _side_name(row, side) + report.with_noise(row.figures(side)).strip()
        for side in row.costs
        if side.package == package
    ]
    return "<br>".join(costs) or "-"


def _bars(row: Measured, level: str) -> str:
    verdicts = [report.verdict(row, bar, noise=True) for bar in row.bars if bar.level == level]
    return "<br>".join(verdicts).replace("MISS", "**MISS**") or "-"


def rows_table(rows: Sequence[Measured]) -> str:
    """Show rows whose sides are cppwax, Bytewax and a loop."""
    levels = [
        level for level in _LEVELS if any(bar.level == level for row in rows for bar in row.bars)
    ]
    names = {"figure": "compared"}
    head = ["row", "cppwax", "Bytewax", "loop", *(names.get(level, level) for level in levels)]
    lines = [f"| {' | '.join([*head, 'peak memory'])} |", "|---" * (len(head) + 1) + "|"]
    for row in rows:
        if row.obstacle:
            lines.append(f"| `{row.name}`<br>{row.title} | {row.obstacle}" + " |" * len(head))
            continue
        costs = [_column(row, package) for package in ("cppwax", "bytewax", "")]
        used = ", ".join(report.memory(of_side) for of_side in row.costs.values())
        rounds = len(next(iter(row.costs.values())))
        work = f"`{row.name}`<br>{row.title}<br>*{row.unit}, {row.counts} time, {rounds} rounds*"
        cells = [work, *costs, *(_bars(row, level) for level in levels), used]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def sides_table(row: Measured) -> str:
    """Show a row with many sides, one a line, over the last one."""
    last = list(row.costs)[-1]
    lines = [
        f"{row.title}; {row.unit}, {len(row.costs[last])} rounds.",
        "",
        f"| | wall | CPU | over {last.label} | peak memory |",
        "|---|---|---|---|---|",
    ]
    for side, costs in row.costs.items():
        pairs = zip(row.figures(side), row.figures(last), strict=True)
        over = median(mine / theirs for mine, theirs in pairs)
        shown = (report.with_noise(row.figures(side, kind)).strip() for kind in ("wall", "cpu"))
        memory = report.memory(costs)
        lines.append(f"| {side.label} | {' | '.join(shown)} | {over:.2f} | {memory} |")
    return "\n".join(lines)


def _summary(rows: Sequence[Measured], document: str) -> str:
    """Count hits, and name what is missed, with a link to what is written about it."""
    lines = []
    for level in ("must", "should"):
        bars = [(row, bar) for row in rows for bar in row.bars if bar.level == level]
        known = [(row, bar) for row, bar in bars if row.compared(bar)]
        missed = [row for row, bar in known if report.is_missed(row, bar)]
        names = dict.fromkeys(row.name for row in missed)
        links = (
            f"[`{name}`](#{name})" if f"\n### {name}\n" in document else f"`{name}`"
            for name in names
        )
        lines.append(
            f"- *{level}*: {len(known) - len(missed)} of {len(known)} reached"
            + (f"; missed: {', '.join(links)}" if names else "")
            + (f"; {len(bars) - len(known)} not measured" if len(bars) > len(known) else "")
        )
    return "\n".join(lines)


def _growth(rows: Sequence[Measured]) -> str:
    by_line: dict[str, list[Measured]] = {}
    for row in rows:
        by_line.setdefault(row.line, []).append(row)
    tables = [growth_table.lines(sorted(of, key=lambda row: row.at)) for of in by_line.values()]
    return "\n".join([growth_table.HEAD, *tables])


def written(document: str, pieces: Sequence[Piece]) -> str:
    """Return the document with what was measured between its marks."""

    def fill(match: re.Match[str]) -> str:
        begin, name, end = match.groups()
        rows = rows_of(pieces, name)
        if name == "runs":
            text = _runs(pieces)
        elif not rows:
            text = "Not measured."
        elif name == "growth":
            text = f"![growth]({PICTURES}/growth.svg)\n\n{_growth(rows)}"
        elif name == "onebrc":
            text = f"![onebrc]({PICTURES}/onebrc.svg)\n\n" + "\n\n".join(map(sides_table, rows))
        elif name == "table":
            pictures = "\n".join(f"![{p}]({PICTURES}/{p}.svg)" for p in ("table", "scaling"))
            text = f"{_summary(rows, document)}\n\n{pictures}\n\n{rows_table(rows)}"
        else:
            text = f"![{name}]({PICTURES}/{name}.svg)\n\n{rows_table(rows)}"
        return f"{begin}{text}\n{end}"

    return _MARKED.sub(fill, document)


def main() -> int:
    """Write it, as a command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, help="benchmarks/results/*.json")
    parser.add_argument("--into", type=Path, default=DOCUMENT, help="docs/performance.md")
    args = parser.parse_args()
    files = args.files or sorted(RESULTS.glob("*.json"))
    if not files:
        parser.error(f"{RESULTS} has no results; `make bench-all` measures")
    if not find_spec("matplotlib"):
        parser.error("the plots need matplotlib: pip install -e '.[bench]'")
    from benchmarks import plots

    pieces = sorted(map(Piece.load_from, files), key=lambda piece: piece.began)
    args.into.parent.mkdir(parents=True, exist_ok=True)
    args.into.write_text(written(DOCUMENT.read_text(), pieces))
    sections = dict.fromkeys(piece.section for piece in pieces)
    all_rows = {section: rows_of(pieces, section) for section in sections}
    for path in plots.draw(all_rows, args.into.parent / PICTURES):
        print(path)
    print(args.into)
    return 0


if __name__ == "__main__":
    sys.exit(main())
