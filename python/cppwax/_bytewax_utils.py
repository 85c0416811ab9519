"""What packages that build on Bytewax import from a private module of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

X = TypeVar("X")


def partition(it: Iterable[X], predicate: Callable[[X], bool]) -> tuple[list[X], list[X]]:
    """Part items by a predicate, which is called once for each.

    >>> partition(range(5), lambda number: number < 2)
    ([0, 1], [2, 3, 4])

    Args:
        it: The items.
        predicate: What to ask of each.

    Returns:
        Those for which it is true, and the others.
    """
    parts: tuple[list[X], list[X]] = ([], [])
    for item in it:
        parts[not predicate(item)].append(item)
    return parts
