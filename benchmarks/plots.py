"""Draws what was measured, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib

from benchmarks.results import Measured
from benchmarks.workload import Bar, Side

matplotlib.use("svg")
# Text stays text, and the same figures give the same file.
matplotlib.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "cppwax",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)

from matplotlib import pyplot as plt  # noqa: E402  The backend must be chosen before.

_COLOURS = {"cppwax": "#0072b2", "bytewax": "#d55e00", "": "#555555"}
_NAMES = {"cppwax": "cppwax", "bytewax": "Bytewax", "": "loop"}
_MARKERS = {"cppwax": "o", "bytewax": "s", "": "D"}
_UNITS = ("ns ", "µs")
_BARS = {"must": "#cc79a7", "should": "#009e73"}


def draw(sections: dict[str, list[Measured]], folder: Path) -> list[Path]:
    """Draw all plots for which there are rows; return their files."""
    folder.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Any] = {}
    for section, rows in sections.items():
        measured = [row for row in rows if row.costs]
        if not measured:
            continue
        if section == "growth":
            figures[section] = growth(measured)
        elif section == "onebrc":
            figures[section] = sides(measured[0])
        else:
            scaling_rows = [row for row in measured if _speeds(row)]
            costs = [row for row in measured if row not in scaling_rows]
            # What is no cost of an item has a scale of its own.
            costs = [row for row in costs if row.unit.startswith(_UNITS)]
            figures[section] = costs_of(costs) if costs else None
            if scaling_rows:
                figures["scaling"] = scaling(scaling_rows)
    paths = []
    for name, figure in figures.items():
        if figure is not None:
            paths.append(folder / f"{name}.svg")
            figure.savefig(paths[-1], metadata={"Date": None}, bbox_inches="tight")
            plt.close(figure)
    return paths


def _noise(figures: Sequence[float]) -> tuple[float, list[list[float]]]:
    middle = median(figures)
    return middle, [[middle - min(figures)], [max(figures) - middle]]


def _asked(row: Measured, bar: Bar) -> float | None:
    """Return the cost that a bar asks for, as far as it is one."""
    if bar.level == "figure" or bar.times is not None:
        return None
    if bar.of is None:
        return bar.factor
    return bar.factor * median(row.figures(bar.of)) if bar.of in row.costs else None


def costs_of(rows: Sequence[Measured]) -> Any:
    """Draw a line a row, with a dot a side and a mark a bar; cost is logarithmic.

    A dot is hollow if it is what another one of the same library is compared to.
    """
    figure, axes = plt.subplots(figsize=(9, 0.9 + 0.36 * len(rows)))
    labels: dict[str, Any] = {}
    for place, row in enumerate(rows):
        for bar in row.bars:
            if (asked := _asked(row, bar)) is not None:
                style: dict[str, Any] = {
                    "marker": "|",
                    "s": 160,
                    "color": _BARS[bar.level],
                    "linewidths": 2,
                }
                labels[bar.level] = axes.scatter([asked], [place], zorder=1, **style)
        for side in row.costs:
            middle, noise = _noise(row.figures(side))
            is_base = any(b.of == side and b.subject.package == side.package for b in row.bars)
            dot = axes.errorbar(
                [max(middle, 1e-3)],
                [place],
                xerr=noise,
                fmt=_MARKERS[side.package],
                color=_COLOURS[side.package],
                markersize=5,
                markerfacecolor="white" if is_base else None,
                elinewidth=1,
                zorder=2,
            )
            if not is_base:
                labels[_NAMES[side.package]] = dot
    axes.set_yticks(range(len(rows)), [f"{row.name}, {row.unit}" for row in rows])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.grid(axis="both", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("cost: median, least and most of the rounds")
    order = [name for name in ("cppwax", "Bytewax", "loop", "must", "should") if name in labels]
    axes.legend(
        [labels[name] for name in order],
        order,
        loc="lower center",
        bbox_to_anchor=(0.4, 1.0),
        ncols=len(order),
        frameon=False,
    )
    return figure


def _speeds(row: Measured) -> list[Bar]:
    """Return the bars that ask for a speed over a side of the same library."""
    return [
        bar
        for bar in row.bars
        if bar.of is not None
        and bar.inverse
        and bar.subject != bar.of
        and bar.of.package == bar.subject.package
    ]


def scaling(rows: Sequence[Measured]) -> Any:
    """Draw the speed of two workers or processes over one."""
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.6 * len(rows)))
    for place, row in enumerate(rows):
        seen: dict[Side, float] = {}
        for bar in _speeds(row):
            speeds = [1 / ratio for ratio in row.compared(bar)]
            if speeds and bar.subject not in seen:
                at = seen[bar.subject] = place + (0.2 if seen else -0.2)
                middle, noise = _noise(speeds)
                package = bar.subject.package
                axes.barh(
                    [at],
                    [middle],
                    xerr=noise,
                    height=0.36,
                    color=_COLOURS[package],
                    error_kw={"elinewidth": 1, "ecolor": "black"},
                    label=_NAMES[package],
                )
            if bar.level in _BARS and bar.subject in seen:
                at = seen[bar.subject]
                line: dict[str, Any] = {
                    "color": _BARS[bar.level],
                    "linewidth": 2.5,
                    "label": bar.level,
                }
                axes.plot([1 / bar.factor] * 2, [at - 0.22, at + 0.22], **line)
    axes.axvline(1, color="#999999", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("speed of two over one: median, least and most of the rounds")
    handles, names = axes.get_legend_handles_labels()
    unique = dict(zip(names, handles, strict=True))
    axes.legend(
        unique.values(),
        unique.keys(),
        loc="lower center",
        bbox_to_anchor=(0.4, 1.0),
        ncols=len(unique),
        frameon=False,
    )
    return figure


def sides(row: Measured) -> Any:
    """Draw a bar a side."""
    figure, axes = plt.subplots(figsize=(9, 0.9 + 0.3 * len(row.costs)))
    for place, side in enumerate(row.costs):
        middle, noise = _noise(row.figures(side))
        axes.barh([place], [middle], xerr=noise, color=_COLOURS[side.package], height=0.7)
    axes.set_yticks(range(len(row.costs)), [side.label for side in row.costs])
    axes.invert_yaxis()
    axes.set_xlabel(f"{row.unit}, {row.counts} time: median, least and most of the rounds")
    return figure


def growth(rows: Sequence[Measured]) -> Any:
    """Draw a small plot for each job: cost over size."""
    by_line: dict[str, list[Measured]] = {}
    for row in rows:
        by_line.setdefault(row.line, []).append(row)
    columns = 2
    height = -(-len(by_line) // columns)
    figure, all_axes = plt.subplots(height, columns, figsize=(9, 2.4 * height), squeeze=False)
    for axes, (line, of_line) in zip(all_axes.flat, by_line.items(), strict=False):
        of_line.sort(key=lambda row: row.at)
        for side in of_line[0].costs:
            noises = [_noise(row.figures(side)) for row in of_line]
            axes.errorbar(
                [row.at for row in of_line],
                [middle for middle, _ in noises],
                yerr=[[noise[end][0] for _, noise in noises] for end in (0, 1)],
                marker=_MARKERS[side.package],
                color=_COLOURS[side.package],
                markersize=4,
                label=_NAMES[side.package],
            )
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_title(line, fontsize=9)
        axes.set_xlabel(line.partition(";")[0])
        axes.set_ylabel(of_line[0].unit)
        axes.grid(color="#dddddd", linewidth=0.6)
    for axes in list(all_axes.flat)[len(by_line) :]:
        axes.remove()
    all_axes.flat[0].legend(frameon=False)
    figure.tight_layout()
    return figure
