"""A dataflow that is made by a function, with arguments from the command line.

Run it with `python -m cppwax.run "examples.parametric:get_flow(10)"`.
"""

import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource


def get_flow(input_range: int) -> Dataflow:
    flow = Dataflow("parametric")
    inp = op.input("inp", flow, TestingSource(range(input_range)))
    plus_one = op.map("plus_one", inp, lambda item: item + 1)
    op.output("out", plus_one, StdOutSink())
    return flow
