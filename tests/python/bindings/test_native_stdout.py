"""The native form of StdOutSink does what its Python form does."""

from __future__ import annotations

import gc
import io
import sys
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.testing import TestingSource, run_main
from tests.python.bindings.forms import Failure, described


class PythonSink(StdOutSink):
    """Runs through Python, as every subclass does."""


both = pytest.mark.parametrize("sink", [StdOutSink, PythonSink])


class Shown(str):
    """A subclass of str, which `str` may give."""


class Item:
    """Shown as told."""

    def __init__(self, text: Any) -> None:
        self.text = text

    def __str__(self) -> Any:
        if isinstance(self.text, type):
            raise self.text("by the user")
        return self.text


class Out(io.StringIO):
    """Counts calls, and fails if told."""

    def __init__(self, fails: str = "") -> None:
        super().__init__()
        self.fails = fails
        self.calls: list[str] = []

    def write(self, text: str) -> int:
        self.calls.append("write")
        if self.fails == "write":
            raise Failure
        return super().write(text)

    def flush(self) -> None:
        self.calls.append("flush")
        if self.fails == "flush":
            raise Failure


def prints(sink: Any, items: list[Any], batch_size: int) -> Any:
    """Run a flow that prints; give the error if there is one."""
    flow = Dataflow("flow")
    op.output("step", op.input("inp", flow, TestingSource(items, batch_size)), sink())
    try:
        run_main(flow)
    except CppwaxRuntimeError as ex:
        assert "flow.step" in str(ex)
        assert "calling `write_batch`" in str(ex)
        return described(ex)
    return None


@both
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_prints_what_print_does(sink: Any, batch_size: int, monkeypatch: Any) -> None:
    items = ["a", 1, None, ("b", 2), "two\nlines", "", Item(Shown("sub")), "ü€\U0001f600"]
    expected = io.StringIO()
    for item in items:
        print(item, file=expected)
    out = Out()
    monkeypatch.setattr(sys, "stdout", out)
    assert prints(sink, items, batch_size) is None
    assert out.getvalue() == expected.getvalue()
    assert out.calls[:2] == ["write", "flush"]
    assert out.calls.count("write") == out.calls.count("flush")


@both
def test_one_write_and_flush_a_batch(sink: Any, monkeypatch: Any) -> None:
    out = Out()
    monkeypatch.setattr(sys, "stdout", out)
    assert prints(sink, list(range(30)), 10) is None
    assert out.calls == ["write", "flush"] * 3


@both
def test_prints_to_the_standard_output_of_the_moment(sink: Any, monkeypatch: Any) -> None:
    outs = [Out(), Out()]

    def move(item: int) -> int:
        sys.stdout = outs[item // 10]
        return item

    monkeypatch.setattr(sys, "stdout", outs[0])
    flow = Dataflow("flow")
    up = op.map("move", op.input("inp", flow, TestingSource(range(20), 10)), move)
    op.output("out", up, sink())
    run_main(flow)
    assert [len(out.getvalue().splitlines()) for out in outs] == [10, 10]


@pytest.mark.parametrize("error", [Failure, TypeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_an_item_that_cannot_be_shown(error: Any, batch_size: int, monkeypatch: Any) -> None:
    seen = []
    for sink in (StdOutSink, PythonSink):
        out = Out()
        monkeypatch.setattr(sys, "stdout", out)
        seen.append((prints(sink, ["a", "b", Item(error), "c"], batch_size), out.getvalue()))
    assert seen[0] == seen[1]
    assert seen[0][1] == "a\nb\n"


@pytest.mark.parametrize("fails", ["write", "flush"])
def test_an_output_that_fails(fails: str, monkeypatch: Any) -> None:
    seen = []
    for sink in (StdOutSink, PythonSink):
        out = Out(fails)
        monkeypatch.setattr(sys, "stdout", out)
        seen.append((prints(sink, ["a", "b"], 2), out.calls))
    assert seen[0] == seen[1]
    assert seen[0][0][1] is Failure


@both
def test_no_standard_output(sink: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert prints(sink, ["a"], 1) is None


def test_a_removed_standard_output(monkeypatch: Any) -> None:
    monkeypatch.delattr(sys, "stdout")
    errors = [prints(sink, ["a"], 1) for sink in (StdOutSink, PythonSink)]
    assert errors[0] == errors[1]
    assert errors[0][1] is AttributeError


def test_leaves_no_reference(monkeypatch: Any) -> None:
    items = [Item("x") for _ in range(20)]
    before = [sys.getrefcount(item) for item in items]
    for fails in ("", "write", "flush"):
        monkeypatch.setattr(sys, "stdout", Out(fails))
        prints(StdOutSink, [*items, Item(Failure)], 6)
    monkeypatch.undo()
    gc.collect()
    assert [sys.getrefcount(item) for item in items] == before
