"""`filter_map`: results go on unless they are None."""

from __future__ import annotations

import cppwax.operators as op
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through


def test_leaves_out_none_only(entry_point: EntryPoint) -> None:
    results = [1, 0, None, "", False, [], None, 2]
    out = through(entry_point, results, lambda s: op.filter_map("step", s, lambda x: x))
    assert out == [1, 0, "", False, [], 2]


def test_emits_the_result_not_the_item(entry_point: EntryPoint) -> None:
    choose = {"a": 1, "c": 3}.get
    assert through(entry_point, "abc", lambda s: op.filter_map("step", s, choose)) == [1, 3]


def test_is_not_called_without_items(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], lambda s: op.filter_map("step", s, lambda x: 1 / 0)) == []


def test_an_error_of_the_mapper_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(KeyError, "b"):
        through(entry_point, ["b"], lambda s: op.filter_map("step", s, {}.__getitem__))
