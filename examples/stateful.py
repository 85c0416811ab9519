"""Keep a state for each key: the mean of all values so far, and how far each value is from it.

Run it with `python -m cppwax.run examples.stateful`.
"""

from dataclasses import dataclass

import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource

READINGS = [
    ("kitchen", 20.0),
    ("garage", 8.0),
    ("kitchen", 22.0),
    ("garage", 9.0),
    ("kitchen", 30.0),
]


@dataclass
class Mean:
    count: int = 0
    total: float = 0.0

    def add(self, value: float) -> float:
        self.count += 1
        self.total += value
        return self.total / self.count


def distance_from_mean(state: Mean | None, value: float) -> tuple[Mean, float]:
    # None is the state of a key that has not been seen before.
    state = state or Mean()
    return state, value - state.add(value)


flow = Dataflow("stateful")
readings = op.input("readings", flow, TestingSource(READINGS))
distances = op.stateful_map("distance", readings, distance_from_mean)
text = op.map("format", distances, lambda item: f"{item[0]}: {item[1]:+.1f}")
op.output("out", text, StdOutSink())
