"""Readers and writers of single files, which the sources and sinks of `files` open."""

from __future__ import annotations

import csv
import errno
import os
import stat
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from cppwax.connectors._line_reader import LineReader, first_line_start
from cppwax.inputs import StatefulSourcePartition
from cppwax.outputs import StatefulSinkPartition


class FileSourcePartition(StatefulSourcePartition[str, int]):
    """Lines of a file, without their ends."""

    def __init__(self, path: Path, batch_size: int, resume_state: int | None) -> None:
        self._batch_size = batch_size
        self._reader = LineReader(path, resume_state or 0, keep_ends=False)

    def next_batch(self) -> list[str]:
        lines = self._reader.take(self._batch_size)
        if not lines:
            raise StopIteration
        return lines

    def snapshot(self) -> int:
        return self._reader.position()

    def close(self) -> None:
        self._reader.close()


class FileRangePartition(StatefulSourcePartition[str, int]):
    """The lines of a file that start in a range of bytes, without their ends.

    The position is the byte where the next line starts. As long as no line is known to start in
    the range, it is the first byte of the range: what grows there later may belong to a line that
    starts before it.
    """

    def __init__(self, path: Path, batch_size: int, resume_state: int | None, span: range) -> None:
        self._batch_size = batch_size
        self._start = span.start
        self._reader: LineReader | None = None
        position: int | None = resume_state
        if position is None or position == span.start:
            position = first_line_start(path, span.start)
            if position is None or position >= span.stop:
                return
        self._reader = LineReader(path, position, keep_ends=False, end=span.stop)

    def next_batch(self) -> list[str]:
        lines = self._reader.take(self._batch_size) if self._reader else []
        if not lines:
            raise StopIteration
        return lines

    def snapshot(self) -> int:
        return self._reader.position() if self._reader else self._start

    def close(self) -> None:
        if self._reader:
            self._reader.close()


class CSVPartition(StatefulSourcePartition[dict[str, str], int]):
    """Records of a CSV file."""

    def __init__(
        self, path: Path, batch_size: int, resume_state: int | None, fmtparams: dict[str, Any]
    ) -> None:
        self._path = path
        self._batch_size = batch_size
        # A record may go over several lines, whose ends belong to it.
        self._lines = LineReader(path, 0, keep_ends=True)
        header = csv.DictReader(self._lines, **fmtparams)
        # The first record, unless the names are among the parameters.
        self._names: list[str] = list(header.fieldnames or ())
        self._rest_key: Any = header.restkey
        self._rest_value: Any = header.restval
        # It takes no more lines than a record needs: between records, the lines' position is
        # the next record's.
        self._records = header.reader
        if resume_state is not None:
            # Not before the header, which was not there yet if the file was empty.
            self._lines.seek(max(resume_state, self._lines.position()))

    def next_batch(self) -> list[dict[str, str]]:
        start = self._lines.position()
        try:
            rows = self._next_rows()
        except csv.Error as ex:
            message = f"{ex}, in the records from byte {start} on of {str(self._path)!r}"
            raise csv.Error(message) from ex
        if not rows:
            raise StopIteration
        return rows

    def _next_rows(self) -> list[dict[str, str]]:
        names, width = self._names, len(self._names)
        rows: list[dict[str, str]] = []
        while missing := self._batch_size - len(rows):
            records = list(islice(self._records, missing))
            if not records:
                break
            # Empty records are blank lines, and no items.
            rows += [
                dict(zip(names, record, strict=True))
                if len(record) == width
                else self._uneven_row(record)
                for record in records
                if record
            ]
        return rows

    def _uneven_row(self, record: list[str]) -> dict[str, str]:
        row: dict[Any, Any] = dict(zip(self._names, record, strict=False))
        if len(record) > len(self._names):
            row[self._rest_key] = record[len(self._names) :]
        for name in self._names[len(record) :]:
            row[name] = self._rest_value
        return row

    def snapshot(self) -> int:
        return self._lines.position()

    def close(self) -> None:
        self._lines.close()


def _sync_folder(folder: Path) -> None:
    """Make the names of the files in it survive a power cut."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except PermissionError:
        # In such a folder files may be made, but only all of the system can be synced.
        os.sync()
        return
    try:
        os.fsync(fd)
    except OSError as ex:
        # Some file systems cannot, and then need not.
        if ex.errno != errno.EINVAL:
            raise
    finally:
        os.close(fd)


class FileSinkPartition(StatefulSinkPartition[str, int]):
    """A file that values are appended to."""

    def __init__(self, path: Path, resume_state: int | None, end: str) -> None:
        self._path = path
        self._end = end
        # Behind links, and wherever the process may go to.
        self._unsynced_folder: Path | None = Path(os.path.realpath(path)).parent
        # At its end, wherever that is then: others may write to the file too, or empty it.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._file: BinaryIO = open(os.open(path, flags, 0o666), "wb")  # noqa: SIM115 - `close`
        self._written = resume_state or 0
        try:
            self._go_to(self._written)
        except BaseException:
            self._file.close()
            raise

    def _go_to(self, position: int) -> None:
        status = os.fstat(self._file.fileno())
        # Pipes and devices have no positions: what was written is gone.
        if not stat.S_ISREG(status.st_mode):
            return
        if status.st_size < position:
            raise ValueError(
                f"{str(self._path)!r} has {status.st_size} bytes, but writing is to resume at byte "
                f"{position}: the file was cut or replaced since the last run; "
                "restore it, or start without the old recovery state"
            )
        self._file.truncate(position)

    def write_batch(self, values: list[str]) -> None:
        if not values:
            return
        try:
            text = self._end.join(values) + self._end
        except TypeError:
            raise self._not_text(values) from None
        data = text.encode()
        self._file.write(data)
        self._file.flush()
        self._written += len(data)

    def _not_text(self, values: list[str]) -> TypeError:
        wrong: object = next((v for v in values if not isinstance(v, str)), self._end)
        return TypeError(
            f"values written to {str(self._path)!r} must be `str`, not {wrong!r}; "
            "convert them in a step before the sink"
        )

    def snapshot(self) -> int:
        status = os.fstat(self._file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return self._written
        # The store that keeps this number survives a power cut, so the bytes must too.
        os.fsync(self._file.fileno())
        # Its name too, once: also that of a file which was there may be new, made by a run
        # that was killed before it came to this.
        if self._unsynced_folder:
            _sync_folder(self._unsynced_folder)
            self._unsynced_folder = None
        return status.st_size

    def close(self) -> None:
        self._file.close()
