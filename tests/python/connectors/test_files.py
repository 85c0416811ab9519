"""File sources: what they read, and where they go on."""

from __future__ import annotations

import csv
import os
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.connectors.files import CSVSource, DirSource, FileSource
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.testing import TestingSink, cluster_main, run_main

LINES_OF_EVERY_KIND = "one\ntwo\r\nthrée\rfour\n\n \t\n\u2028\x0c\x1c\x85\n\ufefffive"


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(data: bytes | str, name: str = "input.txt") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return write


def open_only_part(source: Any, resume: int | None = None) -> Any:
    (name,) = source.list_parts()
    return source.build_part("flow.inp", name, resume)


def read_all(source: Any, resume: int | None = None) -> tuple[list, list[int]]:
    """Read to the end: the batches, and the position before each and after the last."""
    part = open_only_part(source, resume)
    batches, positions = [], [part.snapshot()]
    try:
        while True:
            batches.append(part.next_batch())
            positions.append(part.snapshot())
    except StopIteration:
        return batches, positions
    finally:
        part.close()


def assert_resumes_anywhere(source: Any) -> None:
    """Read on from each position, and compare with what is read without a stop."""
    batches, positions = read_all(source)
    for i, position in enumerate(positions):
        assert read_all(source, position) == (batches[i:], positions[i:])


def numbered_lines(count: int) -> list[str]:
    return [f"line {i} " + "é" * (i % 50) for i in range(count)]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a", ["a"]),
        (b"a\n", ["a"]),
        (b"a\n\n\n", ["a", "", ""]),
        (b"a  \n b\t\n", ["a  ", " b\t"]),
        (b"a\r\nb\rc\n\rd\r", ["a", "b", "c", "", "d"]),
        # Not ends of lines, whatever `str.splitlines` says.
        ("a\u2028b\x0cc\x1cd\x85e\n".encode(), ["a\u2028b\x0cc\x1cd\x85e"]),
        (b"\xef\xbb\xbfa\n", ["\ufeffa"]),
    ],
)
def test_lines_come_without_their_ends(write: Any, data: bytes, lines: list[str]) -> None:
    batches, positions = read_all(FileSource(write(data)))
    assert batches == ([lines] if lines else [])
    assert positions[-1] == len(data)


def test_lines_are_those_of_the_standard_library(write: Any) -> None:
    path = write(LINES_OF_EVERY_KIND)
    (batch,) = read_all(FileSource(path))[0]
    with path.open(encoding="utf-8") as file:
        assert batch == [line.rstrip("\n") for line in file]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 1000])
def test_file_source_resumes_exactly(write: Any, batch_size: int) -> None:
    assert_resumes_anywhere(FileSource(write(LINES_OF_EVERY_KIND), batch_size))


def test_batches_are_full_across_blocks(write: Any) -> None:
    lines = numbered_lines(7_500)
    path = write("\n".join(lines))
    batches, positions = read_all(FileSource(str(path)))
    assert [len(batch) for batch in batches] == [1000] * 7 + [500]
    assert [line for batch in batches for line in batch] == lines
    # Each position is the byte at which the next batch begins.
    data = path.read_bytes()
    for batch, start in zip(batches, positions, strict=False):
        assert data[start:].startswith(batch[0].encode())
    assert_resumes_anywhere(FileSource(path))


def test_long_lines_are_read_whole(write: Any) -> None:
    lines = ["a" * 200_000, "", "b" * 70_000, "c"]
    assert read_all(FileSource(write("\n".join(lines)), 3))[0] == [lines[:3], lines[3:]]


def test_a_named_pipe_can_be_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("a\nb\n",))
    writer.start()
    assert [line for batch in read_all(FileSource(pipe))[0] for line in batch] == ["a", "b"]
    writer.join()


@pytest.mark.parametrize("make", [FileSource, CSVSource, partial(FileSource, range_bytes=10)])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_no_worker_has_is_an_error_that_names_it(
    tmp_path: Path, make: Any, workers: int
) -> None:
    source = make(tmp_path / "nope.txt")
    # Another worker may have it.
    assert source.list_parts() == []
    flow = Dataflow("flow")
    op.output("out", op.input("inp", flow, source), TestingSink([]))
    with pytest.raises(CppwaxRuntimeError, match="'flow.inp'") as raised:
        cluster_main(flow, [], 0, worker_count_per_proc=workers)
    assert isinstance(raised.value.__cause__, FileNotFoundError)
    assert "nope.txt' does not exist" in str(raised.value.__cause__)


def test_a_subclass_may_name_no_part_of_a_file_that_is_there(write: Any) -> None:
    class Nothing(FileSource):
        def list_parts(self) -> list[str]:
            return []

    flow = Dataflow("flow")
    out: list[str] = []
    op.output("out", op.input("inp", flow, Nothing(write("a\n"))), TestingSink(out))
    run_main(flow)
    assert out == []


def test_a_folder_that_is_missing_is_an_error_of_what_names_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "nope.txt"
    with pytest.raises(FileNotFoundError, match="folder/nope.txt"):
        FileSource(path)
    assert FileSource(path, get_fs_id=lambda _folder: "shared").list_parts() == []


def test_a_file_that_is_too_short_to_resume_is_an_error(write: Any) -> None:
    path = write("a\nb\n")
    with pytest.raises(ValueError, match=r"input.txt' has 4 bytes.* resume at byte 5"):
        open_only_part(FileSource(path), 5)
    assert read_all(FileSource(path), 4) == ([], [4])


def test_text_that_is_not_utf8_is_an_error_that_names_the_place(write: Any) -> None:
    path = write(b"a\n" * 50_000 + b"\xff\n")
    with pytest.raises(UnicodeDecodeError, match="at byte 100000 of '.*input.txt'"):
        read_all(FileSource(path))
    with pytest.raises(UnicodeDecodeError, match="at byte 100000 of '.*input.txt'"):
        read_all(CSVSource(path))


def test_the_locale_does_not_matter(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locale.getpreferredencoding", lambda *_: "latin-1")
    monkeypatch.setattr("locale.getencoding", lambda: "latin-1", raising=False)
    assert read_all(FileSource(write("é\n")))[0] == [["é"]]


@pytest.mark.parametrize("size", [0, -1])
def test_batches_of_no_lines_make_no_sense(write: Any, tmp_path: Path, size: int) -> None:
    for make in (
        lambda: FileSource(write("a"), size),
        lambda: CSVSource(write("a"), size),
        lambda: DirSource(tmp_path, batch_size=size),
    ):
        with pytest.raises(ValueError, match="batch_size must be at least 1"):
            make()


def test_the_file_system_is_asked_for_by_directory(write: Any, tmp_path: Path) -> None:
    asked = []

    def get_fs_id(path: Path) -> str:
        asked.append(path)
        return "disk"

    path = write("a")
    for source in (FileSource(path, get_fs_id=get_fs_id), CSVSource(path, get_fs_id=get_fs_id)):
        assert source.list_parts() == [f"disk::{path}"]
    assert DirSource(tmp_path, get_fs_id=get_fs_id).list_parts() == ["disk::input.txt"]
    assert asked == [tmp_path] * 3


def test_the_file_system_is_its_device_by_default(write: Any, tmp_path: Path) -> None:
    device = hex(tmp_path.stat().st_dev)
    assert DirSource(write("a").parent).list_parts() == [f"{device}::input.txt"]


@pytest.mark.parametrize(("fs_id", "error"), [("a::b", ValueError), (5, TypeError)])
def test_names_of_file_systems_are_checked(write: Any, fs_id: Any, error: type) -> None:
    with pytest.raises(error, match="get_fs_id"):
        FileSource(write("a"), get_fs_id=lambda _path: fs_id)


def test_a_foreign_partition_is_refused(write: Any) -> None:
    with pytest.raises(ValueError, match="'foo' is not a partition"):
        FileSource(write("a")).build_part("flow.inp", "foo", None)


def test_dir_source_has_a_partition_for_each_file(write: Any, tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "c.csv", "sub/d.txt"):
        write(f"{name}\n", name)

    def files_of(glob_pat: str) -> list[str]:
        source = DirSource(tmp_path, glob_pat, get_fs_id=lambda _path: "disk")
        return [name.removeprefix("disk::") for name in source.list_parts()]

    assert files_of("*") == ["a.txt", "b.txt", "c.csv"]
    assert files_of("*.csv") == ["c.csv"]
    assert files_of("**/*.txt") == ["a.txt", "b.txt", "sub/d.txt"]
    assert files_of("*.json") == []
    part = DirSource(tmp_path).build_part("flow.inp", "disk::sub/d.txt", None)
    assert part.next_batch() == ["sub/d.txt"]
    part.close()


def test_dir_source_wants_a_directory(write: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nope` does not exist"):
        DirSource(tmp_path / "nope")
    with pytest.raises(ValueError, match="input.txt` is not a directory"):
        DirSource(write("a"))


RECORDS = 'a,b\n1,2\n"x\ny",4\n5\n6,7,8\n\n\n"é\r\n",10'


@pytest.mark.parametrize("batch_size", [1, 2, 1000])
@pytest.mark.parametrize(
    ("text", "fmtparams"),
    [
        (RECORDS, {}),
        (RECORDS, {"fieldnames": ["p", "q"]}),
        (RECORDS, {"restkey": "rest", "restval": "-"}),
        (RECORDS.replace(",", ";").replace('"', "'"), {"delimiter": ";", "quotechar": "'"}),
        ("a,b\r\n1,2\r\n\r\n3,4\r\n", {}),
        ("a,b\r1,2\r3,4\r", {}),
        ('"a\nz",b\n1,2\n3,4', {}),
        ("a,a\n1,2\n", {}),
        ("\na,b\n1,2\n", {}),
        ('a,b\n"unclosed,2\n3,4', {}),
        ("a,b\n", {}),
        ("", {}),
    ],
)
def test_records_are_those_of_the_standard_library(
    write: Any, text: str, fmtparams: dict[str, Any], batch_size: int
) -> None:
    path = write(text)
    batches, _ = read_all(CSVSource(path, batch_size, **fmtparams))
    with path.open(encoding="utf-8", newline="") as file:
        expected = list(csv.DictReader(file, **fmtparams))
    assert [record for batch in batches for record in batch] == expected
    assert all(len(batch) == batch_size for batch in batches[:-1])
    assert_resumes_anywhere(CSVSource(path, batch_size, **fmtparams))


def test_positions_of_records_are_bytes(write: Any) -> None:
    _, positions = read_all(CSVSource(write(RECORDS), 1))
    starts = [RECORDS.index(record) for record in ("1,2", '"x', "5\n", "6,7", "\n\n\n")]
    # Blank lines are passed with the record behind them.
    assert positions == [*starts[:4], starts[4] + 1, len(RECORDS.encode())]


def test_long_csv_files_resume_across_blocks(write: Any) -> None:
    rows = [f'{i},"{"x" * (i % 90)}\n{i}"' for i in range(3_000)]
    assert_resumes_anywhere(CSVSource(write("\n".join(["a,b", *rows])), 500))


def test_the_header_of_a_file_that_was_empty_is_no_record(write: Any) -> None:
    path = write("")
    batches, positions = read_all(CSVSource(path))
    assert (batches, positions) == ([], [0])
    write("a,b\n1,2\n")
    assert read_all(CSVSource(path), 0) == ([[{"a": "1", "b": "2"}]], [4, 8])
    # Without a header the first line is a record.
    named = CSVSource(path, fieldnames=["x", "y"])
    assert read_all(named, 0)[0] == [[{"x": "a", "y": "b"}, {"x": "1", "y": "2"}]]


def test_a_record_that_cannot_be_read_is_an_error_that_names_the_place(write: Any) -> None:
    source = CSVSource(write('a,b\n1,2\n1,"2"3\n'), 1, strict=True)
    with pytest.raises(csv.Error, match=r"expected after.*from byte 8 on of '.*input.txt'"):
        read_all(source)
