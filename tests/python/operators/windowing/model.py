"""What a window step must do, said as simply as possible: for comparison with what it does.

Times are numbers. Nothing is kept up to date: watermarks are looked for among all values ever
seen, windows among all numbers near, and sessions among all times in them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

NEVER = float("-inf")
EVER = float("inf")


@dataclass(frozen=True)
class Grid:
    """Tumbling windows have an offset like their length."""

    length: int
    offset: int

    def ids_at(self, time: float) -> list[int]:
        near = int(time // self.offset)
        reach = self.length // self.offset + 2
        return [
            k
            for k in range(near - reach, near + reach)
            if k * self.offset <= time < k * self.offset + self.length
        ]

    def bounds(self, window_id: int) -> tuple[float, float]:
        return window_id * self.offset, window_id * self.offset + self.length


@dataclass(frozen=True)
class Gap:
    """Sessions."""

    gap: int


@dataclass
class Window:
    """An open window."""

    window_id: int
    times: list[float] = field(default_factory=list)
    merged: set[int] = field(default_factory=set)


@dataclass
class Model:
    """One key whose windows collect their values."""

    wait: float
    windows: Grid | Gap
    ordered: bool
    idle_after: float = 0
    seen: list[tuple[float, float]] = field(default_factory=list)
    """Of each value, its time and when it came."""
    waiting: list[tuple[float, Any]] = field(default_factory=list)
    opened: list[Window] = field(default_factory=list)
    contents: dict[int, list[Any]] = field(default_factory=dict)
    sessions: int = 0
    now: float = NEVER

    def batch(self, now: float, values: Iterable[tuple[float, Any]]) -> list[tuple[Any, ...]]:
        self.now = max(self.now, now)
        events: list[tuple[Any, ...]] = []
        arrived = []
        for time, value in values:
            self.seen.append((time, self.now))
            if time < self.watermark():
                events += [(window_id, "L", value) for window_id in self.late_ids(time)]
            else:
                arrived.append((time, value))
        self.waiting += arrived
        return events + self.settle(self.watermark())

    def notify(self, now: float) -> list[tuple[Any, ...]]:
        self.now = max(self.now, now)
        return self.settle(self.watermark())

    def eof(self) -> list[tuple[Any, ...]]:
        return self.settle(EVER)

    def watermark(self) -> float:
        mark, last = NEVER, NEVER
        for time, came in self.seen:
            mark = max(mark + self.passed(last, came), time - self.wait)
            last = came
        return mark + self.passed(last, self.now)

    def moving(self) -> list[tuple[float, float]]:
        """Give those of the seen that brought the watermark forward."""
        alone, moving = replace(self, seen=[], now=NEVER), []
        for time, came in self.seen:
            alone.now = came
            if time - self.wait > alone.watermark():
                moving.append((time, came))
                alone.seen.append((time, came))
        return moving

    def passed(self, since: float, until: float) -> float:
        return max(0, until - since - self.idle_after) if since > NEVER else 0

    def late_ids(self, time: float) -> list[int]:
        return [-1] if isinstance(self.windows, Gap) else self.windows.ids_at(time)

    def settle(self, watermark: float) -> list[tuple[Any, ...]]:
        due = self.waiting
        if self.ordered:
            due = sorted((e for e in due if e[0] <= watermark), key=lambda e: e[0])
        self.waiting = [e for e in self.waiting if e not in due]
        merges = []
        for time, value in due:
            merges += self.insert(time, value)
        for original, into in merges:
            self.contents[into] += self.contents.pop(original)
        return self.close(watermark)

    def insert(self, time: float, value: Any) -> list[tuple[int, int]]:
        if isinstance(self.windows, Grid):
            for window_id in self.windows.ids_at(time):
                self.window(window_id).times.append(time)
                self.contents[window_id].append(value)
            return []
        gap = self.windows.gap
        near = [s for s in self.opened if any(abs(time - t) <= gap for t in s.times)]
        if not near:
            near = [self.window(self.sessions)]
            self.sessions += 1
        first, *others = sorted(near, key=lambda s: min(s.times, default=time))
        self.contents[min(s.window_id for s in near)].append(value)
        first.times.append(time)
        for other in others:
            first.times += other.times
            first.merged |= {other.window_id} | other.merged
            self.opened.remove(other)
        return [(other.window_id, first.window_id) for other in others]

    def window(self, window_id: int) -> Window:
        for window in self.opened:
            if window.window_id == window_id:
                return window
        self.opened.append(Window(window_id))
        self.contents[window_id] = []
        return self.opened[-1]

    def close(self, watermark: float) -> list[tuple[Any, ...]]:
        events: list[tuple[Any, ...]] = []
        for window in list(self.opened):
            begin, end = min(window.times), max(window.times)
            if isinstance(self.windows, Grid):
                begin, end = self.windows.bounds(window.window_id)
                over = end <= watermark
            else:
                over = end + self.windows.gap < watermark
            if over:
                self.opened.remove(window)
                events.append((window.window_id, "E", self.contents.pop(window.window_id)))
                events.append((window.window_id, "M", (begin, end, window.merged)))
        if self.is_forgotten():
            self.seen = []
        return events

    def is_forgotten(self) -> bool:
        return isinstance(self.windows, Grid) and not self.opened and not self.waiting


@dataclass
class WorkerModel:
    """All keys of a step on one worker, whose watermark is that of all values that came there.

    Within a batch a key knows its own values, and what the worker knew before.
    """

    wait: float
    windows: Grid | Gap
    ordered: bool
    idle_after: float = 0
    seen: list[tuple[float, float]] = field(default_factory=list)
    keys: dict[str, Model] = field(default_factory=dict)
    known: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """What each key knew when it was called last."""
    events: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def batch(self, now: float, items: Iterable[tuple[str, tuple[float, Any]]]) -> None:
        before, came = self.seen, list(items)
        for key in dict.fromkeys(key for key, _ in came):
            model = self.keys.setdefault(
                key, Model(self.wait, self.windows, self.ordered, self.idle_after)
            )
            model.seen = list(before)
            self.tell(key, model.batch(now, [value for of, value in came if of == key]))
            self.known[key] = model.seen
        self.seen = [*before, *((time, now) for _, (time, _) in came)]
        self.forget()
        for key, model in self.keys.items():
            model.seen = list(self.seen)
            before_call = list(model.waiting), list(model.opened)
            self.tell(key, model.notify(now))
            if before_call != (model.waiting, model.opened):
                self.known[key] = model.seen
        self.forget()

    def eof(self) -> None:
        for key, model in self.keys.items():
            self.tell(key, model.eof())

    def tell(self, key: str, events: list[tuple[Any, ...]]) -> None:
        self.events.setdefault(key, []).extend(events)

    def forget(self) -> None:
        self.keys = {key: model for key, model in self.keys.items() if not model.is_forgotten()}
        if not self.keys:
            self.seen = []

    def take(self, others: list[WorkerModel], keys: Iterable[str]) -> None:
        """Go on with the keys of others, as their states tell; where time passes at once only.

        A state tells what brought the watermark forward, and when, but not how late it has become
        since. What is due by what the keys did not know of each other is done at once.
        """
        for other in others:
            for key in keys:
                if key in other.keys:
                    known = replace(other.keys[key], seen=other.known[key]).moving()
                    self.keys[key] = replace(other.keys[key], now=NEVER)
                    self.known[key] = known
                    self.seen += known
        self.seen.sort(key=lambda seen: seen[1])
        self.batch(max((came for _, came in self.seen), default=NEVER), [])
