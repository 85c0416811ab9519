"""Log lines of cppwax on standard error, by Python's `logging`: the logger `cppwax`."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to_stderr(level: str) -> None:
    """Show what cppwax logs, from a level on; called again, only the level changes.

    Args:
        level: A level of `logging`.
    """
    logger = logging.getLogger("cppwax")
    if not any(isinstance(handler, _ToStderr) for handler in logger.handlers):
        handler = _ToStderr()
        handler.setFormatter(logging.Formatter(_FORMAT))
        logger.addHandler(handler)
        # Else a program that logs by itself would show everything twice.
        logger.propagate = False
    logger.setLevel(level.upper())


class _ToStderr(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to whatever `sys.stderr` is at the time, and is told from handlers of the program."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr
