"""Bring sides together by key: complete, running and in windows."""

from datetime import datetime, timedelta, timezone

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.operators.windowing import EventClock, TumblingWindower
from bytewax.testing import TestingSource

DAY = datetime(2024, 2, 2, tzinfo=timezone.utc)

flow = Dataflow("joins")
names = op.input("names", flow, TestingSource([("1", "Ada"), ("2", "Grace"), ("3", "Edsger")]))
mails = op.input("mails", flow, TestingSource([("2", "g@navy"), ("1", "a@eng"), ("1", "a@new")]))

complete = op.join("complete", names, mails)
op.output("out_complete", op.map("c", complete, lambda kv: f"complete {kv}"), StdOutSink())

final = op.join("final", names, mails, insert_mode="product", emit_mode="final")
op.output("out_final", op.map("f", final, lambda kv: f"final {kv}"), StdOutSink())

orders = [("1", (0, "tea")), ("2", (20, "rum")), ("1", (70, "milk"))]
pays = [("1", (10, 3.5)), ("1", (75, 1.2)), ("2", (90, 9.9))]
clock = EventClock(
    lambda timed: DAY + timedelta(minutes=timed[0]),
    wait_for_system_duration=timedelta(hours=2),
)
hourly = TumblingWindower(length=timedelta(hours=1), align_to=DAY)
joined = win.join_window(
    "hourly",
    clock,
    hourly,
    op.input("orders", flow, TestingSource(orders)),
    op.input("pays", flow, TestingSource(pays)),
    emit_mode="final",
)
op.output("out_hourly", op.map("h", joined.down, lambda kv: f"hourly {kv}"), StdOutSink())
