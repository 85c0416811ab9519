"""Log lines of cppwax on standard error, by Python's `logging`: the logger `cppwax`."""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone
from typing import TextIO

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to_stderr(level: str, *, as_json: bool | None = None) -> None:
    """Show what cppwax logs, from a level on; called again, only level and form change.

    Args:
        level: A level of `logging`.
        as_json: Whether each line is a JSON object. None leaves it as it is; at first it is text.
    """
    logger = logging.getLogger("cppwax")
    handler = next((each for each in logger.handlers if isinstance(each, _ToStderr)), None)
    if handler is None:
        handler = _ToStderr()
        as_json = bool(as_json)
        logger.addHandler(handler)
        # Else a program that logs by itself would show everything twice.
        logger.propagate = False
    if as_json is not None:
        handler.setFormatter(_JsonFormatter() if as_json else logging.Formatter(_FORMAT))
    logger.setLevel(level.upper())


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
        line = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        line |= {key: value for key, value in vars(record).items() if key not in self._OF_ALL}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
