"""The native forms of TestingSource and TestingSink do what their Python forms do."""

from __future__ import annotations

import gc
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.inputs import AbortExecution
from cppwax.testing import TestingSink, TestingSource, run_main
from tests.python.bindings.forms import Failure, described
from tests.python.flows import BatchSink, few_examples

EOF, ABORT, PAUSE = TestingSource.EOF, TestingSource.ABORT, TestingSource.PAUSE


class PythonSource(TestingSource[Any]):
    """Runs through Python, as every subclass does."""


class PythonSink(TestingSink[Any]):
    """Runs through Python, as every subclass does."""


class Mirrored(list[Any]):
    """A list that does more than others when it is appended to."""

    def __init__(self) -> None:
        super().__init__()
        self.mirror: list[Any] = []

    def __iadd__(self, items: Any) -> Mirrored:
        self.mirror += items
        super().__iadd__(items)
        return self


@dataclass
class Seen:
    """What can be seen of a run of a source."""

    batches: list[list[Any]]
    error: Any
    index: int


def run_source(source: TestingSource[Any]) -> Seen:
    """Run a flow of a source and a sink; also tell the index that it would resume from."""
    parts: list[Any] = []
    build = source.build_part

    def building(*args: Any) -> Any:
        parts.append(build(*args))
        return parts[-1]

    source.build_part = building  # type: ignore[method-assign]
    flow = Dataflow("flow")
    sink = BatchSink()
    op.output("out", op.input("step", flow, source), sink)
    error = None
    try:
        run_main(flow)
    except CppwaxRuntimeError as ex:
        assert "flow.step" in str(ex)
        assert "calling `next_batch` of partition 'iterable'" in str(ex)
        error = described(ex)
    return Seen([items for _, items in sink.batches], error, parts[0].snapshot())


def failing(items: list[Any], error: type[BaseException]) -> Iterator[Any]:
    yield from items
    raise error("by the user")


ELEMENTS: list[Callable[[], Any]] = [
    *[lambda: 1, lambda: None, lambda: "text", lambda: 2.5] * 3,
    EOF,
    ABORT,
    lambda: ABORT(_triggered=True),
    lambda: PAUSE(timedelta(0)),
    lambda: PAUSE(timedelta(milliseconds=1)),
]
ENDS: list[Callable[[list[Any]], Any]] = [
    list,
    tuple,
    iter,
    deque,
    lambda items: failing(items, Failure),
    lambda items: failing(items, AbortExecution),
    lambda items: failing(items, TypeError),
]


@few_examples
@given(
    st.lists(st.sampled_from(ELEMENTS), max_size=40),
    st.sampled_from(ENDS),
    st.sampled_from([1, 2, 5, 100, 0, -3, True, 2.5]),
)
def test_source_as_the_python_form(makers: list[Any], end: Any, batch_size: Any) -> None:
    native = run_source(TestingSource(end([make() for make in makers]), batch_size))
    python = run_source(PythonSource(end([make() for make in makers]), batch_size))
    assert native == python


@pytest.mark.parametrize("batch_size", [1, 7, 1000, 1 << 70])
def test_source_over_a_range(batch_size: int) -> None:
    seen = run_source(TestingSource(range(5000), batch_size))
    assert [item for batch in seen.batches for item in batch] == list(range(5000))
    assert {len(batch) for batch in seen.batches[:-1]} <= {batch_size}
    assert seen.index == 5000


def test_an_aborted_run_goes_on_in_the_next() -> None:
    """The marks remember what happened to them, also when they are met natively."""
    items = [0, 1, ABORT(), 2, ABORT(), 3]
    assert [run_source(TestingSource(items)).index for _ in range(3)] == [2, 3, 4]


def test_source_leaves_no_reference() -> None:
    items = [object() for _ in range(30)]
    before = [sys.getrefcount(item) for item in items]
    for end in ENDS:
        run_source(TestingSource(end([*items, PAUSE(timedelta(0)), *items, EOF(), *items]), 4))
    gc.collect()
    assert [sys.getrefcount(item) for item in items] == before


@pytest.mark.parametrize("sink", [TestingSink, PythonSink])
@pytest.mark.parametrize("make", [list, deque, lambda: [-1], Mirrored])
def test_sink_appends_to_what_it_was_given(sink: Any, make: Any) -> None:
    out = make()
    held = list(out)
    flow = Dataflow("flow")
    op.output("out", op.input("inp", flow, TestingSource(range(100), 3)), sink(out))
    run_main(flow)
    run_main(flow)
    assert list(out) == [*held, *range(100), *range(100)]
    assert type(out) is not Mirrored or out.mirror == list(out)


def test_sink_does_not_mind_what_others_do_to_the_list() -> None:
    out: list[int] = []

    def look(item: int) -> int:
        if item % 10 == 0:
            out.clear()
        return item

    flow = Dataflow("flow")
    up = op.map("look", op.input("inp", flow, TestingSource(range(101))), look)
    op.output("out", up, TestingSink(out))
    run_main(flow)
    assert out[-1:] == [100]


def test_sink_fails_as_the_python_form() -> None:
    seen = []
    for sink in (TestingSink, PythonSink):
        flow = Dataflow("flow")
        op.output("out", op.input("inp", flow, TestingSource([1])), sink(frozenset()))
        with pytest.raises(CppwaxRuntimeError, match=r"flow\.out") as caught:
            run_main(flow)
        seen.append(described(caught.value))
    assert seen[0] == seen[1]
