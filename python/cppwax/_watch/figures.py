"""Figures of the steps of a run: totals since its begin, and rates of late.

The engine counts for core steps. A step that is composed of others takes what arrives at those
within that take its inputs, and emits what those emit that its outputs come from.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cppwax._drawing.rendered import RenderedOperator, to_rendered
from cppwax._watch.edges import Edges, core_steps, edges_of
from cppwax._watch.meters import Meters, WorkerPhase
from cppwax.dataflow import Dataflow

# Rates are of so long; somebody who looks more often sees them move all the same.
_RATE_SECONDS = 1.0
_LEAST_SECONDS = 0.2
# Of those from whom rates may be taken: they lie at least `_LEAST_SECONDS` apart.
_MAX_READINGS = 16
# A step that works less than this share of the time slows nothing down.
_LEAST_BUSY_SHARE = 0.02
_MOST_KEYS = 3
# A key that is less than this part of the items is not hot.
_LEAST_KEY_SHARE = 0.01


@dataclass(frozen=True)
class _Counts:
    """Of one core step, all workers of this process together."""

    arrived: int = 0
    begun: int = 0
    emitted: int = 0
    worked: float = 0.0
    held: float = 0.0
    called: float = 0.0
    fill: float = 0.0
    """The greatest of the workers."""
    lag: float | None = None
    """The same."""


@dataclass(frozen=True)
class HotKey:
    """A key that comes often to a keyed step."""

    key: str
    """At most the first 64 bytes of it; keys that begin alike for so long count as one."""
    share: float
    """What part of the items have it, from 0 to 1."""


@dataclass(frozen=True)
class StepFigures:
    """What a step has done in this process, and how fast it is."""

    step_id: str
    step_name: str
    op_type: str
    items_in: int | None
    """`None` for a step without inputs."""
    items_out: int | None
    """`None` for a step without outputs."""
    waiting: int
    """Items that have arrived and that it has not begun with."""
    worked_seconds: float
    held_seconds: float
    in_per_second: float | None
    out_per_second: float | None
    worked_share: float
    """Of the time of all workers of this process, from 0 to 1."""
    held_share: float
    """The same, held back because what is below is full; where steps are within: the greatest."""
    called_seconds: float
    """In calls of user code, or what is native in its place; a part of `worked_seconds`."""
    called_share: float
    fill: float
    """How full the fullest of its queues is, from 0 to 1."""
    watermark_lag: float | None
    """Seconds that its watermark lies behind the present; `None` where it has none."""
    hot_keys: list[HotKey]
    """The most frequent of late, if they are more than a hundredth of the items; by a sample."""
    substeps: list[StepFigures] = field(default_factory=list)


@dataclass(frozen=True)
class WorkerFigures:
    """How far a worker is; 0 is no epoch yet."""

    worker_index: int
    epoch_opened: int
    epoch_through: int
    phase: WorkerPhase


@dataclass(frozen=True)
class Figures:
    """What can be told of a run at one moment."""

    seconds: float
    """Since the watching began."""
    rate_seconds: float
    """Rates and shares are of these last seconds."""
    steps: list[StepFigures]
    workers: list[WorkerFigures]
    busiest: list[str]
    """The step with the greatest share of time worked, then the one within it, and so on."""


@dataclass(frozen=True)
class _Reading:
    at: float
    counts: Mapping[str, _Counts]


class Watch:
    """Looks at the meters of a run; any thread may ask."""

    def __init__(self, flow: Dataflow, meters: Meters, clock: Callable[[], float]) -> None:
        """Begin to watch.

        Args:
            flow: What is run.
            meters: What is counted of it.
            clock: Gives seconds that never go back.
        """
        self._meters = meters
        self._clock = clock
        self._steps = to_rendered(flow).substeps
        self._edges = edges_of(self._steps)
        self._lock = threading.Lock()
        self._began = clock()
        self._readings = deque([_Reading(self._began, {})], maxlen=_MAX_READINGS)

    def look(self) -> Figures:
        """Give the figures of now.

        Rates are those of about the last second, if somebody has looked then; else those since
        somebody has looked last, or since the begin.
        """
        with self._lock:
            now = _Reading(self._clock(), _read(self._meters))
            before = self._before(now.at)
            if now.at - self._readings[-1].at >= _LEAST_SECONDS:
                self._readings.append(now)
        # In this order, as in `_read`: what a worker has is there before its epochs are.
        epochs = self._meters.epochs()
        phases = dict(self._meters.workers())
        workers = [WorkerFigures(*row, phases[row[0]]) for row in epochs]
        span = now.at - before.at
        keys = _hot_keys_of(self._meters)
        scale = _Scale(before.counts, now.counts, keys, span, max(1, len(workers)))
        steps = [_figures_of(step, self._edges, scale) for step in self._steps]
        busiest = list(_busiest_of(steps))
        return Figures(now.at - self._began, span, steps, workers, busiest)

    def _before(self, now: float) -> _Reading:
        """Choose the latest reading that is old enough, or the oldest there is."""
        for reading in reversed(self._readings):
            if now - reading.at >= _RATE_SECONDS * 0.9:
                return reading
        return self._readings[0]


def flat(steps: Iterable[StepFigures]) -> Iterator[StepFigures]:
    """Give steps, each before its substeps.

    Args:
        steps: The outer ones.

    Yields:
        All of them.
    """
    for step in steps:
        yield step
        yield from flat(step.substeps)


def _read(meters: Meters) -> dict[str, _Counts]:
    # First the steps: the run may begin meanwhile, and then there is more in what is read later.
    steps = meters.steps()
    places = {row[:2]: row for row in meters.places()}
    called = {row[:2]: row[3] for row in meters.times()}
    counts: dict[str, _Counts] = {}
    for step_id, worker, arrived, begun, emitted, worked, held in steps:
        old = counts.get(step_id, _Counts())
        *_, room, lag, _first, _last = places[step_id, worker]
        counts[step_id] = _Counts(
            old.arrived + arrived,
            old.begun + begun,
            old.emitted + emitted,
            old.worked + worked,
            old.held + held,
            old.called + called[step_id, worker],
            max(old.fill, min(1.0, max(0, arrived - begun) / room) if room else 0.0),
            max((each for each in (old.lag, lag) if each is not None), default=None),
        )
    return counts


def _hot_keys_of(meters: Meters) -> dict[str, list[HotKey]]:
    totals: dict[str, int] = {}
    counts: dict[str, dict[str, int]] = {}
    for step_id, _worker, total, keys in meters.hot_keys():
        totals[step_id] = totals.get(step_id, 0) + total
        into = counts.setdefault(step_id, {})
        for key, number in keys:
            # A key comes to one worker, but long ones that begin alike count as one.
            into[key] = into.get(key, 0) + number
    return {
        step_id: [
            HotKey(key, count / totals[step_id])
            for key, count in sorted(keys.items(), key=lambda each: -each[1])[:_MOST_KEYS]
            if count >= _LEAST_KEY_SHARE * totals[step_id]
        ]
        for step_id, keys in counts.items()
    }


@dataclass(frozen=True)
class _Scale:
    """Two readings, and what lies between them."""

    before: Mapping[str, _Counts]
    now: Mapping[str, _Counts]
    hot_keys: Mapping[str, list[HotKey]]
    seconds: float
    worker_count: int

    def counts(self, step_id: str) -> tuple[_Counts, _Counts]:
        return self.before.get(step_id, _Counts()), self.now.get(step_id, _Counts())

    def rate(self, number: float) -> float:
        return number / self.seconds if self.seconds > 0 else 0.0

    def share(self, seconds: float) -> float:
        # What is read together may be of moments that lie a little apart.
        return min(1.0, max(0.0, self.rate(seconds) / self.worker_count))


def _figures_of(step: RenderedOperator, edges: Edges, scale: _Scale) -> StepFigures:
    pairs = [scale.counts(core.step_id) for core in core_steps([step])]
    took = [scale.counts(core) for core in edges.takers[step.step_id]]
    made = [scale.counts(core) for core in edges.makers[step.step_id]]
    return StepFigures(
        step.step_id,
        step.step_name,
        step.op_type,
        sum(now.arrived for _, now in took) if step.inp_ports else None,
        sum(now.emitted for _, now in made) if step.out_ports else None,
        sum(max(0, now.arrived - now.begun) for _, now in pairs),
        sum(now.worked for _, now in pairs),
        max((now.held for _, now in pairs), default=0.0),
        scale.rate(sum(now.arrived - old.arrived for old, now in took)) if step.inp_ports else None,
        scale.rate(sum(now.emitted - old.emitted for old, now in made)) if step.out_ports else None,
        scale.share(sum(now.worked - old.worked for old, now in pairs)),
        scale.share(max((now.held - old.held for old, now in pairs), default=0.0)),
        sum(now.called for _, now in pairs),
        scale.share(sum(now.called - old.called for old, now in pairs)),
        max((now.fill for _, now in pairs), default=0.0),
        max((now.lag for _, now in pairs if now.lag is not None), default=None),
        [key for core in core_steps([step]) for key in scale.hot_keys.get(core.step_id, [])],
        [_figures_of(substep, edges, scale) for substep in step.substeps],
    )


def _busiest_of(steps: Sequence[StepFigures]) -> Iterator[str]:
    while steps:
        step = max(steps, key=lambda each: each.worked_share)
        if step.worked_share < _LEAST_BUSY_SHARE:
            return
        yield step.step_id
        steps = step.substeps
