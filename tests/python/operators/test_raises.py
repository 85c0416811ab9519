"""`raises`: the stream must be empty."""

from __future__ import annotations

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import fails


def _flow(items: list[str]) -> Dataflow:
    flow = Dataflow("flow")
    op.raises("step", op.input("inp", flow, TestingSource(items)))
    return flow


def test_an_item_ends_the_run_and_is_named(entry_point: EntryPoint) -> None:
    with fails(RuntimeError, "'unwanted'"):
        entry_point(_flow(["unwanted"]))


def test_without_items_nothing_happens_and_it_counts_as_an_output(
    entry_point: EntryPoint,
) -> None:
    entry_point(_flow([]))
