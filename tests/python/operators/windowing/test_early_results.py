"""`emit`: results of windows that are still open."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import cppwax.operators.windowing as w
from tests.python.conftest import EntryPoint
from tests.python.flows import Timed
from tests.python.operators.windowing.flows import (
    FIVES_OF_TEN,
    SESSIONS,
    TENS,
    of_key,
    windowed,
    windowed_from,
)
from tests.python.operators.windowing.keyed import Key, builder_of, event_clock, span


def _key(windower: Any, emit: Any, wait: float = 0, ordered: bool = False) -> Key:
    clock = event_clock(wait)
    return Key(
        builder_of(
            lambda s: w.collect_window("step", s, clock, windower, ordered=ordered, emit=emit)
        )
    )


class TestUpdate:
    def test_tells_once_a_batch_of_each_window_that_changed(self) -> None:
        key = _key(FIVES_OF_TEN, "update")
        assert key.batch(1, 2) == [(-1, "E", [1, 2]), (0, "E", [1, 2])]
        assert key.batch(4) == [(-1, "E", [1, 2, 4]), (0, "E", [1, 2, 4])]

    def test_of_a_window_that_closes_at_once_there_is_only_its_end(self) -> None:
        key = _key(TENS, "update")
        key.batch(1)
        assert key.batch(2, 15) == [(0, "E", [1, 2]), (0, "M", (0, 10, set())), (1, "E", [15])]

    def test_a_notification_tells_nothing_new(self) -> None:
        key = _key(TENS, "update")
        key.batch(1)
        assert key.notify() == []

    def test_what_was_told_does_not_change_any_more(self) -> None:
        key = _key(TENS, "update")
        key.batch(1)
        key.batch(2)
        assert key.events == [(0, "E", [1]), (0, "E", [1, 2])]

    def test_a_session_that_took_in_another_tells_for_both(self) -> None:
        key = _key(SESSIONS, "update", wait=100)
        assert key.batch(20, 0) == [(0, "E", [20]), (1, "E", [0])]
        assert key.batch(10) == [(1, "E", [0, 20, 10])]

    def test_ordered_values_tell_when_the_watermark_has_reached_them(self) -> None:
        key = _key(TENS, "update", wait=5, ordered=True)
        assert key.batch(3, 1) == []
        assert key.batch(7) == [(0, "E", [1])]


@pytest.fixture
def system_time(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The system time that early results go by; the test may change it."""
    from cppwax.operators.windowing import _early

    times = [datetime(2024, 1, 1, tzinfo=timezone.utc)]
    monkeypatch.setattr(_early, "_get_system_utc", lambda: times[0])
    return times


class TestEverySoOften:
    def test_waits_after_a_first_change(self, system_time: list[datetime]) -> None:
        key = _key(TENS, span(5), wait=100)
        begin = system_time[0]
        assert key.batch(1) == []
        assert key.logic.notify_at() == begin + span(5)
        system_time[0] += span(4)
        assert key.batch(12) == []
        assert key.logic.notify_at() == begin + span(5)
        system_time[0] += span(1)
        assert key.notify() == [(0, "E", [1]), (1, "E", [12])]

    def test_begins_anew_with_the_next_change(self, system_time: list[datetime]) -> None:
        key = _key(TENS, span(5), wait=100)
        key.batch(1)
        system_time[0] += span(5)
        key.notify()
        system_time[0] += span(50)
        assert key.notify() == []
        key.batch(2)
        assert key.logic.notify_at() == system_time[0] + span(5)

    def test_a_window_that_has_closed_needs_no_call(self, system_time: list[datetime]) -> None:
        key = _key(SESSIONS, span(5))
        key.batch(1)
        key.eof()
        assert key.logic.notify_at() is None
        assert [kind for _, kind, _ in key.events] == ["E", "M"]

    def test_a_restart_forgets_no_change(self, system_time: list[datetime]) -> None:
        key = _key(TENS, span(5), wait=100)
        key.batch(1)
        key.resume(lambda state: pickle.loads(pickle.dumps(state)))
        assert key.logic.notify_at() == system_time[0] + span(5)
        system_time[0] += span(5)
        assert key.notify() == [(0, "E", [1])]

    def test_wakes_in_a_flow(self, run_one: EntryPoint) -> None:
        clock = event_clock(1000)
        source = Timed([(0, [("a", 1), ("a", 2)]), (0.5, [("a", 3)])])
        out = windowed_from(
            run_one,
            source,
            lambda s: w.collect_window("step", s, clock, TENS, emit=timedelta(milliseconds=20)),
        )
        # Ordered: nothing goes in before the end.
        assert out.down == [("a", (0, [1, 2, 3]))]
        out = windowed_from(
            run_one,
            source,
            lambda s: w.count_window(
                "step",
                s,
                w.SystemClock(),
                w.SessionWindower(span(100)),
                lambda x: x[0],
                emit=timedelta(milliseconds=20),
            ),
        )
        assert out.down == [("a", (0, 2)), ("a", (0, 3))]


_STEPS = {
    "collect": lambda s, **o: w.collect_window("step", s, event_clock(100), TENS, **o),
    "reduce": lambda s, **o: w.reduce_window("step", s, event_clock(100), TENS, max, **o),
    "max": lambda s, **o: w.max_window("step", s, event_clock(100), TENS, **o),
    "min": lambda s, **o: w.min_window("step", s, event_clock(100), TENS, **o),
}


@pytest.mark.parametrize("name", _STEPS)
def test_the_last_result_is_that_without_early_ones(entry_point: EntryPoint, name: str) -> None:
    items = of_key("a", [3, 1, 12, 2])
    plain = windowed(entry_point, items, _STEPS[name])
    early = windowed(entry_point, items, lambda s: _STEPS[name](s, emit="update"))
    assert dict(value for _, value in early.down) == dict(value for _, value in plain.down)
    assert early.meta == plain.meta
    assert name == "collect" or len(early.down) > len(plain.down)


def test_a_logic_of_ones_own_has_early_results_if_it_says_so() -> None:
    class Counted(w.WindowLogic[Any, Any, int]):
        def __init__(self, state: int | None) -> None:
            self.count = state or 0

        def on_value(self, value: Any) -> Any:
            self.count += 1
            return ()

        def on_merge(self, original: Any) -> Any:
            return ()

        def on_close(self) -> Any:
            return [self.count]

        def snapshot(self) -> int:
            return self.count

    class Early(Counted):
        def on_early(self) -> Any:
            return [f"{self.count} so far"]

    for logic, told in ((Counted, []), (Early, [(0, "E", "2 so far")])):
        builder = builder_of(
            lambda s, b=logic: w.window("step", s, event_clock(100), TENS, b, False, emit="update")
        )
        assert Key(builder).batch(1, 2) == told


@pytest.mark.parametrize("emit", ["often", None, 5, span(0), span(-1)])
def test_an_unknown_emit_is_refused(emit: Any) -> None:
    with pytest.raises(ValueError, match="unknown 'emit'"):
        _key(TENS, emit)
