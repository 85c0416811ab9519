"""Clocks: when a value happened, and the watermark, up to when everything is known."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

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
from cppwax.operators.windowing._watermark import EventClockState, Pace, Watermark

V = TypeVar("V")
S = TypeVar("S")

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

    def __init__(
        self,
        clock: "EventClock[V]",
        state: EventClockState | None,
        now: datetime | None = None,
    ) -> None:
        """Begin, or go on with a state, at a system time; by default that of now."""
        self.clock = clock
        self.mark = Watermark(clock.pace, self._now() if now is None else now, state)

    def before_batch(self) -> None:
        """Look what time it is."""
        self.mark.look(self._now())

    def on_item(self, value: V) -> tuple[datetime, datetime]:
        """Let a value bring the watermark forward."""
        timestamp = self._timestamp_of(value)
        return timestamp, self.mark.advance(timestamp)

    def on_notify(self) -> datetime:
        """Let the passing of time bring the watermark forward."""
        self.before_batch()
        return self.mark.get()

    def on_eof(self) -> datetime:
        """Let all windows close; a resumed run goes on with the watermark of before."""
        return UTC_MAX

    def to_system_utc(self, timestamp: datetime) -> datetime | None:
        """Tell exactly when the watermark will be there, or what the user's function knows."""
        clock = self.clock
        asked, due = clock.to_system_utc(timestamp), self.mark.due(timestamp)
        if asked is None or due is None:
            return None
        if not has_zone(asked):
            self._refuse("to_system_utc", clock.to_system_utc, asked)
        own_estimate = clock.to_system_utc is not _identity
        if clock.now_getter is _get_system_utc:
            return max(due, asked) if own_estimate else due
        # The user's time is not the system's: only spans can be compared.
        real_now = _get_system_utc()
        there = asked if own_estimate else shifted(real_now, due - self.mark.now)
        return max(there, shifted(real_now, _LOOK_AGAIN))

    def snapshot(self) -> EventClockState:
        """Give when the watermark was brought forward, and to where."""
        return self.mark.state

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
    watermark: Literal["key", "worker"] = field(default="key", kw_only=True)
    """Whose values bring a key's watermark forward: its own, or those of all keys that the step
    has on the same worker, where keys may go quiet; then a value may be late though its key has
    seen no later one. Not in Bytewax."""
    idle_after: timedelta = field(default=ZERO_TD, kw_only=True)
    """How long no value must have come for the watermark to go on as system time passes: always by
    default; after a pause; or never with `timedelta.max`, where only values and the end of the
    stream close windows. With `watermark="worker"` a value of any key counts. Not in Bytewax."""

    def __post_init__(self) -> None:
        """Check the arguments.

        Raises:
            TypeError: If one has a wrong type, or a subclass that builds logics of its own is to
                have the watermark of the worker.
            ValueError: If a span is negative, or `watermark` unknown.
        """
        for name in ("ts_getter", "now_getter", "to_system_utc"):
            value = getattr(self, name)
            if not callable(value):
                raise TypeError(f"`EventClock`: '{name}' must be callable; got {type(value)}")
        self._check_span("wait_for_system_duration", "every value would be late")
        self._check_span("idle_after", "zero is the least")
        if self.watermark not in ("key", "worker"):
            raise ValueError(
                f"`EventClock`: unknown 'watermark' {self.watermark!r}; known are 'key', 'worker'"
            )
        if self.watermark == "worker" and type(self).build is not EventClock.build:
            raise TypeError(
                f"`{type(self).__name__}` has a `build` of its own, whose logics know no watermark "
                "of the worker; use `EventClock` itself, or leave out 'watermark'"
            )

    @property
    def pace(self) -> Pace:
        """How watermarks go."""
        return Pace(
            within_all_time(self.wait_for_system_duration), within_all_time(self.idle_after)
        )

    def build(self, resume_state: EventClockState | None) -> EventClockLogic[V]:
        """Make the clock of a key, which knows nothing of other keys."""
        return EventClockLogic(self, resume_state)

    def _check_span(self, name: str, why: str) -> None:
        span = getattr(self, name)
        check_timedelta("EventClock", name, span)
        if span < ZERO_TD:
            raise ValueError(f"`EventClock`: '{name}' must not be negative; got {span!r}: {why}")
