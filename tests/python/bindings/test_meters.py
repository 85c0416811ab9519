"""What the engine counts of a run, for those who watch it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import cppwax.operators as op
from cppwax import _engine
from cppwax.dataflow import Dataflow
from cppwax.outputs import FixedPartitionedSink, StatefulSinkPartition
from cppwax.testing import TestingSink, TestingSource
from tests.python.bindings.child import PROGRAMS

COUNT = 1000
DEADLINE_SECONDS = 30.0


def counted_flow(out: list[Any]) -> Dataflow:
    """Make a flow of a chain, a keyed step and a sink."""
    flow = Dataflow("counted")
    numbers = op.input("inp", flow, TestingSource(range(COUNT), batch_size=10))
    even = op.filter("even", op.map("next", numbers, lambda n: n + 1), lambda n: n % 2 == 0)
    doubled = op.flat_map("twice", even, lambda n: [n, n])
    keyed = op.key_on("key", doubled, lambda n: str(n % 7))
    op.output("out", op.count_final("count", keyed, lambda pair: pair[0]), TestingSink(out))
    return flow


def totals(meters: _engine.Meters) -> dict[str, tuple[int, int, int]]:
    """Sum what has arrived, begun, and been emitted over all workers, by step."""
    sums: dict[str, tuple[int, int, int]] = {}
    for step, _worker, arrived, began, emitted, _worked, _held in meters.steps():
        a, b, e = sums.get(step, (0, 0, 0))
        sums[step] = (a + arrived, b + began, e + emitted)
    return sums


@pytest.mark.parametrize("worker_count", [1, 3])
def test_every_step_counts_its_items(worker_count: int) -> None:
    out: list[Any] = []
    meters = _engine.Meters()
    assert meters.steps() == []
    assert meters.epochs() == []
    _engine.run(counted_flow(out), worker_count=worker_count, meters=meters)
    assert len(out) == 7
    sums = totals(meters)
    core = {step.removeprefix("counted."): counts for step, counts in sums.items()}
    assert core["inp"] == (0, 0, COUNT)
    assert core["next.flat_map_batch"] == (COUNT, COUNT, COUNT)
    assert core["even.flat_map.flat_map_batch"] == (COUNT, COUNT, COUNT // 2)
    assert core["twice.flat_map_batch"] == (COUNT // 2, COUNT // 2, COUNT)
    assert core["out"] == (7, 7, 0)
    assert all(arrived == began for arrived, began, _ in sums.values())


def test_workers_and_times_are_told() -> None:
    meters = _engine.Meters()
    _engine.run(counted_flow([]), worker_count=2, meters=meters)
    rows = meters.steps()
    assert {row[1] for row in rows} == {0, 1}
    worked = [row[5] for row in rows]
    assert all(0 <= seconds < DEADLINE_SECONDS for seconds in worked)
    assert any(worked)
    (first, opened, through), second = meters.epochs()
    assert (first, second[0]) == (0, 1)
    assert 1 <= through <= opened


class _SlowSink(FixedPartitionedSink[int, None], StatefulSinkPartition[int, None]):
    """A sink on the second worker that takes its time with each batch until it is to hurry."""

    def __init__(self) -> None:
        self.hurry = threading.Event()

    def list_parts(self) -> list[str]:
        return ["0", "1"]

    def part_fn(self, item_key: str) -> int:
        return 1

    def build_part(self, *_what: Any) -> _SlowSink:
        return self

    def write_batch(self, values: list[int]) -> None:
        self.hurry.wait(0.002)

    def snapshot(self) -> None:
        return None


def wait_until(is_so: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(DEADLINE_SECONDS * 100)):
        if is_so():
            return
        pause.wait(0.01)
    raise AssertionError("it did not happen in time")


def test_who_waits_and_who_is_held_back_can_be_seen() -> None:
    sink = _SlowSink()
    flow = Dataflow("slow")
    numbers = op.input("inp", flow, TestingSource(range(500_000), batch_size=1000))
    op.output("out", op.key_on("key", numbers, str), sink)
    meters = _engine.Meters()
    run = threading.Thread(
        target=_engine.run,
        args=(flow,),
        kwargs={"worker_count": 2, "epoch_interval": timedelta(seconds=10), "meters": meters},
    )
    run.start()

    def held(step: str) -> float:
        return sum(row[6] for row in meters.steps() if row[0] == step)

    def waiting(step: str) -> int:
        return sum(row[2] - row[3] for row in meters.steps() if row[0] == step)

    try:
        wait_until(lambda: waiting("slow.out") > 0)
        wait_until(lambda: held("slow.inp") > 0)
        before = held("slow.inp")
        wait_until(lambda: held("slow.inp") > before)
    finally:
        sink.hurry.set()
        run.join(DEADLINE_SECONDS)
    assert not run.is_alive()
    assert waiting("slow.out") == 0
    assert held("slow.out") == 0


def test_meters_are_of_one_run() -> None:
    meters = _engine.Meters()
    _engine.run(counted_flow([]), meters=meters)
    with pytest.raises(ValueError, match="make new ones"):
        _engine.run(counted_flow([]), meters=meters)


def test_who_asks_for_hot_keys_never_waits_for_user_code() -> None:
    ended = subprocess.run(
        [sys.executable, str(PROGRAMS / "hot_keys.py")], capture_output=True, text=True, timeout=90
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "3000\n", "")
