"""Shows the figures of a run on standard error, from a thread of its own.

On a terminal it is a table, once a second; else a line each ten seconds, and one at the end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from cppwax._drawing.names import shown
from cppwax._watch.figures import Figures, StepFigures, Watch
from cppwax._watch.repeated import repeated

_TABLE_SECONDS = 1.0
_LINE_SECONDS = 10.0
_UNITS = (("G", 1e9), ("M", 1e6), ("k", 1e3))


@contextmanager
def shown_meanwhile(watch: Watch, name: str) -> Iterator[None]:
    """Show figures for as long as something is done.

    Args:
        watch: What gives them.
        name: What lines begin with.

    Yields:
        While it is done.
    """
    stream = sys.stderr
    if stream is None:
        yield
    elif stream.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        # Imported here for its cost: few runs need it.
        from cppwax._watch.terminal import Screen

        with Screen(stream) as screen, _shown(lambda: screen.draw(watch.look()), _TABLE_SECONDS):
            yield
    else:

        def say() -> None:
            stream.write(f"{name}: {line_of(watch.look())}\n")
            stream.flush()

        with _shown(say, _LINE_SECONDS):
            yield


def _shown(show: Callable[[], None], seconds: float) -> AbstractContextManager[None]:
    # Where nobody reads it any more, or it was closed, the run goes on.
    return repeated(show, seconds, "cppwax progress", until=(OSError, ValueError))


def line_of(figures: Figures) -> str:
    """Tell all in one line.

    Args:
        figures: What to tell.

    Returns:
        The line, without its end.
    """
    return "; ".join([head_of(figures), *map(_step_in_words, figures.steps)])


def head_of(figures: Figures) -> str:
    """Tell of the run as a whole.

    Args:
        figures: What to tell.

    Returns:
        How long it is on, and the epochs of the worker that is furthest behind.
    """
    text = f"{figures.seconds:.0f} s"
    if not figures.workers:
        return f"{text}, not started"
    opened = min(worker.epoch_opened for worker in figures.workers)
    through = min(worker.epoch_through for worker in figures.workers)
    return f"{text}, epoch {opened} open, {through} through"


def _step_in_words(step: StepFigures) -> str:
    parts = []
    if step.items_in is not None:
        parts.append(f"in {short(step.items_in)} ({short(step.in_per_second)}/s)")
    if step.items_out is not None:
        parts.append(f"out {short(step.items_out)} ({short(step.out_per_second)}/s)")
    if step.waiting:
        parts.append(f"waiting {short(step.waiting)}")
    if step.watermark_lag is not None:
        parts.append(f"lag {lag_of(step)}")
    parts.append(f"worked {step.worked_share:.0%}")
    if step.held_share >= 0.005:
        parts.append(f"held back {step.held_share:.0%}")
    return f"{shown(step.step_name)}: {', '.join(parts)}"


def lag_of(step: StepFigures) -> str:
    """Tell how far the watermark of a step lies behind the present.

    Args:
        step: The step.

    Returns:
        Seconds; nothing where it has no watermark.
    """
    return "" if step.watermark_lag is None else f"{short(max(0.0, step.watermark_lag))} s"


def short(number: float | None) -> str:
    """Write a number in few digits.

    >>> short(1234567), short(99950), short(999), short(0.25), short(None)
    ('1.23M', '100k', '999', '0.2', '')

    Args:
        number: A number from 0 on.

    Returns:
        At most three digits or so, and a unit; nothing for `None`.
    """
    if number is None:
        return ""
    for unit, size in _UNITS:
        if number >= size:
            value = number / size
            return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}{unit}"
    return f"{number:.0f}" if number >= 10 or number == int(number) else f"{number:.1f}"
