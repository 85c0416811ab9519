"""Steps that keep own state for each key and take values one by one."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NoReturn, TypeVar

from cppwax.dataflow import KeyedStream, f_repr, operator
from cppwax.operators._checks import (
    check_callable,
    check_iterable,
    raise_not_bool,
    raise_not_pair,
)
from cppwax.operators._core import stateful_batch
from cppwax.operators._data import Data
from cppwax.operators._logic import StatefulBatchLogic, StatefulLogic

V = TypeVar("V")
W = TypeVar("W")
S = TypeVar("S")


@dataclass(slots=True, eq=False)
class StatefulBuilder(Data, Generic[V, W, S]):
    """For `stateful`: builds what runs the user's logics."""

    step_id: str
    builder: Callable[[S | None], StatefulLogic[V, W, S]]

    def __call__(self, state: S | None) -> "UserLogic[V, W, S]":
        """Give the logic of a key."""
        return UserLogic(self, self.build(state))

    def build(self, state: S | None) -> StatefulLogic[V, W, S]:
        """Call the user's builder."""
        logic = self.builder(state)
        # By its method, not by its class: it is a Python method that is going to be called.
        if not hasattr(logic, "on_item"):
            raise TypeError(
                f"step {self.step_id!r}: what `builder` {f_repr(self.builder)} returns must be a "
                f"`StatefulLogic`; got {type(logic)}"
            )
        return logic


@dataclass(slots=True)
class UserLogic(StatefulBatchLogic[V, W, S]):
    """Runs a user's logic for single values, and a new one after each discard."""

    builder: StatefulBuilder[V, W, S]
    logic: StatefulLogic[V, W, S] | None

    def on_batch(self, values: list[V]) -> tuple[Iterable[W], bool]:
        """Give the logic one value after the other."""
        out: list[W] = []
        logic = self.logic
        for value in values:
            if logic is None:
                logic = self.builder.build(None)
            result = logic.on_item(value)
            try:
                emit, discard = result
            except (TypeError, ValueError):
                self._refuse_result(logic, result)
            try:
                out.extend(emit)
            except TypeError:
                check_iterable(self.builder.step_id, "on_item", logic.on_item, emit)
                raise
            if discard is True:
                logic = None
            elif discard is not False:
                self._refuse_discard(logic, discard)
        self.logic = logic
        return out, logic is None

    def on_notify(self) -> tuple[Iterable[W], bool]:
        """Pass the call on."""
        return self._live.on_notify()

    def on_eof(self) -> tuple[Iterable[W], bool]:
        """Pass the call on."""
        return self._live.on_eof()

    def notify_at(self) -> datetime | None:
        """Pass the call on."""
        return self._live.notify_at()

    def snapshot(self) -> S:
        """Pass the call on."""
        return self._live.snapshot()

    @property
    def _live(self) -> StatefulLogic[V, W, S]:
        # None only after a discard, and then the engine calls this object no more.
        assert self.logic is not None
        return self.logic

    def _refuse_result(self, logic: StatefulLogic[V, W, S], result: object) -> NoReturn:
        wanted = "(emit, is_complete)"
        raise_not_pair(self.builder.step_id, "on_item", logic.on_item, wanted, result)

    def _refuse_discard(self, logic: StatefulLogic[V, W, S], discard: object) -> NoReturn:
        what = "`is_complete` as returned by `on_item`"
        raise_not_bool(self.builder.step_id, what, logic.on_item, discard)


@dataclass(slots=True, eq=False)
class SingleValueBuilder(Data, Generic[V, W, S]):
    """A builder of batch logics, as a builder of logics for single values.

    It is how other operators hand such a builder through `stateful`, which takes it out again.
    """

    batch: Callable[[S | None], StatefulBatchLogic[V, W, S]]

    def __call__(self, state: S | None) -> "SingleValueLogic[V, W, S]":
        """Give the logic of a key."""
        return SingleValueLogic(self.batch(state))


@dataclass(slots=True)
class SingleValueLogic(StatefulLogic[V, W, S]):
    """A batch logic, as a logic for single values."""

    batch: StatefulBatchLogic[V, W, S]

    def on_item(self, value: V) -> tuple[Iterable[W], bool]:
        """Pass the value on as a batch."""
        return self.batch.on_batch([value])

    def on_notify(self) -> tuple[Iterable[W], bool]:
        """Pass the call on."""
        return self.batch.on_notify()

    def on_eof(self) -> tuple[Iterable[W], bool]:
        """Pass the call on."""
        return self.batch.on_eof()

    def notify_at(self) -> datetime | None:
        """Pass the call on."""
        return self.batch.notify_at()

    def snapshot(self) -> S:
        """Pass the call on."""
        return self.batch.snapshot()


@operator
def stateful(
    step_id: str,
    up: KeyedStream[V],
    builder: Callable[[S | None], StatefulLogic[V, W, S]],
) -> KeyedStream[W]:
    """Keep own state for each key, with a logic that takes values one by one.

    `stateful_map` is simpler where there is nothing to do at certain times or at the end.

    **Shape**: `KeyedStream[V] → KeyedStream[W]`.
    **Order**: kept for each key; not between keys.
    **State**: what the logics keep, until they discard it.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        up: The stream, of `(str, value)` 2-tuples.
        builder: Called for a new key with None, and where a run is resumed with the snapshot of
            each stored key. Returns the key's logic.

    Returns:
        What the logics emit, with the keys.

    Raises:
        TypeError: If `builder` cannot be called; when run, if items or results have wrong types.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.operators import StatefulLogic
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> class Pairs(StatefulLogic):
    ...     def __init__(self, first):
    ...         self.first = first
    ...     def on_item(self, value):
    ...         if self.first is None:
    ...             self.first = value
    ...             return [], StatefulLogic.RETAIN
    ...         return [(self.first, value)], StatefulLogic.DISCARD
    ...     def snapshot(self):
    ...         return self.first
    >>> out = []
    >>> flow = Dataflow("pairing")
    >>> items = op.input("inp", flow, TestingSource([("a", 1), ("a", 2), ("a", 3)]))
    >>> op.output("out", op.stateful("pair", items, Pairs), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', (1, 2))]
    """
    check_callable(step_id, "builder", builder)
    if type(builder) is SingleValueBuilder:
        return stateful_batch("stateful_batch", up, builder.batch)
    return stateful_batch("stateful_batch", up, StatefulBuilder(step_id, builder))


@dataclass(slots=True, eq=False)
class StatefulFlatMapBuilder(Data, Generic[V, W, S]):
    """For `stateful_flat_map`."""

    step_id: str
    mapper: Callable[[S | None, V], tuple[S | None, Iterable[W]]]

    def __call__(self, state: S | None) -> "StatefulFlatMapLogic[V, W, S]":
        """Give the logic of a key."""
        return StatefulFlatMapLogic(self, state)


@dataclass(slots=True)
class StatefulFlatMapLogic(StatefulBatchLogic[V, W, S | None]):
    """For `stateful_flat_map`; the state is the user's."""

    builder: StatefulFlatMapBuilder[V, W, S]
    state: S | None

    def on_batch(self, values: list[V]) -> tuple[Iterable[W], bool]:
        """Call the mapper with one value after the other."""
        mapper = self.builder.mapper
        state = self.state
        out: list[W] = []
        for value in values:
            result = mapper(state, value)
            try:
                state, emit = result
            except (TypeError, ValueError):
                wanted = "(updated_state, emit_values)"
                raise_not_pair(self.builder.step_id, "mapper", mapper, wanted, result)
            try:
                out.extend(emit)
            except TypeError:
                check_iterable(self.builder.step_id, "mapper", mapper, emit)
                raise
        self.state = state
        return out, state is None

    def snapshot(self) -> S | None:
        """Give a copy of the state, which mappers may change in place."""
        return copy.deepcopy(self.state)


@operator
def stateful_flat_map(
    step_id: str,
    up: KeyedStream[V],
    mapper: Callable[[S | None, V], tuple[S | None, Iterable[W]]],
) -> KeyedStream[W]:
    """Transform each value into any number of values, with the help of a state for each key.

    **Shape**: `KeyedStream[V] → KeyedStream[W]`.
    **Order**: kept for each key; not between keys.
    **State**: the mapper's, one for each key; a new state of None forgets the key.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        up: The stream, of `(str, value)` 2-tuples.
        mapper: Called with the key's state, at first None, and each value. Returns the new state
            and the values to emit, in any iterable.

    Returns:
        The emitted values, with the keys.

    Raises:
        TypeError: If `mapper` cannot be called; when run, if items or results have wrong types.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> def when_changed(last, value):
    ...     return value, [] if value == last else [value]
    >>> out = []
    >>> flow = Dataflow("changes")
    >>> items = op.input("inp", flow, TestingSource([("a", 1), ("a", 1), ("a", 2)]))
    >>> op.output("out", op.stateful_flat_map("new", items, when_changed), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', 1), ('a', 2)]
    """
    check_callable(step_id, "mapper", mapper)
    if type(mapper) is OneResultMapper:
        one_result = StatefulMapBuilder(mapper.step_id, mapper.mapper)
        return stateful("stateful", up, SingleValueBuilder(one_result))
    return stateful("stateful", up, SingleValueBuilder(StatefulFlatMapBuilder(step_id, mapper)))


@dataclass(slots=True, eq=False)
class OneResultMapper(Data, Generic[V, W, S]):
    """The mapper of `stateful_map`, as one for `stateful_flat_map`."""

    step_id: str
    mapper: Callable[[S | None, V], tuple[S | None, W]]

    def __call__(self, state: S | None, value: V) -> tuple[S | None, tuple[W]]:
        """Call the mapper, and put its one result into a tuple."""
        result = self.mapper(state, value)
        try:
            state, emit = result
        except (TypeError, ValueError):
            wanted = "(updated_state, emit_value)"
            raise_not_pair(self.step_id, "mapper", self.mapper, wanted, result)
        return state, (emit,)


@dataclass(slots=True, eq=False)
class StatefulMapBuilder(Data, Generic[V, W, S]):
    """For `stateful_map`."""

    step_id: str
    mapper: Callable[[S | None, V], tuple[S | None, W]]

    def __call__(self, state: S | None) -> "StatefulMapLogic[V, W, S]":
        """Give the logic of a key."""
        return StatefulMapLogic(self, state)


@dataclass(slots=True)
class StatefulMapLogic(StatefulBatchLogic[V, W, S | None]):
    """For `stateful_map`; the state is the user's."""

    builder: StatefulMapBuilder[V, W, S]
    state: S | None

    def on_batch(self, values: list[V]) -> tuple[Iterable[W], bool]:
        """Call the mapper with one value after the other."""
        mapper = self.builder.mapper
        state = self.state
        out: list[W] = []
        for value in values:
            result = mapper(state, value)
            try:
                state, emit = result
            except (TypeError, ValueError):
                wanted = "(updated_state, emit_value)"
                raise_not_pair(self.builder.step_id, "mapper", mapper, wanted, result)
            out.append(emit)
        self.state = state
        return out, state is None

    def snapshot(self) -> S | None:
        """Give a copy of the state, which mappers may change in place."""
        return copy.deepcopy(self.state)


@operator
def stateful_map(
    step_id: str,
    up: KeyedStream[V],
    mapper: Callable[[S | None, V], tuple[S | None, W]],
) -> KeyedStream[W]:
    """Transform each value with the help of a state for each key.

    **Shape**: `KeyedStream[V] → KeyedStream[W]`.
    **Order**: kept for each key; not between keys.
    **State**: the mapper's, one for each key; a new state of None forgets the key.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        up: The stream, of `(str, value)` 2-tuples.
        mapper: Called with the key's state, at first None, and each value. Returns the new state
            and the value to emit.

    Returns:
        The emitted values, with the keys.

    Raises:
        TypeError: If `mapper` cannot be called; when run, if items or results have wrong types.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> def running_sum(total, value):
    ...     total = (total or 0) + value
    ...     return total, total
    >>> out = []
    >>> flow = Dataflow("sums")
    >>> items = op.input("inp", flow, TestingSource([("a", 1), ("b", 10), ("a", 2)]))
    >>> op.output("out", op.stateful_map("sum", items, running_sum), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', 1), ('b', 10), ('a', 3)]
    """
    check_callable(step_id, "mapper", mapper)
    return stateful_flat_map("stateful_flat_map", up, OneResultMapper(step_id, mapper))
