"""What a keyed step keeps for each key: the classes to subclass for own stateful steps."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import datetime
from typing import Generic, TypeVar

V = TypeVar("V")
W = TypeVar("W")
S = TypeVar("S")


class StatefulBatchLogic(ABC, Generic[V, W, S]):
    """The state of one key in a `stateful_batch` step, and what happens to it.

    The engine makes one when a key's first value comes, and calls it on one worker only. In turn:
    `on_batch` with the values that have come; `on_notify` if a time asked for is over; `on_eof`
    when the upstream has ended. After each of them `notify_at`, and where recovery is on,
    `snapshot` once at the end of each epoch in which the logic was called.

    `on_batch`, `on_notify` and `on_eof` return the values to emit, as a list or another sequence,
    and whether to forget the key. A key that is forgotten begins anew with its next value.
    """

    __slots__ = ()

    RETAIN: bool = False
    """Return this to keep the logic."""
    DISCARD: bool = True
    """Return this to forget the key and its logic."""

    @abstractmethod
    def on_batch(self, values: list[V]) -> tuple[Iterable[W], bool]:
        """Take the values that have come for the key.

        Args:
            values: All of one batch, in order of arrival.

        Returns:
            Values to emit, and `RETAIN` or `DISCARD`.
        """
        ...

    def on_notify(self) -> tuple[Iterable[W], bool]:
        """Act on the time that `notify_at` gave.

        Returns:
            Values to emit, and `RETAIN` or `DISCARD`. By default nothing, and retain.
        """
        return (), StatefulBatchLogic.RETAIN

    def on_eof(self) -> tuple[Iterable[W], bool]:
        """Act on the end of the upstream; a resumed run may go on after it.

        Returns:
            Values to emit, and `RETAIN` or `DISCARD`. By default nothing, and retain.
        """
        return (), StatefulBatchLogic.RETAIN

    def notify_at(self) -> datetime | None:
        """Ask for a call of `on_notify`.

        Returns:
            A time with a time zone; it replaces the one asked for before, and one that is past is
            now. None asks for nothing, and does not take back an earlier one. By default None.
        """
        return None

    @abstractmethod
    def snapshot(self) -> S:
        """Give the state that `builder` can make an equal logic of.

        Returns:
            The state; it must not change when this logic goes on, so copy what will.
        """
        ...


class StatefulLogic(ABC, Generic[V, W, S]):
    """The state of one key in a `stateful` step, and what happens to it.

    As `StatefulBatchLogic`, but for single values: `on_item` is called for one after the other,
    and a key that is forgotten begins anew with the next value of the same batch.
    """

    __slots__ = ()

    RETAIN: bool = False
    """Return this to keep the logic."""
    DISCARD: bool = True
    """Return this to forget the key and its logic."""

    @abstractmethod
    def on_item(self, value: V) -> tuple[Iterable[W], bool]:
        """Take a value that has come for the key.

        Args:
            value: The value.

        Returns:
            Values to emit, in any iterable, and `RETAIN` or `DISCARD`.
        """
        ...

    def on_notify(self) -> tuple[Iterable[W], bool]:
        """Act on the time that `notify_at` gave.

        Returns:
            Values to emit, as a list or another sequence, and `RETAIN` or `DISCARD`. By default
            nothing, and retain.
        """
        return (), StatefulLogic.RETAIN

    def on_eof(self) -> tuple[Iterable[W], bool]:
        """Act on the end of the upstream; a resumed run may go on after it.

        Returns:
            Values to emit, as a list or another sequence, and `RETAIN` or `DISCARD`. By default
            nothing, and retain.
        """
        return (), StatefulLogic.RETAIN

    def notify_at(self) -> datetime | None:
        """Ask for a call of `on_notify`.

        Returns:
            A time with a time zone; it replaces the one asked for before, and one that is past is
            now. None asks for nothing, and does not take back an earlier one. By default None.
        """
        return None

    @abstractmethod
    def snapshot(self) -> S:
        """Give the state that `builder` can make an equal logic of.

        Returns:
            The state; it must not change when this logic goes on, so copy what will.
        """
        ...
