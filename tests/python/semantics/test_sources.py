"""How sources are called, and what they may answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.inputs import AbortExecution, SimplePollingSource
from cppwax.testing import TestingSink, TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import Timed, fails, from_source
from tests.python.logics import Log, calls, raising
from tests.python.scripted import dynamic_sink, dynamic_source, ending, fixed_source

_PAST = datetime(2000, 1, 1, tzinfo=timezone.utc)


def _read(run: EntryPoint, source: Any) -> list[Any]:
    return from_source(run, source, lambda s: s)


def test_a_partition_is_built_then_asked_when_and_what(run_one: EntryPoint) -> None:
    log: Log = []
    assert _read(run_one, fixed_source(log, next_batch=ending([1], [2, 3]))) == [1, 2, 3]
    assert log == [
        ("list_parts",),
        ("build_part", "flow.inp", "part", None),
        *[("next_awake",), ("next_batch",)] * 3,
        ("close",),
    ]


def test_a_dynamic_source_is_built_then_asked_when_and_what(run_one: EntryPoint) -> None:
    log: Log = []
    assert _read(run_one, dynamic_source(log, next_batch=ending([1], [2, 3]))) == [1, 2, 3]
    assert log == [
        ("build", "flow.inp", 0, 1),
        *[("next_awake",), ("next_batch",)] * 3,
        ("close",),
    ]


def test_sources_are_built_before_sinks_and_nothing_is_read_before(run_one: EntryPoint) -> None:
    log: Log = []
    flow = Dataflow("flow")
    s = op.input("inp", flow, dynamic_source(log, next_batch=ending([1])))
    op.output("out", s, dynamic_sink(log))
    run_one(flow)
    assert [name for name, *_ in calls(log, "build", "next_batch")][:3] == [
        *("build", "build", "next_batch")
    ]
    assert [step for _, step, *_ in calls(log, "build")] == ["flow.inp", "flow.out"]


@pytest.mark.parametrize("batch", [[1, 2], (1, 2), {1: 0, 2: 0}, range(1, 3)])
def test_a_batch_may_be_any_iterable(entry_point: EntryPoint, batch: Any) -> None:
    for source in (fixed_source, dynamic_source):
        assert _read(entry_point, source(next_batch=ending(batch))) == [1, 2]


def test_a_generator_is_drained_at_once(run_one: EntryPoint) -> None:
    log: list[Any] = []

    def numbers() -> Any:
        for i in range(3):
            log.append(i)
            yield i

    lengths: list[int] = []

    def step(s: Any) -> Any:
        return op.flat_map_batch("lengths", s, lambda xs: lengths.append(len(xs)) or xs)

    source = fixed_source(next_batch=ending(numbers, lambda: log.append("next") or []))
    assert from_source(run_one, source, step) == [0, 1, 2]
    assert log == [0, 1, 2, "next"]
    assert lengths == [3]


def test_a_list_that_is_used_again_is_copied(entry_point: EntryPoint) -> None:
    reused: list[int] = []

    def give(i: int) -> Callable[[], list[int]]:
        def batch() -> list[int]:
            reused[:] = [i]
            return reused

        return batch

    assert _read(entry_point, fixed_source(next_batch=ending(*map(give, range(5))))) == [*range(5)]


@pytest.mark.parametrize("batch", [None, 5])
def test_a_batch_that_is_no_iterable_is_refused(entry_point: EntryPoint, batch: Any) -> None:
    for source in (fixed_source, dynamic_source):
        with fails(TypeError, step="flow.inp"):
            _read(entry_point, source(next_batch=ending(batch)))


def test_an_error_in_a_generator_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError, step="flow.inp"):
        _read(entry_point, fixed_source(next_batch=ending(lambda: (1 / i for i in (1, 0)))))


def test_what_came_before_an_error_is_written(run_one: EntryPoint) -> None:
    out: list[int] = []
    flow = Dataflow("flow")
    batches = [[i] for i in range(100)]
    source = fixed_source(next_batch=ending(*batches, raising(ValueError("broken"))))
    op.output("out", op.input("inp", flow, source), TestingSink(out))
    with fails(ValueError, "broken", step="flow.inp"):
        run_one(flow)
    assert out == [*range(100)]


def test_abort_ends_the_run_at_once_without_an_exception(entry_point: EntryPoint) -> None:
    log: Log = []
    source = fixed_source(log, next_batch=ending([("a", 1)], raising(AbortExecution()), [("a", 2)]))

    def step(s: Any) -> Any:
        return op.fold_final("fold", s, int, lambda total, value: total + value)

    assert from_source(entry_point, source, step) == []
    assert len(calls(log, "next_batch")) == 2
    assert len(calls(log, "close")) == 1


def test_abort_of_one_source_ends_the_others(entry_point: EntryPoint) -> None:
    flow = Dataflow("flow")
    endless = dynamic_source(next_batch=lambda: [1])
    aborting = fixed_source(next_batch=ending([2], [3], raising(AbortExecution())))
    for name, source in {"endless": endless, "aborting": aborting}.items():
        op.inspect(f"see_{name}", op.input(name, flow, source), lambda _id, _x: None)
    entry_point(flow)


def test_a_source_is_not_polled_before_the_time_it_gave(entry_point: EntryPoint) -> None:
    due = datetime.now(timezone.utc) + timedelta(seconds=0.2)
    polled: list[datetime] = []

    def batch() -> list[int]:
        polled.append(datetime.now(timezone.utc))
        return [len(polled)]

    assert _read(entry_point, fixed_source(next_awake=due, next_batch=ending(batch, batch))) == [
        *(1, 2)
    ]
    assert due <= polled[0] <= polled[1] < due + timedelta(seconds=10)


@pytest.mark.parametrize("awake", [None, _PAST, datetime.min.replace(tzinfo=timezone.utc)])
def test_none_and_a_past_time_are_now(entry_point: EntryPoint, awake: Any) -> None:
    batches = [[i] for i in range(100)]
    begin = datetime.now(timezone.utc)
    out = _read(entry_point, fixed_source(next_awake=awake, next_batch=ending(*batches)))
    assert out == [*range(100)]
    assert datetime.now(timezone.utc) - begin < timedelta(seconds=10)


def test_a_time_zone_is_taken_into_account(entry_point: EntryPoint) -> None:
    zone = timezone(timedelta(hours=5))
    awake = (datetime.now(timezone.utc) - timedelta(seconds=1)).astimezone(zone)
    assert _read(entry_point, fixed_source(next_awake=awake, next_batch=ending([1]))) == [1]


def test_an_idle_source_is_not_polled_all_the_time(entry_point: EntryPoint) -> None:
    polled: list[datetime] = []

    def batch() -> list[int]:
        polled.append(datetime.now(timezone.utc))
        if polled[-1] - polled[0] > timedelta(seconds=0.3):
            raise StopIteration()
        return []

    assert _read(entry_point, fixed_source(next_batch=batch)) == []
    assert 2 <= len(polled) < 310


@pytest.mark.parametrize(
    "awake", [5, "now", _PAST.replace(tzinfo=None), timedelta(0), _PAST.date()]
)
def test_another_kind_of_time_is_refused(entry_point: EntryPoint, awake: Any) -> None:
    for source in (fixed_source, dynamic_source):
        with fails(TypeError, step="flow.inp"):
            _read(entry_point, source(next_awake=awake, next_batch=ending([1])))


def test_without_recovery_no_snapshot_is_asked_for(entry_point: EntryPoint) -> None:
    log: Log = []
    source = fixed_source(
        log, next_batch=ending([1], [2]), snapshot=raising(ValueError("unwanted"))
    )
    flow = Dataflow("flow")
    op.output("out", op.input("inp", flow, source), TestingSink([]))
    entry_point(flow, epoch_interval=timedelta(0))
    assert calls(log, "snapshot") == []


@pytest.mark.parametrize(
    "last",
    [[], [raising(AbortExecution())], [raising(ValueError())]],
    ids=["end", "abort", "error"],
)
def test_partitions_are_closed_once_however_it_ends(entry_point: EntryPoint, last: Any) -> None:
    for source in (fixed_source, dynamic_source):
        log: Log = []
        try:
            _read(entry_point, source(log, next_batch=ending([1], *last)))
        except RuntimeError:
            assert last
        built = calls(log, "build", "build_part")
        assert len(calls(log, "close")) == len(built) > 0


def test_an_error_of_close_ends_the_run(entry_point: EntryPoint) -> None:
    for source in (fixed_source, dynamic_source):
        with fails(ValueError, "my own", step="flow.inp"):
            _read(entry_point, source(close=raising(ValueError("my own"))))


def test_an_error_before_that_of_close_is_the_one_told(entry_point: EntryPoint) -> None:
    for source in (fixed_source, dynamic_source):
        with fails(KeyError, step="flow.inp"):
            _read(entry_point, source(next_batch=raising(KeyError()), close=raising(ValueError())))


def test_partitions_are_closed_when_another_step_fails(entry_point: EntryPoint) -> None:
    log: Log = []
    with fails(ZeroDivisionError):
        from_source(
            entry_point,
            fixed_source(log, next_batch=lambda: [1]),
            lambda s: op.map("step", s, lambda x: x / 0),
        )
    assert len(calls(log, "close")) == 1


def test_a_partition_that_is_listed_twice_is_read_once(entry_point: EntryPoint) -> None:
    source = fixed_source(list_parts=["part", "part"], next_batch=ending([1]))
    assert _read(entry_point, source) == [1]


def test_no_partitions_are_the_end(entry_point: EntryPoint) -> None:
    log: Log = []
    assert _read(entry_point, fixed_source(log, list_parts=[])) == []
    assert calls(log, "build_part") == []


@pytest.mark.parametrize("parts", [None, 5, "part", ["part", 1], [None], {"part"}])
def test_partitions_that_are_no_list_of_names_are_refused(
    entry_point: EntryPoint, parts: Any
) -> None:
    with fails(TypeError, step="flow.inp"):
        _read(entry_point, fixed_source(list_parts=parts))


@pytest.mark.parametrize("part", [None, 5, object()])
def test_what_is_built_must_be_a_partition(entry_point: EntryPoint, part: Any) -> None:
    with fails(TypeError, "StatefulSourcePartition", step="flow.inp"):
        _read(entry_point, fixed_source(build_part=part))
    with fails(TypeError, "StatelessSourcePartition", step="flow.inp"):
        _read(entry_point, dynamic_source(build=part))


@pytest.mark.parametrize("method", ["list_parts", "build_part", "next_batch", "next_awake"])
def test_an_error_of_a_fixed_source_ends_the_run(entry_point: EntryPoint, method: str) -> None:
    with fails(ValueError, "my own", step="flow.inp"):
        _read(entry_point, fixed_source(**{method: raising(ValueError("my own"))}))


@pytest.mark.parametrize("method", ["build", "next_batch", "next_awake"])
def test_an_error_of_a_dynamic_source_ends_the_run(entry_point: EntryPoint, method: str) -> None:
    with fails(ValueError, "my own", step="flow.inp"):
        _read(entry_point, dynamic_source(**{method: raising(ValueError("my own"))}))


class _Polled(SimplePollingSource[Any]):
    def __init__(self, *answers: Any) -> None:
        super().__init__(timedelta(seconds=0.05))
        self.answers = iter(answers)
        self.times: list[datetime] = []

    def next_item(self) -> Any:
        self.times.append(datetime.now(timezone.utc))
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_polling_source_gives_an_item_an_interval(entry_point: EntryPoint) -> None:
    source = _Polled(1, None, 2)
    assert _read(entry_point, source) == [1, 2]
    gaps = [b - a for a, b in zip(source.times, source.times[1:], strict=False)]
    # The time of a call is its due time or later, so the last gap may be shorter.
    assert sum(gaps, timedelta(0)) >= timedelta(seconds=0.1)


def test_a_polling_source_may_ask_to_be_called_again(entry_point: EntryPoint) -> None:
    retry = SimplePollingSource.Retry(timedelta(seconds=0.2))
    source = _Polled(1, retry, 2)
    assert _read(entry_point, source) == [1, 2]
    assert source.times[2] - source.times[0] >= timedelta(seconds=0.2)


def test_a_failed_polling_source_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ValueError, "broken", step="flow.inp"):
        _read(entry_point, _Polled(1, ValueError("broken")))


def test_batches_come_when_they_are_due(entry_point: EntryPoint) -> None:
    begin = datetime.now(timezone.utc)
    assert _read(entry_point, Timed([(0, [1]), (0.2, [2]), (0.2, [3])])) == [1, 2, 3]
    assert datetime.now(timezone.utc) - begin >= timedelta(seconds=0.4)


def test_pauses_of_a_testing_source_lose_nothing(entry_point: EntryPoint) -> None:
    pause = TestingSource.PAUSE(timedelta(seconds=0.1))
    assert _read(entry_point, TestingSource([1, pause, 2, pause, 3], 2)) == [1, 2, 3]
