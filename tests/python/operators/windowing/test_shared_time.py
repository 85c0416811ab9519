"""A watermark of the worker: at the end of the data, over a resume, and beyond all times."""

from __future__ import annotations

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
from tests.python.operators.windowing.keyed import ZERO, at, span


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


#: Each at a system time. L's values are late for a window of its own, so that L is over at once,
#: but they keep the pause from beginning.
STEPS = (
    (0, [("K", 1099)]),
    *((now, [("L", 1001)]) for now in range(5, 61, 5)),
    *((82, []), (83, [("M", 1050)]), (84, [])),
)


@dataclass
class Steps(FixedPartitionedSource[Any, int], StatefulSourcePartition[Any, int]):
    """Sets the time with each batch, and ends abruptly before one of them, if told."""

    now: list[float]
    abort_before: float | None = None
    place: int = 0

    def list_parts(self) -> list[str]:
        return ["all"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Steps:
        self.place = resume_state or 0
        return self

    def next_batch(self) -> list[Any]:
        if self.place == len(STEPS):
            raise StopIteration
        now, items = STEPS[self.place]
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


@pytest.mark.parametrize("windower", [w.TumblingWindower, Tumbling])
def test_a_pause_that_a_key_which_is_over_began_outlives_a_crash(
    tmp_path: Path, windower: Any
) -> None:
    def came_late(folder: Path, *aborts: float | None) -> list[Any]:
        folder.mkdir()
        init_db_dir(folder, 1)
        late: list[Any] = []
        now: list[float] = [0]
        clock = w.EventClock(
            at,
            span(100),
            now_getter=lambda: at(now[0]),
            to_system_utc=lambda _: datetime.now(timezone.utc),
            watermark="worker",
            idle_after=span(10),
        )
        for abort_before in aborts:
            flow = Dataflow("flow")
            up = op.input("inp", flow, Steps(now, abort_before))
            step = w.collect_window("step", up, clock, windower(span(10), ZERO))
            op.output("down", step.down, TestingSink([]))
            op.output("late", step.late, TestingSink(late))
            config = RecoveryConfig(folder)
            run_main(flow, epoch_interval=timedelta(0), recovery_config=config)
        return [key for key, _ in late]

    assert came_late(tmp_path / "two", 83, None) == came_late(tmp_path / "one", None)


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
