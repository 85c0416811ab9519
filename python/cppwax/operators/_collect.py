"""The step that gathers values into lists."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from numbers import Real
from typing import Generic, TypeAlias, TypeVar

from cppwax.dataflow import KeyedStream, operator
from cppwax.operators._checks import check_instance
from cppwax.operators._data import Data
from cppwax.operators._logic import StatefulBatchLogic
from cppwax.operators._stateful import SingleValueBuilder, stateful

V = TypeVar("V")

_State: TypeAlias = tuple[list[V], datetime | None]


@dataclass(slots=True, eq=False)
class CollectBuilder(Data, Generic[V]):
    """For `collect`."""

    step_id: str
    timeout: timedelta
    max_size: int

    def __call__(self, state: "_State[V] | None") -> "CollectLogic[V]":
        """Give the logic of a key."""
        values, timeout_at = ([], None) if state is None else state
        return CollectLogic(self, values, timeout_at)


@dataclass(slots=True)
class CollectLogic(StatefulBatchLogic[V, list[V], "_State[V]"]):
    """For `collect`; the state is the values so far and when they are to leave."""

    builder: CollectBuilder[V]
    values: list[V]
    timeout_at: datetime | None

    def on_batch(self, values: list[V]) -> tuple[Iterable[list[V]], bool]:
        """Take values in, and emit lists that are full."""
        max_size = self.builder.max_size
        out: list[list[V]] = []
        for value in values:
            self.values.append(value)
            if len(self.values) >= max_size:
                out.append(self.values)
                self.values = []
        self.timeout_at = _later(datetime.now(timezone.utc), self.builder.timeout)
        return out, not self.values

    def on_notify(self) -> tuple[Iterable[list[V]], bool]:
        """Emit what there is."""
        return (self.values,), self.DISCARD

    def on_eof(self) -> tuple[Iterable[list[V]], bool]:
        """Emit what there is."""
        return (self.values,), self.DISCARD

    def notify_at(self) -> datetime | None:
        """Ask for a call when the values are to leave."""
        return self.timeout_at

    def snapshot(self) -> "_State[V]":
        """Give a copy of the state."""
        return list(self.values), self.timeout_at


def _later(now: datetime, timeout: timedelta) -> datetime | None:
    """Give the time of a timeout; None for one that is so long that it never comes."""
    try:
        return now + timeout
    except OverflowError:
        return None


@operator
def collect(
    step_id: str,
    up: KeyedStream[V],
    timeout: timedelta,
    max_size: int,
) -> KeyedStream[list[V]]:
    """Gather the values of each key into lists.

    A list is emitted when it is full, when no value has come for some time, and when the stream
    has ended.

    **Shape**: `KeyedStream[V] → KeyedStream[list[V]]`.
    **Order**: kept for each key; not between keys.
    **State**: the values of each key that have not been emitted.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        up: The stream, of `(str, value)` 2-tuples.
        timeout: A list is emitted when this long no value has come for its key.
        max_size: A list of this length is emitted at once.

    Returns:
        The lists, with the keys.

    Raises:
        TypeError: If an argument has a wrong type; when run, if an item is no keyed pair.

    >>> import cppwax.operators as op
    >>> from datetime import timedelta
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("collecting")
    >>> items = op.input("inp", flow, TestingSource([("a", 1), ("a", 2), ("a", 3)]))
    >>> lists = op.collect("pairs", items, timeout=timedelta(seconds=10), max_size=2)
    >>> op.output("out", lists, TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', [1, 2]), ('a', [3])]
    """
    check_instance(step_id, "timeout", timeout, timedelta)
    if not isinstance(max_size, Real):
        raise TypeError(f"step {step_id!r}: 'max_size' must be a number; got {type(max_size)}")
    builder: CollectBuilder[V] = CollectBuilder(step_id, timeout, max_size)
    return stateful("stateful", up, SingleValueBuilder(builder))
