"""What becomes of items on their way to another process.

The processes are threads of the test that meet by sockets: what is sent is pickled all the same.
"""

from __future__ import annotations

import pickle
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow, Stream
from cppwax.errors import CppwaxRuntimeError
from cppwax.inputs import DynamicSource, StatelessSourcePartition
from cppwax.outputs import DynamicSink, StatelessSinkPartition
from cppwax.testing import cluster_main
from tests.python.cluster.processes import SECRET, free_addresses

HERE, THERE = 0, 1


class _Reader(StatelessSourcePartition[Any]):
    def __init__(self, batches: list[list[Any]]) -> None:
        self._batches = iter(batches)

    def next_batch(self) -> list[Any]:
        return next(self._batches)


class OnFirst(DynamicSource[Any]):
    """Gives batches on worker 0."""

    def __init__(self, batches: list[list[Any]]) -> None:
        self._batches = batches

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _Reader:
        return _Reader(self._batches if worker_index == 0 else [])


class _Writer(StatelessSinkPartition[Any]):
    def __init__(self, worker: int, out: list[Any]) -> None:
        self._worker, self._out = worker, out

    def write_batch(self, items: list[Any]) -> None:
        self._out += [(self._worker, item) for item in items]


class Keeps(DynamicSink[Any]):
    """Keeps the worker and the item."""

    def __init__(self, out: list[Any]) -> None:
        self._out = out

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _Writer:
        return _Writer(worker_index, self._out)


class _WorkerOfKey:
    """Keys by where their worker is; found by trying, once."""

    def __init__(self) -> None:
        self._keys: dict[int, str] = {}

    def __getitem__(self, worker: int) -> str:
        if not self._keys:
            keys = [f"key {i}" for i in range(20)]
            seen, errors = run_pair([[(key, None) for key in keys]], lambda up: up)
            assert errors == []
            self._keys = {worker: key for worker, (key, _) in seen}
        return self._keys[worker]


def _pass_on(state: Any, value: Any) -> Any:
    return state, value


Step = Callable[[Stream[Any]], Stream[Any]]


def run_pair(
    batches: list[list[Any]], step: Step
) -> tuple[list[tuple[int, Any]], list[BaseException]]:
    """Run batches of keyed items through a keyed step; what came out where, and what failed."""
    out: list[Any] = []
    errors: list[BaseException] = []

    def run(index: int) -> None:
        flow = Dataflow("flow")
        up = step(op.input("inp", flow, OnFirst(batches)))
        op.output("out", op.stateful_map("step", up, _pass_on), Keeps(out))
        try:
            cluster_main(flow, addresses, index)
        except CppwaxRuntimeError as ex:
            errors.append(ex)

    with free_addresses(2) as addresses:
        threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return out, errors


_keys = _WorkerOfKey()


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPPWAX_CLUSTER_SECRET", SECRET)


def sent(*values: Any, to: int = THERE) -> list[Any]:
    """Send values from the first process to one of them; what arrives."""
    seen, errors = run_pair([[(_keys[to], value) for value in values]], lambda up: up)
    assert errors == []
    assert {worker for worker, _ in seen} == {to}
    return [value for _, (_, value) in seen]


def test_items_come_over_equal_and_in_order() -> None:
    values = [None, True, 2**80, 1.5, "ü\udc80", b"\0", (1, [2]), {"a": {3}}, range(4), Ellipsis]
    assert sent(*values) == values


def test_what_stays_is_the_same_object_and_what_goes_is_not() -> None:
    item = [object]
    assert sent(item, to=HERE)[0] is item
    (there,) = sent(item)
    assert there == item
    assert there is not item


def test_items_of_a_batch_that_share_an_object_still_share_it() -> None:
    shared = [1]
    first, second = sent(shared, shared)
    assert first is second


class Closed:
    """Cannot be pickled."""

    def __reduce__(self) -> Any:
        raise LookupError("stays at home")


class Thorny:
    """Cannot be unpickled."""

    def __reduce__(self) -> Any:
        return _prick, ("ouch",)


def _prick(text: str) -> None:
    raise LookupError(text)


def test_what_cannot_be_pickled_is_named_with_its_step() -> None:
    batch = [(_keys[THERE], value) for value in (1, Closed(), 2)]
    _, errors = run_pair([batch], lambda up: op.map("before", up, lambda item: item))
    assert len(errors) == 2
    for error in errors:
        assert re.search(r"pickling an item of type `.*Closed`|of type `tuple`", str(error))
        assert "flow.before" in str(error) or "flow.step" in str(error)
    causes = [repr(error.__cause__) for error in errors]
    assert "LookupError('stays at home')" in causes


def test_what_stays_need_not_be_picklable() -> None:
    item = Closed()
    assert sent(item, to=HERE) == [item]


def test_what_cannot_be_unpickled_fails_the_run_on_all_sides() -> None:
    _, errors = run_pair([[(_keys[THERE], Thorny())]], lambda up: up)
    assert len(errors) == 2
    for error in errors:
        assert "unpickling items from another process" in str(error)
        assert "flow.step" in str(error)
    assert "LookupError('ouch')" in [repr(error.__cause__) for error in errors]


# Buffers beside the pickle -----------------------------------------------------------------


class Array:
    """Holds bytes that travel out of band, as an array of NumPy does."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Array, (pickle.PickleBuffer(self.data),)


def is_readonly(array: Array) -> bool:
    return memoryview(array.data).readonly


SIZES = [0, 1, 16 * 1024 - 1, 16 * 1024, 1024 * 1024 - 1, 1024 * 1024, 3 * 1024 * 1024 + 7]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_buffers_of_any_size_come_over(size: int, kind: Any) -> None:
    content = (bytes(range(251)) * (size // 251 + 1))[:size]
    (there,) = sent(Array(kind(content)))
    assert bytes(there.data) == content
    # Who could write to it can, and who could not cannot.
    assert is_readonly(there) is (kind is bytes)


def test_writing_to_what_came_over_changes_nothing_elsewhere() -> None:
    for size in (100, 100_000, 2_000_000):
        original = bytearray(size)
        (there,) = sent(Array(original))
        memoryview(there.data)[0] = 1
        assert original[0] == 0


def test_a_buffer_with_gaps_comes_over() -> None:
    content = bytes(range(250)) * 400
    (there,) = sent([memoryview(content)[::2].tobytes(), Array(memoryview(content)[5:])])
    assert there[0] == content[::2]
    assert bytes(there[1].data) == content[5:]


def test_many_buffers_come_over_in_order() -> None:
    arrays = [Array(bytes([i % 256]) * 20_000) for i in range(400)]
    assert [bytes(a.data) for a in sent(*arrays)] == [bytes(a.data) for a in arrays]


def test_what_is_emitted_outlives_its_maker() -> None:
    """Memory in place is held until it is sent, though nobody else has it any more."""
    batches = [[(_keys[THERE], i)] for i in range(20)]

    def make(value: int) -> Array:
        return Array(bytes([value]) * 2_000_000)

    seen, errors = run_pair(batches, lambda up: op.map_value("make", up, make))
    assert errors == []
    assert [set(array.data) for _, (_, array) in seen] == [{i} for i in range(20)]


def test_a_hundred_megabytes_in_one_item() -> None:
    size = 100_000_000
    (there,) = sent(Array(bytearray(b"\x07") * size))
    view = memoryview(there.data)
    assert (len(view), view[0], view[size - 1]) == (size, 7, 7)


# Batches -----------------------------------------------------------------------------------


def test_batches_keep_their_bounds() -> None:
    """A logic that sees batches sees those that were sent."""
    lengths = [1, 3, 2, 5, 1]
    seen: list[list[int]] = []

    class Logic(op.StatefulBatchLogic[Any, Any, Any]):
        def on_batch(self, values: list[Any]) -> Any:
            seen.append(values)
            return [], False

        def snapshot(self) -> None:
            return None

    numbers = iter(range(100))
    batches = [[(_keys[THERE], next(numbers)) for _ in range(n)] for n in lengths]
    out, errors = run_pair(batches, lambda up: op.stateful_batch("keyed", up, lambda _: Logic()))
    assert (out, errors) == ([], [])
    assert [len(batch) for batch in seen] == lengths
    assert [value for batch in seen for value in batch] == list(range(sum(lengths)))
