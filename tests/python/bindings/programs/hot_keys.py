"""Asks for hot keys all the time, while the encoding of keys collects garbage that sleeps."""

from __future__ import annotations

import faulthandler
import gc
import sys
import threading

import cppwax.operators as op
from cppwax import _engine
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSink, TestingSource

COUNT = 3000


class Sleeper:
    """Garbage whose end lets other threads run, as the closing of a file does."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        threading.Event().wait(0.0001)


def make(number: int) -> tuple[str, int]:
    Sleeper()
    # A key that UTF-8 does not have: to encode it raises, and that may collect garbage.
    return f"k\udc80{number % 50}", 1


def add(total: int | None, value: int) -> tuple[int, int]:
    total = (total or 0) + value
    return total, total


faulthandler.dump_traceback_later(60, exit=True)
sys.setswitchinterval(1e-4)
flow = Dataflow("hot")
numbers = op.input("inp", flow, TestingSource(range(COUNT), batch_size=5))
out: list[tuple[str, int]] = []
sums = op.stateful_map("add", op.map("make", numbers, make), add)
op.output("out", sums, TestingSink(out))
meters = _engine.Meters()
is_over = threading.Event()


def ask() -> None:
    while not is_over.wait(0.0002):
        meters.hot_keys()


asking = threading.Thread(target=ask)
asking.start()
gc.set_threshold(20, 5, 5)
_engine.run(flow, on_caller_thread=True, meters=meters)
is_over.set()
asking.join()
print(len(out))
