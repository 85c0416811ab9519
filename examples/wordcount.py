"""Count how often each word occurs in a text file.

Run it with `python -m cppwax.run "examples.wordcount:get_flow('LICENSE')"`. With `-w 2`, one
worker reads the file, and the words are counted on both.
"""

import re

import cppwax.operators as op
from cppwax.connectors.files import FileSource
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow

WORD = re.compile(r"[^\W\d_]+")


def words_of(line: str) -> list[str]:
    return WORD.findall(line.lower())


def get_flow(path: str) -> Dataflow:
    flow = Dataflow("wordcount")
    lines = op.input("lines", flow, FileSource(path))
    words = op.flat_map("words", lines, words_of)
    # Counts are known when the input has come to its end; until then nothing is printed.
    counts = op.count_final("count", words, lambda word: word)
    text = op.map("format", counts, lambda count: f"{count[1]:>8} {count[0]}")
    op.output("out", text, StdOutSink())
    return flow
