"""Split a stream, treat its parts in their own ways, merge them; an operator of one's own."""

import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow, Stream, operator
from bytewax.operators.helpers import map_dict_value
from bytewax.testing import TestingSource

READINGS = [
    {"sensor": "a", "celsius": "21.5"},
    {"sensor": "b", "celsius": "broken"},
    {"sensor": "c", "celsius": "-3"},
    {"sensor": "d"},
    {"sensor": "e", "celsius": "30"},
]


@operator
def fahrenheit(step_id: str, up: Stream[dict]) -> Stream[dict]:
    """Convert the temperature of readings."""
    to_float = map_dict_value("celsius", float)
    numbers = op.map("number", up, to_float)
    return op.map("convert", numbers, map_dict_value("celsius", lambda c: c * 9 / 5 + 32))


def is_number(reading):
    return reading["celsius"].lstrip("-").replace(".", "", 1).isdigit()


flow = Dataflow("branches")
readings = op.input("readings", flow, TestingSource(READINGS))
has_value = op.branch("has_value", readings, lambda reading: "celsius" in reading)
parsed = op.branch("parsed", has_value.trues, is_number)
warm = fahrenheit("fahrenheit", parsed.trues)
good = op.map("good", warm, lambda r: f"{r['sensor']} {r['celsius']:.1f}")
bad = op.map("bad", parsed.falses, lambda r: f"{r['sensor']} cannot be read")
none = op.filter_map(
    "none", has_value.falses, lambda r: f"{r['sensor']} is silent" if r["sensor"] else None
)
merged = op.merge("merge", good, bad, none)
seen = op.inspect("look", op.redistribute("spread", merged), lambda step_id, item: None)
op.output("out", seen, StdOutSink())
