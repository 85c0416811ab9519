"""Clocks: when a value happened, and the watermark, up to when everything is known."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeAlias, TypeVar

from cppwax.dataflow import f_repr
from cppwax.operators._final import _identity
from cppwax.operators.windowing._times import (
    UTC_MAX,
    UTC_MIN,
    ZERO_TD,
    _get_system_utc,
    check_timedelta,
    has_zone,
    in_utc,
    shifted,
    within_all_time,
)

V = TypeVar("V")
S = TypeVar("S")

EventClockState: TypeAlias = tuple[datetime, datetime]
"""When the value came that brought the watermark forward last, and to where it brought it."""

# A clock of the user's may stand still or run at another speed: how often to look at it then.
_LOOK_AGAIN = timedelta(milliseconds=10)


class ClockLogic(ABC, Generic[V, S]):
    """The clock of one key: gives each value a timestamp, and the key a watermark.

    A watermark says that no value with an earlier timestamp is waited for any more. It must never
    go back. Called by the window step, in turn: `before_batch`, then `on_item` for each value of
    the batch; `on_notify` when a time is over that `to_system_utc` gave; `on_eof` at the end.
    """

    @abstractmethod
    def before_batch(self) -> None:
        """Get ready for the values of a batch; the place to look what time it is, once for all."""
        ...

    @abstractmethod
    def on_item(self, value: V) -> tuple[datetime, datetime]:
        """Take a value.

        Args:
            value: The value.

        Returns:
            The value's timestamp, and the watermark now; both with a time zone.
        """
        ...

    @abstractmethod
    def on_notify(self) -> datetime:
        """Act on the time that `to_system_utc` gave.

        Returns:
            The watermark now.
        """
        ...

    @abstractmethod
    def on_eof(self) -> datetime:
        """Act on the end of the upstream.

        Returns:
            The watermark; `UTC_MAX` to have all windows closed.
        """
        ...

    @abstractmethod
    def to_system_utc(self, timestamp: datetime) -> datetime | None:
        """Tell when the watermark will have reached a timestamp if no more values come.

        Args:
            timestamp: A time at which something is to happen, such as the end of a window.

        Returns:
            When to call `on_notify`; None if only values can bring the watermark there.
        """
        ...

    @abstractmethod
    def snapshot(self) -> S:
        """Give the state that `Clock.build` can make an equal logic of.

        Returns:
            The state; it must not change when this logic goes on.
        """
        ...


class Clock(ABC, Generic[V, S]):
    """What time means to a window step; makes a `ClockLogic` for each key."""

    @abstractmethod
    def build(self, resume_state: S | None) -> ClockLogic[V, S]:
        """Make the clock of a key.

        Args:
            resume_state: None for a new key; what `ClockLogic.snapshot` gave where a run is
                resumed.

        Returns:
            The logic.
        """
        ...


@dataclass
class SystemClockLogic(ClockLogic[Any, None]):
    """For `SystemClock`."""

    now_getter: Callable[[], datetime]
    now: datetime = UTC_MIN

    def before_batch(self) -> None:
        """Look what time it is."""
        self.on_notify()

    def on_item(self, value: Any) -> tuple[datetime, datetime]:
        """Give the time of the batch."""
        return self.now, self.now

    def on_notify(self) -> datetime:
        """Look what time it is; the system's clock may be set back, a watermark may not."""
        self.now = max(self.now, self.now_getter())
        return self.now

    def on_eof(self) -> datetime:
        """Let all windows close."""
        return UTC_MAX

    def to_system_utc(self, timestamp: datetime) -> datetime | None:
        """Give the timestamp: it is a system time."""
        return timestamp

    def snapshot(self) -> None:
        """Give nothing: the system knows the time."""
        return None


@dataclass
class SystemClock(Clock[Any, None]):
    """A value happens when it comes to the window step; nothing is ever late.

    Windows close when their time is over, whether values come or not.
    """

    def build(self, resume_state: None) -> SystemClockLogic:
        """Make the clock of a key."""
        return SystemClockLogic(_get_system_utc)


class EventClockLogic(ClockLogic[V, EventClockState]):
    """For `EventClock`; the state is of the form `EventClockState`."""

    def __init__(self, clock: "EventClock[V]", state: EventClockState | None) -> None:
        """Begin, or go on, at the system time of now."""
        self.clock = clock
        self.wait = within_all_time(clock.wait_for_system_duration)
        self.system_now = self._now()
        self.system_time_of_max_event, self.watermark_base = state or (self.system_now, UTC_MIN)
        # Where the run before stopped; the machine of this one may be behind.
        self.system_now = max(self.system_now, self.system_time_of_max_event)

    def before_batch(self) -> None:
        """Look what time it is; the system's clock may be set back, a watermark may not."""
        self.system_now = max(self.system_now, self._now())

    def on_item(self, value: V) -> tuple[datetime, datetime]:
        """Let a value bring the watermark forward."""
        timestamp = self._timestamp_of(value)
        watermark = self._watermark()
        candidate = shifted(timestamp, -self.wait)
        if candidate > watermark:
            self.system_time_of_max_event, self.watermark_base = self.system_now, candidate
            watermark = candidate
        return timestamp, watermark

    def on_notify(self) -> datetime:
        """Let the passing of time bring the watermark forward."""
        self.before_batch()
        return self._watermark()

    def on_eof(self) -> datetime:
        """Let all windows close; a resumed run goes on with the watermark of before."""
        return UTC_MAX

    def to_system_utc(self, timestamp: datetime) -> datetime | None:
        """Tell exactly when the watermark will be there, or what the user's function knows."""
        clock = self.clock
        asked = clock.to_system_utc(timestamp)
        if asked is None or self.watermark_base == UTC_MIN:
            return None
        if not has_zone(asked):
            self._refuse("to_system_utc", clock.to_system_utc, asked)
        own_estimate = clock.to_system_utc is not _identity
        if clock.now_getter is _get_system_utc:
            due = shifted(self.system_time_of_max_event, timestamp - self.watermark_base)
            return max(due, asked) if own_estimate else due
        # The user's time is not the system's: only spans can be compared.
        real_now = _get_system_utc()
        due = asked if own_estimate else shifted(real_now, timestamp - self._watermark())
        return max(due, shifted(real_now, _LOOK_AGAIN))

    def snapshot(self) -> EventClockState:
        """Give when the watermark was brought forward, and to where."""
        return self.system_time_of_max_event, self.watermark_base

    def _watermark(self) -> datetime:
        # Time passes from the first value on: none that is the first of its key is late.
        if self.watermark_base == UTC_MIN:
            return UTC_MIN
        return shifted(self.watermark_base, self.system_now - self.system_time_of_max_event)

    def _now(self) -> datetime:
        now = self.clock.now_getter()
        if not has_zone(now):
            self._refuse("now_getter", self.clock.now_getter, now)
        return in_utc(now)

    def _timestamp_of(self, value: V) -> datetime:
        timestamp = self.clock.ts_getter(value)
        if not has_zone(timestamp):
            self._refuse("ts_getter", self.clock.ts_getter, timestamp)
        return in_utc(timestamp)

    @staticmethod
    def _refuse(name: str, function: object, result: object) -> None:
        remedy = "return a `datetime`"
        if isinstance(result, datetime):
            remedy = "add one, as in `t.replace(tzinfo=timezone.utc)`"
        raise TypeError(
            f"what `{name}` {f_repr(function)} of an `EventClock` returns must be a `datetime` "
            f"with a time zone; got {result!r}; {remedy}"
        )


@dataclass
class EventClock(Clock[V, EventClockState]):
    """A value happens when its timestamp says; values may come out of order, within limits.

    The watermark of a key is the latest timestamp seen, less the time that is waited for values
    that are still on their way; and it goes on as time passes, so that the windows of a key
    without new values close too. What comes with a timestamp before the watermark is late.

    Timestamps in other time zones are converted to UTC.

    >>> from datetime import datetime, timedelta, timezone
    >>> clock = EventClock(lambda v: v["at"], wait_for_system_duration=timedelta(seconds=10))
    >>> logic = clock.build(None)
    >>> logic.before_batch()
    >>> noon = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
    >>> timestamp, watermark = logic.on_item({"at": noon})
    >>> str(watermark)
    '2024-01-01 11:59:50+00:00'
    """

    ts_getter: Callable[[V], datetime]
    """Called with each value; returns its timestamp, with a time zone."""
    wait_for_system_duration: timedelta
    """How long to wait for values that are on their way."""
    now_getter: Callable[[], datetime] = _get_system_utc
    """Called for the system time, with a time zone; for tests, and to run through past data."""
    to_system_utc: Callable[[datetime], datetime | None] = _identity
    """Called with a timestamp that the watermark has to reach for something to happen; returns the
    system time before which that need not be looked for, or None if windows are not to close by
    the passing of time. By default it happens exactly when the watermark is there."""

    def __post_init__(self) -> None:
        """Check the arguments.

        Raises:
            TypeError: If one has a wrong type.
            ValueError: If the wait is negative.
        """
        for name in ("ts_getter", "now_getter", "to_system_utc"):
            value = getattr(self, name)
            if not callable(value):
                raise TypeError(f"`EventClock`: '{name}' must be callable; got {type(value)}")
        wait = self.wait_for_system_duration
        check_timedelta("EventClock", "wait_for_system_duration", wait)
        if wait < ZERO_TD:
            raise ValueError(
                f"`EventClock`: 'wait_for_system_duration' must not be negative; got {wait!r}: "
                "every value would be late"
            )

    def build(self, resume_state: EventClockState | None) -> EventClockLogic[V]:
        """Make the clock of a key."""
        return EventClockLogic(self, resume_state)
