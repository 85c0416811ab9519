"""Times that user code gives: exact to the microsecond, in any timezone, in all years."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone, tzinfo
from itertools import permutations
from time import monotonic
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.inputs import DynamicSource, StatelessSourcePartition
from cppwax.testing import TestingSink
from tests.python.conftest import EntryPoint
from tests.python.flows import root_of, through
from tests.python.logics import batch_logic

UTC = timezone.utc


def zone(hours: float) -> timezone:
    return timezone(timedelta(hours=hours))


class Odd(tzinfo):
    """Written in Python, with an offset of microseconds."""

    def utcoffset(self, _when: datetime | None) -> timedelta:
        return timedelta(hours=-3, seconds=1, microseconds=7)


# In order, closely; the first and the last are outside of what a datetime in UTC can hold.
IN_ORDER = [
    datetime(1, 1, 1, tzinfo=zone(14)),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2000, 1, 1, 5, 30, tzinfo=zone(5.5)),
    datetime(1999, 12, 31, 21, 0, 1, 8, tzinfo=Odd()),
    datetime(1999, 12, 31, 16, 0, 0, 2, tzinfo=zone(-8)),
    datetime(2000, 2, 29, 12, tzinfo=UTC),
    datetime(2000, 3, 1, 12, tzinfo=zone(1)),
]


def order_of_notifications(run: EntryPoint, times: list[datetime]) -> list[datetime]:
    """Let all times be due at once; give them in the order in which they fire."""
    fired: list[datetime] = []
    waiting = iter(times)

    def builder(state: Any) -> Any:
        due = next(waiting)

        def on_notify() -> tuple[list[Any], bool]:
            fired.append(due)
            return [], True

        answers = {"on_batch": ([], False), "on_notify": on_notify, "notify_at": due}
        return batch_logic(**answers)(state)

    items = [(str(i), None) for i in range(len(times))]
    through(run, items, lambda s: op.stateful_batch("step", s, builder), len(items))
    return fired


def test_due_times_are_compared_exactly(run_one: EntryPoint) -> None:
    assert order_of_notifications(run_one, IN_ORDER[::-1]) == IN_ORDER


def test_due_times_in_any_order_of_coming(run_one: EntryPoint) -> None:
    times = IN_ORDER[3:7]
    for order in permutations(times):
        assert order_of_notifications(run_one, list(order)) == times


@pytest.mark.parametrize("due", [datetime.max.replace(tzinfo=zone(h)) for h in (-14, 0, 14)])
def test_last_times_of_all_are_not_due(entry_point: EntryPoint, due: datetime) -> None:
    logic = batch_logic(on_notify=(["due"], True), on_eof=(["eof"], True), notify_at=due)
    out = through(entry_point, [("a", 1)], lambda s: op.stateful_batch("step", s, logic))
    assert out == [("a", 1), ("a", "eof")]


class Polled(DynamicSource[int]):
    """Gives one item on each worker, having named a time for it."""

    def __init__(self, awake: datetime) -> None:
        self.awake = awake

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Any:
        awake = self.awake

        class Partition(StatelessSourcePartition[int]):
            def __init__(self) -> None:
                self.batches = iter([[worker_index]])

            def next_batch(self) -> list[int]:
                return next(self.batches)

            def next_awake(self) -> datetime:
                return awake

        return Partition()


@pytest.mark.parametrize("awake", IN_ORDER, ids=str)
def test_past_times_to_be_polled_at(entry_point: EntryPoint, awake: datetime) -> None:
    out: list[int] = []
    flow = Dataflow("flow")
    op.output("out", op.input("inp", flow, Polled(awake)), TestingSink(out))
    entry_point(flow)
    assert sorted(out) == list(range(entry_point.workers))


class Broken(tzinfo):
    def utcoffset(self, _when: datetime | None) -> timedelta:
        raise ZeroDivisionError


class Undecided(tzinfo):
    def utcoffset(self, _when: datetime | None) -> None:
        return None


def failure_of(run: EntryPoint, due: datetime) -> tuple[str, BaseException]:
    with pytest.raises(CppwaxRuntimeError) as caught:
        logic = batch_logic(notify_at=lambda: due)
        through(run, [("a", 1)], lambda s: op.stateful_batch("step", s, logic))
    return str(caught.value), root_of(caught.value)


def test_timezone_that_raises(entry_point: EntryPoint) -> None:
    message, root = failure_of(entry_point, datetime(2000, 1, 1, tzinfo=Broken()))
    assert "offset from UTC" in message
    assert type(root) is ZeroDivisionError


def test_timezone_without_an_offset(entry_point: EntryPoint) -> None:
    _, root = failure_of(entry_point, datetime(2000, 1, 1, tzinfo=Undecided()))
    assert type(root) is TypeError
    assert "gives no offset" in str(root)


class Until(DynamicSource[Any]):
    """Gives batches, then nothing until something has come true, or long after it should have."""

    def __init__(self, batches: list[list[Any]], true: Callable[[], bool]) -> None:
        self.batches = batches
        self.true = true

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Any:
        batches = iter(self.batches)
        true = self.true
        deadline = monotonic() + 30

        class Partition(StatelessSourcePartition[Any]):
            def next_batch(self) -> list[Any]:
                batch = next(batches, [])
                if not batch and (true() or monotonic() > deadline):
                    raise StopIteration
                return batch

        return Partition()


def test_times_that_are_put_off_or_dropped_hold_up_no_others(run_one: EntryPoint) -> None:
    """Keys wait in order of their times; some in front of others get a later one, or go."""
    now = datetime.now(UTC)
    soon = now + timedelta(milliseconds=300)
    sooner = [now + timedelta(milliseconds=200 + i) for i in range(8)]
    far = datetime(2500, 1, 1, tzinfo=UTC)
    fired: list[str] = []

    def builder(state: Any) -> Any:
        given: dict[str, Any] = {}

        def on_batch(values: list[Any]) -> tuple[list[Any], bool]:
            given.update(values[-1])
            return [], given.get("drop", False)

        def on_notify() -> tuple[list[Any], bool]:
            fired.append(given["key"])
            return [], True

        answers = {"on_batch": on_batch, "on_notify": on_notify}
        return batch_logic(**answers, notify_at=lambda: given["due"])(state)

    def at(key: str, due: datetime) -> tuple[str, dict[str, Any]]:
        return key, {"key": key, "due": due}

    early = [f"early {i}" for i in range(8)]
    waiting = ["w1", "w2", "w3"]
    batches = [
        [at(key, due) for key, due in zip(early, sooner, strict=True)],
        [at(key, soon + timedelta(milliseconds=i)) for i, key in enumerate(waiting)],
        [at(key, far) if i % 2 else (key, {"drop": True}) for i, key in enumerate(early)],
    ]
    flow = Dataflow("flow")
    up = op.input("inp", flow, Until(batches, lambda: fired[-1:] == ["w3"]))
    op.output("out", op.stateful_batch("step", up, builder), TestingSink([]))
    run_one(flow)
    assert [key for key in fired if key in waiting] == waiting


def test_none_leaves_an_earlier_time_as_it_is(run_one: EntryPoint) -> None:
    dues = iter([datetime.now(UTC) + timedelta(milliseconds=200), None])
    fired: list[str] = []

    def on_notify() -> tuple[list[Any], bool]:
        fired.append("due")
        return [], True

    logic = batch_logic(on_notify=on_notify, notify_at=lambda: next(dues, None))
    flow = Dataflow("flow")
    up = op.input("inp", flow, Until([[("a", 1)], [("a", 2)]], lambda: len(fired) > 0))
    op.output("out", op.stateful_batch("step", up, logic), TestingSink([]))
    run_one(flow)
    assert fired == ["due"]
