"""Meters that say what a test tells them, and a flow to have figures of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSink, TestingSource

Row = tuple[str, int, int, int, int, float, float]


@dataclass
class FakeMeters:
    """Meters without an engine."""

    rows: list[Row] = field(default_factory=list)
    workers: list[tuple[int, int, int]] = field(default_factory=list)

    def steps(self) -> list[Row]:
        return self.rows

    def epochs(self) -> list[tuple[int, int, int]]:
        return self.workers


def counted_flow(out: Any = None) -> Dataflow:
    """Make a flow of a chain, a keyed step that is composed of several, and a sink."""
    flow = Dataflow("counted")
    numbers = op.input("inp", flow, TestingSource(range(1000), batch_size=10))
    even = op.filter("even", op.map("next", numbers, lambda n: n + 1), lambda n: n % 2 == 0)
    keyed = op.key_on("key", even, lambda n: str(n % 7))
    counts = op.count_final("count", keyed, lambda pair: pair[0])
    op.output("out", counts, TestingSink([] if out is None else out))
    return flow
