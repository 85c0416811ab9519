"""What the engine counts of a run, and what stands in for it where nothing is run."""

from __future__ import annotations

from typing import Literal, Protocol

WorkerPhase = Literal["starting", "running", "stopping", "ended"]

# Of steps: id, worker index, items arrived, begun, emitted, seconds worked and held back.
StepRow = tuple[str, int, int, int, int, float, float]
# Id, worker index, calls of user code by duration, their seconds; the same of snapshots.
TimesRow = tuple[str, int, tuple[int, ...], float, tuple[int, ...], float]
# Id, worker index, items that may wait, seconds that the watermark lags, first and last at work.
PlaceRow = tuple[str, int, int, float | None, float | None, float | None]
# Id, worker index, items of the sample, the most frequent keys with their numbers.
KeysRow = tuple[str, int, int, list[tuple[str, int]]]


class Meters(Protocol):
    """What the engine counts; see `_engine.Meters`."""

    @property
    def BOUNDS(self) -> tuple[float, ...]:  # noqa: N802
        """Give the durations, in seconds, that calls are counted by."""

    def steps(self) -> list[StepRow]:
        """Give what steps have done."""

    def times(self) -> list[TimesRow]:
        """Give how long calls of user code took."""

    def places(self) -> list[PlaceRow]:
        """Give how steps stand."""

    def workers(self) -> list[tuple[int, WorkerPhase]]:
        """Give worker index, and what it is doing."""

    def hot_keys(self) -> list[KeysRow]:
        """Give the keys that come most often."""

    def epochs(self) -> list[tuple[int, int, int]]:
        """Give worker index, last epoch opened, last epoch through."""


class NoMeters:
    """Meters of what is not run."""

    BOUNDS: tuple[float, ...] = ()

    def steps(self) -> list[StepRow]:
        """Give nothing."""
        return []

    def times(self) -> list[TimesRow]:
        """Give nothing."""
        return []

    def places(self) -> list[PlaceRow]:
        """Give nothing."""
        return []

    def workers(self) -> list[tuple[int, WorkerPhase]]:
        """Give nothing."""
        return []

    def hot_keys(self) -> list[KeysRow]:
        """Give nothing."""
        return []

    def epochs(self) -> list[tuple[int, int, int]]:
        """Give nothing."""
        return []
