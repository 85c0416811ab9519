"""Reading a file's lines in bulk, with exact positions to resume from.

Text files of the standard library can only tell an opaque position, and none at all while they
are iterated. This reads bytes, and finds the position of a line when it is asked for.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

# Measured with lines of 50 bytes: larger ones are slower, as their lines fall out of the cache.
_CHUNK_BYTES = 65536

_LINE_END = re.compile(rb"\r\n|\r|\n")


def first_line_start(path: Path, byte: int) -> int | None:
    """Find the first byte of a file, at or behind one, where a line starts.

    Args:
        path: The file.
        byte: Where to look from.

    Returns:
        The byte; `None` if the line before goes on to the end of the file.

    Raises:
        ValueError: The file is shorter.
    """
    if byte == 0:
        return 0
    reader = LineReader(path, byte - 1, keep_ends=True)
    try:
        found = _LINE_END.search(reader.whole_lines())
    finally:
        reader.close()
    return byte - 1 + found.end() if found else None


class LineReader(Iterator[str]):
    r"""The lines of a UTF-8 file; `\n`, `\r\n` and `\r` end a line.

    Invariant: `_lines` are all lines of the bytes `_chunk`, which start at `_chunk_start` in the
    file, and the first `_used` of them have been given out.
    """

    def __init__(self, path: Path, start: int, *, keep_ends: bool, end: int | None = None) -> None:
        """Open the file.

        Args:
            path: File to read.
            start: Byte to start at; one that `position` returned, or where a line starts.
            keep_ends: Leave each line's end as it is in the file, instead of dropping it.
            end: Read the lines that start before this byte, and each of them whole; `None` reads
                all.

        Raises:
            ValueError: The file is shorter than `start`.
        """
        self._path = path
        self._keep_ends = keep_ends
        self._end = end
        # The file ended within the last line before `_end`, and may have grown since.
        self._goes_on = False
        self._file = io.BufferedReader(io.FileIO(path), _CHUNK_BYTES)
        self._chunk_start = 0
        self._chunk = b""
        self._lines: list[str] = []
        self._used = 0
        # Where each line of the chunk ends, in it; found only when a position is asked for.
        self._ends: list[int] | None = None
        # A pipe can only be read from its beginning, and then needs no seeking.
        if start:
            self.seek(start)

    def seek(self, position: int) -> None:
        """Go on at a position that `position` returned.

        Raises:
            ValueError: The file ends before it.
        """
        length = self._file.seek(0, 2)
        if position > length:
            self._file.close()
            raise ValueError(
                f"{str(self._path)!r} has {length} bytes, but reading is to resume at byte "
                f"{position}: the file was cut or replaced since the last run; "
                "restore it, or start without the old recovery state"
            )
        if self._end is not None and position >= self._end:
            self._file.seek(position - 1)
            self._goes_on = self._file.read(1) not in b"\r\n"
        self._file.seek(position)
        self._chunk_start = position
        self._set_chunk(b"")

    def position(self) -> int:
        """Return the byte where the next line starts."""
        if self._used == len(self._lines):
            return self._chunk_start + len(self._chunk)
        if self._used == 0:
            return self._chunk_start
        if self._ends is None:
            self._ends = list(accumulate(map(len, self._chunk.splitlines(keepends=True))))
        return self._chunk_start + self._ends[self._used - 1]

    def take(self, count: int) -> list[str]:
        """Return the next lines.

        Args:
            count: How many; fewer come only at the end of the file.
        """
        lines = self._lines[self._used : self._used + count]
        self._used += len(lines)
        while len(lines) < count and self._load():
            more = self._lines[: count - len(lines)]
            self._used = len(more)
            lines += more
        return lines

    def __next__(self) -> str:
        """Return the next line."""
        if self._used == len(self._lines) and not self._load():
            raise StopIteration
        line = self._lines[self._used]
        self._used += 1
        return line

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _load(self) -> bool:
        self._chunk_start += len(self._chunk)
        chunk = b""
        if self._end is None:
            chunk = self.whole_lines()
        elif self._chunk_start < self._end or self._goes_on:
            self._goes_on = False
            chunk = self.whole_lines()
            # A line that starts before the end may end behind it.
            last = _LINE_END.search(chunk, max(self._end - self._chunk_start - 1, 0))
            chunk = chunk[: last.end()] if last else chunk
        self._set_chunk(chunk)
        return bool(self._lines)

    def whole_lines(self) -> bytes:
        """Return the next block of the file with the rest of its last line; nothing at the end."""
        # The line that is cut by the end of the block comes whole from `readline`. It ends at
        # line feeds only: a file with none is thus read in one go.
        chunk = self._file.read1(_CHUNK_BYTES)
        if chunk and not chunk.endswith(b"\n"):
            chunk += self._file.readline()
        return chunk

    def _set_chunk(self, chunk: bytes) -> None:
        self._chunk = chunk
        self._ends = None
        self._used = 0
        try:
            self._lines = self._split(chunk)
        except UnicodeDecodeError:
            raise self._not_utf8(chunk) from None

    def _split(self, chunk: bytes) -> list[str]:
        if self._keep_ends:
            # Not `str.splitlines`, which knows ten more characters that end a line.
            return [line.decode() for line in chunk.splitlines(keepends=True)]
        text = chunk.decode()
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        lines = text.split("\n")
        if lines[-1] == "":
            lines.pop()
        return lines

    def _not_utf8(self, chunk: bytes) -> UnicodeDecodeError:
        try:
            chunk.decode()
        except UnicodeDecodeError as ex:
            place = f"at byte {self._chunk_start + ex.start} of {str(self._path)!r}"
            reason = f"{ex.reason}, {place}; the file must be UTF-8"
            return UnicodeDecodeError(ex.encoding, ex.object, ex.start, ex.end, reason)
        raise AssertionError("a line of valid text is not valid")
