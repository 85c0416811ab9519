"""`window`: logics, clocks and windowers of one's own, and what must not go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

import cppwax.operators as op
import cppwax.operators.windowing as w
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource, run_main
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, fails_bare, spread
from tests.python.operators.windowing.flows import FIVES_OF_TEN, SESSIONS, TENS, of_key, windowed
from tests.python.operators.windowing.keyed import Key, Now, at, builder_of, event_clock, span


class Told(w.WindowLogic[Any, Any, list[Any]]):
    """Emits all that happens to it."""

    def __init__(self, state: list[Any] | None) -> None:
        self.seen = list(state or [])

    def on_value(self, value: Any) -> Iterator[Any]:
        self.seen.append(value)
        yield ("value", value)

    def on_merge(self, original: Any) -> list[Any]:
        self.seen += original.seen
        return [("merged", *original.seen)]

    def on_close(self) -> tuple[Any, ...]:
        return (("closed", *self.seen),)

    def snapshot(self) -> list[Any]:
        return list(self.seen)


def _key(windower: Any, wait: float = 0, ordered: bool = True, clock: Any = None) -> Key:
    clock = clock or event_clock(wait)
    return Key(builder_of(lambda s: w.window("step", s, clock, windower, Told, ordered)))


class TestOrderOfEvents:
    def test_late_values_then_values_then_ends(self) -> None:
        key = _key(TENS, ordered=False)
        assert key.batch(5, 12, 4, 13) == [
            (0, "L", 4),
            (0, "E", ("value", 5)),
            (1, "E", ("value", 12)),
            (1, "E", ("value", 13)),
            (0, "E", ("closed", 5)),
            (0, "M", (0, 10, set())),
        ]

    def test_merges_come_after_all_values_of_the_batch(self) -> None:
        key = _key(SESSIONS, wait=100, ordered=False)
        assert key.batch(20, 0, 10, 1) == [
            (0, "E", ("value", 20)),
            (1, "E", ("value", 0)),
            (0, "E", ("value", 10)),
            (1, "E", ("value", 1)),
            (1, "E", ("merged", 20, 10)),
        ]
        assert key.eof() == [(1, "E", ("closed", 0, 1, 20, 10)), (1, "M", (0, 20, {0}))]

    def test_ordered_values_wait_for_the_watermark(self) -> None:
        key = _key(FIVES_OF_TEN, wait=5)
        assert key.batch(8, 6) == []
        assert key.batch(11) == [(0, "E", ("value", 6)), (1, "E", ("value", 6))]
        assert key.eof()[:4] == [
            (0, "E", ("value", 8)),
            (1, "E", ("value", 8)),
            (1, "E", ("value", 11)),
            (2, "E", ("value", 11)),
        ]

    def test_equal_times_stay_in_order_of_arrival_and_are_not_compared(self) -> None:
        values = [(3, object()), (1, object()), (3, object()), (1, object())]
        key = _key(TENS, wait=5)
        key.batch(*values)
        (_, _, (_, *seen)), _ = key.eof()[-2:]
        assert [id(v) for v in seen] == [id(values[i]) for i in (1, 3, 0, 2)]


class TestForgetting:
    def test_a_key_without_open_windows_is_forgotten_with_its_watermark(self) -> None:
        now = Now()
        key = _key(TENS, clock=event_clock(0, now))
        key.batch(5)
        now.seconds = 5
        assert [kind for _, kind, _ in key.notify()] == ["E", "M"]
        assert key.discards == 1
        assert key.batch(1) == [(0, "E", ("value", 1))]

    def test_waiting_values_keep_a_key(self) -> None:
        key = _key(TENS, wait=5)
        key.batch(3)
        assert key.discards == 0

    def test_sessions_keep_their_watermark_and_the_next_id_over_the_end(self) -> None:
        key = _key(SESSIONS)
        key.batch(5)
        key.eof()
        assert key.discards == 0
        key.resume(lambda state: state)
        assert key.batch(4, 100)[:2] == [(-1, "L", 4), (1, "E", ("value", 100))]

    def test_what_is_kept_of_a_key_does_not_grow(self) -> None:
        key = _key(SESSIONS)
        for i in range(500):
            key.batch(i * 100)
        clock_state, windower_state, logic_states, queue = key.logic.snapshot()
        assert len(clock_state) == 2
        assert (windower_state[0], len(windower_state[1])) == (500, 1)
        assert len(logic_states) == 1
        assert queue == []


class OwnClock(w.Clock[Any, Any], w.ClockLogic[Any, Any]):
    """Takes its watermarks from a list."""

    def __init__(self, *watermarks: float) -> None:
        self.watermarks = [at(t) for t in watermarks]

    def build(self, resume_state: Any) -> OwnClock:
        return self

    def before_batch(self) -> None:
        pass

    def on_item(self, value: Any) -> tuple[datetime, datetime]:
        return at(value), self.watermarks.pop(0)

    def on_notify(self) -> datetime:
        return self.watermarks.pop(0)

    def on_eof(self) -> datetime:
        return self.watermarks.pop(0)

    def to_system_utc(self, timestamp: datetime) -> datetime | None:
        return None

    def snapshot(self) -> Any:
        return None


class OwnWindower(w.Windower[Any], w.WindowerLogic[Any]):
    """All in window 7; merges and closes as told."""

    def __init__(self, merges: Any = (), closes: Any = ()) -> None:
        self.merges, self.closes = merges, closes

    def build(self, resume_state: Any) -> OwnWindower:
        return self

    def open_for(self, timestamp: datetime) -> list[int]:
        return [7]

    def late_for(self, timestamp: datetime) -> list[int]:
        return [8, 9]

    def merged(self) -> Any:
        return self.merges

    def close_for(self, watermark: datetime) -> Any:
        return [(window_id, w.WindowMetadata(at(0), at(1))) for window_id in self.closes]

    def notify_at(self) -> datetime | None:
        return None

    def is_empty(self) -> bool:
        return False

    def snapshot(self) -> Any:
        return None


class TestOwnParts:
    def test_a_clock_of_ones_own(self) -> None:
        key = _key(TENS, clock=OwnClock(0, 3, 12, 1000), ordered=False)
        assert key.batch(1, 2)[0] == (0, "L", 2)
        assert key.notify() == [(0, "E", ("closed", 1)), (0, "M", (0, 10, set()))]

    def test_a_clock_that_goes_back_is_refused(self) -> None:
        key = _key(TENS, clock=OwnClock(5, 4))
        key.batch(6)
        with pytest.raises(ValueError, match="'flow.step'.*put the watermark back"):
            key.batch(7)

    def test_a_clock_may_leave_windows_open_at_the_end(self) -> None:
        key = _key(TENS, clock=OwnClock(5, 6))
        key.batch(6)
        assert key.eof() == [(0, "E", ("value", 6))]
        assert key.discards == 0

    def test_a_windower_of_ones_own(self) -> None:
        key = _key(OwnWindower(closes=(7,)), ordered=False)
        assert key.batch(5, 1) == [
            (8, "L", 1),
            (9, "L", 1),
            (7, "E", ("value", 5)),
            (7, "E", ("closed", 5)),
            (7, "M", (0, 1, set())),
        ]
        assert key.discards == 0

    def test_a_window_that_merges_into_itself_stays(self) -> None:
        key = _key(OwnWindower(merges=[(7, 7)]))
        assert key.batch(5) == [(7, "E", ("value", 5))]

    @pytest.mark.parametrize(
        "windower",
        [OwnWindower(closes=(1,)), OwnWindower(merges=[(1, 7)]), OwnWindower(merges=[(7, 1)])],
    )
    def test_a_windower_that_names_what_is_not_open_is_refused(self, windower: Any) -> None:
        with pytest.raises(ValueError, match="'flow.step'.* window 1, which is not open"):
            _key(windower).batch(5)


class _Bad(Told):
    def on_value(self, value: Any) -> Any:
        return None


def test_a_state_of_another_windower_is_refused() -> None:
    tens, sessions = _key(TENS, wait=100, ordered=False), _key(SESSIONS, wait=100, ordered=False)
    for key, other in ((tens, sessions), (sessions, tens)):
        key.batch(1)
        with pytest.raises(TypeError, match="'flow.step': the stored state .* does not fit"):
            other.builder(key.logic.snapshot())


class TestFlows:
    def test_the_three_streams(self, entry_point: EntryPoint) -> None:
        out = windowed(
            entry_point,
            of_key("a", [1, 12, 3]),
            lambda s: w.window("step", s, event_clock(0), TENS, Told),
        )
        assert out.down == of_key(
            "a",
            [
                (0, ("value", 1)),
                (1, ("value", 12)),
                (0, ("closed", 1)),
                (1, ("closed", 12)),
            ],
        )
        assert out.late == [("a", (0, 3))]
        assert out.meta == of_key("a", [(0, (0, 10, set())), (1, (10, 20, set()))])

    def test_each_key_has_a_watermark_of_its_own(self, entry_point: EntryPoint) -> None:
        out = windowed(
            entry_point,
            [("a", 50), ("b", 1), ("a", 2), ("b", 3)],
            lambda s: w.window("step", s, event_clock(0), TENS, Told),
        )
        assert out.late == [("a", (0, 2))]

    def test_all_values_of_a_key_come_together(self, entry_point: EntryPoint) -> None:
        out = spread(
            entry_point,
            lambda s: w.collect_window("step", s, event_clock(100), TENS).down,
        )
        expected = sorted([*range(5)] * entry_point.workers)
        assert out == {key: [(0, expected)] for key in "abcdef"}

    def test_without_items_emits_nothing(self, entry_point: EntryPoint) -> None:
        out = windowed(entry_point, [], lambda s: w.window("step", s, event_clock(0), TENS, Told))
        assert (out.down, out.late, out.meta) == ([], [], [])

    @pytest.mark.parametrize(
        ("make", "error", "match"),
        [
            (
                lambda: (w.EventClock(lambda v: 1 / 0, span(0)), TENS, Told),
                ZeroDivisionError,
                "zero",
            ),
            (
                lambda: (w.EventClock(lambda v: datetime(2024, 1, 1), span(0)), TENS, Told),
                TypeError,
                "ts_getter",
            ),
            (lambda: (event_clock(0), TENS, _Bad), TypeError, "on_value.*iterable"),
            (lambda: (event_clock(0), TENS, lambda state: 5), AttributeError, "on_value"),
        ],
    )
    def test_a_failure_names_step_and_key(
        self, entry_point: EntryPoint, make: Any, error: type[Exception], match: str
    ) -> None:
        for named in ("flow.step", "for key 'a'"):
            with fails(error, match, step=named):
                windowed(entry_point, [("a", 1)], lambda s: w.window("step", s, *make()))

    def test_an_item_that_is_no_keyed_pair_is_refused_bare(self, entry_point: EntryPoint) -> None:
        with fails_bare(TypeError, "flow.step"):
            windowed(entry_point, [5], lambda s: w.window("step", s, event_clock(0), TENS, Told))

    def test_the_entry_point_can_run_the_flow_again(self) -> None:
        out: list[Any] = []
        for _ in range(2):
            out.append(
                windowed(
                    run_main,  # type: ignore[arg-type]
                    [("a", 1)],
                    lambda s: w.window("step", s, event_clock(0), SESSIONS, Told),
                ).meta
            )
        assert out[0] == out[1] == [("a", (0, (1, 1, set())))]


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("clock", (5, TENS, Told)),
        ("clock", (w.SystemClock, TENS, Told)),
        ("windower", (w.SystemClock(), w.TumblingWindower, Told)),
        ("builder", (w.SystemClock(), TENS, None)),
    ],
)
def test_wrong_arguments_are_refused_when_the_step_is_added(name: str, args: Any) -> None:
    with pytest.raises(TypeError, match=f"'flow.step': '{name}'"):
        builder_of(lambda s: w.window("step", s, *args))


def test_a_window_out_is_no_stream() -> None:
    flow = Dataflow("flow")
    items = op.input("inp", flow, TestingSource([]))
    out = w.window("step", items, w.SystemClock(), TENS, Told)
    with pytest.raises(TypeError, match=r"`\.down` or `\.late` or `\.meta`"):
        op.map("map", out, id)
