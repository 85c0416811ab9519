"""A table at the lower end of a terminal, below all that the program prints meanwhile."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text
from typing_extensions import Self

from cppwax._drawing.names import shown
from cppwax._watch.figures import Figures, StepFigures
from cppwax._watch.progress import head_of, lag_of, short

# Head, names of columns, a line that tells of steps left out, and the cursor's own.
_OTHER_LINES = 4


class Screen:
    """The table, which is wiped away before anything is printed and comes again with `draw`.

    While it is entered, `sys.stderr`, and `sys.stdout` where that is a terminal, wipe it; what is
    printed goes to where it went before. Any thread may print.
    """

    def __init__(self, stream: TextIO) -> None:
        """Prepare to draw.

        Args:
            stream: A terminal.
        """
        self._stream = stream
        self._console = Console(file=stream, force_terminal=True)
        self._lock = threading.RLock()
        self._drawn_lines = 0
        self._is_line_open = False
        self._replaced: dict[str, tuple[TextIO, TextIO]] = {}

    def __enter__(self) -> Self:
        """Begin to mind what is printed."""
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if stream is not None and stream.isatty():
                minded: Any = _Minded(self, stream)
                self._replaced[name] = stream, minded
                setattr(sys, name, minded)
        return self

    def __exit__(
        self,
        _cls: type[BaseException] | None,
        _ex: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Leave the last table where it is."""
        for name, (stream, minded) in self._replaced.items():
            if getattr(sys, name) is minded:
                setattr(sys, name, stream)

    def draw(self, figures: Figures) -> None:
        """Draw the table, in place of the one that is there.

        Args:
            figures: What is in it.
        """
        with self._console.capture() as capture:
            self._console.print(Text(head_of(figures), no_wrap=True, overflow="ellipsis"))
            rows = max(1, self._console.height - _OTHER_LINES)
            self._console.print(_table_of(figures, rows))
            if len(figures.steps) > rows:
                self._console.print(f"and {len(figures.steps) - rows} more steps", style="dim")
        text = capture.get()
        with self._lock:
            self._wipe()
            # What is printed without an end of line stays as it is.
            self._stream.write("\n" + text if self._is_line_open else text)
            self._stream.flush()
            self._is_line_open = False
            self._drawn_lines = text.count("\n")

    def print_above(self, stream: TextIO, text: str) -> int:
        """Print something.

        Args:
            stream: Where to.
            text: What to print.

        Returns:
            The number of characters.
        """
        with self._lock:
            self._wipe()
            written = stream.write(text)
            stream.flush()
            if text:
                self._is_line_open = not text.endswith("\n")
            return written

    def _wipe(self) -> None:
        if self._drawn_lines:
            self._stream.write(f"\r\x1b[{self._drawn_lines}A\x1b[J")
            self._stream.flush()
            self._drawn_lines = 0


class _Minded:
    """A stream to the terminal that the table is on."""

    def __init__(self, screen: Screen, stream: TextIO) -> None:
        self._screen = screen
        self._stream = stream

    def write(self, text: str) -> int:
        return self._screen.print_above(self._stream, text)

    def writelines(self, lines: Any) -> None:
        self.write("".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _table_of(figures: Figures, rows: int) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("step", no_wrap=True, overflow="ellipsis")
    for name in ("in", "in/s", "out", "out/s", "waiting", "worked", "held back", "lag"):
        table.add_column(name, justify="right", no_wrap=True)
    for step in figures.steps[:rows]:
        style = "bold red" if step.step_id in figures.busiest else None
        table.add_row(*_cells_of(step), style=style)
    return table


def _cells_of(step: StepFigures) -> list[Text]:
    texts = [
        shown(step.step_name),
        short(step.items_in),
        short(step.in_per_second),
        short(step.items_out),
        short(step.out_per_second),
        short(step.waiting),
        f"{step.worked_share:.0%}",
        f"{step.held_share:.0%}",
        lag_of(step),
    ]
    # A name is not to be read as a style.
    return [Text(text) for text in texts]
