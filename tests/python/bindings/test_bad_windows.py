"""What bad input does to window steps, in both forms: an error naming step and key, or it is right.

What timestamps do, users' callables that raise, and states that cannot be stored are in
`test_native_window.py`; arguments that are refused where clocks and windowers are made, in the
tests of those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import cycle
from typing import Any

import pytest

import cppwax.operators.windowing as w
from cppwax.testing import TestingSource
from tests.python.bindings.forms import Failure
from tests.python.bindings.keyed_forms import ByKey, Form, resumed_forms, run_form, run_forms
from tests.python.bindings.test_native_window import TIMES, assert_alike, collecting
from tests.python.operators.windowing.keyed import ZERO, at, builder_of, span
from tests.python.operators.windowing.test_worker_watermark import Sessions, Tumbling

_HOUR = timedelta(hours=1)
_FAR = {
    "first": w.UTC_MIN,
    "near_the_first": w.UTC_MIN + timedelta(microseconds=1),
    "near_the_last": w.UTC_MAX - timedelta(microseconds=1),
    "last": w.UTC_MAX,
    "first_elsewhere": datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    "last_elsewhere": datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
}


def event_clock() -> Any:
    return w.EventClock(lambda value: value, span(0), lambda: ZERO)


@pytest.mark.parametrize("length", [timedelta(microseconds=1), span(10), timedelta.max])
@pytest.mark.parametrize("align_to", _FAR.values(), ids=_FAR)
def test_windows_aligned_far_away(align_to: datetime, length: timedelta) -> None:
    items = [("a", when) for when in (w.UTC_MIN, at(1), at(1), at(2), w.UTC_MAX)]
    for windower in (
        w.TumblingWindower(length, align_to),
        w.SlidingWindower(length, max(length / 2, timedelta(microseconds=1)), align_to),
    ):
        both = run_forms(lambda of=windower: collecting(event_clock(), of), lambda: items, 2)
        seen = assert_alike(both)
        assert seen.error is None
        values = "".join(event for event in seen.out["a"] if "'M'" not in event)
        assert all(repr(when) in values for _, when in items)


@pytest.mark.parametrize("idle_after", [timedelta(0), span(5), timedelta.max])
@pytest.mark.parametrize("when", TIMES.values(), ids=TIMES)
def test_times_with_a_watermark_of_the_worker(when: Any, idle_after: timedelta) -> None:
    items = [("a", at(1)), ("b", when), ("a", at(2)), ("b", at(30)), ("a", when), ("a", at(31))]

    def seen(windower: Any) -> ByKey:
        clock = w.EventClock(
            lambda value: value, span(1), lambda: ZERO, watermark="worker", idle_after=idle_after
        )
        return run_form(Form(collecting(clock, windower), native=True), items, 2)

    # The engine has to see the builder; the windower makes that it runs through Python.
    assert_alike((seen(w.SessionWindower(span(10))), seen(Sessions(span(10)))))
    assert_alike((seen(w.TumblingWindower(span(10), ZERO)), seen(Tumbling(span(10), ZERO))))


@pytest.mark.parametrize("which", ["ts_getter", "now_getter", "to_system_utc"])
def test_callables_that_raise_with_a_watermark_of_the_worker(which: str) -> None:
    def failing(*_arguments: Any) -> Any:
        raise Failure("by the user")

    def seen(windower: Any) -> ByKey:
        functions = {
            "ts_getter": at,
            "now_getter": lambda: ZERO,
            "to_system_utc": lambda when: when,
        }
        functions[which] = failing
        clock: Any = w.EventClock(wait_for_system_duration=span(1), watermark="worker", **functions)
        return run_form(Form(collecting(clock, windower), native=True), [("a", 1), ("b", 2)], 2)

    native = assert_alike((seen(w.SessionWindower(span(10))), seen(Sessions(span(10)))))
    assert native.error is not None
    # Of those who wait for the watermark, the one that is due first.
    key = "b" if which == "to_system_utc" else "a"
    assert "'flow.step'" in native.error[0] and f"key {key!r}" in native.error[0]


def changed(windower: Any, **attributes: Any) -> Callable[[], Any]:
    """Give a maker of a step whose windower was changed after it was made."""

    def make_builder() -> Any:
        for name, value in attributes.items():
            setattr(windower, name, value)
        return collecting(w.EventClock(at, span(0), lambda: ZERO), windower)

    return make_builder


def with_clock(**attributes: Any) -> Callable[[], Any]:
    """Do the same for the clock."""

    def make_builder() -> Any:
        clock = w.EventClock(at, span(0), lambda: ZERO)
        for name, value in attributes.items():
            setattr(clock, name, value)
        return collecting(clock, w.SessionWindower(_HOUR))

    return make_builder


def early_after(after: Any) -> Callable[[], Any]:
    """Give a maker of a step that emits early results so long after a change."""
    builder = collecting(w.EventClock(at, span(0), lambda: ZERO), w.SessionWindower(_HOUR))
    return lambda: replace(builder, early_after=after)


_CHANGED = {
    "no_length": changed(w.TumblingWindower(_HOUR, ZERO), length=span(0)),
    "no_offset": changed(w.SlidingWindower(_HOUR, _HOUR, ZERO), offset=span(0)),
    "number_as_length": changed(w.TumblingWindower(_HOUR, ZERO), length=3600),
    "number_as_offset": changed(w.SlidingWindower(_HOUR, _HOUR, ZERO), offset=3600),
    "number_as_gap": changed(w.SessionWindower(_HOUR), gap=3600),
    "text_as_gap": changed(w.SessionWindower(_HOUR), gap="an hour"),
    "number_as_wait": with_clock(wait_for_system_duration=5),
    "none_as_pause": with_clock(idle_after=None),
    "number_as_early_after": early_after(5),
}


@pytest.mark.parametrize("make_builder", _CHANGED.values(), ids=_CHANGED)
def test_windowers_that_were_changed_for_the_worse(make_builder: Callable[[], Any]) -> None:
    seen = assert_alike(run_forms(make_builder, lambda: [("a", 1), ("a", 50)], 1))
    assert seen.error is not None
    assert "'flow.step'" in seen.error[0] and "'a'" in seen.error[0]


_ALSO_CHANGED = {
    "less_than_no_length": changed(w.TumblingWindower(_HOUR, ZERO), length=span(-5)),
    "too_long_an_offset": changed(w.SlidingWindower(_HOUR, _HOUR, ZERO), offset=2 * _HOUR),
    "less_than_no_gap": changed(w.SessionWindower(_HOUR), gap=span(-1)),
}


def test_a_clock_whose_watermark_is_unknown_has_one_a_key() -> None:
    seen = assert_alike(run_forms(with_clock(watermark=5), lambda: [("a", 1), ("a", 9)], 1))
    assert seen.error is None


@pytest.mark.parametrize("insert_mode", ["first", "last", "product"])
def test_sessions_of_more_sides_do_not_go_into_one_of_fewer(insert_mode: Any) -> None:
    """A session that was stored with two sides keeps them; one that is new has three."""
    # For each choice of forms: first run, look at the store, second run, look again.
    side_counts = cycle((2, 2, 3, 3))

    def make_builder() -> Any:
        clock = w.EventClock(at, span(100), lambda: ZERO)
        windower = w.SessionWindower(span(10))
        sides = next(side_counts)
        return builder_of(
            lambda up: w.join_window(
                "step", clock, windower, *[up] * sides, insert_mode=insert_mode, ordered=False
            )
        )

    def items() -> list[Any]:
        end = TestingSource.ABORT()
        return [("a", (0, 0)), ("b", (0, 0)), ("b", (0, 0)), end, ("a", (0, 18)), ("a", (0, 9))]

    results = [result[2] for result in resumed_forms(make_builder, items, 2).values()]
    assert results[0].error is not None
    assert results[0].error[2] is IndexError
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("make_builder", _ALSO_CHANGED.values(), ids=_ALSO_CHANGED)
def test_forms_agree_about_windowers_that_make_no_sense(make_builder: Callable[[], Any]) -> None:
    assert_alike(run_forms(make_builder, lambda: [("a", 1), ("a", 50)], 1))
