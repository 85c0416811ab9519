"""Windows close by the passing of time: when they should, and without looking all the time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import cppwax.operators as op
import cppwax.operators.windowing as w
from tests.python.conftest import EntryPoint
from tests.python.flows import Timed
from tests.python.operators.windowing.flows import windowed_from
from tests.python.operators.windowing.keyed import seconds_of, span


def _now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass
class _Watched(w.Windower[Any]):
    """Another windower, and how often it was asked what closes, and when something did."""

    windower: w.Windower[Any]
    asked: int = 0
    closed: list[tuple[datetime, datetime]] = field(default_factory=list)
    """When it should have closed, and when it did."""

    def build(self, resume_state: Any) -> w.WindowerLogic[Any]:
        return _WatchedLogic(self, self.windower.build(resume_state))


@dataclass
class _WatchedLogic(w.WindowerLogic[Any]):
    watched: _Watched
    logic: w.WindowerLogic[Any]

    def close_for(self, watermark: datetime) -> Iterable[tuple[int, w.WindowMetadata]]:
        self.watched.asked += 1
        due = self.logic.notify_at()
        closed = list(self.logic.close_for(watermark))
        if closed and watermark != w.UTC_MAX:
            assert due is not None
            self.watched.closed.append((due, _now()))
        return closed

    def open_for(self, timestamp: datetime) -> Iterable[int]:
        return self.logic.open_for(timestamp)

    def late_for(self, timestamp: datetime) -> Iterable[int]:
        return self.logic.late_for(timestamp)

    def merged(self) -> Iterable[tuple[int, int]]:
        return self.logic.merged()

    def notify_at(self) -> datetime | None:
        return self.logic.notify_at()

    def is_empty(self) -> bool:
        return self.logic.is_empty()

    def snapshot(self) -> Any:
        return self.logic.snapshot()


_WINDOWERS = {
    "tumbling": lambda: w.TumblingWindower(timedelta(milliseconds=200), _now()),
    "sliding": lambda: w.SlidingWindower(
        timedelta(milliseconds=200), timedelta(milliseconds=100), _now()
    ),
    "session": lambda: w.SessionWindower(timedelta(milliseconds=200)),
}

# A value, and long nothing: the source sleeps all the while.
_PAUSE = 1.0


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("windower", _WINDOWERS)
@pytest.mark.parametrize("clock", ["system", "event"])
def test_windows_close_on_time_and_nobody_is_busy(
    entry_point: EntryPoint, clock: str, windower: str, ordered: bool
) -> None:
    watched = _Watched(_WINDOWERS[windower]())
    begin = _now()
    wait = timedelta(milliseconds=100)
    clocks: dict[str, w.Clock[Any, Any]] = {
        "system": w.SystemClock(),
        "event": w.EventClock(lambda v: begin, wait),
    }
    source = Timed([(0, [("a", 1)]), (_PAUSE, [("b", 2)])])
    windowed_from(
        entry_point,
        source,
        lambda s: w.collect_window("step", s, clocks[clock], watched, ordered=ordered),
    )
    lag = timedelta(0) if clock == "system" else wait
    assert len(watched.closed) >= 1
    for due, closed in watched.closed[:2]:
        # With an event clock the wait begins when the value comes, a little after `begin`.
        assert span(0) <= closed - (due + lag) < timedelta(milliseconds=400)
    # Per key: each value, its way into the window, the ends of its windows, the end of the stream.
    assert watched.asked <= 2 * 6


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("windower", _WINDOWERS)
@pytest.mark.parametrize("clock", ["system", "event"])
def test_what_a_window_emits_leaves_on_time(
    entry_point: EntryPoint, clock: str, windower: str, ordered: bool
) -> None:
    """Of a windower that is not watched, for which the step has a native form."""
    begin = _now()
    asked: list[datetime] = []
    left: list[datetime] = []

    def no_sooner(when: datetime) -> datetime:
        asked.append(when)
        return when

    clocks: dict[str, w.Clock[Any, Any]] = {
        "system": w.SystemClock(),
        "event": w.EventClock(lambda v: begin, span(0.1), to_system_utc=no_sooner),
    }
    windows = _WINDOWERS[windower]()

    def step(up: Any) -> Any:
        out = w.collect_window("step", up, clocks[clock], windows, ordered=ordered)
        down = op.map("noted", out.down, lambda item: left.append(_now()) or item)
        return w.WindowOut(down, out.late, out.meta)

    source = Timed([(0, [("a", 1)]), (_PAUSE, [("b", 2)])])
    out = windowed_from(entry_point, source, step)
    assert [item for item in out.down if item[0] == "b"]
    closed = [when for key, (_, (_, when, _)) in out.meta if key == "a"]
    assert closed
    lag = 0.0 if clock == "system" else 0.1
    # A session ends where its last value is; the gap is still to come.
    lag += 0.2 if windower == "session" else 0.0
    for due, when in zip(closed, left, strict=False):
        assert lag <= seconds_of(when) - due < lag + 0.4
    # When a value comes, is in its window, and a window ends; of both keys.
    assert len(asked) <= 2 * 6


def test_a_clock_without_system_time_closes_at_the_end_only(run_one: EntryPoint) -> None:
    watched = _Watched(_WINDOWERS["tumbling"]())
    clock = w.EventClock(lambda v: _now(), span(0), to_system_utc=lambda when: None)
    source = Timed([(0, [("a", 1)]), (0.5, [("b", 2)])])
    out = windowed_from(
        run_one, source, lambda s: w.collect_window("step", s, clock, watched, ordered=False)
    )
    assert watched.closed == []
    assert len(out.down) == 2


def test_time_that_stands_still_does_not_keep_anybody_busy(run_one: EntryPoint) -> None:
    begin = _now()
    watched = _Watched(w.TumblingWindower(timedelta(microseconds=1), begin))
    clock = w.EventClock(lambda v: begin, span(0), now_getter=lambda: begin)
    source = Timed([(0, [("a", 1)]), (0.5, [("b", 2)])])
    windowed_from(run_one, source, lambda s: w.collect_window("step", s, clock, watched))
    # A hundredth of a second each, at most.
    assert watched.asked <= 60


def test_far_away_times_do_not_wake(run_one: EntryPoint) -> None:
    watched = _Watched(w.SessionWindower(timedelta.max))
    for when in (w.UTC_MIN, w.UTC_MAX):
        clock = w.EventClock(lambda v, t=when: t, span(0))
        source = Timed([(0, [("a", 1)]), (0.2, [("b", 2)])])
        out = windowed_from(
            run_one, source, lambda s, c=clock: w.collect_window("step", s, c, watched)
        )
        assert len(out.down) == 2
    assert watched.asked <= 2 * 8
