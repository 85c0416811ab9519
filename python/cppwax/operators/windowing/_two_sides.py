"""What the joins of two streams share: whose value it is, whose timestamp, what comes out."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from cppwax.dataflow import KeyedStream
from cppwax.operators._checks import check_instance
from cppwax.operators._core import stateful_batch
from cppwax.operators._join import _join_label_merge
from cppwax.operators._keyed import filter_map_value
from cppwax.operators.windowing._clocks import Clock, EventClock

V = TypeVar("V")
X = TypeVar("X")
Y = TypeVar("Y")

Labelled: TypeAlias = tuple[int, Any]
"""A value with the number of its side."""

TimeJoinEvent: TypeAlias = tuple[Literal["E", "L"], Any]
"""What the keyed step under a join emits: a row, or a late value with the number of its side."""


@dataclass(frozen=True)
class TimeJoinOut(Generic[X, Y]):
    """The two streams of `interval_join` and `as_of_join`."""

    down: KeyedStream[tuple[X, Y]]
    """The rows: a value of the left stream, and one of the right."""
    late: KeyedStream[tuple[int, X | Y]]
    """Values that came too late, with the number of their stream: 0 is left, 1 is right."""


@dataclass(frozen=True, slots=True)
class SideTimestamp(Generic[V]):
    """For joins: the timestamp of a side's value, which comes as `(side, value)`."""

    ts_getter: Callable[[V], datetime]

    def __call__(self, labelled: tuple[int, V]) -> datetime:
        """Give the value's timestamp."""
        return self.ts_getter(labelled[1])


def clock_of_sides(clock: Clock[Any, Any]) -> Clock[Any, Any]:
    """Give a clock for labelled values; an `EventClock` is still asked about values."""
    if not isinstance(clock, EventClock):
        return clock
    # A copy, so that a subclass stays what it is.
    of_sides: EventClock[Any] = copy.copy(clock)
    of_sides.ts_getter = SideTimestamp(clock.ts_getter)
    return of_sides


@dataclass(frozen=True, slots=True)
class UnwrapTimeJoin:
    """For joins: picks the events of one kind."""

    kind: Literal["E", "L"]

    def __call__(self, event: TimeJoinEvent) -> Any:
        """Give what the event is about if it is of the kind."""
        kind, value = event
        return value if kind == self.kind else None


def join_by_time(
    step_id: str,
    left: KeyedStream[X],
    right: KeyedStream[Y],
    clock: Clock[Any, Any],
    make_builder: Callable[[Clock[Any, Any]], Callable[[Any], Any]],
) -> TimeJoinOut[X, Y]:
    """Add the inner steps of a join.

    Args:
        step_id: The step being defined.
        left: The left stream.
        right: The right stream.
        clock: The user's clock.
        make_builder: Called with a clock for labelled values; gives the builder of the logics.

    Returns:
        The join's streams.

    Raises:
        TypeError: If `clock` is no `Clock`.
    """
    check_instance(step_id, "clock", clock, Clock)
    labelled = _join_label_merge("add_names", left, right)
    events = stateful_batch("stateful_batch", labelled, make_builder(clock_of_sides(clock)))
    return TimeJoinOut(
        down=filter_map_value("unwrap_down", events, UnwrapTimeJoin("E")),
        late=filter_map_value("unwrap_late", events, UnwrapTimeJoin("L")),
    )
