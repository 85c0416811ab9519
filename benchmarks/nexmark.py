"""What do the queries of Nexmark, 0 to 8, 11 and 12, cost an event, on one worker?

Events come in batches of 1,000, made before the clock starts, 10,000 for each second of event time.
The results of each run are compared to what brute force finds in the list of events.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import ceil
from operator import attrgetter, itemgetter
from typing import Any

from benchmarks import nexmark_answers, nexmark_loops, nexmark_queries
from benchmarks.harness import main
from benchmarks.nexmark_events import RATE, events
from benchmarks.workload import (
    BATCH,
    GRAIN,
    Library,
    Side,
    Workload,
    at_most,
    batches,
    part_of,
    sink_to,
)

#: Fields to add up of results that are too many to keep.
_SUMMED: dict[str, Callable[[Any], int]] = {"q0": itemgetter(0), "q1": attrgetter("price")}

_TITLES = {
    "q0": "all events pass through",
    "q1": "the price of each bid is converted",
    "q2": "bids for some auctions are selected",
    "q3": "who offers something of a category in some states: a join that never ends",
    "q4": "average price of the sales of a category: auctions close, a sum",
    "q5": "auctions with the most bids: sliding windows, then the highest of each",
    "q6": "average price of the last ten sales of a seller: auctions close, a fold",
    "q7": "the highest bid of all: tumbling windows of one key",
    "q8": "who offers something at once: a join of tumbling windows",
    "q11": "bids of a bidder, by session",
    "q12": "bids of a bidder, in windows of system time",
}


class Sum:
    """Counts results and adds up a field of them."""

    def __init__(self, field: Callable[[Any], int]) -> None:
        """Start at zero."""
        self.count = self.total = 0
        self._field = field

    def write_batch(self, items: list[Any]) -> None:
        """Take a batch."""
        self.count += len(items)
        self.total += sum(map(self._field, items))

    def sink(self, library: Library) -> Any:
        """Give it as a sink of a library."""
        return sink_to(library, self.write_batch)


class Query(Workload):
    """A query; `setting` is how many events there are in a second of event time."""

    unit = "ns an event"
    setting = RATE
    bars = (part_of("figure", 1.0), at_most("figure", 1.0))

    def __init__(self, name: str) -> None:
        """Take the name of one of the queries."""
        self.name = name
        self.title = f"Nexmark {name}: {_TITLES[name]}"

    def size(self, side: Side, seconds: float) -> int:
        """See base class."""
        # Events are some 200 bytes each, and take longer to make than most queries take.
        self.most = ceil(seconds * 300_000 / GRAIN) * GRAIN
        return super().size(side, seconds)

    def prepare(self, count: int, setting: int) -> None:
        """See base class."""
        self._events = list(events(count, setting or RATE))
        self._out: list[Any] = []
        self._sum = Sum(_SUMMED[self.name]) if self.name in _SUMMED else None

    def flow(self, library: Library) -> Any:
        """See base class."""
        op, testing = library.op, library.testing
        flow = library.dataflow.Dataflow(self.name)
        stream = op.input("events", flow, testing.TestingSource(self._events, BATCH))
        results = getattr(nexmark_queries, self.name)(library, stream)
        kept = self._sum.sink(library) if self._sum else testing.TestingSink(self._out)
        op.output("out", results, kept)
        return flow

    def loop(self) -> None:
        """See base class."""
        write = self._sum.write_batch if self._sum else self._out.extend
        getattr(nexmark_loops, self.name)(batches(self._events), write)

    def is_right(self) -> bool:
        """See base class."""
        expected = getattr(nexmark_answers, self.name)(self._events)
        if self._sum:
            return bool((self._sum.count, self._sum.total) == expected)
        return bool(nexmark_answers.FORMS[self.name](self._out) == expected)


ROWS = tuple(Query(name) for name in _TITLES)

if __name__ == "__main__":
    sys.exit(main(ROWS, "nexmark"))
