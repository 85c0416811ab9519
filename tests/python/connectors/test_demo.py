"""The source of random values."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone

import pytest

from cppwax.connectors.demo import RandomMetricSource

INTERVAL = timedelta(seconds=3)


def test_values_come_at_the_interval_until_the_count() -> None:
    values = iter([1.5, 2.5])
    source = RandomMetricSource("cpu", INTERVAL, 2, lambda: next(values))
    assert source.list_parts() == ["cpu"]
    before = datetime.now(timezone.utc)
    part = source.build_part("flow.inp", "cpu", None)
    first = part.next_awake()
    assert first is not None
    assert before <= first <= datetime.now(timezone.utc)
    assert part.next_batch() == [("cpu", 1.5)]
    assert part.next_awake() == first + INTERVAL
    assert part.next_batch() == [("cpu", 2.5)]
    assert part.next_awake() == first + 2 * INTERVAL
    with pytest.raises(StopIteration):
        part.next_batch()


def test_it_resumes_with_what_is_left() -> None:
    source = RandomMetricSource("cpu", INTERVAL, 2, lambda: 1.0)
    part = source.build_part("flow.inp", "cpu", None)
    part.next_batch()
    state = pickle.loads(pickle.dumps(part.snapshot()))
    kept = part.snapshot()
    # A snapshot does not change with the partition, nor with the one resumed from it.
    part.next_batch()
    resumed = source.build_part("flow.inp", "cpu", kept)
    resumed.next_batch()
    assert kept == state
    with pytest.raises(StopIteration):
        resumed.next_batch()


def test_it_resumes_at_the_time_that_was_due() -> None:
    source = RandomMetricSource("cpu", INTERVAL)
    part = source.build_part("flow.inp", "cpu", None)
    part.next_batch()
    assert source.build_part("flow.inp", "cpu", part.snapshot()).next_awake() == part.next_awake()


def test_values_are_digits_by_default() -> None:
    part = RandomMetricSource("cpu").build_part("flow.inp", "cpu", None)
    seen = {part.next_batch()[0] for _ in range(1000)}
    assert seen <= {("cpu", digit) for digit in range(10)}
    assert len(seen) > 1
