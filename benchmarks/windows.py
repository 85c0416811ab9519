"""What do the window steps cost an item, on one worker, in batches of 1,000?

Each key has a value a second. Windows last a minute, sliding ones begin every 10 s, sessions end by
pauses. The name of a row says how many keys there are, and `late` that 5 % of the values come five
minutes late.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from operator import itemgetter
from typing import Any

from benchmarks import window_loops
from benchmarks.harness import main
from benchmarks.window_loops import (
    BEGIN,
    GAP,
    LENGTH,
    OFFSET,
    WAIT,
    Item,
    Told,
    Value,
    timestamp,
)
from benchmarks.workload import BATCH, Bar, Library, Workload, at_most, batches, part_of

_LATE = timedelta(minutes=5)
_PAUSE = timedelta(minutes=2)
#: Values of a key between two pauses.
_RUN = 60


def add(total: int, value: Value) -> int:
    """Add up."""
    return total + value[1]


def merge(total: int, other: int) -> int:
    """Add up two sums."""
    return total + other


def append(values: list[Any], value: Any) -> list[Any]:
    """Put a value at the end."""
    values.append(value)
    return values


def item_timestamp(item: Item) -> Any:
    """Give when an item happened, key and all."""
    return item[1][0]


def last_of(row: list[Any] | None, labelled: tuple[int, Value]) -> list[Any]:
    """Keep the last value of a side; for the loop."""
    kept = row or [None, None]
    kept[labelled[0]] = labelled[1]
    return kept


@dataclass(frozen=True)
class Kind:
    """A window step."""

    name: str
    #: Adds the step: from the library's module of window operators, the stream, the clock and
    #: the windower.
    step: Callable[[Any, Any, Any, Any], Any]
    #: Adds up what is in a window.
    size: Callable[[Any], int]
    loop: Callable[..., None]
    bars: tuple[Bar, ...]
    folder: Callable[[Any, Any], Any] = add
    builder: Callable[[], Any] = int
    windower: str = "tumbling"


def _fold(w: Any, up: Any, clock: Any, windower: Any, ordered: bool = False) -> Any:
    return w.fold_window("step", up, clock, windower, int, add, merge, ordered)


def _fold_ordered(w: Any, up: Any, clock: Any, windower: Any) -> Any:
    return _fold(w, up, clock, windower, ordered=True)


def _collect(w: Any, up: Any, clock: Any, windower: Any) -> Any:
    return w.collect_window("step", up, clock, windower, ordered=False)


def _count(w: Any, up: Any, clock: Any, windower: Any) -> Any:
    return w.count_window("step", up, clock, windower, itemgetter(0))


_TUMBLING = (part_of("must", 40), at_most("should", 0.6))
_SLIDING = (part_of("must", 27), at_most("should", 0.25))
_OTHERS = (part_of("must", 20),)

KINDS = (
    Kind("fold_tumbling", _fold, int, window_loops.tumbling, _TUMBLING),
    Kind("fold_ordered", _fold_ordered, int, window_loops.tumbling_ordered, _TUMBLING),
    Kind("fold_sliding", _fold, int, window_loops.sliding, _SLIDING, windower="sliding"),
    Kind("fold_session", _fold, int, window_loops.session, _OTHERS, windower="session"),
    Kind("count_window", _count, int, window_loops.tumbling, _OTHERS),
    Kind("collect_window", _collect, len, window_loops.tumbling, _OTHERS, append, list),
)


class Windows(Workload):
    """A window step over so many keys."""

    def __init__(self, kind: Kind, keys: int, late: bool = False) -> None:
        """Name the row by all that it is about."""
        self._kind, self._keys, self._late = kind, keys, late
        self.name = f"{kind.name}_{keys}{'_late' if late else ''}"
        self.title = f"{kind.name}; {keys:,} keys, {'5 % late' if late else 'in order'}"
        self.bars = kind.bars

    def prepare(self, count: int, setting: int) -> None:
        """See base class."""
        self._told = Told()
        self._items = list(self._make_items(count))

    def _make_items(self, count: int) -> Iterator[Item]:
        keys = [f"key{n}" for n in range(self._keys)]
        for first in range(0, count, self._keys):
            second = first // self._keys
            when = BEGIN + timedelta(seconds=second) + second // _RUN * self._pause()
            value, late = (when, 1), (when - _LATE, 1)
            for n, key in enumerate(keys[: count - first]):
                is_late = self._late and second > 0 and (second * 7 + n) % 20 == 0
                yield key, late if is_late else value

    def _pause(self) -> timedelta:
        return _PAUSE if self._kind.windower == "session" else timedelta()

    def flow(self, library: Library) -> Any:
        """See base class."""
        op, testing, w = library.op, library.testing, library.windowing
        flow = library.dataflow.Dataflow(self.name)
        items = op.input("items", flow, testing.TestingSource(self._items, BATCH))
        is_count = self._kind.name == "count_window"
        clock = w.EventClock(item_timestamp if is_count else timestamp, WAIT)
        windows = self._kind.step(w, items, clock, self._windower(w))
        op.output("down", windows.down, testing.TestingSink(self._told.windows))
        op.output("late", windows.late, testing.TestingSink(self._told.late))
        return flow

    def _windower(self, w: Any) -> Any:
        if self._kind.windower == "session":
            return w.SessionWindower(GAP)
        if self._kind.windower == "sliding":
            return w.SlidingWindower(LENGTH, OFFSET, BEGIN)
        return w.TumblingWindower(LENGTH, BEGIN)

    def loop(self) -> None:
        """See base class."""
        items = chain.from_iterable(batches(self._items))
        self._kind.loop(items, self._told, self._kind.builder, self._kind.folder)

    def is_right(self) -> bool:
        """See base class."""
        count = len(self._items)
        seconds = [(n // self._keys, n % self._keys) for n in range(count)] if self._late else []
        late = sum(second > 0 and (second * 7 + n) % 20 == 0 for second, n in seconds)
        times = 6 if self._kind.windower == "sliding" else 1
        held = sum(self._kind.size(window) for _, (_, window) in self._told.windows)
        return held == (count - late) * times and len(self._told.late) == late * times


class JoinWindow(Workload):
    """A join of two sides, by window."""

    bars = _OTHERS

    def __init__(self, keys: int) -> None:
        """Name the row by all that it is about."""
        self._keys = keys
        self.name = f"join_window_{keys}"
        self.title = f"join_window of two sides, last values; {keys:,} keys; per item of either"

    def prepare(self, count: int, setting: int) -> None:
        """See base class."""
        self._told = Told()
        keys = [f"key{n}" for n in range(self._keys)]
        self._side = []
        for first in range(0, count // 2, self._keys):
            value = (BEGIN + timedelta(seconds=first // self._keys), 1)
            self._side += [(key, value) for key in keys[: count // 2 - first]]

    def flow(self, library: Library) -> Any:
        """See base class."""
        op, testing, w = library.op, library.testing, library.windowing
        flow = library.dataflow.Dataflow(self.name)
        sides = [
            op.input(name, flow, testing.TestingSource(self._side, BATCH))
            for name in ("left", "right")
        ]
        clock = w.EventClock(timestamp, WAIT)
        windower = w.TumblingWindower(LENGTH, BEGIN)
        rows = w.join_window("join", clock, windower, *sides, ordered=False)
        op.output("down", rows.down, testing.TestingSink(self._told.windows))
        op.output("late", rows.late, testing.TestingSink(self._told.late))
        return flow

    def loop(self) -> None:
        """See base class."""
        both = zip(batches(self._side), batches(self._side), strict=True)
        labelled = (
            (key, (side, value))
            for pair in both
            for side, batch in enumerate(pair)
            for key, value in batch
        )
        window_loops.tumbling(labelled, self._told, lambda: None, last_of, of_side)

    def is_right(self) -> bool:
        """See base class."""
        minutes = {(key, when.replace(second=0)) for key, (when, _) in self._side}
        return len(self._told.windows) == len(minutes) and not self._told.late


def of_side(labelled: tuple[int, Value]) -> Any:
    """Give when a side's value happened."""
    return timestamp(labelled[1])


_MANY = (1, 1_000, 100_000)
#: All that the file can measure; `__main__.py` has some of them.
ROWS = (
    *(Windows(kind, keys, late) for kind in KINDS for keys in _MANY for late in (False, True)),
    *(JoinWindow(keys) for keys in _MANY[1:]),
)
CHOSEN = tuple(row for row in ROWS if row.name.endswith("_1000"))

if __name__ == "__main__":
    sys.exit(main(ROWS))
