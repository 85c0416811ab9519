"""The arithmetic of watermarks: the latest timestamp less a wait, and the time passed since."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from cppwax.operators.windowing._times import UTC_MIN, ZERO_TD, shifted

EventClockState: TypeAlias = tuple[datetime, datetime]
"""When the value came that brought the watermark forward last, and to where it brought it. With
`idle_after`, when the last value came, and where the watermark was then."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a watermark goes; spans within all of time."""

    wait: timedelta
    """How far it lags behind the latest timestamp."""
    idle_after: timedelta
    """How long nothing must have come for it to go on by itself."""


class Watermark:
    """Up to when everything is known; told what time it is, never looks. It never goes back."""

    __slots__ = ("_pace", "base", "came", "now")

    def __init__(self, pace: Pace, now: datetime, state: EventClockState | None = None) -> None:
        """Begin, or go on with a state; where that came from, the system may have been ahead."""
        self._pace = pace
        self.came, self.base = state or (now, UTC_MIN)
        self.now = max(now, self.came)

    @property
    def state(self) -> EventClockState:
        """What another one can go on from."""
        return self.came, self.base

    @property
    def has_begun(self) -> bool:
        """Whether there was a value: time passes from the first one on, so that it is not late."""
        return self.base > UTC_MIN

    def look(self, now: datetime) -> None:
        """Take the system time, which may be set back: a watermark may not."""
        self.now = max(self.now, now)

    def advance(self, timestamp: datetime) -> datetime:
        """Take the timestamp of a value that comes now; give the watermark after it."""
        candidate, present = shifted(timestamp, -self._pace.wait), self.get()
        if candidate > present or self._pace.idle_after:
            self.came, self.base = self.now, max(candidate, present)
        return max(candidate, present)

    def join(self, other: "Watermark") -> None:
        """Be where the one of the two is that is further, as if the values of both had come.

        One that goes on after a pause only does not know whether it was one: the later may have
        seen values that the earlier has not. It counts from where it was.
        """
        self.look(other.now)
        if not other.has_begun:
            return
        if not self.has_begun:
            self.came, self.base = other.state
            return
        came = max(self.came, other.came)
        bases = [m.base if m._pace.idle_after else m._at(came) for m in (self, other)]
        self.came, self.base = came, max(bases)

    def get(self) -> datetime:
        """Give the watermark."""
        return self._at(self.now)

    def due(self, timestamp: datetime) -> datetime | None:
        """Tell when the watermark will be at a time if nothing comes; None if that is not known."""
        if not self.has_begun:
            return None
        lack = timestamp - self.base
        return shifted(self.came, lack + self._pace.idle_after if lack > ZERO_TD else lack)

    def _at(self, now: datetime) -> datetime:
        if not self.has_begun:
            return UTC_MIN
        passed = now - self.came - self._pace.idle_after
        return shifted(self.base, passed) if passed > ZERO_TD else self.base
