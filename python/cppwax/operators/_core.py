"""The steps that the engine runs itself; all other operators are made of these."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from cppwax.dataflow import Dataflow, KeyedStream, Stream, operator
from cppwax.inputs import Source
from cppwax.operators._checks import check_callable, check_instance
from cppwax.operators._logic import StatefulBatchLogic
from cppwax.outputs import Sink

X = TypeVar("X")
Y = TypeVar("Y")
V = TypeVar("V")
W = TypeVar("W")
S = TypeVar("S")


@dataclass(frozen=True)
class BranchOut(Generic[X, Y]):
    """The two streams of `branch`."""

    trues: Stream[X]
    """Items for which the predicate was true."""
    falses: Stream[Y]
    """Items for which the predicate was false."""


def _default_debug_inspector(step_id: str, item: Any, epoch: int, worker: int) -> None:
    print(f"{step_id} W{worker} @{epoch}: {item!r}", flush=True)


@operator(_core=True)
def _noop(step_id: str, up: Stream[X]) -> Stream[X]:
    """Pass all items on.

    **Shape**: `Stream[X] → Stream[X]`.
    **Order**: kept.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.

    Returns:
        The same items.
    """
    return Stream(f"{step_id}.down", up._scope)


@operator(_core=True)
def branch(
    step_id: str,
    up: Stream[X],
    predicate: Callable[[X], bool],
) -> BranchOut[X, X]:
    """Send each item into one of two streams.

    **Shape**: `Stream[X] → BranchOut(trues: Stream[X], falses: Stream[X])`.
    **Order**: kept in each of the two.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        predicate: Called with each item; must return a real `bool`.

    Returns:
        The two streams; pass on `.trues` and `.falses`, not the pair.

    Raises:
        TypeError: If `predicate` cannot be called; when run, if it returns no `bool`.

    >>> import cppwax.operators as op
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> even, odd = [], []
    >>> flow = Dataflow("branching")
    >>> numbers = op.input("inp", flow, TestingSource([1, 2, 3, 4]))
    >>> parts = op.branch("parity", numbers, lambda x: x % 2 == 0)
    >>> op.output("even", parts.trues, TestingSink(even))
    >>> op.output("odd", parts.falses, TestingSink(odd))
    >>> run_main(flow)
    >>> even, odd
    ([2, 4], [1, 3])
    """
    check_callable(step_id, "predicate", predicate)
    return BranchOut(
        trues=Stream(f"{step_id}.trues", up._scope),
        falses=Stream(f"{step_id}.falses", up._scope),
    )


@operator(_core=True)
def flat_map_batch(
    step_id: str,
    up: Stream[X],
    mapper: Callable[[list[X]], Iterable[Y]],
) -> Stream[Y]:
    """Transform whole batches of items; for work that is cheaper on many items at once.

    **Shape**: `Stream[X] → Stream[Y]`.
    **Order**: as the mapper returns them, batch after batch.
    **State**: none; how items are batched is up to the source and the steps before.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        mapper: Called with a list of items, never an empty one; the list is the mapper's to keep
            or change. Returns the items to emit, in any iterable.

    Returns:
        The emitted items.

    Raises:
        TypeError: If `mapper` cannot be called; when run, if it returns no iterable.

    >>> import cppwax.operators as op
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("batches")
    >>> numbers = op.input("inp", flow, TestingSource([1, 2, 3], batch_size=2))
    >>> sums = op.flat_map_batch("sum", numbers, lambda xs: [sum(xs)])
    >>> op.output("out", sums, TestingSink(out))
    >>> run_main(flow)
    >>> out
    [3, 3]
    """
    check_callable(step_id, "mapper", mapper)
    return Stream(f"{step_id}.down", up._scope)


@operator(_core=True)
def input(step_id: str, flow: Dataflow, source: Source[X]) -> Stream[X]:
    """Begin a stream with the items of a source.

    **Shape**: `Source[X] → Stream[X]`.
    **Order**: of each partition, as the partition gives them.
    **State**: the positions of the source's partitions, where the source keeps them.
    **Parallelism**: each partition is read by one worker; a dynamic source is read by all.

    Args:
        step_id: Name of the step.
        flow: The flow that the stream is part of.
        source: Where to read.

    Returns:
        The items.

    Raises:
        TypeError: If `source` is no `Source`.

    >>> import cppwax.operators as op
    >>> from cppwax.testing import TestingSource, run_main
    >>> flow = Dataflow("reading")
    >>> letters = op.input("inp", flow, TestingSource("ab"))
    >>> _ = op.inspect("see", letters)
    >>> run_main(flow)
    reading.see: 'a'
    reading.see: 'b'
    """
    check_instance(step_id, "source", source, Source)
    return Stream(f"{step_id}.down", flow._scope)


@operator(_core=True)
def inspect_debug(
    step_id: str,
    up: Stream[X],
    inspector: Callable[[str, X, int, int], None] = _default_debug_inspector,
) -> Stream[X]:
    """Look at items together with their epoch and worker, without changing them.

    **Shape**: `Stream[X] → Stream[X]`.
    **Order**: kept; an item is seen before it goes on.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        inspector: Called with step id, item, epoch and worker index. By default prints them.

    Returns:
        The same items.

    Raises:
        TypeError: If `inspector` cannot be called.

    >>> import cppwax.operators as op
    >>> from cppwax.testing import TestingSource, run_main
    >>> flow = Dataflow("debugging")
    >>> letters = op.input("inp", flow, TestingSource("a"))
    >>> _ = op.inspect_debug("see", letters)
    >>> run_main(flow)
    debugging.see W0 @1: 'a'
    """
    check_callable(step_id, "inspector", inspector)
    return Stream(f"{step_id}.down", up._scope)


@operator(_core=True)
def merge(step_id: str, *ups: Stream[Any]) -> Stream[Any]:
    """Make one stream of several.

    **Shape**: `Stream[X], Stream[Y], … → Stream[X | Y | …]`.
    **Order**: kept for the items of each stream; not between streams.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        *ups: The streams, at least one.

    Returns:
        The items of all of them.

    Raises:
        AssertionError: If no stream is given.

    >>> import cppwax.operators as op
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("merging")
    >>> ones = op.input("ones", flow, TestingSource([1, 1]))
    >>> twos = op.input("twos", flow, TestingSource([2]))
    >>> op.output("out", op.merge("all", ones, twos), TestingSink(out))
    >>> run_main(flow)
    >>> sorted(out)
    [1, 1, 2]
    """
    return Stream(f"{step_id}.down", ups[0]._scope)


@operator(_core=True)
def output(step_id: str, up: Stream[X], sink: Sink[X]) -> None:
    """Write all items of a stream to a sink.

    **Shape**: `Stream[X] → Sink[X]`.
    **Order**: as they arrive.
    **State**: the positions of the sink's partitions, where the sink keeps them.
    **Parallelism**: a dynamic sink writes on the worker that has the item; a partitioned one
    brings the items of a partition to one worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        sink: Where to write.

    Raises:
        TypeError: If `sink` is no `Sink`.

    >>> import cppwax.operators as op
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("writing")
    >>> letters = op.input("inp", flow, TestingSource("ab"))
    >>> op.output("out", letters, TestingSink(out))
    >>> run_main(flow)
    >>> out
    ['a', 'b']
    """
    check_instance(step_id, "sink", sink, Sink)


@operator(_core=True)
def redistribute(step_id: str, up: Stream[X]) -> Stream[X]:
    """Spread items evenly over all workers, for a source that only few of them read.

    **Shape**: `Stream[X] → Stream[X]`.
    **Order**: kept only with a single worker.
    **State**: none.
    **Parallelism**: batches go to the workers in turn, however the items are keyed.

    Args:
        step_id: Name of the step.
        up: The stream.

    Returns:
        The same items.

    >>> import cppwax.operators as op
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> out = []
    >>> flow = Dataflow("spreading")
    >>> letters = op.input("inp", flow, TestingSource("abc"))
    >>> op.output("out", op.redistribute("spread", letters), TestingSink(out))
    >>> run_main(flow)
    >>> sorted(out)
    ['a', 'b', 'c']
    """
    return Stream(f"{step_id}.down", up._scope)


@operator(_core=True)
def stateful_batch(
    step_id: str,
    up: KeyedStream[V],
    builder: Callable[[S | None], StatefulBatchLogic[V, W, S]],
) -> KeyedStream[W]:
    """Keep own state for each key, with all that the engine offers to a keyed step.

    `stateful` is simpler where values are taken one by one, `stateful_map` where each value gives
    one result.

    **Shape**: `KeyedStream[V] → KeyedStream[W]`.
    **Order**: kept for each key; not between keys.
    **State**: what the logics keep, until they discard it.
    **Parallelism**: all items of a key are brought to one worker.

    Args:
        step_id: Name of the step.
        up: The stream, of `(str, value)` 2-tuples.
        builder: Called for a new key with None, and where a run is resumed with the snapshot of
            each stored key. Returns the key's logic.

    Returns:
        What the logics emit, with the keys.

    Raises:
        TypeError: If `builder` cannot be called; when run, if items or results have wrong types.

    >>> import cppwax.operators as op
    >>> from cppwax.operators import StatefulBatchLogic
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> class Total(StatefulBatchLogic):
    ...     def __init__(self, state):
    ...         self.total = state or 0
    ...     def on_batch(self, values):
    ...         self.total += sum(values)
    ...         return [self.total], StatefulBatchLogic.RETAIN
    ...     def snapshot(self):
    ...         return self.total
    >>> out = []
    >>> flow = Dataflow("totals")
    >>> items = op.input("inp", flow, TestingSource([("a", 1), ("a", 2)], batch_size=2))
    >>> op.output("out", op.stateful_batch("total", items, Total), TestingSink(out))
    >>> run_main(flow)
    >>> out
    [('a', 3)]
    """
    check_callable(step_id, "builder", builder)
    return Stream(f"{step_id}.down", up._scope)
