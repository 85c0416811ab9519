"""Early results: which windows are to tell what they amount to before they close."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from cppwax.operators.windowing._times import ZERO_TD, _get_system_utc, shifted


class EarlyResults:
    """Which windows of a key have changed since they last told, and when they are to tell again."""

    __slots__ = ("_after", "changed", "due")

    def __init__(self, after: timedelta | None, changed: Iterable[int] = ()) -> None:
        """Begin.

        Args:
            after: How long after a change they tell; zero for after each batch, None for never.
            changed: The ids of windows that have changed before.
        """
        self._after = after
        # In the order in which they changed first.
        self.changed: dict[int, None] = {}
        self.due: datetime | None = None
        for window_id in changed:
            self.note(window_id)

    def note(self, window_id: int) -> None:
        """Note that a window has changed."""
        if self._after is None:
            return
        self.changed[window_id] = None
        if self._after > ZERO_TD and self.due is None:
            self.due = shifted(_get_system_utc(), self._after)

    def forget(self, window_id: int) -> None:
        """Note that a window is no more."""
        self.changed.pop(window_id, None)
        if not self.changed:
            self.due = None

    def take(self) -> list[int]:
        """Give the windows that are to tell now."""
        if not self.changed or (self.due is not None and _get_system_utc() < self.due):
            return []
        changed, self.changed, self.due = list(self.changed), {}, None
        return changed
