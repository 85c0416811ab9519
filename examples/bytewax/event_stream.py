"""Follows a stream of events that an async client gives: the busiest ten seconds of each wiki."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.inputs import (
    DynamicSource,
    FixedPartitionedSource,
    StatefulSourcePartition,
    StatelessSourcePartition,
    batch_async,
)
from bytewax.operators.windowing import EventClock, TumblingWindower

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
LENGTH = timedelta(seconds=10)


async def edits() -> AsyncIterator[str]:
    for second in range(60):
        for wiki in ("de", "en", "fr")[: 1 + second * second % 7 % 3]:
            yield json.dumps({"wiki": wiki, "second": second})


class EditPartition(StatefulSourcePartition[str, None]):
    def __init__(self) -> None:
        self._batches = batch_async(edits(), timeout=timedelta(milliseconds=100), batch_size=16)

    def next_batch(self) -> list[str]:
        return next(self._batches)

    def snapshot(self) -> None:
        # Such a stream cannot be read again.
        return None


class EditSource(FixedPartitionedSource[str, None]):
    def list_parts(self) -> list[str]:
        return ["edits"]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> EditPartition:
        return EditPartition()


class Beats(StatelessSourcePartition[str]):
    def __init__(self, count: int) -> None:
        self._left = count
        self._next = datetime.now(timezone.utc)

    def next_awake(self) -> datetime:
        return self._next

    def next_batch(self) -> list[str]:
        if self._left == 0:
            raise StopIteration
        self._left -= 1
        self._next += timedelta(milliseconds=10)
        return [f"beat, {self._left} to come"]


class BeatSource(DynamicSource[str]):
    def build(self, step_id: str, worker_index: int, worker_count: int) -> Beats:
        return Beats(3 if worker_index == 0 else 0)


def busiest(most: int | None, window: tuple[int, int]) -> tuple[int, int]:
    most = max(most or 0, window[1])
    return most, most


flow = Dataflow("event_stream")
events = op.map("parse", op.input("edits", flow, EditSource()), json.loads)
counts = win.count_window(
    "count",
    events,
    EventClock(lambda event: START + timedelta(seconds=event["second"]), timedelta(days=1)),
    TumblingWindower(length=LENGTH, align_to=START),
    lambda event: event["wiki"],
)
most = op.stateful_map("most", counts.down, busiest)
op.output("out", op.map("line", most, lambda item: f"{item[0]}: {item[1]}"), StdOutSink())
op.output("beats", op.input("beat", flow, BeatSource()), StdOutSink())
