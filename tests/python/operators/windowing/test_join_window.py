"""`join_window`: the values of several streams, window by window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import cppwax.operators as op
import cppwax.operators.windowing as w
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource
from tests.python.conftest import EntryPoint
from tests.python.operators.windowing.flows import SESSIONS, TENS, of_key, windowed
from tests.python.operators.windowing.keyed import Key, _find_builder, at, event_clock, span

_Rows = list[tuple[Any, ...]]


def _step(windower: Any, clock: Any = None, **options: Any) -> Callable[[Any], Any]:
    """Join the even numbers of a stream with the odd ones."""

    def add(items: Any) -> Any:
        halves = op.branch("halves", items, lambda kv: kv[1] % 2 == 0)
        sides = (halves.trues, halves.falses)
        return w.join_window("step", clock or event_clock(100), windower, *sides, **options)

    return add


def _key(windower: Any = SESSIONS, sides: int = 2, **options: Any) -> Key:
    flow = Dataflow("flow")
    ups = [op.input(f"in{i}", flow, TestingSource([])) for i in range(sides)]
    clock = w.EventClock(at, span(100))
    w.join_window("step", clock, windower, *ups, **options)
    builder = _find_builder(flow.substeps[-1])
    assert builder is not None
    return Key(builder)


def _rows(events: _Rows) -> _Rows:
    return [(window_id, row) for window_id, kind, row in events if kind == "E"]


def test_by_default_last_values_leave_when_the_window_closes(entry_point: EntryPoint) -> None:
    out = windowed(entry_point, of_key("a", [2, 3, 4, 5, 12]), _step(TENS))
    assert out.down == of_key("a", [(0, (4, 5)), (1, (12, None))])


def test_a_late_value_tells_its_side(entry_point: EntryPoint) -> None:
    out = windowed(entry_point, of_key("a", [31, 2]), _step(TENS))
    assert out.late == []
    out = windowed(entry_point, of_key("a", [31, 3, 33]), _step(TENS, event_clock(0)))
    assert out.late == [("a", (0, (1, 3)))]


@pytest.mark.parametrize(
    ("insert", "rows"),
    [
        ("first", [(0, (1, 3))]),
        ("last", [(0, (2, 4))]),
        ("product", [(0, (1, 3)), (0, (1, 4)), (0, (2, 3)), (0, (2, 4))]),
    ],
)
def test_which_values_are_kept(insert: Any, rows: _Rows) -> None:
    key = _key(TENS, insert_mode=insert)
    key.batch((0, 1), (0, 2), (1, 3), (1, 4))
    assert _rows(key.eof()) == rows


def test_running_emits_at_each_value_and_nothing_at_the_end() -> None:
    key = _key(TENS, emit_mode="running", ordered=False)
    assert _rows(key.batch((0, 1), (1, 2), (0, 3))) == [
        (0, (1, None)),
        (0, (1, 2)),
        (0, (3, 2)),
    ]
    assert _rows(key.eof()) == []


def test_complete_forgets_the_values_and_keeps_the_window() -> None:
    key = _key(TENS, emit_mode="complete", ordered=False)
    assert _rows(key.batch((0, 1), (1, 2), (0, 3))) == [(0, (1, 2))]
    assert _rows(key.batch((1, 4))) == [(0, (3, 4))]
    assert key.eof() == [(0, "M", (0, 10, set()))]


def test_three_sides() -> None:
    key = _key(TENS, sides=3)
    key.batch((2, 1), (0, 2))
    assert _rows(key.eof()) == [(0, (2, None, 1))]


@pytest.mark.parametrize(
    ("insert", "rows"),
    [
        ("first", [(0, (21, 2))]),
        ("last", [(0, (11, 2))]),
        ("product", [(0, (1, 2)), (0, (11, 2)), (0, (21, 2))]),
    ],
)
def test_sessions_that_become_one(insert: Any, rows: _Rows) -> None:
    key = _key(insert_mode=insert, ordered=False)
    key.batch((0, 1), (1, 2))
    key.batch((0, 21))
    key.batch((0, 11))
    assert _rows(key.eof()) == rows


def test_a_merge_can_complete_a_row() -> None:
    key = _key(emit_mode="complete", ordered=False)
    key.batch((0, 1), (1, 21))
    assert _rows(key.batch((0, 11))) == [(0, (11, 21))]
    assert _rows(key.eof()) == []


def test_a_snapshot_does_not_change_when_the_key_goes_on() -> None:
    key = _key(TENS, insert_mode="product", ordered=False)
    key.batch((0, 1))
    state = key.logic.snapshot()
    key.batch((0, 2))
    assert state[2] == {0: [[1], []]}


def test_an_event_clock_of_ones_own_stays_what_it_is() -> None:
    class Mine(w.EventClock[Any]):
        pass

    flow = Dataflow("flow")
    side = op.input("inp", flow, TestingSource([]))
    clock = Mine(at, span(100))
    w.join_window("step", clock, TENS, side)
    inner = flow.substeps[-1].substeps[-1]
    assert type(inner).__name__ == "window"
    used: Any = inner.clock  # type: ignore[attr-defined]
    assert type(used) is Mine
    assert (used.ts_getter((0, 5)), clock.ts_getter) == (at(5), at)


@pytest.mark.parametrize("name", ["insert_mode", "emit_mode"])
def test_an_unknown_mode_is_refused_when_the_step_is_added(name: str) -> None:
    with pytest.raises(ValueError, match=f"'flow.step': unknown '{name}' 'x'"):
        _key(TENS, **{name: "x"})


def test_without_sides_is_refused() -> None:
    with pytest.raises(AssertionError, match="inconsistent stream scoping"):
        _key(TENS, sides=0)
