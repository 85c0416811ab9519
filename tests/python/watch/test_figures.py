"""Figures that are made of what the engine counts."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators as op
from cppwax import _engine
from cppwax._drawing.rendered import to_rendered
from cppwax._watch.edges import core_steps
from cppwax._watch.figures import HotKey, Watch, flat
from cppwax._watch.meters import NoMeters
from cppwax.dataflow import Dataflow, Stream, operator
from cppwax.testing import TestingSink, TestingSource
from tests.python.drawing.pictured import shop
from tests.python.watch.counted import FakeMeters, Row, counted_flow


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def by_id(figures: Any) -> dict[str, Any]:
    return {step.step_id: step for step in flat(figures.steps)}


@pytest.mark.parametrize("worker_count", [1, 3])
def test_steps_composed_of_others_have_what_goes_in_and_out(worker_count: int) -> None:
    flow, meters = counted_flow(), _engine.Meters()
    watch = Watch(flow, meters, Clock())
    _engine.run(flow, worker_count=worker_count, meters=meters)
    steps = by_id(watch.look())
    counts = {
        name: (steps[f"counted.{name}"].items_in, steps[f"counted.{name}"].items_out)
        for name in ("inp", "next", "even", "key", "count", "out")
    }
    assert counts == {
        "inp": (None, 1000),
        "next": (1000, 1000),
        "even": (1000, 500),
        "key": (500, 500),
        "count": (500, 7),
        "out": (7, None),
    }
    assert all(step.waiting == 0 for step in steps.values())


def test_core_steps_are_those_that_the_engine_counts_for() -> None:
    flow, meters = shop(), _engine.Meters()
    _engine.run(flow, meters=meters)
    counted = [row[0] for row in meters.steps()]
    assert sorted(counted) == sorted(
        step.step_id for step in core_steps(to_rendered(flow).substeps)
    )


@operator
def both(step_id: str, one: Stream[Any], two: Stream[Any]) -> Stream[Any]:
    """Compose a step with two inputs."""
    return op.merge("all", op.map("first", one, str), op.map("second", two, str))


def test_all_inputs_of_a_step_count() -> None:
    flow = Dataflow("f")
    a = op.input("a", flow, TestingSource(range(3)))
    b = op.input("b", flow, TestingSource(range(4)))
    op.output("out", both("both", a, b), TestingSink([]))
    meters = _engine.Meters()
    _engine.run(flow, meters=meters)
    figures = by_id(Watch(flow, meters, Clock()).look())["f.both"]
    assert (figures.items_in, figures.items_out) == (7, 7)


def chain() -> Dataflow:
    flow = Dataflow("f")
    op.output("out", op.input("inp", flow, TestingSource([])), TestingSink([]))
    return flow


def rows(out: int, begun: int, worked: float, held: float) -> list[Row]:
    return [
        row
        for worker in (0, 1)
        for row in (
            ("f.inp", worker, 0, 0, out, worked / 4, held),
            ("f.out", worker, out, begun, 0, worked, 0.0),
        )
    ]


def test_rates_are_of_about_the_last_second() -> None:
    clock, meters = Clock(), FakeMeters(opened=[(0, 1, 0), (1, 1, 0)])
    watch = Watch(chain(), meters, clock)
    clock.now += 10
    meters.rows = rows(out=1000, begun=900, worked=5.0, held=2.5)
    figures = watch.look()
    inp, out = figures.steps
    assert (figures.seconds, figures.rate_seconds) == (10, 10)
    assert (inp.in_per_second, inp.out_per_second, out.in_per_second) == (None, 200, 200)
    assert (out.waiting, out.worked_seconds, out.worked_share) == (200, 10.0, 0.5)
    assert (inp.held_seconds, inp.held_share) == (5.0, 0.25)
    for step in range(1, 5):
        clock.now += 0.25
        meters.rows = rows(out=1000 + step * 10, begun=900, worked=5.0 + step / 10, held=2.5)
        figures = watch.look()
    assert figures.rate_seconds == 1
    inp, out = figures.steps
    assert inp.out_per_second == 80
    assert out.worked_share == pytest.approx(0.4)
    assert inp.held_share == 0
    assert [worker.worker_index for worker in figures.workers] == [0, 1]


def test_shares_and_waiting_stay_in_their_bounds() -> None:
    clock, meters = Clock(), FakeMeters([("f.out", 0, 1, 2, 0, 9.0, 0.0)], [(0, 1, 0)])
    watch = Watch(chain(), meters, clock)
    # No time has passed, so that nothing can be said of rates.
    assert watch.look().steps[1].worked_share == 0
    clock.now += 1
    out = watch.look().steps[1]
    assert (out.waiting, out.worked_share) == (0, 1.0)


def test_the_busiest_step_is_followed_inwards() -> None:
    clock = Clock()
    meters = FakeMeters(opened=[(0, 1, 0)])
    watch = Watch(counted_flow(), meters, clock)
    assert watch.look().busiest == []
    clock.now += 1
    meters.rows = [
        ("counted.inp", 0, 0, 0, 5, 0.3, 0.0),
        ("counted.even.flat_map.flat_map_batch", 0, 5, 5, 5, 0.6, 0.0),
    ]
    assert watch.look().busiest == [
        "counted.even",
        "counted.even.flat_map",
        "counted.even.flat_map.flat_map_batch",
    ]


def test_looking_often_keeps_the_rates_right() -> None:
    clock, meters = Clock(), FakeMeters(opened=[(0, 1, 0)])
    watch = Watch(chain(), meters, clock)
    for step in range(1000):
        clock.now += 0.01
        meters.rows = [("f.inp", 0, 0, 0, step + 1, 0.0, 0.0)]
        figures = watch.look()
    assert figures.steps[0].out_per_second == pytest.approx(100)
    assert 0.9 <= figures.rate_seconds <= 1.2


def test_without_meters_there_is_nothing() -> None:
    figures = Watch(chain(), NoMeters(), Clock()).look()
    assert figures.workers == []
    assert [step.items_out for step in figures.steps] == [0, None]


def test_user_code_queues_watermarks_and_hot_keys_are_of_all_workers_within() -> None:
    clock = Clock()
    step = "counted.count.fold_final.stateful.stateful_batch"
    watched = Watch(counted_flow(), meters := FakeMeters(opened=[(0, 1, 0), (1, 1, 0)]), clock)
    stateful = next(
        each.step_id
        for each in core_steps(to_rendered(counted_flow()).substeps)
        if each.op_type == "stateful_batch"
    )
    assert stateful.startswith("counted.count"), step
    clock.now += 1
    meters.rows = [(stateful, 0, 90, 60, 0, 0.75, 0.0), (stateful, 1, 10, 8, 0, 0.5, 0.0)]
    meters.calls = {(stateful, 0): ((1, 2, 0), 0.5), (stateful, 1): ((1, 0, 0), 0.25)}
    meters.standing = {(stateful, 0): (120, 2.0, 1.0, 2.0), (stateful, 1): (120, None, None, None)}
    meters.keys = [(stateful, 0, 300, [("a", 200), ("b", 3)]), (stateful, 1, 100, [("c", 100)])]
    figures = by_id(watched.look())
    for found in (figures["counted.count"], figures[stateful]):
        assert (found.called_seconds, found.called_share) == (0.75, 0.375)
        assert (found.fill, found.watermark_lag) == (0.25, 2.0)
        assert found.hot_keys == [HotKey("a", 0.5), HotKey("c", 0.25)]
    assert figures["counted.inp"].watermark_lag is None
    assert figures["counted.inp"].hot_keys == []
    meters.rows = [(stateful, 0, 900, 0, 0, 0.75, 0.0)]
    assert by_id(watched.look())[stateful].fill == 1.0


def test_the_engine_tells_of_user_code_queues_and_keys() -> None:
    flow, meters = counted_flow(), _engine.Meters()
    assert meters.places() == meters.times() == meters.workers() == meters.hot_keys() == []
    _engine.run(flow, worker_count=2, meters=meters)
    assert meters.workers() == [(0, "ended"), (1, "ended")]
    rooms = {row[0]: row[2] for row in meters.places()}
    # Of what two workers may send, and of what comes from the own one.
    assert rooms["counted.inp"] == 0
    assert rooms["counted.out"] == 2 * 65536 or rooms["counted.out"] == 65536
    for step_id, worker, calls, seconds, snapshots, _ in meters.times():
        assert len(calls) == len(meters.BOUNDS) + 1
        assert (seconds > 0) == any(calls) or sum(calls) > 0, (step_id, worker)
        assert not any(snapshots)
    called = {row[0]: row[3] for row in meters.times()}
    worked = {row[0]: row[5] for row in meters.steps()}
    assert all(called[step] <= worked[step] + 1e-6 for step in worked)
    for _, _, _, _, first, last in meters.places():
        assert (first is None) == (last is None)
        assert first is None or first <= last
    total = sum(row[2] for row in meters.hot_keys())
    assert 256 <= total <= 500
    keys = {key for row in meters.hot_keys() for key, _ in row[3]}
    assert keys == set("0123456")
