"""Sessions of users, by a gap in event time: fold, metadata, and the largest order of each."""

from datetime import datetime, timedelta, timezone

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.operators.windowing import EventClock, SessionWindower
from bytewax.testing import TestingSource

ALIGN = datetime(2023, 1, 1, tzinfo=timezone.utc)
CLICKS = [
    ("ann", 0, 10),
    ("bob", 1, 5),
    ("ann", 4, 20),
    ("ann", 30, 7),
    ("bob", 3, 50),
    ("ann", 26, 1),
    ("bob", 60, 9),
    ("ann", 36, 3),
]

flow = Dataflow("sessions")
inp = op.input("clicks", flow, TestingSource(CLICKS))
keyed = op.key_on("user", inp, lambda click: click[0])
clock = EventClock(
    ts_getter=lambda click: ALIGN + timedelta(seconds=click[1]),
    wait_for_system_duration=timedelta(seconds=5),
)
windower = SessionWindower(gap=timedelta(seconds=10))


def add(seconds, click):
    return [*seconds, click[1]]


folded = win.fold_window(
    "seconds", keyed, clock, windower, builder=list, folder=add, merger=lambda a, b: a + b
)
largest = win.max_window("largest", keyed, clock, windower, by=lambda click: click[2])

op.output("folded", op.map("fold_text", folded.down, lambda kv: f"clicks {kv}"), StdOutSink())
op.output("best", op.map("best_text", largest.down, lambda kv: f"largest {kv}"), StdOutSink())


def span(item):
    user, (window_id, meta) = item
    length = (meta.close_time - meta.open_time).total_seconds()
    return f"session {user} {window_id} {length:.0f} s, merged {sorted(meta.merged_ids)}"


op.output("spans", op.map("span", folded.meta, span), StdOutSink())
