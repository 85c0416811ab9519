"""Bring together what two inputs know about the same key.

Run it with `python -m cppwax.run examples.join`.
"""

import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource

NAMES = [("u1", "Ada"), ("u2", "Grace"), ("u3", "Barbara")]
CITIES = [("u2", "New York"), ("u1", "London"), ("u4", "Tunis")]

flow = Dataflow("join")
names = op.input("names", flow, TestingSource(NAMES))
cities = op.input("cities", flow, TestingSource(CITIES))
# A key waits until both sides are known. u3 and u4 never are: `emit_mode="final"` would emit them
# at the end, with None for the side that is missing.
both = op.join("both", names, cities)
text = op.map("format", both, lambda row: f"{row[0]}: {row[1][0]} lives in {row[1][1]}")
op.output("out", text, StdOutSink())
