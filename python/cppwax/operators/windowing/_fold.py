"""Window steps that make one value of all values of a window."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from cppwax.dataflow import KeyedStream, Stream, operator
from cppwax.operators._checks import check_callable
from cppwax.operators._final import ReduceFolder, _identity, _no_value
from cppwax.operators._keyed import key_on
from cppwax.operators.windowing._clocks import Clock
from cppwax.operators.windowing._logic import WindowLogic
from cppwax.operators.windowing._window import EmitMode, WindowOut, window
from cppwax.operators.windowing._windowers import Windower

X = TypeVar("X")
V = TypeVar("V")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class FoldWindowBuilder(Generic[V, S]):
    """For `fold_window`."""

    builder: Callable[[], S]
    folder: Callable[[S, V], S]
    merger: Callable[[S, S], S]

    def __call__(self, state: S | None) -> "FoldWindowLogic[V, S]":
        """Give the logic of a window."""
        return FoldWindowLogic(self, self.builder() if state is None else state)


@dataclass(slots=True)
class FoldWindowLogic(WindowLogic[V, S, S]):
    """For `fold_window`; the state is the user's."""

    builder: FoldWindowBuilder[V, S]
    state: S

    def on_value(self, value: V) -> Iterable[S]:
        """Fold the value in."""
        self.state = self.builder.folder(self.state, value)
        return ()

    def on_merge(self, original: "FoldWindowLogic[V, S]") -> Iterable[S]:
        """Merge the states."""
        self.state = self.builder.merger(self.state, original.state)
        return ()

    def on_close(self) -> Iterable[S]:
        """Emit the result."""
        return (self.state,)

    def on_early(self) -> Iterable[S]:
        """Emit a copy of what there is, which folders may change in place."""
        return (copy.deepcopy(self.state),)

    def snapshot(self) -> S:
        """Give a copy of the state, which folders may change in place."""
        return copy.deepcopy(self.state)


@operator
def fold_window(
    step_id: str,
    up: KeyedStream[V],
    clock: Clock[V, Any],
    windower: Windower[Any],
    builder: Callable[[], S],
    folder: Callable[[S, V], S],
    merger: Callable[[S, S], S],
    ordered: bool = True,
    *,
    emit: EmitMode = "close",
) -> WindowOut[V, S]:
    """Fold all values of each window into one; emitted when the window closes.

    **Shape**: `KeyedStream[V] → WindowOut(down: KeyedStream[(int, S)], …)`.
    **Order**: as `window`.
    **State**: the folded value of each open window; else as `window`.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        up: The stream, of `(str, value)` 2-tuples.
        clock: When a value happened, and up to when everything is known.
        windower: Which windows there are.
        builder: Called without arguments for a window's first state.
        folder: Called with the state and each value. Returns the new state.
        merger: Called with the states of two windows that became one. Returns the new state; only
            sessions that are not `ordered` merge.
        ordered: Whether to fold in order of the timestamps; else in order of arrival.
        emit: When to emit, as `window` says.

    Returns:
        The last state of each window, late values, and metadata of closed windows.

    Raises:
        TypeError: If an argument has a wrong type; when run, if an item is no keyed pair.

    >>> from datetime import datetime, timedelta, timezone
    >>> import cppwax.operators as op
    >>> import cppwax.operators.windowing as w
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> noon = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
    >>> clock = w.EventClock(lambda v: noon + timedelta(seconds=v), timedelta(seconds=5))
    >>> out = []
    >>> flow = Dataflow("sums")
    >>> items = op.input("inp", flow, TestingSource([("a", 1), ("a", 9), ("a", 61)]))
    >>> sums = w.fold_window("sum", items, clock, w.TumblingWindower(timedelta(minutes=1), noon),
    ...     lambda: 0, lambda total, v: total + v, lambda a, b: a + b)
    >>> op.output("out", sums.down, TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', (0, 10)), ('a', (1, 61))]
    """
    check_callable(step_id, "builder", builder)
    check_callable(step_id, "folder", folder)
    check_callable(step_id, "merger", merger)
    return window(
        "window",
        up,
        clock,
        windower,
        FoldWindowBuilder(builder, folder, merger),
        ordered,
        emit=emit,
    )


@operator
def reduce_window(
    step_id: str,
    up: KeyedStream[V],
    clock: Clock[V, Any],
    windower: Windower[Any],
    reducer: Callable[[V, V], V],
    *,
    emit: EmitMode = "close",
) -> WindowOut[V, V]:
    """Reduce all values of each window to one; emitted when the window closes.

    **Shape**: `KeyedStream[V] → WindowOut(down: KeyedStream[(int, V)], …)`.
    **Order**: values are reduced as they arrive.
    **State**: the reduced value of each open window; else as `window`.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        up: The stream, of `(str, value)` 2-tuples.
        clock: When a value happened, and up to when everything is known.
        windower: Which windows there are.
        reducer: Called with what was reduced so far and another value, or with what two windows
            were reduced to that became one. Returns the two as one; None counts as no value.
        emit: When to emit, as `window` says.

    Returns:
        The reduced value of each window, late values, and metadata of closed windows.

    Raises:
        TypeError: If an argument has a wrong type; when run, if an item is no keyed pair.

    >>> from datetime import datetime, timedelta, timezone
    >>> import cppwax.operators as op
    >>> import cppwax.operators.windowing as w
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> noon = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
    >>> clock = w.EventClock(lambda v: noon + timedelta(seconds=v), timedelta(seconds=5))
    >>> out = []
    >>> flow = Dataflow("products")
    >>> items = op.input("inp", flow, TestingSource([("a", 2), ("a", 9), ("a", 61)]))
    >>> products = w.reduce_window("product", items, clock, w.SessionWindower(timedelta(minutes=1)),
    ...     lambda x, y: x * y)
    >>> op.output("out", products.down, TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', (0, 1098))]
    """
    check_callable(step_id, "reducer", reducer)
    folder: Any = ReduceFolder(reducer)
    return fold_window(
        "fold_window", up, clock, windower, _no_value, folder, reducer, ordered=False, emit=emit
    )


@dataclass(frozen=True, slots=True)
class CountFolder:
    """For `count_window`: adds one, whatever the value."""

    def __call__(self, count: int, value: object) -> int:
        """Give the count with one more."""
        return count + 1


def _zero() -> int:
    return 0


def _sum(count: int, other: int) -> int:
    return count + other


@operator
def count_window(
    step_id: str,
    up: Stream[X],
    clock: Clock[X, Any],
    windower: Windower[Any],
    key: Callable[[X], str],
    *,
    emit: EmitMode = "close",
) -> WindowOut[X, int]:
    """Count the items of each key in each window; emitted when the window closes.

    **Shape**: `Stream[X] → WindowOut(down: KeyedStream[(int, int)], …)`.
    **Order**: as `window`; the counts do not depend on it.
    **State**: the count of each open window; else as `window`.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        clock: When an item happened, and up to when everything is known.
        windower: Which windows there are.
        key: Called with each item; must return a `str`.
        emit: When to emit, as `window` says.

    Returns:
        The count of each window, late items, and metadata of closed windows.

    Raises:
        TypeError: If an argument has a wrong type; when run, if `key` returns no `str`.

    >>> from datetime import datetime, timedelta, timezone
    >>> import cppwax.operators as op
    >>> import cppwax.operators.windowing as w
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> noon = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
    >>> clock = w.EventClock(lambda x: noon + timedelta(seconds=x), timedelta(seconds=5))
    >>> out = []
    >>> flow = Dataflow("counts")
    >>> items = op.input("inp", flow, TestingSource([1, 9, 61]))
    >>> counts = w.count_window("count", items, clock, w.TumblingWindower(timedelta(minutes=1),
    ...     noon), lambda x: "all")
    >>> op.output("out", counts.down, TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('all', (0, 2)), ('all', (1, 1))]
    """
    keyed = key_on("keyed", up, key)
    return fold_window(
        "sum", keyed, clock, windower, _zero, CountFolder(), _sum, ordered=False, emit=emit
    )


@operator
def max_window(
    step_id: str,
    up: KeyedStream[V],
    clock: Clock[V, Any],
    windower: Windower[Any],
    by: Callable[[V], Any] = _identity,
    *,
    emit: EmitMode = "close",
) -> WindowOut[V, V]:
    """Find the greatest value of each window; emitted when the window closes.

    **Shape**: `KeyedStream[V] → WindowOut(down: KeyedStream[(int, V)], …)`.
    **Order**: of equal values the one that arrived first is kept.
    **State**: the greatest value of each open window; else as `window`.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        up: The stream, of `(str, value)` 2-tuples.
        clock: When a value happened, and up to when everything is known.
        windower: Which windows there are.
        by: Called with a value for what it is compared by. By default the value itself.
        emit: When to emit, as `window` says.

    Returns:
        The greatest value of each window, late values, and metadata of closed windows.

    Raises:
        TypeError: If an argument has a wrong type; when run, if values cannot be compared or an
            item is no keyed pair.

    >>> from datetime import datetime, timedelta, timezone
    >>> import cppwax.operators as op
    >>> import cppwax.operators.windowing as w
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> noon = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
    >>> clock = w.EventClock(lambda v: noon + timedelta(seconds=v), timedelta(seconds=5))
    >>> out = []
    >>> flow = Dataflow("greatest")
    >>> items = op.input("inp", flow, TestingSource([("a", 1), ("a", 9), ("a", 61)]))
    >>> greatest = w.max_window("max", items, clock, w.TumblingWindower(timedelta(minutes=1), noon))
    >>> op.output("out", greatest.down, TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', (0, 9)), ('a', (1, 61))]
    """
    check_callable(step_id, "by", by)
    reducer: Any = max if by is _identity else partial(max, key=by)
    return reduce_window("reduce_window", up, clock, windower, reducer, emit=emit)


@operator
def min_window(
    step_id: str,
    up: KeyedStream[V],
    clock: Clock[V, Any],
    windower: Windower[Any],
    by: Callable[[V], Any] = _identity,
    *,
    emit: EmitMode = "close",
) -> WindowOut[V, V]:
    """Find the least value of each window; emitted when the window closes.

    **Shape**: `KeyedStream[V] → WindowOut(down: KeyedStream[(int, V)], …)`.
    **Order**: of equal values the one that arrived first is kept.
    **State**: the least value of each open window; else as `window`.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        up: The stream, of `(str, value)` 2-tuples.
        clock: When a value happened, and up to when everything is known.
        windower: Which windows there are.
        by: Called with a value for what it is compared by. By default the value itself.
        emit: When to emit, as `window` says.

    Returns:
        The least value of each window, late values, and metadata of closed windows.

    Raises:
        TypeError: If an argument has a wrong type; when run, if values cannot be compared or an
            item is no keyed pair.

    >>> from datetime import datetime, timedelta, timezone
    >>> import cppwax.operators as op
    >>> import cppwax.operators.windowing as w
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> noon = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
    >>> clock = w.EventClock(lambda v: noon + timedelta(seconds=v), timedelta(seconds=5))
    >>> out = []
    >>> flow = Dataflow("least")
    >>> items = op.input("inp", flow, TestingSource([("a", 1), ("a", 9), ("a", 61)]))
    >>> least = w.min_window("min", items, clock, w.TumblingWindower(timedelta(minutes=1), noon))
    >>> op.output("out", least.down, TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', (0, 1)), ('a', (1, 61))]
    """
    check_callable(step_id, "by", by)
    reducer: Any = min if by is _identity else partial(min, key=by)
    return reduce_window("reduce_window", up, clock, windower, reducer, emit=emit)
