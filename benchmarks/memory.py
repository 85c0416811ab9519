"""How much memory a process takes beyond what it has already."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


class Peak:
    """Measures the peak of resident memory from when it is made."""

    def __init__(self) -> None:
        """Begin."""
        self._now: Callable[[], float] = _highest
        try:
            # Makes Linux forget the peak so far.
            _CLEAR.write_text("5")
            self._before = _linux("VmRSS")
            self._now = partial(_linux, "VmHWM")
        except OSError:
            self._before = _highest()

    def megabytes(self) -> float:
        """Tell the peak since, beyond what there was at the beginning.

        Where the system keeps one peak for the whole life of a process, only what goes beyond the
        earlier peak is seen.
        """
        return max(0.0, self._now() - self._before)


def _linux(field: str) -> float:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise OSError(f"{_STATUS} has no {field}")


def _highest() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
