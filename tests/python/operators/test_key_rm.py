"""`key_rm`: only the value goes on."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators as op
from cppwax.errors import CppwaxRuntimeError
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through


def test_emits_the_values_in_order(entry_point: EntryPoint) -> None:
    out = through(entry_point, [("a", 1), ("b", None), ("a", 2)], lambda s: op.key_rm("step", s))
    assert out == [1, None, 2]


def test_undoes_key_on(entry_point: EntryPoint) -> None:
    def step(s: Any) -> Any:
        return op.key_rm("step", op.key_on("key", s, str))

    assert through(entry_point, range(5), step) == [0, 1, 2, 3, 4]


def test_without_items_there_are_no_values(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], lambda s: op.key_rm("step", s)) == []


@pytest.mark.parametrize("item", [5, None, ("a",), ("a", 1, 2)])
def test_an_item_that_is_no_pair_is_refused(entry_point: EntryPoint, item: Any) -> None:
    with fails(TypeError, "2-tuple"):
        through(entry_point, [item], lambda s: op.key_rm("step", s))


def test_a_failure_says_what_was_being_done(entry_point: EntryPoint) -> None:
    with pytest.raises(CppwaxRuntimeError, match="while unpacking an item"):
        through(entry_point, [5], lambda s: op.key_rm("step", s))
