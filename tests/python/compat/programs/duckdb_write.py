"""Writes a table of DuckDB."""

import os

import bytewax.duckdb.operators as duck_op
import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSource

flow = Dataflow("duckdb_write")
numbers = op.input("numbers", flow, TestingSource(range(20)))
rows = op.map("row", numbers, lambda n: (str(n % 3), {"id": n, "square": n * n}))
create = "CREATE TABLE IF NOT EXISTS squares (id INTEGER, square INTEGER)"
duck_op.output("out", rows, os.environ["DUCKDB_FILE"], "squares", create, batch_size=4)
