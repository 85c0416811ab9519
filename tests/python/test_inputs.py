"""Sources' base classes, polling and the batching helpers."""

from __future__ import annotations

import asyncio
import pickle
import queue
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any

import pytest

from cppwax.inputs import (
    AbortExecution,
    DynamicSource,
    FixedPartitionedSource,
    SimplePollingSource,
    Source,
    StatefulSourcePartition,
    StatelessSourcePartition,
    _SimplePollingPartition,
    batch,
    batch_async,
    batch_getter,
    batch_getter_ex,
)

SECOND = timedelta(seconds=1)
NEW_YEAR = datetime(2024, 1, 1, tzinfo=timezone.utc)


def getter_of(*steps: Any) -> Callable[[], Any]:
    """Make a getter that returns one step a call, raises those that are exceptions, then ends."""
    it = iter(steps)

    def get() -> Any:
        step = next(it)
        if isinstance(step, Exception):
            raise step
        return step

    return get


class Polled(SimplePollingSource[Any]):
    def __init__(self, *steps: Any, interval: timedelta = SECOND, **kwargs: Any) -> None:
        super().__init__(interval, **kwargs)
        self.get = getter_of(*steps)

    def next_item(self) -> Any:
        return self.get()


def polling(now: datetime, *steps: Any, align_to: datetime | None = None) -> Any:
    return _SimplePollingPartition(
        now, timedelta(seconds=10), align_to, getter_of(*steps), lambda: "state"
    )


@pytest.mark.parametrize(
    ("cls", "missing"),
    [
        (FixedPartitionedSource, {"list_parts", "build_part"}),
        (DynamicSource, {"build"}),
        (StatefulSourcePartition, {"next_batch", "snapshot"}),
        (StatelessSourcePartition, {"next_batch"}),
        (SimplePollingSource, {"next_item"}),
    ],
)
def test_what_a_subclass_must_define(cls: type, missing: set[str]) -> None:
    assert cls.__abstractmethods__ == missing


def test_classes_take_type_arguments() -> None:
    assert issubclass(FixedPartitionedSource, Source)
    assert FixedPartitionedSource[str, int].__origin__ is FixedPartitionedSource
    assert DynamicSource[str].__origin__ is DynamicSource
    # The state may be left out where there is none.
    assert SimplePollingSource[str].__origin__ is SimplePollingSource


def test_partitions_do_nothing_at_close_and_leave_the_awakening_to_the_engine() -> None:
    class Part(StatelessSourcePartition[int]):
        def next_batch(self) -> list[int]:
            return [1]

    part = Part()
    assert part.next_awake() is None
    assert part.close() is None


def test_abort_is_a_runtime_error() -> None:
    assert issubclass(AbortExecution, RuntimeError)


def test_polling_has_one_partition_that_emits_one_item_a_call() -> None:
    source = Polled(1, 2)
    assert source.list_parts() == ["singleton"]
    part = source.build_part("flow.inp", "singleton", None)
    assert part.next_batch() == [1]
    assert part.next_batch() == [2]
    with pytest.raises(StopIteration):
        part.next_batch()


def test_polling_starts_at_once_and_goes_on_at_the_interval() -> None:
    part = polling(NEW_YEAR, 1, 2)
    assert part.next_awake() == NEW_YEAR
    part.next_batch()
    assert part.next_awake() == NEW_YEAR + timedelta(seconds=10)
    part.next_batch()
    assert part.next_awake() == NEW_YEAR + timedelta(seconds=20)


def test_polling_emits_nothing_for_none_but_waits() -> None:
    part = polling(NEW_YEAR, None, 0, "")
    assert part.next_batch() == []
    assert part.next_awake() == NEW_YEAR + timedelta(seconds=10)
    assert part.next_batch() == [0]
    assert part.next_batch() == [""]


@pytest.mark.parametrize(
    ("now_s", "first_s"), [(0, 0), (3, 10), (10, 10), (-3, 0), (-23, -20), (10.5, 20)]
)
def test_polling_starts_at_the_first_aligned_time(now_s: float, first_s: float) -> None:
    part = polling(NEW_YEAR + timedelta(seconds=now_s), 1, align_to=NEW_YEAR)
    assert part.next_awake() == NEW_YEAR + timedelta(seconds=first_s)


def test_retry_waits_as_long_as_it_says() -> None:
    part = polling(NEW_YEAR, SimplePollingSource.Retry(SECOND), 5)
    assert part.next_batch() == []
    assert part.next_awake() == NEW_YEAR + SECOND
    assert part.next_batch() == [5]
    assert part.next_awake() == NEW_YEAR + SECOND + timedelta(seconds=10)


def test_other_exceptions_of_a_getter_go_through_and_change_nothing() -> None:
    part = polling(NEW_YEAR, ValueError("no"), 5)
    with pytest.raises(ValueError, match="no"):
        part.next_batch()
    assert part.next_awake() == NEW_YEAR


def test_retry_is_a_value() -> None:
    retry = SimplePollingSource.Retry(SECOND)
    assert retry.timeout == SECOND
    assert retry == SimplePollingSource.Retry(SECOND)
    assert retry != SimplePollingSource.Retry(2 * SECOND)
    assert len({retry, SimplePollingSource.Retry(SECOND)}) == 1
    assert repr(retry) == "SimplePollingSource.Retry(timeout=datetime.timedelta(seconds=1))"
    assert pickle.loads(pickle.dumps(retry)) == retry


def test_polling_resumes_from_its_snapshot() -> None:
    class Counting(Polled):
        count = 0

        def snapshot(self) -> int:
            return self.count

        def resume(self, resume_state: int) -> None:
            self.count = resume_state

    assert Counting().build_part("flow.inp", "singleton", 7).snapshot() == 7
    assert Counting().build_part("flow.inp", "singleton", None).snapshot() == 0


def test_polling_keeps_no_state_by_default() -> None:
    source = Polled()
    assert source.snapshot() is None
    source.resume(None)
    assert source.build_part("flow.inp", "singleton", None).snapshot() is None


def test_alignment_needs_a_timezone_and_an_interval() -> None:
    with pytest.raises(TypeError, match="timezone"):
        Polled(align_to=datetime(2024, 1, 1))
    with pytest.raises(ValueError, match="interval"):
        Polled(interval=timedelta(0), align_to=NEW_YEAR)


def test_batch_cuts_into_lists() -> None:
    assert list(batch(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batch(range(4), 2)) == [[0, 1], [2, 3]]
    assert list(batch([], 2)) == []


@pytest.mark.parametrize(
    ("steps", "batches"),
    [
        ([1, 2, 3, None, 4, None, None, 5], [[1, 2], [3], [4], [], [5]]),
        ([1, 2], [[1, 2], []]),
        ([], [[]]),
    ],
)
def test_batch_getter_ends_a_list_where_there_is_nothing(steps: list, batches: list) -> None:
    assert list(batch_getter(getter_of(*steps), 2)) == batches


def test_batch_getter_can_be_told_what_nothing_is() -> None:
    assert list(batch_getter(getter_of(None, "x", 3), 9, "x")) == [[None], [3]]


def test_batch_getter_lets_exceptions_through() -> None:
    batches = batch_getter(getter_of(1, 2, ValueError("no"), 3), 2)
    assert next(batches) == [1, 2]
    with pytest.raises(ValueError, match="no"):
        next(batches)


def test_batch_getter_ex_ends_a_list_where_there_is_nothing() -> None:
    empty = queue.Empty()
    steps = (1, 2, empty, 3, empty, empty)
    assert list(batch_getter_ex(getter_of(*steps), 2)) == [[1, 2], [], [3], [], []]
    missing = KeyError("nothing")
    assert list(batch_getter_ex(getter_of(1, missing, 2), 9, KeyError)) == [[1], [2]]


def test_batch_getter_ex_lets_other_exceptions_through() -> None:
    with pytest.raises(ValueError, match="no"):
        list(batch_getter_ex(getter_of(1, ValueError("no")), 9, KeyError))


class Waiter:
    """An async iterable whose items are let go one by one."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.gates = [asyncio.Event() for _ in range(count)]

    async def __aiter__(self) -> AsyncIterator[int]:
        for i, gate in enumerate(self.gates):
            await gate.wait()
            yield i

    def open(self, *indexes: int) -> None:
        for i in indexes:
            self.gates[i].set()


def test_batch_async_fills_lists() -> None:
    source = Waiter(7)
    source.open(*range(7))
    assert list(batch_async(source, SECOND, 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batch_async(Waiter(0), SECOND, 3)) == []


def test_batch_async_returns_what_came_in_time_and_loses_nothing() -> None:
    source = Waiter(3)
    batches = batch_async(source, timedelta(milliseconds=1), 10)
    assert next(batches) == []
    source.open(0, 1)
    assert next(batches) == [0, 1]
    assert next(batches) == []
    source.open(2)
    assert list(batches) == [[2]]


def test_batch_async_lets_exceptions_through() -> None:
    async def failing() -> AsyncIterator[int]:
        yield 1
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        list(batch_async(failing(), SECOND, 10))


def test_batch_async_leaves_a_given_loop_open() -> None:
    loop = asyncio.new_event_loop()
    source = Waiter(1)
    source.open(0)
    assert list(batch_async(source, SECOND, 10, loop)) == [[0]]
    assert not loop.is_closed()
    loop.close()


def test_batch_async_can_be_left_while_an_item_is_awaited() -> None:
    # Warnings about pending tasks or unclosed loops would be errors here.
    batches = batch_async(Waiter(1), timedelta(0), 10)
    assert list(islice(batches, 2)) == [[], []]
    batches.close()


@pytest.mark.parametrize("size", [0, -1])
@pytest.mark.parametrize(
    "start",
    [
        lambda size: batch([1], size),
        lambda size: batch_getter(getter_of(1), size),
        lambda size: batch_getter_ex(getter_of(1), size),
        lambda size: batch_async(Waiter(1), SECOND, size),
    ],
)
def test_lists_of_no_items_make_no_sense(start: Callable[[int], Any], size: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1, not {size}"):
        next(start(size))
