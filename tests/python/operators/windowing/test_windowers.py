"""Windowers: which windows a time lies in, when they close, what they tell."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cppwax.operators.windowing as w
from tests.python.operators.windowing.keyed import ZERO, at, seconds_of, span, told
from tests.python.operators.windowing.model import Grid

_FIVE_OF_TEN = w.SlidingWindower(span(10), span(5), ZERO)
_TENS = w.TumblingWindower(span(10), ZERO)
_SESSIONS = w.SessionWindower(span(10))


def _opened(windower: w.Windower[Any], *times: float) -> Any:
    logic = windower.build(None)
    for time in times:
        logic.open_for(at(time))
    return logic


def _closed(logic: Any, watermark: float) -> list[Any]:
    return [(window_id, told(meta)) for window_id, meta in logic.close_for(at(watermark))]


class TestGrids:
    @pytest.mark.parametrize(
        ("windower", "time", "ids"),
        [
            (_TENS, 0, [0]),
            (_TENS, 9.999999, [0]),
            (_TENS, 10, [1]),
            (_TENS, -0.000001, [-1]),
            (_FIVE_OF_TEN, 0, [-1, 0]),
            (_FIVE_OF_TEN, 4.999999, [-1, 0]),
            (_FIVE_OF_TEN, 5, [0, 1]),
            (_FIVE_OF_TEN, -11, [-4, -3]),
            (w.SlidingWindower(span(10), span(3), ZERO), 9, [0, 1, 2, 3]),
            (w.SlidingWindower(span(10), span(3), ZERO), 10, [1, 2, 3]),
        ],
    )
    def test_begin_is_in_and_end_is_not(
        self, windower: w.Windower[Any], time: float, ids: list[int]
    ) -> None:
        assert windower.build(None).open_for(at(time)) == ids
        assert windower.build(None).late_for(at(time)) == ids

    @given(st.integers(1, 30), st.integers(1, 30), st.integers(-500, 500), st.integers(-50, 50))
    def test_ids_are_those_of_windows_that_the_time_lies_in(
        self, offset: int, more: int, time: int, align: int
    ) -> None:
        grid = Grid(offset + more - 1, offset)
        windower = w.SlidingWindower(span(grid.length), span(offset), at(align))
        assert windower.build(None).open_for(at(time)) == grid.ids_at(time - align)

    def test_close_when_the_watermark_is_at_their_end(self) -> None:
        logic = _opened(_TENS, 3)
        assert _closed(logic, 9.999999) == []
        assert _closed(logic, 10) == [(0, (0, 10, set()))]
        assert logic.is_empty()
        assert _closed(logic, 20) == []

    def test_close_in_the_order_in_which_they_were_opened(self) -> None:
        logic = _opened(_TENS, 25, 3, 45, 14)
        assert [window_id for window_id, _ in _closed(logic, 30)] == [2, 0, 1]
        assert [window_id for window_id, _ in _closed(logic, 50)] == [4]

    def test_tell_the_end_that_comes_first(self) -> None:
        logic = _opened(_TENS, 25, 3)
        assert seconds_of(logic.notify_at()) == 10
        _closed(logic, 10)
        assert seconds_of(logic.notify_at()) == 30
        _closed(logic, 30)
        assert logic.notify_at() is None

    def test_do_not_merge(self) -> None:
        assert not list(_opened(_TENS, 1, 11).merged())

    def test_go_on_from_a_state(self) -> None:
        logic = _FIVE_OF_TEN.build(
            pickle.loads(pickle.dumps(_opened(_FIVE_OF_TEN, 25, 3).snapshot()))
        )
        assert seconds_of(logic.notify_at()) == 5
        assert [window_id for window_id, _ in _closed(logic, 40)] == [4, 5, -1, 0]
        logic = _FIVE_OF_TEN.build(logic.snapshot())
        assert logic.is_empty()

    @pytest.mark.parametrize("when", [w.UTC_MIN, w.UTC_MAX])
    @pytest.mark.parametrize("length", [timedelta(days=3650), timedelta(days=999), timedelta.max])
    @pytest.mark.parametrize("align", [ZERO, w.UTC_MIN, w.UTC_MAX])
    def test_windows_beyond_the_ends_of_time_end_there(
        self, when: datetime, length: timedelta, align: datetime
    ) -> None:
        logic = w.TumblingWindower(length, align).build(None)
        (window_id,) = logic.open_for(when)
        assert logic.notify_at() is not None
        ((closed_id, meta),) = logic.close_for(w.UTC_MAX)
        assert closed_id == window_id
        assert w.UTC_MIN <= meta.open_time <= when <= meta.close_time <= w.UTC_MAX

    def test_metadata_is_in_the_zone_of_align_to(self) -> None:
        berlin = ZoneInfo("Europe/Berlin")
        # Across the change to summer time: a window is as long as it says.
        align = datetime(2024, 3, 31, 0, tzinfo=berlin)
        logic = w.TumblingWindower(timedelta(hours=6), align).build(None)
        logic.open_for(align)
        ((_, meta),) = logic.close_for(w.UTC_MAX)
        assert (meta.open_time.hour, meta.close_time.hour) == (0, 7)
        assert meta.close_time.tzinfo is berlin

    def test_days_of_local_time_are_those_of_what_the_wall_shows_as_if_it_were_utc(self) -> None:
        berlin, day = ZoneInfo("Europe/Berlin"), timedelta(days=1)
        for before in (datetime(2024, 3, 30), datetime(2024, 10, 26)):
            # Noon before the change, late on its day, soon after that, late a day later.
            spans = [timedelta(hours=hours) for hours in (12, 47.5, 48.5, 71.5)]
            local = [(before + passed).replace(tzinfo=berlin) for passed in spans]
            zoned = w.TumblingWindower(day, before.replace(tzinfo=berlin)).build(None)
            wall = w.TumblingWindower(day, before.replace(tzinfo=timezone.utc)).build(None)
            counted = [zoned.open_for(t.astimezone(timezone.utc)) for t in local]
            assert counted == ([[0], [1], [1], [2]] if before.month == 3 else [[0], [2], [2], [3]])
            shown = [
                wall.open_for(t.astimezone(berlin).replace(tzinfo=timezone.utc)) for t in local
            ]
            assert shown == [[0], [1], [2], [2]]

    @pytest.mark.parametrize(
        ("make", "error", "word"),
        [
            (lambda: w.SlidingWindower(span(5), span(10), ZERO), ValueError, "offset"),
            (lambda: w.SlidingWindower(span(5), span(0), ZERO), ValueError, "offset"),
            (lambda: w.SlidingWindower(span(5), span(-5), ZERO), ValueError, "offset"),
            (lambda: w.SlidingWindower(span(-5), span(-5), ZERO), ValueError, "length"),
            (lambda: w.SlidingWindower(5, span(5), ZERO), TypeError, "length"),
            (lambda: w.SlidingWindower(span(5), 5, ZERO), TypeError, "offset"),
            (lambda: w.SlidingWindower(span(5), span(5), None), TypeError, "align_to"),
            (lambda: w.TumblingWindower(span(0), ZERO), ValueError, "length"),
            (lambda: w.TumblingWindower(span(-1), ZERO), ValueError, "length"),
            (lambda: w.TumblingWindower(None, ZERO), TypeError, "length"),
            (lambda: w.TumblingWindower(span(5), datetime(2024, 1, 1)), TypeError, "align_to"),
            (lambda: w.SessionWindower(span(-1)), ValueError, "gap"),
            (lambda: w.SessionWindower(1), TypeError, "gap"),
        ],
    )
    def test_wrong_arguments_are_refused(
        self, make: Any, error: type[Exception], word: str
    ) -> None:
        with pytest.raises(error, match=word):
            make()


class TestSessions:
    def test_the_gap_is_part_of_a_session(self) -> None:
        logic = _SESSIONS.build(None)
        ids = [logic.open_for(at(t)) for t in (0, 10, 20.000001, 10.000001)]
        assert ids == [(0,), (0,), (1,), (0,)]

    def test_a_session_grows_to_both_sides(self) -> None:
        logic = _opened(_SESSIONS, 20, 25, 11)
        assert _closed(logic, 100) == [(0, (11, 25, set()))]

    def test_close_when_the_watermark_is_beyond_the_gap(self) -> None:
        logic = _opened(_SESSIONS, 0, 5)
        assert seconds_of(logic.notify_at()) == 15.000001
        assert _closed(logic, 15) == []
        assert _closed(logic, 15.000001) == [(0, (0, 5, set()))]
        assert logic.notify_at() is None

    def test_close_in_the_order_in_which_they_were_opened(self) -> None:
        logic = _opened(_SESSIONS, 50, 0, 25, 100)
        assert [session_id for session_id, _ in _closed(logic, 70)] == [0, 1, 2]

    def test_a_bridge_makes_one_of_two(self) -> None:
        logic = _opened(_SESSIONS, 20, 0)
        # It goes into the session that was opened first; what stays is the one that begins first.
        assert logic.open_for(at(10)) == (0,)
        assert list(logic.merged()) == [(0, 1)]
        assert list(logic.merged()) == []
        assert _closed(logic, 100) == [(1, (0, 20, {0}))]

    def test_all_ids_that_were_merged_are_told(self) -> None:
        logic = _opened(_SESSIONS, 40, 20, 30, 0, 10)
        assert list(logic.merged()) == [(0, 1), (1, 2)]
        assert _closed(logic, 100) == [(2, (0, 40, {0, 1}))]

    def test_late_values_have_an_id_of_their_own(self) -> None:
        assert list(_SESSIONS.build(None).late_for(at(0))) == [w.LATE_SESSION_ID] == [-1]

    def test_ids_go_on_after_all_are_closed(self) -> None:
        logic = _opened(_SESSIONS, 0, 50)
        _closed(logic, 1000)
        assert not logic.is_empty()
        assert logic.open_for(at(2000)) == (2,)

    def test_go_on_from_a_state(self) -> None:
        logic = _opened(_SESSIONS, 50, 20, 0, 10)
        state = pickle.loads(pickle.dumps(logic.snapshot()))
        assert list(logic.merged()) == [(1, 2)]
        resumed = _SESSIONS.build(state)
        assert list(resumed.merged()) == [(1, 2)]
        assert _closed(resumed, 31) == [(2, (0, 20, {1}))]
        assert resumed.open_for(at(55)) == (0,)
        assert resumed.open_for(at(100)) == (3,)

    def test_a_state_does_not_change_when_the_logic_goes_on(self) -> None:
        logic = _opened(_SESSIONS, 20, 0)
        state = logic.snapshot()
        before = pickle.dumps(state)
        logic.open_for(at(10))
        logic.open_for(at(200))
        assert pickle.dumps(state) == before

    def test_what_is_kept_does_not_grow_with_closed_sessions(self) -> None:
        logic = _SESSIONS.build(None)
        for i in range(1000):
            logic.open_for(at(i * 100))
            _closed(logic, i * 100 + 50)
        assert logic.snapshot() == (1000, [], [])

    def test_without_a_gap_only_equal_times_are_together(self) -> None:
        logic = w.SessionWindower(span(0)).build(None)
        assert [logic.open_for(at(t)) for t in (5, 5, 5.000001)] == [(0,), (0,), (1,)]

    @pytest.mark.parametrize("when", [w.UTC_MIN, w.UTC_MAX])
    @pytest.mark.parametrize("gap", [span(0), span(10), timedelta.max])
    def test_the_ends_of_time(self, when: datetime, gap: timedelta) -> None:
        logic = w.SessionWindower(gap).build(None)
        logic.open_for(when)
        assert list(logic.close_for(w.UTC_MIN)) == []
        assert logic.notify_at() <= w.UTC_MAX
        ((session_id, meta),) = logic.close_for(w.UTC_MAX)
        assert (session_id, meta) == (0, w.WindowMetadata(when, when))


def test_windowers_and_metadata_are_values() -> None:
    assert w.SessionWindower(span(1)) == w.SessionWindower(span(1)) != w.SessionWindower(span(2))
    assert w.TumblingWindower(span(1), ZERO) == w.TumblingWindower(span(1), ZERO)
    assert w.WindowMetadata(at(0), at(1)) == w.WindowMetadata(at(0), at(1), set())
    assert ZERO.tzinfo is timezone.utc
