"""The benchmarks still run, in small, and give right results on all sides; no speed is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from benchmarks import harness, processes, report
from benchmarks.__main__ import ROWS
from benchmarks.exchange import Exchange
from benchmarks.idle import Idle
from benchmarks.memory import Peak
from benchmarks.own_source import OwnSource
from benchmarks.results import Measured
from benchmarks.workload import (
    CPPWAX,
    GRAIN,
    LOOP,
    ROOT,
    Cost,
    Counted,
    Library,
    Row,
    Side,
    Workload,
    at_most,
)

#: Many processes, one after the other: long if others keep the machine busy.
_RUN_SECONDS = 390
pytestmark = pytest.mark.timeout(_RUN_SECONDS + 10)

SIDES = [
    pytest.param(row, side, id=f"{row.name}-{side.label}")
    for row in ROWS
    for side in row.sides
    if not side.package or harness.is_installed(side.package)
]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=_RUN_SECONDS,
    )


@pytest.mark.parametrize(("row", "side"), SIDES)
def test_side_gives_the_right_result(row: Row, side: Side) -> None:
    if row.obstacle():
        assert harness.measure(row, 1, 0.01).obstacle
        return
    if not isinstance(row, Workload):
        size = GRAIN if isinstance(row, Counted) else row.size(side, 0.01)
        assert getattr(row.cost(side, size), row.counts) != 0
        return
    # The size of an idle run is a time.
    count = row.size(side, 0.05) if isinstance(row, Idle) else GRAIN
    for size in (count, 0):
        where = [row.name, str(row.sides.index(side)), str(size), "10"]
        done = run("benchmarks", "--one", *where)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout).keys() == {"cpu", "wall", "memory"}


def test_wrong_result_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    class Wrong(OwnSource):
        def flow(self, library: Library) -> Any:
            self._count -= 1
            return super().flow(library)

        def is_right(self) -> bool:
            self._count += 1
            return super().is_right()

    assert Wrong().run_here(CPPWAX, GRAIN, 0) == 1
    assert capsys.readouterr() == ("", "WRONG RESULT\n")


def test_a_wrong_result_of_processes_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = "key1 5\nconnected\nkey2 6\n"
    monkeypatch.setattr(processes, "run_processes", lambda *_: (printed, Cost(1.0, 1.0)))
    row = Exchange()
    assert row.sample(CPPWAX, 11) == Cost(1.0, 1.0)
    with pytest.raises(SystemExit, match="exchange, cppwax: WRONG RESULT: 11, not 12"):
        row.sample(CPPWAX, 12)


def test_rounds_end_in_a_table() -> None:
    done = run("benchmarks", "--rounds", "2", "--seconds", "0.01", "start", "batch_size_one")
    assert done.returncode == 0, done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()[-2:]] == [
        "start",
        "batch_size_one",
    ]


def test_unknown_row_is_refused() -> None:
    done = run("benchmarks", "no_such_row")
    assert done.returncode == 2
    assert "no such row: no_such_row" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("benchmarks.wordcount", "--megabytes", "1"),
        ("benchmarks.flat_memory", "--items", "100000"),
        ("benchmarks.sessions", "--sessions", "20000"),
        ("benchmarks.onebrc", "--rows", "20000", "--rounds", "1", "--only", "ranges", "loop"),
        ("benchmarks.growth", "--quick", "--only", "items; fold_final"),
        ("benchmarks.store_size", "--keys", "200", "--epochs", "40"),
        ("benchmarks.latency", "--rounds", "1", "--items", "400"),
    ],
    ids=" ".join,
)
def test_commands_of_their_own(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "right" in done.stdout


class Asked(Workload):
    """A row whose loop takes 100 ns an item."""

    name = "asked"
    title = "of nothing"
    sides = (CPPWAX, LOOP)

    def prepare(self, count: int, setting: int) -> None:
        raise AssertionError("not to be run")

    def flow(self, library: Library) -> Any:
        raise AssertionError("not to be run")

    def is_right(self) -> bool:
        raise AssertionError("not to be run")


@pytest.mark.parametrize(
    ("nanoseconds", "verdict"), [(130, "1.3x loop: hit"), (140, "1.3x loop: MISS, is 1.4")]
)
def test_verdict(nanoseconds: float, verdict: str) -> None:
    row = Asked()
    row.bars = (at_most("must", 1.3),)
    costs = {
        CPPWAX: [Cost(nanoseconds * 1e-9, 0.0)] * 3,
        LOOP: [Cost(100e-9, 0.0)] * 3,
    }
    measured = Measured.of(row, {CPPWAX: 1, LOOP: 1})
    measured.costs = costs
    assert verdict in report.table([measured])


def test_a_peak_of_memory_is_seen_and_inputs_are_not() -> None:
    inputs = bytes(50_000_000)
    peak = Peak()
    assert peak.megabytes() < 20
    more = bytearray(b"x") * 60_000_000
    assert len(more) + len(inputs) == 110_000_000
    del more
    assert 50 < peak.megabytes() < 100


def test_a_run_has_as_many_items_as_asked_for() -> None:
    done = run("benchmarks", "--rounds", "1", "--items", "20001", "stateless_chain")
    assert done.returncode == 0, done.stderr
    sizes = [line.split()[-1] for line in done.stdout.splitlines() if " size " in line]
    assert sizes and set(sizes) == {"30,000"}
    assert "cppwax" in done.stdout.splitlines()[-1].split("|")[3]
