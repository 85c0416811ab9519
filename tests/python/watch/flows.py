"""Dataflows to be run with `--progress`."""

from __future__ import annotations

import threading

import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource

_pause = threading.Event()


def _slowly(item: int) -> int:
    _pause.wait(0.02)
    return item


def prints(count: int = 3) -> Dataflow:
    """Print some numbers."""
    flow = Dataflow("flow")
    numbers = op.input("inp", flow, TestingSource(range(count)))
    op.output("out", op.map("twice", numbers, lambda n: n * 2), StdOutSink())
    return flow


def prints_slowly() -> Dataflow:
    """Print some numbers, for long enough to be watched."""
    flow = Dataflow("flow")
    numbers = op.input("inp", flow, TestingSource(range(125)))
    op.output("out", op.map("slowly", numbers, _slowly), StdOutSink())
    return flow


def fails() -> Dataflow:
    """Fail at the second number."""
    flow = Dataflow("flow")
    numbers = op.input("inp", flow, TestingSource([1, 0]))
    op.output("out", op.map("halve", numbers, lambda n: 1 // n), StdOutSink())
    return flow
