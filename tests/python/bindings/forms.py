"""Runs a step natively and through its Python form, and tells all that can be seen of each run."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cppwax
import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.testing import TestingSource, run_main
from tests.python.flows import BatchSink, root_of

Batch = Callable[[list[Any]], Any]


class Failure(Exception):
    """What users' callables raise."""


def raising(error: type[BaseException]) -> Callable[[Any], Any]:
    """Make an answer that raises."""

    def answer(_item: Any) -> Any:
        raise error("by the user")

    return answer


def giving(value: Any) -> Callable[[Any], Any]:
    """Make an answer that is always the same."""
    return lambda _item: value


@dataclass
class Scripted:
    """A callable of a user: answers its calls in turn, over and over, and keeps their arguments."""

    answers: Sequence[Callable[[Any], Any]]
    calls: list[str] = field(default_factory=list)

    def __call__(self, item: Any) -> Any:
        answer = self.answers[len(self.calls) % len(self.answers)]
        self.calls.append(repr(item))
        return answer(item)


def hidden(batch: Batch) -> Batch:
    """Make a batch mapper that the engine does not know, so that it runs through Python.

    It adds no frame to tracebacks.
    """
    return partial(batch)


@dataclass
class Seen:
    """What can be seen of a run. Items are shown as texts, which tell their types too."""

    batches: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    error: tuple[Any, ...] | None = None


def described(ex: BaseException) -> tuple[Any, ...]:
    """Describe a run's exception: what it came from, and the frames of the user's in that."""
    root = root_of(ex)
    ours = str(Path(cppwax.__file__).parent)
    frames = traceback.extract_tb(root.__traceback__)
    users = [frame.name for frame in frames if not frame.filename.startswith(ours)]
    return type(ex), type(root), str(root), users


def run_step(batch: Batch, items: Iterable[Any], batch_size: int) -> Seen:
    """Run one step with a batch mapper; what comes out of it is looked at batch by batch."""
    seen = Seen()
    flow = Dataflow("flow")
    up = op.input("inp", flow, TestingSource(items, batch_size))
    sink = BatchSink()
    op.output("out", op.flat_map_batch("step", up, batch), sink)
    try:
        run_main(flow)
    except CppwaxRuntimeError as ex:
        assert "flow.step" in str(ex)
        seen.error = described(ex)
    seen.batches = [repr(given) for _, given in sink.batches]
    return seen


def run_both(
    make_batch: Callable[[Scripted], Batch],
    answers: Sequence[Callable[[Any], Any]],
    make_items: Callable[[], Iterable[Any]],
    batch_size: int,
) -> tuple[Seen, Seen]:
    """Run a step natively and through Python.

    Args:
        make_batch: Makes the value object of the step from the user's callable.
        answers: What the callable answers in turn.
        make_items: Gives the items, anew for each run.
        batch_size: How many the source gives at once.

    Returns:
        What was seen natively, and through Python.
    """
    native_calls, python_calls = Scripted(answers), Scripted(answers)
    native = run_step(make_batch(native_calls), make_items(), batch_size)
    python = run_step(hidden(make_batch(python_calls)), make_items(), batch_size)
    native.calls, python.calls = native_calls.calls, python_calls.calls
    return native, python


class Weird:
    """Iterates in a way of its own."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __iter__(self) -> Iterator[Any]:
        yield from self.parts

    def __repr__(self) -> str:
        return f"Weird{self.parts}"


class Refusing:
    """Cannot be iterated over, although it seems so."""

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("not today")

    def __repr__(self) -> str:
        return "Refusing()"
