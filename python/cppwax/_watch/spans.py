"""Spans of what is within a run: its epochs, its workers, and their steps.

Bounded in number: one of epochs a second at most, one a worker, and `_MOST_STEPS` of steps.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cppwax._watch.meters import Meters
from cppwax._watch.repeated import repeated

_LOOK_SECONDS = 1.0
_MOST_STEPS = 512


@contextmanager
def spans_within(tracer: Any, context: Any, meters: Meters) -> Iterator[None]:
    """Make spans of what a run does meanwhile, and of the whole of it at the end.

    Args:
        tracer: OpenTelemetry's.
        context: The run's span is in it.
        meters: What is counted of the run.

    Yields:
        While it runs.
    """
    spans = RunSpans(tracer, context, meters)
    try:
        with repeated(lambda: spans.look(time.time()), _LOOK_SECONDS, "cppwax spans"):
            yield
    finally:
        spans.end(time.time())


class RunSpans:
    """What is known of a run, as spans; used by one thread at a time."""

    def __init__(self, tracer: Any, context: Any, meters: Meters) -> None:
        """Begin; see `spans_within`."""
        self._tracer = tracer
        self._context = context
        self._meters = meters
        self._began = time.time()
        # Of the epochs that are not through: the first, and since when each is open.
        self._through: int | None = None
        self._opened: dict[int, float] = {}
        self._looked = self._began

    def look(self, now: float) -> None:
        """Make a span of the epochs that are through since the last look, if there are any.

        Args:
            now: Seconds since 1970.
        """
        workers = self._meters.epochs()
        if not workers:
            return
        opened = max(row[1] for row in workers)
        through = min(row[2] for row in workers)
        since, self._looked = self._looked, now
        if opened:
            # The first one of a run is open since its begin; of others it is not known.
            is_first = not (self._opened or self._through or through)
            self._opened.setdefault(opened, self._began if is_first else now)
        if through <= (self._through or 0):
            return
        # Several of them may have come and gone between two looks.
        begun = {epoch: seen for epoch, seen in self._opened.items() if epoch <= through}
        facts = {"cppwax.epoch": through}
        # With which one the run began is not known where nobody has seen it open.
        if self._through or begun:
            facts["cppwax.epochs"] = through - (self._through or min(begun) - 1)
        self._make("cppwax.epoch", min(begun.values(), default=since), now, facts)
        self._through = through
        self._opened = {epoch: since for epoch, since in self._opened.items() if epoch > through}

    def end(self, now: float) -> None:
        """Make the spans of workers and steps.

        Args:
            now: Seconds since 1970.
        """
        self.look(now)
        times = {row[:2]: row[2:] for row in self._meters.steps()}
        called = {row[:2]: row[3] for row in self._meters.times()}
        places = [row for row in self._meters.places() if row[4] is not None]
        longest = sorted(places, key=lambda row: -times[row[:2]][3])[:_MOST_STEPS]
        for worker, _phase in self._meters.workers():
            own = [row for row in places if row[1] == worker]
            context = self._make(
                "cppwax.worker",
                min((row[4] or now for row in own), default=self._began),
                max((row[5] or now for row in own), default=now),
                {"cppwax.worker_index": worker},
            )
            for step_id, _worker, _room, _lag, first, last in longest:
                if _worker != worker:
                    continue
                arrived, _begun, emitted, worked, held = times[step_id, worker]
                facts = {
                    "cppwax.step_id": step_id,
                    "cppwax.worker_index": worker,
                    "cppwax.items_in": arrived,
                    "cppwax.items_out": emitted,
                    "cppwax.worked_seconds": worked,
                    "cppwax.called_seconds": called[step_id, worker],
                    "cppwax.held_seconds": held,
                }
                self._make("cppwax.step", first or now, last or now, facts, context)

    def _make(
        self, name: str, begin: float, end: float, facts: dict[str, Any], context: Any = None
    ) -> Any:
        """Make a span, within the run if nothing else is said; give the context within it."""
        from opentelemetry.trace import set_span_in_context

        span = self._tracer.start_span(
            name,
            context=self._context if context is None else context,
            attributes=facts,
            start_time=round(begin * 1e9),
        )
        span.end(round(max(begin, end) * 1e9))
        return set_span_in_context(span)
