"""Runs a keyed step natively and through its Python form, and tells what can be seen of each run.

The order among the keys of one batch is not promised, and the native form takes values as they
arrive: what is compared is by key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.inputs import AbortExecution
from cppwax.recovery import RecoveryConfig, init_db_dir
from cppwax.testing import TestingSource, run_main
from tests.python.bindings.forms import described
from tests.python.flows import BatchSink
from tests.python.logics import raising
from tests.python.scripted import fixed_source

Builder = Callable[[Any], Any]
EACH_BATCH = timedelta(0)


@dataclass
class ByKey:
    """What can be seen of runs. Values are shown as texts, which tell their types too."""

    out: dict[str, list[str]] = field(default_factory=dict)
    last_keys: list[str] = field(default_factory=list, compare=False)
    """The keys of what came out last, in order."""
    error: tuple[Any, ...] | None = None


@dataclass
class Form:
    """A builder as the engine gets it: natively, or hidden from it."""

    builder: Builder
    native: bool
    states: list[str] = field(default_factory=list)
    """With which states it was called, if it is hidden."""

    def as_given(self) -> Builder:
        """Give what is to be the argument of `stateful_batch`."""
        return self.builder if self.native else self._call

    def _call(self, state: Any) -> Any:
        if state is not None:
            self.states.append(repr(state))
        return self.builder(state)


def run_form(
    form: Form, items: Iterable[Any], batch_size: int, store: RecoveryConfig | None = None
) -> ByKey:
    """Run a keyed step over items, in epochs of a batch each if there is a store."""
    seen = ByKey()
    sink = BatchSink()
    try:
        _run(form, TestingSource(items, batch_size), sink, store)
    except Exception as ex:
        assert "flow.step" in str(ex)
        *what, frames = described(ex)
        seen.error = (str(ex), *what, [name for name in frames if name != Form._call.__name__])
    out: dict[str, list[str]] = defaultdict(list)
    for _, given in sink.batches:
        for key, value in given:
            assert type(key) is str
            out[key].append(repr(value))
    seen.out = dict(out)
    seen.last_keys = [key for key, _ in sink.batches[-1][1]] if sink.batches else []
    return seen


def _run(form: Form, source: Any, sink: BatchSink, store: RecoveryConfig | None) -> None:
    flow = Dataflow("flow")
    up = op.input("inp", flow, source)
    op.output("out", op.stateful_batch("step", up, form.as_given()), sink)
    if store is None:
        run_main(flow)
    else:
        run_main(flow, epoch_interval=EACH_BATCH, recovery_config=store)


def run_forms(
    make_builder: Callable[[], Builder], items: Callable[[], list[Any]], batch_size: int
) -> tuple[ByKey, ByKey]:
    """Run a step natively and through Python, without a store.

    Args:
        make_builder: Makes the step's builder, anew for each run.
        items: Gives the items, anew for each run.
        batch_size: How many the source gives at once.

    Returns:
        What was seen natively, and through Python.
    """
    native = run_form(Form(make_builder(), True), items(), batch_size)
    python = run_form(Form(make_builder(), False), items(), batch_size)
    return native, python


def resumed_forms(
    make_builder: Callable[[], Builder], items: Callable[[], list[Any]], batch_size: int
) -> dict[tuple[bool, bool], list[Any]]:
    """Run a step up to the first end that the items have, and then on from there.

    Args:
        make_builder: Makes the step's builder, anew for each run.
        items: Gives the items, anew for each run, with one end, such as `TestingSource.ABORT()`.
        batch_size: How many the source gives at once.

    Returns:
        For choices of the forms (first run native, second run native): what both runs gave,
        and after each the states in the store, in some order.
    """
    results = {}
    for natives in ((False, False), (False, True), (True, False)):
        results[natives] = _resumed(make_builder, items(), batch_size, natives)
    return results


def _resumed(
    make_builder: Callable[[], Builder],
    items: list[Any],
    batch_size: int,
    natives: tuple[bool, bool],
) -> list[Any]:
    with TemporaryDirectory() as folder:
        init_db_dir(Path(folder), 1)
        store = RecoveryConfig(folder)
        results: list[Any] = []
        for native in natives:
            form = Form(make_builder(), native)
            results.append(run_form(form, items, batch_size, store))
            results.append(_stored(make_builder(), store))
        return results


def _stored(builder: Builder, store: RecoveryConfig) -> list[str]:
    look = Form(builder, False)
    source = fixed_source(list_parts=["iterable"], next_batch=raising(AbortExecution()))
    _run(look, source, BatchSink(), store)
    return sorted(look.states)
