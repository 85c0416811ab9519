"""Time that all keys of a step have in common on one worker: `EventClock(watermark="worker")`."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from cppwax.operators.windowing._clocks import Clock, EventClock, EventClockLogic
from cppwax.operators.windowing._times import UTC_MIN
from cppwax.operators.windowing._watermark import EventClockState, Watermark

V = TypeVar("V")


class WorkerTime(Generic[V]):
    """The watermark of a worker: that of all its keys together.

    What values of a batch bring it forward counts for other keys once the batch is through, so
    that it does not matter which key is looked at first.
    """

    __slots__ = ("_clock", "_coming", "_known")

    def __init__(self, clock: EventClock[V]) -> None:
        """Begin without keys."""
        self._clock = clock
        self.forget()

    def known_to(self, key: Watermark) -> None:
        """Bring the watermark of a key to where the worker's is."""
        key.join(self._known.mark)

    def has_come(self, key: Watermark) -> None:
        """Note where a key's watermark is."""
        self._coming.join(key)

    def take_over(self) -> None:
        """Let what has come count for all keys; called after each batch, and after a resume."""
        self._known.mark.join(self._coming)

    def watermark(self) -> datetime:
        """Look what time it is, and give the watermark."""
        return self._known.on_notify()

    def told(self) -> datetime:
        """Give where values brought the watermark last, before time passed."""
        return self._known.mark.base

    def to_system_utc(self, timestamp: datetime) -> datetime | None:
        """Tell when to look whether the watermark has reached a timestamp; None for never."""
        return self._known.to_system_utc(timestamp)

    def forget(self) -> None:
        """Begin anew; called when there is no key left."""
        self._known: EventClockLogic[V] = EventClockLogic(self._clock, None, UTC_MIN)
        self._coming = Watermark(self._clock.pace, UTC_MIN)


class WorkerClockLogic(EventClockLogic[V]):
    """The clock of a key whose watermark is the worker's; the state is of the same form."""

    def __init__(
        self, clock: EventClock[V], worker: WorkerTime[V], state: EventClockState | None
    ) -> None:
        """Begin, or go on, where the worker's watermark is."""
        super().__init__(clock, state)
        self._worker = worker
        worker.has_come(self.mark)

    def before_batch(self) -> None:
        """Look what time it is, and where the worker's watermark is."""
        super().before_batch()
        self._worker.known_to(self.mark)

    def on_item(self, value: V) -> tuple[datetime, datetime]:
        """Let a value bring the watermark forward, for other keys too."""
        moment = super().on_item(value)
        self._worker.has_come(self.mark)
        return moment

    def to_system_utc(self, timestamp: datetime) -> datetime | None:
        """Give None: the worker's time knows, and the engine asks that."""
        return None


@dataclass(frozen=True, slots=True, repr=False)
class WorkerClock(Clock[V, EventClockState]):
    """An `EventClock` with what its keys share on a worker."""

    clock: EventClock[V]
    time: WorkerTime[V]

    def __repr__(self) -> str:
        """Show what the user made."""
        return repr(self.clock)

    def build(self, resume_state: EventClockState | None) -> WorkerClockLogic[V]:
        """Make the clock of a key."""
        return WorkerClockLogic(self.clock, self.time, resume_state)


class TimedBuilder:
    """Base of the builders of steps with a clock. The engine knows it.

    Each worker of a run calls `for_worker` once. Where that gives a `WorkerTime`, the engine calls
    `watermark_due` of each logic along with its `notify_at`, `on_notify` when the worker's
    watermark is there, and `keep_time` of one where what a key that is over knew must be stored.
    """

    __slots__ = ()

    clock: Clock[Any, Any]

    def for_worker(self) -> tuple["TimedBuilder", WorkerTime[Any] | None]:
        """Give the builder for the keys of one worker, and what their watermark is, if shared."""
        clock = self.clock
        if not isinstance(clock, EventClock) or clock.watermark != "worker":
            return self, None
        time = WorkerTime(clock)
        builder: Any = self
        return replace(builder, clock=WorkerClock(clock, time)), time
