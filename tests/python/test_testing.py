"""Sources, sinks and helpers for tests. What needs a run is tested with the operators."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.inputs import AbortExecution
from cppwax.testing import (
    TestingSink,
    TestingSource,
    TimeTestingGetter,
    cluster_main,
    ffwd_iter,
    poll_next_batch,
    run_main,
)

ABORT, EOF, PAUSE = TestingSource.ABORT, TestingSource.EOF, TestingSource.PAUSE
HALF_A_MINUTE = timedelta(seconds=30)


def drained(ib: Any, batch_size: int = 1, resume: int | None = None) -> list[tuple[list, int]]:
    """Read a source to its end: each batch, and the snapshot after it."""
    part = TestingSource(ib, batch_size).build_part("flow.inp", "iterable", resume)
    steps = []
    while True:
        try:
            batch = part.next_batch()
        except (StopIteration, AbortExecution):
            # Both stay as they are, however often one asks.
            with pytest.raises((StopIteration, AbortExecution)):
                part.next_batch()
            return steps
        steps.append((batch, part.snapshot()))


def flow_of(items: list[Any], out: list[Any]) -> Dataflow:
    flow = Dataflow("flow")
    op.output("out", op.input("inp", flow, TestingSource(items)), TestingSink(out))
    return flow


def test_the_source_has_one_partition() -> None:
    assert TestingSource([1]).list_parts() == ["iterable"]


@pytest.mark.parametrize(
    ("ib", "batch_size", "steps"),
    [
        ([1, 2, 3], 1, [([1], 1), ([2], 2), ([3], 3)]),
        ([1, 2, 3], 2, [([1, 2], 2), ([3], 3)]),
        (range(3), 5, [([0, 1, 2], 3)]),
        (iter([1, 2]), 2, [([1, 2], 2)]),
        ([], 2, []),
        # A size that makes no sense is one.
        ([1, 2], 0, [([1], 1), ([2], 2)]),
        # A mark itself, not its class.
        ([EOF], 1, [([EOF], 1)]),
    ],
)
def test_items_come_in_batches(ib: Any, batch_size: int, steps: list) -> None:
    assert drained(ib, batch_size) == steps


def test_eof_ends_the_batch_and_counts() -> None:
    ib = [1, EOF(), 2, 3]
    assert drained(ib, 2) == [([1], 2)]
    assert drained(ib, 2, resume=2) == [([2, 3], 4)]
    # Resumed before it, it is met again.
    assert drained(ib, 2, resume=1) == [([], 2)]
    assert drained([1, 2, EOF()], 2) == [([1, 2], 2), ([], 3)]


def test_abort_fires_once_and_does_not_count() -> None:
    ib = [1, ABORT(), 2]
    assert drained(ib, 2) == [([1], 1)]
    assert drained(ib, 2) == [([1, 2], 2)]


def test_aborts_make_items_come_again() -> None:
    ib = [0, 1, 2, ABORT(), 3, ABORT(), 4]
    seen, index = [], None
    for _ in range(4):
        steps = drained(ib, 1, index)
        seen.append([item for batch, _ in steps for item in batch])
        index = steps[-1][1]
    assert seen == [[0, 1, 2], [3], [3, 4], [4]]


def test_pause_ends_the_batch_and_does_not_count() -> None:
    ib = [1, PAUSE(HALF_A_MINUTE), 2]
    assert drained(ib, 5) == [([1], 1), ([2], 2)]
    # So one that was passed is met again.
    assert drained(ib, 5, resume=1) == [([], 1), ([2], 2)]


def test_pause_waits() -> None:
    part = TestingSource([1, PAUSE(HALF_A_MINUTE), 2], 5).build_part("flow.inp", "iterable", None)
    assert part.next_awake() is None
    before = datetime.now(timezone.utc)
    part.next_batch()
    awake = part.next_awake()
    assert awake is not None
    assert before + HALF_A_MINUTE <= awake <= datetime.now(timezone.utc) + HALF_A_MINUTE
    part.next_batch()
    assert part.next_awake() is None


def test_a_position_behind_the_end_is_the_end() -> None:
    assert drained([1, 2], 1, resume=5) == []


def test_what_is_not_iterable_fails_when_it_is_opened() -> None:
    with pytest.raises(TypeError, match="not iterable"):
        TestingSource(5).build_part("flow.inp", "iterable", None)


def test_marks_are_values() -> None:
    assert EOF() == EOF()
    assert ABORT() == ABORT()
    assert PAUSE(HALF_A_MINUTE) == PAUSE(for_duration=HALF_A_MINUTE)
    assert PAUSE(HALF_A_MINUTE).for_duration == HALF_A_MINUTE


def test_the_sink_appends_to_the_list_it_was_given() -> None:
    out = [0]
    writers = [TestingSink(out).build("flow.out", i, 2) for i in range(2)]
    writers[0].write_batch([1, 2])
    writers[1].write_batch([3])
    assert out == [0, 1, 2, 3]


def test_the_clock_stands_still_until_it_is_advanced() -> None:
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    clock = TimeTestingGetter(start)
    assert clock.get() == clock.get() == start
    clock.advance(HALF_A_MINUTE)
    assert clock.get() == clock.now == start + HALF_A_MINUTE


def test_ffwd_iter_skips() -> None:
    it = iter(range(5))
    ffwd_iter(it, 0)
    ffwd_iter(it, 2)
    assert next(it) == 2
    ffwd_iter(it, 100)
    assert list(it) == []
    with pytest.raises(ValueError, match="sys.maxsize"):
        ffwd_iter(iter([1]), -1)


class Part:
    """What `poll_next_batch` needs of a partition."""

    def __init__(self, batches: Iterator[Any]) -> None:
        self.batches = batches

    def next_batch(self) -> Any:
        return next(self.batches)


def test_poll_next_batch_skips_empty_batches() -> None:
    assert poll_next_batch(Part(iter([[], [], [1, 2]]))) == [1, 2]
    assert poll_next_batch(Part(iter([iter([]), iter([1])]))) == [1]
    assert poll_next_batch(Part(iter([[1]])), timedelta(0)) == [1]


def test_poll_next_batch_gives_up() -> None:
    with pytest.raises(StopIteration):
        poll_next_batch(Part(iter([[]])))
    with pytest.raises(TimeoutError, match="no items within"):
        poll_next_batch(Part(iter(lambda: [], None)), timedelta(milliseconds=1))


@pytest.mark.parametrize("flow", [5, None, "flow", Dataflow])
def test_entry_points_want_a_dataflow(flow: Any) -> None:
    with pytest.raises(TypeError, match="must be a `Dataflow`"):
        run_main(flow)
    with pytest.raises(TypeError, match="must be a `Dataflow`"):
        cluster_main(flow, [], 0)


@pytest.mark.parametrize(
    ("args", "kwargs", "error", "match"),
    [
        ((5, 0), {}, TypeError, "not iterable"),
        (("host:2101", 0), {}, TypeError, r"\['host:2101'\]"),
        (([5], 0), {}, TypeError, "address must be a `str`"),
        (([], None), {}, TypeError, "process id must be an `int`"),
        (([], "0"), {}, TypeError, "process id must be an `int`"),
        (([], -1), {}, ValueError, "no process -1"),
        ((["a:1"], 1), {}, ValueError, "no process 1"),
        ((["a:1", "a:1"], 0), {}, ValueError, "in the list twice"),
        ((["a:1", "b:1"], 2), {}, ValueError, "no process 2"),
        (([], 0), {"worker_count_per_proc": 0}, ValueError, "at least 1"),
        (([], 0), {"worker_count_per_proc": 2.0}, TypeError, "must be an `int`"),
        (([], 0), {"recovery_config": 5}, TypeError, "recovery_config must be a `RecoveryConfig`"),
    ],
)
def test_cluster_main_refuses(args: Any, kwargs: Any, error: type[Exception], match: str) -> None:
    out: list[Any] = []
    with pytest.raises(error, match=match):
        cluster_main(flow_of([1], out), *args, **kwargs)
    assert out == []


def test_run_main_refuses_what_is_no_recovery_config() -> None:
    with pytest.raises(TypeError, match="recovery_config must be a `RecoveryConfig`"):
        run_main(flow_of([1], []), recovery_config="dir")


@pytest.mark.parametrize("addresses", [None, [], (), ["localhost:2101"]])
def test_one_process_needs_no_address(addresses: Any) -> None:
    out: list[Any] = []
    cluster_main(flow_of([1, 2], out), addresses, 0)
    assert out == [1, 2]


def test_a_flow_can_be_run_again(entry_point: Any) -> None:
    out: list[Any] = []
    flow = flow_of([1, 2], out)
    entry_point(flow)
    entry_point(flow)
    assert out == [1, 2, 1, 2]


def test_eof_abort_and_pause_in_a_run(entry_point: Any) -> None:
    out: list[Any] = []
    flow = flow_of([1, ABORT(), 2, PAUSE(timedelta(milliseconds=1)), 3, EOF(), 4], out)
    entry_point(flow, epoch_interval=timedelta(0))
    assert out == [1]
    out.clear()
    entry_point(flow)
    assert out == [1, 2, 3]
