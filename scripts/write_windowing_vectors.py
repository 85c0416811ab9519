"""Writes what the Python form of the windows does with random values, for the C++ tests to repeat.

    python -m scripts.write_windowing_vectors

The file is text, a line a fact, words separated by spaces; times are microseconds from the Unix
epoch. `case WINDOWER LENGTH OFFSET ALIGN WAIT ORDERED` begins a key (for a session the length is
the gap). `batch NOW TIME…`, `notify NOW`, `restart NOW` and `eof` happen to it; values are numbered
0, 1, … in a case. Each but the last is followed by what it leads to: `L ID VALUE`, `E ID VALUE…`
and `M ID BEGIN END MERGED-ID…` as emitted, those of each letter in order; `forgotten`; else `next
DUE`, when it wants to be called (`never` if not).
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import cppwax.operators.windowing as w
from cppwax.operators.windowing import _clocks
from cppwax.operators.windowing._driver import WindowBuilder
from cppwax.operators.windowing._fold import FoldWindowBuilder
from cppwax.operators.windowing._times import from_micros, to_micros

TARGET = Path("tests/fixtures/windowing_vectors.txt")
CASES = 160
_ALIGN = to_micros(datetime(2024, 1, 1, tzinfo=w.UTC_MIN.tzinfo))


class _Case:
    """One key, in random numbers."""

    def __init__(self, seed: int) -> None:
        rng = self.rng = random.Random(seed)
        self.windower = rng.choice(("tumbling", "sliding", "session", "session"))
        # Mostly small numbers, so that times are often equal, or just at an end.
        self.scale = rng.choice((1, 1, 1, 1_000_000, 10**15))
        self.length = rng.randint(1, 20) * self.scale
        self.offset = max(1, self.length // rng.randint(1, 5))
        if self.windower == "tumbling":
            self.offset = self.length
        if self.windower == "session":
            self.length -= rng.choice((0, self.scale))
        self.align = _ALIGN + rng.randint(-50, 50)
        self.wait = rng.choice((0, rng.randint(0, 30), 100)) * self.scale
        self.ordered = rng.random() < 0.5
        self.now = _ALIGN
        self.front = self.align
        self.pace, self.spread = rng.choice((0, 1, 4, 15)), rng.choice((0, 5, 40))
        if self.windower == "session" and not self.ordered:
            # Sessions merge where values come much too late, but not as late as that.
            self.pace, self.spread, self.wait = 15, 60, 100 * self.scale

    def builder(self, now_getter: Any) -> WindowBuilder[Any, Any, Any]:
        length, offset = timedelta(microseconds=self.length), timedelta(microseconds=self.offset)
        align = from_micros(self.align)
        windower: w.Windower[Any] = w.SessionWindower(length)
        if self.windower == "tumbling":
            windower = w.TumblingWindower(length, align)
        elif self.windower == "sliding":
            windower = w.SlidingWindower(length, offset, align)
        clock: w.EventClock[Any] = w.EventClock(
            lambda v: from_micros(v[1]), timedelta(microseconds=self.wait), now_getter=now_getter
        )
        logics: Any = FoldWindowBuilder(list, lambda s, v: [*s, v[0]], lambda a, b: a + b)
        return WindowBuilder("vectors", clock, windower, logics, self.ordered)

    def next_time(self) -> int:
        self.front += self.rng.randint(0, self.pace) * self.scale
        if self.rng.random() < 0.03:
            self.front += self.rng.randint(-200, 200) * self.scale
        time = self.front - self.rng.randint(0, self.spread) * self.scale
        return to_micros(from_micros(time))

    def lines(self) -> Iterator[str]:
        yield (
            f"case {self.windower} {self.length} {self.offset} {self.align} {self.wait} "
            f"{int(self.ordered)}"
        )

        def now_getter() -> datetime:
            return from_micros(self.now)

        # It is the system's time for once: then due times are exact.
        with mock.patch.object(_clocks, "_get_system_utc", now_getter):
            yield from self._steps(self.builder(now_getter))

    def _steps(self, builder: WindowBuilder[Any, Any, Any]) -> Iterator[str]:
        logic = None
        count = 0
        for _ in range(self.rng.randint(1, 14)):
            kind = self.rng.choice(("batch", "batch", "batch", "notify", "restart"))
            passed = self.rng.choice((0, 0, 1, 7, 60, -5)) * self.scale
            self.now = to_micros(from_micros(self.now + passed))
            if kind == "batch":
                values = [(count + i, self.next_time()) for i in range(self.rng.randint(1, 8))]
                count += len(values)
                yield f"batch {self.now} {' '.join(str(time) for _, time in values)}"
                logic = logic or builder(None)
                logic = yield from _told(logic, logic.on_batch(values))
            elif logic is not None:
                yield f"{kind} {self.now}"
                if kind == "restart":
                    logic = builder(logic.snapshot())
                answer = ((), False) if kind == "restart" else logic.on_notify()
                logic = yield from _told(logic, answer)
        if logic is not None:
            yield "eof"
            yield from _events(logic.on_eof()[0])


def _events(events: Any) -> Iterator[str]:
    for window_id, kind, value in events:
        if kind == "M":
            value = (to_micros(value.open_time), to_micros(value.close_time), *value.merged_ids)
            value = (*value[:2], *sorted(value[2:]))
        words = (value[0],) if kind == "L" else value
        yield " ".join(map(str, (kind, window_id, *words)))


def _told(logic: Any, answer: tuple[Any, bool]) -> Any:
    events, forgotten = answer
    yield from _events(events)
    if forgotten:
        yield "forgotten"
        return None
    due = logic.notify_at()
    yield f"next {'never' if due is None else to_micros(due)}"
    return logic


def vectors() -> str:
    """Give the file's text."""
    return "".join(f"{line}\n" for seed in range(CASES) for line in _Case(seed).lines())


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(vectors(), encoding="utf-8")
    print(f"{TARGET}: {CASES} cases")


if __name__ == "__main__":
    main()
