"""What pages tell of a run: facts that do not change, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from cppwax._watch.figures import Meters, NoMeters
from cppwax.dataflow import Dataflow


@dataclass
class RunState:
    """One run of a dataflow in this process.

    The thread that runs it changes `phase` and `started_at`; others read them.
    """

    flow: Dataflow
    process_id: int = 0
    process_count: int = 1
    worker_count: int = 1
    """In this process."""
    phase: Literal["starting", "running", "ended"] = "starting"
    started_at: float | None = None
    """Seconds since 1970."""
    meters: Meters = field(default_factory=NoMeters)
    """What the engine counts of it."""
    neighbours: list[tuple[int, int]] = field(default_factory=list)
    """Number and port of the other processes of this host that serve pages."""
