"""A file that is read in ranges of bytes: each line once, from any position, as the file grows."""

from __future__ import annotations

import os
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import cppwax.operators as op
from cppwax.connectors.files import FileSource
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.recovery import RecoveryConfig, init_db_dir
from cppwax.testing import TestingSink, cluster_main, run_main

from ..flows import root_of

ZERO = timedelta()

#: Texts that are mostly ends of lines, or mostly not.
TEXTS = st.one_of(
    st.text(st.sampled_from("a\n\r"), max_size=60),
    st.lists(st.text(st.sampled_from("abé\u2028"), max_size=12), max_size=12).map("\n".join),
    st.lists(st.text(st.sampled_from("ab"), max_size=12), max_size=12).map("\r\n".join),
)
LENGTHS = st.integers(1, 25)
many_examples = settings(max_examples=400, deadline=None)


def all_lines(path: Path) -> list[str]:
    part = FileSource(path).build_part("flow.inp", f"::{path}", None)
    return read(part)


def read(part: Any) -> list[str]:
    lines: list[str] = []
    try:
        while True:
            lines += part.next_batch()
    except StopIteration:
        return lines
    finally:
        part.close()


def ranges_of(source: FileSource, states: dict[str, int]) -> dict[str, Any]:
    return {
        name: source.build_part("flow.inp", name, states.get(name)) for name in source.list_parts()
    }


@many_examples
@given(TEXTS, LENGTHS)
@example("a\r\nb", 2)
@example("a\r\nb", 3)
@example("", 1)
@example("no end at all", 3)
def test_ranges_in_order_are_the_whole_file(text: str, range_bytes: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "input.txt"
        path.write_bytes(text.encode())
        source = FileSource(path, 2, range_bytes=range_bytes)
        lines = [line for part in ranges_of(source, {}).values() for line in read(part)]
        assert lines == all_lines(path)


@many_examples
@given(TEXTS, LENGTHS, st.lists(st.integers(0, 12), max_size=12), st.data())
def test_reading_goes_on_anywhere(
    text: str, range_bytes: int, batches: list[int], data: st.DataObject
) -> None:
    """Each range is stopped after some batches, and goes on from its snapshot."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "input.txt"
        path.write_bytes(text.encode())
        source = FileSource(path, data.draw(st.integers(1, 3)), range_bytes=range_bytes)
        lines, states = {}, {}
        for index, (name, part) in enumerate(ranges_of(source, {}).items()):
            lines[name] = []
            for _ in range(batches[index] if index < len(batches) else 0):
                try:
                    lines[name] += part.next_batch()
                except StopIteration:
                    break
            states[name] = part.snapshot()
            part.close()
        for name, part in ranges_of(source, states).items():
            lines[name] += read(part)
        assert [line for all_ in lines.values() for line in all_] == all_lines(path)


@many_examples
@given(TEXTS, TEXTS, LENGTHS)
@example("aaaa", "aaaa\nb", 3)
@example("a\naaaa", "a", 4)
@example("aaaa", "aa", 2)
def test_what_a_file_has_grown_is_read(text: str, more: str, range_bytes: int) -> None:
    r"""A line that had no end comes in two parts, as it does without ranges."""
    # A `\n` that comes later than its `\r` is a line of its own only without ranges.
    more = more.lstrip("\n")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "input.txt"
        path.write_bytes(text.encode())
        source = FileSource(path, range_bytes=range_bytes)
        states, lines, expected = {}, [], all_lines(path)
        for name, part in ranges_of(source, {}).items():
            lines += read(part)
            states[name] = part.snapshot()
        with path.open("ab") as file:
            file.write(more.encode())
        parts = ranges_of(source, states)
        assert parts.keys() >= states.keys()
        for part in parts.values():
            lines += read(part)
        rest = FileSource(path).build_part("flow.inp", f"::{path}", len(text.encode()))
        assert Counter(lines) == Counter(expected + read(rest))


def test_ranges_over_blocks_of_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "input.txt"
    expected = [f"line {i} " + "é" * (i % 90) for i in range(20_000)]
    path.write_text("\n".join(expected))
    source = FileSource(path, range_bytes=300_007)
    parts = ranges_of(source, {})
    assert len(parts) == path.stat().st_size // 300_007 + 1
    assert [line for part in parts.values() for line in read(part)] == expected


def test_the_position_is_the_start_of_the_next_line(tmp_path: Path) -> None:
    path = tmp_path / "input.txt"
    path.write_text("aa\nbbbb\nc\n")
    source = FileSource(path, 1, get_fs_id=lambda _: "disk", range_bytes=4)
    assert source.list_parts() == [f"disk::{n}-{n + 4}::{path}" for n in (0, 4, 8)]
    first, second, third = ranges_of(source, {}).values()
    assert (first.snapshot(), second.snapshot(), third.snapshot()) == (0, 4, 8)
    assert (first.next_batch(), first.next_batch()) == (["aa"], ["bbbb"])
    assert first.snapshot() == 8
    assert third.next_batch() == ["c"]
    for part in (first, second, third):
        with pytest.raises(StopIteration):
            part.next_batch()
        part.close()


def test_ranges_of_text_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "input.txt"
    path.write_bytes(b"aaa\n\xff\nb\n")
    first, second = ranges_of(FileSource(path, range_bytes=4), {}).values()
    assert read(first) == ["aaa"]
    with pytest.raises(UnicodeDecodeError, match="at byte 4 of '.*input.txt'"):
        read(second)


@pytest.mark.parametrize("size", [0, -1])
def test_ranges_of_no_bytes_make_no_sense(tmp_path: Path, size: int) -> None:
    with pytest.raises(ValueError, match=f"range_bytes must be at least 1, not {size}"):
        FileSource(tmp_path / "input.txt", range_bytes=size)


def test_ranges_have_whole_numbers_of_bytes(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="range_bytes must be an `int`, not 64000000.0"):
        FileSource(tmp_path / "input.txt", range_bytes=64e6)  # type: ignore[arg-type]


def test_too_many_ranges_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "input.txt"
    path.write_bytes(b"a\n" * 5000)
    with pytest.raises(ValueError, match=r"10,000 bytes.*`range_bytes` must be at least 3"):
        FileSource(path, range_bytes=2).list_parts()
    assert len(FileSource(path, range_bytes=3).list_parts()) == 3334


def test_a_pipe_has_no_ranges(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match="no regular file.*leave out `range_bytes`"):
        FileSource(pipe, range_bytes=10).list_parts()


def test_names_of_other_sources_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "input.txt"
    path.write_text("a")
    source = FileSource(path, range_bytes=10)
    with pytest.raises(ValueError, match="is not a range of this source"):
        source.build_part("flow.inp", FileSource(path).list_parts()[0], None)


def test_a_file_that_was_cut_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "input.txt"
    path.write_text("aa\nbb\n")
    source = FileSource(path, range_bytes=100)
    (name,) = source.list_parts()
    with pytest.raises(ValueError, match=r"input.txt' has 6 bytes.* resume at byte 9"):
        source.build_part("flow.inp", name, 9)


class Until:
    """Lets so many items through and then fails."""

    def __init__(self, count: int) -> None:
        self._left = count

    def __call__(self, item: str) -> str:
        self._left -= 1
        if self._left < 0:
            raise RuntimeError("enough")
        return item


def flow_over(source: FileSource, out: list[str], until: int = 10**9) -> Dataflow:
    flow = Dataflow("flow")
    lines = op.map("until", op.input("inp", flow, source), Until(until))
    op.output("out", lines, TestingSink(out))
    return flow


def run(flow: Dataflow, workers: int, store: RecoveryConfig | None) -> None:
    if workers == 1:
        run_main(flow, epoch_interval=ZERO, recovery_config=store)
    else:
        cluster_main(
            flow,
            [],
            0,
            epoch_interval=ZERO,
            recovery_config=store,
            worker_count_per_proc=workers,
        )


@pytest.mark.parametrize("workers", [1, 3])
def test_all_workers_read(tmp_path: Path, workers: int) -> None:
    path = tmp_path / "input.txt"
    lines = [f"line {n}" for n in range(5000)]
    path.write_text("\n".join(lines))
    out: list[str] = []
    run(flow_over(FileSource(path, 100, range_bytes=7000), out), workers, None)
    assert sorted(out) == sorted(lines)


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 1), (2, 3)])
def test_resumes_on_other_counts_of_workers(tmp_path: Path, before: int, after: int) -> None:
    path, store = tmp_path / "input.txt", tmp_path / "store"
    lines = [f"line {n}" for n in range(3000)]
    path.write_text("\n".join(lines))
    store.mkdir()
    init_db_dir(store, 2)
    source = FileSource(path, 10, range_bytes=3000)
    out: list[str] = []
    with pytest.raises(CppwaxRuntimeError):
        run(flow_over(source, out, 1000), before, RecoveryConfig(store))
    again: list[str] = []
    run(flow_over(source, again), after, RecoveryConfig(store))
    seen = Counter(out) + Counter(again)
    assert seen.keys() == set(lines)
    # What the open epoch had written comes again: a batch of each worker or two.
    assert seen.total() - len(lines) <= 10 * 2 * max(before, after)
    with path.open("a") as file:
        file.write("\nmore\n" + "even more\n" * 1000)
    grown: list[str] = []
    run(flow_over(source, grown), before, RecoveryConfig(store))
    # The last line had no end when it was read.
    assert Counter(grown) == Counter(["", "more"] + ["even more"] * 1000)


def test_a_cut_file_and_other_ranges_are_errors_of_a_resume(tmp_path: Path) -> None:
    path, store = tmp_path / "input.txt", tmp_path / "store"
    path.write_text("line\n" * 1000)
    store.mkdir()
    init_db_dir(store, 1)
    run(flow_over(FileSource(path, range_bytes=1000), []), 1, RecoveryConfig(store))
    for source in (FileSource(path, range_bytes=700), FileSource(path)):
        with pytest.raises(CppwaxRuntimeError, match="0-1000.*does not name"):
            run(flow_over(source, []), 1, RecoveryConfig(store))
    # Cut within the last range, and by several ranges.
    for length, message in ((4500, "4500 bytes.*was cut or replaced"), (1500, "does not name")):
        os.truncate(path, length)
        with pytest.raises(CppwaxRuntimeError) as failed:
            run(flow_over(FileSource(path, range_bytes=1000), []), 1, RecoveryConfig(store))
        assert re.search(message, str(root_of(failed.value)))
