"""Operators of other distributions: ordering, ranges, intervals, timeouts, timers."""

from datetime import datetime, timedelta, timezone

import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.interval import join_interval
from bytewax.operators.windowing import EventClock
from bytewax.ordering import order
from bytewax.select_timerange import TimeRangeQuery, select_time_range, time_range_ts_getter
from bytewax.stateful_timeout import stateful_map_timeout
from bytewax.testing import TestingSource
from bytewax.timers import MultiNotifier

NOON = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)


def at(minute):
    return NOON + timedelta(minutes=minute)


flow = Dataflow("event_time")
clock = EventClock(lambda v: at(v[0]), wait_for_system_duration=timedelta(minutes=10))
values = [("a", (5, "x")), ("a", (1, "y")), ("b", (3, "z")), ("a", (9, "w")), ("a", (30, "v"))]
inp = op.input("values", flow, TestingSource(values))


def show(name, stream):
    text = op.map(f"{name}_text", stream, lambda item: f"{name} {item}")
    op.output(f"{name}_out", text, StdOutSink())


show("ordered", order("order", inp, clock).down)

others = op.input("others", flow, TestingSource([("a", (6, "near")), ("a", (40, "far"))]))
five = timedelta(minutes=5)
joined = join_interval("interval", inp, clock, five, five, others)
show("joined", joined.down)
show("unpaired", joined.unpaired)

queries = [("a", TimeRangeQuery("early", at(0), at(6))), ("b", TimeRangeQuery("b", at(0), at(9)))]
asked = op.input("queries", flow, TestingSource(queries))
query_clock = EventClock(time_range_ts_getter, wait_for_system_duration=timedelta(minutes=10))
hour = timedelta(hours=1)
found = select_time_range("select", inp, clock, asked, query_clock, hour)
show("found", op.map("ids", found.results, lambda kv: (kv[0], kv[1].query.sel_id, kv[1].values)))


def count(state, value):
    return (state or 0) + 1, (state or 0) + 1


show("counted", stateful_map_timeout("count", inp, count, hour))

notifier = MultiNotifier()
notifier.notify_at(at(2), "later")
notifier.notify_at(at(1), "soon")
assert list(notifier.due(at(1))) == ["soon"] and notifier.next_at() == at(2)
