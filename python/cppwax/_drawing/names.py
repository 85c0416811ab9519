"""Names in drawings: how wide they are, and what stands for characters that cannot be shown."""

from __future__ import annotations

import unicodedata


def shown(name: str) -> str:
    """Escape a name that has characters which cannot be seen, or are commands to a terminal.

    Args:
        name: Any text.

    Returns:
        Text of one line.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in name
    )


def columns_of(text: str) -> int:
    """Count the columns of a terminal that a text takes.

    Args:
        text: Text of one line.

    Returns:
        The number; characters of East Asian scripts take two, accents none.
    """
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )
