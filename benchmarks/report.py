"""Medians, noise, hits and misses of rows, as text."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from statistics import median

from benchmarks.workload import Bar, Cost, Row, Side

#: A miss is more than this over the bar.
_TOLERANCE = 1.05


@dataclass
class Measured:
    """A row with what its rounds gave: for each side its size, and a cost from each round."""

    row: Row
    sizes: dict[Side, int]
    costs: dict[Side, list[Cost]]

    def figures(self, side: Side, kind: str) -> list[float]:
        """Return cpu or wall of each round, in the row's unit."""
        return [getattr(cost, kind) * self.row.scale for cost in self.costs[side]]

    def ratios(self, bar: Bar) -> list[float]:
        """Compare the two sides of a bar, round by round; nothing if one was not measured."""
        if bar.subject not in self.costs or (bar.of is not None and bar.of not in self.costs):
            return []
        subject = self.figures(bar.subject, self.row.counts)
        if bar.of is None:
            return subject
        of = self.figures(bar.of, self.row.counts)
        return [mine / max(theirs, 1e-9) for mine, theirs in zip(subject, of, strict=True)]


def machine() -> str:
    """Tell what the figures depend on beside the program."""
    packages = " ".join(f"{name} {_version(name)}" for name in ("cppwax", "bytewax"))
    load = os.getloadavg()[0]
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {packages}, "
        f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f} at the start"
        f"{' (busy: figures are rough)' if load > 0.5 else ''}"
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "from its sources" if find_spec(package) else "missing"


def details(measured: Measured) -> str:
    """Show all of a row."""
    row = measured.row
    other = "wall" if row.counts == "cpu" else "cpu"
    rounds = len(next(iter(measured.costs.values())))
    lines = [
        f"{row.name}: {row.title}",
        f"  {row.counts}, {row.unit}; median (min..max) of {rounds} rounds",
    ]
    for side, costs in measured.costs.items():
        beside = median(getattr(cost, other) * row.scale for cost in costs)
        figures = _with_noise(measured.figures(side, row.counts))
        lines.append(
            f"    {side.label:12} {figures:30} {other} {_number(beside):>8}"
            f"   memory {_memory(costs)}   size {measured.sizes[side]:,}"
        )
    lines += [f"  {bar.level:7} {_verdict(measured, bar, noise=True)}" for bar in row.bars]
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
    row = measured.row
    medians = ", ".join(
        f"{side.label} {_number(median(measured.figures(side, row.counts)))}"
        for side in measured.costs
    )
    memory = ", ".join(f"{side.label} {_memory(costs)}" for side, costs in measured.costs.items())
    verdicts = (
        "; ".join(_verdict(measured, bar) for bar in row.bars if bar.level == level) or "-"
        for level in ("must", "should", "figure")
    )
    return (row.name, f"{medians} ({row.unit})", memory, *verdicts)


def _verdict(measured: Measured, bar: Bar, noise: bool = False) -> str:
    ratios = measured.ratios(bar)
    if not ratios:
        return f"{bar.text.format(bar.number(bar.factor))}: not measured"
    middle = median(ratios)
    low, high = sorted((min(ratios), max(ratios)), reverse=bar.inverse)
    around = f" ({bar.number(low)}..{bar.number(high)})" if noise else ""
    if bar.level == "figure":
        return f"{bar.text.format(bar.number(middle))}{around}"
    outcome = "hit" if middle <= bar.factor * _TOLERANCE else "MISS"
    return f"{bar.text.format(bar.number(bar.factor))}: {outcome}, is {bar.number(middle)}{around}"


def _memory(costs: Sequence[Cost]) -> str:
    known = [cost.memory for cost in costs if cost.memory is not None]
    return f"{median(known):.0f} MB" if known else "-"


def _with_noise(figures: list[float]) -> str:
    low, high = _number(min(figures)), _number(max(figures))
    return f"{_number(median(figures)):>8} ({low}..{high})"


def _number(figure: float) -> str:
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"
