"""Window steps in flows that run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cppwax.operators as op
import cppwax.operators.windowing as w
from cppwax.dataflow import Dataflow
from cppwax.inputs import Source
from cppwax.testing import TestingSink, TestingSource
from tests.python.operators.windowing.keyed import ZERO, span, told

if TYPE_CHECKING:
    from tests.python.conftest import EntryPoint

TENS = w.TumblingWindower(span(10), ZERO)
FIVES_OF_TEN = w.SlidingWindower(span(10), span(5), ZERO)
SESSIONS = w.SessionWindower(span(10))


@dataclass
class Out:
    """What came out of the three streams, in order; metadata as `told`."""

    down: list[Any] = field(default_factory=list)
    late: list[Any] = field(default_factory=list)
    meta: list[Any] = field(default_factory=list)


def windowed_from(run: EntryPoint, source: Source[Any], step: Callable[[Any], Any]) -> Out:
    """Run a window step over what a source gives; see `windowed`."""
    out = Out()
    flow = Dataflow("flow")
    streams = step(op.input("inp", flow, source))
    op.output("down", streams.down, TestingSink(out.down))
    op.output("late", streams.late, TestingSink(out.late))
    op.output("meta", streams.meta, TestingSink(out.meta))
    run(flow)
    out.meta = [(key, (window_id, told(meta))) for key, (window_id, meta) in out.meta]
    return out


def windowed(
    run: EntryPoint, items: Iterable[Any], step: Callable[[Any], Any], batch: int = 1
) -> Out:
    """Run a window step over items.

    Args:
        run: An entry point.
        items: What the source gives.
        step: Gets the stream of the items; adds a window step.
        batch: How many items the source gives at once.

    Returns:
        What came out.
    """
    return windowed_from(run, TestingSource(items, batch), step)


def of_key(key: str, values: Iterable[Any]) -> list[tuple[str, Any]]:
    """Give items of one key."""
    return [(key, value) for value in values]
