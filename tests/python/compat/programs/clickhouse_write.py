"""Writes a table of ClickHouse."""

import os
from datetime import timedelta

import bytewax.clickhouse.operators as click_op
import bytewax.operators as op
import pyarrow as pa
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSource

flow = Dataflow("clickhouse_write")
numbers = op.input("numbers", flow, TestingSource(range(20)))
rows = op.map("row", numbers, lambda n: (str(n % 3), (n, f"number {n}")))
click_op.output(
    "out",
    rows,
    pa.schema([("id", pa.int64()), ("name", pa.string())]),
    "numbers",
    "id Int64, name String",
    "default",
    "",
    host="127.0.0.1",
    port=int(os.environ["CLICKHOUSE_PORT"]),
    order_by="id",
    timeout=timedelta(milliseconds=100),
    max_size=4,
)
