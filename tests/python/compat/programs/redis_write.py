"""Writes to Redis: keys and values, and a stream."""

import os

import bytewax.operators as op
from bytewax.bytewax_redis import RedisKVSink, RedisStreamSink
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSource

PORT = int(os.environ["REDIS_PORT"])

flow = Dataflow("redis_write")
words = op.input("words", flow, TestingSource(["to", "be", "or", "not", "to", "be"]))
counts = op.count_final("count", words, lambda word: word)
op.output("values", counts, RedisKVSink("127.0.0.1", PORT, 0))
entries = op.map("entry", counts, lambda item: {"word": item[0], "count": item[1]})
op.output("stream", entries, RedisStreamSink("counts", "127.0.0.1", PORT, 0))
