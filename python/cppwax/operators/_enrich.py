"""Steps that look up additional data, and the cache they look into."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Generic, TypeVar

from cppwax.dataflow import Stream, operator
from cppwax.operators._checks import check_callable, check_instance
from cppwax.operators._core import flat_map_batch
from cppwax.operators._data import Data

X = TypeVar("X")
Y = TypeVar("Y")
DK = TypeVar("DK")
DV = TypeVar("DV")


def _get_system_utc() -> datetime:
    return datetime.now(timezone.utc)


@dataclass
class TTLCache(Generic[DK, DV]):
    """Values by key that are fetched again when they have become too old.

    >>> from datetime import datetime, timedelta
    >>> cache = TTLCache(str.upper, datetime.now, timedelta(hours=1))
    >>> cache.get("a")
    'A'
    """

    v_getter: Callable[[DK], DV]
    """Called with a key to fetch its value."""
    now_getter: Callable[[], datetime]
    """Called for the current time."""
    ttl: timedelta
    """A value older than this is fetched again."""
    _cache: dict[DK, tuple[datetime, DV]] = field(default_factory=dict)

    def get(self, k: DK) -> DV:
        """Give the value of a key, fetched now if there is none or it is too old.

        Args:
            k: The key.

        Returns:
            The value.
        """
        now = self.now_getter()
        try:
            fetched_at, v = self._cache[k]
        except KeyError:
            pass
        else:
            if now - fetched_at <= self.ttl:
                return v
        v = self.v_getter(k)
        self._cache[k] = (now, v)
        return v

    def remove(self, k: DK) -> None:
        """Forget the value of a key, so that it is fetched again.

        Args:
            k: The key.

        Raises:
            KeyError: If there is no value of this key.
        """
        del self._cache[k]


@dataclass(slots=True, eq=False)
class EnrichBatch(Data, Generic[X, Y, DK, DV]):
    """For `enrich_cached`: gives the mapper a cache whose time stands still within a batch."""

    step_id: str
    getter: Callable[[DK], DV]
    mapper: Callable[[TTLCache[DK, DV], X], Y]
    ttl: timedelta
    now_getter: Callable[[], datetime]
    values: dict[DK, tuple[datetime, DV]] = field(default_factory=dict)

    def __call__(self, xs: list[X]) -> list[Y]:
        """Give the mapper's result for each item."""
        mapper = self.mapper
        cache = self.cache_of_batch()
        return [mapper(cache, x) for x in xs]

    def cache_of_batch(self) -> TTLCache[DK, DV]:
        """Give a cache whose time is the present one.

        One for each batch, not one for all: workers share this object, and each has its own now.
        """
        now = self.now_getter()
        return TTLCache(self.getter, lambda: now, self.ttl, self.values)


@operator
def enrich_cached(
    step_id: str,
    up: Stream[X],
    getter: Callable[[DK], DV],
    mapper: Callable[[TTLCache[DK, DV], X], Y],
    ttl: timedelta = timedelta.max,
    _now_getter: Callable[[], datetime] = _get_system_utc,
) -> Stream[Y]:
    """Transform each item with the help of data that is fetched once and then cached.

    **Shape**: `Stream[X] → Stream[Y]`.
    **Order**: kept.
    **State**: a cache for each process, not part of snapshots, never shrinking by itself. It is
    kept from one run of the same `Dataflow` object to the next. The age of values is judged at the
    beginning of each batch.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        getter: Called with a key to fetch its value.
        mapper: Called with the cache and each item; its result goes on.
        ttl: A value older than this is fetched again. By default never.
        _now_getter: Called once a batch for the current time.

    Returns:
        The results.

    Raises:
        TypeError: If a callable cannot be called or `ttl` is no `timedelta`.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> names = {1: "Ada", 2: "Grace"}
    >>> out = []
    >>> flow = Dataflow("enriching")
    >>> ids = op.input("inp", flow, TestingSource([1, 2, 1]))
    >>> named = op.enrich_cached("names", ids, names.__getitem__, lambda cache, i: cache.get(i))
    >>> op.output("out", named, TestingSink(out))
    >>> run_main(flow)
    >>> out
    ['Ada', 'Grace', 'Ada']
    """
    check_callable(step_id, "getter", getter)
    check_callable(step_id, "mapper", mapper)
    check_instance(step_id, "ttl", ttl, timedelta)
    check_callable(step_id, "_now_getter", _now_getter)
    batch = EnrichBatch(step_id, getter, mapper, ttl, _now_getter)
    return flat_map_batch("flat_map_batch", up, batch)
