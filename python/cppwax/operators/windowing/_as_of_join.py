"""The step that gives each value of one stream what was the newest of another at its time."""

from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from operator import itemgetter
from typing import Any, TypeAlias, TypeVar

from cppwax.dataflow import KeyedStream, operator
from cppwax.operators._logic import StatefulBatchLogic
from cppwax.operators.windowing._clocks import Clock
from cppwax.operators.windowing._times import (
    MICROSECOND,
    UTC_MAX,
    ZERO_TD,
    check_timedelta,
    shifted,
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

AsOfJoinState: TypeAlias = tuple[Any, list[tuple[datetime, Any]], list[tuple[datetime, Any]]]
"""The clock's state; the left values that wait, in order of arrival, and the right ones that may
still be needed, in order of time; each with its timestamp."""

_time_of = itemgetter(0)


@dataclass(frozen=True, slots=True)
class AsOfJoinBuilder(TimedBuilder):
    """For `as_of_join`."""

    step_id: str
    clock: Clock[Any, Any]
    tolerance: timedelta

    def __call__(self, state: AsOfJoinState | None) -> "AsOfJoinLogic":
        """Give the logic of a key."""
        return AsOfJoinLogic(self, state)


class AsOfJoinLogic(StatefulBatchLogic[Labelled, TimeJoinEvent, AsOfJoinState]):
    """For `as_of_join`; the state is of the form `AsOfJoinState`.

    A left value waits until the watermark is beyond its time: then all right ones are known that
    were there at it.
    """

    __slots__ = ("_arrived", "_builder", "_clock", "_lefts", "_rights")

    def __init__(self, builder: AsOfJoinBuilder, state: AsOfJoinState | None) -> None:
        """Begin, or go on with a state."""
        clock_state, lefts, rights = state or (None, [], [])
        self._builder = builder
        self._clock = builder.clock.build(clock_state)
        # By time, then by arrival: values themselves are never compared.
        self._lefts = [(timestamp, i, value) for i, (timestamp, value) in enumerate(lefts)]
        heapify(self._lefts)
        self._arrived = len(self._lefts)
        self._rights = list(rights)

    def on_batch(self, values: list[Labelled]) -> tuple[Iterable[TimeJoinEvent], bool]:
        """Keep values until the watermark is beyond them."""
        events: list[TimeJoinEvent] = []
        self._clock.before_batch()
        for labelled in values:
            timestamp, watermark = self._clock.on_item(labelled)
            side, value = labelled
            if timestamp < watermark:
                events.append(("L", labelled))
            elif side == 0:
                heappush(self._lefts, (timestamp, self._arrived, value))
                self._arrived += 1
            else:
                insort(self._rights, (timestamp, value), key=_time_of)
        # The watermark of the last value: there is no empty batch.
        return self._settled(watermark, events)

    def on_notify(self) -> tuple[Iterable[TimeJoinEvent], bool]:
        """Act on the watermark that time has brought forward."""
        return self._settled(self._clock.on_notify(), [])

    def on_eof(self) -> tuple[Iterable[TimeJoinEvent], bool]:
        """Emit the rows of all that wait.

        Right values stay: that no more comes in this run brings the watermark of a resumed one no
        further.
        """
        events: list[TimeJoinEvent] = []
        self._take_rows(self._clock.on_eof(), events)
        return events, self._is_over()

    def notify_at(self) -> datetime | None:
        """Ask for a call when a row is due or a right value is too old."""
        timestamp = self.watermark_due()
        return None if timestamp is None else self._clock.to_system_utc(timestamp)

    def watermark_due(self) -> datetime | None:
        """Tell where the watermark must be for a row to be due or a right value too old."""
        ends = [self._lefts[0][0]] if self._lefts else []
        if self._rights:
            ends.append(shifted(self._rights[0][0], self._builder.tolerance))
        # A right value that is never too old is no reason to be called.
        due = min(ends, default=UTC_MAX)
        return None if due == UTC_MAX else shifted(due, MICROSECOND)

    def keep_time(self) -> None:
        """Take the watermark of the worker into the state."""
        self._clock.before_batch()

    def snapshot(self) -> AsOfJoinState:
        """Give the clock's state and the values that are kept."""
        arrivals = sorted(self._lefts, key=itemgetter(1))
        lefts = [(timestamp, value) for timestamp, _, value in arrivals]
        return self._clock.snapshot(), lefts, list(self._rights)

    def _settled(
        self, watermark: datetime, events: list[TimeJoinEvent]
    ) -> tuple[list[TimeJoinEvent], bool]:
        self._take_rows(watermark, events)
        self._drop_rights(watermark)
        return events, self._is_over()

    def _is_over(self) -> bool:
        return not self._lefts and not self._rights

    def _take_rows(self, watermark: datetime, events: list[TimeJoinEvent]) -> None:
        while self._lefts and (self._lefts[0][0] < watermark or watermark == UTC_MAX):
            timestamp, _, value = heappop(self._lefts)
            events.append(("E", (value, self._newest_at(timestamp))))

    def _newest_at(self, timestamp: datetime) -> Any:
        position = bisect_right(self._rights, timestamp, key=_time_of)
        if position == 0:
            return None
        since, value = self._rights[position - 1]
        return value if timestamp - since <= self._builder.tolerance else None

    def _drop_rights(self, watermark: datetime) -> None:
        # Of those that are not after the watermark only the newest can still be asked for.
        count = max(0, bisect_right(self._rights, watermark, key=_time_of) - 1)
        while count < len(self._rights) and self._is_too_old(self._rights[count][0], watermark):
            count += 1
        del self._rights[:count]

    def _is_too_old(self, since: datetime, watermark: datetime) -> bool:
        return shifted(since, self._builder.tolerance) < watermark


@operator
def as_of_join(
    step_id: str,
    left: KeyedStream[X],
    right: KeyedStream[Y],
    clock: Clock[Any, Any],
    tolerance: timedelta = timedelta.max,
) -> TimeJoinOut[X, Y | None]:
    """Give each value of one stream the newest value that another had at its time.

    That is the right value with the greatest time that is not after the left one's; of several
    with that time the one that came last. Not in Bytewax.

    **Shape**: `KeyedStream[X], KeyedStream[Y] → TimeJoinOut(down: KeyedStream[(X, Y | None)], late:
    KeyedStream[(int, X | Y)])`.
    **Order**: rows are emitted in order of the left values' times, of equal times as they came,
    when the watermark is beyond them, or at the end of the stream.
    **State**: of each key the values beyond the watermark, and the newest right value before it
    until it is older than `tolerance`, by default for ever. The right ones, with the watermark,
    stay over the end of the stream too, for a run that is resumed.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        left: The stream whose values are completed, of `(str, value)` 2-tuples.
        right: The stream of which the newest value is taken.
        clock: When a value happened, and up to when everything is known. An `EventClock` is asked
            about values, a clock of one's own about `(number of the side, value)`.
        tolerance: How old the right value may be, at most; by default as old as can be.

    Returns:
        A row for each left value, with None where there was no right value; and values that came
        too late.

    Raises:
        TypeError: If an argument has a wrong type; when run, if an item is no keyed pair.
        ValueError: If `tolerance` is negative.

    >>> from datetime import datetime, timedelta, timezone
    >>> import cppwax.operators as op
    >>> import cppwax.operators.windowing as w
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> noon = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
    >>> clock = w.EventClock(lambda v: noon + timedelta(seconds=v[0]), timedelta(seconds=30))
    >>> out = []
    >>> flow = Dataflow("prices")
    >>> sales = op.input("sales", flow, TestingSource([("x", (3, "sold")), ("x", (9, "sold"))]))
    >>> prices = op.input("prices", flow, TestingSource([("x", (5, 1.5)), ("x", (8, 1.7))]))
    >>> rows = w.as_of_join("price", sales, prices, clock)
    >>> op.output("out", rows.down, TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('x', ((3, 'sold'), None)), ('x', ((9, 'sold'), (8, 1.7)))]
    """
    check_timedelta("as_of_join", "tolerance", tolerance)
    if tolerance < ZERO_TD:
        raise ValueError(f"step {step_id!r}: 'tolerance' must not be negative; got {tolerance!r}")
    return join_by_time(
        step_id, left, right, clock, lambda clock: AsOfJoinBuilder(step_id, clock, tolerance)
    )
