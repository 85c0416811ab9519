"""Runs that go on where earlier ones over the same store were."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.connectors.files import FileSink, FileSource
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError, RecoveryError
from cppwax.recovery import (
    MissingPartitionsError,
    NoPartitionsError,
    RecoveryConfig,
    init_db_dir,
)
from cppwax.testing import TestingSink, TestingSource, cluster_main, run_main
from tests.python.recovery.support import TwoEach

EACH_BATCH = timedelta(0)


@pytest.fixture(params=[1, 3], ids=["one_partition", "three_partitions"])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> RecoveryConfig:
    folder = tmp_path / "db"
    folder.mkdir()
    init_db_dir(folder, request.param)
    return RecoveryConfig(folder)


def run(flow: Dataflow, store: RecoveryConfig, workers: int = 1) -> None:
    if workers == 1:
        run_main(flow, epoch_interval=EACH_BATCH, recovery_config=store)
    else:
        cluster_main(
            flow,
            [],
            0,
            epoch_interval=EACH_BATCH,
            recovery_config=store,
            worker_count_per_proc=workers,
        )


def flow_of(source: Any, out: list[Any], *steps: Callable[[Any], Any]) -> Dataflow:
    flow = Dataflow("flow")
    stream = op.input("inp", flow, source)
    for step in steps:
        stream = step(stream)
    op.output("out", stream, TestingSink(out))
    return flow


def running_sum(up: Any) -> Any:
    def add(total: int | None, value: int) -> tuple[int, int]:
        total = (total or 0) + value
        return total, total

    return op.stateful_map("sum", up, add)


def test_a_source_goes_on_behind_what_was_read(store: RecoveryConfig) -> None:
    marks = TestingSource
    items = [0, 1, marks.EOF(), 2, 3, marks.EOF(), 4]
    runs = []
    for _ in range(4):
        out: list[int] = []
        run(flow_of(TestingSource(items), out), store)
        runs.append(out)
    assert runs == [[0, 1], [2, 3], [4], []]


def test_an_abort_replays_the_open_epoch(store: RecoveryConfig) -> None:
    abort = TestingSource.ABORT
    items = [0, 1, 2, abort(), 3, abort(), 4]
    runs = []
    for _ in range(4):
        out: list[int] = []
        run(flow_of(TestingSource(items), out), store)
        runs.append(out)
    assert runs == [[0, 1, 2], [3], [3, 4], [4]]


@pytest.mark.parametrize("workers", [(1, 1, 1), (3, 1, 2), (1, 3, 2)])
def test_states_follow_their_keys_to_other_workers(
    store: RecoveryConfig, workers: tuple[int, int, int]
) -> None:
    keys = [str(key) for key in range(20)]
    seen: list[tuple[str, int]] = []
    for turn, count in enumerate(workers):
        items: list[Any] = []
        for earlier in range(turn):
            items += [(key, earlier + 1) for key in keys] + [TestingSource.EOF()]
        items += [(key, turn + 1) for key in keys] + [TestingSource.EOF()]
        out: list[tuple[str, int]] = []
        run(flow_of(TestingSource(items, batch_size=7), out, running_sum), store, count)
        seen += out
    expected = [(key, total) for total in (1, 3, 6) for key in keys]
    assert sorted(seen) == sorted(expected)


def test_what_was_discarded_begins_anew(store: RecoveryConfig) -> None:
    def count(up: Any) -> Any:
        return op.stateful_map("step", up, lambda s, v: (None if v == 0 else (s or 0) + v, s))

    items = [("a", 1), ("a", 0), TestingSource.EOF(), ("a", 1), ("a", 1)]
    out: list[Any] = []
    for _ in range(2):
        run(flow_of(TestingSource(items), out, count), store)
    assert out == [("a", None), ("a", 1), ("a", None), ("a", 1)]


def test_a_final_fold_is_told_once(store: RecoveryConfig) -> None:
    items = [("a", 1), ("a", 2), TestingSource.EOF(), ("a", 4), TestingSource.EOF()]
    runs = []
    for _ in range(3):
        out: list[Any] = []
        fold = lambda up: op.fold_final("fold", up, lambda: 0, lambda s, v: s + v)  # noqa: E731
        run(flow_of(TestingSource(items), out, fold), store)
        runs.append(out)
    assert runs == [[("a", 3)], [("a", 4)], []]


def lines_to_sums(inp: Path, out: Path) -> Dataflow:
    flow = Dataflow("files")
    lines = op.input("inp", flow, FileSource(inp, batch_size=3))
    keyed = op.key_on("key", lines, lambda line: str(int(line) % 5))
    sums = running_sum(op.map_value("number", keyed, int))
    op.output("out", op.map("text", sums, lambda pair: ("", f"{pair[0]} {pair[1]}")), FileSink(out))
    return flow


def test_a_failure_loses_and_doubles_nothing_in_a_file(
    store: RecoveryConfig, tmp_path: Path
) -> None:
    inp, out = tmp_path / "in.txt", tmp_path / "out.txt"
    inp.write_text("".join(f"{number}\n" for number in range(100)))
    for bad in (10, 11, 50, 97):
        flow = lines_to_sums(inp, out)

        def fail(line: str, bad: int = bad) -> str:
            if int(line) == bad:
                raise ValueError("bad line")
            return line

        failing = Dataflow("files")
        lines = op.input("inp", failing, FileSource(inp, batch_size=3))
        keyed = op.key_on("key", op.map("fail", lines, fail), lambda line: str(int(line) % 5))
        sums = running_sum(op.map_value("number", keyed, int))
        texts = op.map("text", sums, lambda pair: ("", f"{pair[0]} {pair[1]}"))
        op.output("out", texts, FileSink(out))
        with pytest.raises(CppwaxRuntimeError, match="files.fail"):
            run(failing, store, workers=1 + bad % 3)
    run(flow, store, workers=2)
    totals: dict[int, int] = {}
    expected = []
    for number in range(100):
        totals[number % 5] = totals.get(number % 5, 0) + number
        expected.append(f"{number % 5} {totals[number % 5]}")
    assert sorted(out.read_text().split("\n")[:-1]) == sorted(expected)


def test_a_state_that_cannot_be_pickled_is_named(store: RecoveryConfig) -> None:
    step = lambda up: op.stateful_map("step", up, lambda s, v: (lambda: v, v))  # noqa: E731
    flow = flow_of(TestingSource([("a", 1)]), [], step)
    with pytest.raises(CppwaxRuntimeError, match="pickling the state of key 'a'") as caught:
        run(flow, store)
    assert "flow.step" in str(caught.value)
    run_main(flow)


def test_states_of_steps_that_are_gone_are_told(
    store: RecoveryConfig, capfd: pytest.CaptureFixture[str]
) -> None:
    run(flow_of(TestingSource([("a", 1)]), [], running_sum), store)
    out: list[Any] = []
    run(flow_of(TestingSource([("a", 1), ("b", 2)]), out), store)
    assert out == [("b", 2)]
    assert "flow.sum" in capfd.readouterr().err


def test_new_partitions_begin_where_they_begin(store: RecoveryConfig) -> None:
    out: list[tuple[str, int]] = []
    run(flow_of(TwoEach("a"), out), store)
    run(flow_of(TwoEach("a", "b"), out), store, workers=2)
    assert out == [("a1", 1), ("a2", 2), ("b1", 1), ("b2", 2)]


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    flow = flow_of(TestingSource([1]), [])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        run(flow, RecoveryConfig(tmp_path / "nowhere"))
    with pytest.raises(NoPartitionsError):
        run(flow, RecoveryConfig(tmp_path))
    init_db_dir(tmp_path, 3)
    (tmp_path / "part-1.sqlite3").unlink()
    with pytest.raises(MissingPartitionsError):
        run(flow, RecoveryConfig(tmp_path))


def test_the_store_of_another_flow_is_refused(store: RecoveryConfig) -> None:
    run(flow_of(TestingSource([1]), []), store)
    other = Dataflow("other")
    op.output("out", op.input("inp", other, TestingSource([1])), TestingSink([]))
    with pytest.raises(RecoveryError, match="other"):
        run(other, store)
