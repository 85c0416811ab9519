"""Reads a stream of Redis from where it was; it does not end."""

import os

import bytewax.operators as op
from bytewax.bytewax_redis import RedisStreamSource
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow

PORT = int(os.environ["REDIS_PORT"])

flow = Dataflow("redis_read")
entries = op.input("entries", flow, RedisStreamSource(["counts"], "127.0.0.1", PORT, 0))
op.output("out", op.map("text", entries, lambda entry: entry[1][b"word"].decode()), StdOutSink())
