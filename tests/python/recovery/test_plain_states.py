"""States that are plain values are stored without Python's pickler; they come back the same."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import pytest

import cppwax.operators as op
from cppwax._stored_state import OpenStore
from cppwax.dataflow import Dataflow
from cppwax.recovery import RecoveryConfig, init_db_dir
from cppwax.testing import TestingSink, TestingSource, run_main

STEP = "plain.keep.stateful_flat_map.stateful.stateful_batch"


class OwnInt(int):
    """Not exactly an int."""


class OwnStr(str):
    """Not exactly a str."""


EDGES = [
    *(
        number + off
        for number in (0, 1 << 8, 1 << 16, 1 << 31, 1 << 32, 1 << 63)
        for off in (-1, 0)
    ),
    *(-number + off for number in (1 << 8, 1 << 16, 1 << 31, 1 << 63) for off in (-1, 0, 1)),
]
VALUES: list[Any] = [
    *(
        True,
        False,
        "",
        "a",
        "ä\U0001f600\0",
        "x" * 255,
        "x" * 256,
        "\ud800",
        OwnInt(3),
        OwnStr("a"),
    ),
    *(0.0, -0.0, 1.5, math.inf, -math.inf, math.pi, 5e-324),
    *((), (1,), (1, "a", None), ((1, 2), (3.5, ("a", ()))), ((((1,),),),), tuple(range(20))),
    *((1, 2), (1, 2, 3), (1, 2, 3, 4), ((1,), (2, 3), (4, 5, 6), (7, 8, 9, 10))),
    *([], [1, 2], [(1, "a"), None, b"b"], [[1], [2]], list(range(20)), [OwnInt(3)]),
    *({}, {"a": (1, 2)}, {1: 2.5, None: ""}, {"a": {"b": 1}}, {n: n for n in range(20)}),
    *({1, 2}, (1, [2]), 10**100, -(10**100)),
    *(b"", b"bytes", b"x" * 255, b"x" * 256, bytearray(b"mutable")),
    *EDGES,
]


def stored(folder: Path, values: list[Any]) -> list[Any]:
    """Store each value as the state of a key; give what a resume is given."""
    folder.mkdir()
    init_db_dir(folder, 1)
    found: dict[str, Any] = {}

    def mapper(state: Any, value: Any) -> tuple[Any, None]:
        if state is not None:
            found[str(value)] = state
        return (values[value], None)

    for _ in range(2):
        flow = Dataflow("plain")
        items: list[Any] = [(str(number), number) for number in range(len(values))]
        source = TestingSource([*items, TestingSource.EOF(), *items])
        op.output(
            "out",
            op.stateful_map("keep", op.input("inp", flow, source), mapper),
            TestingSink([]),
        )
        run_main(flow, recovery_config=RecoveryConfig(folder))
    return [found[str(number)] for number in range(len(values))]


def same(one: Any, two: Any) -> bool:
    if type(one) is not type(two):
        return False
    if isinstance(one, (tuple, list)):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, dict):
        return same(list(one.items()), list(two.items()))
    return repr(one) == repr(two) and one == two


def test_plain_values_come_back_the_same(tmp_path: Path) -> None:
    for value, back in zip(VALUES, stored(tmp_path / "db", VALUES), strict=True):
        assert same(value, back), (value, back)


def test_nan_comes_back(tmp_path: Path) -> None:
    (back,) = stored(tmp_path / "db", [math.nan])
    assert math.isnan(back)


@pytest.mark.parametrize("value", [7, 2.5, "text", (1, "a"), [1, 2], {"a": 1}, b"bytes"])
def test_what_is_stored_is_a_pickle(tmp_path: Path, value: Any) -> None:
    stored(tmp_path / "db", [value])
    with OpenStore([tmp_path / "db"]) as store:
        assert [key for key, _, _ in store.read_keys(STEP)] == ["0"]
        state = store.read_state(STEP, "0")
    assert state is not None
    assert same(pickle.loads(state.pickle), value)


def test_a_list_that_is_in_a_state_twice_stays_one(tmp_path: Path) -> None:
    twice = [1]
    (back,) = stored(tmp_path / "db", [[twice, twice]])
    assert back == [[1], [1]]
    assert back[0] is back[1]
