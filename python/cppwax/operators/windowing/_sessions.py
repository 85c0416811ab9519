"""Sessions: windows that last as long as values keep coming."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TypeAlias

from cppwax.operators.windowing._times import (
    MAX_MICROS,
    MICROSECOND,
    ZERO_TD,
    check_timedelta,
    from_micros,
    to_micros,
)
from cppwax.operators.windowing._windowers import Windower, WindowerLogic, WindowMetadata

LATE_SESSION_ID: int = -1
"""The window id of late values where windows are sessions: which one it would have been in is not
known any more."""

SessionWindowerState: TypeAlias = tuple[
    int, list[tuple[int, datetime, datetime, set[int]]], list[tuple[int, int]]
]
"""The next id; of each open session, in order of opening, its id, first time, last time and merged
ids; merges that were not told of yet."""


@dataclass(slots=True)
class Session:
    """An open session; times are in microseconds."""

    session_id: int
    first: int
    last: int
    merged_ids: set[int]


_first_of = attrgetter("first")


class SessionWindowerLogic(WindowerLogic[SessionWindowerState]):
    """For `SessionWindower`.

    Keeps the open sessions in order of time. Between two of them there is always more than the
    gap, so only the two beside a time can have to do with it, and those over are the first ones.
    """

    __slots__ = ("_gap", "_merges", "_next_id", "_sessions")

    def __init__(self, gap: timedelta, state: SessionWindowerState | None) -> None:
        """Begin without sessions, or with those of a state."""
        self._gap = gap // MICROSECOND
        self._next_id, sessions, merges = state or (0, [], [])
        self._merges = list(merges)
        self._sessions = [
            Session(session_id, to_micros(first), to_micros(last), set(merged_ids))
            for session_id, first, last, merged_ids in sessions
        ]
        self._sessions.sort(key=_first_of)

    def open_for(self, timestamp: datetime) -> Iterable[int]:
        """Put the time into the session it is near to; of two such sessions, make one."""
        at = to_micros(timestamp)
        position = bisect_right(self._sessions, at, key=_first_of)
        before = self._sessions[position - 1] if position > 0 else None
        after = self._sessions[position] if position < len(self._sessions) else None
        if before is not None and at - before.last > self._gap:
            before = None
        if after is not None and after.first - at > self._gap:
            after = None
        if before is None and after is None:
            self._sessions.insert(position, Session(self._next_id, at, at, set()))
            self._next_id += 1
            return (self._next_id - 1,)
        if before is None:
            assert after is not None
            after.first = at
            return (after.session_id,)
        before.last = max(before.last, at)
        if after is None:
            return (before.session_id,)
        del self._sessions[position]
        self._merge(after, before)
        return (min(before.session_id, after.session_id),)

    def late_for(self, timestamp: datetime) -> Iterable[int]:
        """Give the id that stands for all late values."""
        return (LATE_SESSION_ID,)

    def merged(self) -> Iterable[tuple[int, int]]:
        """Give the merges since the last call, in the order in which they happened."""
        merges = self._merges
        self._merges = []
        return merges

    def close_for(self, watermark: datetime) -> Iterable[tuple[int, WindowMetadata]]:
        """Close the sessions whose gap lies before the watermark, in order of opening."""
        at = to_micros(watermark)
        count = 0
        while count < len(self._sessions) and self._is_over(self._sessions[count], at):
            count += 1
        closed = self._sessions[:count]
        del self._sessions[:count]
        closed.sort(key=attrgetter("session_id"))
        return [(session.session_id, _metadata(session)) for session in closed]

    def notify_at(self) -> datetime | None:
        """Give the time just after the gap of the session that ends first."""
        if not self._sessions:
            return None
        return from_micros(self._sessions[0].last + self._gap + 1)

    def is_empty(self) -> bool:
        """Tell that the key is never to be forgotten: ids would come again."""
        return False

    def snapshot(self) -> SessionWindowerState:
        """Give the next id, the open sessions and the merges not told of."""
        sessions = sorted(self._sessions, key=attrgetter("session_id"))
        told = [
            (s.session_id, from_micros(s.first), from_micros(s.last), set(s.merged_ids))
            for s in sessions
        ]
        return self._next_id, told, list(self._merges)

    def _merge(self, later: Session, earlier: Session) -> None:
        earlier.last = max(earlier.last, later.last)
        earlier.merged_ids |= later.merged_ids
        earlier.merged_ids.add(later.session_id)
        self._merges.append((later.session_id, earlier.session_id))

    def _is_over(self, session: Session, watermark: int) -> bool:
        return watermark >= MAX_MICROS or session.last + self._gap < watermark


def _metadata(session: Session) -> WindowMetadata:
    first, last = from_micros(session.first), from_micros(session.last)
    return WindowMetadata(first, last, session.merged_ids)


@dataclass
class SessionWindower(Windower[SessionWindowerState]):
    """A window for each run of values that follow each other without a longer pause.

    A value belongs to a session if its time is at most the gap away from another one of it. One
    that comes later and fills the pause between two sessions makes them one: the one that begins
    first stays, and its metadata names the id of the other.

    The sessions of a key are numbered 0, 1, 2, … in the order in which they were opened. No number
    is given twice, so something is kept for each key for ever: its watermark and the next number.

    >>> from datetime import datetime, timedelta, timezone
    >>> logic = SessionWindower(gap=timedelta(minutes=5)).build(None)
    >>> noon = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
    >>> [logic.open_for(noon + timedelta(minutes=m)) for m in (0, 5, 20)]
    [(0,), (0,), (1,)]
    """

    gap: timedelta
    """The longest pause within a session."""

    def __post_init__(self) -> None:
        """Check the arguments.

        Raises:
            TypeError: If the gap is no `timedelta`.
            ValueError: If it is negative.
        """
        check_timedelta("SessionWindower", "gap", self.gap)
        if self.gap < ZERO_TD:
            raise ValueError(f"`SessionWindower`: 'gap' must not be negative; got {self.gap!r}")

    def build(self, resume_state: SessionWindowerState | None) -> SessionWindowerLogic:
        """Make the windower of a key."""
        return SessionWindowerLogic(self.gap, resume_state)
