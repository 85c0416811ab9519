"""A source and a sink of one's own.

The source counts down in several partitions and can go on where it stopped; the sink writes to
standard error. Run it with `python -m cppwax.run "examples.custom_connector:get_flow(3)"`.
"""

import sys

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.inputs import FixedPartitionedSource, StatefulSourcePartition
from cppwax.outputs import DynamicSink, StatelessSinkPartition


class CountdownPartition(StatefulSourcePartition[str, int]):
    def __init__(self, name: str, left: int) -> None:
        self.name = name
        self.left = left

    def next_batch(self) -> list[str]:
        if self.left == 0:
            raise StopIteration
        self.left -= 1
        return [f"{self.name} {self.left + 1}"]

    def snapshot(self) -> int:
        return self.left


class CountdownSource(FixedPartitionedSource[str, int]):
    def __init__(self, start: int) -> None:
        self.start = start

    def list_parts(self) -> list[str]:
        return ["one", "two"]

    def build_part(
        self, step_id: str, for_part: str, resume_state: int | None
    ) -> CountdownPartition:
        left = self.start if resume_state is None else resume_state
        return CountdownPartition(for_part, left)


class StdErrPartition(StatelessSinkPartition[str]):
    def write_batch(self, items: list[str]) -> None:
        sys.stderr.writelines(f"{item}\n" for item in items)


class StdErrSink(DynamicSink[str]):
    def build(self, step_id: str, worker_index: int, worker_count: int) -> StdErrPartition:
        return StdErrPartition()


def get_flow(start: int) -> Dataflow:
    flow = Dataflow("countdown")
    op.output("out", op.input("inp", flow, CountdownSource(start)), StdErrSink())
    return flow
