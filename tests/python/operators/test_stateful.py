"""`stateful`: own state for each key, with a logic that takes values one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cppwax.operators as op
from cppwax.operators import StatefulLogic
from cppwax.testing import run_main
from tests.python.conftest import EntryPoint
from tests.python.flows import by_key, fails, fails_bare, few_examples, spread, through
from tests.python.logics import FUTURE, PAST, Log, calls, item_logic, raising


class CountTo(StatefulLogic):
    """Counts values; at the limit and at the end it emits the count and forgets the key."""

    def __init__(self, limit: int, seen: int) -> None:
        self.limit = limit
        self.seen = seen

    def on_item(self, value: Any) -> tuple[list[int], bool]:
        self.seen += 1
        if self.seen == self.limit:
            return [self.seen], StatefulLogic.DISCARD
        return [], StatefulLogic.RETAIN

    def on_eof(self) -> tuple[list[int], bool]:
        return [-self.seen], StatefulLogic.DISCARD

    def snapshot(self) -> int:
        return self.seen


def _step(builder: Any) -> Any:
    return lambda s: op.stateful("step", s, builder)


def _count_to(limit: int) -> Any:
    return _step(lambda state: CountTo(limit, state or 0))


def _run(run: EntryPoint, items: Any, batch: int = 1, **answers: Any) -> tuple[list[Any], Log]:
    log: Log = []
    return through(run, items, _step(item_logic(log, **answers)), batch), log


@pytest.mark.parametrize("batch", [1, 2, 10])
def test_gets_values_one_by_one_in_order(entry_point: EntryPoint, batch: int) -> None:
    out, log = _run(entry_point, [("a", i) for i in range(5)], batch)
    assert calls(log, "build", "on_item") == [
        ("build", None),
        *[("on_item", i) for i in range(5)],
    ]
    assert out == [("a", i) for i in range(5)]


@few_examples
@given(
    items=st.lists(st.tuples(st.sampled_from("abc"), st.none()), max_size=30),
    batch=st.integers(1, 10),
    limit=st.integers(1, 4),
)
def test_begins_anew_after_a_discard_also_within_a_batch(
    items: list[tuple[str, None]], batch: int, limit: int
) -> None:
    counts = {key: len(values) for key, values in by_key(items).items()}
    expected = {
        key: [limit] * (n // limit) + [-(n % limit)] * (n % limit > 0) for key, n in counts.items()
    }
    out = by_key(through(run_main, items, _count_to(limit), batch))
    assert out == {key: values for key, values in expected.items() if values}


def test_at_the_end_live_keys_are_called_sorted(run_one: EntryPoint) -> None:
    out = through(run_one, [(key, 0) for key in "cabcaa"], _count_to(3))
    assert out == [("a", 3), ("b", -1), ("c", -2)]


def test_without_items_nothing_is_called(entry_point: EntryPoint) -> None:
    assert _run(entry_point, []) == ([], [])


def test_only_on_item_and_snapshot_need_be_written(entry_point: EntryPoint) -> None:
    class Least(StatefulLogic):
        def on_item(self, value: int) -> tuple[list[int], bool]:
            return [value], self.RETAIN

        def snapshot(self) -> None:
            return None

    assert through(entry_point, [("a", 1)], _step(lambda state: Least())) == [("a", 1)]


def test_snapshot_is_not_called_without_recovery(entry_point: EntryPoint) -> None:
    _, log = _run(entry_point, [("a", 1)], snapshot=raising(ValueError("not wanted")))
    assert calls(log, "snapshot") == []


def test_all_items_of_a_key_meet_one_logic(entry_point: EntryPoint) -> None:
    out = spread(entry_point, _count_to(1000))
    assert out == {key: [-5 * entry_point.workers] for key in "abcdef"}


@pytest.mark.parametrize("emit", [[1], (1,), {1}, {1: 2}, range(1, 2), "x"], ids=repr)
def test_on_item_can_emit_any_iterable(entry_point: EntryPoint, emit: Any) -> None:
    out, _ = _run(entry_point, [("a", 0)], on_item=(emit, False))
    assert out == [("a", value) for value in emit]


def test_on_item_can_emit_a_generator(entry_point: EntryPoint) -> None:
    out, _ = _run(entry_point, [("a", 2)], on_item=lambda n: ((i for i in range(n)), False))
    assert out == [("a", 0), ("a", 1)]


@pytest.mark.parametrize("emit", [None, 5])
def test_on_item_must_emit_an_iterable(entry_point: EntryPoint, emit: Any) -> None:
    with fails(TypeError):
        _run(entry_point, [("a", 0)], on_item=(emit, False))


@pytest.mark.parametrize("emit", ["ab", {1}, {1: 2}, iter([1]), None])
@pytest.mark.parametrize("method", ["on_notify", "on_eof"])
def test_the_other_methods_must_emit_a_sequence(
    entry_point: EntryPoint, method: str, emit: Any
) -> None:
    with fails(TypeError):
        _run(entry_point, [("a", 0)], **{"notify_at": PAST, method: (emit, False)})


@pytest.mark.parametrize("result", [None, 5, ([],), ([], False, 1)])
@pytest.mark.parametrize("method", ["on_item", "on_notify", "on_eof"])
def test_a_result_that_is_no_pair_is_refused(
    entry_point: EntryPoint, method: str, result: Any
) -> None:
    with fails(TypeError, "2-tuple"):
        _run(entry_point, [("a", 0)], **{"notify_at": PAST, method: result})


@pytest.mark.parametrize("is_complete", [0, 1, None, "yes"])
@pytest.mark.parametrize("method", ["on_item", "on_notify", "on_eof"])
def test_is_complete_must_be_a_real_bool(
    entry_point: EntryPoint, method: str, is_complete: Any
) -> None:
    with fails(TypeError, "`bool`"):
        _run(entry_point, [("a", 0)], **{"notify_at": PAST, method: ([], is_complete)})


@pytest.mark.parametrize("at", [5, "now", PAST.replace(tzinfo=None)])
def test_notify_at_must_be_a_time_with_a_time_zone(entry_point: EntryPoint, at: Any) -> None:
    with fails(TypeError):
        _run(entry_point, [("a", 0)], notify_at=at)


@pytest.mark.parametrize("method", ["on_item", "on_notify", "on_eof", "notify_at"])
def test_an_error_of_a_method_ends_the_run(entry_point: EntryPoint, method: str) -> None:
    answers = {"notify_at": PAST, method: raising(ValueError("my own"))}
    with fails(ValueError, "my own"):
        _run(entry_point, [("a", 0)], **answers)


def test_an_error_of_the_builder_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ValueError, "my own"):
        through(entry_point, [("a", 0)], _step(raising(ValueError("my own"))))


@pytest.mark.parametrize("logic", [None, 5, object()])
def test_a_builder_that_gives_no_logic_ends_the_run(entry_point: EntryPoint, logic: Any) -> None:
    with fails(TypeError, "StatefulLogic"):
        through(entry_point, [("a", 0)], _step(lambda state: logic))


@pytest.mark.parametrize("item", [None, 5, "ab", ["a", 1], ("a",), (1, 1)])
def test_an_item_that_is_no_keyed_pair_is_refused_bare(entry_point: EntryPoint, item: Any) -> None:
    with fails_bare(TypeError, "flow.step"):
        _run(entry_point, [item])


def test_a_time_that_is_due_is_told(entry_point: EntryPoint) -> None:
    times = iter([PAST])
    out, _ = _run(
        entry_point, [("a", 1)], on_notify=(["due"], True), notify_at=lambda: next(times, None)
    )
    assert out == [("a", 1), ("a", "due")]


def test_a_time_to_come_is_dropped_at_the_end(entry_point: EntryPoint) -> None:
    _, log = _run(entry_point, [("a", 0)], notify_at=FUTURE)
    assert calls(log, "on_notify") == []
