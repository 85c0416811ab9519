"""The step that pairs values of two streams whose times are near each other."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from cppwax.dataflow import KeyedStream, operator
from cppwax.operators._join import _check_mode
from cppwax.operators._logic import StatefulBatchLogic
from cppwax.operators.windowing._clocks import Clock
from cppwax.operators.windowing._times import (
    MICROSECOND,
    UTC_MAX,
    check_timedelta,
    shifted,
    within_all_time,
)
from cppwax.operators.windowing._two_sides import (
    Labelled,
    TimeJoinEvent,
    TimeJoinOut,
    join_by_time,
)
from cppwax.operators.windowing._worker_time import TimedBuilder

X = TypeVar("X")
Y = TypeVar("Y")

IntervalJoinMode: TypeAlias = Literal["inner", "left", "outer"]
"""Which values without a partner an `interval_join` emits: none; those of the left stream; all."""

IntervalJoinState: TypeAlias = tuple[Any, list[list[tuple[datetime, Any, bool]]]]
"""The clock's state; and of each side, in order of time, each value that may still find a partner,
with its timestamp in front and whether it has found one behind."""


@dataclass(slots=True)
class Kept:
    """A value that may still find a partner."""

    timestamp: datetime
    value: Any
    paired: bool = False


_time_of = attrgetter("timestamp")


@dataclass(frozen=True, slots=True)
class IntervalJoinBuilder(TimedBuilder):
    """For `interval_join`."""

    step_id: str
    clock: Clock[Any, Any]
    lower: timedelta
    upper: timedelta
    mode: IntervalJoinMode

    def __call__(self, state: IntervalJoinState | None) -> "IntervalJoinLogic":
        """Give the logic of a key."""
        return IntervalJoinLogic(self, state)


class IntervalJoinLogic(StatefulBatchLogic[Labelled, TimeJoinEvent, IntervalJoinState]):
    """For `interval_join`; the state is of the form `IntervalJoinState`.

    A value waits until the watermark is beyond the last time at which a partner could be.
    """

    __slots__ = ("_builder", "_clock", "_reach", "_sides")

    def __init__(self, builder: IntervalJoinBuilder, state: IntervalJoinState | None) -> None:
        """Begin, or go on with a state."""
        clock_state, sides = state or (None, [[], []])
        self._builder = builder
        self._clock = builder.clock.build(clock_state)
        self._sides = [[Kept(*kept) for kept in side] for side in sides]
        # Of each side, where the partners of a value are, from its own time.
        self._reach = ((builder.lower, builder.upper), (-builder.upper, -builder.lower))

    def on_batch(self, values: list[Labelled]) -> tuple[Iterable[TimeJoinEvent], bool]:
        """Pair values with those that are there, and keep them for those to come."""
        events: list[TimeJoinEvent] = []
        self._clock.before_batch()
        for labelled in values:
            timestamp, watermark = self._clock.on_item(labelled)
            if timestamp < watermark:
                events.append(("L", labelled))
            else:
                self._pair(labelled[0], Kept(timestamp, labelled[1]), events)
        # The watermark of the last value: there is no empty batch.
        return self._without_past(watermark, events)

    def on_notify(self) -> tuple[Iterable[TimeJoinEvent], bool]:
        """Let go of values for which no partner can come any more."""
        return self._without_past(self._clock.on_notify(), [])

    def on_eof(self) -> tuple[Iterable[TimeJoinEvent], bool]:
        """Let go of all."""
        return self._without_past(self._clock.on_eof(), [])

    def notify_at(self) -> datetime | None:
        """Ask for a call when the next value is to be let go of."""
        timestamp = self.watermark_due()
        return None if timestamp is None else self._clock.to_system_utc(timestamp)

    def watermark_due(self) -> datetime | None:
        """Tell where the watermark must be for the next value to be let go of."""
        ends = [self._end_of(side, kept[0]) for side, kept in enumerate(self._sides) if kept]
        return shifted(min(ends), MICROSECOND) if ends else None

    def keep_time(self) -> None:
        """Take the watermark of the worker into the state."""
        self._clock.before_batch()

    def snapshot(self) -> IntervalJoinState:
        """Give the clock's state and the values that are kept."""
        sides = [[(k.timestamp, k.value, k.paired) for k in side] for side in self._sides]
        return self._clock.snapshot(), sides

    def _pair(self, side: int, kept: Kept, events: list[TimeJoinEvent]) -> None:
        others = self._sides[1 - side]
        nearest, farthest = self._reach[side]
        first = bisect_left(others, shifted(kept.timestamp, nearest), key=_time_of)
        last = bisect_right(others, shifted(kept.timestamp, farthest), key=_time_of)
        for other in others[first:last]:
            kept.paired = other.paired = True
            pair = (kept.value, other.value) if side == 0 else (other.value, kept.value)
            events.append(("E", pair))
        own = self._sides[side]
        own.insert(bisect_right(own, kept.timestamp, key=_time_of), kept)

    def _end_of(self, side: int, kept: Kept) -> datetime:
        return shifted(kept.timestamp, self._reach[side][1])

    def _without_past(
        self, watermark: datetime, events: list[TimeJoinEvent]
    ) -> tuple[list[TimeJoinEvent], bool]:
        mode = self._builder.mode
        for side, kept in enumerate(self._sides):
            count = 0
            while count < len(kept) and (
                self._end_of(side, kept[count]) < watermark or watermark == UTC_MAX
            ):
                count += 1
            alone = [k.value for k in kept[:count] if not k.paired]
            del kept[:count]
            if mode == "outer" or (mode == "left" and side == 0):
                events.extend(("E", (v, None) if side == 0 else (None, v)) for v in alone)
        return events, not any(self._sides)


@operator
def interval_join(
    step_id: str,
    left: KeyedStream[X],
    right: KeyedStream[Y],
    clock: Clock[Any, Any],
    lower: timedelta,
    upper: timedelta,
    mode: IntervalJoinMode = "inner",
) -> TimeJoinOut[X, Y]:
    """Pair each value of one stream with those of another that happened near it.

    Left and right are paired if the right one's time, less the left one's, is between `lower` and
    `upper`, both included. Not in Bytewax.

    **Shape**: `KeyedStream[X], KeyedStream[Y] → TimeJoinOut(down: KeyedStream[(X, Y)], late:
    KeyedStream[(int, X | Y)])`.
    **Order**: a row is emitted when the later one of its values comes, rows of one value in order
    of time; values without a partner when the watermark says that none can come.
    **State**: of each key the values for which a partner may still come, and what the clock keeps.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        left: A stream, of `(str, value)` 2-tuples.
        right: Another.
        clock: When a value happened, and up to when everything is known. An `EventClock` is asked
            about values, a clock of one's own about `(number of the side, value)`.
        lower: The least that a right value may come after a left one; negative for before.
        upper: The most.
        mode: Which values without a partner to emit too: none (`inner`), those of the `left`
            stream, or all (`outer`); None stands for the partner.

    Returns:
        The rows, and values that came too late.

    Raises:
        TypeError: If an argument has a wrong type; when run, if an item is no keyed pair.
        ValueError: If `lower` is greater than `upper`, or the mode is unknown.

    >>> from datetime import datetime, timedelta, timezone
    >>> import cppwax.operators as op
    >>> import cppwax.operators.windowing as w
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> noon = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
    >>> clock = w.EventClock(lambda v: noon + timedelta(seconds=v), timedelta(seconds=30))
    >>> out = []
    >>> flow = Dataflow("near")
    >>> shown = op.input("shown", flow, TestingSource([("ad", 10), ("ad", 20), ("ad", 50)]))
    >>> clicked = op.input("clicked", flow, TestingSource([("ad", 12), ("ad", 22)]))
    >>> pairs = w.interval_join("pair", shown, clicked, clock, timedelta(0), timedelta(seconds=5),
    ...     mode="left")
    >>> op.output("out", pairs.down, TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('ad', (10, 12)), ('ad', (20, 22)), ('ad', (50, None))]
    """
    check_timedelta("interval_join", "lower", lower)
    check_timedelta("interval_join", "upper", upper)
    if lower > upper:
        raise ValueError(
            f"step {step_id!r}: 'lower' must not be greater than 'upper'; got {lower!r} and "
            f"{upper!r}"
        )
    _check_mode(step_id, "mode", mode, get_args(IntervalJoinMode))
    lower, upper = within_all_time(lower), within_all_time(upper)
    return join_by_time(
        step_id,
        left,
        right,
        clock,
        lambda clock: IntervalJoinBuilder(step_id, clock, lower, upper, mode),
    )
