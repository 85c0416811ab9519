"""Write items to standard output."""

from __future__ import annotations

import sys
from typing import Any

from cppwax.outputs import DynamicSink, StatelessSinkPartition

__all__ = ["StdOutSink"]


class _PrintSinkPartition(StatelessSinkPartition[Any]):
    def write_batch(self, items: list[Any]) -> None:
        # Looked up each time, so that redirection and notebooks work; a program without a console
        # has none.
        stdout = sys.stdout
        if stdout is None:
            return
        lines: list[str] = []
        try:
            for item in items:
                lines.append(str(item))
        finally:
            # In one piece, so that lines of several workers do not mix. What comes before an item
            # that cannot be shown is shown.
            if lines:
                lines.append("")
                stdout.write("\n".join(lines))
                stdout.flush()


class StdOutSink(DynamicSink[Any]):
    """Print each item on a line of its own, as `print` does.

    Every worker prints the items that it has; with several workers their batches come in no
    particular order, but lines are never mixed.
    """

    def build(self, _step_id: str, _worker_index: int, _worker_count: int) -> _PrintSinkPartition:
        """Open this worker's writer; see `DynamicSink.build`."""
        return _PrintSinkPartition()
