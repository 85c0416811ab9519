"""One key of a window step, driven by hand: no engine, and time is what the test says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import cppwax.operators as op
import cppwax.operators.windowing as w
from cppwax.dataflow import Dataflow, Operator
from cppwax.testing import TestingSource

ZERO = datetime(2024, 1, 1, tzinfo=timezone.utc)
"""What the tests count time from."""


def at(seconds: float) -> datetime:
    """Give the time so many seconds after `ZERO`."""
    return ZERO + timedelta(seconds=seconds)


def span(seconds: float) -> timedelta:
    """Give a span of so many seconds."""
    return timedelta(seconds=seconds)


def seconds_of(when: datetime) -> float:
    """Undo `at`."""
    return (when - ZERO) / timedelta(seconds=1)


def told(value: Any) -> Any:
    """Give metadata as `(begin, end, merged ids)` in seconds; other things as they are."""
    if isinstance(value, w.WindowMetadata):
        return (seconds_of(value.open_time), seconds_of(value.close_time), value.merged_ids)
    return value


def _find_builder(step: Operator) -> Callable[[Any], op.StatefulBatchLogic[Any, Any, Any]] | None:
    if type(step).__name__ == "stateful_batch":
        return step.builder  # type: ignore[attr-defined,no-any-return]
    return next(filter(None, map(_find_builder, step.substeps)), None)


def builder_of(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Give what the engine would call for the logic of a key.

    Args:
        make: Adds a window step to the stream it is given.
    """
    flow = Dataflow("flow")
    make(op.input("inp", flow, TestingSource([])))
    found = _find_builder(flow.substeps[-1])
    assert found is not None
    return found


@dataclass
class Now:
    """A system time that the test sets."""

    seconds: float = 0

    def __call__(self) -> datetime:
        return at(self.seconds)


def event_clock(
    wait: float, now: Callable[[], datetime] | None = None, idle_after: float = 0
) -> w.EventClock[Any]:
    """Make a clock for values that are numbers of seconds, or tuples that begin with one."""
    return w.EventClock(
        lambda v: at(v[0] if isinstance(v, tuple) else v),
        span(wait),
        now_getter=now or Now(),
        idle_after=span(idle_after),
    )


@dataclass
class Key:
    """The logic of one key; keeps what it emitted, with metadata as `told`."""

    builder: Callable[[Any], Any]
    logic: Any = None
    events: list[tuple[Any, ...]] = field(default_factory=list)
    discards: int = 0

    def batch(self, *values: Any) -> list[tuple[Any, ...]]:
        """Give the key a batch; return what it emits."""
        if self.logic is None:
            self.logic = self.builder(None)
        return self._take(self.logic.on_batch(list(values)))

    def notify(self) -> list[tuple[Any, ...]]:
        """Let time have passed."""
        return [] if self.logic is None else self._take(self.logic.on_notify())

    def eof(self) -> list[tuple[Any, ...]]:
        """End the stream."""
        return [] if self.logic is None else self._take(self.logic.on_eof())

    def resume(self, through: Callable[[Any], Any]) -> None:
        """Go on with a logic built of the snapshot.

        Args:
            through: What the state goes through on its way, like pickling.
        """
        if self.logic is not None:
            self.logic = self.builder(through(self.logic.snapshot()))

    def _take(self, answer: tuple[Iterable[Any], bool]) -> list[tuple[Any, ...]]:
        emitted, discard = answer
        new = [(window_id, kind, told(value)) for window_id, kind, value in emitted]
        self.events += new
        if discard:
            self.logic = None
            self.discards += 1
        return new
