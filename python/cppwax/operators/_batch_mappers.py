"""What the stateless operators give to `flat_map_batch`: value objects over whole batches.

Each is called with the list of a batch's items and gives the list of results. They are data (a
step id for errors and the user's callable) so that the engine can recognise them by their exact
type and do the same natively.

`keyed()` gives the variant that works on the values of `(key, value)` items. An operator hands a
batch mapper through another operator, one that takes a callable for single items, as a `MapItem` or
`FlatMapItem`; that operator takes it out again.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

from cppwax.operators._checks import (
    check_flattened,
    check_iterable,
    check_last_pair,
    checked_key,
    raise_not_bool,
)
from cppwax.operators._data import Data

X = TypeVar("X")
Y = TypeVar("Y")
V = TypeVar("V")
W = TypeVar("W")


@dataclass(slots=True, eq=False)
class MapItem(Data, Generic[X, Y]):
    """A batch mapper with one result an item, as a callable for single items."""

    batch: Any

    def __call__(self, x: X) -> Y:
        """Give the result for one item."""
        y: Y
        (y,) = self.batch([x])
        return y


@dataclass(slots=True, eq=False)
class FlatMapItem(Data, Generic[X, Y]):
    """A batch mapper with any number of results an item, as a callable for single items."""

    batch: Any

    def __call__(self, x: X) -> list[Y]:
        """Give the results for one item."""
        ys: list[Y] = self.batch([x])
        return ys


@dataclass(slots=True, eq=False)
class MapBatch(Data, Generic[X, Y]):
    """For `map`."""

    step_id: str
    mapper: Callable[[X], Y]

    def __call__(self, xs: list[X]) -> list[Y]:
        """Give the mapper's result for each item."""
        mapper = self.mapper
        return [mapper(x) for x in xs]

    def keyed(self) -> "MapValueBatch[X, Y]":
        """Give the variant for values."""
        return MapValueBatch(self.step_id, self.mapper)


@dataclass(slots=True, eq=False)
class MapValueBatch(Data, Generic[V, W]):
    """For `map_value`."""

    step_id: str
    mapper: Callable[[V], W]

    def __call__(self, xs: list[tuple[str, V]]) -> list[tuple[str, W]]:
        """Give each key with the mapper's result for its value."""
        mapper = self.mapper
        items = iter(xs)
        try:
            return [(k, mapper(v)) for k, v in items]
        except (TypeError, ValueError):
            check_last_pair(self.step_id, xs, items)
            raise


@dataclass(slots=True, eq=False)
class FlatMapBatch(Data, Generic[X, Y]):
    """For `flat_map`."""

    step_id: str
    mapper: Callable[[X], Iterable[Y]]

    def __call__(self, xs: list[X]) -> list[Y]:
        """Give all that is in the mapper's results."""
        mapper = self.mapper
        out: list[Y] = []
        extend = out.extend
        for x in xs:
            ys = mapper(x)
            try:
                extend(ys)
            except TypeError:
                check_iterable(self.step_id, "mapper", mapper, ys)
                raise
        return out

    def keyed(self) -> "FlatMapValueBatch[X, Y]":
        """Give the variant for values."""
        return FlatMapValueBatch(self.step_id, self.mapper)


@dataclass(slots=True, eq=False)
class FlatMapValueBatch(Data, Generic[V, W]):
    """For `flat_map_value`."""

    step_id: str
    mapper: Callable[[V], Iterable[W]]

    def __call__(self, xs: list[tuple[str, V]]) -> list[tuple[str, W]]:
        """Give each key with each part of the mapper's result for its value."""
        items = iter(xs)
        try:
            return self._pairs(items)
        except (TypeError, ValueError):
            check_last_pair(self.step_id, xs, items)
            raise

    def _pairs(self, items: Iterator[tuple[str, V]]) -> list[tuple[str, W]]:
        mapper = self.mapper
        out: list[tuple[str, W]] = []
        extend = out.extend
        for k, v in items:
            ws = mapper(v)
            try:
                extend([(k, w) for w in ws])
            except TypeError:
                check_iterable(self.step_id, "mapper", mapper, ws)
                raise
        return out


@dataclass(slots=True, eq=False)
class FilterBatch(Data, Generic[X]):
    """For `filter`."""

    step_id: str
    predicate: Callable[[X], bool]

    def __call__(self, xs: list[X]) -> list[X]:
        """Give the items for which the predicate is true."""
        predicate = self.predicate
        # Compared with `is`: anything but the two bools ends up in `_refuse`.
        return [
            x
            for x in xs
            if (keep := predicate(x)) is True or (keep is not False and self._refuse(keep))
        ]

    def keyed(self) -> "FilterValueBatch[X]":
        """Give the variant for values."""
        return FilterValueBatch(self.step_id, self.predicate)

    def _refuse(self, result: object) -> NoReturn:
        raise_not_bool(self.step_id, "result of `predicate`", self.predicate, result)


@dataclass(slots=True, eq=False)
class FilterValueBatch(Data, Generic[V]):
    """For `filter_value`."""

    step_id: str
    predicate: Callable[[V], bool]

    def __call__(self, xs: list[tuple[str, V]]) -> list[tuple[str, V]]:
        """Give the items for whose values the predicate is true."""
        predicate = self.predicate
        items = iter(xs)
        try:
            return [
                (k, v)
                for k, v in items
                if (keep := predicate(v)) is True or (keep is not False and self._refuse(keep))
            ]
        except (TypeError, ValueError):
            check_last_pair(self.step_id, xs, items)
            raise

    def _refuse(self, result: object) -> NoReturn:
        raise_not_bool(self.step_id, "result of `predicate`", self.predicate, result)


@dataclass(slots=True, eq=False)
class FilterMapBatch(Data, Generic[X, Y]):
    """For `filter_map`."""

    step_id: str
    mapper: Callable[[X], Y | None]

    def __call__(self, xs: list[X]) -> list[Y]:
        """Give the mapper's results that are not None."""
        mapper = self.mapper
        return [y for x in xs if (y := mapper(x)) is not None]

    def keyed(self) -> "FilterMapValueBatch[X, Y]":
        """Give the variant for values."""
        return FilterMapValueBatch(self.step_id, self.mapper)


@dataclass(slots=True, eq=False)
class FilterMapValueBatch(Data, Generic[V, W]):
    """For `filter_map_value`."""

    step_id: str
    mapper: Callable[[V], W | None]

    def __call__(self, xs: list[tuple[str, V]]) -> list[tuple[str, W]]:
        """Give each key with the mapper's result for its value, unless that is None."""
        mapper = self.mapper
        items = iter(xs)
        try:
            return [(k, w) for k, v in items if (w := mapper(v)) is not None]
        except (TypeError, ValueError):
            check_last_pair(self.step_id, xs, items)
            raise


@dataclass(slots=True, eq=False)
class FlattenBatch(Data, Generic[X]):
    """For `flatten`."""

    step_id: str

    def __call__(self, xs: list[Iterable[X]]) -> list[X]:
        """Give all that is in the items."""
        out: list[X] = []
        extend = out.extend
        for x in xs:
            try:
                extend(x)
            except TypeError:
                check_flattened(self.step_id, x)
                raise
        return out


@dataclass(slots=True, eq=False)
class KeyOnBatch(Data, Generic[X]):
    """For `key_on`."""

    step_id: str
    key: Callable[[X], str]

    def __call__(self, xs: list[X]) -> list[tuple[str, X]]:
        """Give each item with its key."""
        key = self.key
        return [(k if type(k := key(x)) is str else self._checked(k), x) for x in xs]

    def _checked(self, key: object) -> str:
        return checked_key(self.step_id, self.key, key)


@dataclass(slots=True, eq=False)
class KeyRmBatch(Data, Generic[X]):
    """For `key_rm`."""

    step_id: str

    def __call__(self, xs: list[tuple[str, X]]) -> list[X]:
        """Give the values."""
        items = iter(xs)
        try:
            return [v for _, v in items]
        except (TypeError, ValueError):
            check_last_pair(self.step_id, xs, items)
            raise
