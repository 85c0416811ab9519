"""Makes random window steps and what to feed them, as data for any library of the same API."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

ZERO = datetime(2024, 1, 1, tzinfo=timezone.utc)

KINDS = ("window", "collect", "set", "dict", "fold", "reduce", "count", "max", "min", "join")


@dataclass(frozen=True)
class Case:
    """A window step: which operator, clock, windower."""

    kind: str
    wait: int
    windows: tuple[str, int, int]
    """Windower, length or gap, offset."""
    ordered: bool
    modes: tuple[str, str]
    """How a join inserts and emits."""
    system_clock: bool
    """Whether values happen when they come; all in one long window, since nobody sets that time."""

    @property
    def merges_sessions(self) -> bool:
        """Whether sessions are bridged by values that come later."""
        always_unordered = self.kind in ("reduce", "count", "max", "min")
        return self.windows[0] == "session" and (always_unordered or not self.ordered)


@dataclass(frozen=True)
class Step:
    """Something that happens to a key: `batch`, `notify`, `restart` or `eof`."""

    kind: str
    passed: int
    values: tuple[tuple[int, int], ...] = ()
    """Of each value its time, and a number to tell it by."""


@dataclass(frozen=True)
class Meta:
    """Any library's `WindowMetadata`."""

    open_time: datetime
    close_time: datetime
    merged_ids: set[int]


def make_case(rng: random.Random) -> Case:
    """Make a random window step."""
    windower = rng.choice(("tumbling", "sliding", "session"))
    length = rng.randint(1, 20)
    offset = rng.randint(max(1, length // 5), length)
    system_clock = rng.random() < 0.1
    if system_clock:
        windower, length, offset = "tumbling", 10**9, 10**9
    modes = (
        rng.choice(("first", "last", "product")),
        rng.choice(("complete", "final", "running")),
    )
    return Case(
        kind=rng.choice(KINDS),
        wait=rng.choice((0, rng.randint(0, 30), 100)),
        windows=(windower, length, offset),
        ordered=rng.random() < 0.5,
        modes=modes,
        system_clock=system_clock,
    )


class Times:
    """Random times that go forward on the whole, some of them early, equal, late or far away."""

    def __init__(self, rng: random.Random) -> None:
        """Begin at about zero."""
        self.rng = rng
        self.front = 0
        self.spread = rng.choice((0, 5, 40))
        self.pace = rng.choice((0, 1, 4, 15))

    def next(self) -> int:
        """Give the next time."""
        self.front += self.rng.randint(0, self.pace)
        if self.rng.random() < 0.03:
            self.front += self.rng.randint(-200, 200)
        return self.front - self.rng.randint(0, self.spread)


def make_schedule(rng: random.Random) -> list[Step]:
    """Make what happens to one key."""
    times = Times(rng)
    steps = []
    number = 0
    for _ in range(rng.randint(1, 15)):
        kind = rng.choice(("batch", "batch", "batch", "notify", "restart"))
        values = []
        if kind == "batch":
            for _ in range(rng.randint(1, 8)):
                values.append((times.next(), number))
                number += 1
        steps.append(Step(kind, rng.choice((0, 0, 1, 7, 60)), tuple(values)))
    return [*steps, Step("eof", 0)]


def _windower(w: Any, case: Case) -> Any:
    windower, length, offset = case.windows
    if windower == "session":
        return w.SessionWindower(timedelta(seconds=length))
    if windower == "tumbling":
        return w.TumblingWindower(timedelta(seconds=length), ZERO)
    return w.SlidingWindower(timedelta(seconds=length), timedelta(seconds=offset), ZERO)


def _list_logic(w: Any) -> Callable[[Any], Any]:
    class Told(w.WindowLogic):  # type: ignore[name-defined,misc]
        def __init__(self, state: list[Any] | None) -> None:
            self.seen = list(state or [])

        def on_value(self, value: Any) -> list[Any]:
            self.seen.append(value)
            return [("value", value)]

        def on_merge(self, original: Any) -> list[Any]:
            self.seen += original.seen
            return [("merged", *self.seen)]

        def on_close(self) -> list[Any]:
            return [("closed", *self.seen)]

        def snapshot(self) -> list[Any]:
            return list(self.seen)

    return Told


def add_step(w: Any, case: Case, ups: list[Any], now: Callable[[], datetime]) -> Any:
    """Add the step of a case to a flow.

    Args:
        w: The module of the library's window operators.
        case: The step.
        ups: The streams, of `(key, (time, number))`; several for a join. For `count` the items
            themselves are counted.
        now: The system time.

    Returns:
        The step's three streams.
    """

    def timestamp(value: Any) -> datetime:
        time = value[1][0] if case.kind == "count" else value[0]
        return ZERO + timedelta(seconds=time)

    clock = w.EventClock(timestamp, timedelta(seconds=case.wait), now_getter=now)
    if case.system_clock:
        clock = w.SystemClock()
    windower = _windower(w, case)
    first = ups[0]
    if case.kind == "join":
        insert, emit = case.modes
        options = {"insert_mode": insert, "emit_mode": emit, "ordered": case.ordered}
        return w.join_window("step", clock, windower, *ups, **options)
    if case.kind in ("collect", "set", "dict"):
        into = {"collect": list, "set": set, "dict": dict}[case.kind]
        return w.collect_window("step", first, clock, windower, into, case.ordered)
    if case.kind == "fold":
        folder = (list, lambda s, v: [*s, v], lambda a, b: [*a, "and", *b])
        return w.fold_window("step", first, clock, windower, *folder, ordered=case.ordered)
    if case.kind == "reduce":
        return w.reduce_window("step", first, clock, windower, lambda a, b: (a, b))
    if case.kind == "count":
        return w.count_window("step", first, clock, windower, lambda x: x[0])
    if case.kind == "window":
        return w.window("step", first, clock, windower, _list_logic(w), case.ordered)
    step = getattr(w, f"{case.kind}_window")
    return step("step", first, clock, windower, lambda v: v[0] // 3)


def told(value: Any) -> Any:
    """Give what was emitted in a form that any two libraries can be compared by."""
    if type(value).__name__ == "WindowMetadata":
        return Meta(value.open_time, value.close_time, value.merged_ids)
    if isinstance(value, set):
        return sorted(value)
    return value
