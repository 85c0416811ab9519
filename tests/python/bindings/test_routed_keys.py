"""How many workers share the keys, and in what batches they come, is not seen in what comes out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cppwax.operators as op
import cppwax.operators.windowing as win
from cppwax.dataflow import Dataflow
from cppwax.testing import cluster_main, run_main
from tests.python.conftest import EntryPoint
from tests.python.flows import (
    OnEachWorker,
    Step,
    by_key,
    few_examples,
    from_source,
    through,
)
from tests.python.logics import batch_logic

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def three_threads(flow: Dataflow, *, epoch_interval: timedelta | None = None) -> None:
    cluster_main(flow, [], 0, epoch_interval=epoch_interval, worker_count_per_proc=3)


def collected_in_windows(stream: Any) -> Any:
    """Put values into windows by their own number of seconds."""
    clock = win.EventClock(
        lambda value: START + timedelta(seconds=value), wait_for_system_duration=timedelta(days=1)
    )
    windower = win.TumblingWindower(align_to=START, length=timedelta(seconds=10))
    return win.collect_window("step", stream, clock, windower).down


def counted_until(limit: int) -> Callable[[int | None, int], tuple[int | None, list[Any]]]:
    """Forget a key by its `limit`th value: it begins anew, within a batch too."""

    def count(seen: int | None, value: int) -> tuple[int | None, list[Any]]:
        seen = (seen or 0) + 1
        return (None if seen == limit else seen), [(seen, value)]

    return count


STEPS: dict[str, Step] = {
    "native": lambda s: op.stateful_map("step", s, lambda seen, v: ((seen or 0) + 1, (seen, v))),
    "forgetting": lambda s: op.stateful_flat_map("step", s, counted_until(3)),
    "timed": collected_in_windows,
    "at the end": lambda s: op.fold_final("step", s, list, lambda seen, value: [*seen, value]),
    "python": lambda s: op.stateful_batch("step", s, batch_logic()),
}

Items = st.lists(st.tuples(st.text("ab\u00e9\U0001f511\ud800", max_size=2), st.integers(0, 50)))


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
@few_examples
@given(items=Items, batch=st.integers(1, 40))
def test_workers_give_what_one_does(step: Step, items: list[tuple[str, int]], batch: int) -> None:
    alone = by_key(through(run_main, items, step, batch))
    assert by_key(through(three_threads, items, step, batch)) == alone


def test_a_few_keys_of_many(entry_point: EntryPoint) -> None:
    """Batches of one that were joined are taken apart again, where a step sees batches."""
    items = [(f"key {n % 700}", n // 700) for n in range(2000)]
    expected: dict[str, list[int]] = {}
    for key, value in items:
        expected.setdefault(key, []).append(value)
    out = by_key(through(entry_point, items, collected_in_windows))
    assert {key: values for key, [(_window, values)] in out.items()} == expected


def test_a_batch_much_larger_than_others(entry_point: EntryPoint) -> None:
    sizes = [1, 50_000, 3, 0, 1000, 2]
    items = [[(str(n % 40_000), 1)] * (n % 2 + 1) for n in range(sum(sizes))]
    batches = []
    for size in sizes:
        batches.append([item for pair in items[:size] for item in pair])
        items = items[size:]
    expected: dict[str, int] = {}
    for batch in batches:
        for key, _ in batch:
            expected[key] = expected.get(key, 0) + 1
    source = OnEachWorker(lambda worker: batches if worker == 0 else [])
    out = from_source(entry_point, source, lambda s: op.fold_final("step", s, int, int.__add__))
    assert dict(out) == expected
