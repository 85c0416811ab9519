"""Modules that `-p` is given: what only the command that starts the processes has to deal with."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource
from tests.python.cluster.flows import _EndlessTicks


def lines() -> Dataflow:
    """Print long lines in pieces, from all processes at once."""
    flow = Dataflow("flow")

    def say(_step: str, item: Any, _epoch: int, worker: int) -> None:
        for _ in range(20):
            os.write(1, str(worker).encode() * 300)
        os.write(1, b"\n")

    up = op.redistribute("spread", op.input("inp", flow, TestingSource(range(200))))
    op.inspect_debug("say", up, say)
    return flow


def leaves_one_out() -> Dataflow:
    """End process 1 before the others have met it."""
    if _place() == 1:
        os._exit(7)
    return endless()


def stuck() -> Dataflow:
    """Wait in user code, where a first signal does not end it soon."""
    flow = Dataflow("flow")

    def wait(item: Any) -> Any:
        print("stuck", flush=True)
        threading.Event().wait()
        return item

    op.output("out", op.map("wait", op.input("inp", flow, TestingSource([1])), wait), StdOutSink())
    return flow


def endless() -> Dataflow:
    """Print the ids of the processes once; go on forever."""
    flow = Dataflow("flow")
    told = set()

    def tell(_step: str, _item: Any, _epoch: int, worker: int) -> None:
        if worker not in told:
            told.add(worker)
            print(f"pid {os.getpid()} of {worker}", flush=True)

    up = op.inspect_debug("tell", op.input("inp", flow, _EndlessTicks()), tell)
    op.output("out", op.filter("none", up, lambda _: False), StdOutSink())
    return flow


def prints() -> Dataflow:
    """Print without end."""
    flow = Dataflow("flow")
    op.output("out", op.map("text", op.input("inp", flow, _EndlessTicks()), repr), StdOutSink())
    return flow


def _place() -> int:
    return int(sys.argv[sys.argv.index("-i") + 1])
