"""The jobs whose cost is measured as they grow give the right results."""

from __future__ import annotations

import pytest

from benchmarks import growth, growth_table
from benchmarks.results import Measured
from benchmarks.workload import CPPWAX, GRAIN, LOOP, Cost, Library, Side, Workload

ROWS = [growth.Keys(100), growth.WindowKeys(100), growth.Maps(3), growth.Sums(3)]


def run(row: Workload, side: Side, count: int) -> None:
    row.prepare(count, 0)
    if side.package:
        library = Library(side.package)
        library.run(row.flow(library), 1, None)
    else:
        row.loop()


@pytest.mark.parametrize("side", [CPPWAX, LOOP], ids=lambda side: side.label)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_results_are_right(row: Workload, side: Side) -> None:
    for count in (0, GRAIN):
        run(row, side, count)
        assert row.is_right()


@pytest.mark.parametrize("row", [row for row in ROWS if not isinstance(row, growth.WindowKeys)])
def test_a_wrong_result_is_seen(row: Workload) -> None:
    run(row, LOOP, GRAIN)
    row._tail.count -= 1
    assert not row.is_right()


def test_a_line_has_costs_shared_by_steps_and_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    scale = growth.Scale("steps", (1, 10), lambda n: (growth.Maps(n), GRAIN), lambda n: n)
    costs = {"maps_1": Cost(100e-9, 0.0, 5.0), "maps_10": Cost(500e-9, 0.0, 5.0)}
    monkeypatch.setattr(growth.Maps, "cost", lambda row, *_: costs[row.name])
    shown = growth_table.lines(growth.measure(scale, [CPPWAX], 3))
    assert shown == (
        "| steps | cppwax | 1 / 10 | 100 / 50 | 0.50 (0.50..0.50) | flat | 5 MB / 5 MB |"
    )


@pytest.mark.parametrize(
    ("last", "loop", "verdict"),
    [
        (125, 50, "flat"),
        (126, 50, "logarithmic"),
        (300, 50, "logarithmic"),
        (310, 50, "GROWS"),
        (490, 200, "logarithmic"),
        (510, 200, "GROWS"),
    ],
)
def test_what_growth_means(last: float, loop: float, verdict: str) -> None:
    rows = []
    for at, own in ((10, 100), (1000, last)):
        row = Measured("name", "title", "ns an item", 1e9, "cpu", line="keys", at=at)
        row.costs = {CPPWAX: [Cost(own * 1e-9, 0.0)], LOOP: [Cost(loop * 1e-9, 0.0)]}
        rows.append(row)
    own_line, loop_line = growth_table.lines(rows).splitlines()
    assert f"| {verdict} |" in own_line
    assert "| flat |" in loop_line


@pytest.mark.parametrize("quick", [True, False])
def test_sizes_can_be_measured(quick: bool) -> None:
    names = []
    for scale in growth.scales(quick):
        assert len(scale.sizes) == 3
        for size in scale.sizes:
            row, count = scale.job(size)
            assert count % GRAIN == 0
            if isinstance(row, growth.Keys | growth.WindowKeys):
                assert count % size == 0
            names.append((row.name, count))
    assert len(set(names)) == len(names)
