"""Native window steps with early results do what their Python form does, over resumes too."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

import cppwax.operators.windowing as w
from cppwax.testing import TestingSource
from tests.python.bindings.forms import Failure
from tests.python.bindings.keyed_forms import resumed_forms, run_forms
from tests.python.bindings.test_native_window import (
    SEEDS,
    WINDOWERS,
    assert_alike,
    builder_for,
    items_of,
    told,
)
from tests.python.flows import few_examples
from tests.python.operators.windowing.keyed import ZERO, at, builder_of, span
from tests.python.oracle.windowing_cases import Case, make_case

EACH_BATCH = timedelta(0)
# Such a time never comes in a test: what is seen are the states, and results at the end.
IN_A_DAY = timedelta(days=1)


def early(case: Case, after: timedelta) -> Any:
    """Give the builder of a case's keyed step, with early results."""
    return replace(builder_for(case, lambda: ZERO), early_after=after)


@few_examples
@given(SEEDS)
def test_each_batch(seed: int) -> None:
    rng = random.Random(seed)
    case = make_case(rng)
    items = items_of(rng, case, "abcd")
    assert_alike(run_forms(lambda: early(case, EACH_BATCH), lambda: items, rng.choice((1, 3, 20))))


@settings(few_examples, max_examples=10)
@given(SEEDS)
def test_either_form_goes_on_from_a_state_of_either(seed: int) -> None:
    rng = random.Random(seed)
    case = replace(make_case(rng), system_clock=False)
    items = items_of(rng, case, "abc")
    middle = len(items) // 2
    after = rng.choice((EACH_BATCH, IN_A_DAY))
    results = resumed_forms(
        lambda: early(case, after),
        lambda: [*items[:middle], TestingSource.ABORT(), *items[middle:]],
        rng.choice((1, 3, 20)),
    )
    runs = [[told(one) for one in result] for result in results.values()]
    assert all(run == runs[0] for run in runs), runs


def test_results_do_not_change_with_later_values() -> None:
    clock = w.EventClock(lambda value: at(value[0]), span(100), lambda: ZERO)

    def make_builder() -> Any:
        return builder_of(
            lambda up: w.collect_window(
                "step", up, clock, WINDOWERS["tumbling"], ordered=False, emit="update"
            )
        )

    values = [[1, "first"], [2, "second"]]
    seen = assert_alike(run_forms(make_builder, lambda: [("a", value) for value in values], 1))
    assert seen.out["a"][:2] == [
        "(0, 'E', [[1, 'first']])",
        "(0, 'E', [[1, 'first'], [2, 'second']])",
    ]


def raising() -> Any:
    raise Failure("by the user")


def _half() -> Any:
    yield 1
    raise Failure("in the middle")


class Uncopied:
    """A state of which there is no copy."""

    def __deepcopy__(self, memo: Any) -> Any:
        raise Failure("no copy")


def logic(answer: Callable[[], Any]) -> Callable[[], Any]:
    """Give a maker of a step whose logics answer so to `on_early`."""

    class Logic(w.WindowLogic[Any, Any, Any]):
        def __init__(self, state: Any) -> None:
            pass

        def on_value(self, value: Any) -> Any:
            return [value]

        def on_merge(self, original: Any) -> Any:
            return ["merged"]

        def on_close(self) -> Any:
            return ("closed",)

        def on_early(self) -> Any:
            return answer()

        def snapshot(self) -> Any:
            return None

    clock = w.EventClock(at, span(10), lambda: ZERO)
    return lambda: builder_of(
        lambda up: w.window("step", up, clock, WINDOWERS["session"], Logic, False, emit="update")
    )


STEPS: dict[str, Callable[[], Any]] = {
    "results": logic(lambda: ["so", "far"]),
    "raising": logic(raising),
    "none": logic(lambda: None),
    "text": logic(lambda: "ab"),
    "half": logic(_half),
    "uncopied": lambda: builder_of(
        lambda up: w.fold_window(
            "step",
            up,
            w.EventClock(at, span(10), lambda: ZERO),
            WINDOWERS["session"],
            Uncopied,
            lambda s, v: s,
            lambda a, b: a,
            emit="update",
            ordered=False,
        )
    ),
}


@pytest.mark.parametrize("make_builder", STEPS.values(), ids=STEPS)
def test_what_users_give(make_builder: Callable[[], Any]) -> None:
    items = [("a", 0), ("b", 1), ("a", 16), ("a", 8), ("b", 100)]
    assert_alike(run_forms(make_builder, lambda: items, 3))
