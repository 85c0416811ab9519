"""Flows under pressure, for so many seconds: `shapes.py SHAPE WORKERS SECONDS`.

Sources give new objects for as long and as fast as they are asked. Were a queue without a limit, it
would grow by some hundred megabytes a second. What came of it is printed as JSON.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cppwax.operators as op
from cppwax.dataflow import Dataflow, Stream
from cppwax.inputs import DynamicSource, StatelessSourcePartition
from cppwax.outputs import DynamicSink, StatelessSinkPartition
from cppwax.testing import TestingSource, cluster_main, run_main

MEGABYTE = 1 << 20


def wait(seconds: float) -> None:
    """Be slow, and let the other workers go on meanwhile."""
    threading.Event().wait(seconds)


def text(length: int, number: int) -> str:
    """Make a new string."""
    return str(number).ljust(length, ".")


@dataclass
class Endless(StatelessSourcePartition[Any]):
    """Gives what a function makes, of the number of the call."""

    make: Callable[[int], list[Any]]
    given: int = 0

    def next_batch(self) -> list[Any]:
        self.given += 1
        return self.make(self.given)


@dataclass
class Ended(StatelessSourcePartition[Any]):
    def next_batch(self) -> list[Any]:
        raise StopIteration


@dataclass
class EndlessSource(DynamicSource[Any]):
    make: Callable[[int], list[Any]]
    only_first: bool = False

    def build(
        self, _step_id: str, worker_index: int, _worker_count: int
    ) -> StatelessSourcePartition[Any]:
        return Ended() if self.only_first and worker_index > 0 else Endless(self.make)


@dataclass
class SlowPart(StatelessSinkPartition[Any]):
    sink: SlowSink

    def write_batch(self, items: list[Any]) -> None:
        wait(self.sink.seconds)
        self.sink.written.append(len(items))


@dataclass
class SlowSink(DynamicSink[Any]):
    """Takes its time for each batch."""

    seconds: float
    written: list[int] = field(default_factory=list)

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> SlowPart:
        return SlowPart(self)


def keys_by_owner(workers: int) -> dict[int, str]:
    """Find for each worker a key whose items it is sent."""
    owners: dict[int, str] = {}

    def note(_step_id: str, item: tuple[str, int], _epoch: int, worker: int) -> None:
        owners[worker] = item[0]

    flow = Dataflow("owners")
    items = [(f"key{n}", n) for n in range(100)]
    kept = op.stateful_map("keep", op.input("inp", flow, TestingSource(items)), lambda _, v: (v, v))
    op.output("out", op.inspect_debug("note", kept, note), SlowSink(0))
    run(flow, workers)
    return owners


def run(flow: Dataflow, workers: int) -> None:
    if workers == 1:
        run_main(flow)
    else:
        cluster_main(flow, [], 0, worker_count_per_proc=workers)


def to_worker_of(key: str, stream: Stream[Any]) -> Stream[Any]:
    """Send all items to the worker of a key."""
    keyed = op.key_on("to_" + key, stream, lambda _: key)
    return op.key_rm("at_" + key, op.stateful_map("keep_" + key, keyed, lambda _, v: (None, v)))


def slow_sink(fast: Stream[int], _near: str, far: str) -> Stream[str]:
    """A fast source, and on another worker a slow sink."""
    return to_worker_of(far, op.map("text", fast, lambda n: text(1000, n)))


def two_hops(fast: Stream[int], near: str, far: str) -> Stream[str]:
    """To a step on another worker, which makes more of it, and back to a slow sink."""
    there = to_worker_of(far, fast)
    more = op.flat_map("more", there, lambda _: [text(1000, n) for n in range(1000)])
    return to_worker_of(near, more)


def amplified(fast: Stream[int], _near: str, far: str) -> Stream[str]:
    """Ten thousand items from each one, to a slow sink on another worker."""
    many = op.flat_map("many", fast, lambda _: [text(100, n) for n in range(10_000)])
    return to_worker_of(far, many)


def amplified_lazily(fast: Stream[int], _near: str, far: str) -> Stream[str]:
    """The same from a generator, by a step that sees batches."""

    def amplify(batch: list[int]) -> Iterator[str]:
        return (text(100, n) for _ in batch for n in range(10_000))

    return to_worker_of(far, op.flat_map_batch("many", fast, amplify))


def megabytes(fast: Stream[int], _near: str, far: str) -> Stream[str]:
    """Items of one megabyte, to a slow sink on another worker."""
    return to_worker_of(far, op.map("text", fast, lambda n: text(MEGABYTE, n)))


SHAPES: dict[str, tuple[Callable[[Stream[int], str, str], Stream[str]], float]] = {
    # And how long the sink takes for a batch.
    "slow_sink": (slow_sink, 0.1),
    "two_hops": (two_hops, 0.1),
    "amplified": (amplified, 0.1),
    "amplified_lazily": (amplified_lazily, 0.1),
    "megabytes": (megabytes, 0.05),
}


def peak_megabytes() -> float:
    """Tell the most memory that this process has had."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def main(shape: str, workers: int, seconds: float) -> None:
    define, sink_seconds = SHAPES[shape]
    sink = SlowSink(sink_seconds)
    owners = keys_by_owner(workers)
    flow = Dataflow(shape)
    fast = op.input("inp", flow, EndlessSource(lambda number: [number], only_first=True))
    op.output("out", define(fast, owners[0], owners[workers - 1]), sink)

    def tell_and_end() -> None:
        result = {"peak_megabytes": peak_megabytes(), "batches": len(sink.written)}
        print(json.dumps(result | {"items": sum(sink.written)}), flush=True)
        os._exit(0)

    threading.Timer(seconds, tell_and_end).start()
    run(flow, workers)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
