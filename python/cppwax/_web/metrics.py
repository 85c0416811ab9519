"""What `/metrics` shows: of the run, and whatever the program keeps by `prometheus_client`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client import REGISTRY, Metric
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

import cppwax
from cppwax._web.state import RunState


class _OfRun(Collector):
    """Facts about a run."""

    def __init__(self, state: RunState) -> None:
        self._state = state

    def collect(self) -> Iterable[Metric]:
        """Make the metrics anew; see `prometheus_client`."""
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
