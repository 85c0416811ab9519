"""Windowers: which windows a time belongs to, and when they are over."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from heapq import heapify, heappop, heappush
from typing import Generic, TypeAlias, TypeVar

from cppwax.operators.windowing._times import (
    MAX_MICROS,
    MICROSECOND,
    ZERO_TD,
    check_timedelta,
    from_micros,
    has_zone,
    to_micros,
)

S = TypeVar("S")

SlidingWindowerState: TypeAlias = list[int]
"""The ids of the open windows, in the order in which they were opened."""


@dataclass
class WindowMetadata:
    """What is known about a window when it has closed."""

    open_time: datetime
    """When it begins."""
    close_time: datetime
    """When it ends. A tumbling or sliding window ends just before; a session has its last value
    there."""
    merged_ids: set[int] = field(default_factory=set)
    """The ids of sessions that became part of this one; nothing else was told of their end."""


class WindowerLogic(ABC, Generic[S]):
    """The windows of one key: opens and closes them.

    Called by the window step, in turn: `late_for` or `open_for` for the values of a batch, `merged`
    once after them, `close_for` with the watermark, `is_empty` and `notify_at`.
    """

    @abstractmethod
    def open_for(self, timestamp: datetime) -> Iterable[int]:
        """Tell the windows a value goes into, and open those that are not.

        Args:
            timestamp: Of the value; not before the watermark when the value came.

        Returns:
            The ids of the windows.
        """
        ...

    @abstractmethod
    def late_for(self, timestamp: datetime) -> Iterable[int]:
        """Tell the windows that a late value would have gone into.

        Args:
            timestamp: Of the value.

        Returns:
            Ids; the value is emitted as late once for each, so give at least one.
        """
        ...

    @abstractmethod
    def merged(self) -> Iterable[tuple[int, int]]:
        """Tell, once, which windows have become part of others since the last call.

        Returns:
            Pairs: the id of a window that is no more, and the id of the one that it went into.
        """
        ...

    @abstractmethod
    def close_for(self, watermark: datetime) -> Iterable[tuple[int, WindowMetadata]]:
        """Close the windows that are over.

        Args:
            watermark: No value before it is going to come. `UTC_MAX` at the end of the stream.

        Returns:
            The ids and metadata of the windows closed.
        """
        ...

    @abstractmethod
    def notify_at(self) -> datetime | None:
        """Tell where the watermark has to be for the next window to close.

        Returns:
            A time with a time zone; None if no window is open.
        """
        ...

    @abstractmethod
    def is_empty(self) -> bool:
        """Tell whether there is nothing to remember.

        Returns:
            True if the key may be forgotten; it begins anew with its next value.
        """
        ...

    @abstractmethod
    def snapshot(self) -> S:
        """Give the state that `Windower.build` can make an equal logic of.

        Returns:
            The state; it must not change when this logic goes on.
        """
        ...


class Windower(ABC, Generic[S]):
    """How a window step cuts time into windows; makes a `WindowerLogic` for each key."""

    @abstractmethod
    def build(self, resume_state: S | None) -> WindowerLogic[S]:
        """Make the windower of a key.

        Args:
            resume_state: None for a new key; what `WindowerLogic.snapshot` gave where a run is
                resumed.

        Returns:
            The logic.
        """
        ...


class WindowGrid:
    """Where windows of one length lie that begin at regular times; counted in microseconds."""

    __slots__ = ("_align", "_length", "_offset", "_zone")

    def __init__(self, length: timedelta, offset: timedelta, align_to: datetime) -> None:
        """Lay window 0 to begin at `align_to`, and each next one an offset later."""
        self._length = length // MICROSECOND
        self._offset = offset // MICROSECOND
        self._align = to_micros(align_to)
        self._zone = align_to.tzinfo

    def ids_at(self, timestamp: datetime) -> range:
        """Give the windows that a time lies in."""
        since = to_micros(timestamp) - self._align
        return range((since - self._length) // self._offset + 1, since // self._offset + 1)

    def close_micros(self, window_id: int) -> int:
        """Give the end of a window; one beyond the end of time ends there."""
        return min(self._align + window_id * self._offset + self._length, MAX_MICROS)

    def metadata(self, window_id: int) -> WindowMetadata:
        """Describe a window, in the time zone that it is aligned in."""
        begin = self._align + window_id * self._offset
        return WindowMetadata(self._shown(begin), self._shown(begin + self._length))

    def _shown(self, micros: int) -> datetime:
        when = from_micros(micros)
        if self._zone is timezone.utc:
            return when
        try:
            return when.astimezone(self._zone)
        except OverflowError:
            return when


class SlidingWindowerLogic(WindowerLogic[SlidingWindowerState]):
    """For `SlidingWindower` and `TumblingWindower`."""

    __slots__ = ("_grid", "_next_order", "_opened", "_soonest")

    def __init__(self, grid: WindowGrid, state: SlidingWindowerState | None) -> None:
        """Begin without windows, or with those of a state."""
        self._grid = grid
        # From the id to the number of windows opened before. Windows that begin sooner end sooner:
        # the least id is the next to close.
        self._opened: dict[int, int] = {window_id: i for i, window_id in enumerate(state or ())}
        self._next_order = len(self._opened)
        self._soonest = list(self._opened)
        heapify(self._soonest)

    def open_for(self, timestamp: datetime) -> Iterable[int]:
        """Open the windows that the time lies in."""
        ids = list(self._grid.ids_at(timestamp))
        for window_id in ids:
            if window_id not in self._opened:
                self._opened[window_id] = self._next_order
                self._next_order += 1
                heappush(self._soonest, window_id)
        return ids

    def late_for(self, timestamp: datetime) -> Iterable[int]:
        """Give the windows that the time lies in."""
        return list(self._grid.ids_at(timestamp))

    def merged(self) -> Iterable[tuple[int, int]]:
        """Give nothing: these windows stay as they are."""
        return ()

    def close_for(self, watermark: datetime) -> Iterable[tuple[int, WindowMetadata]]:
        """Close the windows that end before the watermark or at it, in order of opening."""
        closed = list(self._take_closed(to_micros(watermark)))
        closed.sort()
        return [(window_id, self._grid.metadata(window_id)) for _, window_id in closed]

    def notify_at(self) -> datetime | None:
        """Give the end of the window that ends first."""
        return from_micros(self._grid.close_micros(self._soonest[0])) if self._soonest else None

    def is_empty(self) -> bool:
        """Tell whether no window is open."""
        return not self._opened

    def snapshot(self) -> SlidingWindowerState:
        """Give the ids of the open windows."""
        return list(self._opened)

    def _take_closed(self, watermark: int) -> Iterator[tuple[int, int]]:
        soonest = self._soonest
        while soonest and self._grid.close_micros(soonest[0]) <= watermark:
            window_id = heappop(soonest)
            yield self._opened.pop(window_id), window_id


@dataclass
class SlidingWindower(Windower[SlidingWindowerState]):
    """Windows of one length that begin at regular times; they overlap, or touch.

    Window 0 begins at `align_to`, window 1 an offset later, window -1 an offset earlier. A value
    goes into all windows that its time lies in; the begin is part of a window, the end is not.

    >>> from datetime import datetime, timedelta, timezone
    >>> midnight = datetime(2024, 1, 1, tzinfo=timezone.utc)
    >>> windower = SlidingWindower(timedelta(minutes=2), timedelta(minutes=1), midnight)
    >>> windower.build(None).open_for(midnight + timedelta(minutes=5))
    [4, 5]
    """

    length: timedelta
    """How long each window is."""
    offset: timedelta
    """How long after one window the next one begins; not longer than the length, else there would
    be times without a window."""
    align_to: datetime
    """When window 0 begins; with a time zone, in which metadata tells times too."""

    def __post_init__(self) -> None:
        """Check the arguments.

        Raises:
            TypeError: If one has a wrong type.
            ValueError: If the length or offset is not positive, or the offset too long.
        """
        _check_grid("SlidingWindower", self.length, self.align_to)
        check_timedelta("SlidingWindower", "offset", self.offset)
        if not ZERO_TD < self.offset <= self.length:
            raise ValueError(
                f"`SlidingWindower`: 'offset' must be positive and not longer than 'length' "
                f"{self.length!r}; got {self.offset!r}"
            )

    def build(self, resume_state: SlidingWindowerState | None) -> SlidingWindowerLogic:
        """Make the windower of a key."""
        grid = WindowGrid(self.length, self.offset, self.align_to)
        return SlidingWindowerLogic(grid, resume_state)


@dataclass
class TumblingWindower(Windower[SlidingWindowerState]):
    """Windows of one length, one after the other; a value goes into just one.

    Window 0 begins at `align_to`, window -1 ends there. The begin is part of a window, the end is
    not.

    >>> from datetime import datetime, timedelta, timezone
    >>> midnight = datetime(2024, 1, 1, tzinfo=timezone.utc)
    >>> windower = TumblingWindower(timedelta(minutes=1), midnight)
    >>> windower.build(None).open_for(midnight + timedelta(minutes=5))
    [5]
    """

    length: timedelta
    """How long each window is."""
    align_to: datetime
    """When window 0 begins; with a time zone, in which metadata tells times too."""

    def __post_init__(self) -> None:
        """Check the arguments.

        Raises:
            TypeError: If one has a wrong type.
            ValueError: If the length is not positive.
        """
        _check_grid("TumblingWindower", self.length, self.align_to)

    def build(self, resume_state: SlidingWindowerState | None) -> SlidingWindowerLogic:
        """Make the windower of a key."""
        grid = WindowGrid(self.length, self.length, self.align_to)
        return SlidingWindowerLogic(grid, resume_state)


def _check_grid(windower: str, length: object, align_to: object) -> None:
    check_timedelta(windower, "length", length)
    if isinstance(length, timedelta) and length <= ZERO_TD:
        raise ValueError(f"`{windower}`: 'length' must be positive; got {length!r}")
    if not has_zone(align_to):
        raise TypeError(
            f"`{windower}`: 'align_to' must be a `datetime` with a time zone; got {align_to!r}; "
            "write UTC as `datetime(…, tzinfo=timezone.utc)`"
        )
