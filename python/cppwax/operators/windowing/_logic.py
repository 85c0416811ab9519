"""What a window step keeps for each window: the class to subclass for own windowed steps."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Generic, TypeVar

from typing_extensions import Self

V = TypeVar("V")
W = TypeVar("W")
S = TypeVar("S")


class WindowLogic(ABC, Generic[V, W, S]):
    """The state of one window of one key, and what happens to it.

    Made when the window opens; forgotten when it has closed or become part of another one.
    """

    @abstractmethod
    def on_value(self, value: V) -> Iterable[W]:
        """Take a value that goes into the window.

        Args:
            value: The value.

        Returns:
            Values to emit at once, in any iterable.
        """
        ...

    @abstractmethod
    def on_merge(self, original: Self) -> Iterable[W]:
        """Take in all of another window, which is no more; only sessions merge.

        Args:
            original: The logic of the other window.

        Returns:
            Values to emit at once, in any iterable.
        """
        ...

    @abstractmethod
    def on_close(self) -> Iterable[W]:
        """Act on the end of the window: no more values will come.

        Returns:
            Values to emit, in any iterable.
        """
        ...

    def on_early(self) -> Iterable[W]:
        """Tell what the window amounts to so far; only called where a step emits early results.

        Returns:
            Values to emit, in any iterable. By default nothing.
        """
        return ()

    @abstractmethod
    def snapshot(self) -> S:
        """Give the state that `builder` can make an equal logic of.

        Returns:
            The state; it must not change when this logic goes on, so copy what will.
        """
        ...
