"""Iterators over lists of a useful size, for sources to build `next_batch` on.

They are public as names of `cppwax.inputs`.
"""

from __future__ import annotations

import queue
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio

X = TypeVar("X")


def batch(ib: Iterable[X], batch_size: int) -> Iterator[list[X]]:
    """Cut an iterable into lists.

    >>> list(batch(range(5), 2))
    [[0, 1], [2, 3], [4]]

    Args:
        ib: What to cut.
        batch_size: Length of each list but perhaps the last.

    Yields:
        Lists that are never empty.

    Raises:
        ValueError: `batch_size` is below 1.
    """
    _check_batch_size(batch_size)
    it = iter(ib)
    while items := list(islice(it, batch_size)):
        yield items


def batch_getter(
    getter: Callable[[], X], batch_size: int, yield_on: X | None = None
) -> Iterator[list[X]]:
    """Call a getter and collect what it returns into lists.

    >>> items = iter([1, 2, 3, None, 4])
    >>> list(batch_getter(lambda: next(items), 2))
    [[1, 2], [3], [4]]

    Args:
        getter: Returns the next item at once. It raises `StopIteration` at the end.
        batch_size: Longest list to make.
        yield_on: A list is also complete, empty perhaps, when the getter returns this: it stands
            for "nothing to be had now".

    Yields:
        Lists, empty ones too: `next_batch` can return them as they are.

    Raises:
        ValueError: `batch_size` is below 1.
    """
    _check_batch_size(batch_size)
    ended = False
    while not ended:
        items: list[X] = []
        while len(items) < batch_size:
            try:
                item = getter()
            except StopIteration:
                ended = True
                break
            if item == yield_on:
                break
            items.append(item)
        yield items


def batch_getter_ex(
    getter: Callable[[], X], batch_size: int, yield_ex: type[Exception] = queue.Empty
) -> Iterator[list[X]]:
    """Call a getter that raises when it has nothing, and collect its results into lists.

    >>> q = queue.SimpleQueue()
    >>> for i in range(3):
    ...     q.put(i)
    >>> next(batch_getter_ex(q.get_nowait, 10))
    [0, 1, 2]

    Args:
        getter: Returns the next item at once. It raises `StopIteration` at the end.
        batch_size: Longest list to make.
        yield_ex: A list is also complete, empty perhaps, when the getter raises this.

    Yields:
        Lists, empty ones too: `next_batch` can return them as they are.

    Raises:
        ValueError: `batch_size` is below 1.
    """
    _check_batch_size(batch_size)
    ended = False
    while not ended:
        items: list[X] = []
        while len(items) < batch_size:
            try:
                items.append(getter())
            except StopIteration:
                ended = True
                break
            except yield_ex:
                break
        yield items


def batch_async(
    aib: AsyncIterable[X],
    timeout: timedelta,
    batch_size: int,
    loop: asyncio.AbstractEventLoop | None = None,
) -> Iterator[list[X]]:
    """Read an async iterable from synchronous code, in lists.

    The event loop runs only while a list is asked for. An item that is awaited when the time is
    over is not cancelled: it comes with a later list.

    Args:
        aib: What to read.
        timeout: How long to wait for a list to become full; `next_batch` should not take longer
            than some tens of milliseconds.
        batch_size: Longest list to make.
        loop: Event loop to run in; it must not be running. By default one is made, and closed
            at the end.

    Yields:
        Lists; an empty one where no item came in time.

    Raises:
        ValueError: `batch_size` is below 1.
    """
    # Imported here for its cost: 30 ms that other sources need not pay.
    import asyncio

    _check_batch_size(batch_size)
    ait = aiter(aib)
    run_loop = asyncio.new_event_loop() if loop is None else loop
    items: list[X] = []
    filling: asyncio.Future[bool] | None = None

    async def fill() -> bool:
        while len(items) < batch_size:
            try:
                items.append(await anext(ait))
            except StopAsyncIteration:
                return True
        return False

    async def fill_for_a_while() -> bool:
        nonlocal filling
        if filling is None:
            filling = asyncio.ensure_future(fill())
        done, _ = await asyncio.wait({filling}, timeout=timeout.total_seconds())
        if not done:
            return False
        task, filling = filling, None
        return task.result()

    try:
        ended = False
        while not ended:
            ended = run_loop.run_until_complete(fill_for_a_while())
            if items or not ended:
                full = items.copy()
                items.clear()
                yield full
    finally:
        _leave_loop(run_loop, filling, is_ours=loop is None)


def _leave_loop(
    loop: asyncio.AbstractEventLoop, filling: asyncio.Future[Any] | None, *, is_ours: bool
) -> None:
    if filling is not None:
        filling.cancel()
    if not is_ours:
        return
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
