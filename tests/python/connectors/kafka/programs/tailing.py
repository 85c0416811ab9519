"""A flow that prints what comes into a topic after its first start.

Its environment: BROKER; FROM, the topic; DISCOVER_S, empty for partitions that are read one by one.
"""

import os
from datetime import timedelta

from confluent_kafka import OFFSET_END

import cppwax.operators as op
from cppwax._watch import progress
from cppwax.connectors.kafka import operators as kop
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow

progress._LINE_SECONDS = 0.05


def get_flow() -> Dataflow:
    """Build it."""
    seconds = os.environ["DISCOVER_S"]
    flow = Dataflow("tailing")
    read = kop.input(
        "inp",
        flow,
        brokers=[os.environ["BROKER"]],
        topics=[os.environ["FROM"]],
        starting_offset=OFFSET_END,
        discover_interval=timedelta(seconds=float(seconds)) if seconds else None,
    )
    op.raises("errors", read.errs)
    op.output("out", op.map("text", read.oks, lambda message: message.value.decode()), StdOutSink())
    return flow
