"""What `/metrics` shows: of the run, and whatever the program keeps by `prometheus_client`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client import REGISTRY, Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.registry import Collector

import cppwax
from cppwax._drawing.rendered import to_rendered
from cppwax._watch.edges import core_steps
from cppwax._web.state import RunState

# Of each kind of core step: the metric of its calls of user code, and what they are.
_CALLS = {
    "input": ("inp_part_next_batch", "Polls of a source, those joined to one batch together"),
    "flat_map_batch": ("flat_map_batch", "Calls of `mapper` in a turn of the step"),
    "branch": ("branch", "Calls of `predicate` in a turn of the step"),
    "inspect_debug": ("inspect_debug", "Calls of `inspector` in a turn of the step"),
    "stateful_batch": (
        "stateful_batch_on_batch",
        "Calls of the step's logics in a turn: for values, due times and the end",
    ),
    "output": ("out_part_write_batch", "Writes to a sink in a turn of the step"),
}
_LABELS = ["step_id", "worker_index"]


class _OfRun(Collector):
    """Facts about a run."""

    def __init__(self, state: RunState) -> None:
        self._state = state
        steps = list(core_steps(to_rendered(state.flow).substeps))
        self._with_inputs = {step.step_id for step in steps if step.inp_ports}
        self._with_outputs = {step.step_id for step in steps if step.out_ports}
        self._kinds = {step.step_id: step.op_type for step in steps}

    def collect(self) -> Iterable[Metric]:
        """Make the metrics anew; see `prometheus_client`."""
        yield from self._of_process()
        yield from self._of_steps()
        yield from self._of_times()
        yield from self._of_places()
        yield from self._of_workers()

    def _of_process(self) -> Iterable[Metric]:
        state = self._state
        facts = {
            "flow_id": state.flow.flow_id,
            "process_id": str(state.process_id),
            "processes": str(state.process_count),
            "version": cppwax.__version__,
        }
        yield InfoMetricFamily("cppwax_run", "The dataflow that this process runs", facts)
        yield GaugeMetricFamily(
            "cppwax_run_running",
            "1 while the dataflow runs, 0 before and after",
            float(state.phase == "running"),
        )
        yield GaugeMetricFamily(
            "cppwax_run_workers", "Workers in this process", float(state.worker_count)
        )
        if state.started_at is not None:
            yield GaugeMetricFamily(
                "cppwax_run_start_time_seconds",
                "When the run began, in seconds since 1970",
                state.started_at,
            )

    def _of_steps(self) -> Iterable[Metric]:
        arrived = CounterMetricFamily(
            "cppwax_item_inp_count", "Items that have reached the step", labels=_LABELS
        )
        emitted = CounterMetricFamily(
            "cppwax_item_out_count", "Items that the step has emitted", labels=_LABELS
        )
        waiting = GaugeMetricFamily(
            "cppwax_items_waiting", "Items that the step has not begun with", labels=_LABELS
        )
        worked = CounterMetricFamily(
            "cppwax_step_worked_seconds",
            "How long the step has worked, user code included",
            labels=_LABELS,
        )
        held = CounterMetricFamily(
            "cppwax_step_held_seconds",
            "How long the step was held back because what is below it was full",
            labels=_LABELS,
        )
        for row in self._state.meters.steps():
            step_id, worker, inp, begun, out, work_seconds, held_seconds = row
            place = [step_id, str(worker)]
            if step_id in self._with_inputs:
                arrived.add_metric(place, inp)
                # They are not read at one moment.
                waiting.add_metric(place, max(0, inp - begun))
            if step_id in self._with_outputs:
                emitted.add_metric(place, out)
                held.add_metric(place, held_seconds)
            worked.add_metric(place, work_seconds)
        yield from (arrived, emitted, waiting, worked, held)

    def _of_times(self) -> Iterable[Metric]:
        meters = self._state.meters
        families = {
            kind: HistogramMetricFamily(f"cppwax_{name}_duration_seconds", text, labels=_LABELS)
            for kind, (name, text) in _CALLS.items()
        }
        stored = HistogramMetricFamily(
            "cppwax_snapshot_duration_seconds",
            "What a step takes to give what it stores of an epoch",
            labels=_LABELS,
        )
        for step_id, worker, calls, seconds, snapshots, snapshot_seconds in meters.times():
            place = [step_id, str(worker)]
            family = families.get(self._kinds[step_id])
            if family is not None and any(calls):
                family.add_metric(place, _buckets_of(meters.BOUNDS, calls), seconds)
            if any(snapshots):
                stored.add_metric(place, _buckets_of(meters.BOUNDS, snapshots), snapshot_seconds)
        yield from (family for family in (*families.values(), stored) if family.samples)

    def _of_places(self) -> Iterable[Metric]:
        room = GaugeMetricFamily(
            "cppwax_items_waiting_limit",
            "Items that may wait for the step before those above are held back",
            labels=_LABELS,
        )
        lag = GaugeMetricFamily(
            "cppwax_watermark_lag_seconds",
            "How far the step's watermark lies behind the present",
            labels=_LABELS,
        )
        for step_id, worker, most, seconds, _first, _last in self._state.meters.places():
            place = [step_id, str(worker)]
            if most:
                room.add_metric(place, most)
            if seconds is not None:
                lag.add_metric(place, seconds)
        yield from (room, lag)

    def _of_workers(self) -> Iterable[Metric]:
        opened = GaugeMetricFamily(
            "cppwax_epoch_opened", "The last epoch opened; 0 before", labels=["worker_index"]
        )
        through = GaugeMetricFamily(
            "cppwax_epoch_through",
            "The last epoch through all steps of all workers, with recovery: durable; 0 before",
            labels=["worker_index"],
        )
        for worker, last_opened, last_through in self._state.meters.epochs():
            opened.add_metric([str(worker)], last_opened)
            through.add_metric([str(worker)], last_through)
        yield from (opened, through)


def _buckets_of(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    names = [*map(str, bounds), "+Inf"]
    return list(zip(names, accumulate(counts), strict=True))


class RunMetrics(Collector):
    """The metrics of a run, those that the program has registered, and those of the process.

    Several runs may be on in one process, one after the other or at once; none leaves anything in
    the program's registry.
    """

    def __init__(self, state: RunState, names: Sequence[str] | None = None) -> None:
        """Begin to collect.

        Args:
            state: The run.
            names: The metrics to collect; `None` for all.
        """
        self._of_run = _OfRun(state)
        self._state = state
        self._names = names

    def restricted_registry(self, names: Sequence[str]) -> RunMetrics:
        """Collect some metrics alone; `prometheus_client` calls it where a page is asked so.

        Args:
            names: Their names, or names of samples of theirs.

        Returns:
            What collects these.
        """
        return RunMetrics(self._state, names)

    def collect(self) -> Iterable[Metric]:
        """Make the metrics anew; see `prometheus_client`."""
        if self._names is None:
            yield from self._of_run.collect()
            yield from REGISTRY.collect()
            return
        for metric in self._of_run.collect():
            if {metric.name, *(sample.name for sample in metric.samples)} & set(self._names):
                yield metric
        yield from REGISTRY.restricted_registry(self._names).collect()
