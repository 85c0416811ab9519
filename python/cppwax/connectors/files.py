"""Read and write text files line by line.

Files are UTF-8 whatever the locale says, so that a flow means the same on every machine. When a
run resumes, the sources go on at the line after the last snapshot, and the sinks cut off what was
written after it: each line is in the output once.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import adler32

from cppwax.connectors._file_parts import (
    CSVPartition,
    FileRangePartition,
    FileSinkPartition,
    FileSourcePartition,
)
from cppwax.inputs import FixedPartitionedSource
from cppwax.outputs import FixedPartitionedSink

__all__ = ["CSVSource", "DirSink", "DirSource", "FileSink", "FileSource"]


#: Each range has the file open for itself, and systems do not allow for many more.
_MOST_RANGES = 4096

_RANGE = re.compile(r"(?P<start>\d+)-(?P<stop>\d+)::(?P<path>.+)", re.DOTALL)


def _get_path_dev(path: Path) -> str:
    return hex(path.stat().st_dev)


def _part_name(fs_id: str, path: Path) -> str:
    return f"{fs_id}::{path}"


def _part_path(for_part: str) -> str:
    _fs_id, separator, path = for_part.partition("::")
    if not separator:
        raise ValueError(f"{for_part!r} is not a partition of this source: see `list_parts`")
    return path


def _checked_fs_id(get_fs_id: Callable[[Path], str], directory: Path) -> str:
    fs_id = get_fs_id(directory)
    if not isinstance(fs_id, str):
        raise TypeError(f"result of `get_fs_id` must be a `str`, not {fs_id!r}")
    if "::" in fs_id:
        raise ValueError(f"result of `get_fs_id` must not contain `::`; got {fs_id!r}")
    return fs_id


def _checked_batch_size(batch_size: int) -> int:
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    return batch_size


def _checked_range_bytes(range_bytes: int) -> int:
    if not isinstance(range_bytes, int):
        raise TypeError(f"range_bytes must be an `int`, not {range_bytes!r}")
    if range_bytes < 1:
        raise ValueError(f"range_bytes must be at least 1, not {range_bytes}")
    return range_bytes


class DirSource(FixedPartitionedSource[str, int]):
    """Read all files of a directory line by line; each file is a partition.

    The files are read in parallel by the workers, so lines of different files come in no
    particular order.
    """

    def __init__(
        self,
        dir_path: Path,
        glob_pat: str = "*",
        batch_size: int = 1000,
        get_fs_id: Callable[[Path], str] = _get_path_dev,
    ) -> None:
        """Choose the files.

        Args:
            dir_path: The directory.
            glob_pat: Which files to read, as for `pathlib.Path.glob`.
            batch_size: How many lines to read at once.
            get_fs_id: Names the file system that a directory lies on. Workers that give the same
                name see the same files and share them out among themselves; workers that give
                different names each read their own. By default the number of the device, which
                suits local disks. For a network file system, return something constant.

        Raises:
            ValueError: The directory does not exist, or an argument makes no sense.
        """
        dir_path = Path(dir_path)
        if not dir_path.exists():
            raise ValueError(f"input directory `{dir_path}` does not exist")
        if not dir_path.is_dir():
            raise ValueError(f"input directory `{dir_path}` is not a directory")
        self._dir_path = dir_path
        self._glob_pat = glob_pat
        self._batch_size = _checked_batch_size(batch_size)
        self._fs_id = _checked_fs_id(get_fs_id, dir_path)

    def list_parts(self) -> list[str]:
        """Name each file by its path in the directory."""
        return [
            _part_name(self._fs_id, path.relative_to(self._dir_path))
            for path in sorted(self._dir_path.glob(self._glob_pat))
            if not path.is_dir()
        ]

    def build_part(
        self, step_id: str, for_part: str, resume_state: int | None
    ) -> FileSourcePartition:
        """Open a file; see `FixedPartitionedSource.build_part`."""
        path = self._dir_path / _part_path(for_part)
        return FileSourcePartition(path, self._batch_size, resume_state)


class FileSource(FixedPartitionedSource[str, int]):
    """Read a file line by line, on one worker, or in ranges of bytes on all workers.

    Items are the lines without their ends. On one worker they come in the order of the file. With
    `range_bytes` each range of the file is a partition: lines of one range come in order, lines of
    different ranges in no particular order. A line belongs to the range that it starts in, so that
    each is read once, wherever ranges meet.

    Ranges begin at multiples of `range_bytes`, whatever the length of the file, so a file may have
    grown when a run resumes: what is new is read too. One that was cut below what had been read is
    an error then. So is another `range_bytes`: the positions of the old ranges would have no place.

    To find its first line, a range reads on to the next line feed. Ranges are for files that have
    such: in one whose lines end in carriage returns alone each range would read all the rest.
    """

    def __init__(
        self,
        path: Path | str,
        batch_size: int = 1000,
        get_fs_id: Callable[[Path], str] = _get_path_dev,
        *,
        range_bytes: int | None = None,
    ) -> None:
        """Choose the file.

        Args:
            path: The file.
            batch_size: How many lines to read at once.
            get_fs_id: Names the file system that the file's directory lies on; see `DirSource`.
            range_bytes: Length of the ranges, in bytes. A few ranges a worker spread the work
                evenly; each keeps the file open. `None` reads the file in one go, on one worker.

        Raises:
            FileNotFoundError: The file's directory does not exist, as far as `get_fs_id` tells.
            TypeError: `range_bytes` is no `int`.
            ValueError: An argument makes no sense.
        """
        self._path = Path(path)
        self._batch_size = _checked_batch_size(batch_size)
        self._range_bytes = None if range_bytes is None else _checked_range_bytes(range_bytes)
        try:
            self._fs_id = _checked_fs_id(get_fs_id, self._path.parent)
        except FileNotFoundError as ex:
            raise _missing(self._path) from ex

    def list_parts(self) -> list[str]:
        """Name the file, or its ranges; nothing where this worker does not have it.

        Raises:
            ValueError: It cannot be read in ranges of that length.
        """
        if not self._path.exists():
            return []
        if self._range_bytes is None:
            return [_part_name(self._fs_id, self._path)]
        starts = range(0, max(self._length_for(self._range_bytes), 1), self._range_bytes)
        return [
            f"{self._fs_id}::{start}-{start + self._range_bytes}::{self._path}" for start in starts
        ]

    def _found_no_parts(self) -> None:
        # A subclass may have had its reasons to name no part of a file that is there.
        if not self._path.exists():
            raise _missing(self._path)

    def _length_for(self, range_bytes: int) -> int:
        status = self._path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(
                f"{str(self._path)!r} is no regular file and has no ranges: leave out `range_bytes`"
            )
        length = status.st_size
        if length > _MOST_RANGES * range_bytes:
            raise ValueError(
                f"{str(self._path)!r} has {length:,} bytes, which are more than {_MOST_RANGES:,} "
                f"ranges of {range_bytes:,}: `range_bytes` must be at least "
                f"{-(-length // _MOST_RANGES):,}"
            )
        return length

    def build_part(
        self, step_id: str, for_part: str, resume_state: int | None
    ) -> FileSourcePartition | FileRangePartition:
        """Open the file; see `FixedPartitionedSource.build_part`."""
        path = _part_path(for_part)
        if self._range_bytes is None:
            return FileSourcePartition(Path(path), self._batch_size, resume_state)
        named = _RANGE.fullmatch(path)
        if not named:
            raise ValueError(f"{for_part!r} is not a range of this source: see `list_parts`")
        span = range(int(named["start"]), int(named["stop"]))
        return FileRangePartition(Path(named["path"]), self._batch_size, resume_state, span)


def _missing(path: Path) -> FileNotFoundError:
    return FileNotFoundError(f"input file {str(path)!r} does not exist")


class CSVSource(FixedPartitionedSource[dict[str, str], int]):
    """Read a CSV file record by record, on one worker.

    Items are dictionaries from column name to text. The first record names the columns. Records
    that are longer or shorter than it are treated as `csv.DictReader` does. There are no ranges as
    in `FileSource`: whether the end of a line ends a record, only all that is before it can tell.
    """

    def __init__(
        self,
        path: Path,
        batch_size: int = 1000,
        get_fs_id: Callable[[Path], str] = _get_path_dev,
        **fmtparams: Any,
    ) -> None:
        """Choose the file and say how it is written.

        Args:
            path: The file.
            batch_size: How many records to read at once.
            get_fs_id: Names the file system that the file's directory lies on; see `DirSource`.
            **fmtparams: Passed on to `csv.DictReader`: `delimiter`, `fieldnames`, and so on.

        Raises:
            FileNotFoundError: The file's directory does not exist, as far as `get_fs_id` tells.
            ValueError: An argument makes no sense.
        """
        self._file_source = FileSource(path, batch_size, get_fs_id)
        self._fmtparams = fmtparams

    def list_parts(self) -> list[str]:
        """Name the file; nothing where this worker does not have it."""
        return self._file_source.list_parts()

    def _found_no_parts(self) -> None:
        self._file_source._found_no_parts()

    def build_part(self, step_id: str, for_part: str, resume_state: Any | None) -> CSVPartition:
        """Open the file; see `FixedPartitionedSource.build_part`."""
        return CSVPartition(
            Path(_part_path(for_part)),
            self._file_source._batch_size,
            resume_state,
            self._fmtparams,
        )


class DirSink(FixedPartitionedSink[str, int]):
    """Write lines to a set number of files in a directory.

    Items are `(key, value)` pairs of strings; all values of a key go to the same file, in order.
    """

    def __init__(
        self,
        dir_path: Path,
        file_count: int,
        file_namer: Callable[[int, int], str] = lambda index, _file_count: f"part_{index}",
        assign_file: Callable[[str], int] = lambda key: adler32(key.encode()),
        end: str = "\n",
    ) -> None:
        """Choose the files.

        Args:
            dir_path: The directory. It must exist when the run starts.
            file_count: How many files to write.
            file_namer: Gets the index of a file and the number of files, returns the file's
                name; by default `part_0` and so on.
            assign_file: Gets a key and returns a number that modulo `file_count` is the index of
                the key's file in the sorted names; by default the Adler-32 sum of the key.
            end: Written after each value.
        """
        self._dir_path = Path(dir_path)
        self._file_count = file_count
        self._file_namer = file_namer
        self._assign_file = assign_file
        self._end = end

    def list_parts(self) -> list[str]:
        """Name the files."""
        return [self._file_namer(i, self._file_count) for i in range(self._file_count)]

    def part_fn(self, item_key: str) -> int:
        """Choose the file of a key; see `FixedPartitionedSink.part_fn`."""
        return self._assign_file(item_key)

    def build_part(
        self, step_id: str, for_part: str, resume_state: int | None
    ) -> FileSinkPartition:
        """Open a file; see `FixedPartitionedSink.build_part`."""
        return FileSinkPartition(self._dir_path / for_part, resume_state, self._end)


class FileSink(FixedPartitionedSink[str, int]):
    """Write lines to one file, on one worker.

    Items are `(key, value)` pairs of strings; the values of a key are written in order.
    """

    def __init__(self, path: Path, end: str = "\n") -> None:
        """Choose the file.

        Args:
            path: The file. The first value of a run empties it; a resume cuts it back to the last
                snapshot. So no other sink may write to the same file.
            end: Written after each value.
        """
        self._path = Path(path)
        self._end = end

    def list_parts(self) -> list[str]:
        """Name the file."""
        return [str(self._path)]

    def part_fn(self, item_key: str) -> int:
        """Choose the only file."""
        return 0

    def build_part(
        self, step_id: str, for_part: str, resume_state: int | None
    ) -> FileSinkPartition:
        """Open the file; see `FixedPartitionedSink.build_part`."""
        if for_part != str(self._path):
            raise ValueError(f"{for_part!r} is not this sink's file, {str(self._path)!r}")
        return FileSinkPartition(self._path, resume_state, self._end)
