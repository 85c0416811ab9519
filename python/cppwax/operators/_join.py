"""The step that brings together the values of a key from several streams."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any, Generic, Literal, TypeAlias, TypeVar, get_args

from cppwax.dataflow import KeyedStream, operator
from cppwax.operators._batch_mappers import MapItem
from cppwax.operators._checks import check_last_pair
from cppwax.operators._core import merge
from cppwax.operators._data import Data
from cppwax.operators._keyed import map_value
from cppwax.operators._logic import StatefulBatchLogic
from cppwax.operators._stateful import SingleValueBuilder, stateful

V = TypeVar("V")

JoinInsertMode: TypeAlias = Literal["first", "last", "product"]
"""Which values of a side a join keeps.

- `first`: the first one.
- `last`: the newest one.
- `product`: all; a row is emitted for each combination of the sides' values.
"""

JoinEmitMode: TypeAlias = Literal["complete", "final", "running"]
"""When a join emits rows.

- `complete`: once every side has a value; the values are then forgotten.
- `final`: when the stream has ended; sides without a value are None.
- `running`: at each value; sides without a value are None.
"""

_Sides: TypeAlias = list[list[Any]]


@dataclass(slots=True, eq=False)
class LabelBatch(Data, Generic[V]):
    """For a side of `join`: makes `(side, value)` of values."""

    step_id: str
    side: int

    def __call__(self, xs: list[V]) -> list[tuple[int, V]]:
        """Give each value with the number of the side."""
        side = self.side
        return [(side, x) for x in xs]

    def keyed(self) -> "LabelValueBatch[V]":
        """Give the variant for values."""
        return LabelValueBatch(self.step_id, self.side)


@dataclass(slots=True, eq=False)
class LabelValueBatch(Data, Generic[V]):
    """For a side of `join`: makes `(key, (side, value))` of items."""

    step_id: str
    side: int

    def __call__(self, xs: list[tuple[str, V]]) -> list[tuple[str, tuple[int, V]]]:
        """Give each value with the number of the side."""
        side = self.side
        items = iter(xs)
        try:
            return [(k, (side, v)) for k, v in items]
        except (TypeError, ValueError):
            check_last_pair(self.step_id, xs, items)
            raise


@operator
def _join_label_merge(step_id: str, *ups: KeyedStream[Any]) -> KeyedStream[tuple[int, Any]]:
    """Merge streams such that each value is known to be of one of them.

    Args:
        step_id: Name of the step.
        *ups: The streams.

    Returns:
        `(key, (number of the stream, value))` items.
    """
    labelled: list[KeyedStream[tuple[int, Any]]] = []
    for side, up in enumerate(ups):
        mapper: MapItem[Any, tuple[int, Any]] = MapItem(LabelBatch(step_id, side))
        labelled.append(map_value(f"label_{side}", up, mapper))
    return merge("merge", *labelled)


@dataclass(slots=True, eq=False)
class JoinBuilder(Data):
    """For `join`."""

    step_id: str
    side_count: int
    insert_mode: JoinInsertMode
    emit_mode: JoinEmitMode

    def __call__(self, state: _Sides | None) -> "JoinLogic":
        """Give the logic of a key."""
        return JoinLogic(self, self.no_values() if state is None else state)

    def no_values(self) -> _Sides:
        """Give sides without values."""
        return [[] for _ in range(self.side_count)]


@dataclass(slots=True)
class JoinLogic(StatefulBatchLogic[tuple[int, Any], tuple[Any, ...], _Sides]):
    """For `join`; the state is a list of the values of each side."""

    builder: JoinBuilder
    sides: _Sides

    def on_batch(self, values: list[tuple[int, Any]]) -> tuple[Iterable[tuple[Any, ...]], bool]:
        """Take values in, and emit the rows that are due."""
        emit_mode = self.builder.emit_mode
        out: list[tuple[Any, ...]] = []
        for side, value in values:
            self._insert(self.sides[side], value)
            if emit_mode == "running":
                out.extend(self._rows())
            elif emit_mode == "complete" and all(self.sides):
                out.extend(product(*self.sides))
                self.sides = self.builder.no_values()
        return out, not any(self.sides)

    def on_eof(self) -> tuple[Iterable[tuple[Any, ...]], bool]:
        """Emit what there is, if rows are emitted at the end."""
        if self.builder.emit_mode == "final":
            return list(self._rows()), self.DISCARD
        return (), self.RETAIN

    def snapshot(self) -> _Sides:
        """Give a copy of the sides."""
        return [list(values) for values in self.sides]

    def _insert(self, side: list[Any], value: Any) -> None:
        insert_mode = self.builder.insert_mode
        if insert_mode == "product" or not side:
            side.append(value)
        elif insert_mode == "last":
            side[0] = value

    def _rows(self) -> Iterable[tuple[Any, ...]]:
        return product(*[values or (None,) for values in self.sides])


@operator
def join(
    step_id: str,
    *sides: KeyedStream[Any],
    insert_mode: JoinInsertMode = "last",
    emit_mode: JoinEmitMode = "complete",
) -> KeyedStream[tuple[Any, ...]]:
    """Bring together the values of each key from several streams.

    **Shape**: `KeyedStream[V1], KeyedStream[V2], … → KeyedStream[(V1, V2, …)]`.
    **Order**: rows are emitted as values arrive, or in sorted order of the keys on each worker
    where all are emitted at the end; the rows of a `product` vary their last side fastest.
    **State**: the values of each side of each key, until they are forgotten as `emit_mode` says.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        *sides: The streams, of `(str, value)` 2-tuples.
        insert_mode: Which values of a side to keep: the `first`, the `last`, or all of them for a
            `product`.
        emit_mode: When to emit rows: once `complete`, at the end (`final`), or `running` at each
            value.

    Returns:
        Tuples with a value of each side, in the order of the sides.

    Raises:
        AssertionError: If no stream is given.
        TypeError: When run, if an item is no keyed pair.
        ValueError: If a mode is unknown.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("joining")
    >>> names = op.input("names", flow, TestingSource([("1", "Ada"), ("2", "Grace")]))
    >>> years = op.input("years", flow, TestingSource([("2", 1906), ("1", 1815)]))
    >>> op.output("out", op.join("people", names, years), TestingSink(out))
    >>> run_main(flow)
    >>> sorted(out)
    [('1', ('Ada', 1815)), ('2', ('Grace', 1906))]
    """
    _check_mode(step_id, "insert_mode", insert_mode, get_args(JoinInsertMode))
    _check_mode(step_id, "emit_mode", emit_mode, get_args(JoinEmitMode))
    labelled = _join_label_merge("add_names", *sides)
    builder = JoinBuilder(step_id, len(sides), insert_mode, emit_mode)
    return stateful("join", labelled, SingleValueBuilder(builder))


def _check_mode(step_id: str, name: str, mode: object, known: tuple[str, ...]) -> None:
    if mode not in known:
        choices = ", ".join(repr(m) for m in known)
        raise ValueError(f"step {step_id!r}: unknown '{name}' {mode!r}; known are {choices}")
