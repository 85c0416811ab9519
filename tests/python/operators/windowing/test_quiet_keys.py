"""Keys and streams that go quiet: when their windows close in a flow that runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import cppwax.operators as op
import cppwax.operators.windowing as w
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSink
from tests.python.conftest import EntryPoint
from tests.python.flows import Timed, by_key, fails
from tests.python.operators.windowing.keyed import ZERO, at, span


class Tumbling(w.TumblingWindower):
    """Has no native form."""


WINDOWERS = {"native": w.TumblingWindower(span(10), ZERO), "python": Tumbling(span(10), ZERO)}
Told = list[tuple[Any, timedelta]]


def told_at(run: EntryPoint, source: Timed, step: Callable[[Any], Any]) -> Told:
    """Tell what came down, and how long after the begin."""
    begin = datetime.now(timezone.utc)
    told: Told = []

    def note(item: Any) -> Any:
        told.append((item, datetime.now(timezone.utc) - begin))
        return item

    flow = Dataflow("flow")
    down = step(op.input("inp", flow, source)).down
    op.output("out", op.map("note", down, note), TestingSink([]))
    run(flow)
    return told


def collected(windower: str, emit: Any = "close", **options: Any) -> Callable[[Any], Any]:
    clock = w.EventClock(at, span(0), **options)
    return lambda up: w.collect_window("step", up, clock, WINDOWERS[windower], emit=emit)


# Key b comes long before the end of the stream, and is later by more than a window.
QUIET = ((0, [("a", 1)]), (0.2, [("b", 25)]), (1.0, [("b", 27)]))


@pytest.mark.parametrize("windower", WINDOWERS)
class TestTheWatermarkOfTheWorker:
    def test_closes_windows_of_keys_that_are_quiet(
        self, run_one: EntryPoint, windower: str
    ) -> None:
        told = told_at(run_one, Timed(QUIET), collected(windower, watermark="worker"))
        (first, when), *others = told
        assert first == ("a", (0, [1]))
        assert span(0.2) <= when < span(1)
        assert [item for item, _ in others] == [("b", (2, [25, 27]))]

    def test_that_of_each_key_does_not(self, run_one: EntryPoint, windower: str) -> None:
        told = told_at(run_one, Timed(QUIET), collected(windower))
        assert all(when > span(1.1) for _, when in told)

    def test_goes_on_as_time_passes(self, run_one: EntryPoint, windower: str) -> None:
        source = Timed([(0, [("a", 1), ("b", 9.7)]), (1.5, [("c", 100)])])
        told = told_at(run_one, source, collected(windower, watermark="worker"))
        # 0.3 seconds lack, for key a as well.
        early = {item[0]: when for item, when in told if when < span(1.2)}
        assert early.keys() == {"a", "b"}
        assert all(when >= span(0.3) for when in early.values())

    def test_a_value_may_be_late_that_is_the_first_of_its_key(
        self, run_one: EntryPoint, windower: str
    ) -> None:
        late: list[Any] = []
        flow = Dataflow("flow")
        source = Timed([(0, [("b", 25)]), (0.1, [("a", 3)])])
        windows = collected(windower, watermark="worker")(op.input("inp", flow, source))
        op.output("late", windows.late, TestingSink(late))
        run_one(flow)
        assert late == [("a", (0, 3))]

    def test_early_results_come_by_system_time(self, run_one: EntryPoint, windower: str) -> None:
        source = Timed([(0, [("a", 1), ("a", 5)]), (0.6, [("b", 6)]), (0.6, [("b", 25)])])
        step = collected(windower, span(0.2), watermark="worker", idle_after=timedelta.max)
        told = told_at(run_one, source, step)
        of_a = [(item, when) for item, when in told if item[0] == "a"]
        (early, first), (whole, last) = of_a
        # In order: the value at 5 waits until the watermark is there.
        assert early == ("a", (0, [1, 5])) == whole
        assert span(0.2) <= first < span(0.6)
        assert last >= span(1.2)


def test_a_windower_that_wants_to_be_called_at_no_time_is_refused(run_one: EntryPoint) -> None:
    class Logic(w.WindowerLogic[Any]):
        def open_for(self, timestamp: datetime) -> Any:
            return [0]

        late_for = open_for

        def merged(self) -> Any:
            return []

        def close_for(self, watermark: datetime) -> Any:
            return []

        def notify_at(self) -> Any:
            return datetime(2024, 1, 1)

        def is_empty(self) -> bool:
            return False

        def snapshot(self) -> None:
            return None

    class Windower(w.Windower[Any]):
        def build(self, resume_state: Any) -> Logic:
            return Logic()

    clock = w.EventClock(at, span(0), watermark="worker")
    flow = Dataflow("flow")
    items = op.input("inp", flow, Timed([(0, [("a", 1)])]))
    windows = w.collect_window("step", items, clock, Windower(), ordered=False)
    op.output("out", windows.down, TestingSink([]))
    with fails(TypeError, "must be a `datetime` with a timezone"):
        run_one(flow)


@pytest.mark.parametrize("watermark", ["key", "worker"])
@pytest.mark.parametrize("windower", WINDOWERS)
class TestIdleAfter:
    def test_time_passes_after_a_pause_only(
        self, run_one: EntryPoint, windower: str, watermark: str
    ) -> None:
        options = {"watermark": watermark, "idle_after": span(0.4)}
        source = Timed([(0, [("a", 9.8)]), (0.3, [("a", 9.8)]), (1.5, [("a", 100)])])
        told = told_at(run_one, source, collected(windower, **options))
        first, when = told[0]
        # The second value began the pause anew.
        assert first == ("a", (0, [9.8, 9.8]))
        assert span(0.3 + 0.4 + 0.2) <= when < span(1.5)

    def test_never_if_the_pause_is_for_ever(
        self, run_one: EntryPoint, windower: str, watermark: str
    ) -> None:
        options = {"watermark": watermark, "idle_after": timedelta.max}
        source = Timed([(0, [("a", 9.9)]), (0.8, [("a", 10)])])
        told = told_at(run_one, source, collected(windower, **options))
        assert all(when >= span(0.8) for _, when in told)

    def test_values_that_come_slowly_are_not_late(
        self, run_one: EntryPoint, windower: str, watermark: str
    ) -> None:
        # System time goes on by more than event time does, as where old data is slow to come.
        source = Timed([(0.3, [("a", n * 0.01)]) for n in range(4)])
        for idle_after, late in ((span(10), 0), (span(0), 3)):
            out: list[Any] = []
            flow = Dataflow("flow")
            step = collected(windower, watermark=watermark, idle_after=idle_after)
            op.output("late", step(op.input("inp", flow, source)).late, TestingSink(out))
            run_one(flow)
            assert len(by_key(out).get("a", [])) == late
