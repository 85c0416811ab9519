"""Flows to be drawn, and what every drawing of one must show."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from cppwax.visualize import RenderedOperator
from tests.python.oracle.builder import Library

# Nobody promised that names are nice.
ODD_NAMES = ['a "b"', "<i>&amp;", "[x]", "end", "\x1b[31m\n", "naïve ☃ 名前", "a-b_c", "\ufffe"]


def same(x: Any) -> Any:
    return x


def shop(name: str = "cppwax") -> Any:
    """Build some twenty steps with a branch, a join, a merge and windows."""
    lib = Library(name)
    op, w = lib.op, importlib.import_module(f"{name}.operators.windowing")
    source, sink = lib.testing.TestingSource([]), lib.testing.TestingSink([])
    flow = lib.dataflow.Dataflow("shop")
    orders = op.map("parse_orders", op.input("orders", flow, source), same)
    clicks = op.filter("no_bots", op.input("clicks", flow, source), same)
    valid = op.branch("valid", orders, same)
    op.output("dead_letters", valid.falses, sink)
    by_user = op.key_on("orders_by_user", valid.trues, str)
    joined = op.join("join_user", by_user, op.key_on("clicks_by_user", clicks, str))
    op.inspect("log", joined)
    enriched = op.enrich_cached("enrich", joined, same, lambda cache, x: x)
    everything = op.merge("everything", op.key_rm("strip", enriched), orders, clicks)
    by_region = op.key_on("by_region", op.redistribute("spread", everything), str)
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    windower = w.TumblingWindower(length=timedelta(days=1), align_to=start)
    per_day = w.collect_window("per_day", by_region, w.SystemClock(), windower)
    op.output("late", per_day.late, sink)
    running = op.stateful_map("running", per_day.down, lambda s, v: (s, v))
    op.output("out", op.merge("twice", running, running), sink)
    op.output("meta", per_day.meta, sink)
    op.output("counts", op.count_final("per_user", clicks, str), sink)
    op.map("unused", clicks, same)
    return flow


def odd(name: str = "cppwax") -> Any:
    """Build a chain of steps with odd names."""
    lib = Library(name)
    flow = lib.dataflow.Dataflow('a "flow" <&>')
    stream = lib.op.input("in", flow, lib.testing.TestingSource([]))
    for each in ODD_NAMES:
        stream = lib.op.map(each, stream, same)
    return flow


def all_steps(steps: list[RenderedOperator]) -> Iterator[RenderedOperator]:
    """Give steps, each before its substeps."""
    for step in steps:
        yield step
        yield from all_steps(step.substeps)
