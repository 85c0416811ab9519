"""Writes points of InfluxDB, as lines of its protocol."""

import os

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.influxdb import InfluxDBSink
from bytewax.testing import TestingSource

HOST = f"http://127.0.0.1:{os.environ['INFLUXDB_PORT']}"
LINES = [f"speed,gate=north value={n} {1_700_000_000_000_000_000 + n}" for n in range(20)]

flow = Dataflow("influxdb_write")
lines = op.input("lines", flow, TestingSource(LINES, batch_size=6))
op.output(
    "out", op.redistribute("spread", lines), InfluxDBSink(HOST, "traffic", "no token", "no org")
)
