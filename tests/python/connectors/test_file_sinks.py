"""File sinks: what they write, where they go on, and what a power cut leaves of it."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import zlib
from pathlib import Path
from typing import Any

import pytest

from cppwax.connectors.files import DirSink, FileSink


def written(sink: Any, part: str, resume: int | None, *batches: list[str]) -> list[int]:
    """Write batches: the position at first and after each."""
    with contextlib.closing(sink.build_part("flow.out", part, resume)) as writer:
        positions = [writer.snapshot()]
        for batch in batches:
            writer.write_batch(batch)
            positions.append(writer.snapshot())
        return positions


def test_file_sink_writes_lines(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    sink = FileSink(path)
    assert sink.list_parts() == [str(path)]
    assert sink.part_fn("any") == 0
    assert not path.exists()
    assert written(sink, str(path), None, ["a", "b"], ["é"], []) == [0, 4, 7, 7]
    assert path.read_bytes() == "a\nb\né\n".encode()


@pytest.mark.parametrize(
    ("end", "data"), [("", b"ab\ncd\r\n"), ("\r\n", b"a\r\nb\nc\r\nd\r\n\r\n"), ("\0", None)]
)
def test_file_sink_writes_ends_as_given(tmp_path: Path, end: str, data: bytes | None) -> None:
    path = tmp_path / "out.txt"
    written(FileSink(str(path), end), str(path), None, ["a", "b\nc", "d\r\n"])
    assert path.read_bytes() == (b"a\0b\nc\0d\r\n\0" if data is None else data)


def test_what_was_written_can_be_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    writer = FileSink(path).build_part("flow.out", str(path), None)
    writer.write_batch(["a"])
    assert path.read_text() == "a\n"
    writer.close()


def test_file_sink_goes_back_to_its_position(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    sink = FileSink(path)
    path.write_text("a\nb\nlost\n")
    assert written(sink, str(path), 4, ["c"]) == [4, 6]
    assert path.read_text() == "a\nb\nc\n"
    # Without a position it starts anew.
    assert written(sink, str(path), None) == [0]
    assert path.read_text() == ""


def test_a_file_shorter_than_its_position_is_an_error_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("a\n")
    with pytest.raises(ValueError, match=r"out.txt' has 2 bytes.* resume at byte 4"):
        written(FileSink(path), str(path), 4)
    assert path.read_text() == "a\n"


def test_a_file_that_was_emptied_meanwhile_goes_on_from_there(tmp_path: Path) -> None:
    """As `logrotate` does it with `copytruncate`; the position is true of what is left."""
    path = tmp_path / "out.txt"
    sink = FileSink(path)
    with contextlib.closing(sink.build_part("flow.out", str(path), None)) as writer:
        writer.write_batch(["a", "b"])
        os.truncate(path, 0)
        assert writer.snapshot() == 0
        writer.write_batch(["c"])
        position = writer.snapshot()
    assert path.read_text() == "c\n"
    assert written(sink, str(path), position, ["d"]) == [2, 4]
    assert path.read_text() == "c\nd\n"


def test_writers_of_one_file_do_not_write_over_each_other(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    with contextlib.ExitStack() as closed:
        writers = [FileSink(path).build_part("flow.out", str(path), None) for _ in range(2)]
        for index, writer in enumerate(writers * 2):
            closed.callback(writer.close)
            writer.write_batch([f"line {index}"])
    assert path.read_text() == "line 0\nline 1\nline 2\nline 3\n"


def test_what_was_written_to_a_pipe_is_counted(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert written(FileSink(pipe), str(pipe), 10, ["a"], ["bc"]) == [10, 12, 15]
    assert os.read(reader, 100) == b"a\nbc\n"
    os.close(reader)


@pytest.mark.parametrize("values", [[1], ["a", None], [b"a"]])
def test_values_must_be_text(tmp_path: Path, values: list[Any]) -> None:
    path = tmp_path / "out.txt"
    with pytest.raises(TypeError, match=r"out.txt' must be `str`, not .*convert them"):
        written(FileSink(path), str(path), None, values)
    assert path.read_text() == ""


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Collect what is synced, instead."""
    paths: list[Path] = []
    known = {}

    def open_known(path: Any, *arguments: Any) -> int:
        fd = open_real(path, *arguments)
        known[fd] = Path(path)
        return fd

    open_real = os.open
    monkeypatch.setattr(os, "open", open_known)
    monkeypatch.setattr(os, "fsync", lambda fd: paths.append(known[fd]))
    return paths


@pytest.mark.parametrize("resume_state", [None, 0, 4])
def test_the_folder_is_synced_before_the_first_position(
    tmp_path: Path, synced: list[Path], resume_state: int | None
) -> None:
    path = tmp_path / "out.txt"
    if resume_state is not None:
        path.write_text("a\nb\n")
    writer = FileSink(path).build_part("flow.out", str(path), resume_state)
    assert synced == []
    writer.snapshot()
    assert synced == [path, path.parent]
    writer.write_batch(["c"])
    writer.snapshot()
    assert synced == [path, path.parent, path]
    writer.close()


def test_the_folder_that_is_synced_is_the_one_that_has_the_file(
    tmp_path: Path, synced: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder / "out.txt")
    monkeypatch.chdir(tmp_path)
    writer = FileSink(Path("link")).build_part("flow.out", "link", None)
    monkeypatch.chdir("/")
    writer.snapshot()
    writer.close()
    assert synced == [Path("link"), folder]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EIO])
def test_a_file_system_that_cannot_sync_folders_need_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def sync(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", sync)
    sink = DirSink(tmp_path, 1)
    if number == errno.EINVAL:
        assert written(sink, "part_0", None, ["a"]) == [0, 2]
    else:
        with pytest.raises(OSError, match=os.strerror(number)):
            written(sink, "part_0", None, ["a"])


def test_a_folder_that_cannot_be_opened_is_synced_with_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_files(path: Any, *arguments: Any) -> int:
        if Path(path) == tmp_path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return open_real(path, *arguments)

    open_real = os.open
    calls: list[None] = []
    monkeypatch.setattr(os, "open", open_files)
    monkeypatch.setattr(os, "sync", lambda: calls.append(None))
    assert written(DirSink(tmp_path, 1), "part_0", None, ["a"]) == [0, 2]
    assert len(calls) == 1


def test_file_sink_can_write_to_a_device() -> None:
    assert written(FileSink(Path("/dev/null")), "/dev/null", None, ["a"]) == [0, 2]


def test_file_sink_refuses_a_foreign_partition(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'foo' is not this sink's file"):
        written(FileSink(tmp_path / "out.txt"), "foo", None)


def test_dir_sink_writes_several_files(tmp_path: Path) -> None:
    sink = DirSink(tmp_path, 3, end="|")
    assert sink.list_parts() == ["part_0", "part_1", "part_2"]
    written(sink, "part_1", None, ["a", "b"])
    assert [path.name for path in tmp_path.iterdir()] == ["part_1"]
    assert (tmp_path / "part_1").read_text() == "a|b|"


def test_dir_sink_names_and_assigns_files_as_told(tmp_path: Path) -> None:
    sink = DirSink(tmp_path, 2, lambda i, n: f"{i} of {n}", lambda key: len(key))
    assert sink.list_parts() == ["0 of 2", "1 of 2"]
    assert sink.part_fn("abc") == 3


def test_dir_sink_spreads_keys_as_sinks_do(tmp_path: Path) -> None:
    assert DirSink(tmp_path, 2).part_fn("abc") == zlib.adler32(b"abc")


def test_dir_sink_needs_its_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nope/part_0"):
        written(DirSink(tmp_path / "nope", 1), "part_0", None)
