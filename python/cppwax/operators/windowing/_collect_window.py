"""The window step that gathers all values of a window."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from cppwax.dataflow import KeyedStream, operator
from cppwax.operators.windowing._clocks import Clock
from cppwax.operators.windowing._fold import fold_window
from cppwax.operators.windowing._window import EmitMode, WindowOut
from cppwax.operators.windowing._windowers import Windower

V = TypeVar("V")
C = TypeVar("C")

_Folder: TypeAlias = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class ListFolder:
    """For `collect_window`: appends."""

    def __call__(self, values: list[V], value: V) -> list[V]:
        """Put the value at the end."""
        values.append(value)
        return values


@dataclass(frozen=True, slots=True)
class SetFolder:
    """For `collect_window`: adds to a set."""

    def __call__(self, values: set[V], value: V) -> set[V]:
        """Put the value in."""
        values.add(value)
        return values


@dataclass(frozen=True, slots=True)
class DictFolder:
    """For `collect_window`: puts `(key, value)` pairs into a dictionary."""

    step_id: str

    def __call__(self, values: dict[Any, Any], value: Any) -> dict[Any, Any]:
        """Put the pair in; a later one of the same key replaces it."""
        try:
            k, v = value
        except (TypeError, ValueError):
            raise TypeError(
                f"step {self.step_id!r}: to collect into a `dict`, each value must be a "
                f"`(key, value)` 2-tuple; got {type(value)}; make such values with `map_value`"
            ) from None
        values[k] = v
        return values


def _extended(values: list[Any], others: list[Any]) -> list[Any]:
    values.extend(others)
    return values


def _updated(values: Any, others: Any) -> Any:
    values.update(others)
    return values


def _folder_and_merger(step_id: str, into: object) -> tuple[_Folder, _Folder]:
    if isinstance(into, type):
        if issubclass(into, list):
            return ListFolder(), _extended
        if issubclass(into, set):
            return SetFolder(), _updated
        if issubclass(into, dict):
            return DictFolder(step_id), _updated
    raise TypeError(
        f"step {step_id!r}: 'into' must be `list`, `set` or `dict`; got {into!r}; for others use "
        "`fold_window`"
    )


@operator
def collect_window(
    step_id: str,
    up: KeyedStream[V],
    clock: Clock[V, Any],
    windower: Windower[Any],
    into: type[C] = list,  # type: ignore[assignment]
    ordered: bool = True,
    *,
    emit: EmitMode = "close",
) -> WindowOut[V, C]:
    """Gather all values of each window; emitted when the window closes.

    **Shape**: `KeyedStream[V] → WindowOut(down: KeyedStream[(int, list[V])], …)`.
    **Order**: as `window`.
    **State**: the values of each open window; else as `window`.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        up: The stream, of `(str, value)` 2-tuples.
        clock: When a value happened, and up to when everything is known.
        windower: Which windows there are.
        into: What to gather into: `list`, `set`, or `dict` for values that are `(key, value)`
            2-tuples.
        ordered: Whether to gather in order of the timestamps; else in order of arrival.
        emit: When to emit, as `window` says.

    Returns:
        The values of each window, late values, and metadata of closed windows.

    Raises:
        TypeError: If an argument has a wrong type; when run, if items or values have.

    >>> from datetime import datetime, timedelta, timezone
    >>> import cppwax.operators as op
    >>> import cppwax.operators.windowing as w
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> noon = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
    >>> clock = w.EventClock(lambda v: noon + timedelta(seconds=v), timedelta(seconds=5))
    >>> out, late = [], []
    >>> flow = Dataflow("minutes")
    >>> items = op.input("inp", flow, TestingSource([("a", n) for n in (9, 5, 3, 61, 66, 8)]))
    >>> minutes = w.collect_window("collect", items, clock, w.TumblingWindower(timedelta(minutes=1),
    ...     noon))
    >>> op.output("out", minutes.down, TestingSink(out))
    >>> op.output("late", minutes.late, TestingSink(late))
    >>> run_main(flow)
    >>> out, late
    ([('a', (0, [5, 9])), ('a', (1, [61, 66]))], [('a', (0, 3)), ('a', (0, 8))])
    """
    folder, merger = _folder_and_merger(step_id, into)
    return fold_window("fold_window", up, clock, windower, into, folder, merger, ordered, emit=emit)
