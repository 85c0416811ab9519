"""The window step that brings together the values of several streams."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias, get_args

from cppwax.dataflow import KeyedStream, operator
from cppwax.operators._join import JoinEmitMode, JoinInsertMode, _check_mode, _join_label_merge
from cppwax.operators.windowing._clocks import Clock
from cppwax.operators.windowing._logic import WindowLogic
from cppwax.operators.windowing._two_sides import clock_of_sides
from cppwax.operators.windowing._window import WindowOut, window
from cppwax.operators.windowing._windowers import Windower

_Row: TypeAlias = tuple[Any, ...]
_Sides: TypeAlias = list[list[Any]]


@dataclass(frozen=True, slots=True)
class JoinWindowBuilder:
    """For `join_window`."""

    side_count: int
    insert_mode: JoinInsertMode
    emit_mode: JoinEmitMode

    def __call__(self, state: _Sides | None) -> "JoinWindowLogic":
        """Give the logic of a window."""
        return JoinWindowLogic(self, self.no_values() if state is None else state)

    def no_values(self) -> _Sides:
        """Give sides without values."""
        return [[] for _ in range(self.side_count)]


@dataclass(slots=True)
class JoinWindowLogic(WindowLogic[tuple[int, Any], _Row, _Sides]):
    """For `join_window`; the state is a list of the values of each side."""

    builder: JoinWindowBuilder
    sides: _Sides

    def on_value(self, value: tuple[int, Any]) -> Iterable[_Row]:
        """Take a side's value in, and emit the rows that are due."""
        side, side_value = value
        self.sides[side] = self._together(self.sides[side], [side_value])
        return self._rows_due()

    def on_merge(self, original: "JoinWindowLogic") -> Iterable[_Row]:
        """Put the sides together, and emit the rows that are due."""
        earlier_first = self.builder.insert_mode == "product"
        for side, others in enumerate(original.sides):
            own = self.sides[side]
            # Bytewax lets the session that is no more count as the earlier one.
            pair = (own, others) if earlier_first else (others, own)
            self.sides[side] = self._together(*pair)
        return self._rows_due()

    def on_close(self) -> Iterable[_Row]:
        """Emit what there is, if rows are emitted at the end."""
        return list(self._rows()) if self.builder.emit_mode == "final" else ()

    def snapshot(self) -> _Sides:
        """Give a copy of the sides."""
        return [copy.copy(values) for values in self.sides]

    def _together(self, values: list[Any], newer: list[Any]) -> list[Any]:
        insert_mode = self.builder.insert_mode
        if insert_mode == "product":
            values.extend(newer)
            return values
        if insert_mode == "first":
            return values or newer
        return newer or values

    def _rows_due(self) -> Iterable[_Row]:
        emit_mode = self.builder.emit_mode
        if emit_mode == "running":
            return list(self._rows())
        if emit_mode == "complete" and all(self.sides):
            rows = list(product(*self.sides))
            self.sides = self.builder.no_values()
            return rows
        return ()

    def _rows(self) -> Iterable[_Row]:
        return product(*[values or (None,) for values in self.sides])


@operator
def join_window(
    step_id: str,
    clock: Clock[Any, Any],
    windower: Windower[Any],
    *sides: KeyedStream[Any],
    insert_mode: JoinInsertMode = "last",
    emit_mode: JoinEmitMode = "final",
    ordered: bool = True,
) -> WindowOut[Any, tuple[Any, ...]]:
    """Bring together the values of each key from several streams, window by window.

    **Shape**: `KeyedStream[V1], KeyedStream[V2], … → WindowOut(down: KeyedStream[(int, (V1, V2,
    …))], late: KeyedStream[(int, (int, V1 | V2 | …))], …)`; a late value has the number of its
    side in front.
    **Order**: as `window`; the rows of a `product` vary their last side fastest.
    **State**: the values of each side of each open window; else as `window`.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        clock: When a value happened, and up to when everything is known. An `EventClock` is asked
            about values, a clock of one's own about `(number of the side, value)`.
        windower: Which windows there are.
        *sides: The streams, of `(str, value)` 2-tuples.
        insert_mode: Which values of a side to keep: the `first`, the `last`, or all of them for a
            `product`.
        emit_mode: When to emit rows: once `complete` (the values are then forgotten, the window
            goes on), when the window closes (`final`), or `running` at each value.
        ordered: Whether values go in in order of their timestamps; else in order of arrival.

    Returns:
        Tuples with a value of each side, None for a side without one; late values; and metadata
        of closed windows.

    Raises:
        AssertionError: If no stream is given.
        TypeError: If an argument has a wrong type; when run, if an item is no keyed pair.
        ValueError: If a mode is unknown.

    >>> from datetime import datetime, timedelta, timezone
    >>> import cppwax.operators as op
    >>> import cppwax.operators.windowing as w
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> noon = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
    >>> clock = w.EventClock(lambda v: noon + timedelta(seconds=v), timedelta(seconds=5))
    >>> out = []
    >>> flow = Dataflow("joining")
    >>> left = op.input("left", flow, TestingSource([("a", 1), ("a", 61)]))
    >>> right = op.input("right", flow, TestingSource([("a", 2)]))
    >>> rows = w.join_window("join", clock, w.TumblingWindower(timedelta(minutes=1), noon), left,
    ...     right)
    >>> op.output("out", rows.down, TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', (0, (1, 2))), ('a', (1, (61, None)))]
    """
    _check_mode(step_id, "insert_mode", insert_mode, get_args(JoinInsertMode))
    _check_mode(step_id, "emit_mode", emit_mode, get_args(JoinEmitMode))
    labelled = _join_label_merge("add_names", *sides)
    builder = JoinWindowBuilder(len(sides), insert_mode, emit_mode)
    return window("window", labelled, clock_of_sides(clock), windower, builder, ordered)
