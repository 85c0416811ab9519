"""The window steps in plain Python, as fast as it goes, with the callables that the flows have.

They do what the inputs of `windows.py` need: values that are in order, or late. Nothing happens by
the passing of time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from heapq import heappop, heappush
from operator import itemgetter
from typing import Any, TypeAlias

BEGIN = datetime(2024, 1, 1, tzinfo=timezone.utc)
LENGTH = timedelta(minutes=1)
OFFSET = timedelta(seconds=10)
GAP = timedelta(seconds=30)
WAIT = timedelta(seconds=10)

Value: TypeAlias = tuple[datetime, int]
Item: TypeAlias = tuple[str, Value]

_MIN = datetime.min.replace(tzinfo=timezone.utc)

#: When a value happened.
timestamp = itemgetter(0)


class Told:
    """What a run told: of closed windows, and of late values."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.windows: list[Any] = []
        self.late: list[Any] = []


def tumbling(
    items: Iterable[tuple[str, Any]],
    told: Told,
    builder: Callable[[], Any],
    folder: Callable[[Any, Any], Any],
    timestamp: Callable[[Any], datetime] = timestamp,
) -> None:
    """Fold in tumbling windows."""
    keys: dict[str, list[Any]] = {}
    windows: dict[int, Any]
    for key, value in items:
        when = timestamp(value)
        state = keys.get(key)
        if state is None:
            state = keys[key] = [_MIN, _MIN, {}]
        mark, next_close, windows = state
        if when < mark:
            told.late.append((key, ((when - BEGIN) // LENGTH, value)))
            continue
        if when - WAIT > mark:
            mark = state[0] = when - WAIT
        number = (when - BEGIN) // LENGTH
        if number in windows:
            windows[number] = folder(windows[number], value)
        else:
            windows[number] = folder(builder(), value)
            if len(windows) == 1:
                next_close = state[1] = BEGIN + (number + 1) * LENGTH
        if next_close <= mark:
            _close(key, state, told, LENGTH)
    _close_all(keys, told)


def sliding(
    items: Iterable[Item],
    told: Told,
    builder: Callable[[], Any],
    folder: Callable[[Any, Any], Any],
) -> None:
    """Fold in sliding windows."""
    keys: dict[str, list[Any]] = {}
    windows: dict[int, Any]
    for key, value in items:
        when = timestamp(value)
        state = keys.get(key)
        if state is None:
            state = keys[key] = [_MIN, _MIN, {}]
        mark, next_close, windows = state
        since = when - BEGIN
        numbers = range((since - LENGTH) // OFFSET + 1, since // OFFSET + 1)
        if when < mark:
            told.late += [(key, (number, value)) for number in numbers]
            continue
        if when - WAIT > mark:
            mark = state[0] = when - WAIT
        for number in numbers:
            if number in windows:
                windows[number] = folder(windows[number], value)
            else:
                windows[number] = folder(builder(), value)
                if len(windows) == 1:
                    next_close = state[1] = BEGIN + number * OFFSET + LENGTH
        if next_close <= mark:
            _close(key, state, told, OFFSET)
    _close_all(keys, told)


def session(
    items: Iterable[Item],
    told: Told,
    builder: Callable[[], Any],
    folder: Callable[[Any, Any], Any],
) -> None:
    """Fold in sessions."""
    keys: dict[str, list[Any]] = {}
    for key, value in items:
        when = timestamp(value)
        state = keys.get(key)
        if state is None:
            state = keys[key] = [_MIN, {0: builder()}, when]
        mark, windows, last = state
        if when < mark:
            told.late.append((key, (-1, value)))
            continue
        if when - WAIT > mark:
            mark = state[0] = when - WAIT
        number = next(reversed(windows))
        if when - last > GAP:
            number += 1
            windows[number] = folder(builder(), value)
        else:
            windows[number] = folder(windows[number], value)
        state[2] = when
        if len(windows) > 1 and last + GAP < mark:
            told.windows.append((key, (number - 1, windows.pop(number - 1))))
    for key in sorted(keys):
        told.windows += [(key, window) for window in keys[key][1].items()]


def tumbling_ordered(
    items: Iterable[Item],
    told: Told,
    builder: Callable[[], Any],
    folder: Callable[[Any, Any], Any],
) -> None:
    """Fold in tumbling windows, in order of time."""
    keys: dict[str, list[Any]] = {}
    arrival = 0
    for key, value in items:
        when = timestamp(value)
        state = keys.get(key)
        if state is None:
            state = keys[key] = [_MIN, _MIN, {}, []]
        mark, next_close, windows, waiting = state
        if when < mark:
            told.late.append((key, ((when - BEGIN) // LENGTH, value)))
            continue
        if when - WAIT > mark:
            mark = state[0] = when - WAIT
        arrival += 1
        heappush(waiting, (when, arrival, value))
        while waiting and waiting[0][0] <= mark:
            when, _, value = heappop(waiting)
            number = (when - BEGIN) // LENGTH
            if number in windows:
                windows[number] = folder(windows[number], value)
            else:
                windows[number] = folder(builder(), value)
                if len(windows) == 1:
                    next_close = state[1] = BEGIN + (number + 1) * LENGTH
        if windows and next_close <= mark:
            _close(key, state, told, LENGTH)
    for state in keys.values():
        for when, _, value in sorted(state[3]):
            number = (when - BEGIN) // LENGTH
            windows = state[2]
            windows[number] = folder(windows[number] if number in windows else builder(), value)
    _close_all(keys, told)


def _close(key: str, state: list[Any], told: Told, offset: timedelta) -> None:
    mark, next_close, windows = state[:3]
    while windows and next_close <= mark:
        number = next(iter(windows))
        told.windows.append((key, (number, windows.pop(number))))
        if windows:
            next_close = BEGIN + next(iter(windows)) * offset + LENGTH
    state[1] = next_close


def _close_all(keys: dict[str, list[Any]], told: Told) -> None:
    for key in sorted(keys):
        told.windows += [(key, window) for window in keys[key][2].items()]
