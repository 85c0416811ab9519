"""`fold_window`, and those made of it: `reduce_`, `count_`, `max_` and `min_window`."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators.windowing as w
from tests.python.conftest import EntryPoint
from tests.python.flows import fails
from tests.python.operators.windowing.flows import SESSIONS, TENS, of_key, windowed
from tests.python.operators.windowing.keyed import Key, at, builder_of, event_clock, span

_CLOCK = event_clock(100)


def _fold(windower: Any = TENS, **options: Any) -> Any:
    def folder(state: str, value: int) -> str:
        return f"{state}{value},"

    def merger(state: str, other: str) -> str:
        return f"({state})({other})"

    return lambda s: w.fold_window(
        "step", s, _CLOCK, windower, lambda: ":", folder, merger, **options
    )


def test_folds_in_order_of_time(entry_point: EntryPoint) -> None:
    out = windowed(entry_point, of_key("a", [9, 3, 15, 1]), _fold())
    assert out.down == of_key("a", [(0, ":1,3,9,"), (1, ":15,")])


def test_folds_in_order_of_arrival(entry_point: EntryPoint) -> None:
    out = windowed(entry_point, of_key("a", [9, 3, 15, 1]), _fold(ordered=False))
    assert out.down == of_key("a", [(0, ":9,3,1,"), (1, ":15,")])


def test_sessions_that_become_one_are_merged(entry_point: EntryPoint) -> None:
    out = windowed(entry_point, of_key("a", [20, 0, 10, 5]), _fold(SESSIONS, ordered=False))
    assert out.down == [("a", (1, "(:0,)(:20,10,)5,"))]
    assert out.meta == [("a", (1, (0, 20, {0})))]


def test_a_folder_that_changes_the_state_in_place_leaves_snapshots_alone() -> None:
    def folder(state: dict[str, list[int]], value: int) -> dict[str, list[int]]:
        state["seen"].append(value)
        return state

    step: Any = lambda s: w.fold_window(  # noqa: E731
        "step", s, _CLOCK, TENS, lambda: {"seen": []}, folder, folder, ordered=False
    )
    key = Key(builder_of(step))
    key.batch(1)
    state = key.logic.snapshot()
    key.batch(2)
    assert state[2] == {0: {"seen": [1]}}


@pytest.mark.parametrize("place", range(3))
def test_a_callable_that_raises_fails_the_run(entry_point: EntryPoint, place: int) -> None:
    def fail(*args: Any) -> Any:
        raise KeyError("mine")

    callables: list[Any] = [list, lambda s, v: s, lambda a, b: a]
    callables[place] = fail
    with fails(KeyError, "mine"):
        windowed(
            entry_point,
            of_key("a", [20, 0, 10]),
            lambda s: w.fold_window("step", s, _CLOCK, SESSIONS, *callables, ordered=False),
        )


@pytest.mark.parametrize("name", ["builder", "folder", "merger"])
def test_what_cannot_be_called_is_refused_when_the_step_is_added(name: str) -> None:
    callables: dict[str, Any] = {"builder": list, "folder": max, "merger": max, name: None}
    with pytest.raises(TypeError, match=f"'flow.step': '{name}'"):
        builder_of(lambda s: w.fold_window("step", s, _CLOCK, TENS, **callables))


class TestReduce:
    def test_reduces_as_values_arrive(self, entry_point: EntryPoint) -> None:
        out = windowed(
            entry_point,
            of_key("a", [3, 1, 2, 12]),
            lambda s: w.reduce_window("step", s, _CLOCK, TENS, lambda a, b: (a, b)),
        )
        assert out.down == of_key("a", [(0, ((3, 1), 2)), (1, 12)])

    def test_reduces_what_sessions_were_reduced_to(self, entry_point: EntryPoint) -> None:
        out = windowed(
            entry_point,
            of_key("a", [20, 0, 10]),
            lambda s: w.reduce_window("step", s, _CLOCK, SESSIONS, lambda a, b: (a, b)),
        )
        assert out.down == [("a", (1, (0, (20, 10))))]

    def test_what_cannot_be_called_is_refused(self) -> None:
        with pytest.raises(TypeError, match="'flow.step': 'reducer'"):
            builder_of(lambda s: w.reduce_window("step", s, _CLOCK, TENS, 5))


class TestCount:
    def test_counts_items_by_key(self, entry_point: EntryPoint) -> None:
        items = [(1, "x"), (2, "y"), (3, "x"), (11, "x")]
        out = windowed(
            entry_point, items, lambda s: w.count_window("step", s, _CLOCK, TENS, lambda x: x[1])
        )
        assert sorted(out.down) == [("x", (0, 2)), ("x", (1, 1)), ("y", (0, 1))]

    def test_late_items_are_whole(self, entry_point: EntryPoint) -> None:
        clock = w.EventClock(lambda x: at(x[0]), span(0))
        out = windowed(
            entry_point,
            [(30, "x"), (1, "x")],
            lambda s: w.count_window("step", s, clock, TENS, lambda x: x[1]),
        )
        assert out.late == [("x", (0, (1, "x")))]

    def test_counts_of_sessions_are_added(self, entry_point: EntryPoint) -> None:
        out = windowed(
            entry_point,
            [20, 0, 10],
            lambda s: w.count_window("step", s, _CLOCK, SESSIONS, lambda x: "all"),
        )
        assert out.down == [("all", (1, 3))]

    def test_a_key_that_is_no_str_is_refused(self, entry_point: EntryPoint) -> None:
        with fails(TypeError, "must be a `str`"):
            windowed(
                entry_point, [1], lambda s: w.count_window("step", s, _CLOCK, TENS, lambda x: x)
            )


@pytest.mark.parametrize(("step", "best"), [(w.max_window, "zz"), (w.min_window, "a")])
def test_max_and_min(entry_point: EntryPoint, step: Any, best: str) -> None:
    clock = w.EventClock(lambda v: at(1), span(100))
    items = of_key("k", ["b", "a", "zz", "y"])
    out = windowed(entry_point, items, lambda s: step("step", s, clock, TENS))
    assert out.down == [("k", (0, best))]


@pytest.mark.parametrize(("step", "best"), [(w.max_window, "bb"), (w.min_window, "a")])
def test_max_and_min_keep_the_first_of_equals(
    entry_point: EntryPoint, step: Any, best: str
) -> None:
    clock = w.EventClock(lambda v: at(1), span(100))
    items = of_key("k", ["a", "bb", "c", "dd"])
    out = windowed(entry_point, items, lambda s: step("step", s, clock, TENS, by=len))
    assert out.down == [("k", (0, best))]


@pytest.mark.parametrize("step", [w.max_window, w.min_window])
def test_max_and_min_of_what_cannot_be_compared_fail(entry_point: EntryPoint, step: Any) -> None:
    with fails(TypeError, "not supported"):
        windowed(
            entry_point,
            of_key("k", [1, "x"]),
            lambda s: step("step", s, w.SystemClock(), w.SessionWindower(span(100))),
        )
