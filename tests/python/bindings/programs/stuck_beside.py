"""Flows that fail or abort on one worker while another one is in user code.

`python -m cppwax.run "stuck_beside.py:flow('busy', 'fails')" -w 2`, or, by a library entry point,
`stuck_beside.py busy fails`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.inputs import AbortExecution, DynamicSource, StatelessSourcePartition
from cppwax.testing import TestingSink, cluster_main, run_main


def say(text: str) -> None:
    # In one piece, as other threads may print too.
    print(text + "\n", end="", flush=True)


class _Quiet(StatelessSourcePartition[int]):
    def next_batch(self) -> list[int]:
        return []


class _QuietSource(DynamicSource[int]):
    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> _Quiet:
        return _Quiet()


def _spin() -> None:
    while True:
        pass


def _run_a_flow() -> None:
    quiet = Dataflow("quiet")
    op.output("out", op.input("inp", quiet, _QuietSource()), TestingSink([]))
    run_main(quiet)


def _take_short() -> None:
    """A call that comes to its end in time by itself."""


STUCK: dict[str, Callable[[], object]] = {
    # In C, without the interpreter's lock.
    "waiting": lambda: threading.Event().wait(3600),
    "busy": _spin,
    # In C, with the lock held.
    "busy_in_c": lambda: sum(range(10**14)),
    "running_a_flow": _run_a_flow,
    "short": _take_short,
}


def _fail() -> None:
    raise ValueError("the reason")


def _abort() -> None:
    raise AbortExecution


WAYS = {"fails": _fail, "aborts": _abort}


@dataclass
class _Meeting:
    """What one worker does while the other one is in user code, and after that has ended."""

    get_stuck: Callable[[], object]
    end: Callable[[], None]
    is_inside: threading.Event = field(default_factory=threading.Event)
    is_ended: threading.Event = field(default_factory=threading.Event)


@dataclass
class _Stuck(StatelessSourcePartition[int]):
    """Gets stuck when the other worker has ended: `close` is called after the failure."""

    meeting: _Meeting

    def next_batch(self) -> list[int]:
        self.meeting.is_inside.set()
        self.meeting.is_ended.wait()
        self.meeting.get_stuck()
        return []

    def close(self) -> None:
        say("the other worker closed")


@dataclass
class _Ending(StatelessSourcePartition[int]):
    meeting: _Meeting

    def next_batch(self) -> list[int]:
        self.meeting.is_inside.wait()
        self.meeting.end()
        return []

    def close(self) -> None:
        say("ready")
        self.meeting.is_ended.set()


@dataclass
class _Source(DynamicSource[int]):
    meeting: _Meeting

    def build(
        self, _step_id: str, worker_index: int, _worker_count: int
    ) -> StatelessSourcePartition[int]:
        return _Stuck(self.meeting) if worker_index == 0 else _Ending(self.meeting)


def flow(stuck: str, way: str) -> Dataflow:
    made = Dataflow("beside")
    source = _Source(_Meeting(STUCK[stuck], WAYS[way]))
    op.output("out", op.input("inp", made, source), TestingSink([]))
    return made


if __name__ == "__main__":
    try:
        cluster_main(flow(*sys.argv[1:]), [], 0, worker_count_per_proc=2)
    except Exception as ex:
        say(f"{type(ex).__name__} from {ex.__cause__!r}")
    else:
        say("returned")
