"""A flow that fails on both of its workers at once, with an exception that waits when it is shown.

`python -m cppwax.run failing_together.py:flow -w 2`. The exception comes from where the engine does
not call it a failure of user code: from laying out windows.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import cppwax.operators as op
import cppwax.operators.windowing as w
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSink, TestingSource

_both_fail = threading.Barrier(2, timeout=30)


class _Odd(Exception):
    def __str__(self) -> str:
        # Without the interpreter's lock, so that the other worker comes to where this one is.
        threading.Event().wait(0.3)
        return "shown at last"


class _When(datetime):
    """Cannot be counted from anything."""

    def __sub__(self, other: Any) -> Any:
        _both_fail.wait()
        raise _Odd


def flow() -> Dataflow:
    made = Dataflow("together")
    up = op.input("inp", made, TestingSource([("a", 1)]))
    align = _When(2024, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    clock: w.SystemClock = w.SystemClock()
    windows = w.collect_window("step", up, clock, w.TumblingWindower(timedelta(hours=1), align))
    op.output("out", windows.down, TestingSink([]))
    return made
