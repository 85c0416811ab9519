"""A keyed step works on two epochs at once: one that waits for room lets the earlier one go first.

On worker 0 are the step's keys, and a mapper that holds an epoch open; worker 1 is an epoch ahead
with its items, and has the sink.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import repeat
from time import monotonic
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.operators import StatefulLogic
from cppwax.operators._collect import CollectBuilder
from cppwax.operators._stateful import StatefulBuilder
from cppwax.testing import cluster_main
from tests.python.bindings.keyed_forms import Form
from tests.python.flows import BatchSink, OnEachWorker, by_key
from tests.python.logics import batch_logic
from tests.python.scripted import fixed_sink

# More items than may be on their way to the sink.
MANY = 1 << 16
FEW = 1000
DUE_AFTER = timedelta(seconds=0.5)
PATIENCE = 30.0

# A key, and a value with the key in front: the sink is given values alone.
Item = tuple[str, tuple[str, Any]]


def item(key: str, value: Any) -> Item:
    return key, (key, value)


def run_on_two(flow: Dataflow) -> None:
    cluster_main(flow, [], 0, worker_count_per_proc=2, epoch_interval=timedelta(milliseconds=1))


@pytest.fixture(scope="module")
def keys() -> list[str]:
    """Give keys that worker 0 has."""
    names = [f"key {i}" for i in range(40)]
    sink = BatchSink()
    flow = Dataflow("flow")
    up = op.input("inp", flow, OnEachWorker(lambda _worker: [[(name, 0) for name in names]]))
    op.output("out", op.stateful_batch("step", up, batch_logic()), sink)
    run_on_two(flow)
    workers = sink.workers_of(lambda written: written[0])
    return [name for name in names if workers[name] == {0}]


@dataclass
class Meeting:
    """Has a batch wait for room, and one of the epoch before come then."""

    first: list[Item]
    ahead: list[Item]
    """More than the sink lets pass."""
    behind: list[Item]
    ticking: str
    """A key whose items make epochs go on."""
    epochs: dict[str, int] = field(default_factory=dict)
    written: list[Any] = field(default_factory=list)
    is_waiting: threading.Event = field(default_factory=threading.Event)
    has_come: threading.Event = field(default_factory=threading.Event)

    def run(self, form: Form) -> list[Any]:
        """Run a keyed step; gives what comes out."""
        flow = Dataflow("flow")
        up = op.input("inp", flow, OnEachWorker(self._batches))
        up = op.inspect_debug("epochs", up, self._see_epoch)
        split = op.branch("split", up, lambda given: given[0] == "hold")
        held = op.flat_map_batch("hold", split.trues, self._late)
        # No filter: that would be run together with the mapper, and let nobody in between.
        held = op.branch("drop", held, lambda given: given is not None).trues
        up = op.merge("merge", split.falses, held)
        up = op.inspect_debug("come", up, self._see_behind)
        up = op.stateful_batch("step", up, form.as_given())
        op.output("out", up, fixed_sink(part_fn=lambda _key: 1, write_batch=self._write))
        run_on_two(flow)
        return self.written

    def _batches(self, worker: int) -> Any:
        return [[("hold", None)]] if worker == 0 else self._of_worker_1()

    def _of_worker_1(self) -> Iterator[list[Any]]:
        yield self.first
        while not 0 < self.epochs.get("hold", 0) < self.epochs.get(self.ticking, 0):
            yield [item(self.ticking, "tick")]
        yield self.ahead

    def _see_epoch(self, _step: str, given: Item, epoch: int, _worker: int) -> None:
        self.epochs[given[0]] = epoch

    def _see_behind(self, _step: str, given: Item, epoch: int, _worker: int) -> None:
        if given in self.behind:
            self.has_come.set()

    def _late(self, _batch: list[Item]) -> Iterator[Item | None]:
        """Give what is dropped until what is behind is to come."""
        deadline = monotonic() + PATIENCE
        while not self.is_waiting.is_set() and monotonic() < deadline:
            yield None
        due = monotonic() + DUE_AFTER.total_seconds()
        while monotonic() < due:
            yield None
        yield from self.behind

    def _write(self, values: list[Any]) -> None:
        self.written += values
        if len(values) > FEW:
            self.is_waiting.set()
            self.has_come.wait(PATIENCE)


class Logic(StatefulLogic[Any, Any, Any]):
    """Emits values; some make it due soon, emit much, or let it be over."""

    def __init__(self, _state: Any) -> None:
        self.key = ""
        self.is_first = False
        self.due: datetime | None = None

    def on_item(self, value: tuple[str, str]) -> Any:
        self.key, what = value
        if what == "first":
            self.is_first = True
            self._put_off()
        emitted = repeat(value, MANY) if "many" in what else [value]
        return emitted, "over" in what

    def on_notify(self) -> Any:
        self.due = None
        if not self.is_first:
            return [(self.key, "due")], False
        # The machine is slow: it was not to be due yet.
        self._put_off()
        return [], False

    def on_eof(self) -> Any:
        return [(self.key, "end")], True

    def notify_at(self) -> datetime | None:
        return self.due

    def snapshot(self) -> Any:
        return None

    def _put_off(self) -> None:
        self.due = datetime.now(timezone.utc) + DUE_AFTER


@pytest.mark.parametrize("native", [True, False], ids=["native", "other"])
def test_logics_that_are_over_while_they_are_due(keys: list[str], native: bool) -> None:
    over, again, behind, ticking, *_ = keys
    meeting = Meeting(
        first=[item(over, "first"), item(again, "first")],
        ahead=[
            item(over, "over"),
            item(again, "many, over"),
            # There is no room any more, and what is behind comes.
            item(again, "anew"),
            item(behind, "over"),
        ],
        behind=[item(behind, "behind")],
        ticking=ticking,
    )
    out = by_key(meeting.run(Form(StatefulBuilder("flow.step", Logic), native)))
    assert out[over] == ["first", "over"]
    # The time of a logic that is over stays for the one that follows in the same batch.
    assert out[again] == ["first", *["many, over"] * MANY, "anew", "due", "end"]
    assert out[behind] == ["behind", "over"]


def test_lists_that_are_full_while_they_are_due(keys: list[str]) -> None:
    full, fill, behind, ticking, *_ = keys
    meeting = Meeting(
        first=[item(full, 0)],
        ahead=[item(full, 1), *(item(fill, i) for i in range(2 * MANY)), item(behind, 1)],
        behind=[item(behind, 0)],
        ticking=ticking,
    )
    lists = meeting.run(Form(CollectBuilder("flow.step", DUE_AFTER, 2), native=True))
    assert all(lists)
    out = by_key(value for values in lists for value in values)
    assert out[full] == out[behind] == [0, 1]
    assert out[fill] == [*range(2 * MANY)]
