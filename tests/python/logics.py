"""Logics for keyed steps whose methods are given as functions, and which keep a log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from cppwax.operators import StatefulBatchLogic, StatefulLogic

PAST = datetime(2000, 1, 1, tzinfo=timezone.utc)
FUTURE = datetime(2500, 1, 1, tzinfo=timezone.utc)

Log = list[tuple[Any, ...]]


def _forward(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any) -> Any:
        self.log.append((name, *args))
        answer = self.answers[name]
        return answer(*args) if callable(answer) else answer

    return method


def _logic_class(base: type, *names: str) -> type:
    return type(f"Scripted{base.__name__}", (base,), {name: _forward(name) for name in names})


_COMMON = ("on_notify", "on_eof", "notify_at", "snapshot")
_Batch = _logic_class(StatefulBatchLogic, "on_batch", *_COMMON)
_Item = _logic_class(StatefulLogic, "on_item", *_COMMON)


def _builder(cls: type, log: Log | None, answers: dict[str, Any]) -> Callable[[Any], Any]:
    common = {"on_notify": ([], False), "on_eof": ([], False), "notify_at": None, "snapshot": None}

    def build(state: Any) -> Any:
        logic = cls()
        logic.log = [] if log is None else log
        logic.log.append(("build", state))
        logic.answers = common | answers
        return logic

    return build


def batch_logic(log: Log | None = None, **answers: Any) -> Callable[[Any], Any]:
    """Make a builder of `StatefulBatchLogic`s.

    Args:
        log: Gets an entry for each call: the method's name and arguments.
        answers: What a method returns, or a function that gives it. By default values go on and
            nothing else happens.
    """
    return _builder(_Batch, log, {"on_batch": lambda values: (values, False)} | answers)


def item_logic(log: Log | None = None, **answers: Any) -> Callable[[Any], Any]:
    """Make a builder of `StatefulLogic`s; see `batch_logic`."""
    return _builder(_Item, log, {"on_item": lambda value: ([value], False)} | answers)


def calls(log: Log, *names: str) -> Log:
    """Give the entries for some methods."""
    return [entry for entry in log if entry[0] in names]


def raising(ex: BaseException) -> Callable[..., Any]:
    """Make a function that raises."""

    def fail(*args: Any) -> Any:
        raise ex

    return fail
