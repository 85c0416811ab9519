"""After a run nothing is left of what went through native window steps."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import cppwax.operators as op
import cppwax.operators.windowing as w
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.testing import TestingSink, TestingSource
from tests.python.conftest import EntryPoint
from tests.python.operators.windowing.keyed import ZERO, span


class Item:
    """Something of which references can be followed."""

    def __init__(self, seconds: int) -> None:
        self.when = ZERO + span(seconds)


class Failure(Exception):
    pass


def fail(*_arguments: Any) -> Any:
    raise Failure


class Kept(w.WindowLogic[Any, Any, Any]):
    """A logic of the user's."""

    def __init__(self, state: Any) -> None:
        self.items: list[Any] = []

    def on_value(self, value: Any) -> Any:
        self.items.append(value)
        return iter([value])

    def on_merge(self, original: Any) -> Any:
        return original.items

    def on_close(self) -> Any:
        return tuple(self.items)

    def on_early(self) -> Any:
        return list(self.items)

    def snapshot(self) -> Any:
        return None


def _fold(folder: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def step(up: Any, clock: Any, windower: Any, ordered: bool) -> Any:
        def merger(some: Any, others: Any) -> Any:
            return some + others

        return w.fold_window("step", up, clock, windower, list, folder, merger, ordered)

    return step


STEPS: dict[str, Callable[..., Any]] = {
    "fold": _fold(lambda items, item: [*items, item]),
    "failing": _fold(lambda items, item: items + [item] if len(items) < 3 else fail()),
    "collect": lambda up, *rest: w.collect_window("step", up, *rest[:2], ordered=rest[2]),
    "reduce": lambda up, *rest: w.reduce_window("step", up, *rest[:2], lambda a, b: b),
    "join": lambda up, *rest: w.join_window(
        "step", *rest[:2], up, up, insert_mode="product", ordered=rest[2]
    ),
    "window": lambda up, *rest: w.window("step", up, *rest[:2], Kept, rest[2]),
    "early": lambda up, *rest: w.window("step", up, *rest[:2], Kept, rest[2], emit="update"),
    "worker": lambda up, clock, windower, ordered: w.collect_window(
        "step", up, replace(clock, watermark="worker"), windower, ordered=ordered
    ),
}
WINDOWERS = {
    "tumbling": w.TumblingWindower(span(10), ZERO),
    "sliding": w.SlidingWindower(span(10), span(5), ZERO),
    "session": w.SessionWindower(span(3)),
}


@pytest.mark.parametrize("ending", ["eof", "abort"])
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("windower", WINDOWERS.values(), ids=WINDOWERS)
@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_items_die_after_a_run(
    run_one: EntryPoint, step: Callable[..., Any], windower: Any, ordered: bool, ending: str
) -> None:
    # Out of order, so that sessions merge; some are late.
    items = [Item(seconds) for seconds in (1, 9, 5, 20, 24, 22, 70, 2, 100, 75)]
    last = [TestingSource.ABORT()] if ending == "abort" else []
    followed = [weakref.ref(item) for item in items]
    out: list[Any] = []
    flow = Dataflow("flow")
    source = TestingSource([*((f"key{n % 2}", item) for n, item in enumerate(items)), *last], 3)
    clock = w.EventClock(lambda item: item.when, span(30), now_getter=lambda: ZERO)
    windows = step(op.input("inp", flow, source), clock, windower, ordered)
    for stream in ("down", "late", "meta"):
        op.output(stream, getattr(windows, stream), TestingSink(out))
    try:
        run_one(flow)
    except CppwaxRuntimeError as ex:
        assert isinstance(ex.__cause__, Failure)
    del items, flow, source, windows
    out.clear()
    gc.collect()
    assert [one() for one in followed if one() is not None] == []
