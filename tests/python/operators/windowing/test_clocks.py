"""Clocks: timestamps, watermarks, and when to wake."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cppwax.operators.windowing as w
from tests.python.operators.windowing.keyed import Now, at, event_clock, seconds_of, span

_FAR_EAST = timezone(timedelta(hours=14))
_FAR_WEST = timezone(timedelta(hours=-12))


def _in_batch(logic: Any, value: Any) -> float:
    logic.before_batch()
    return seconds_of(logic.on_item(value)[1])


def test_the_watermark_lags_by_the_wait() -> None:
    logic = event_clock(10).build(None)
    logic.before_batch()
    assert logic.on_item(5) == (at(5), at(-5))


def test_the_watermark_never_goes_back() -> None:
    logic = event_clock(10).build(None)
    assert [_in_batch(logic, v) for v in (5, 1, 7, 7, 6)] == [-5, -5, -3, -3, -3]


def test_the_watermark_goes_on_as_time_passes() -> None:
    now = Now()
    logic = event_clock(10, now).build(None)
    _in_batch(logic, 5)
    now.seconds = 4
    assert seconds_of(logic.on_notify()) == -1
    # A later timestamp that lags behind the time passed changes nothing.
    assert _in_batch(logic, 8) == -1
    assert _in_batch(logic, 12) == 2
    now.seconds = 5
    assert seconds_of(logic.on_notify()) == 3


def test_there_is_one_now_a_batch() -> None:
    now = Now()
    logic = event_clock(0, now).build(None)
    logic.before_batch()
    logic.on_item(0)
    now.seconds = 100
    assert logic.on_item(1) == (at(1), at(1))


def test_a_system_clock_that_is_set_back_does_not_matter() -> None:
    now = Now(100)
    logic = event_clock(0, now).build(None)
    _in_batch(logic, 0)
    now.seconds = 130
    assert seconds_of(logic.on_notify()) == 30
    now.seconds = 50
    assert seconds_of(logic.on_notify()) == 30
    assert _in_batch(logic, 1) == 30


def test_at_the_end_all_is_over_but_the_state_is_as_before() -> None:
    logic = event_clock(0).build(None)
    _in_batch(logic, 7)
    before = logic.snapshot()
    assert logic.on_eof() == w.UTC_MAX
    assert logic.snapshot() == before


def test_time_that_passes_between_runs_counts() -> None:
    now = Now()
    clock = event_clock(10, now)
    logic = clock.build(None)
    _in_batch(logic, 5)
    now.seconds = 100
    resumed = clock.build(pickle.loads(pickle.dumps(logic.snapshot())))
    assert seconds_of(resumed.on_notify()) == 95


def test_a_run_on_a_machine_that_is_behind_does_not_go_back() -> None:
    now = Now(1000)
    clock = event_clock(10, now)
    logic = clock.build(None)
    _in_batch(logic, 5)
    now.seconds = 500
    resumed = clock.build(logic.snapshot())
    assert seconds_of(resumed.on_notify()) == -5


@given(
    st.integers(0, 20),
    st.lists(st.tuples(st.integers(-5, 9), st.integers(-50, 50)), min_size=1, max_size=20),
)
def test_the_watermark_is_the_greatest_lagging_timestamp_plus_its_age(
    wait: int, steps: list[tuple[int, int]]
) -> None:
    now = Now()
    logic = event_clock(wait, now).build(None)
    seen = []
    latest = 0.0
    for passed, time in steps:
        now.seconds += passed
        latest = max(latest, now.seconds)
        seen.append(time - wait - latest)
        assert _in_batch(logic, time) == max(seen) + latest


class TestIdleAfter:
    def test_the_watermark_goes_on_after_a_pause_only(self) -> None:
        now = Now()
        logic = event_clock(10, now, idle_after=5).build(None)
        _in_batch(logic, 5)
        now.seconds = 4
        assert seconds_of(logic.on_notify()) == -5
        now.seconds = 7
        assert seconds_of(logic.on_notify()) == -3

    def test_any_value_begins_it_anew(self) -> None:
        now = Now()
        logic = event_clock(10, now, idle_after=5).build(None)
        _in_batch(logic, 5)
        now.seconds = 7
        # It is behind; the watermark stays where the pause has brought it.
        assert _in_batch(logic, 1) == -3
        now.seconds = 12
        assert seconds_of(logic.on_notify()) == -3
        now.seconds = 13
        assert seconds_of(logic.on_notify()) == -2

    def test_time_between_runs_is_part_of_it(self) -> None:
        now = Now()
        clock = event_clock(10, now, idle_after=5)
        logic = clock.build(None)
        _in_batch(logic, 5)
        now.seconds = 3
        resumed = clock.build(pickle.loads(pickle.dumps(logic.snapshot())))
        now.seconds = 6
        assert seconds_of(resumed.on_notify()) == -4

    def test_may_be_for_ever(self) -> None:
        now = Now()
        clock = w.EventClock(at, span(10), now, idle_after=timedelta.max)
        logic = clock.build(None)
        _in_batch(logic, 5)
        now.seconds = 1e9
        assert seconds_of(logic.on_notify()) == -5
        assert w.EventClock(at, span(10), idle_after=timedelta.max).build(None) is not None

    def test_waking_is_exact(self) -> None:
        logic = w.EventClock(at, span(10), idle_after=span(3)).build(None)
        logic.before_batch()
        logic.on_item(5)
        came, base = logic.snapshot()
        assert base == at(-5)
        assert logic.to_system_utc(at(20)) == came + span(25 + 3)

    def test_waking_by_an_own_time_counts_what_is_left(self) -> None:
        now = Now()
        logic = event_clock(10, now, idle_after=3).build(None)
        _in_batch(logic, 5)
        now.seconds = 1
        logic.on_notify()
        before = datetime.now(timezone.utc)
        due = logic.to_system_utc(at(20))
        assert due is not None
        assert before + span(27) <= due <= datetime.now(timezone.utc) + span(27)


class TestZones:
    def test_are_converted_to_utc(self) -> None:
        logic = w.EventClock(lambda v: v, span(0)).build(None)
        logic.before_batch()
        timestamp, watermark = logic.on_item(at(0).astimezone(_FAR_EAST))
        assert timestamp == at(0)
        assert timestamp.tzinfo is watermark.tzinfo is timezone.utc

    @pytest.mark.parametrize(
        ("when", "expected"),
        [
            (datetime.min.replace(tzinfo=_FAR_EAST), w.UTC_MIN),
            (datetime.max.replace(tzinfo=_FAR_WEST), w.UTC_MAX),
            (w.UTC_MIN, w.UTC_MIN),
            (w.UTC_MAX, w.UTC_MAX),
        ],
    )
    def test_the_ends_of_time_stay_ends(self, when: datetime, expected: datetime) -> None:
        logic = w.EventClock(lambda v: v, span(0)).build(None)
        logic.before_batch()
        assert logic.on_item(when) == (expected, expected)

    def test_a_watermark_stops_at_the_ends(self) -> None:
        now = Now()
        clock = w.EventClock(lambda v: v, span(60), now_getter=now)
        early, late = clock.build(None), clock.build(None)
        early.before_batch()
        assert early.on_item(w.UTC_MIN)[1] == w.UTC_MIN
        late.before_batch()
        late.on_item(w.UTC_MAX)
        now.seconds = 1000
        assert late.on_notify() == w.UTC_MAX
        patient = w.EventClock(lambda v: v, timedelta.max).build(None)
        patient.before_batch()
        assert patient.on_item(w.UTC_MAX) == (w.UTC_MAX, w.UTC_MIN)
        assert patient.on_notify() == w.UTC_MIN

    @pytest.mark.parametrize("bad", [datetime(2024, 1, 1), 5, None, "2024-01-01"])
    def test_what_is_no_time_with_a_zone_is_refused(self, bad: Any) -> None:
        logic = w.EventClock(lambda v: v, span(0)).build(None)
        logic.before_batch()
        with pytest.raises(TypeError, match="ts_getter.*time zone"):
            logic.on_item(bad)
        with pytest.raises(TypeError, match="now_getter.*time zone"):
            w.EventClock(lambda v: v, span(0), now_getter=lambda: bad).build(None)
        if bad is not None:
            logic = w.EventClock(at, span(0), to_system_utc=lambda when: bad).build(None)
            logic.before_batch()
            logic.on_item(0)
            with pytest.raises(TypeError, match="to_system_utc.*time zone"):
                logic.to_system_utc(at(5))


class TestWaking:
    """`to_system_utc`: when the watermark will have reached a time."""

    def test_is_exact_in_system_time(self) -> None:
        clock = w.EventClock(at, span(10))
        logic = clock.build(None)
        logic.before_batch()
        logic.on_item(5)
        came, base = logic.snapshot()
        assert base == at(-5)
        assert logic.to_system_utc(at(20)) == came + span(25)

    def test_without_a_value_nothing_comes_and_the_end_of_time_does_not_either(self) -> None:
        logic = w.EventClock(at, span(10)).build(None)
        assert logic.to_system_utc(at(0)) is None
        logic.before_batch()
        logic.on_item(5)
        assert logic.to_system_utc(w.UTC_MAX) == w.UTC_MAX

    def test_none_means_only_values_bring_the_watermark_forward(self) -> None:
        logic = w.EventClock(at, span(10), to_system_utc=lambda when: None).build(None)
        assert logic.to_system_utc(at(0)) is None

    def test_an_own_estimate_can_only_be_later(self) -> None:
        soon, late = datetime(2000, 1, 1, tzinfo=timezone.utc), w.UTC_MAX
        for estimate, wakes_at_estimate in ((soon, False), (late, True)):
            clock = w.EventClock(at, span(10), to_system_utc=lambda when, e=estimate: e)
            logic = clock.build(None)
            logic.before_batch()
            logic.on_item(5)
            due = logic.to_system_utc(at(20))
            assert (due == estimate) is wakes_at_estimate
            assert due >= logic.snapshot()[0] + span(25)

    def test_an_own_time_is_looked_at_again_after_the_span_that_lacks(self) -> None:
        logic = event_clock(10).build(None)
        _in_batch(logic, 5)
        before = datetime.now(timezone.utc)
        due = logic.to_system_utc(at(20))
        assert due is not None
        assert before + span(25) <= due <= datetime.now(timezone.utc) + span(25)

    def test_an_own_time_that_stands_still_is_not_looked_at_all_the_time(self) -> None:
        logic = event_clock(10).build(None)
        _in_batch(logic, 5)
        before = datetime.now(timezone.utc)
        due = logic.to_system_utc(at(-5) + timedelta(microseconds=1))
        assert due is not None
        assert due >= before + timedelta(milliseconds=10)

    def test_an_own_time_with_an_own_estimate_wakes_at_the_estimate(self) -> None:
        later = datetime.now(timezone.utc) + span(7)
        clock = w.EventClock(at, span(10), now_getter=Now(), to_system_utc=lambda when: later)
        logic = clock.build(None)
        _in_batch(logic, 5)
        assert logic.to_system_utc(at(20)) == later


class TestSystemClock:
    def test_a_value_happens_when_it_comes(self) -> None:
        logic = w.SystemClock().build(None)
        before = datetime.now(timezone.utc)
        logic.before_batch()
        timestamp, watermark = logic.on_item("any")
        assert before <= timestamp == watermark <= datetime.now(timezone.utc)
        assert logic.on_item("other") == (timestamp, watermark)

    def test_goes_on(self) -> None:
        logic = w.SystemClock().build(None)
        logic.before_batch()
        assert logic.on_item("any")[1] <= logic.on_notify() < logic.on_eof() == w.UTC_MAX

    def test_keeps_no_state_and_wakes_at_the_time_itself(self) -> None:
        logic = w.SystemClock().build(None)
        assert logic.snapshot() is None
        assert logic.to_system_utc(at(5)) == at(5)

    def test_a_system_clock_that_is_set_back_does_not_matter(self) -> None:
        now = Now(100)
        logic = w.SystemClock().build(None)
        logic.now_getter = now
        logic.now = at(0)
        assert seconds_of(logic.on_notify()) == 100
        now.seconds = 50
        assert seconds_of(logic.on_notify()) == 100


@pytest.mark.parametrize(
    ("args", "error", "word"),
    [
        ((5, span(1)), TypeError, "ts_getter"),
        ((at, 5), TypeError, "wait_for_system_duration"),
        ((at, None), TypeError, "wait_for_system_duration"),
        ((at, span(1), 5), TypeError, "now_getter"),
        ((at, span(1), Now(), 5), TypeError, "to_system_utc"),
        ((at, span(-1)), ValueError, "negative"),
    ],
)
def test_wrong_arguments_are_refused(args: Any, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        w.EventClock(*args)


@pytest.mark.parametrize(
    ("options", "error", "word"),
    [
        ({"idle_after": 5}, TypeError, "'idle_after' must be a `timedelta`"),
        ({"idle_after": None}, TypeError, "'idle_after' must be a `timedelta`"),
        ({"idle_after": span(-1)}, ValueError, "'idle_after' must not be negative"),
        ({"watermark": "cluster"}, ValueError, "known are 'key', 'worker'"),
        ({"watermark": ["key"]}, ValueError, "known are 'key', 'worker'"),
    ],
)
def test_wrong_options_are_refused(options: Any, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        w.EventClock(at, span(1), **options)


def test_logics_of_ones_own_do_not_share_a_watermark() -> None:
    class Own(w.EventClock[Any]):
        def build(self, resume_state: Any) -> Any:
            return super().build(resume_state)

    Own(at, span(1))
    with pytest.raises(TypeError, match="`Own` has a `build` of its own"):
        Own(at, span(1), watermark="worker")


def test_clocks_are_values() -> None:
    assert w.SystemClock() == w.SystemClock()
    assert w.EventClock(at, span(1)) == w.EventClock(at, span(1)) != w.EventClock(at, span(2))
