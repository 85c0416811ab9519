"""Metrics from the demo source: final folds, and windows of the clock's own time."""

from datetime import datetime, timedelta, timezone
from itertools import cycle

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.connectors.demo import RandomMetricSource
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.operators.windowing import SystemClock, TumblingWindower


def source(name: str, *values: float) -> RandomMetricSource:
    numbers = cycle(values)
    return RandomMetricSource(
        name, interval=timedelta(milliseconds=1), count=6, next_random=lambda: next(numbers)
    )


flow = Dataflow("metrics")
cpu = op.input("cpu", flow, source("cpu", 10.0, 30.0, 20.0))
disk = op.input("disk", flow, source("disk", 1.0, 2.0))
metrics = op.merge("all", cpu, disk)

highest = op.max_final("highest", metrics)
lowest = op.min_final("lowest", metrics)
total = op.reduce_final("total", metrics, lambda a, b: a + b)
longest = op.fold_final("count", metrics, lambda: 0, lambda count, _value: count + 1)
for name, stream in [("max", highest), ("min", lowest), ("sum", total), ("count", longest)]:
    text = op.map(f"{name}_text", stream, lambda kv, name=name: f"{name} {kv[0]} {kv[1]}")
    op.output(f"{name}_out", text, StdOutSink())

century = TumblingWindower(
    length=timedelta(days=36_500), align_to=datetime(2000, 1, 1, tzinfo=timezone.utc)
)
summed = win.reduce_window("century", metrics, SystemClock(), century, lambda a, b: a + b)
op.output("out", op.map("text", summed.down, lambda kv: f"century {kv}"), StdOutSink())
