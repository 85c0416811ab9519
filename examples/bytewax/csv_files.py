"""Read a CSV file, group its rows, and write a file for each group."""

import os
import tempfile
from pathlib import Path

import bytewax.operators as op
from bytewax.connectors.files import CSVSource, DirSink
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow

PEOPLE = Path(__file__).parent / "data" / "people.csv"
OUT = Path(os.environ.get("OUT_DIR") or tempfile.mkdtemp())

flow = Dataflow("people")
rows = op.input("rows", flow, CSVSource(PEOPLE))
by_city = op.key_on("city", rows, lambda row: row["city"])
names = op.map_value("name", by_city, lambda row: f"{row['name']}, {int(row['born']) // 100}00s")
op.output("screen", op.map("text", names, lambda kv: f"{kv[0]}: {kv[1]}"), StdOutSink())
op.output("files", names, DirSink(OUT, 2, assign_file=len))
