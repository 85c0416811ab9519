"""`inspect`: a look at each item."""

from __future__ import annotations

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through


def test_sees_step_id_and_item_and_passes_it_on(entry_point: EntryPoint) -> None:
    seen: list[tuple[str, str]] = []
    out = through(
        entry_point, "ab", lambda s: op.inspect("step", s, lambda *args: seen.append(args))
    )
    assert seen == [("flow.step", "a"), ("flow.step", "b")]
    assert out == ["a", "b"]


def test_sees_an_item_before_it_goes_on(entry_point: EntryPoint) -> None:
    log: list[tuple[str, str]] = []

    def step(s: op.KeyedStream) -> op.KeyedStream:
        s = op.inspect("first", s, lambda _, x: log.append(("first", x)))
        return op.inspect("second", s, lambda _, x: log.append(("second", x)))

    through(entry_point, "ab", step)
    assert log.index(("first", "a")) < log.index(("second", "a"))
    assert log.index(("first", "b")) < log.index(("second", "b"))


def test_prints_by_default(entry_point: EntryPoint, capsys: pytest.CaptureFixture[str]) -> None:
    through(entry_point, ["a", 1], lambda s: op.inspect("step", s))
    assert capsys.readouterr().out == "flow.step: 'a'\nflow.step: 1\n"


def test_counts_as_an_output(entry_point: EntryPoint) -> None:
    seen: list[int] = []
    flow = Dataflow("flow")
    op.inspect("step", op.input("inp", flow, TestingSource([1])), lambda _, x: seen.append(x))
    entry_point(flow)
    assert seen == [1]


def test_what_the_inspector_returns_is_ignored(entry_point: EntryPoint) -> None:
    assert through(entry_point, [1], lambda s: op.inspect("step", s, lambda _, x: "other")) == [1]


def test_is_not_called_without_items(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], lambda s: op.inspect("step", s, lambda _, x: 1 / 0)) == []


def test_an_error_of_the_inspector_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        through(entry_point, [1], lambda s: op.inspect("step", s, lambda _, x: 1 / 0))
