"""The flow of `examples/simple.py` as its author would write it for Bytewax; see `start.py`."""

import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSource

flow = Dataflow("simple")
numbers = op.input("inp", flow, TestingSource(range(10)))
even = op.filter("even", numbers, lambda number: number % 2 == 0)
squares = op.map("square", even, lambda number: number * number)
op.output("out", squares, StdOutSink())
