"""Dataflows that run until they are stopped, for pages to be asked meanwhile."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import Any

from prometheus_client import REGISTRY, Counter
from prometheus_client.registry import Collector

import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.inputs import DynamicSource, StatelessSourcePartition
from cppwax.operators.windowing import EventClock, TumblingWindower, count_window
from cppwax.outputs import DynamicSink, StatelessSinkPartition
from cppwax.testing import TestingSource

_pause = threading.Event()
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


def stuck() -> Dataflow:
    """One of two workers never comes back from user code."""
    flow = Dataflow("flow")
    op.output("out", op.map("stick", op.input("inp", flow, _Quiet()), _stick), StdOutSink())
    return flow


def _stick(item: str) -> str:
    if item.endswith("1"):
        print("stuck 1", flush=True)
        _pause.wait()
    return item


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


class _Orders(DynamicSource, StatelessSourcePartition):
    """Orders without end, faster than anybody can work on them: region, and when it was placed."""

    _REGIONS = ("north", "south", "north", "north", "east")

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _Orders:
        return _Orders()

    def next_batch(self) -> list[tuple[str, datetime]]:
        placed_at = datetime.now(timezone.utc) - timedelta(seconds=3)
        return [(region, placed_at) for region in self._REGIONS * 40]


class _Nowhere(DynamicSink, StatelessSinkPartition):
    def build(self, step_id: str, worker_index: int, worker_count: int) -> _Nowhere:
        return _Nowhere()

    def write_batch(self, items: list[Any]) -> None:
        pass


def _price(state: Any, placed_at: datetime) -> tuple[Any, datetime]:
    _pause.wait(0.0002)
    return None, placed_at


def slow_step() -> Dataflow:
    """One step cannot keep up with what comes to it from all processes."""
    flow = Dataflow("orders")
    orders = op.input("orders", flow, _Orders())
    priced = op.stateful_map("price", orders, _price)
    clock = EventClock(lambda order: order[1], wait_for_system_duration=timedelta(seconds=2))
    windower = TumblingWindower(
        align_to=datetime(2024, 1, 1, tzinfo=timezone.utc), length=timedelta(seconds=1)
    )
    counted = count_window("per_second", priced, clock, windower, lambda pair: pair[0]).down
    op.output("out", counted, _Nowhere())
    return flow


EVIL = "<img src=x onerror=alert(1)>"


def odd_names() -> Dataflow:
    """Names that are no HTML, as keys are not, and a run that comes to its end when it is told."""
    flow = Dataflow("</script>" + EVIL)
    items = op.flat_map("ten", op.input(EVIL, flow, _Quiet()), lambda item: [item] * 10)
    keyed = op.key_on("key 'of' \"it\" & co", items, lambda _item: EVIL)
    counted = op.stateful_map("a\\b\nc", keyed, lambda state, item: (state, item))
    op.output("o·u·t", counted, _Nowhere())
    return flow
