"""Windows of one's own: each holds so many values, by a clock that values set."""

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import bytewax.operators as op
import bytewax.operators.windowing as win
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.operators.windowing import (
    Clock,
    ClockLogic,
    Windower,
    WindowerLogic,
    WindowLogic,
    WindowMetadata,
)
from bytewax.testing import TestingSource

START = datetime(2024, 1, 1, tzinfo=timezone.utc)


@dataclass
class ValueClockLogic(ClockLogic[int, datetime]):
    latest: datetime

    def before_batch(self) -> None:
        pass

    def on_item(self, value: int) -> tuple[datetime, datetime]:
        at = START + timedelta(seconds=value)
        self.latest = max(self.latest, at)
        return at, self.latest

    def on_notify(self) -> datetime:
        return self.latest

    def on_eof(self) -> datetime:
        return self.latest

    def to_system_utc(self, timestamp: datetime) -> datetime | None:
        return None

    def snapshot(self) -> datetime:
        return self.latest


class ValueClock(Clock[int, datetime]):
    def build(self, resume_state: datetime | None) -> ValueClockLogic:
        return ValueClockLogic(resume_state or START)


@dataclass
class CountWindowerLogic(WindowerLogic[tuple[int, int]]):
    size: int
    seen: int = 0
    closed: int = 0

    def open_for(self, timestamp: datetime) -> list[int]:
        self.seen += 1
        return [(self.seen - 1) // self.size]

    def late_for(self, timestamp: datetime) -> list[int]:
        return [-1]

    def merged(self) -> list[tuple[int, int]]:
        return []

    def close_for(self, watermark: datetime) -> list[tuple[int, WindowMetadata]]:
        full = range(self.closed, self.seen // self.size)
        self.closed = full.stop
        return [(i, WindowMetadata(START, watermark)) for i in full]

    def notify_at(self) -> datetime | None:
        return None

    def is_empty(self) -> bool:
        return self.seen == self.closed * self.size

    def snapshot(self) -> tuple[int, int]:
        return self.seen, self.closed


@dataclass
class CountWindower(Windower[tuple[int, int]]):
    size: int

    def build(self, resume_state: tuple[int, int] | None) -> CountWindowerLogic:
        return CountWindowerLogic(self.size, *(resume_state or ()))


class Spread(WindowLogic[int, str, list[int]]):
    def __init__(self, values: list[int] | None) -> None:
        self._values = values or []

    def on_value(self, value: int) -> list[str]:
        self._values.append(value)
        return [f"so far {max(self._values) - min(self._values)}"]

    def on_merge(self, original: "Spread") -> list[str]:
        self._values += original._values
        return []

    def on_close(self) -> list[str]:
        return [f"of {self._values}: {max(self._values) - min(self._values)}"]

    def snapshot(self) -> list[int]:
        return list(self._values)


flow = Dataflow("own_windows")
values = op.input("values", flow, TestingSource([3, 8, 9, 2, 6, 12, 15, 40, 41, 38, 7]))
keyed = op.key_on("parity", values, lambda value: "odd" if value % 2 else "even")
spread = win.window("spread", keyed, ValueClock(), CountWindower(3), Spread)
op.output("out", op.map("line", spread.down, str), StdOutSink())
op.output("late", op.map("late_line", spread.late, lambda item: f"late {item}"), StdOutSink())
