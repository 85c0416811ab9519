"""`collect_window`: all values of a window."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators.windowing as w
from tests.python.conftest import EntryPoint
from tests.python.flows import fails
from tests.python.operators.windowing.flows import (
    FIVES_OF_TEN,
    SESSIONS,
    TENS,
    of_key,
    windowed,
)
from tests.python.operators.windowing.keyed import Key, builder_of, event_clock


def _collect(windower: Any, wait: float = 100, **options: Any) -> Any:
    return lambda s: w.collect_window("step", s, event_clock(wait), windower, **options)


@pytest.mark.parametrize("batch", [1, 10])
def test_in_order_of_time(entry_point: EntryPoint, batch: int) -> None:
    out = windowed(entry_point, of_key("a", [9, 3, 15, 1]), _collect(TENS), batch)
    assert out.down == of_key("a", [(0, [1, 3, 9]), (1, [15])])


def test_in_order_of_arrival(entry_point: EntryPoint) -> None:
    out = windowed(entry_point, of_key("a", [9, 3, 15, 1]), _collect(TENS, ordered=False))
    assert out.down == of_key("a", [(0, [9, 3, 1]), (1, [15])])


def test_a_value_goes_into_all_its_windows(entry_point: EntryPoint) -> None:
    out = windowed(entry_point, of_key("a", [3, 7]), _collect(FIVES_OF_TEN))
    assert out.down == of_key("a", [(-1, [3]), (0, [3, 7]), (1, [7])])


def test_a_late_value_is_told_for_all_its_windows(entry_point: EntryPoint) -> None:
    out = windowed(entry_point, of_key("a", [30, 7]), _collect(FIVES_OF_TEN, wait=0))
    assert out.late == of_key("a", [(0, 7), (1, 7)])


def test_into_a_set(entry_point: EntryPoint) -> None:
    out = windowed(entry_point, of_key("a", [3, 1, 3]), _collect(TENS, into=set))
    assert out.down == [("a", (0, {1, 3}))]


def test_into_a_dict_the_last_value_of_a_key_stays(entry_point: EntryPoint) -> None:
    items = of_key("a", [(3, "three"), (1, "one"), (3, "drei")])
    out = windowed(entry_point, items, _collect(TENS, into=dict))
    assert out.down == [("a", (0, {1: "one", 3: "drei"}))]


def test_into_a_subclass(entry_point: EntryPoint) -> None:
    class Row(list[Any]):
        pass

    out = windowed(entry_point, of_key("a", [3, 1]), _collect(TENS, into=Row))
    ((_, (_, row)),) = out.down
    assert (type(row), row) == (Row, [1, 3])


@pytest.mark.parametrize(
    ("into", "values", "collected"),
    [
        (list, [20, 0, 10], [0, 20, 10]),
        (set, [20, 0, 10], {0, 10, 20}),
        (dict, [(20, "a"), (0, "b"), (10, "c")], {0: "b", 20: "a", 10: "c"}),
    ],
)
def test_sessions_that_become_one(into: type, values: list[Any], collected: Any) -> None:
    key = Key(builder_of(_collect(SESSIONS, into=into, ordered=False)))
    key.batch(*values)
    assert key.eof()[0] == (1, "E", collected)


def test_a_snapshot_does_not_change_when_the_key_goes_on() -> None:
    key = Key(builder_of(_collect(TENS, ordered=False)))
    key.batch(1, 2)
    state = key.logic.snapshot()
    key.batch(3)
    assert state[2] == {0: [1, 2]}


@pytest.mark.parametrize("value", [5, (1, 2, 3)])
def test_a_value_that_is_no_pair_cannot_go_into_a_dict(entry_point: EntryPoint, value: Any) -> None:
    clock = w.SystemClock()
    with fails(TypeError, "2-tuple"):
        windowed(
            entry_point,
            [("a", value)],
            lambda s: w.collect_window("step", s, clock, TENS, dict),
        )


@pytest.mark.parametrize("into", [tuple, frozenset, 5, None, "list"])
def test_into_other_things_is_refused_when_the_step_is_added(into: Any) -> None:
    with pytest.raises(TypeError, match="'flow.step': 'into'"):
        builder_of(_collect(TENS, into=into))
