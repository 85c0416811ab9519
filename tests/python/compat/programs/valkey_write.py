"""Writes to Valkey: a stream, and a channel for those who listen."""

import os

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSource
from bytewax_valkey import PubSubSink, StreamSink

URL = f"valkey://127.0.0.1:{os.environ['VALKEY_PORT']}"

flow = Dataflow("valkey_write")
words = op.input("words", flow, TestingSource(["to", "be", "or", "not", "to", "be"]))
counts = op.count_final("count", words, lambda word: word)
entries = op.map("entry", counts, lambda item: {"word": item[0], "count": item[1]})
op.output("stream", entries, StreamSink.from_url(URL, "counts"))
texts = op.map("text", counts, lambda item: f"{item[0]} {item[1]}".encode())
op.output("channel", texts, PubSubSink.from_url(URL, "counted"))
