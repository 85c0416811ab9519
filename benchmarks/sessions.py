"""Opens and closes many sessions of many keys; looks at the memory taken, and at the store."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import cppwax.operators as op
import cppwax.operators.windowing as w
from benchmarks.flat_memory import peak_megabytes
from benchmarks.window_loops import BEGIN, GAP, WAIT, Item, timestamp
from cppwax.dataflow import Dataflow
from cppwax.inputs import FixedPartitionedSource, StatefulSourcePartition
from cppwax.outputs import DynamicSink, StatelessSinkPartition
from cppwax.recovery import RecoveryConfig, init_db_dir
from cppwax.testing import run_main

_KEYS = 1000


@dataclass
class _VisitsPart(StatefulSourcePartition[Item, int]):
    rounds: int
    round: int = 0

    def next_batch(self) -> list[Item]:
        if self.round == self.rounds:
            raise StopIteration
        # Of a session two values, then a pause.
        session, second = divmod(self.round, 2)
        when = BEGIN + session * timedelta(minutes=5) + second * timedelta(seconds=10)
        self.round += 1
        return [(f"key{n}", (when, 1)) for n in range(_KEYS)]

    def snapshot(self) -> int:
        return self.round


@dataclass
class Visits(FixedPartitionedSource[Item, int]):
    """Values of all keys, so many rounds of them."""

    rounds: int

    def list_parts(self) -> list[str]:
        """See base class."""
        return ["all"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> _VisitsPart:
        """See base class."""
        return _VisitsPart(self.rounds, resume_state or 0)


@dataclass
class _CountingPart(StatelessSinkPartition[Any]):
    sink: Counting

    def write_batch(self, items: list[Any]) -> None:
        self.sink.take(items)


@dataclass
class Counting(DynamicSink[Any]):
    """Counts sessions and what was in them; looks at memory and store at each tenth."""

    sessions: int
    store: Path
    count: int = 0
    total: int = 0
    peaks: list[float] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _CountingPart:
        """See base class."""
        return _CountingPart(self)

    def take(self, items: list[Any]) -> None:
        """Take closed sessions."""
        self.count += len(items)
        self.total += sum(visits for _, (_, visits) in items)
        if self.count > len(self.peaks) * self.sessions / 10:
            self.peaks.append(peak_megabytes())
            files = self.store.iterdir()
            self.sizes.append(sum(file.stat().st_size for file in files) / 2**20)


def flow_of(rounds: int, sink: Counting) -> Dataflow:
    """Define the dataflow: sums of the values of each session."""
    flow = Dataflow("sessions")
    visits = op.input("visits", flow, Visits(rounds))
    clock: w.EventClock[Any] = w.EventClock(timestamp, WAIT)
    sums = w.fold_window(
        "sums",
        visits,
        clock,
        w.SessionWindower(GAP),
        int,
        lambda total, value: total + value[1],
        lambda total, other: total + other,
        ordered=False,
    )
    op.output("out", sums.down, sink)
    return flow


def _told(what: str, figures: list[float]) -> str:
    return f"{what} at each tenth: {' '.join(f'{figure:.0f}' for figure in figures)} MB"


def main() -> int:
    """Run it.

    Returns:
        The exit code: 1 if the result is wrong, or if memory or store grew after the second tenth.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1_000_000, help=f"a multiple of {_KEYS}")
    sessions = parser.parse_args().sessions
    rounds = sessions // _KEYS * 2
    with tempfile.TemporaryDirectory() as folder:
        init_db_dir(folder, 1)
        sink = Counting(sessions, Path(folder))
        began = time.perf_counter()
        config = RecoveryConfig(folder)
        run_main(
            flow_of(rounds, sink), epoch_interval=timedelta(seconds=0.2), recovery_config=config
        )
        took = time.perf_counter() - began
    right = (sink.count, sink.total) == (sessions, 2 * sessions)
    print(f"{sessions:,} sessions of {_KEYS:,} keys in {took:.1f} s, two values each")
    print(f"result {'right' if right else 'WRONG'}")
    print(_told("peak memory", sink.peaks))
    print(_told("store", sink.sizes))
    flat = sink.peaks[-1] - sink.peaks[1] < 10 and sink.sizes[-1] - sink.sizes[1] < 10
    print(f"memory and store {'flat' if flat else 'GREW'}")
    return 0 if right and flat else 1


if __name__ == "__main__":
    sys.exit(main())
