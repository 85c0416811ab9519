"""Keys are texts: of any characters, of subclasses of str, many, coming and going."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.recovery import RecoveryConfig, init_db_dir
from cppwax.testing import TestingSink, TestingSource, cluster_main, run_main
from tests.python.conftest import EntryPoint
from tests.python.flows import BatchSink, OnEachWorker, by_key, through
from tests.python.logics import PAST, batch_logic, calls


class MyStr(str):
    """Would not be found again if its own ideas of equality were asked."""

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 1


STRANGE_KEYS = ["", "a", "é", "ключ", "鍵", "🗝", "a\x00b", "\ud800", "\udfff\ud800", "x" * 5000]


def test_strange_keys(entry_point: EntryPoint) -> None:
    items = [(key, i) for i in range(3) for key in STRANGE_KEYS]
    out = through(entry_point, items, lambda s: op.stateful_batch("step", s, batch_logic()))
    assert by_key(out) == {key: [0, 1, 2] for key in STRANGE_KEYS}


def test_strange_keys_have_one_logic_over_all_workers(entry_point: EntryPoint) -> None:
    log: list[Any] = []
    sink = BatchSink()
    flow = Dataflow("flow")
    source = OnEachWorker(lambda worker: [[(key, worker) for key in STRANGE_KEYS]])
    up = op.stateful_batch("step", op.input("inp", flow, source), batch_logic(log))
    op.output("out", up, sink)
    entry_point(flow)
    assert len(calls(log, "build")) == len(STRANGE_KEYS)
    values = by_key(item for _, items in sink.batches for item in items)
    everybody = list(range(entry_point.workers))
    assert {key: sorted(of_key) for key, of_key in values.items()} == dict.fromkeys(
        STRANGE_KEYS, everybody
    )


# The first and last characters that take one byte in UTF-8, two, three and four, and both ends of
# what stands for half a character.
EDGES = "\x00\x7f\x80\u07ff\u0800\ud7ff\ud800\udfff\ue000\uffff\U00010000\U0010ffff"


def test_keys_are_found_again_in_a_store(entry_point: EntryPoint, tmp_path: Path) -> None:
    keys = {*EDGES, *(f"a{character}é" for character in EDGES), EDGES, *STRANGE_KEYS}
    items = [(key, None) for key in keys]
    init_db_dir(tmp_path, 1)
    for number in (1, 2):
        sink = BatchSink()
        flow = Dataflow("flow")
        up = op.input("inp", flow, TestingSource([*items, TestingSource.EOF(), *items]))
        up = op.stateful_map("step", up, lambda count, _value: ((count or 0) + 1,) * 2)
        op.output("out", up, sink)
        cluster_main(
            flow,
            [],
            0,
            worker_count_per_proc=entry_point.workers,
            recovery_config=RecoveryConfig(tmp_path),
        )
        assert by_key(item for _, batch in sink.batches for item in batch) == {
            key: [number] for key in keys
        }


def test_subclass_of_str_is_the_str_with_the_same_text(entry_point: EntryPoint) -> None:
    items = [("a", 1), (MyStr("a"), 2), (MyStr("é"), 3), ("é", 4)]
    log: list[Any] = []
    out = through(entry_point, items, lambda s: op.stateful_batch("step", s, batch_logic(log)))
    assert by_key(out) == {"a": [1, 2], "é": [3, 4]}
    assert {type(key) for key, _ in out} == {str}
    assert len(calls(log, "build")) == 2


def test_many_keys_that_go_again(run_one: EntryPoint) -> None:
    """Each key is discarded by its third value, at a time when many others live."""
    count = 3000
    built: list[Any] = []

    def builder(state: Any) -> Any:
        built.append(state)
        seen: list[int] = []

        def on_batch(values: list[int]) -> tuple[list[int], bool]:
            seen.extend(values)
            return [len(seen)], len(seen) == 3

        return batch_logic(on_batch=on_batch)(state)

    items = [(str((i * 7919) % count), i) for i in range(6 * count)]
    out = through(run_one, items, lambda s: op.stateful_batch("step", s, builder), batch=100)
    assert by_key(out) == {str(key): [1, 2, 3, 1, 2, 3] for key in range(count)}
    assert built == [None] * (2 * count)


def test_notifications_for_many_keys(run_one: EntryPoint) -> None:
    log: list[Any] = []
    answers = {"on_batch": ([], False), "on_notify": (["due"], True), "notify_at": PAST}
    items = [(str(i), i) for i in range(2000)]
    out = through(
        run_one, items, lambda s: op.stateful_batch("step", s, batch_logic(log, **answers)), 500
    )
    assert by_key(out) == {str(i): ["due"] for i in range(2000)}
    assert len(calls(log, "on_notify")) == 2000
    assert calls(log, "on_eof") == []


Actions = st.lists(
    st.tuples(
        st.text(alphabet="ab\u00e9\u4e00\U0001f511", max_size=2),
        st.sampled_from(["keep", "drop"]),
    ),
    max_size=60,
)


def expected(actions: list[tuple[str, str]], batch: int) -> tuple[dict[str, list[Any]], int]:
    """Compute what `counting` gives, with a dict for the keys."""
    out: dict[str, list[Any]] = defaultdict(list)
    seen: dict[str, int] = {}
    built = 0
    for start in range(0, len(actions), batch):
        for key, values in by_key(actions[start : start + batch]).items():
            built += key not in seen
            seen[key] = seen.get(key, 0) + len(values)
            out[key].append((tuple(values), seen[key]))
            if "drop" in values:
                del seen[key]
    for key in seen:
        out[key].append("eof")
    return dict(out), built


@settings(max_examples=60, deadline=None)
@given(actions=Actions, batch=st.integers(1, 20))
def test_keys_behave_as_in_a_dict(actions: list[tuple[str, str]], batch: int) -> None:
    built: list[Any] = []

    def counting(state: Any) -> Any:
        built.append(state)
        seen: list[str] = []

        def on_batch(values: list[str]) -> tuple[list[Any], bool]:
            seen.extend(values)
            return [(tuple(values), len(seen))], "drop" in values

        return batch_logic(on_batch=on_batch, on_eof=(["eof"], False))(state)

    out: list[Any] = []
    flow = Dataflow("flow")
    up = op.input("inp", flow, TestingSource(actions, batch))
    op.output("out", op.stateful_batch("step", up, counting), TestingSink(out))
    run_main(flow)
    assert (by_key(out), len(built)) == expected(actions, batch)


@pytest.mark.parametrize("key", ["a", "é", "\ud800"])
def test_item_keeps_its_value_and_gets_an_equal_key(entry_point: EntryPoint, key: str) -> None:
    value = object()
    out = through(entry_point, [(key, value)], lambda s: op.stateful_batch("s", s, batch_logic()))
    assert out == [(key, value)]
    assert out[0][1] is value


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="ab\x00\xfe\xff\u0100\U0001f511", max_size=10), unique=True))
def test_at_the_end_keys_come_as_python_sorts_them(keys: list[str]) -> None:
    out = through(run_main, [(key, 1) for key in keys], lambda s: op.max_final("step", s), 100)
    assert [key for key, _ in out] == sorted(keys)
