"""Meters that say what a test tells them, and a flow to have figures of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cppwax.operators as op
from cppwax._watch.meters import KeysRow, PlaceRow, TimesRow, WorkerPhase
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSink, TestingSource

Row = tuple[str, int, int, int, int, float, float]


@dataclass
class FakeMeters:
    """Meters without an engine."""

    rows: list[Row] = field(default_factory=list)
    opened: list[tuple[int, int, int]] = field(default_factory=list)
    phases: list[WorkerPhase] | None = None
    """Of workers; `None`: all run."""
    standing: dict[tuple[str, int], tuple[int, float | None, float | None, float | None]] = field(
        default_factory=dict
    )
    """Room, lag, and when it worked first and last, by step and worker."""
    calls: dict[tuple[str, int], tuple[tuple[int, ...], float]] = field(default_factory=dict)
    snapshots: dict[tuple[str, int], tuple[tuple[int, ...], float]] = field(default_factory=dict)
    keys: list[KeysRow] = field(default_factory=list)
    BOUNDS = (0.1, 1.0)

    def steps(self) -> list[Row]:
        return self.rows

    def times(self) -> list[TimesRow]:
        none = (0, 0, 0), 0.0
        return [
            (*row[:2], *self.calls.get(row[:2], none), *self.snapshots.get(row[:2], none))
            for row in self.rows
        ]

    def places(self) -> list[PlaceRow]:
        none = 0, None, None, None
        return [(*row[:2], *self.standing.get(row[:2], none)) for row in self.rows]

    def workers(self) -> list[tuple[int, WorkerPhase]]:
        if self.phases is not None:
            return list(enumerate(self.phases))
        return [(row[0], "running") for row in self.opened]

    def hot_keys(self) -> list[KeysRow]:
        return self.keys

    def epochs(self) -> list[tuple[int, int, int]]:
        return self.opened


def counted_flow(out: Any = None) -> Dataflow:
    """Make a flow of a chain, a keyed step that is composed of several, and a sink."""
    flow = Dataflow("counted")
    numbers = op.input("inp", flow, TestingSource(range(1000), batch_size=10))
    even = op.filter("even", op.map("next", numbers, lambda n: n + 1), lambda n: n % 2 == 0)
    keyed = op.key_on("key", even, lambda n: str(n % 7))
    counts = op.count_final("count", keyed, lambda pair: pair[0])
    op.output("out", counts, TestingSink([] if out is None else out))
    return flow
