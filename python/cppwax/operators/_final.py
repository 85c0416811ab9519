"""Steps that make one value of all values of a key, when the stream has ended."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from operator import add
from typing import Any, Generic, TypeVar

from cppwax.dataflow import KeyedStream, Stream, operator
from cppwax.operators._batch_mappers import MapItem
from cppwax.operators._checks import check_callable, check_last_pair
from cppwax.operators._core import flat_map_batch
from cppwax.operators._data import Data
from cppwax.operators._logic import StatefulBatchLogic
from cppwax.operators._stateful import SingleValueBuilder, stateful
from cppwax.operators._stateless import map

X = TypeVar("X")
V = TypeVar("V")
S = TypeVar("S")


@dataclass(slots=True, eq=False)
class FoldFinalBuilder(Data, Generic[V, S]):
    """For `fold_final`."""

    step_id: str
    builder: Callable[[], S]
    folder: Callable[[S, V], S]

    def __call__(self, state: S | None) -> "FoldFinalLogic[V, S]":
        """Give the logic of a key."""
        return FoldFinalLogic(self, self.builder() if state is None else state)


@dataclass(slots=True)
class FoldFinalLogic(StatefulBatchLogic[V, S, S]):
    """For `fold_final`; the state is the user's."""

    builder: FoldFinalBuilder[V, S]
    state: S

    def on_batch(self, values: list[V]) -> tuple[Iterable[S], bool]:
        """Fold the values in."""
        folder = self.builder.folder
        state = self.state
        for value in values:
            state = folder(state, value)
        self.state = state
        return (), self.RETAIN

    def on_eof(self) -> tuple[Iterable[S], bool]:
        """Emit the result."""
        return (self.state,), self.DISCARD

    def snapshot(self) -> S:
        """Give a copy of the state, which folders may change in place."""
        return copy.deepcopy(self.state)


@operator
def fold_final(
    step_id: str,
    up: KeyedStream[V],
    builder: Callable[[], S],
    folder: Callable[[S, V], S],
) -> KeyedStream[S]:
    """Fold all values of each key into one; emitted when the stream has ended.

    **Shape**: `KeyedStream[V] → KeyedStream[S]`.
    **Order**: values are folded as they arrive; keys are emitted in sorted order on each worker.
    **State**: the folded value of each key, until the end.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        up: The stream, of `(str, value)` 2-tuples.
        builder: Called without arguments for a key's first state.
        folder: Called with the state and each value. Returns the new state.

    Returns:
        The last state of each key.

    Raises:
        TypeError: If a callable cannot be called; when run, if an item is no keyed pair.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("folding")
    >>> items = op.input("inp", flow, TestingSource([("b", 1), ("a", 2), ("b", 3)]))
    >>> lists = op.fold_final("list", items, list, lambda values, v: values + [v])
    >>> op.output("out", lists, TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', [2]), ('b', [1, 3])]
    """
    check_callable(step_id, "builder", builder)
    check_callable(step_id, "folder", folder)
    logics: FoldFinalBuilder[V, S] = FoldFinalBuilder(step_id, builder, folder)
    return stateful("stateful", up, SingleValueBuilder(logics))


@dataclass(slots=True, eq=False)
class PreReduceBatch(Data, Generic[V]):
    """For `reduce_final`: reduces a batch before its items go to the workers of their keys."""

    step_id: str
    reducer: Callable[[V, V], V]

    def __call__(self, xs: list[tuple[str, V]]) -> list[tuple[str, V]]:
        """Give one item for each key of the batch."""
        items = iter(xs)
        reducer = self.reducer
        reduced: dict[str, V] = {}
        try:
            for k, v in items:
                reduced[k] = reducer(reduced[k], v) if k in reduced else v
        except (TypeError, ValueError):
            check_last_pair(self.step_id, xs, items)
            raise
        return list(reduced.items())


@dataclass(slots=True, eq=False)
class ReduceFolder(Data, Generic[V]):
    """A reducer, as a folder: None is the state before the first value."""

    reducer: Callable[[V, V], V]

    def __call__(self, state: V | None, value: V) -> V:
        """Reduce, or begin with the value."""
        return value if state is None else self.reducer(state, value)


def _no_value() -> Any:
    return None


@operator
def reduce_final(
    step_id: str,
    up: KeyedStream[V],
    reducer: Callable[[V, V], V],
) -> KeyedStream[V]:
    """Reduce all values of each key to one; emitted when the stream has ended.

    **Shape**: `KeyedStream[V] → KeyedStream[V]`.
    **Order**: values are reduced batch by batch, each as it arrives; keys are emitted in sorted
    order on each worker.
    **State**: the reduced value of each key, until the end.
    **Parallelism**: each worker reduces its batches; then all items of a key are brought to one.

    Args:
        step_id: Name of the step.
        up: The stream, of `(str, value)` 2-tuples.
        reducer: Called with what was reduced so far and another value. Returns the two as one. It
            must be associative: which values come together depends on the batches. A result of
            None counts as no value.

    Returns:
        The reduced value of each key.

    Raises:
        TypeError: If `reducer` cannot be called; when run, if an item is no keyed pair.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("reducing")
    >>> items = op.input("inp", flow, TestingSource([("a", 2), ("a", 3), ("b", 4)]))
    >>> op.output("out", op.reduce_final("product", items, lambda x, y: x * y), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', 6), ('b', 4)]
    """
    check_callable(step_id, "reducer", reducer)
    reduced = flat_map_batch("pre_reduce", up, PreReduceBatch(step_id, reducer))
    return fold_final("fold_final", reduced, _no_value, ReduceFolder(reducer))


@dataclass(slots=True, eq=False)
class CountBatch(Data, Generic[X]):
    """For `count_final`: makes a count of one of each item."""

    step_id: str
    key: Callable[[X], str]

    def __call__(self, xs: list[X]) -> list[tuple[str, int]]:
        """Give each item's key with a one."""
        key = self.key
        return [(key(x), 1) for x in xs]


@operator
def count_final(step_id: str, up: Stream[X], key: Callable[[X], str]) -> KeyedStream[int]:
    """Count the items of each key; emitted when the stream has ended.

    **Shape**: `Stream[X] → KeyedStream[int]`.
    **Order**: keys are emitted in sorted order on each worker.
    **State**: the count of each key, until the end.
    **Parallelism**: each worker counts its batches; then the counts of a key are brought to one.

    Args:
        step_id: Name of the step.
        up: The stream.
        key: Called with each item; must return a `str`.

    Returns:
        The count of each key.

    Raises:
        TypeError: If `key` cannot be called; when run, if it returns no `str`.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("counting")
    >>> words = op.input("inp", flow, TestingSource(["to", "be", "to"]))
    >>> op.output("out", op.count_final("count", words, lambda word: word), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('be', 1), ('to', 2)]
    """
    check_callable(step_id, "key", key)
    one_each: MapItem[X, tuple[str, int]] = MapItem(CountBatch(step_id, key))
    counts: KeyedStream[int] = map("init_count", up, one_each)
    return reduce_final("sum", counts, add)


def _identity(x: X) -> X:
    return x


@operator
def max_final(
    step_id: str,
    up: KeyedStream[V],
    by: Callable[[V], Any] = _identity,
) -> KeyedStream[V]:
    """Find the greatest value of each key; emitted when the stream has ended.

    **Shape**: `KeyedStream[V] → KeyedStream[V]`.
    **Order**: of equal values the first is kept; keys are emitted in sorted order on each worker.
    **State**: the greatest value of each key, until the end.
    **Parallelism**: as `reduce_final`.

    Args:
        step_id: Name of the step.
        up: The stream, of `(str, value)` 2-tuples.
        by: Called with a value for what it is compared by. By default the value itself.

    Returns:
        The greatest value of each key.

    Raises:
        TypeError: When run, if values cannot be compared or an item is no keyed pair.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("longest")
    >>> items = op.input("inp", flow, TestingSource([("a", "x"), ("a", "xyz"), ("a", "xy")]))
    >>> op.output("out", op.max_final("max", items, by=len), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', 'xyz')]
    """
    # `max` itself where that is the same: it then compares without a call for each value.
    reducer: Any = max if by is _identity else partial(max, key=by)
    return reduce_final("reduce_final", up, reducer)


@operator
def min_final(
    step_id: str,
    up: KeyedStream[V],
    by: Callable[[V], Any] = _identity,
) -> KeyedStream[V]:
    """Find the least value of each key; emitted when the stream has ended.

    **Shape**: `KeyedStream[V] → KeyedStream[V]`.
    **Order**: of equal values the first is kept; keys are emitted in sorted order on each worker.
    **State**: the least value of each key, until the end.
    **Parallelism**: as `reduce_final`.

    Args:
        step_id: Name of the step.
        up: The stream, of `(str, value)` 2-tuples.
        by: Called with a value for what it is compared by. By default the value itself.

    Returns:
        The least value of each key.

    Raises:
        TypeError: When run, if values cannot be compared or an item is no keyed pair.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("shortest")
    >>> items = op.input("inp", flow, TestingSource([("a", "xy"), ("a", "x"), ("a", "xyz")]))
    >>> op.output("out", op.min_final("min", items, by=len), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', 'x')]
    """
    reducer: Any = min if by is _identity else partial(min, key=by)
    return reduce_final("reduce_final", up, reducer)
