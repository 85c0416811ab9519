"""Reads a stream of Valkey from where it was; it does not end."""

import os

import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax_valkey import StreamSource

URL = f"valkey://127.0.0.1:{os.environ['VALKEY_PORT']}"

flow = Dataflow("valkey_read")
entries = op.input("entries", flow, StreamSource.from_url(URL, "counts", batch_size=3))
words = op.map("word", entries, lambda entry: entry[b"word"].decode())
op.output("out", words, StdOutSink())
