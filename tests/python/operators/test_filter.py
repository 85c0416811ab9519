"""`filter`: items go on where the predicate is true."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators as op
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through


def test_keeps_the_items_with_true_in_order(entry_point: EntryPoint) -> None:
    out = through(entry_point, range(6), lambda s: op.filter("step", s, lambda x: x % 2 == 0))
    assert out == [0, 2, 4]


def test_may_keep_nothing(entry_point: EntryPoint) -> None:
    assert through(entry_point, range(6), lambda s: op.filter("step", s, lambda x: False)) == []


def test_items_go_on_as_the_same_objects(entry_point: EntryPoint) -> None:
    item = object()
    out = through(entry_point, [item], lambda s: op.filter("step", s, lambda x: True))
    assert out[0] is item


def test_is_not_called_without_items(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], lambda s: op.filter("step", s, lambda x: 1 / 0)) == []


@pytest.mark.parametrize("answer", [1, 0, None, "yes", [1]])
def test_an_answer_that_is_no_bool_is_refused(entry_point: EntryPoint, answer: Any) -> None:
    with fails(TypeError, "must be a `bool`"):
        through(entry_point, [1], lambda s: op.filter("step", s, lambda x: answer))


def test_an_error_of_the_predicate_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ValueError, "no such thing"):
        through(entry_point, [1], lambda s: op.filter("step", s, _refuse))


def _refuse(x: Any) -> bool:
    raise ValueError("no such thing")
