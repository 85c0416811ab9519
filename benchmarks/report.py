"""Medians, noise, hits and misses of rows, as text."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.results import Measured, Piece
from benchmarks.workload import Bar, Cost

#: A miss is more than this over the bar.
_TOLERANCE = 1.05
#: More load than this before the first run means that others use the machine too.
_BUSY = 0.5


def machine(piece: Piece) -> str:
    """Tell what the figures depend on beside the program."""
    found = piece.machine
    return (
        f"{found['python']}, {found['packages']}, {found['system']}, {found['processor']}, "
        f"{found['cores']} cores, load {piece.load:.1f} at the start"
        f"{' (busy: figures are rough)' if piece.load > _BUSY else ''}"
    )


def details(measured: Measured) -> str:
    """Show all of a row."""
    head = f"{measured.name}: {measured.title}"
    if measured.obstacle:
        return f"{head}\n  not measured: {measured.obstacle}"
    other = "wall" if measured.counts == "cpu" else "cpu"
    rounds = len(next(iter(measured.costs.values())))
    lines = [
        head,
        f"  {measured.counts}, {measured.unit}; median (min..max) of {rounds} rounds, "
        "all results right",
    ]
    for side, costs in measured.costs.items():
        beside = median(measured.figures(side, other))
        lines.append(
            f"    {side.label:18} {with_noise(measured.figures(side)):30}"
            f" {other} {number(beside):>8}"
            f"   memory {memory(costs)}   size {measured.sizes[side]:,}"
        )
    lines += [f"  {bar.level:7} {verdict(measured, bar, noise=True)}" for bar in measured.bars]
    return "\n".join(lines)


def table(all_measured: Sequence[Measured]) -> str:
    """Show one line a row."""
    head = ("row", "medians", "memory", "must", "should", "figures")
    rows = [head, *(_table_row(measured) for measured in all_measured)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    )


def _table_row(measured: Measured) -> tuple[str, ...]:
    if measured.obstacle:
        return (measured.name, measured.obstacle, "-", "-", "-", "-")
    medians = ", ".join(
        f"{side.label} {number(median(measured.figures(side)))}" for side in measured.costs
    )
    used = ", ".join(f"{side.label} {memory(costs)}" for side, costs in measured.costs.items())
    verdicts = (
        "; ".join(verdict(measured, bar) for bar in measured.bars if bar.level == level) or "-"
        for level in ("must", "should", "figure")
    )
    return (measured.name, f"{medians} ({measured.unit})", used, *verdicts)


def is_missed(measured: Measured, bar: Bar) -> bool:
    """Tell whether a bar was looked at and is exceeded."""
    compared = measured.compared(bar)
    return bar.level != "figure" and bool(compared) and median(compared) > bar.factor * _TOLERANCE


def verdict(measured: Measured, bar: Bar, noise: bool = False) -> str:
    """Say whether a bar is hit, and what the figure is."""
    compared = measured.compared(bar)
    asked = bar.text.format(bar.number(bar.factor))
    if not compared:
        return f"{asked}: not measured"
    middle = median(compared)
    low, high = sorted((min(compared), max(compared)), reverse=bar.inverse)
    around = f" ({bar.number(low)}..{bar.number(high)})" if noise else ""
    if bar.level == "figure":
        return f"{bar.text.format(bar.number(middle))}{around}"
    outcome = "MISS" if is_missed(measured, bar) else "hit"
    return f"{asked}: {outcome}, is {bar.number(middle)}{around}"


def memory(costs: Sequence[Cost]) -> str:
    """Show the median of what is known of the memory of some runs."""
    known = [cost.memory for cost in costs if cost.memory is not None]
    return f"{median(known):,.0f} MB" if known else "-"


def with_noise(figures: Sequence[float]) -> str:
    """Show the median, the least and the most."""
    low, high = number(min(figures)), number(max(figures))
    return f"{number(median(figures)):>8} ({low}..{high})"


def number(figure: float) -> str:
    """Show three digits, or all before the point."""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"
