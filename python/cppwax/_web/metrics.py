"""What `/metrics` shows: of the run, and whatever the program keeps by `prometheus_client`."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import REGISTRY, CollectorRegistry, Metric
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


class _OfProgram(Collector):
    """What the program itself has registered, and what `prometheus_client` tells of the process."""

    def collect(self) -> Iterable[Metric]:
        """Pass on the metrics of the library's own registry."""
        return REGISTRY.collect()


def registry_of(state: RunState) -> CollectorRegistry:
    """Gather the metrics of a run and those of the program.

    Args:
        state: The run.

    Returns:
        A registry for this run alone: several may be on in one process, one after the other or at
        once, and none leaves anything in the program's.
    """
    # Without descriptions: else all would be collected once to hear their names.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_OfRun(state))
    registry.register(_OfProgram())
    return registry
