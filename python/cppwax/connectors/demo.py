"""Sources that make up data, to try things out without an outside system."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from cppwax.inputs import FixedPartitionedSource, StatefulSourcePartition

__all__ = ["RandomMetricSource"]


@dataclass
class _RandomMetricState:
    awake_at: datetime
    count: int


@dataclass
class _RandomMetricPartition(StatefulSourcePartition[tuple[str, float], _RandomMetricState]):
    metric_name: str
    interval: timedelta
    count: int
    next_random: Callable[[], float]
    state: _RandomMetricState

    def next_batch(self) -> list[tuple[str, float]]:
        if self.state.count >= self.count:
            raise StopIteration
        value = self.next_random()
        self.state.awake_at += self.interval
        self.state.count += 1
        return [(self.metric_name, value)]

    def next_awake(self) -> datetime | None:
        return self.state.awake_at

    def snapshot(self) -> _RandomMetricState:
        return replace(self.state)


@dataclass(init=False)
class RandomMetricSource(FixedPartitionedSource[tuple[str, float], _RandomMetricState]):
    """Emit random values of a metric at an interval, on one worker.

    Items are `(metric name, value)` pairs.

    >>> source = RandomMetricSource("temperature", count=1, next_random=lambda: 21.5)
    >>> source.build_part("flow.inp", "temperature", None).next_batch()
    [('temperature', 21.5)]
    """

    def __init__(
        self,
        metric_name: str,
        interval: timedelta = timedelta(seconds=0.7),
        count: int = sys.maxsize,
        next_random: Callable[[], float] = lambda: random.randrange(0, 10),
    ) -> None:
        """Choose what to emit.

        Args:
            metric_name: Name of the metric, the key of all items.
            interval: Time from one item to the next.
            count: How many items to emit before the end.
            next_random: Returns the next value; by default a whole number from 0 to 9.
        """
        self._metric_name = metric_name
        self._interval = interval
        self._count = count
        self._next_random = next_random

    def list_parts(self) -> list[str]:
        """Name the only partition after the metric."""
        return [self._metric_name]

    def build_part(
        self, step_id: str, for_part: str, resume_state: Any | None
    ) -> _RandomMetricPartition:
        """Start emitting; see `FixedPartitionedSource.build_part`."""
        state = resume_state or _RandomMetricState(datetime.now(timezone.utc), 0)
        return _RandomMetricPartition(
            for_part, self._interval, self._count, self._next_random, replace(state)
        )
