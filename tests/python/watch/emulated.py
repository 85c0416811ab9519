"""A terminal as far as the table needs one: what a user would see after all that was written."""

from __future__ import annotations

import re

_TOKENS = re.compile(r"\x1b\[(\d*)([A-Za-z])|([\s\S])")


def seen(written: str) -> list[str]:
    """Interpret moves of the cursor; styles are ignored, other controls are errors."""
    lines, row, column = [""], 0, 0
    for count, control, letter in _TOKENS.findall(re.sub(r"\x1b\[[\d;]*m", "", written)):
        if control == "A":
            row -= int(count or 1)
            assert row >= 0, "above the first line"
        elif control == "J":
            del lines[row + 1 :]
            lines[row] = lines[row][:column]
        elif control:
            raise AssertionError(f"unknown control {control!r}")
        elif letter == "\n":
            row, column = row + 1, 0
            if row == len(lines):
                lines.append("")
        elif letter == "\r":
            column = 0
        else:
            lines[row] = lines[row][:column].ljust(column) + letter + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]
