"""`EventClock(watermark="worker")`: in flows, in both forms, against the model."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import get_ident
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cppwax.operators as op
import cppwax.operators.windowing as w
from cppwax.dataflow import Dataflow
from cppwax.inputs import AbortExecution, FixedPartitionedSource, StatefulSourcePartition
from cppwax.operators.windowing import ZERO_TD
from cppwax.operators.windowing._driver import WindowDriver
from cppwax.recovery import RecoveryConfig, init_db_dir
from cppwax.testing import TestingSink, TestingSource, cluster_main, run_main
from tests.python.flows import few_examples, very_few_examples
from tests.python.operators.windowing.keyed import ZERO, Now, at, span, told
from tests.python.operators.windowing.model import Gap, Grid, WorkerModel

SEEDS = st.integers(0, 2**32)
Batch = tuple[int, list[tuple[str, tuple[int, int]]]]
"""The system time at which it comes, and its items; a value is a time and a number."""
EACH_BATCH = timedelta(0)
KEYS = "abcdefgh"
KINDS = {"down": "E", "late": "L", "meta": "M"}


class Tumbling(w.TumblingWindower):
    """Has no native form, nor have the two others."""


class Sliding(w.SlidingWindower):
    """A subclass."""


class Sessions(w.SessionWindower):
    """A subclass."""


@dataclass
class Case:
    """A window step, and what comes to it: batches of items, each at a system time."""

    wait: int
    idle_after: int
    windows: Grid | Gap
    ordered: bool
    batches: list[Batch] = field(default_factory=list)

    def windower(self, native: bool) -> w.Windower[Any]:
        if isinstance(self.windows, Gap):
            return (w.SessionWindower if native else Sessions)(span(self.windows.gap))
        length, offset = span(self.windows.length), span(self.windows.offset)
        if length == offset:
            return (w.TumblingWindower if native else Tumbling)(length, ZERO)
        return (w.SlidingWindower if native else Sliding)(length, offset, ZERO)

    def model(self) -> WorkerModel:
        return WorkerModel(self.wait, self.windows, self.ordered, self.idle_after)


def make_case(rng: random.Random) -> Case:
    length = rng.randint(1, 20)
    grid = Grid(length, rng.choice((length, max(1, length // rng.randint(2, 5)))))
    case = Case(
        wait=rng.choice((0, rng.randint(0, 30))),
        idle_after=rng.choice((0, 0, rng.randint(1, 30))),
        windows=rng.choice((grid, Gap(rng.randint(0, 15)))),
        ordered=rng.random() < 0.5,
    )
    now = front = number = 0
    for _ in range(rng.randint(1, 12)):
        now += rng.choice((0, 1, 7, 40))
        items = []
        for _ in range(rng.randint(1, 6)):
            front += rng.choice((0, 1, 2, 15))
            time = front - rng.choice((0, 3, 30))
            items.append((rng.choice(KEYS), (time, number)))
            number += 1
        case.batches.append((now, items))
    return case


@dataclass
class Source(FixedPartitionedSource[Any, int]):
    """Sets the time with each batch; aborts before one of them, if told."""

    case: Case
    now: Now
    abort_before: int | None = None

    def list_parts(self) -> list[str]:
        return ["all"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Any:
        return Part(self, resume_state or 0)


@dataclass
class Part(StatefulSourcePartition[Any, int]):
    source: Source
    position: int
    has_begun: bool = False

    def next_batch(self) -> list[Any]:
        # An epoch on its own: what is due at a resume is done on all workers before time goes on.
        if not self.has_begun:
            self.has_begun = True
            return []
        if self.position == self.source.abort_before:
            raise AbortExecution
        if self.position == len(self.source.case.batches):
            raise StopIteration
        self.source.now.seconds, items = self.source.case.batches[self.position]
        self.position += 1
        return items

    def snapshot(self) -> int:
        return self.position


@cache
def groups(workers: int) -> list[str]:
    """Tell which of the keys are on a worker together."""
    threads: list[tuple[str, int]] = []
    flow = Dataflow("flow")
    items = op.input("inp", flow, TestingSource([(key, None) for key in KEYS]))
    noted = op.stateful_map("noted", items, lambda state, value: (0, get_ident()))
    op.output("out", noted, TestingSink(threads))
    cluster_main(flow, [], 0, worker_count_per_proc=workers)
    on = defaultdict(list)
    for key, thread in threads:
        on[thread].append(key)
    return ["".join(keys) for keys in on.values()]


@dataclass
class Form:
    """How a case is run."""

    native: bool
    workers: int = 1
    abort_before: int | None = None
    store: RecoveryConfig | None = None


Out = dict[str, list[Any]]
Events = dict[tuple[str, str], list[Any]]


def run(case: Case, form: Form, out: Out) -> None:
    source = Source(case, Now(), form.abort_before)
    clock = w.EventClock(
        lambda value: at(value[0]),
        span(case.wait),
        source.now,
        # Else the step would look when it likes.
        lambda when: None,
        watermark="worker",
        idle_after=span(case.idle_after),
    )
    flow = Dataflow("flow")
    items = op.input("inp", flow, source)
    windower = case.windower(form.native)
    windows = w.collect_window("step", items, clock, windower, ordered=case.ordered)
    for stream in KINDS:
        into = out.setdefault(stream, [])
        op.output(stream, getattr(windows, stream), TestingSink(into))
    cluster_main(
        flow,
        [],
        0,
        worker_count_per_proc=form.workers,
        epoch_interval=EACH_BATCH,
        recovery_config=form.store,
    )


def events_of(out: Out) -> Events:
    """Give what each key emitted of each kind, in order."""
    events = defaultdict(list)
    for stream, items in out.items():
        for key, (window_id, value) in items:
            events[key, KINDS[stream]].append((window_id, told(value)))
    return dict(events)


def feed(models: dict[str, WorkerModel], batches: list[Batch]) -> None:
    for now, items in batches:
        for keys, model in models.items():
            if own := [(key, (value[0], value)) for key, value in items if key in keys]:
                model.batch(now, own)


def expected(*models: WorkerModel) -> Events:
    events = defaultdict(list)
    for model in models:
        for key, of_key in model.events.items():
            for window_id, kind, value in of_key:
                events[key, kind].append((window_id, value))
    return dict(events)


def model_run(case: Case, workers: int) -> Events:
    models = {keys: case.model() for keys in groups(workers)}
    feed(models, case.batches)
    for model in models.values():
        model.eof()
    return expected(*models.values())


@settings(few_examples, max_examples=100)
@given(SEEDS, st.booleans(), st.sampled_from([1, 3]))
def test_does_what_the_model_does(seed: int, native: bool, workers: int) -> None:
    case, out = make_case(random.Random(seed)), Out()
    run(case, Form(native, workers), out)
    assert events_of(out) == model_run(case, workers)


def test_it_matters_whose_values_count() -> None:
    cases = [make_case(random.Random(seed)) for seed in range(20)]
    as_if_alone = []
    for case in cases:
        models = {key: case.model() for key in KEYS}
        feed(models, case.batches)
        for model in models.values():
            model.eof()
        as_if_alone.append(expected(*models.values()))
    assert sum(model_run(c, 1) != alone for c, alone in zip(cases, as_if_alone, strict=True)) > 5


def stopped(case: Case, at_batch: int, forms: tuple[Form, Form]) -> Events:
    """Run a case up to a batch, and on from there."""
    out = Out()
    with TemporaryDirectory() as folder:
        init_db_dir(Path(folder), 2)
        store = RecoveryConfig(folder)
        run(case, replace(forms[0], abort_before=at_batch, store=store), out)
        run(case, replace(forms[1], store=store), out)
    return events_of(out)


FORMS = st.tuples(st.booleans(), st.booleans())


@settings(very_few_examples, max_examples=20)
@given(SEEDS, FORMS, st.sampled_from([1, 3]))
def test_a_restart_changes_nothing(seed: int, natives: tuple[bool, bool], workers: int) -> None:
    rng = random.Random(seed)
    case = make_case(rng)
    forms = Form(natives[0], workers), Form(natives[1], workers)
    seen = stopped(case, rng.randrange(len(case.batches)), forms)
    assert seen == model_run(case, workers)


@settings(very_few_examples, max_examples=20)
@given(SEEDS, FORMS, st.sampled_from([(1, 3), (3, 1), (2, 3)]))
def test_on_other_workers_what_its_keys_knew_counts(
    seed: int, natives: tuple[bool, bool], workers: tuple[int, int]
) -> None:
    rng = random.Random(seed)
    case = replace(make_case(rng), idle_after=0)
    at_batch = rng.randrange(len(case.batches))
    before = {keys: case.model() for keys in groups(workers[0])}
    feed(before, case.batches[:at_batch])
    after = {keys: case.model() for keys in groups(workers[1])}
    for keys, model in after.items():
        model.take(list(before.values()), keys)
    feed(after, case.batches[at_batch:])
    for model in after.values():
        model.eof()
    forms = Form(natives[0], workers[0]), Form(natives[1], workers[1])
    assert stopped(case, at_batch, forms) == joined(
        expected(*before.values()), expected(*after.values())
    )


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize(("came", "are_all_over"), [(20, True), (5, False)])
def test_what_keys_tell_each_other_is_done_before_the_first_batch(
    native: bool, came: int, are_all_over: bool
) -> None:
    ahead, behind = (keys[0] for keys in groups(2))
    case = Case(0, 0, Grid(10, 10), ordered=False)
    case.batches = [(0, [(ahead, (100, 0))]), (came, [(behind, (5, 1))]), (30, [(behind, (7, 2))])]
    seen = stopped(case, 2, (Form(native, 2), Form(native, 1)))
    # Where no key is left there is no watermark, and the last value is not late.
    late, windows = [(0, (7, 2))], [(0, [(5, 1)])]
    if are_all_over:
        late, windows = [], [*windows, (0, [(7, 2)])]
    assert (seen.get((behind, "L"), []), seen[behind, "E"]) == (late, windows)
    assert seen[ahead, "E"] == [(10, [(100, 0)])]


def joined(*runs: Events) -> Events:
    events = defaultdict(list)
    for one in runs:
        for of, values in one.items():
            events[of] += values
    return dict(events)


@pytest.mark.parametrize("emit", ["close", "update", span(100)])
@pytest.mark.parametrize("watermark", ["key", "worker"])
def test_is_native(monkeypatch: pytest.MonkeyPatch, watermark: Any, emit: Any) -> None:
    monkeypatch.setattr(WindowDriver, "__init__", None)
    out: list[Any] = []
    flow = Dataflow("flow")
    items = op.input("inp", flow, TestingSource([("a", (1, 0)), ("b", (31, 1))]))
    clock = w.EventClock(lambda value: at(value[0]), ZERO_TD, watermark=watermark)
    windows = w.collect_window("step", items, clock, w.SessionWindower(span(10)), emit=emit)
    op.output("out", windows.down, TestingSink(out))
    run_main(flow)
    assert out[-2:] == [("a", (0, [(1, 0)])), ("b", (0, [(31, 1)]))]
