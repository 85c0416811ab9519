"""`key_on`: items get a key."""

from __future__ import annotations

from typing import Any

import pytest

import cppwax.operators as op
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through


def test_pairs_each_item_with_its_key(entry_point: EntryPoint) -> None:
    out = through(entry_point, [1, 22], lambda s: op.key_on("step", s, str))
    assert out == [("1", 1), ("22", 22)]
    assert all(type(pair) is tuple for pair in out)


def test_without_items_no_key_is_asked_for(entry_point: EntryPoint) -> None:
    assert through(entry_point, [], lambda s: op.key_on("step", s, lambda x: 1 / 0)) == []


def test_a_key_of_a_subclass_of_str_will_do(entry_point: EntryPoint) -> None:
    class Name(str):
        pass

    assert through(entry_point, ["a"], lambda s: op.key_on("step", s, Name)) == [("a", "a")]


@pytest.mark.parametrize("key", [None, 1, b"a", ("a",)])
def test_a_key_that_is_no_str_is_refused(entry_point: EntryPoint, key: Any) -> None:
    with fails(TypeError, "must be a `str`"):
        through(entry_point, [1], lambda s: op.key_on("step", s, lambda x: key))


def test_an_error_of_the_key_function_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(KeyError, "name"):
        through(entry_point, [{}], lambda s: op.key_on("step", s, lambda x: x["name"]))
