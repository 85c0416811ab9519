"""When keyed steps call their logics."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.operators import StatefulBatchLogic
from cppwax.testing import TestingSink, TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import OnEachWorker, Timed, by_key, from_source
from tests.python.logics import FUTURE, PAST, Log, batch_logic

_DISCARD = "discard"


def _now() -> datetime:
    return datetime.now(timezone.utc)


class Alarm(StatefulBatchLogic):
    """Asks once for what its values say: a time, seconds from now, None, or to be discarded."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.asks: datetime | None = None
        self.asked: datetime | None = None

    def on_batch(self, values: list[Any]) -> tuple[list[Any], bool]:
        self.log.append(("item", *values))
        (value,) = values
        self.asks = value
        if isinstance(value, float):
            self.asks = _now() + timedelta(seconds=value)
        self.asked = self.asks if value is not None else self.asked
        return [], value == _DISCARD

    def on_notify(self) -> tuple[list[Any], bool]:
        assert self.asked is not None
        self.log.append(("notify",))
        return [_now() - self.asked], False

    def notify_at(self) -> datetime | None:
        asks, self.asks = self.asks, None
        return asks

    def snapshot(self) -> None:
        return None


def _names(log: Log) -> list[str]:
    return [entry[0] for entry in log]


def _alarms(run: EntryPoint, source: Any) -> tuple[list[Any], list[str]]:
    """Run; tell how late the notifications were, and what was called."""
    log: Log = []
    out = from_source(run, source, lambda s: op.stateful_batch("step", s, lambda _: Alarm(log)))
    return [late for _, late in out], _names(log)


def _check_late(late: list[timedelta], count: int) -> None:
    assert len(late) == count
    assert all(timedelta(0) <= t < timedelta(seconds=5) for t in late)


def test_one_activation_calls_all_on_batch_then_all_notify_at(run_one: EntryPoint) -> None:
    log: Log = []
    items = [("a", 1), ("b", 2), ("a", 3)]
    source = TestingSource(items, 3)
    from_source(run_one, source, lambda s: op.stateful_batch("step", s, batch_logic(log)))
    assert [name for name in _names(log) if name not in ("build", "snapshot")] == [
        *("on_batch", "on_batch", "notify_at", "notify_at"),
        *("on_eof", "on_eof", "notify_at", "notify_at"),
    ]


def test_a_due_time_fires_after_its_item_and_before_the_next(entry_point: EntryPoint) -> None:
    log: Log = []
    flow = Dataflow("flow")
    s = op.input("inp", flow, TestingSource([("a", PAST)] * 3))
    s = op.stateful_batch("step", s, lambda _: Alarm(log))
    op.output("out", s, TestingSink([]))
    entry_point(flow, epoch_interval=timedelta(0))
    assert _names(log) == ["item", "notify"] * 3


@pytest.mark.parametrize("renewed", [FUTURE, None], ids=["renewed", "kept"])
@pytest.mark.parametrize("keys", ["a", "b", "ab"])
def test_a_batch_at_hand_goes_before_what_is_due(
    run_one: EntryPoint, keys: str, renewed: Any
) -> None:
    def be_late(_worker: int) -> Iterator[list[Any]]:
        yield [("a", 0.02)]
        # The time is over long before `next_batch` returns.
        threading.Event().wait(0.1)
        yield [(key, renewed) for key in keys]

    _, names = _alarms(run_one, OnEachWorker(be_late))
    assert names == ["item", *["item" for _ in keys], "notify"]


def test_a_due_time_fires_even_at_the_end(entry_point: EntryPoint) -> None:
    _, names = _alarms(entry_point, TestingSource([("a", PAST)]))
    assert names == ["item", "notify"]


def test_a_time_fires_while_the_source_sleeps(entry_point: EntryPoint) -> None:
    late, names = _alarms(entry_point, Timed([(0, [("a", 0.1)]), (0.6, [("b", None)])]))
    assert names == ["item", "notify", "item"]
    _check_late(late, 1)


def test_a_time_fires_once(entry_point: EntryPoint) -> None:
    late, _ = _alarms(entry_point, Timed([(0, [("a", 0.05)]), (0.4, [("a", None)])]))
    _check_late(late, 1)


def test_each_key_has_a_time_of_its_own(entry_point: EntryPoint) -> None:
    items = [("a", 0.2), ("b", 0.1), ("c", 0.15)]
    late, _ = _alarms(entry_point, Timed([(0, items), (0.6, [("z", None)])]))
    _check_late(late, 3)


@pytest.mark.parametrize("second", [FUTURE, _DISCARD], ids=["later", "discarded"])
def test_a_time_is_dropped_if_replaced_or_the_key_discarded(
    entry_point: EntryPoint, second: Any
) -> None:
    source = Timed([(0, [("a", 0.3)]), (0, [("a", second)]), (0.6, [("z", None)])])
    late, _ = _alarms(entry_point, source)
    assert late == []


def test_a_sooner_time_replaces_a_later_one(entry_point: EntryPoint) -> None:
    source = Timed([(0, [("a", FUTURE)]), (0, [("a", 0.1)]), (0.6, [("z", None)])])
    late, _ = _alarms(entry_point, source)
    _check_late(late, 1)


def test_none_does_not_cancel_an_earlier_time(entry_point: EntryPoint) -> None:
    source = Timed([(0, [("a", 0.2)]), (0, [("a", None)]), (0.6, [("z", None)])])
    late, _ = _alarms(entry_point, source)
    _check_late(late, 1)


def test_a_key_that_was_discarded_can_ask_again(entry_point: EntryPoint) -> None:
    source = Timed([(0, [("a", FUTURE)]), (0, [("a", _DISCARD)]), (0, [("a", PAST)])])
    _, names = _alarms(entry_point, source)
    assert names == ["item", "item", "item", "notify"]


class _OnceNotified(StatefulBatchLogic):
    """Emits how many items it has seen, and is discarded when it is notified."""

    def __init__(self) -> None:
        self.seen = 0

    def on_batch(self, values: list[Any]) -> tuple[list[int], bool]:
        self.seen += len(values)
        return [self.seen], False

    def on_notify(self) -> tuple[list[int], bool]:
        return [-self.seen], True

    def notify_at(self) -> datetime:
        return _now() + timedelta(seconds=0.1)

    def snapshot(self) -> int:
        return self.seen


def test_a_notification_may_discard_the_key(entry_point: EntryPoint) -> None:
    source = Timed([(0, [("a", 0)]), (0, [("a", 0)]), (0.6, [("a", 0)])])
    out = from_source(
        entry_point, source, lambda s: op.stateful_batch("step", s, lambda _: _OnceNotified())
    )
    assert out == [("a", 1), ("a", 2), ("a", -2), ("a", 1)]


def test_what_a_notification_emits_flows_on_at_once(entry_point: EntryPoint) -> None:
    seen: list[int] = []

    def step(s: Any) -> Any:
        s = op.inspect("before", s, lambda _id, item: seen.append(item[1]))
        s = op.stateful_batch("step", s, lambda _: _OnceNotified())
        return op.inspect("after", s, lambda _id, item: seen.append(item[1]))

    from_source(entry_point, Timed([(0, [("a", 100)]), (0.6, [("b", 200)])]), step)
    assert seen == [100, 1, -1, 200, 1]


def test_the_end_comes_to_one_step_after_the_other(entry_point: EntryPoint) -> None:
    log: Log = []
    first = batch_logic(log, on_batch=([], False), on_eof=(["from the end"], True))
    second = batch_logic(log)

    def step(s: Any) -> Any:
        return op.stateful_batch("second", op.stateful_batch("first", s, first), second)

    out = from_source(entry_point, TestingSource([("a", 1)]), step)
    assert out == [("a", "from the end")]
    assert [entry for entry in log if entry[0] in ("on_batch", "on_eof")] == [
        *[("on_batch", [1]), ("on_eof",), ("on_batch", ["from the end"]), ("on_eof",)]
    ]


def test_a_thousand_keys_each_get_their_own(entry_point: EntryPoint) -> None:
    items = [(f"key {i % 1000}", i) for i in range(3000)]
    out = from_source(
        entry_point,
        TestingSource(items, 100),
        lambda s: op.stateful_batch("step", s, batch_logic(on_eof=(["end"], True))),
    )
    assert by_key(out) == {key: [*values, "end"] for key, values in by_key(items).items()}


def test_a_flow_may_branch_and_join_around_keyed_steps(entry_point: EntryPoint) -> None:
    def step(s: Any) -> Any:
        parts = op.branch("parity", s, lambda kv: kv[1] % 2 == 0)
        evens = op.fold_final("evens", parts.trues, int, lambda total, v: total + v)
        odds = op.fold_final("odds", parts.falses, int, lambda total, v: total + v)
        return op.join("both", evens, odds)

    items = [("ab"[i // 2 % 2], i) for i in range(100)]
    out = from_source(entry_point, TestingSource(items, 7), step)
    values = by_key(items)
    assert sorted(out) == [
        (key, (sum(v for v in values[key] if v % 2 == 0), sum(v for v in values[key] if v % 2)))
        for key in "ab"
    ]
