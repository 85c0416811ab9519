"""Sends many items through a stateless chain and looks at the memory that the process took."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Iterator

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.inputs import DynamicSource, StatelessSourcePartition, batch
from cppwax.outputs import DynamicSink, StatelessSinkPartition
from cppwax.testing import run_main


class _NumbersPart(StatelessSourcePartition[int]):
    def __init__(self, count: int) -> None:
        self._batches: Iterator[list[int]] = batch(range(count), 1000)

    def next_batch(self) -> list[int]:
        return next(self._batches)


class Numbers(DynamicSource[int]):
    """The integers below `count`."""

    def __init__(self, count: int) -> None:
        """Take the count."""
        self._count = count

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _NumbersPart:
        """See base class."""
        return _NumbersPart(self._count)


class _AddingPart(StatelessSinkPartition[int]):
    def __init__(self, sink: Adding) -> None:
        self._sink = sink

    def write_batch(self, items: list[int]) -> None:
        self._sink.count += len(items)
        self._sink.total += sum(items)
        if self._sink.count % 5_000_000 < len(items):
            self._sink.peaks.append(peak_megabytes())


class Adding(DynamicSink[int]):
    """Counts and adds up; notes the peak of memory every 5 million items."""

    def __init__(self) -> None:
        """Start at zero."""
        self.count = 0
        self.total = 0
        self.peaks: list[float] = []

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _AddingPart:
        """See base class."""
        return _AddingPart(self)


def peak_megabytes() -> float:
    """Tell the most memory the process has taken so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def main() -> int:
    """Run it.

    Returns:
        The exit code: 1 if the result is wrong or memory grew after the first tenth.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=50_000_000)
    args = parser.parse_args()
    sink = Adding()
    flow = Dataflow("flat_memory")
    numbers = op.input("numbers", flow, Numbers(args.items))
    even = op.filter("even", op.map("plus", numbers, lambda x: x + 1), lambda x: x % 2 == 0)
    op.output("out", op.map("half", even, lambda x: x // 2), sink)
    began = time.perf_counter()
    run_main(flow)
    took = time.perf_counter() - began
    count = args.items // 2
    right = sink.count == count and sink.total == count * (count + 1) // 2
    grown = sink.peaks[-1] - sink.peaks[0] if sink.peaks else 0.0
    print(f"{args.items:,} items in {took:.1f} s, {took / args.items * 1e9:.0f} ns an item")
    print(f"result {'right' if right else 'WRONG'}")
    print(f"peak memory {peak_megabytes():.0f} MB, grown by {grown:.1f} MB after the first tenth")
    return 0 if right and grown < 10 else 1


if __name__ == "__main__":
    sys.exit(main())
