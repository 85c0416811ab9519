"""`interval_join` and `as_of_join`, against models that look at all pairs."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cppwax.operators as op
import cppwax.operators.windowing as w
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSink, TestingSource
from tests.python.conftest import EntryPoint
from tests.python.operators.windowing.keyed import Now, _find_builder, at, event_clock, span

_more = settings(max_examples=300, deadline=None)


class _Sides:
    """One key of a join, driven by hand; values are `(time, number)`."""

    def __init__(self, join: Callable[[Any, Any, Any], Any], wait: float) -> None:
        self.now = Now()
        self.forgets = True
        flow = Dataflow("flow")
        ups = [op.input(f"in{i}", flow, TestingSource([])) for i in range(2)]
        join(*ups, event_clock(wait, self.now))
        self.builder: Any = _find_builder(flow.substeps[-1])
        self.logic: Any = None
        self.rows: list[Any] = []
        self.late: list[Any] = []

    def batch(self, *labelled: Any) -> None:
        self.logic = self.logic or self.builder(None)
        self._take(self.logic.on_batch(list(labelled)))

    def notify(self) -> None:
        if self.logic is not None:
            self._take(self.logic.on_notify())

    def eof(self) -> None:
        if self.logic is not None:
            self._take(self.logic.on_eof())

    def restart(self) -> None:
        if self.logic is not None:
            self.logic = self.builder(pickle.loads(pickle.dumps(self.logic.snapshot())))

    def _take(self, answer: Any) -> None:
        events, discard = answer
        for kind, value in events:
            (self.rows if kind == "E" else self.late).append(value)
        if discard and self.forgets:
            self.logic = None


_values = st.tuples(st.integers(0, 1), st.integers(-10, 60))
_schedules = st.lists(st.tuples(st.lists(_values, max_size=6), st.booleans()), max_size=10)


def _drive(sides: _Sides, schedule: list[tuple[list[tuple[int, int]], bool]]) -> list[Any]:
    """Give the values batch by batch, with restarts; return all that were taken in time."""
    # With its watermark a key would forget that later values are late.
    sides.forgets = False
    count = 0
    labelled = []
    for batch, restart in schedule:
        numbered = [(side, (time, count + i)) for i, (side, time) in enumerate(batch)]
        count += len(batch)
        labelled += numbered
        if restart:
            sides.restart()
        if numbered:
            sides.batch(*numbered)
        else:
            sides.notify()
    sides.eof()
    return [v for v in labelled if v not in sides.late]


def _interval(lower: int, upper: int, mode: str = "inner") -> Callable[[Any, Any, Any], Any]:
    return lambda a, b, clock: w.interval_join(
        "step",
        a,
        b,
        clock,
        span(lower),
        span(upper),
        mode,  # type: ignore[arg-type]
    )


def _as_of(tolerance: timedelta = timedelta.max) -> Callable[[Any, Any, Any], Any]:
    return lambda a, b, clock: w.as_of_join("step", a, b, clock, tolerance)


class TestInterval:
    @_more
    @given(
        st.integers(0, 40),
        st.integers(-20, 20),
        st.integers(0, 20),
        st.sampled_from(["inner", "left", "outer"]),
        _schedules,
    )
    def test_pairs_all_that_are_near_and_came_in_time(
        self, wait: int, lower: int, width: int, mode: str, schedule: Any
    ) -> None:
        sides = _Sides(_interval(lower, lower + width, mode), wait)
        taken = _drive(sides, schedule)
        lefts = [value for side, value in taken if side == 0]
        rights = [value for side, value in taken if side == 1]
        pairs = [(x, y) for x in lefts for y in rights if lower <= y[0] - x[0] <= lower + width]
        expected = pairs
        if mode != "inner":
            expected = expected + [(x, None) for x in lefts if x not in [p[0] for p in pairs]]
        if mode == "outer":
            expected = expected + [(None, y) for y in rights if y not in [p[1] for p in pairs]]
        assert sorted(map(repr, sides.rows)) == sorted(map(repr, expected))

    def test_both_ends_are_included(self) -> None:
        sides = _Sides(_interval(-2, 5), 100)
        sides.batch((0, (10, "left")))
        sides.batch(*((1, (time, "")) for time in (7, 8, 15, 16)))
        assert [right[0] for _, right in sides.rows] == [8, 15]

    def test_rows_come_at_once_and_in_order_of_time(self) -> None:
        sides = _Sides(_interval(-5, 5), 100)
        sides.batch((1, (12, "b")), (1, (8, "a")))
        sides.batch((0, (10, "x")))
        assert sides.rows == [((10, "x"), (8, "a")), ((10, "x"), (12, "b"))]

    def test_a_value_alone_is_told_when_no_partner_can_come(self) -> None:
        sides = _Sides(_interval(0, 5, "left"), 10)
        sides.batch((0, (0, "x")))
        sides.now.seconds = 15
        sides.notify()
        assert sides.rows == []
        sides.now.seconds = 15.000001
        sides.notify()
        assert sides.rows == [((0, "x"), None)]
        assert sides.logic is None

    def test_wakes_just_then(self) -> None:
        flow = Dataflow("flow")
        ups = [op.input(f"in{i}", flow, TestingSource([])) for i in range(2)]
        w.interval_join("step", *ups, w.EventClock(at, span(10)), span(0), span(5))
        builder: Any = _find_builder(flow.substeps[-1])
        logic = builder(None)
        logic.on_batch([(0, 0)])
        (came, _), _ = logic.snapshot()
        assert logic.notify_at() == came + span(15) + timedelta(microseconds=1)

    def test_what_is_kept_does_not_grow(self) -> None:
        sides = _Sides(_interval(-5, 5), 10)
        for i in range(300):
            sides.batch((i % 2, (i, i)))
        assert sum(len(side) for side in sides.logic.snapshot()[1]) < 30

    def test_spans_longer_than_all_time(self) -> None:
        for lower, upper in ((timedelta.min, timedelta.max), (timedelta.min, timedelta.min)):
            sides = _Sides(
                lambda a, b, c, lo=lower, up=upper: w.interval_join("step", a, b, c, lo, up), 10
            )
            sides.batch((0, (0, "x")), (1, (5, "y")))
            sides.eof()
            assert len(sides.rows) == (upper == timedelta.max)

    @pytest.mark.parametrize(
        ("args", "error", "word"),
        [
            ((5, span(1)), TypeError, "lower"),
            ((span(1), None), TypeError, "upper"),
            ((span(2), span(1)), ValueError, "'flow.step'.*lower"),
            ((span(1), span(2), "right"), ValueError, "'flow.step'.*mode"),
        ],
    )
    def test_wrong_arguments_are_refused(self, args: Any, error: Any, word: str) -> None:
        with pytest.raises(error, match=word):
            _Sides(lambda a, b, clock: w.interval_join("step", a, b, clock, *args), 0)


class TestAsOf:
    @_more
    @given(st.integers(0, 40), st.one_of(st.none(), st.integers(0, 20)), _schedules)
    def test_gives_the_newest_that_was_there(
        self, wait: int, tolerance: int | None, schedule: Any
    ) -> None:
        sides = _Sides(_as_of() if tolerance is None else _as_of(span(tolerance)), wait)
        taken = _drive(sides, schedule)
        rights = [value for side, value in taken if side == 1]
        expected = []
        for left in sorted((v for side, v in taken if side == 0), key=lambda v: v[0]):
            before = [y for y in rights if y[0] <= left[0]]
            newest = max(before, default=None, key=lambda y: (y[0], y[1]))
            too_old = newest is not None and tolerance is not None
            if too_old and left[0] - newest[0] > tolerance:  # type: ignore[index,operator]
                newest = None
            expected.append((left, newest))
        assert sorted(map(repr, sides.rows)) == sorted(map(repr, expected))

    def test_rows_come_in_order_of_time_when_the_watermark_is_beyond(self) -> None:
        sides = _Sides(_as_of(), 5)
        sides.batch((0, (9, "b")), (0, (7, "a")), (1, (4, "old")))
        assert sides.rows == []
        sides.batch((1, (8, "new")), (1, (14, "")))
        assert sides.rows == [((7, "a"), (4, "old"))]
        sides.batch((1, (15, "")))
        assert sides.rows[1:] == [((9, "b"), (8, "new"))]

    def test_the_newest_value_stays_over_the_end(self) -> None:
        sides = _Sides(_as_of(), 0)
        sides.batch((1, (3, "old")), (1, (5, "new")))
        sides.eof()
        sides.restart()
        sides.batch((0, (100, "x")))
        sides.eof()
        assert sides.rows == [((100, "x"), (5, "new"))]

    @pytest.mark.parametrize("tolerance", [timedelta.max, span(10)])
    def test_what_the_watermark_still_asks_for_stays_over_the_end(
        self, tolerance: timedelta
    ) -> None:
        sides = _Sides(_as_of(tolerance), 7)
        sides.batch((1, (0, "old")), (1, (5, "new")), (0, (6, "x")))
        sides.eof()
        sides.restart()
        sides.batch((0, (2, "y")))
        sides.eof()
        assert sides.rows == [((6, "x"), (5, "new")), ((2, "y"), (0, "old"))]
        # The watermark has stayed too.
        sides.restart()
        sides.batch((0, (-2, "z")))
        assert sides.late == [(0, (-2, "z"))]

    def test_with_a_tolerance_an_idle_key_is_forgotten_after_the_end_too(self) -> None:
        sides = _Sides(_as_of(span(10)), 0)
        sides.batch((1, (0, "old")))
        sides.eof()
        sides.restart()
        assert sides.logic.watermark_due() == at(10.000001)
        sides.now.seconds = 10.000001
        sides.notify()
        assert sides.logic is None

    def test_with_a_tolerance_an_idle_key_is_forgotten(self) -> None:
        sides = _Sides(_as_of(span(10)), 0)
        sides.batch((1, (0, "old")))
        sides.now.seconds = 10
        sides.notify()
        assert sides.logic is not None
        sides.now.seconds = 10.000001
        sides.notify()
        assert sides.logic is None

    def test_without_a_tolerance_nothing_wakes_for_old_values(self) -> None:
        sides = _Sides(_as_of(), 0)
        sides.batch((1, (0, "old")))
        assert sides.logic.notify_at() is None
        sides.batch((0, (5, "x")))
        assert sides.logic.notify_at() is not None

    def test_what_is_kept_does_not_grow(self) -> None:
        sides = _Sides(_as_of(), 10)
        for i in range(300):
            sides.batch((i % 2, (i, i)))
        _, lefts, rights = sides.logic.snapshot()
        assert len(lefts) + len(rights) < 20

    @pytest.mark.parametrize(
        ("tolerance", "error"), [(5, TypeError), (None, TypeError), (span(-1), ValueError)]
    )
    def test_wrong_arguments_are_refused(self, tolerance: Any, error: Any) -> None:
        with pytest.raises(error, match="tolerance"):
            _Sides(_as_of(tolerance), 0)


@pytest.mark.parametrize("join", [_interval(0, 5), _as_of()])
def test_in_a_flow(entry_point: EntryPoint, join: Any) -> None:
    rows: list[Any] = []
    late: list[Any] = []
    flow = Dataflow("flow")
    lefts = [(key, (time, "x")) for key in "abc" for time in (10, 30)]
    left = op.input("left", flow, TestingSource(lefts))
    right = op.input("right", flow, TestingSource([(key, (10, "y")) for key in "abc"]))
    out = join(left, right, event_clock(100))
    op.output("rows", out.down, TestingSink(rows))
    op.output("late", out.late, TestingSink(late))
    entry_point(flow)
    first = [(key, ((10, "x"), (10, "y"))) for key in "abc"]
    assert [row for row in sorted(rows) if row[1][0][0] == 10] == first
    assert late == []


def test_late_values_tell_their_side(run_one: EntryPoint) -> None:
    for join in (_interval(0, 5), _as_of()):
        sides = _Sides(join, 0)
        sides.batch((0, (50, "x")), (1, (40, "y")), (0, (30, "z")))
        assert sides.late == [(1, (40, "y")), (0, (30, "z"))]


@pytest.mark.parametrize("join", [_interval(0, 5), _as_of()])
def test_a_clock_that_is_none_is_refused(join: Any) -> None:
    with pytest.raises(TypeError, match="'flow.step': 'clock'"):
        _Sides(lambda a, b, clock: join(a, b, None), 0)


@pytest.mark.parametrize("watermark", ["key", "worker"])
@pytest.mark.parametrize("join", ["interval", "as_of"])
def test_a_watermark_of_the_worker_lets_go_of_quiet_keys(
    run_one: EntryPoint, join: str, watermark: Any
) -> None:
    clock = w.EventClock(at, span(1), watermark=watermark, idle_after=timedelta.max)
    out: list[Any] = []
    flow = Dataflow("flow")
    left = op.input("left", flow, TestingSource([("z", 10), ("b", 100), ("a", 101)]))
    right = op.input("right", flow, TestingSource([]))
    if join == "interval":
        joined = w.interval_join("step", left, right, clock, span(0), span(5), mode="left")
    else:
        joined = w.as_of_join("step", left, right, clock, span(5))
    op.output("out", joined.down, TestingSink(out))
    run_one(flow)
    # At the end keys are sorted.
    rows = [("a", (101, None)), ("b", (100, None))]
    z = ("z", (10, None))
    assert out == ([z, *rows] if watermark == "worker" else [*rows, z])
