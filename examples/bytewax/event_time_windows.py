"""Average speed of cars in windows of event time, with late values, and sliding counts."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.operators.windowing import EventClock, SlidingWindower, TumblingWindower
from bytewax.testing import TestingSource

START = datetime(2024, 5, 1, 8, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Passage:
    """A car that passed a gate."""

    gate: str
    at: datetime
    speed: float


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


PASSAGES = [
    Passage("north", at(0), 48.0),
    Passage("north", at(1), 52.0),
    Passage("south", at(2), 61.0),
    Passage("north", at(6), 40.0),
    Passage("south", at(3.5), 59.0),
    Passage("south", at(12), 50.0),
    Passage("north", at(11), 44.0),
    Passage("south", at(2.5), 70.0),
    Passage("north", at(10.5), 46.0),
]

flow = Dataflow("gates")
inp = op.input("passages", flow, TestingSource(PASSAGES, batch_size=3))
by_gate = op.key_on("gate", inp, lambda passage: passage.gate)
clock = EventClock(lambda passage: passage.at, wait_for_system_duration=timedelta(minutes=2))
five = TumblingWindower(align_to=START, length=timedelta(minutes=5))
windows = win.collect_window("collect", by_gate, clock, five)


def mean(item):
    gate, (window_id, passages) = item
    return f"{gate} {window_id}: {sum(p.speed for p in passages) / len(passages):.1f}"


op.output("means", op.map("mean", windows.down, mean), StdOutSink())
late = op.map("late_text", windows.late, lambda kv: f"{kv[0]} {kv[1][0]}: late {kv[1][1].speed}")
op.output("late", late, StdOutSink())

sliding = SlidingWindower(length=timedelta(minutes=10), offset=timedelta(minutes=5), align_to=START)
counts = win.count_window("count", inp, clock, sliding, lambda passage: passage.gate)
op.output("counts", op.map("count_text", counts.down, lambda c: f"sliding {c}"), StdOutSink())
