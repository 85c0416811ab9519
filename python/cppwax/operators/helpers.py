"""Functions that make callables for operators."""

from collections.abc import Callable
from typing import TypeVar

__all__ = ["map_dict_value"]

K = TypeVar("K")
V = TypeVar("V")


def map_dict_value(key: K, mapper: Callable[[V], V]) -> Callable[[dict[K, V]], dict[K, V]]:
    """Make a mapper for `map` that changes one value of each item, a dictionary.

    Args:
        key: Where the value is. Items must have it.
        mapper: Called with the value; its result takes the value's place.

    Returns:
        A function that changes the dictionary it is called with, and returns it.

    >>> upper_name = map_dict_value("name", str.upper)
    >>> upper_name({"name": "Ada", "year": 1815})
    {'name': 'ADA', 'year': 1815}
    """

    def shim_mapper(items: dict[K, V]) -> dict[K, V]:
        items[key] = mapper(items[key])
        return items

    return shim_mapper
