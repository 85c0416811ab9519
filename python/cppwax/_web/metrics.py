"""What `/metrics` shows: of the run, and whatever the program keeps by `prometheus_client`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client import REGISTRY, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

import cppwax
from cppwax._drawing.rendered import to_rendered
from cppwax._watch.figures import core_steps
from cppwax._web.state import RunState


class _OfRun(Collector):
    """Facts about a run."""

    def __init__(self, state: RunState) -> None:
        self._state = state
        steps = list(core_steps(to_rendered(state.flow).substeps))
        self._with_inputs = {step.step_id for step in steps if step.inp_ports}
        self._with_outputs = {step.step_id for step in steps if step.out_ports}

    def collect(self) -> Iterable[Metric]:
        """Make the metrics anew; see `prometheus_client`."""
        yield from self._of_process()
        yield from self._of_steps()
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
        labels = ["step_id", "worker_index"]
        arrived = CounterMetricFamily(
            "cppwax_item_inp_count", "Items that have reached the step", labels=labels
        )
        emitted = CounterMetricFamily(
            "cppwax_item_out_count", "Items that the step has emitted", labels=labels
        )
        waiting = GaugeMetricFamily(
            "cppwax_items_waiting", "Items that the step has not begun with", labels=labels
        )
        worked = CounterMetricFamily(
            "cppwax_step_worked_seconds",
            "How long the step has worked, user code included",
            labels=labels,
        )
        held = CounterMetricFamily(
            "cppwax_step_held_seconds",
            "How long the step was held back because what is below it was full",
            labels=labels,
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
