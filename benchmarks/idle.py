"""Runs a flow whose source has nothing for a while, and tells how much of a core that took."""

from __future__ import annotations

import argparse
import resource
import sys
import time
from datetime import datetime, timedelta, timezone

import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.inputs import DynamicSource, StatelessSourcePartition
from cppwax.testing import cluster_main, run_main


class _QuietPart(StatelessSourcePartition[str]):
    def __init__(self, seconds: float, polled: bool) -> None:
        self._until = datetime.now(timezone.utc) + timedelta(seconds=seconds)
        self._polled = polled

    def next_batch(self) -> list[str]:
        if datetime.now(timezone.utc) >= self._until:
            raise StopIteration
        return []

    def next_awake(self) -> datetime | None:
        # None: the engine polls now and then; a time: it sleeps until then.
        return None if self._polled else self._until


class Quiet(DynamicSource[str]):
    """Has no items, and ends after some seconds."""

    def __init__(self, seconds: float, polled: bool) -> None:
        """Take the length, and whether the source wants to be polled meanwhile."""
        self._seconds = seconds
        self._polled = polled

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _QuietPart:
        """See base class."""
        return _QuietPart(self._seconds, self._polled)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(seconds: float, workers: int, polled: bool) -> float:
    """Run an idle flow; return the share of a core that it used."""
    flow = Dataflow("idle")
    quiet = op.input("quiet", flow, Quiet(seconds, polled))
    op.output("out", op.map("map", quiet, str.upper), StdOutSink())
    cpu, wall = _cpu_seconds(), time.perf_counter()
    if workers == 1:
        run_main(flow, epoch_interval=timedelta(seconds=1))
    else:
        cluster_main(
            flow, [], 0, worker_count_per_proc=workers, epoch_interval=timedelta(seconds=1)
        )
    return (_cpu_seconds() - cpu) / (time.perf_counter() - wall)


def main() -> int:
    """Run all.

    Returns:
        The exit code: 0.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    args = parser.parse_args()
    for workers in (1, 3):
        for polled in (False, True):
            share = measure(args.seconds, workers, polled)
            how = "next_awake None (polled)" if polled else "next_awake in the future"
            print(f"-w{workers}, {how}: {share:.2%} of a core")
    return 0


if __name__ == "__main__":
    sys.exit(main())
