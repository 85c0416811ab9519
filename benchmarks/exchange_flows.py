"""The flows of `exchange.py`, for processes that are told by their command line what to run.

As a command, the loop that does the same as `user_code`: `COUNT TURNS`.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from benchmarks.scaling_threads import PartOfNumbers, worker_of
from benchmarks.workload import BATCH, Library, derived

KEYS = 1000


class PartOfPairs:
    """Gives the batches of one worker: the same keyed items again and again."""

    def __init__(self, count: int) -> None:
        """Take how many."""
        self._left = count
        self._block = [(f"key{number % KEYS}", number) for number in range(BATCH)]

    def next_batch(self) -> list[tuple[str, int]]:
        """Give a batch."""
        if not self._left:
            raise StopIteration
        self._left -= BATCH
        return self._block


def _flow(package: str, part_class: type, count: int) -> tuple[Library, Any, Any]:
    library = Library(package)
    part = derived(part_class, library.inputs.StatelessSourcePartition)

    class Source:
        def build(self, step_id: str, worker_index: int, worker_count: int) -> Any:
            return part(count // worker_count)

    flow = library.dataflow.Dataflow("exchange")
    source = derived(Source, library.inputs.DynamicSource)()
    return library, flow, library.op.input("inp", flow, source)


def _printed(library: Library, flow: Any, stream: Any) -> Any:
    from importlib import import_module

    package = library.op.__name__.split(".")[0]
    stdio = import_module(f"{package}.connectors.stdio")
    text = library.op.map("text", stream, lambda item: f"{item[0]} {item[1]}")
    library.op.output("out", text, stdio.StdOutSink())
    return flow


def user_code(package: str, count: int, turns: int) -> Any:
    """Count what user code of some microseconds an item makes of numbers."""
    library, flow, up = _flow(package, PartOfNumbers, count)
    worked = library.op.map("work", up, worker_of(turns))
    return _printed(library, flow, library.op.count_final("count", worked, str))


def keyed(package: str, count: int, _turns: int) -> Any:
    """Count the items of each key; half of them have to go to the other process."""
    library, flow, up = _flow(package, PartOfPairs, count)
    counted = library.op.fold_final("count", up, int, _one_more)
    return _printed(library, flow, counted)


def _one_more(count: int, _value: int) -> int:
    return count + 1


def _loop(count: int, turns: int) -> None:
    part, work = PartOfNumbers(count), worker_of(turns)
    counted: Counter[str] = Counter()
    try:
        while True:
            counted.update(map(work, part.next_batch()))
    except StopIteration:
        pass
    for key, number in counted.items():
        print(key, number)


if __name__ == "__main__":
    _loop(int(sys.argv[1]), int(sys.argv[2]))
