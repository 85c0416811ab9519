"""Every windower with every order, against the model; and with a restart at any point."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cppwax.operators.windowing as w
from tests.python.operators.windowing.keyed import ZERO, Key, Now, builder_of, event_clock, span
from tests.python.operators.windowing.model import Gap, Grid, Model

# How long to wait for values, and for the watermark to go on by itself.
_spans = st.tuples(st.integers(0, 30), st.one_of(st.just(0), st.integers(1, 30)))
_grids = st.builds(
    lambda length, parts: Grid(length, max(1, length // parts)),
    st.integers(1, 20),
    st.integers(1, 6),
)
_gaps = st.builds(Gap, st.integers(0, 15))
# Near and far, so that values are early, equal, late and very late.
_times = st.one_of(st.integers(-10, 60), st.integers(-400, 400))
_batches = st.tuples(st.just("batch"), st.integers(0, 12), st.lists(_times, min_size=1, max_size=8))
_notices = st.tuples(st.just("notify"), st.integers(0, 40), st.just([]))
_schedules = st.lists(st.one_of(_batches, _batches, _notices), max_size=12)
_more = settings(max_examples=400, deadline=None)


def windower_of(windows: Grid | Gap) -> w.Windower[Any]:
    if isinstance(windows, Gap):
        return w.SessionWindower(span(windows.gap))
    if windows.length == windows.offset:
        return w.TumblingWindower(span(windows.length), ZERO)
    return w.SlidingWindower(span(windows.length), span(windows.offset), ZERO)


def _through_pickle(state: Any) -> Any:
    return pickle.loads(pickle.dumps(state))


class _Both:
    """The real thing and the model, side by side."""

    def __init__(self, spans: tuple[int, int], windows: Grid | Gap, ordered: bool) -> None:
        self.now = Now()
        wait, idle_after = spans
        clock, windower = event_clock(wait, self.now, idle_after), windower_of(windows)
        self.key = Key(
            builder_of(lambda s: w.collect_window("step", s, clock, windower, ordered=ordered))
        )
        self.model = Model(wait, windows, ordered, idle_after)
        self.values = 0

    def step(self, kind: str, passed: int, times: list[int]) -> None:
        self.now.seconds += passed
        if kind == "notify":
            assert self.key.notify() == self.model.notify(self.now.seconds)
            return
        # Values are told apart by a number, so that the order among equal times shows.
        numbered = [(time, self.values + i) for i, time in enumerate(times)]
        self.values += len(times)
        expected = self.model.batch(self.now.seconds, [(v[0], v) for v in numbered])
        assert self.key.batch(*numbered) == expected

    def end(self) -> None:
        assert self.key.eof() == self.model.eof()


@_more
@given(_spans, st.one_of(_grids, _gaps), st.booleans(), _schedules)
def test_does_what_the_model_does(
    spans: tuple[int, int],
    windows: Grid | Gap,
    ordered: bool,
    schedule: list[tuple[str, int, list[int]]],
) -> None:
    both = _Both(spans, windows, ordered)
    for step in schedule:
        both.step(*step)
    both.end()


@_more
@given(
    _spans,
    st.one_of(_grids, _gaps),
    st.booleans(),
    _schedules,
    st.sets(st.integers(0, 12)),
)
def test_a_restart_changes_nothing(
    spans: tuple[int, int],
    windows: Grid | Gap,
    ordered: bool,
    schedule: list[tuple[str, int, list[int]]],
    restarts: set[int],
) -> None:
    both = _Both(spans, windows, ordered)
    for i, step in enumerate(schedule):
        if i in restarts:
            both.key.resume(_through_pickle)
        both.step(*step)
    both.key.resume(_through_pickle)
    both.end()


@pytest.mark.parametrize("windows", [Grid(10, 10), Grid(10, 5), Gap(10)])
def test_the_model_tells_differences(windows: Grid | Gap) -> None:
    both = _Both((0, 0), windows, ordered=False)
    both.step("batch", 0, [0, 30])
    both.model.contents.clear()
    both.model.opened.clear()
    with pytest.raises(AssertionError):
        both.step("batch", 0, [60])
