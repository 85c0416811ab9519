"""The smallest dataflow that does something.

Run it with `python -m cppwax.run examples.simple`.
"""

import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource

flow = Dataflow("simple")
numbers = op.input("inp", flow, TestingSource(range(10)))
even = op.filter("even", numbers, lambda number: number % 2 == 0)
squares = op.map("square", even, lambda number: number * number)
op.output("out", squares, StdOutSink())
