"""Steps that handle each item by itself, whatever it is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

from cppwax.dataflow import Stream, operator
from cppwax.operators._batch_mappers import (
    FilterBatch,
    FilterMapBatch,
    FlatMapBatch,
    FlatMapItem,
    FlattenBatch,
    MapBatch,
    MapItem,
)
from cppwax.operators._checks import check_callable
from cppwax.operators._core import flat_map_batch, inspect_debug, output
from cppwax.operators._data import Data
from cppwax.outputs import DynamicSink, StatelessSinkPartition

X = TypeVar("X")
Y = TypeVar("Y")


@operator
def map(step_id: str, up: Stream[X], mapper: Callable[[X], Y]) -> Stream[Y]:
    """Transform each item.

    **Shape**: `Stream[X] → Stream[Y]`.
    **Order**: kept.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        mapper: Called with each item; its result goes on, None too.

    Returns:
        The results.

    Raises:
        TypeError: If `mapper` cannot be called.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("mapping")
    >>> numbers = op.input("inp", flow, TestingSource([1, 2]))
    >>> op.output("out", op.map("ten", numbers, lambda x: x * 10), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [10, 20]
    """
    check_callable(step_id, "mapper", mapper)
    batch = mapper.batch if type(mapper) is MapItem else MapBatch(step_id, mapper)
    return flat_map_batch("flat_map_batch", up, batch)


@operator
def flat_map(step_id: str, up: Stream[X], mapper: Callable[[X], Iterable[Y]]) -> Stream[Y]:
    """Transform each item into any number of items.

    **Shape**: `Stream[X] → Stream[Y]`.
    **Order**: kept; what comes of one item stays together.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        mapper: Called with each item; each part of its result goes on.

    Returns:
        The parts of all results.

    Raises:
        TypeError: If `mapper` cannot be called; when run, if it returns no iterable.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("splitting")
    >>> lines = op.input("inp", flow, TestingSource(["to be", "or not"]))
    >>> op.output("out", op.flat_map("words", lines, str.split), TestingSink(out))
    >>> run_main(flow)
    >>> out
    ['to', 'be', 'or', 'not']
    """
    check_callable(step_id, "mapper", mapper)
    batch = mapper.batch if type(mapper) is FlatMapItem else FlatMapBatch(step_id, mapper)
    return flat_map_batch("flat_map_batch", up, batch)


@operator
def flatten(step_id: str, up: Stream[Iterable[X]]) -> Stream[X]:
    """Emit the parts of items that are iterables.

    **Shape**: `Stream[Iterable[X]] → Stream[X]`.
    **Order**: kept; what comes of one item stays together.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.

    Returns:
        The parts of all items.

    Raises:
        TypeError: When run, if an item is not iterable.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("flattening")
    >>> lists = op.input("inp", flow, TestingSource([[1, 2], [], [3]]))
    >>> op.output("out", op.flatten("flat", lists), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [1, 2, 3]
    """
    mapper: FlatMapItem[Iterable[X], X] = FlatMapItem(FlattenBatch(step_id))
    return flat_map("flat_map", up, mapper)


@operator
def filter(step_id: str, up: Stream[X], predicate: Callable[[X], bool]) -> Stream[X]:
    """Keep only some items.

    **Shape**: `Stream[X] → Stream[X]`.
    **Order**: kept.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        predicate: Called with each item; must return a real `bool`. Items with True go on.

    Returns:
        The items kept.

    Raises:
        TypeError: If `predicate` cannot be called; when run, if it returns no `bool`.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("filtering")
    >>> numbers = op.input("inp", flow, TestingSource(range(5)))
    >>> op.output("out", op.filter("odd", numbers, lambda x: x % 2 == 1), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [1, 3]
    """
    check_callable(step_id, "predicate", predicate)
    mapper: FlatMapItem[X, X] = FlatMapItem(FilterBatch(step_id, predicate))
    return flat_map("flat_map", up, mapper)


@operator
def filter_map(step_id: str, up: Stream[X], mapper: Callable[[X], Y | None]) -> Stream[Y]:
    """Transform each item and leave out those whose result is None.

    **Shape**: `Stream[X] → Stream[Y]`.
    **Order**: kept.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        mapper: Called with each item; any result but None goes on.

    Returns:
        The results that are not None.

    Raises:
        TypeError: If `mapper` cannot be called.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("choosing")
    >>> people = op.input("inp", flow, TestingSource([{"name": "Ada"}, {}]))
    >>> op.output("out", op.filter_map("name", people, lambda p: p.get("name")), TestingSink(out))
    >>> run_main(flow)
    >>> out
    ['Ada']
    """
    check_callable(step_id, "mapper", mapper)
    flat_mapper: FlatMapItem[X, Y] = FlatMapItem(FilterMapBatch(step_id, mapper))
    return flat_map("flat_map", up, flat_mapper)


def _default_inspector(step_id: str, item: Any) -> None:
    print(f"{step_id}: {item!r}", flush=True)


@dataclass(slots=True, eq=False)
class InspectItem(Data, Generic[X]):
    """For `inspect`: calls an inspector that wants neither epoch nor worker."""

    step_id: str
    inspector: Callable[[str, X], None]

    def __call__(self, step_id: str, item: X, epoch: int, worker: int) -> None:
        """Call the inspector, with the id of the outer step."""
        self.inspector(self.step_id, item)


@operator
def inspect(
    step_id: str,
    up: Stream[X],
    inspector: Callable[[str, X], None] = _default_inspector,
) -> Stream[X]:
    """Look at items without changing them.

    A flow that inspects needs no output.

    **Shape**: `Stream[X] → Stream[X]`.
    **Order**: kept; an item is seen before it goes on.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        inspector: Called with step id and item. By default prints them.

    Returns:
        The same items.

    Raises:
        TypeError: If `inspector` cannot be called.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSource, run_main
    >>> flow = Dataflow("looking")
    >>> letters = op.input("inp", flow, TestingSource("a"))
    >>> _ = op.inspect("see", letters)
    >>> run_main(flow)
    looking.see: 'a'
    """
    check_callable(step_id, "inspector", inspector)
    return inspect_debug("inspect_debug", up, InspectItem(step_id, inspector))


@dataclass(frozen=True)
class RaisePartition(StatelessSinkPartition[Any]):
    """Refuses every item."""

    step_id: str

    def write_batch(self, items: list[Any]) -> NoReturn:
        """Refuse the batch."""
        raise RuntimeError(f"step {self.step_id!r} must get no items; got {items[0]!r}")


@dataclass(frozen=True)
class RaiseSink(DynamicSink[Any]):
    """For `raises`."""

    step_id: str

    def build(self, step_id: str, worker_index: int, worker_count: int) -> RaisePartition:
        """Give a partition that refuses every item."""
        return RaisePartition(self.step_id)


@operator
def raises(step_id: str, up: Stream[Any]) -> None:
    """End the run with an error as soon as there is an item; for streams that must be empty.

    **Shape**: `Stream[X] → None`.
    **Order**: of no meaning here.
    **State**: none.
    **Parallelism**: items stay on their worker; any worker's error ends the whole run.

    Args:
        step_id: Name of the step.
        up: The stream.

    Raises:
        RuntimeError: When run, if an item comes.

    >>> import cppwax.operators as op
    >>> from cppwax.dataflow import Dataflow
    >>> from cppwax.testing import TestingSource, run_main
    >>> flow = Dataflow("refusing")
    >>> numbers = op.input("inp", flow, TestingSource([1, 2]))
    >>> op.raises("negative", op.filter("below_zero", numbers, lambda x: x < 0))
    >>> run_main(flow)
    """
    return output("output", up, RaiseSink(step_id))
