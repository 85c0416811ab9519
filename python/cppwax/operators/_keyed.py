"""Steps that give items a key, take it away, or handle values and leave the key alone.

None of them moves items: keyed items go to the worker of their key where a step keeps state.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from cppwax.dataflow import KeyedStream, Stream, operator
from cppwax.operators._batch_mappers import (
    FilterBatch,
    FilterMapBatch,
    FlatMapBatch,
    FlatMapItem,
    KeyOnBatch,
    KeyRmBatch,
    MapBatch,
    MapItem,
)
from cppwax.operators._checks import check_callable
from cppwax.operators._stateless import flat_map, map

X = TypeVar("X")
V = TypeVar("V")
W = TypeVar("W")


@operator
def key_on(step_id: str, up: Stream[X], key: Callable[[X], str]) -> KeyedStream[X]:
    """Give each item a key.

    **Shape**: `Stream[X] → KeyedStream[X]`.
    **Order**: kept.
    **State**: none.
    **Parallelism**: items stay on their worker until a step keeps state by key.

    Args:
        step_id: Name of the step.
        up: The stream.
        key: Called with each item; must return a `str`.

    Returns:
        `(key, item)` 2-tuples.

    Raises:
        TypeError: If `key` cannot be called; when run, if it returns no `str`.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("keying")
    >>> words = op.input("inp", flow, TestingSource(["apple", "bean"]))
    >>> op.output("out", op.key_on("initial", words, lambda w: w[0]), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', 'apple'), ('b', 'bean')]
    """
    check_callable(step_id, "key", key)
    mapper: MapItem[X, tuple[str, X]] = MapItem(KeyOnBatch(step_id, key))
    return map("map", up, mapper)


@operator
def key_rm(step_id: str, up: KeyedStream[X]) -> Stream[X]:
    """Take the key away from each item.

    **Shape**: `KeyedStream[X] → Stream[X]`.
    **Order**: kept.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.

    Returns:
        The values.

    Raises:
        TypeError: When run, if an item is no pair.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("values")
    >>> items = op.input("inp", flow, TestingSource([("a", 1), ("b", 2)]))
    >>> op.output("out", op.key_rm("values", items), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [1, 2]
    """
    mapper: MapItem[tuple[str, X], X] = MapItem(KeyRmBatch(step_id))
    return map("map", up, mapper)


@operator
def map_value(
    step_id: str,
    up: KeyedStream[V],
    mapper: Callable[[V], W],
) -> KeyedStream[W]:
    """Transform each value and keep its key.

    **Shape**: `KeyedStream[V] → KeyedStream[W]`.
    **Order**: kept.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        mapper: Called with each value; its result goes on with the key.

    Returns:
        The keys with the results.

    Raises:
        TypeError: If `mapper` cannot be called; when run, if an item is no pair.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("mapping")
    >>> items = op.input("inp", flow, TestingSource([("a", 1), ("b", 2)]))
    >>> op.output("out", op.map_value("ten", items, lambda v: v * 10), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', 10), ('b', 20)]
    """
    check_callable(step_id, "mapper", mapper)
    batch = mapper.batch if type(mapper) is MapItem else MapBatch(step_id, mapper)
    pair_mapper: MapItem[tuple[str, V], tuple[str, W]] = MapItem(batch.keyed())
    return map("map", up, pair_mapper)


@operator
def flat_map_value(
    step_id: str,
    up: KeyedStream[V],
    mapper: Callable[[V], Iterable[W]],
) -> KeyedStream[W]:
    """Transform each value into any number of values with the same key.

    **Shape**: `KeyedStream[V] → KeyedStream[W]`.
    **Order**: kept; what comes of one item stays together.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        mapper: Called with each value; each part of its result goes on with the key.

    Returns:
        The keys with the parts of the results.

    Raises:
        TypeError: If `mapper` cannot be called; when run, if it returns no iterable or an item is
            no pair.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("splitting")
    >>> lines = op.input("inp", flow, TestingSource([("a", "to be")]))
    >>> op.output("out", op.flat_map_value("words", lines, str.split), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', 'to'), ('a', 'be')]
    """
    check_callable(step_id, "mapper", mapper)
    batch = mapper.batch if type(mapper) is FlatMapItem else FlatMapBatch(step_id, mapper)
    pair_mapper: FlatMapItem[tuple[str, V], tuple[str, W]] = FlatMapItem(batch.keyed())
    return flat_map("flat_map", up, pair_mapper)


@operator
def filter_value(
    step_id: str,
    up: KeyedStream[V],
    predicate: Callable[[V], bool],
) -> KeyedStream[V]:
    """Keep only items with some values.

    **Shape**: `KeyedStream[V] → KeyedStream[V]`.
    **Order**: kept.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        predicate: Called with each value; must return a real `bool`. Items with True go on.

    Returns:
        The items kept.

    Raises:
        TypeError: If `predicate` cannot be called; when run, if it returns no `bool` or an item is
            no pair.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("filtering")
    >>> items = op.input("inp", flow, TestingSource([("a", 1), ("b", 2)]))
    >>> op.output("out", op.filter_value("large", items, lambda v: v > 1), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('b', 2)]
    """
    check_callable(step_id, "predicate", predicate)
    mapper: FlatMapItem[V, V] = FlatMapItem(FilterBatch(step_id, predicate))
    return flat_map_value("filter", up, mapper)


@operator
def filter_map_value(
    step_id: str,
    up: KeyedStream[V],
    mapper: Callable[[V], W | None],
) -> KeyedStream[W]:
    """Transform each value and leave out items whose result is None.

    **Shape**: `KeyedStream[V] → KeyedStream[W]`.
    **Order**: kept.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        mapper: Called with each value; any result but None goes on with the key.

    Returns:
        The keys with the results that are not None.

    Raises:
        TypeError: If `mapper` cannot be called; when run, if an item is no pair.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("choosing")
    >>> items = op.input("inp", flow, TestingSource([("a", {"n": 1}), ("b", {})]))
    >>> op.output("out", op.filter_map_value("n", items, lambda v: v.get("n")), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', 1)]
    """
    check_callable(step_id, "mapper", mapper)
    flat_mapper: FlatMapItem[V, W] = FlatMapItem(FilterMapBatch(step_id, mapper))
    return flat_map_value("flat_map_value", up, flat_mapper)
