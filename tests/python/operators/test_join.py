"""`join`: the values of a key from several streams."""

from __future__ import annotations

from itertools import product, zip_longest
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.inputs import Source
from cppwax.testing import TestingSink, TestingSource, run_main
from tests.python.conftest import EntryPoint
from tests.python.flows import OnEachWorker, Parts, by_key, fails, fails_bare, few_examples

_INSERTS = ("first", "last", "product")
_EMITS = ("complete", "final", "running")

_A = [("a", 1), ("a", 2), ("b", 3)]
_B = [("a", 10), ("b", 20), ("a", 30)]


def _joined(run: EntryPoint, *sources: Any, **modes: Any) -> list[Any]:
    out: list[Any] = []
    flow = Dataflow("flow")
    sides = [
        op.input(f"inp_{i}", flow, s if isinstance(s, Source) else TestingSource(s))
        for i, s in enumerate(sources)
    ]
    op.output("out", op.join("step", *sides, **modes), TestingSink(out))
    run(flow)
    return out


def _model(values: list[tuple[int, Any]], sides: int, insert: str, emit: str) -> list[Any]:
    """Give the rows of one key, whose values are numbered by side."""
    kept: list[list[Any]] = [[] for _ in range(sides)]
    rows: list[Any] = []
    for side, value in values:
        if insert == "product" or not kept[side]:
            kept[side].append(value)
        elif insert == "last":
            kept[side] = [value]
        if emit == "running":
            rows += product(*(side_values or [None] for side_values in kept))
        elif emit == "complete" and all(kept):
            rows += product(*kept)
            kept = [[] for _ in range(sides)]
    if emit == "final":
        rows += product(*(side_values or [None] for side_values in kept))
    return rows


def test_complete_emits_and_forgets(run_one: EntryPoint) -> None:
    assert by_key(_joined(run_one, _A, _B)) == {"a": [(1, 10), (2, 30)], "b": [(3, 20)]}


def test_complete_is_silent_about_missing_sides(entry_point: EntryPoint) -> None:
    assert _joined(entry_point, [("a", 1), ("a", 2)], [("b", 3)]) == []


def test_final_emits_at_the_end_with_none_for_missing_sides(entry_point: EntryPoint) -> None:
    out = _joined(entry_point, [("b", 1), ("a", 2)], [("b", 3), ("c", 4)], emit_mode="final")
    assert sorted(out) == [("a", (2, None)), ("b", (1, 3)), ("c", (None, 4))]


def test_final_emits_keys_sorted(run_one: EntryPoint) -> None:
    out = _joined(run_one, [(key, 1) for key in "cab"], [], emit_mode="final")
    assert [key for key, _ in out] == ["a", "b", "c"]


def test_running_emits_at_each_value_and_nothing_at_the_end(run_one: EntryPoint) -> None:
    assert by_key(_joined(run_one, _A, _B, emit_mode="running")) == {
        "a": [(1, None), (1, 10), (2, 10), (2, 30)],
        "b": [(None, 20), (3, 20)],
    }


def test_first_keeps_the_first_value_of_a_side(run_one: EntryPoint) -> None:
    out = _joined(run_one, _A, _B, insert_mode="first", emit_mode="final")
    assert out == [("a", (1, 10)), ("b", (3, 20))]


def test_product_emits_all_combinations_in_order_of_the_sides(run_one: EntryPoint) -> None:
    out = _joined(run_one, _A, _B, insert_mode="product", emit_mode="final")
    assert out == [
        *[("a", (1, 10)), ("a", (1, 30)), ("a", (2, 10)), ("a", (2, 30)), ("b", (3, 20))]
    ]


@few_examples
@given(
    sources=st.lists(
        st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 99)), max_size=6),
        min_size=1,
        max_size=3,
    ),
    insert=st.sampled_from(_INSERTS),
    emit=st.sampled_from(_EMITS),
)
def test_rows_are_those_of_the_model(
    sources: list[list[tuple[str, int]]], insert: str, emit: str
) -> None:
    arrived: dict[str, list[Any]] = {}
    for round_of_items in zip_longest(*sources):
        for side, item in enumerate(round_of_items):
            if item is not None:
                arrived.setdefault(item[0], []).append((side, item[1]))
    expected = {key: _model(vs, len(sources), insert, emit) for key, vs in arrived.items()}
    out = _joined(run_main, *sources, insert_mode=insert, emit_mode=emit)
    assert by_key(out) == {key: rows for key, rows in expected.items() if rows}


def test_none_is_a_value_too(run_one: EntryPoint) -> None:
    assert _joined(run_one, [("a", None)], [("a", None)]) == [("a", (None, None))]


def test_one_side_alone_is_complete_at_once(run_one: EntryPoint) -> None:
    assert _joined(run_one, _A) == [("a", (1,)), ("a", (2,)), ("b", (3,))]


@pytest.mark.parametrize("emit", _EMITS)
def test_without_items_emits_nothing(entry_point: EntryPoint, emit: str) -> None:
    assert _joined(entry_point, [], [], emit_mode=emit) == []


def test_sides_meet_wherever_they_are_read(entry_point: EntryPoint) -> None:
    names = Parts({"p0": [[("1", "Ada")]], "p1": [[("2", "Grace")]], "p2": [[("3", "Mary")]]})
    years = OnEachWorker(lambda worker: [[(str(worker + 1), 1800 + worker)]])
    out = _joined(entry_point, names, years)
    everybody = [("1", ("Ada", 1800)), ("2", ("Grace", 1801)), ("3", ("Mary", 1802))]
    assert sorted(out) == everybody[: entry_point.workers]


@pytest.mark.parametrize("mode", ["insert_mode", "emit_mode"])
@pytest.mark.parametrize("value", ["all", None, 1])
def test_an_unknown_mode_is_refused_when_built(mode: str, value: Any) -> None:
    with pytest.raises(ValueError, match="mode"):
        _joined(run_main, _A, _B, **{mode: value})


def test_no_sides_are_refused_when_built() -> None:
    with pytest.raises(AssertionError):
        op.join("step")


@pytest.mark.parametrize("item", [5, None, ("a",), ("a", 1, 2)])
def test_an_item_that_is_no_pair_is_refused(entry_point: EntryPoint, item: Any) -> None:
    with fails(TypeError, "2-tuple"):
        _joined(entry_point, [item], _B)


def test_a_key_that_is_no_str_is_refused_bare(entry_point: EntryPoint) -> None:
    with fails_bare(TypeError, "`str`"):
        _joined(entry_point, [(1, 1)], _B)
