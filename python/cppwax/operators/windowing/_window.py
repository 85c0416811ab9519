"""The window step that all others are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from cppwax.dataflow import KeyedStream, operator
from cppwax.operators._checks import check_callable, check_instance
from cppwax.operators._core import stateful_batch
from cppwax.operators._keyed import filter_map_value
from cppwax.operators.windowing._clocks import Clock
from cppwax.operators.windowing._driver import Unwrap, WindowBuilder
from cppwax.operators.windowing._logic import WindowLogic
from cppwax.operators.windowing._times import ZERO_TD
from cppwax.operators.windowing._windowers import Windower, WindowMetadata

V = TypeVar("V")
W = TypeVar("W")
W_co = TypeVar("W_co", covariant=True)
S = TypeVar("S")


@dataclass(frozen=True)
class WindowOut(Generic[V, W_co]):
    """The three streams of a window step; each item has the key, and the window's id in front."""

    down: KeyedStream[tuple[int, W_co]]
    """What the windows emit."""
    late: KeyedStream[tuple[int, V]]
    """Values that came too late, once for each window that they would have gone into."""
    meta: KeyedStream[tuple[int, WindowMetadata]]
    """When each window began and ended; emitted when it has closed."""


EmitMode: TypeAlias = Literal["close", "update"] | timedelta
"""When a window step emits: when windows close, or early results too; `window` says more."""


def _early_after(step_id: str, emit: object) -> timedelta | None:
    if emit == "close":
        return None
    if emit == "update":
        return ZERO_TD
    if not isinstance(emit, timedelta) or emit <= ZERO_TD:
        raise ValueError(
            f"step {step_id!r}: unknown 'emit' {emit!r}; known are 'close', 'update' and a "
            "`timedelta` that is positive"
        )
    return emit


@operator
def window(
    step_id: str,
    up: KeyedStream[V],
    clock: Clock[V, Any],
    windower: Windower[Any],
    builder: Callable[[S | None], WindowLogic[V, W, S]],
    ordered: bool = True,
    *,
    emit: EmitMode = "close",
) -> WindowOut[V, W]:
    """Cut the values of each key into windows, with own logic for each window.

    The other window steps are simpler where values are collected, folded, counted or joined.

    **Shape**: `KeyedStream[V] → WindowOut(down: KeyedStream[(int, W)], late: KeyedStream[(int, V)],
    meta: KeyedStream[(int, WindowMetadata)])`.
    **Order**: of each key: with `ordered`, values go into windows in order of their timestamps,
    those of equal timestamps as they arrived; else all as they arrived. Windows that close at once
    do so in the order in which they were opened.
    **State**: of each key the open windows, with `ordered` the values that the watermark has not
    reached, and what clock and windower keep.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        up: The stream, of `(str, value)` 2-tuples.
        clock: When a value happened, and up to when everything is known.
        windower: Which windows there are.
        builder: Called for a new window with None, and where a run is resumed with the snapshot of
            each open window. Returns the window's logic.
        ordered: Whether to keep values until the watermark reaches them, and sort them.
        emit: `"close"`: what the logics give on their own. `"update"`: after each batch also an
            early result of each window that values went into, by `WindowLogic.on_early`. A
            `timedelta`: early results too, but so long after a first change, of all windows of
            the key that have changed by then. The last result of a window is that of its end.

    Returns:
        What the windows emit, late values, and metadata of closed windows.

    Raises:
        TypeError: If an argument has a wrong type; when run, if items or results have.
        ValueError: If `emit` is unknown; when run, if a clock of one's own goes back or a windower
            closes what is not open.

    >>> from datetime import datetime, timedelta, timezone
    >>> import cppwax.operators as op
    >>> import cppwax.operators.windowing as w
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> class Spread(w.WindowLogic):
    ...     def __init__(self, state):
    ...         self.seen = list(state or [])
    ...     def on_value(self, value):
    ...         self.seen.append(value)
    ...         return []
    ...     def on_merge(self, original):
    ...         self.seen += original.seen
    ...         return []
    ...     def on_close(self):
    ...         return [max(self.seen) - min(self.seen)]
    ...     def snapshot(self):
    ...         return list(self.seen)
    >>> noon = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
    >>> clock = w.EventClock(lambda v: noon + timedelta(seconds=v), timedelta(seconds=5))
    >>> out = []
    >>> flow = Dataflow("spreads")
    >>> items = op.input("inp", flow, TestingSource([("a", 1), ("a", 9), ("a", 61), ("a", 4)]))
    >>> windows = w.window("spread", items, clock, w.TumblingWindower(timedelta(minutes=1), noon),
    ...     Spread)
    >>> op.output("out", windows.down, TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', (0, 8)), ('a', (1, 0))]
    """
    check_instance(step_id, "clock", clock, Clock)
    check_instance(step_id, "windower", windower, Windower)
    check_callable(step_id, "builder", builder)
    early_after = _early_after(step_id, emit)
    logics: WindowBuilder[V, W, S] = WindowBuilder(
        step_id, clock, windower, builder, bool(ordered), early_after
    )
    events = stateful_batch("stateful_batch", up, logics)
    return WindowOut(
        down=filter_map_value("unwrap_down", events, Unwrap("E")),
        late=filter_map_value("unwrap_late", events, Unwrap("L")),
        meta=filter_map_value("unwrap_meta", events, Unwrap("M")),
    )
