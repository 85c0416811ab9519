"""How fast are two workers, over one?

Under one interpreter lock two workers cannot be faster; the question is what they lose. Without it,
on a free-threaded Python, user code runs twice. There is a row with user code of 3 µs an item and a
keyed count for either Python, and one where the engine does the work. What two plain threads are
over one tells how much is to be had from the machine and from Python.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.harness import main
from benchmarks.keyed import FoldFinal, counts
from benchmarks.workload import (
    BATCH,
    BYTEWAX,
    CPPWAX,
    LOOP,
    Bar,
    Library,
    Side,
    Workload,
    derived,
    speed_over,
)

EFFORT_NS = 3000
_KEYS = 100

_CPPWAX_TWO = Side("cppwax -w2", "cppwax", 2)
_BYTEWAX_TWO = Side("Bytewax -w2", "bytewax", 2)
_LOOP_TWO = Side("loop, 2 threads", "", 2)
_BLOCK = list(range(BATCH))


def worker_of(turns: int) -> Callable[[int], str]:
    """Make user code that turns a loop so many times and then names a key."""

    def work(number: int) -> str:
        total = number
        for turn in range(turns):
            total ^= turn
        return f"key{number % _KEYS}"

    return work


def turns_for(nanoseconds: float) -> int:
    """Find out how many turns take that long here."""

    def quickest(turns: int) -> float:
        work = worker_of(turns)
        took = []
        for _ in range(20):
            began = time.process_time_ns()
            for number in _BLOCK:
                work(number)
            took.append((time.process_time_ns() - began) / len(_BLOCK))
        return min(took)

    few, many = quickest(10), quickest(110)
    return max(1, round(10 + (nanoseconds - few) * 100 / (many - few)))


class PartOfNumbers:
    """Gives the batches of one worker: the same numbers again and again."""

    def __init__(self, count: int) -> None:
        """Take how many."""
        self._left = count

    def next_batch(self) -> list[int]:
        """Give a batch."""
        if not self._left:
            raise StopIteration
        size = min(self._left, BATCH)
        self._left -= size
        return _BLOCK if size == BATCH else _BLOCK[:size]


def has_lock() -> bool:
    """Tell whether this Python has an interpreter lock, and uses it."""
    is_enabled: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
    return is_enabled()


def _bars(must: float, should: float) -> tuple[Bar, ...]:
    return (
        speed_over("must", must, CPPWAX, _CPPWAX_TWO),
        speed_over("should", should, CPPWAX, _CPPWAX_TWO),
        speed_over("figure", 1.0, BYTEWAX, _BYTEWAX_TWO),
    )


class _Locked(Workload):
    """Two workers over one, under the interpreter lock."""

    counts = "wall"
    sides: tuple[Side, ...] = (CPPWAX, _CPPWAX_TWO, BYTEWAX, _BYTEWAX_TWO)

    def obstacle(self) -> str:
        """See base class."""
        return "" if has_lock() else "is about Python with an interpreter lock"


class ScalingKeyed(_Locked, FoldFinal):
    """The work is the engine's; one worker has the source, and half of the items change workers."""

    name = "scaling_keyed"
    title = "-w2 over -w1: the row fold_final"
    bars = _bars(0.85, 0.95)


class ScalingThreads(_Locked):
    """The work is the user's; `setting` is how many turns its loop makes."""

    name = "scaling_threads"
    title = "-w2 over -w1: a DynamicSource, a map of 3 µs, count_final"
    bars = _bars(0.97, 1.0)

    def size(self, side: Side, seconds: float) -> int:
        """See base class."""
        self.setting = self.setting or turns_for(EFFORT_NS)
        return super().size(side, seconds)

    def prepare(self, count: int, setting: int) -> None:
        """See base class."""
        self._count = count
        self._work = worker_of(setting)
        self._out: list[tuple[str, int]] = []

    def flow(self, library: Library) -> Any:
        """See base class."""
        op, count = library.op, self._count
        part = derived(PartOfNumbers, library.inputs.StatelessSourcePartition)

        class Numbers:
            def build(self, step_id: str, worker_index: int, worker_count: int) -> Any:
                return part(count // worker_count)

        flow = library.dataflow.Dataflow(self.name)
        source = derived(Numbers, library.inputs.DynamicSource)()
        worked = op.map("work", op.input("numbers", flow, source), self._work)
        counted = op.count_final("count", worked, str)
        op.output("out", counted, library.testing.TestingSink(self._out))
        return flow

    def is_right(self) -> bool:
        """See base class."""
        expected = counts(self._count, _KEYS)
        return dict(self._out) == expected and len(self._out) == len(expected)


class ScalingFree(ScalingThreads):
    """The same without a lock; Bytewax has no release for such a Python."""

    name = "scaling_free"
    title = "-w2 over -w1, free-threaded Python: a DynamicSource, a map of 3 µs, count_final"
    sides = (CPPWAX, _CPPWAX_TWO, LOOP, _LOOP_TWO)
    bars = (*_bars(1.6, 1.9)[:2], speed_over("figure", 1.0, LOOP, _LOOP_TWO))

    def run_here(self, side: Side, count: int, setting: int) -> int:
        """See base class."""
        self._threads = side.workers
        return super().run_here(side, count, setting)

    def loop(self) -> None:
        """See base class."""
        with ThreadPoolExecutor(self._threads) as pool:
            parts = list(pool.map(self._count_part, [self._count // self._threads] * self._threads))
        self._out += sum(parts, Counter()).items()

    def _count_part(self, count: int) -> Counter[str]:
        part, seen, work = PartOfNumbers(count), Counter[str](), self._work
        try:
            while True:
                for number in part.next_batch():
                    seen[work(number)] += 1
        except StopIteration:
            return seen

    def obstacle(self) -> str:
        """See base class."""
        return "needs a free-threaded Python" if has_lock() else ""


ROWS = (ScalingKeyed(), ScalingThreads(), ScalingFree())

if __name__ == "__main__":
    sys.exit(main(ROWS))
