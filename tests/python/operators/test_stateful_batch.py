"""`stateful_batch`: own state for each key, with all that the engine offers."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

import cppwax.operators as op
from cppwax.operators import StatefulBatchLogic
from tests.python.conftest import EntryPoint
from tests.python.flows import by_key, fails, fails_bare, spread, through
from tests.python.logics import FUTURE, PAST, Log, batch_logic, calls, item_logic, raising


def _step(builder: Any) -> Any:
    return lambda s: op.stateful_batch("step", s, builder)


def _run(run: EntryPoint, items: Any, batch: int = 1, **answers: Any) -> tuple[list[Any], Log]:
    log: Log = []
    return through(run, items, _step(batch_logic(log, **answers)), batch), log


def test_gets_the_values_of_a_key_in_a_batch_together_in_order(entry_point: EntryPoint) -> None:
    items = [("a", 1), ("b", 2), ("a", 3), ("b", 4), ("a", 5)]
    _, log = _run(entry_point, items, batch=3)
    assert sorted(calls(log, "on_batch")) == [
        *[("on_batch", [1, 3]), ("on_batch", [2]), ("on_batch", [4]), ("on_batch", [5])]
    ]


def test_batches_of_the_source_are_not_joined(entry_point: EntryPoint) -> None:
    _, log = _run(entry_point, [("a", i) for i in range(5)], batch=2)
    assert calls(log, "on_batch") == [("on_batch", [0, 1]), ("on_batch", [2, 3]), ("on_batch", [4])]


def test_emits_with_the_key_what_is_returned_in_order(entry_point: EntryPoint) -> None:
    out, _ = _run(entry_point, [("a", 1), ("a", 2)], on_batch=lambda vs: ([*vs, "x"], False))
    assert out == [("a", 1), ("a", "x"), ("a", 2), ("a", "x")]
    assert all(type(item) is tuple for item in out)


def test_is_built_with_none_at_the_first_item_of_a_key(entry_point: EntryPoint) -> None:
    _, log = _run(entry_point, [("a", 1), ("a", 2), ("a", 3)])
    assert [entry[0] for entry in calls(log, "build", "on_batch")] == [
        *("build", "on_batch", "on_batch", "on_batch")
    ]
    assert calls(log, "build") == [("build", None)]


def test_each_key_has_a_logic_of_its_own(entry_point: EntryPoint) -> None:
    class Total(StatefulBatchLogic):
        def __init__(self, state: int | None) -> None:
            self.total = state or 0

        def on_batch(self, values: list[int]) -> tuple[list[int], bool]:
            self.total += sum(values)
            return [self.total], StatefulBatchLogic.RETAIN

        def snapshot(self) -> int:
            return self.total

    out = through(entry_point, [("a", 1), ("b", 5), ("a", 2), ("b", 6)], _step(Total))
    assert by_key(out) == {"a": [1, 3], "b": [5, 11]}


def test_a_discarded_key_is_built_anew(entry_point: EntryPoint) -> None:
    _, log = _run(entry_point, [("a", 1), ("a", 2)], on_batch=lambda vs: (vs, True))
    assert log == [("build", None), ("on_batch", [1]), ("build", None), ("on_batch", [2])]


def test_at_the_end_live_keys_are_called_sorted(run_one: EntryPoint) -> None:
    class Last(StatefulBatchLogic):
        def on_batch(self, values: list[str]) -> tuple[list[str], bool]:
            self.last = values[-1]
            return [], self.last == "gone"

        def on_eof(self) -> tuple[list[str], bool]:
            return [self.last], self.RETAIN

        def snapshot(self) -> str:
            return self.last

    items = [("c", "1"), ("é", "2"), ("a", "3"), ("b", "gone"), ("Z", "4")]
    out = through(run_one, items, _step(lambda state: Last()))
    assert out == [("Z", "4"), ("a", "3"), ("c", "1"), ("é", "2")]


def test_the_end_may_discard_and_comes_once(entry_point: EntryPoint) -> None:
    out, log = _run(entry_point, [("a", 1)], on_eof=([7, 8], True))
    assert out == [("a", 1), ("a", 7), ("a", 8)]
    assert len(calls(log, "on_eof")) == 1


def test_without_items_nothing_is_called(entry_point: EntryPoint) -> None:
    assert _run(entry_point, []) == ([], [])


def test_only_on_batch_and_snapshot_need_be_written(entry_point: EntryPoint) -> None:
    class Least(StatefulBatchLogic):
        def on_batch(self, values: list[int]) -> tuple[list[int], bool]:
            return values, self.RETAIN

        def snapshot(self) -> None:
            return None

    assert through(entry_point, [("a", 1)], _step(lambda state: Least())) == [("a", 1)]


def test_snapshot_is_not_called_without_recovery(entry_point: EntryPoint) -> None:
    out, log = _run(entry_point, [("a", 1)], snapshot=raising(ValueError("not wanted")))
    assert out == [("a", 1)]
    assert calls(log, "snapshot") == []


def test_notify_at_is_asked_after_a_call_for_keys_that_are_kept(run_one: EntryPoint) -> None:
    _, log = _run(run_one, [("a", 1)])
    assert [entry[0] for entry in log] == ["build", "on_batch", "notify_at", "on_eof", "notify_at"]
    _, log = _run(run_one, [("a", 1)], on_batch=lambda vs: (vs, True))
    assert [entry[0] for entry in log] == ["build", "on_batch"]


def test_the_list_of_values_is_the_logics_own(entry_point: EntryPoint) -> None:
    lists: list[list[int]] = []

    def clear(values: list[int]) -> tuple[list[int], bool]:
        values.clear()
        return values, False

    def keep(values: list[int]) -> tuple[list[int], bool]:
        assert type(values) is list
        lists.append(values)
        return values, False

    def step(s: Any) -> Any:
        cleared = op.stateful_batch("cleared", s, batch_logic(on_batch=clear))
        kept = op.stateful_batch("kept", s, batch_logic(on_batch=keep))
        return op.merge("both", cleared, kept)

    out = through(entry_point, [("a", i) for i in range(4)], step, 2)
    assert out == [("a", i) for i in range(4)]
    assert lists == [[0, 1], [2, 3]]


def test_a_logic_may_return_the_same_list_again_and_again(entry_point: EntryPoint) -> None:
    reused: list[int] = []

    def on_batch(values: list[int]) -> tuple[list[int], bool]:
        reused[:] = [value * 10 for value in values]
        return reused, False

    out, _ = _run(entry_point, [("a", i) for i in range(4)], on_batch=on_batch)
    assert out == [("a", 0), ("a", 10), ("a", 20), ("a", 30)]


def test_all_items_of_a_key_meet_one_logic(entry_point: EntryPoint) -> None:
    out = spread(entry_point, _step(batch_logic()))
    expected = sorted([*range(5)] * entry_point.workers)
    assert {key: sorted(values) for key, values in out.items()} == dict.fromkeys("abcdef", expected)


@pytest.mark.parametrize("emit", [[], (), range(0), [1], (1,), range(1)])
@pytest.mark.parametrize("method", ["on_batch", "on_notify", "on_eof"])
def test_any_sequence_can_be_emitted(run_one: EntryPoint, method: str, emit: Any) -> None:
    asked: list[None] = []

    def once() -> Any:
        asked.append(None)
        return PAST if len(asked) == 1 else None

    answers = {"on_batch": ([], False), method: (emit, False), "notify_at": once}
    out, _ = _run(run_one, [("a", 0)], **answers)
    assert out == [("a", value) for value in emit]


_NO_SEQUENCES = ["ab", {1}, {1: 2}, iter([1]), None, 5]


@pytest.mark.parametrize("emit", _NO_SEQUENCES, ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("method", ["on_batch", "on_notify", "on_eof"])
def test_anything_else_is_refused(entry_point: EntryPoint, method: str, emit: Any) -> None:
    with fails(TypeError):
        _run(entry_point, [("a", 0)], **{"notify_at": PAST, method: (emit, False)})


@pytest.mark.parametrize("result", [None, 5, [[], False], ([],), ([], False, 1)])
@pytest.mark.parametrize("method", ["on_batch", "on_notify", "on_eof"])
def test_a_result_that_is_no_pair_is_refused(
    entry_point: EntryPoint, method: str, result: Any
) -> None:
    with fails(TypeError, "2-tuple"):
        _run(entry_point, [("a", 0)], **{"notify_at": PAST, method: result})


@pytest.mark.parametrize("is_complete", [0, 1, None, "yes"])
@pytest.mark.parametrize("method", ["on_batch", "on_notify", "on_eof"])
def test_is_complete_must_be_a_real_bool(
    entry_point: EntryPoint, method: str, is_complete: Any
) -> None:
    with fails(TypeError, "`bool`"):
        _run(entry_point, [("a", 0)], **{"notify_at": PAST, method: ([], is_complete)})


@pytest.mark.parametrize("at", [5, "now", False, PAST.date(), PAST.replace(tzinfo=None)])
def test_notify_at_must_be_a_time_with_a_time_zone(entry_point: EntryPoint, at: Any) -> None:
    with fails(TypeError):
        _run(entry_point, [("a", 0)], notify_at=at)


@pytest.mark.parametrize("method", ["on_batch", "on_notify", "on_eof", "notify_at"])
def test_an_error_of_a_method_ends_the_run(entry_point: EntryPoint, method: str) -> None:
    answers = {"notify_at": PAST, method: raising(ValueError("my own"))}
    with fails(ValueError, "my own"):
        _run(entry_point, [("a", 0)], **answers)


def test_an_error_of_the_builder_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ValueError, "my own"):
        through(entry_point, [("a", 0)], _step(raising(ValueError("my own"))))


@pytest.mark.parametrize("logic", [None, 5, StatefulBatchLogic, item_logic()(None)])
def test_a_builder_that_gives_no_logic_is_refused_bare(entry_point: EntryPoint, logic: Any) -> None:
    with fails_bare(TypeError, "StatefulBatchLogic"):
        through(entry_point, [("a", 0)], _step(lambda state: logic))


class _Pair(NamedTuple):
    key: str
    value: int


class _Name(str):
    pass


class _Tuple(tuple[Any, ...]):
    pass


@pytest.mark.parametrize(
    "item", [_Pair("a", 1), (_Name("a"), 1), _Tuple(("a", 1)), ("", 1), ("\ud800", 1), ("ä\0", 1)]
)
def test_an_item_is_a_tuple_of_a_str_and_a_value(entry_point: EntryPoint, item: Any) -> None:
    out, _ = _run(entry_point, [item, item])
    assert out == [(item[0], 1), (item[0], 1)]


@pytest.mark.parametrize(
    "item", [None, 5, "ab", ["a", 1], ("a",), ("a", 1, 2), (1, 1), (b"a", 1), (None, 1)]
)
def test_any_other_item_is_refused_bare(entry_point: EntryPoint, item: Any) -> None:
    with fails_bare(TypeError, "flow.step"):
        _run(entry_point, [("a", 0), item], batch=2)


def test_a_time_to_come_is_dropped_at_the_end(entry_point: EntryPoint) -> None:
    _, log = _run(entry_point, [("a", 0)], notify_at=FUTURE)
    assert calls(log, "on_notify") == []
