"""Names that no step here needs, for packages that import them from Bytewax's operators."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import product
from typing import Any, TypeVar

C = TypeVar("C", bound=Iterable[Any])
DK = TypeVar("DK")
DV = TypeVar("DV")
S = TypeVar("S")
SC = TypeVar("SC")
SW = TypeVar("SW")
U = TypeVar("U")
V = TypeVar("V")
W = TypeVar("W")
W_co = TypeVar("W_co", covariant=True)
X = TypeVar("X")
Y = TypeVar("Y")

_EMPTY: tuple[Any, ...] = ()


def _get_system_utc() -> datetime:
    return datetime.now(timezone.utc)


# `bytewax.interval` builds its joins of these. Joins of cppwax keep plain lists.
@dataclass
class _JoinState:
    """The values that each side of a join has got for one key."""

    seen: list[list[Any]]

    @classmethod
    def for_side_count(cls, side_count: int) -> _JoinState:
        """Begin without values.

        Args:
            side_count: How many sides there are.
        """
        return cls([[] for _ in range(side_count)])

    def set_val(self, side: int, value: Any) -> None:
        """Let a value be the only one of its side."""
        self.seen[side] = [value]

    def add_val(self, side: int, value: Any) -> None:
        """Let a side have one value more."""
        self.seen[side].append(value)

    def is_set(self, side: int) -> bool:
        """Tell whether a side has a value."""
        return bool(self.seen[side])

    def all_set(self) -> bool:
        """Tell whether every side has a value."""
        return all(self.seen)

    def astuples(self) -> list[tuple[Any, ...]]:
        """Give each combination of the sides' values, None where a side has none.

        >>> _JoinState([[1], [], [2, 3]]).astuples()
        [(1, None, 2), (1, None, 3)]
        """
        return list(product(*(values or (None,) for values in self.seen)))

    def clear(self) -> None:
        """Forget all values."""
        for values in self.seen:
            values.clear()

    def __iadd__(self, other: _JoinState) -> _JoinState:
        """Append the other's values to the sides' own."""
        self.seen = [own + more for own, more in self._pairs(other)]
        return self

    def __ior__(self, other: _JoinState) -> _JoinState:
        """Take the other's values for sides that it has values of."""
        self.seen = [more or own for own, more in self._pairs(other)]
        return self

    def _pairs(self, other: _JoinState) -> list[tuple[list[Any], list[Any]]]:
        return list(zip(self.seen, other.seen, strict=True))
