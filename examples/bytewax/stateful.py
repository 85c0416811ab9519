"""State for each key: running totals, changes, and a logic of one's own that ends."""

from dataclasses import dataclass

import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulLogic
from bytewax.testing import TestingSource

PAYMENTS = [("ann", 5), ("bob", 7), ("ann", -2), ("ann", 10), ("bob", 1), ("ann", 0)]

flow = Dataflow("stateful")
payments = op.input("payments", flow, TestingSource(PAYMENTS))


def add(total, amount):
    total = (total or 0) + amount
    return total, total


totals = op.stateful_map("totals", payments, add)
op.output("out_totals", op.map("t", totals, lambda kv: f"total {kv[0]} {kv[1]}"), StdOutSink())


def changes(last, amount):
    return amount, [] if last is None else [amount - last]


steps = op.stateful_flat_map("changes", payments, changes)
op.output("out_changes", op.map("c", steps, lambda kv: f"change {kv[0]} {kv[1]}"), StdOutSink())


@dataclass
class Triples(StatefulLogic[int, str, list[int]]):
    """Emit the sum of each three amounts, and the rest at the end of the input."""

    amounts: list[int]

    def on_item(self, value):
        self.amounts.append(value)
        if len(self.amounts) < 3:
            return [], StatefulLogic.RETAIN
        return [f"three {sum(self.amounts)}"], StatefulLogic.DISCARD

    def on_eof(self):
        return [f"rest {sum(self.amounts)}"], StatefulLogic.DISCARD

    def snapshot(self):
        return list(self.amounts)


triples = op.stateful("triples", payments, lambda state: Triples(state or []))
op.output("out_triples", op.map("x", triples, lambda kv: f"{kv[0]} {kv[1]}"), StdOutSink())
