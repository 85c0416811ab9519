"""Sources and sinks whose methods are given as functions, and which keep a log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cppwax.inputs import (
    DynamicSource,
    FixedPartitionedSource,
    StatefulSourcePartition,
    StatelessSourcePartition,
)
from cppwax.outputs import (
    DynamicSink,
    FixedPartitionedSink,
    StatefulSinkPartition,
    StatelessSinkPartition,
)

Log = list[tuple[Any, ...]]


class _Scripted:
    log: Log
    answers: dict[str, Any]

    def _call(self, name: str, *args: Any) -> Any:
        self.log.append((name, *args))
        answer = self.answers[name]
        return answer(*args) if callable(answer) else answer


def _method(name: str) -> Callable[..., Any]:
    def method(self: _Scripted, *args: Any) -> Any:
        return self._call(name, *args)

    return method


def _class(base: type, *names: str) -> Any:
    return type(base.__name__, (_Scripted, base), {name: _method(name) for name in names})


_FixedSource = _class(FixedPartitionedSource, "list_parts", "build_part")
_AnySource = _class(DynamicSource, "build")
_StatefulReader = _class(StatefulSourcePartition, "next_batch", "next_awake", "snapshot", "close")
_StatelessReader = _class(StatelessSourcePartition, "next_batch", "next_awake", "close")
_FixedSink = _class(FixedPartitionedSink, "list_parts", "part_fn", "build_part")
_AnySink = _class(DynamicSink, "build")
_StatefulWriter = _class(StatefulSinkPartition, "write_batch", "snapshot", "close")
_StatelessWriter = _class(StatelessSinkPartition, "write_batch", "close")


def _make(cls: type, log: Log, answers: dict[str, Any]) -> Any:
    made = cls()
    made.log = log
    made.answers = answers
    return made


def ending(*batches: Any) -> Callable[[], Any]:
    """Make a `next_batch` that gives these, calls those that can be called, and then ends."""
    rest = iter(batches)

    def next_batch() -> Any:
        batch = next(rest)
        return batch() if callable(batch) else batch

    return next_batch


def fixed_source(log: Log | None = None, **answers: Any) -> Any:
    """Make a `FixedPartitionedSource` of one partition.

    Args:
        log: Gets an entry for each call: the method's name and arguments.
        answers: What a method of the source or its partitions returns, or a function that gives
            it. By default there is nothing to read.
    """
    log = [] if log is None else log
    common = {
        "list_parts": ["part"],
        "build_part": lambda *args: _make(_StatefulReader, log, answers),
        "next_batch": ending(),
        "next_awake": None,
        "snapshot": None,
        "close": None,
    }
    answers = common | answers
    return _make(_FixedSource, log, answers)


def dynamic_source(log: Log | None = None, **answers: Any) -> Any:
    """Make a `DynamicSource`; see `fixed_source`. All workers share its answers."""
    log = [] if log is None else log
    common = {
        "build": lambda *args: _make(_StatelessReader, log, answers),
        "next_batch": ending(),
        "next_awake": None,
        "close": None,
    }
    answers = common | answers
    return _make(_AnySource, log, answers)


def fixed_sink(log: Log | None = None, **answers: Any) -> Any:
    """Make a `FixedPartitionedSink` of two parts, `a` and `b`; see `fixed_source`.

    The calls of a part are logged with its name: `("a.write_batch", values)`.
    """
    log = [] if log is None else log

    def build_part(step_id: str, for_part: str, resume_state: Any) -> Any:
        part = _make(_StatefulWriter, log, answers)
        part._call = lambda name, *args: _named_call(for_part, name, *args)
        return part

    def _named_call(part: str, name: str, *args: Any) -> Any:
        log.append((f"{part}.{name}", *args))
        answer = answers[name]
        return answer(*args) if callable(answer) else answer

    common = {
        "list_parts": ["a", "b"],
        "part_fn": lambda key: ord(key[0]),
        "build_part": build_part,
        "write_batch": None,
        "snapshot": None,
        "close": None,
    }
    answers = common | answers
    return _make(_FixedSink, log, answers)


def dynamic_sink(log: Log | None = None, **answers: Any) -> Any:
    """Make a `DynamicSink`; see `fixed_source`."""
    log = [] if log is None else log
    common = {
        "build": lambda *args: _make(_StatelessWriter, log, answers),
        "write_batch": None,
        "close": None,
    }
    answers = common | answers
    return _make(_AnySink, log, answers)
