"""What `growth.py` has measured, as a table, and what it means: flat, logarithmic, or more."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from statistics import median

from benchmarks.report import memory, number
from benchmarks.results import Measured
from benchmarks.workload import LOOP, Side

HEAD = (
    "| what grows | side | sizes | median CPU, ns | the last over the first (min..max) | is "
    "| memory |\n|---|---|---|---|---|---|---|"
)
_FLAT = 1.25


def growths(rows: Sequence[Measured], side: Side) -> list[float]:
    """Return how much dearer the last of the sizes is than the first, round by round."""
    first, last = (row.figures(side) for row in (rows[0], rows[-1]))
    return [end / max(begin, 1e-9) for begin, end in zip(first, last, strict=True)]


def verdict(growth: float, allowed: float) -> str:
    """Say what growth means.

    Args:
        growth: The last cost over the first.
        allowed: The same, if each tenfold had added what an item costs.
    """
    if growth <= _FLAT:
        return "flat"
    return "logarithmic" if growth <= allowed else "GROWS"


def lines(rows: Sequence[Measured]) -> str:
    """Show the sizes of one job, which begin with the least: a line a side."""
    shown = []
    tenfolds = log10(rows[-1].at / rows[0].at)
    firsts = {side: median(rows[0].figures(side)) for side in rows[0].costs}
    for side, first in firsts.items():
        item = max(first, firsts.get(LOOP, 0.0))
        grown = growths(rows, side)
        cells = (
            rows[0].line,
            side.label,
            " / ".join(f"{row.at:,}" for row in rows),
            " / ".join(number(median(row.figures(side))) for row in rows),
            f"{median(grown):.2f} ({min(grown):.2f}..{max(grown):.2f})",
            verdict(median(grown), 1 + tenfolds * item / max(first, 1e-9)),
            " / ".join(memory(row.costs[side]) for row in rows),
        )
        shown.append(f"| {' | '.join(cells)} |")
    return "\n".join(shown)
