"""Count words of a file: flat_map, filter, key_on by counting, output as text."""

import re
from pathlib import Path

import bytewax.operators as op
from bytewax.connectors.files import FileSource
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow

TEXT = Path(__file__).parent / "data" / "rhyme.txt"

flow = Dataflow("wordcount")
lines = op.input("lines", flow, FileSource(TEXT))
lowered = op.map("lower", lines, str.lower)
words = op.flat_map("words", lowered, lambda line: re.findall(r"[a-z']+", line))
long_words = op.filter("long", words, lambda word: len(word) > 2)
counts = op.count_final("count", long_words, lambda word: word)
op.output("out", op.map("text", counts, lambda item: f"{item[0]} {item[1]}"), StdOutSink())
