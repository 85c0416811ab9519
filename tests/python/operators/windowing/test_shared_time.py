"""A watermark of the worker: at the end of the data, over a resume, and beyond all times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import cppwax.operators as op
import cppwax.operators.windowing as w
from cppwax.dataflow import Dataflow
from cppwax.inputs import AbortExecution, FixedPartitionedSource, StatefulSourcePartition
from cppwax.recovery import RecoveryConfig, init_db_dir
from cppwax.testing import TestingSink, TestingSource, run_main
from tests.python.operators.windowing.keyed import ZERO, at, seconds_of, span


class Sessions(w.SessionWindower):
    """Has no native form, nor has the other."""


class Tumbling(w.TumblingWindower):
    """A subclass."""


@pytest.mark.parametrize("windower", [w.SessionWindower, Sessions])
def test_early_results_that_come_due_at_the_end_of_the_data(windower: Any) -> None:
    """Their times pass while the keys are told of it, one after the other."""
    clock = w.EventClock(at, span(1000), watermark="worker")
    items = [(f"k{i}", i / 10_000) for i in range(8000)]
    for milliseconds in (20, 60):
        flow = Dataflow("flow")
        up = op.input("inp", flow, TestingSource(items, batch_size=500))
        every = timedelta(milliseconds=milliseconds)
        counts = w.fold_window(
            "fold",
            up,
            clock,
            windower(span(5)),
            int,
            lambda count, _: count + 1,
            int.__add__,
            ordered=False,
            emit=every,
        )
        out: list[Any] = []
        op.output("out", counts.down, TestingSink(out))
        run_main(flow)
        assert {key for key, _ in out} == {key for key, _ in items}


AtTimes = tuple[tuple[int, list[Any]], ...]
"""Batches, each at a system time; a value is the number of a side and a time."""

#: L's values are late for a window of its own, so that L is over at once, but they keep the pause
#: from beginning.
PAUSE: AtTimes = (
    (0, [("K", (0, 1099))]),
    *((now, [("L", (1, 1001))]) for now in range(5, 61, 5)),
    *((82, []), (83, [("M", (1, 1050))]), (84, [])),
)
#: L's first value brings the watermark far beyond what K, which stays, has heard of. When the next
#: one comes, late, enough time has passed for L to be over.
LEAD: AtTimes = (
    (0, [("K", (0, 0))]),
    (1, [("L", (1, 1000))]),
    (3, [("L", (1, 500))]),
    *((4, []), (5, [("M", (1, 500))])),
)


@dataclass
class Steps(FixedPartitionedSource[Any, int], StatefulSourcePartition[Any, int]):
    """Sets the time with each batch, and ends abruptly before one of them, if told."""

    steps: AtTimes
    now: list[float]
    abort_before: float | None = None
    place: int = 0

    def list_parts(self) -> list[str]:
        return ["all"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Steps:
        self.place = resume_state or 0
        return self

    def next_batch(self) -> list[Any]:
        if self.place == len(self.steps):
            raise StopIteration
        now, items = self.steps[self.place]
        if self.abort_before is not None and now >= self.abort_before:
            raise AbortExecution
        self.now[0] = now
        self.place += 1
        return list(items)

    def next_awake(self) -> datetime:
        # Long enough for keys whose time has come to be asked between two batches.
        return datetime.now(timezone.utc) + timedelta(milliseconds=20)

    def snapshot(self) -> int:
        return self.place


def came_late(
    folder: Path,
    step: Callable[[Any, Any], Any],
    steps: AtTimes,
    aborts: tuple[float | None, ...],
    options: dict[str, Any],
) -> list[str]:
    """Tell whose values came late in as many runs, each of which goes on after the one before."""
    folder.mkdir()
    init_db_dir(folder, 1)
    late: list[Any] = []
    now: list[float] = [0]
    clock = w.EventClock(
        lambda value: at(value[1]), now_getter=lambda: at(now[0]), watermark="worker", **options
    )
    for abort_before in aborts:
        flow = Dataflow("flow")
        out = step(op.input("inp", flow, Steps(steps, now, abort_before)), clock)
        op.output("down", out.down, TestingSink([]))
        op.output("late", out.late, TestingSink(late))
        run_main(flow, epoch_interval=timedelta(0), recovery_config=RecoveryConfig(folder))
    return [key for key, _ in late]


@pytest.mark.parametrize("windower", [w.TumblingWindower, Tumbling])
def test_a_pause_that_a_key_which_is_over_began_outlives_a_crash(
    tmp_path: Path, windower: Any
) -> None:
    def step(up: Any, clock: Any) -> Any:
        return w.collect_window("step", up, clock, windower(span(10), ZERO))

    options = {
        "wait_for_system_duration": span(100),
        "to_system_utc": lambda _: datetime.now(timezone.utc),
        "idle_after": span(10),
    }
    whole = came_late(tmp_path / "one", step, PAUSE, (None,), options)
    assert came_late(tmp_path / "two", step, PAUSE, (83, None), options) == whole


class _UnevenLogic(w.WindowerLogic[dict[int, int]]):
    """A window for each value, from its time on; those of late times are short."""

    def __init__(self, ends: dict[int, int] | None) -> None:
        self.ends = dict(ends or {})

    def open_for(self, timestamp: datetime) -> list[int]:
        begin = int(seconds_of(timestamp))
        self.ends[begin] = begin + (3600 if begin < 500 else 1)
        return [begin]

    def late_for(self, timestamp: datetime) -> list[int]:
        return [int(seconds_of(timestamp))]

    def merged(self) -> list[tuple[int, int]]:
        return []

    def close_for(self, watermark: datetime) -> list[Any]:
        over = [begin for begin, end in self.ends.items() if at(end) <= watermark]
        return [(begin, w.WindowMetadata(at(begin), at(self.ends.pop(begin)))) for begin in over]

    def notify_at(self) -> datetime | None:
        return min(map(at, self.ends.values()), default=None)

    def is_empty(self) -> bool:
        return not self.ends

    def snapshot(self) -> dict[int, int]:
        return dict(self.ends)


class _Uneven(w.Windower[dict[int, int]]):
    def build(self, resume_state: dict[int, int] | None) -> _UnevenLogic:
        return _UnevenLogic(resume_state)


def _interval_join(up: Any, clock: Any) -> Any:
    return w.interval_join("step", *_sides(up), clock, span(0), span(3600))


def _as_of_join(up: Any, clock: Any) -> Any:
    right, left = _sides(up)
    return w.as_of_join("step", left, right, clock, span(3600))


def _as_of_join_without_tolerance(up: Any, clock: Any) -> Any:
    """No key that stays is due at any time."""
    right, left = _sides(up)
    return w.as_of_join("step", left, right, clock)


def _uneven_windows(up: Any, clock: Any) -> Any:
    return w.collect_window("step", up, clock, _Uneven())


def _sides(up: Any) -> list[Any]:
    return [op.filter_value(f"side{n}", up, lambda value, n=n: value[0] == n) for n in range(2)]


@pytest.mark.parametrize(
    "step", [_interval_join, _as_of_join, _as_of_join_without_tolerance, _uneven_windows]
)
def test_what_a_key_that_is_over_knew_outlives_a_crash(tmp_path: Path, step: Any) -> None:
    options = {"wait_for_system_duration": span(0), "to_system_utc": lambda _: None}
    for name, aborts in (("one", (None,)), ("two", (4, None))):
        assert came_late(tmp_path / name, step, LEAD, aborts, options) == ["L", "M"]


class _NeverLogic(w.WindowerLogic[None]):
    def open_for(self, timestamp: datetime) -> list[int]:
        return [0]

    def late_for(self, timestamp: datetime) -> list[int]:
        return [0]

    def merged(self) -> list[tuple[int, int]]:
        return []

    def close_for(self, watermark: datetime) -> list[Any]:
        return []

    def notify_at(self) -> datetime:
        return datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))

    def is_empty(self) -> bool:
        return True

    def snapshot(self) -> None:
        return None


class _Never(w.Windower[None]):
    def build(self, resume_state: None) -> _NeverLogic:
        return _NeverLogic()


@pytest.mark.parametrize("watermark", ["key", "worker"])
def test_a_time_beyond_the_last_one_is_never(watermark: Any) -> None:
    flow = Dataflow("flow")
    up = op.input("inp", flow, TestingSource([("a", 1)]))
    step = w.collect_window("step", up, w.EventClock(at, span(0), watermark=watermark), _Never())
    out: list[Any] = []
    op.output("out", step.down, TestingSink(out))
    run_main(flow)
    assert out == []
