"""Native window steps do what their Python form does: outputs, errors, states, over resumes too."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

import cppwax.operators.windowing as w
from cppwax.operators._batch_mappers import FilterMapValueBatch
from cppwax.operators.windowing._driver import Unwrap
from cppwax.testing import TestingSource
from tests.python.bindings.forms import Failure, hidden, run_step
from tests.python.bindings.keyed_forms import ByKey, resumed_forms, run_forms
from tests.python.flows import few_examples
from tests.python.operators.windowing.keyed import ZERO, at, builder_of, span
from tests.python.oracle.windowing_cases import Case, Times, add_step, make_case

SEEDS = st.integers(0, 2**32)


def value_of(case: Case, value: tuple[int, int]) -> Any:
    """Give a value as the step under the step of a case gets it."""
    if case.kind == "count":
        return ("key", value)
    return (value[1] % 2, value) if case.kind == "join" else value


def items_of(rng: random.Random, case: Case, keys: str) -> list[Any]:
    """Make items of several keys."""
    times = {key: Times(rng) for key in keys}
    chosen = [rng.choice(keys) for _ in range(rng.choice((1, 10, 60)))]
    return [(key, value_of(case, (times[key].next(), n))) for n, key in enumerate(chosen)]


class Passing:
    """A system time that passes between any two looks at it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.seconds = 0

    def __call__(self) -> datetime:
        self.seconds += self.chance.choice((-1, 0, 0, 1, 5))
        return at(self.seconds)


def builder_for(case: Case, now: Callable[[], datetime]) -> Any:
    """Give the builder of a case's keyed step."""
    return builder_of(lambda up: add_step(w, case, [up, up], now))


def by_stream(seen: ByKey) -> ByKey:
    """Sort the events of each key by the streams that they go to, whose order is what counts."""

    def stream(event: str) -> str:
        found = re.match(r"\(-?\d+, '(\w)'", event)
        assert found
        return found[1]

    out = {key: sorted(events, key=stream) for key, events in seen.out.items()}
    return replace(seen, out=out)


def sorted_sets(text: str) -> str:
    """Sort the pairs in sets, whose order depends on what they went through."""

    def in_order(found: re.Match[str]) -> str:
        return "{" + ", ".join(sorted(re.findall(r"\([^()]*\)", found[1]))) + "}"

    return re.sub(r"\{(\([^{}:]*\))\}", in_order, text)


def told(found: ByKey | list[str]) -> str:
    """Give what was seen of a run, or the states in a store, as a text to compare."""
    if isinstance(found, ByKey):
        return sorted_sets(str((sorted(by_stream(found).out.items()), found.error)))
    return str(sorted(map(sorted_sets, found)))


def assert_alike(both: tuple[ByKey, ByKey]) -> ByKey:
    """Compare what two forms did."""
    native, python = map(by_stream, both)
    assert native == python
    # Of a batch in the middle, where errors come, keys may be in any order.
    assert native.error or native.last_keys == python.last_keys
    return native


@few_examples
@given(SEEDS)
def test_several_keys(seed: int) -> None:
    rng = random.Random(seed)
    case = make_case(rng)
    items = items_of(rng, case, "abcd")
    assert_alike(
        run_forms(lambda: builder_for(case, lambda: ZERO), lambda: items, rng.choice((1, 3, 20)))
    )


@few_examples
@given(SEEDS)
def test_time_passes(seed: int) -> None:
    rng = random.Random(seed)
    case = replace(make_case(rng), system_clock=False)
    items = items_of(rng, case, "a")

    def make_builder() -> Any:
        builder = builder_for(case, Passing(seed))
        # Else the step would look when it likes.
        builder.clock.to_system_utc = lambda when: None
        return builder

    assert_alike(run_forms(make_builder, lambda: items, rng.choice((1, 3, 20))))


@settings(few_examples, max_examples=8)
@given(SEEDS)
def test_either_form_goes_on_from_a_state_of_either(seed: int) -> None:
    rng = random.Random(seed)
    case = replace(make_case(rng), system_clock=False)
    items = items_of(rng, case, "abc")

    def cut() -> list[Any]:
        middle = len(items) // 2
        return [*items[:middle], TestingSource.ABORT(), *items[middle:]]

    results = resumed_forms(lambda: builder_for(case, lambda: ZERO), cut, rng.choice((1, 3, 20)))
    runs = [[told(one) for one in result] for result in results.values()]
    assert all(run == runs[0] for run in runs), runs


class Triple(tuple):  # type: ignore[type-arg]
    """A subclass of tuple."""


EVENTS: dict[str, Any] = {
    "emitted": ("a", (1, "E", 2)),
    "late": ("a", (1, "L", None)),
    "closed": ("a", (1, "M", 2)),
    "equal_kind": ("a", (1, "xE"[1:] + "", 2)),
    "list": ["a", [1, "E", 2]],
    "subclass": ("a", Triple((1, "E", 2))),
    "kind_that_is_no_text": ("a", (1, 5, 2)),
    "too_short": ("a", (1, "E")),
    "too_long": ("a", (1, "E", 2, 3)),
    "no_pair": ("a",),
    "number": 5,
}


@pytest.mark.parametrize("item", EVENTS.values(), ids=EVENTS)
@pytest.mark.parametrize("kind", ["L", "E", "M"])
def test_events_are_picked(kind: Any, item: Any) -> None:
    batch: Any = FilterMapValueBatch("flow.step", Unwrap(kind))
    items = [EVENTS["emitted"], item, EVENTS["late"]]
    native, python = (run_step(form, items, 2) for form in (batch, hidden(batch)))
    assert native == python


class Odd(datetime):
    """A subclass of datetime."""


class Nowhere(tzinfo):
    """A time zone that does not know its offset."""

    def utcoffset(self, when: datetime | None) -> timedelta | None:
        return None


class Broken(Nowhere):
    """A time zone that raises."""

    def utcoffset(self, when: datetime | None) -> timedelta | None:
        raise Failure("no offset")


def zoned(hours: float, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone(timedelta(hours=hours)))


TIMES = {
    "utc": at(3.000001),
    "east": zoned(5.5, 2024, 1, 1, 5, 30, 7),
    "west": zoned(-8, 2023, 12, 31, 16, 0, 2, 999999),
    "odd_offset": datetime(2024, 1, 1, tzinfo=timezone(timedelta(seconds=7, microseconds=3))),
    "summer": datetime(2024, 7, 1, 2, tzinfo=ZoneInfo("Europe/Berlin")),
    "fold": datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
    "subclass": Odd(2024, 1, 1, 0, 0, 4, tzinfo=timezone.utc),
    "first": w.UTC_MIN,
    "before_the_first": zoned(1, 1, 1, 1),
    "last": w.UTC_MAX,
    "after_the_last": zoned(-1, 9999, 12, 31, 23, 59, 59, 999999),
    "naive": datetime(2024, 1, 1),
    "nowhere": datetime(2024, 1, 1, tzinfo=Nowhere()),
    "broken": datetime(2024, 1, 1, tzinfo=Broken()),
    "date": date(2024, 1, 1),
    "number": 1704067200,
    "text": "2024-01-01T00:00:00Z",
    "none": None,
}
WINDOWERS = {
    "tumbling": w.TumblingWindower(span(10), ZERO),
    "sliding": w.SlidingWindower(span(10), span(5), ZERO),
    "session": w.SessionWindower(span(10)),
    "zoned": w.TumblingWindower(span(86400), datetime(2024, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))),
    "longest": w.TumblingWindower(timedelta.max, ZERO),
    "longest_gap": w.SessionWindower(timedelta.max),
    "from_the_first": w.TumblingWindower(timedelta(days=400_000), w.UTC_MIN),
}


def collecting(clock: Any, windower: Any, ordered: bool = True) -> Any:
    return builder_of(lambda up: w.collect_window("step", up, clock, windower, ordered=ordered))


@pytest.mark.parametrize("windower", WINDOWERS.values(), ids=WINDOWERS)
@pytest.mark.parametrize("when", TIMES.values(), ids=TIMES)
def test_timestamps(when: Any, windower: Any) -> None:
    items = [("a", at(1)), ("a", when), ("b", when), ("b", at(2)), ("b", at(100))]
    for ordered in (True, False):
        both = run_forms(
            lambda o=ordered: collecting(
                w.EventClock(lambda value: value, span(1), lambda: ZERO), windower, o
            ),
            lambda: items,
            2,
        )
        assert_alike(both)


@pytest.mark.parametrize("when", TIMES.values(), ids=TIMES)
@pytest.mark.parametrize("which", ["now_getter", "to_system_utc"])
def test_times_of_the_clock(when: Any, which: str) -> None:
    functions = {"now_getter": lambda: ZERO, "to_system_utc": lambda asked: w.UTC_MAX}
    functions[which] = lambda *asked: when

    def make_builder() -> Any:
        return collecting(w.EventClock(at, span(1), **functions), WINDOWERS["tumbling"])

    assert_alike(run_forms(make_builder, lambda: [("a", 1), ("a", 50), ("b", 2)], 1))


def raising(*_arguments: Any) -> Any:
    raise Failure("by the user")


def fold(builder: Any, folder: Any, merger: Any, ordered: bool = False) -> Any:
    clock = w.EventClock(at, span(10), lambda: ZERO)
    return builder_of(
        lambda up: w.fold_window(
            "step", up, clock, WINDOWERS["session"], builder, folder, merger, ordered
        )
    )


def window(method: str, answer: Any) -> Any:
    """Make a step of a logic of the user's with one bad method."""

    class Logic(w.WindowLogic[Any, Any, Any]):
        def __init__(self, state: Any) -> None:
            if method == "builder":
                answer()

        def on_value(self, value: Any) -> Any:
            return [value]

        def on_merge(self, original: Any) -> Any:
            return iter(["merged"])

        def on_close(self) -> Any:
            return ("closed",)

        def snapshot(self) -> Any:
            return None

    if method != "builder":
        setattr(Logic, method, lambda *_arguments: answer())
    clock = w.EventClock(at, span(10), lambda: ZERO)
    return builder_of(
        lambda up: w.window("step", up, clock, WINDOWERS["session"], Logic, ordered=False)
    )


def _half() -> Any:
    yield 1
    raise Failure("in the middle")


class Refusing:
    """Says that it can be iterated over, and cannot."""

    def __iter__(self) -> Any:
        raise TypeError("not today")


BAD_STEPS: dict[str, Callable[[], Any]] = {
    "getter": lambda: collecting(w.EventClock(raising, span(1)), WINDOWERS["tumbling"]),
    "now": lambda: collecting(w.EventClock(at, span(1), raising), WINDOWERS["tumbling"]),
    "builder": lambda: fold(raising, lambda s, v: s, lambda a, b: a),
    "folder": lambda: fold(list, raising, lambda a, b: a),
    "merger": lambda: fold(list, lambda s, v: s, raising),
    "reducer": lambda: builder_of(
        lambda up: w.reduce_window(
            "step", up, w.EventClock(at, span(10)), WINDOWERS["session"], raising
        )
    ),
    **{
        f"{method}_{name}": lambda m=method, a=answer: window(m, a)
        for method in ("builder", "on_value", "on_merge", "on_close")
        for name, answer in {
            "raising": raising,
            "none": lambda: None,
            "text": lambda: "ab",
            "half": _half,
            "refusing": Refusing,
        }.items()
    },
}


@pytest.mark.parametrize("make_builder", BAD_STEPS.values(), ids=BAD_STEPS)
def test_what_users_give(make_builder: Callable[[], Any]) -> None:
    items = [("a", 0), ("b", 1), ("a", 16), ("a", 8), ("b", 100)]
    assert_alike(run_forms(make_builder, lambda: items, 3))


@pytest.mark.parametrize("into", [list, set, dict])
def test_values_that_cannot_be_collected(into: Any) -> None:
    clock = w.EventClock(lambda v: at(1), span(1), lambda: ZERO)
    for value in ([], {}, "ab", "abc", (1, 2), ([], 2), 5, None):
        both = run_forms(
            lambda: builder_of(
                lambda up: w.collect_window("step", up, clock, WINDOWERS["tumbling"], into)
            ),
            lambda v=value: [("a", (1, 2)), ("a", v)],
            1,
        )
        assert_alike(both)


class Longer(list):  # type: ignore[type-arg]
    """A list of the user's own."""

    def append(self, value: Any) -> None:
        super().append((value, len(self)))


def test_containers_of_the_users_own() -> None:
    clock = w.EventClock(at, span(1), lambda: ZERO)
    seen = assert_alike(
        run_forms(
            lambda: builder_of(
                lambda up: w.collect_window("step", up, clock, WINDOWERS["session"], Longer)
            ),
            lambda: [("a", 1), ("a", 2)],
            1,
        )
    )
    assert seen.out["a"][0] == "(0, 'E', [(1, 0), (2, 1)])"


# One object, for messages of newer Pythons name its address.
NAMELESS = (lambda: None,)


@pytest.mark.parametrize("state", [threading.Lock, lambda: NAMELESS[0]], ids=["lock", "lambda"])
def test_states_that_cannot_be_stored(state: Callable[[], Any]) -> None:
    results = resumed_forms(
        lambda: fold(state, lambda s, v: s, lambda a, b: a),
        lambda: [("a", 1), ("a", 2), TestingSource.ABORT()],
        1,
    )
    first = next(iter(results.values()))
    assert first[0].error is not None
    assert all(result == first for result in results.values())
