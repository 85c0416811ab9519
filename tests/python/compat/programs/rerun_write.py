"""Logs numbers, and how long a function takes, to a server of Rerun."""

import os

import bytewax.operators as op
import rerun as rr
from bytewax.bytewax_rerun import RerunMessage, RerunSink
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSource

ADDRESS = f"127.0.0.1:{os.environ['RERUN_PORT']}"

sink = RerunSink("rerun_write", "numbers", "connect", address=ADDRESS)


@sink.rerun_log()
def square(n: int) -> int:
    return n * n


flow = Dataflow("rerun_write")
numbers = op.input("numbers", flow, TestingSource(range(20), batch_size=3))
spread = op.redistribute("spread", numbers)
messages = op.map(
    "message", spread, lambda n: RerunMessage("squares", rr.Scalar(square(n)), "number", float(n))
)
op.output("out", messages, sink)
