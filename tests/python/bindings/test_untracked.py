"""What native steps make is no work for the garbage collector, where it can be part of no cycle."""

from __future__ import annotations

import gc
from datetime import datetime, timedelta, timezone
from typing import Any

import cppwax.operators as op
import cppwax.operators.windowing as w
from cppwax.dataflow import Dataflow, KeyedStream, Stream
from cppwax.testing import TestingSink, TestingSource, run_main

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


def results(build: Any, items: list[Any]) -> list[Any]:
    out: list[Any] = []
    flow = Dataflow("untracked")
    numbers: Stream[int] = op.input("inp", flow, TestingSource(items, batch_size=10))
    keyed: KeyedStream[int] = op.key_on("key", numbers, lambda n: str(n % 3))
    op.output("out", build(keyed), TestingSink(out))
    run_main(flow)
    return out


def counted(stream: KeyedStream[int]) -> Any:
    return op.count_final("count", stream, lambda pair: pair[0])


def windowed(stream: KeyedStream[int]) -> Any:
    clock: w.EventClock[int] = w.EventClock(
        lambda n: START + timedelta(seconds=n), timedelta.max - timedelta(days=1)
    )
    windower = w.TumblingWindower(length=timedelta(seconds=10), align_to=START)
    return w.fold_window(
        "fold", stream, clock, windower, int, lambda total, n: total + n, int.__add__
    ).down


def test_pairs_of_atoms() -> None:
    out = results(counted, list(range(30)))
    assert len(out) == 3
    assert not any(gc.is_tracked(pair) for pair in out)


def test_pairs_in_pairs() -> None:
    out = results(windowed, list(range(30)))
    assert len(out) == 9
    assert not any(gc.is_tracked(pair) or gc.is_tracked(pair[1]) for pair in out)


def test_what_may_be_in_a_cycle_is_tracked() -> None:
    out = results(lambda stream: op.map_value("list", stream, lambda n: [n]), [1, 2])
    assert all(gc.is_tracked(pair) for pair in out)
