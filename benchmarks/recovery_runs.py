"""The runs of `recovery.py` and `store_size.py`, each a process: print what they took, as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.keyed import running_sum
from benchmarks.memory import Peak
from benchmarks.workload import BATCH, Library, cpu_seconds, derived

Pair = tuple[str, int]


def size_of(folder: Path) -> int:
    """Tell how many bytes the partitions in a folder have, without their logs."""
    return sum(path.stat().st_size for path in folder.glob("*.sqlite3"))


class _Part:
    """Gives numbered batches, and knows the next one's number."""

    def __init__(self, give: Callable[[int], list[Pair]], at: int) -> None:
        self._give, self._at = give, at

    def next_batch(self) -> list[Pair]:
        batch = self._give(self._at)
        self._at += 1
        return batch

    def snapshot(self) -> int:
        return self._at


class _PacedPart(_Part):
    """The same, each batch at its time."""

    interval: timedelta

    def __init__(self, give: Callable[[int], list[Pair]], at: int) -> None:
        super().__init__(give, at)
        self._began = datetime.now(timezone.utc)

    def next_awake(self) -> datetime:
        return self._began + self._at * self.interval


class _Counting:
    """Counts values, and keeps the last batch."""

    def __init__(self) -> None:
        self.count = 0
        self.last_seen = 0.0

    def write_batch(self, items: list[Any]) -> None:
        self.count += len(items)
        self.last_seen = time.perf_counter()


class _Flow:
    """Keyed states behind a source of one's own, for either library."""

    def __init__(self, package: str) -> None:
        self.library = Library(package)
        self.recovery: Any = import_module(f"{package}.recovery")
        self.out = _Counting()

    def run(
        self,
        part: type[_Part],
        give: Callable[[int], list[Pair]],
        mapper: Callable[[Any, int], tuple[Any, int]],
        *,
        interval: timedelta,
        store: Path | None,
    ) -> None:
        inputs, outputs, out = self.library.inputs, self.library.outputs, self.out
        made = derived(part, inputs.StatefulSourcePartition)

        class Source:
            def list_parts(self) -> list[str]:
                return ["numbers"]

            def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Any:
                return made(give, resume_state or 0)

        class Part:
            def write_batch(self, items: list[Any]) -> None:
                out.write_batch(items)

        class Sink:
            def build(self, step_id: str, worker_index: int, worker_count: int) -> Any:
                return derived(Part, outputs.StatelessSinkPartition)()

        op = self.library.op
        flow = self.library.dataflow.Dataflow("recovery")
        stream = op.input("inp", flow, derived(Source, inputs.FixedPartitionedSource)())
        sums = op.stateful_map("sums", stream, mapper)
        op.output("out", sums, derived(Sink, outputs.DynamicSink)())
        config = None if store is None else self.recovery.RecoveryConfig(str(store))
        self.library.testing.run_main(flow, epoch_interval=interval, recovery_config=config)


def _blocks(keys: int) -> list[list[Pair]]:
    """All keys once, in batches."""
    pairs = [(f"key{number}", 1) for number in range(keys)]
    return [pairs[at : at + BATCH] for at in range(0, keys, BATCH)]


def snapshots(keys: int, items: int, rate: int, store: Path | None) -> dict[str, Any]:
    """Give so many items a second, with epochs of a second."""
    blocks = _blocks(keys)
    _PacedPart.interval = timedelta(seconds=BATCH / rate)

    def give(at: int) -> list[Pair]:
        if at * BATCH >= items:
            raise StopIteration
        return blocks[at % len(blocks)]

    flow = _Flow("cppwax")
    began, cpu, peak = time.perf_counter(), cpu_seconds(), Peak()
    flow.run(_PacedPart, give, running_sum, interval=timedelta(seconds=1), store=store)
    took = {"cpu": cpu_seconds() - cpu, "wall": time.perf_counter() - began}
    return {**took, "memory": peak.megabytes(), "right": flow.out.count == items}


def fill(package: str, keys: int, store: Path) -> dict[str, Any]:
    """Make a store with a state for each key."""
    blocks = _blocks(keys)
    flow = _Flow(package)

    def give(at: int) -> list[Pair]:
        if at == len(blocks):
            raise StopIteration
        return blocks[at]

    flow.recovery.init_db_dir(store, 1)
    flow.run(_Part, give, running_sum, interval=timedelta(seconds=1), store=store)
    return {"right": flow.out.count == keys}


def resume(package: str, keys: int, store: Path) -> dict[str, Any]:
    """Go on from it, until the first item behind the states has come through; then abort."""
    flow = _Flow(package)
    first = len(_blocks(keys)) + 1

    def give(at: int) -> list[Pair]:
        if at <= first:
            return [("key0", 1)] if flow.out.count == 0 else []
        if flow.out.count:
            raise flow.library.inputs.AbortExecution
        return []

    sums: list[int] = []

    def mapper(state: int | None, value: int) -> tuple[int, int]:
        done = running_sum(state, value)
        sums.append(done[1])
        return done

    began, cpu, peak = time.perf_counter(), cpu_seconds(), Peak()
    flow.run(_Part, give, mapper, interval=timedelta(seconds=100), store=store)
    return {
        "cpu": cpu_seconds() - cpu,
        "wall": flow.out.last_seen - began,
        "memory": peak.megabytes(),
        # It was 1 in the store.
        "right": sums[:1] == [2],
    }


def sizes(keys: int, epochs: int, discard: bool, store: Path) -> dict[str, Any]:
    """Make each batch an epoch: of the same keys, or of new ones that are discarded in the next."""
    same = [(f"key{number}", 1) for number in range(keys)]
    found: list[int] = []

    def give(at: int) -> list[Pair]:
        if at % max(1, epochs // 10) == 0 and at:
            found.append(size_of(store))
        if at == epochs:
            raise StopIteration
        return [(f"{at // 2}-{key}", value) for key, value in same] if discard else same

    def once(state: int | None, value: int) -> tuple[int | None, int]:
        return (value, 1) if state is None else (None, 2)

    flow = _Flow("cppwax")
    mapper = once if discard else running_sum
    flow.recovery.init_db_dir(store, 1)
    flow.run(_Part, give, mapper, interval=timedelta(0), store=store)
    return {"sizes": found, "end": size_of(store), "right": flow.out.count == keys * epochs}


def main() -> int:
    """Be one run."""
    question, *arguments = sys.argv[1:]
    package, keys, number, other, folder = arguments
    store = Path(folder) if folder else None
    if question == "snapshots":
        found = snapshots(int(keys), int(number), int(other), store)
    else:
        assert store
        if question == "sizes":
            found = sizes(int(keys), int(number), other == "discard", store)
        else:
            found = {"fill": fill, "resume": resume}[question](package, int(keys), store)
    print(json.dumps(found))
    return 0 if found["right"] else 1


if __name__ == "__main__":
    sys.exit(main())
