"""What runs the windows of one key: brings clock, windower and the windows' logics together."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import Any, Generic, Literal, NoReturn, TypeAlias, TypeVar

from cppwax.dataflow import f_repr
from cppwax.operators._checks import check_iterable
from cppwax.operators._logic import StatefulBatchLogic
from cppwax.operators.windowing._clocks import Clock, ClockLogic
from cppwax.operators.windowing._early import EarlyResults
from cppwax.operators.windowing._logic import WindowLogic
from cppwax.operators.windowing._times import UTC_MIN
from cppwax.operators.windowing._windowers import Windower, WindowerLogic
from cppwax.operators.windowing._worker_time import TimedBuilder

V = TypeVar("V")
W = TypeVar("W")
S = TypeVar("S")

Event: TypeAlias = tuple[int, Literal["L", "E", "M"], Any]
"""What the keyed step under a window step emits: the window's id, a kind, and by the kind a late
value, a value emitted by a window's logic, or a closed window's metadata."""

WindowState: TypeAlias = (
    tuple[Any, Any, dict[int, Any], list[tuple[Any, datetime]]]
    | tuple[Any, Any, dict[int, Any], list[tuple[Any, datetime]], list[int]]
)
"""The clock's state, the windower's, those of the windows' logics by window id, and the values that
wait for the watermark with their timestamps, in order of arrival. Where early results are emitted
every so often, one part more: the ids of the windows that have changed."""


@dataclass(frozen=True, slots=True)
class WindowBuilder(TimedBuilder, Generic[V, W, S]):
    """For `window`."""

    step_id: str
    clock: Clock[V, Any]
    windower: Windower[Any]
    builder: Callable[[S | None], WindowLogic[V, W, S]]
    ordered: bool
    early_after: timedelta | None = None
    """How long after a change an early result is emitted; None for no such results."""

    def __call__(self, state: WindowState | None) -> "WindowDriver[V]":
        """Give the logic of a key."""
        return WindowDriver(self, state)

    def part_for(self, part: Clock[V, Any] | Windower[Any], state: Any) -> Any:
        """Build the clock or windower of a key."""
        try:
            return part.build(state)
        except (TypeError, ValueError) as ex:
            if state is None:
                raise
            raise TypeError(
                f"step {self.step_id!r}: the stored state {state!r} does not fit {part!r}; it is "
                "of another clock or windower; take that again, or give the step another name"
            ) from ex


class WindowDriver(StatefulBatchLogic[V, Event, WindowState]):
    """For `window`; the state is of the form `WindowState`."""

    __slots__ = (
        "_arrived",
        "_builder",
        "_clock",
        "_early",
        "_logics",
        "_queue",
        "_watermark",
        "_windower",
    )

    def __init__(self, builder: WindowBuilder[V, Any, Any], state: WindowState | None) -> None:
        """Begin, or go on with a state."""
        clock_state, windower_state, logic_states, queue, *changed = state or (None, None, {}, [])
        self._builder = builder
        self._clock: ClockLogic[V, Any] = builder.part_for(builder.clock, clock_state)
        self._windower: WindowerLogic[Any] = builder.part_for(builder.windower, windower_state)
        self._logics: dict[int, WindowLogic[V, Any, Any]] = {
            window_id: builder.builder(logic_state)
            for window_id, logic_state in logic_states.items()
        }
        # By timestamp, then by arrival: values themselves are never compared.
        self._queue: list[tuple[datetime, int, V]] = [
            (timestamp, i, value) for i, (value, timestamp) in enumerate(queue)
        ]
        heapify(self._queue)
        self._arrived = len(self._queue)
        self._watermark = UTC_MIN
        self._early = EarlyResults(builder.early_after, *changed)

    def on_batch(self, values: list[V]) -> tuple[Iterable[Event], bool]:
        """Put values into windows, or keep them until the watermark is there."""
        events: list[Event] = []
        at_once: list[tuple[datetime, V]] = []
        self._clock.before_batch()
        for value in values:
            timestamp, watermark = self._clock.on_item(value)
            self._advance(watermark)
            if timestamp < watermark:
                late_for = self._windower.late_for(timestamp)
                events.extend((window_id, "L", value) for window_id in late_for)
            elif self._builder.ordered:
                heappush(self._queue, (timestamp, self._arrived, value))
                self._arrived += 1
            else:
                at_once.append((timestamp, value))
        for timestamp, value in at_once:
            self._insert(timestamp, value, events)
        return self._settled(events)

    def on_notify(self) -> tuple[Iterable[Event], bool]:
        """Act on the watermark that time has brought forward."""
        self._advance(self._clock.on_notify())
        return self._settled([])

    def on_eof(self) -> tuple[Iterable[Event], bool]:
        """Close what the clock lets close at the end."""
        self._advance(self._clock.on_eof())
        return self._settled([])

    def notify_at(self) -> datetime | None:
        """Ask for a call when the watermark is where something is to happen."""
        timestamp = self.watermark_due()
        due = None if timestamp is None else self._clock.to_system_utc(timestamp)
        early = self._early.due
        return early if due is None or (early is not None and early < due) else due

    def watermark_due(self) -> datetime | None:
        """Tell where the watermark must be for something to happen."""
        timestamp = self._windower.notify_at()
        if self._queue and (timestamp is None or self._queue[0][0] < timestamp):
            timestamp = self._queue[0][0]
        return timestamp

    def keep_time(self) -> None:
        """Take the watermark of the worker into the state."""
        self._clock.before_batch()

    def snapshot(self) -> WindowState:
        """Give the states of clock, windower and windows, and the values that wait."""
        logic_states = {window_id: logic.snapshot() for window_id, logic in self._logics.items()}
        arrivals = sorted(self._queue, key=lambda entry: entry[1])
        queue = [(value, timestamp) for timestamp, _, value in arrivals]
        state = self._clock.snapshot(), self._windower.snapshot(), logic_states, queue
        return (*state, list(self._early.changed)) if self._builder.early_after else state

    def _settled(self, events: list[Event]) -> tuple[list[Event], bool]:
        """Do what the watermark demands, after the values that have come."""
        while self._queue and self._queue[0][0] <= self._watermark:
            timestamp, _, value = heappop(self._queue)
            self._insert(timestamp, value, events)
        for original_id, into_id in self._windower.merged():
            if original_id != into_id:
                self._merge(original_id, into_id, events)
        for window_id, metadata in self._windower.close_for(self._watermark):
            logic = self._take(window_id, "closed")
            self._emit(window_id, "on_close", logic.on_close(), events)
            events.append((window_id, "M", metadata))
        for window_id in self._early.take():
            self._emit(window_id, "on_early", self._logics[window_id].on_early(), events)
        return events, not self._logics and not self._queue and self._windower.is_empty()

    def _insert(self, timestamp: datetime, value: V, events: list[Event]) -> None:
        for window_id in self._windower.open_for(timestamp):
            logic = self._logics.get(window_id)
            if logic is None:
                logic = self._logics[window_id] = self._builder.builder(None)
            self._emit(window_id, "on_value", logic.on_value(value), events)
            self._early.note(window_id)

    def _merge(self, original_id: int, into_id: int, events: list[Event]) -> None:
        original = self._take(original_id, "merged")
        into = self._logics.get(into_id)
        if into is None:
            self._refuse_window(into_id, "merged others into")
        self._emit(into_id, "on_merge", into.on_merge(original), events)
        self._early.note(into_id)

    def _emit(self, window_id: int, method: str, values: Iterable[W], events: list[Event]) -> None:
        try:
            emitted = iter(values)
        except TypeError:
            check_iterable(self._builder.step_id, method, self._builder.builder, values)
            raise
        events.extend((window_id, "E", value) for value in emitted)

    def _take(self, window_id: int, what: str) -> WindowLogic[V, Any, Any]:
        logic = self._logics.pop(window_id, None)
        if logic is None:
            self._refuse_window(window_id, what)
        self._early.forget(window_id)
        return logic

    def _advance(self, watermark: datetime) -> None:
        if watermark < self._watermark:
            raise ValueError(
                f"step {self._builder.step_id!r}: the clock {self._builder.clock!r} put the "
                f"watermark back from {self._watermark} to {watermark}; let it give the greater of "
                "the two"
            )
        self._watermark = watermark

    def _refuse_window(self, window_id: int, what: str) -> NoReturn:
        raise ValueError(
            f"step {self._builder.step_id!r}: the windower {f_repr(self._builder.windower)} {what} "
            f"the window {window_id!r}, which is not open; it must be one that `open_for` gave"
        )


@dataclass(frozen=True, slots=True)
class Unwrap:
    """For `window`: picks the events of one kind, as `(window id, value)`."""

    kind: Literal["L", "E", "M"]

    def __call__(self, event: Event) -> tuple[int, Any] | None:
        """Give the event if it is of the kind."""
        window_id, kind, value = event
        return (window_id, value) if kind == self.kind else None
