"""What the data that operators hand to the engine has in common."""

from typing import Any


class Data:
    """Base of classes `@dataclass(slots=True, eq=False)`: equal if of one class, with equal fields.

    `dataclass` would make these methods for each class, and compile them whenever a program starts.
    Nothing ever changes such an object, and none of these classes is derived from another.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Whether all fields are equal."""
        if type(other) is not type(self):
            return NotImplemented
        return self._fields() == other._fields()

    def __hash__(self) -> int:
        """Of the fields."""
        return hash((type(self), self._fields()))

    def _fields(self) -> tuple[Any, ...]:
        names: tuple[str, ...] = self.__slots__
        return tuple(getattr(self, name) for name in names)
