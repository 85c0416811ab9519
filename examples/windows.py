"""Windows of event time: which buses came to a stop in each ten minutes.

Reports come out of order, and one too late. Run it with `python -m cppwax.run examples.windows`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import cppwax.operators as op
import cppwax.operators.windowing as w
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource

NOON = datetime(2024, 5, 1, 12, tzinfo=timezone.utc)


@dataclass
class Report:
    stop: str
    minute: int
    bus: str

    @property
    def time(self) -> datetime:
        return NOON + timedelta(minutes=self.minute)


REPORTS = [
    Report("harbour", 1, "12"),
    Report("harbour", 7, "3"),
    Report("harbour", 4, "12"),
    Report("castle", 8, "3"),
    Report("harbour", 15, "5"),
    Report("harbour", 2, "7"),
    Report("castle", 33, "5"),
]

flow = Dataflow("windows")
reports = op.input("reports", flow, TestingSource(REPORTS))

# A report may be five minutes late; after that its window has closed without it.
clock = w.EventClock(lambda report: report.time, wait_for_system_duration=timedelta(minutes=5))
ten_minutes = w.TumblingWindower(length=timedelta(minutes=10), align_to=NOON)

at_stop = op.key_on("stop", reports, lambda report: report.stop)
buses = w.collect_window("collect", at_stop, clock, ten_minutes)
# Both streams have the stop as their key and the window's number in front of the value.
times = op.map_value("begin", buses.meta, lambda of: (of[0], f"{of[1].open_time:%H:%M}"))
seen = op.map_value("buses", buses.down, lambda of: (of[0], " ".join(r.bus for r in of[1])))
late = op.map_value("too_late", buses.late, lambda of: (of[0], f"bus {of[1].bus} too late"))

all_of_it = op.merge("all", times, seen, late)
text = op.map("format", all_of_it, lambda item: f"{item[0]}, window {item[1][0]}: {item[1][1]}")
op.output("out", text, StdOutSink())
