"""Dataflows that run until they are stopped, for pages to be asked meanwhile."""

from __future__ import annotations

from typing import Any

from prometheus_client import REGISTRY, Counter
from prometheus_client.registry import Collector

import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.inputs import DynamicSource, StatelessSourcePartition
from cppwax.testing import TestingSource

_seen = Counter("seen", "Items that the program has counted")


class _Quiet(DynamicSource, StatelessSourcePartition):
    """Says that it has started, then has nothing."""

    def __init__(self, worker_index: int = 0) -> None:
        self._left = [f"started {worker_index}"]

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _Quiet:
        return _Quiet(worker_index)

    def next_batch(self) -> list[str]:
        batch, self._left = self._left, []
        return batch


def _count(item: Any) -> Any:
    _seen.inc()
    return item


def _flow(source: Any) -> Dataflow:
    flow = Dataflow("flow")
    op.output("out", op.map("count", op.input("inp", flow, source), _count), StdOutSink())
    return flow


def quiet() -> Dataflow:
    return _flow(_Quiet())


def short() -> Dataflow:
    return _flow(TestingSource(range(3)))


def fails() -> Dataflow:
    flow = Dataflow("flow")
    op.output("out", op.map("bad", op.input("i", flow, TestingSource([0])), _fail), StdOutSink())
    return flow


def _fail(_item: Any) -> Any:
    raise KeyError("boom")


def broken_metric() -> Dataflow:
    class Broken(Collector):
        def describe(self) -> list[Any]:
            return []

        def collect(self) -> Any:
            raise ValueError("no figures today")

    REGISTRY.register(Broken())
    return quiet()
