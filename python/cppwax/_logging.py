"""Log lines of cppwax on standard error, by Python's `logging`: the logger `cppwax`."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone
from typing import TextIO

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to_stderr(level: str) -> None:
    """Show what cppwax logs, from a level on; called again, only the level changes.

    Args:
        level: A level of `logging`.
    """
    logger = logging.getLogger("cppwax")
    if not _handlers():
        handler = _ToStderr()
        handler.setFormatter(_formatter)
        logger.addHandler(handler)
        # Else a program that logs by itself would show everything twice.
        logger.propagate = False
    logger.setLevel(level.upper())


def choose_form(*, as_json: bool) -> None:
    """Choose what a line is, also of what is logged later: a JSON object, or text."""
    global _formatter  # noqa: PLW0603
    _formatter = _JsonFormatter() if as_json else logging.Formatter(_FORMAT)
    for handler in _handlers():
        handler.setFormatter(_formatter)


def _handlers() -> list[logging.Handler]:
    handlers = logging.getLogger("cppwax").handlers
    return [handler for handler in handlers if isinstance(handler, _ToStderr)]


class _ToStderr(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to whatever `sys.stderr` is at the time, and is told from handlers of the program."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr


class _JsonFormatter(logging.Formatter):
    """A line for each record: an object with what programs that gather logs look for.

    What a record has beyond that of all (`extra`) becomes fields of their own names.
    """

    _OF_ALL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        line = {key: value for key, value in vars(record).items() if key not in self._OF_ALL}
        time = datetime.fromtimestamp(record.created, timezone.utc)
        line |= {
            "time": time.isoformat(timespec="microseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        if record.exc_text:  # from where the record was made
            line["exception"] = record.exc_text
        elif record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return json.dumps({key: _storable(value) for key, value in line.items()})


def _storable(value: object) -> object:
    """Give what JSON can tell of a value, and everybody read."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return str(value)
    return value


_formatter = logging.Formatter(_FORMAT)
