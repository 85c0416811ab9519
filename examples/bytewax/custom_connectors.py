"""Sources and sinks of one's own, of each kind."""

import sys
from datetime import datetime, timedelta

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import (
    DynamicSource,
    FixedPartitionedSource,
    SimplePollingSource,
    StatefulSourcePartition,
    StatelessSourcePartition,
    batch,
)
from bytewax.outputs import DynamicSink, StatelessSinkPartition


class Squares(StatefulSourcePartition[int, int]):
    def __init__(self, first: int, resume: int | None) -> None:
        self._next = first if resume is None else resume
        self._end = first + 3

    def next_batch(self) -> list[int]:
        if self._next >= self._end:
            raise StopIteration
        self._next += 1
        return [(self._next - 1) ** 2]

    def snapshot(self) -> int:
        return self._next


class SquareSource(FixedPartitionedSource[int, int]):
    def list_parts(self) -> list[str]:
        return ["1", "10"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Squares:
        return Squares(int(for_part), resume_state)


class Letters(StatelessSourcePartition[str]):
    def __init__(self, letters: str) -> None:
        self._batches = batch(letters, batch_size=2)

    def next_batch(self) -> list[str]:
        return next(self._batches)


class LetterSource(DynamicSource[str]):
    def build(self, step_id: str, worker_index: int, worker_count: int) -> Letters:
        return Letters("abcde"[worker_index::worker_count])


class Countdown(SimplePollingSource[int, None]):
    def __init__(self) -> None:
        super().__init__(interval=timedelta(milliseconds=10))
        self._left = 3

    def next_item(self) -> int:
        if self._left == 0:
            raise StopIteration
        self._left -= 1
        if self._left == 1:
            raise SimplePollingSource.Retry(timedelta(milliseconds=5))
        return self._left


class Writer(StatelessSinkPartition[object]):
    def write_batch(self, items: list[object]) -> None:
        for item in items:
            sys.stdout.write(f"{item}\n")
        sys.stdout.flush()


class WriterSink(DynamicSink[object]):
    def build(self, step_id: str, worker_index: int, worker_count: int) -> Writer:
        return Writer()


flow = Dataflow("custom")
squares = op.input("squares", flow, SquareSource())
letters = op.input("letters", flow, LetterSource())
countdown = op.input("countdown", flow, Countdown())
checked = op.map("checked", countdown, lambda n: (n, isinstance(datetime.now(), datetime)))
op.output("out", op.merge("all", squares, letters, checked), WriterSink())
