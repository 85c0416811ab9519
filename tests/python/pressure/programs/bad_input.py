"""What a flow should not be given, to its end: `bad_input.py CASE WORKERS`; prints JSON."""

from __future__ import annotations

import itertools
import json
import os
import resource
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from shapes import EndlessSource, SlowSink, peak_megabytes, run, text

import cppwax.operators as op
from cppwax.dataflow import Dataflow, Stream
from cppwax.testing import TestingSink, TestingSource

MANY = 10_000_000
HUGE = 100 * 1024 * 1024

Result = dict[str, Any]


def count(workers: int, items: list[int], step: Callable[[Stream[int]], Stream[Any]]) -> Result:
    """Run a step, spread what comes out of it, and count that."""
    sink = SlowSink(0)
    flow = Dataflow("flow")
    many = step(op.input("inp", flow, TestingSource(items)))
    op.output("out", op.redistribute("spread", many), sink)
    run(flow, workers)
    return {"items": sum(sink.written)}


def many_from_a_list(workers: int) -> Result:
    return count(workers, [1], lambda s: op.flat_map("step", s, lambda item: [item] * MANY))


def many_from_a_generator(workers: int) -> Result:
    def repeat(item: int) -> Iterable[int]:
        return (item for _ in range(MANY))

    return count(workers, [1], lambda s: op.flat_map("step", s, repeat))


def many_from_a_batch(workers: int) -> Result:
    def repeat(batch: list[int]) -> Iterable[int]:
        return itertools.repeat(batch[0], MANY)

    return count(workers, [1], lambda s: op.flat_map_batch("step", s, repeat))


def many_at_once_from_a_batch(workers: int) -> Result:
    return count(workers, [1], lambda s: op.flat_map_batch("step", s, lambda batch: batch * MANY))


def huge_items(workers: int) -> Result:
    def make(number: int) -> list[str]:
        if number > 10:
            raise StopIteration
        return [text(HUGE, number)]

    lengths: list[int] = []

    def measure(item: tuple[str, str]) -> int:
        return len(item[1])

    flow = Dataflow("flow")
    big = op.input("inp", flow, EndlessSource(make, only_first=True))
    keyed = op.key_on("key", big, lambda item: item[:2])
    kept = op.stateful_map("keep", keyed, lambda _, value: (None, value))
    op.output("out", op.map("measure", kept, measure), TestingSink(lengths))
    run(flow, workers)
    return {"items": lengths.count(HUGE)}


def started_threads(workers: int) -> Result:
    """Threads of callbacks outlive the run, which does not wait for them."""
    is_over = threading.Event()
    threads: list[threading.Thread] = []
    seen: list[int] = []

    def start(item: int) -> int:
        threads.append(threading.Thread(target=lambda: (is_over.wait(), seen.append(item))))
        threads[-1].start()
        return item

    result = count(workers, list(range(100)), lambda s: op.map("step", s, start))
    before = len(seen)
    is_over.set()
    for thread in threads:
        thread.join()
    return result | {"before": before, "seen": len(seen)}


def run_in_itself(workers: int) -> Result:
    """A callback runs the flow that it is part of."""
    flow = Dataflow("flow")

    def run_again(item: int) -> int:
        run(flow, workers)
        return item

    stream = op.map("again", op.input("inp", flow, TestingSource([1])), run_again)
    op.output("out", stream, TestingSink([]))
    try:
        run(flow, workers)
    except Exception as ex:
        root: BaseException = ex
        while root.__cause__ is not None:
            root = root.__cause__
        return {"root": type(root).__name__}
    return {}


def no_descriptor_left(workers: int) -> Result:
    """The system gives the engine no descriptor to wake a worker by."""
    # What it takes to run flows is there: one descriptor more is wanted for each worker.
    count(workers, [1], lambda s: s)
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    taken = []
    while len(taken) < 16:
        try:
            taken.append(os.dup(0))
        except OSError:
            break
    try:
        count(workers, [1], lambda s: s)
    except Exception as ex:
        return {"type": type(ex).__name__, "message": str(ex)}
    finally:
        for descriptor in taken:
            os.close(descriptor)
    return {}


def _switching(seconds: float, workers: int) -> Result:
    def switch(item: int) -> int:
        sys.setswitchinterval(seconds)
        return item

    return count(workers, list(range(100_000)), lambda s: op.map("step", s, switch))


def switching_always(workers: int) -> Result:
    return _switching(1e-9, workers)


def switching_never(workers: int) -> Result:
    return _switching(1e6, workers)


if __name__ == "__main__":
    result = globals()[sys.argv[1]](int(sys.argv[2]))
    print(json.dumps(result | {"peak_megabytes": peak_megabytes()}))
