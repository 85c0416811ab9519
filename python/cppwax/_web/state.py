"""What pages tell of a run: facts that do not change, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from cppwax._watch.meters import Meters, NoMeters, WorkerPhase
from cppwax.dataflow import Dataflow


@dataclass
class RunState:
    """One run of a dataflow in this process.

    The thread that runs it changes `is_over` and `started_at`; others read them.
    """

    flow: Dataflow
    process_id: int = 0
    process_count: int = 1
    worker_count: int = 1
    """In this process."""
    is_over: bool = False
    started_at: float | None = None
    """Seconds since 1970."""
    meters: Meters = field(default_factory=NoMeters)
    """What the engine counts of it."""
    neighbours: list[tuple[int, int]] = field(default_factory=list)
    """Number and port of the other processes of this host that serve pages."""

    @property
    def phase(self) -> WorkerPhase:
        """Tell how far the run is in this process.

        It is starting until all of its workers are at work, which takes the other processes of a
        cluster and, with recovery, what was stored.
        """
        if self.is_over:
            return "ended"
        phases = {phase for _, phase in self.meters.workers()}
        if not phases or "starting" in phases:
            return "starting"
        return "running" if phases <= {"running", "ended"} and "running" in phases else "stopping"
