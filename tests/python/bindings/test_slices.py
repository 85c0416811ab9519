"""Results too large for one slice keep their place; what is in flight stays bounded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Lock
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import BatchSink, by_key, through
from tests.python.logics import batch_logic

# Several slices, and several windows of credit.
MANY = 200_000


def as_iterator(result: Iterable[Any]) -> Iterator[Any]:
    yield from result


@pytest.mark.parametrize("kind", [list, tuple, range, as_iterator])
def test_large_results_of_a_mapper(entry_point: EntryPoint, kind: Any) -> None:
    def mapper(batch: list[int]) -> Any:
        numbers = range(batch[0] * MANY, (batch[0] + 1) * MANY)
        return numbers if kind is range else kind(numbers)

    out = through(entry_point, range(3), lambda s: op.flat_map_batch("step", s, mapper))
    assert out == list(range(3 * MANY))


def test_large_results_through_a_chain_of_steps(entry_point: EntryPoint) -> None:
    def widen(batch: list[int]) -> Iterator[int]:
        for item in batch:
            yield from range(item * 100, (item + 1) * 100)

    def chain(up: Any) -> Any:
        up = op.flat_map_batch("wide", up, widen)
        up = op.flat_map_batch("wider", up, lambda batch: list(widen(batch)))
        return op.branch("step", up, lambda item: item % 2 == 0).trues

    out = through(entry_point, range(30), chain, batch=10)
    assert out == list(range(0, 300_000, 2))


def test_large_results_of_many_keys(entry_point: EntryPoint) -> None:
    keys = [str(i) for i in range(10)]

    def large(values: list[int]) -> tuple[range, bool]:
        return range(50_000), values == [1]

    logic = batch_logic(on_batch=large, on_eof=(range(50_000), True))
    items = [(key, i) for i in range(2) for key in [*keys, f"only {i}"]]
    out = through(entry_point, items, lambda s: op.stateful_batch("step", s, logic), batch=11)
    numbers = list(range(50_000))
    assert by_key(out) == {key: numbers * 2 for key in [*keys, "only 0"]} | {"only 1": numbers}


class Big(bytearray):
    """A megabyte; counts how many live."""

    lock = Lock()
    alive = 0
    most = 0

    def __init__(self) -> None:
        super().__init__(1 << 20)
        with Big.lock:
            Big.alive += 1
            Big.most = max(Big.most, Big.alive)

    def __del__(self) -> None:
        with Big.lock:
            Big.alive -= 1


class Counting(op.StatefulBatchLogic[Big, int, None]):
    """Keeps nothing."""

    def on_batch(self, values: list[Big]) -> tuple[list[int], bool]:
        return [len(values)], False

    def snapshot(self) -> None:
        return None


def test_large_items_in_flight_are_bounded(entry_point: EntryPoint) -> None:
    """An iterator of 300 MB passes a chain and an exchange in a fraction of that."""
    Big.most = 0

    def mapper(batch: list[int]) -> Iterator[tuple[str, Big]]:
        for item in batch:
            for _ in range(100):
                yield str(item), Big()

    flow = Dataflow("flow")
    up = op.flat_map_batch("wide", op.input("inp", flow, TestingSource(range(3), 3)), mapper)
    sink = BatchSink()
    op.output("out", op.stateful_batch("step", up, lambda _state: Counting()), sink)
    entry_point(flow)
    assert sum(count for _, items in sink.batches for _, count in items) == 300
    assert Big.alive == 0
    assert Big.most < 40
