"""What several threads may do at the same time, where there is no lock that keeps them apart.

With one these tests hold too, and find little.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import cppwax.operators as op
from cppwax import _engine
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow, Stream
from cppwax.errors import CppwaxRuntimeError
from cppwax.inputs import DynamicSource, StatelessSourcePartition
from cppwax.recovery import RecoveryConfig, init_db_dir
from cppwax.testing import TestingSink, TestingSource, cluster_main, run_main

WORKERS = 3
BATCHES = 40
#: Beyond the ints that Python makes once and keeps: these die when nobody has them any more.
FIRST = 1_000_000
MOST_ITEMS = 20


class _Batches(StatelessSourcePartition[Any]):
    def __init__(self, make: Callable[[], list[Any]]) -> None:
        self._make = make
        self._left = BATCHES

    def next_batch(self) -> list[Any]:
        if not self._left:
            raise StopIteration
        self._left -= 1
        return self._make()


class Batches(DynamicSource[Any]):
    """Gives each worker a few batches, each as it is made."""

    def __init__(self, make: Callable[[], list[Any]]) -> None:
        self._make = make

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _Batches:
        return _Batches(self._make)


@contextmanager
def meanwhile(*acts: Callable[[], object]) -> Iterator[None]:
    """Do these again and again in threads of their own; what one raises comes out at the end."""
    over = threading.Event()
    failures: list[BaseException] = []

    def again(act: Callable[[], object]) -> None:
        try:
            while not over.is_set():
                act()
        except BaseException as ex:
            failures.append(ex)

    threads = [threading.Thread(target=again, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not failures


def run(flow: Dataflow, **kwargs: Any) -> None:
    """Run a flow on several workers."""
    cluster_main(flow, [], 0, worker_count_per_proc=WORKERS, **kwargs)


def numbers(count: int = MOST_ITEMS) -> list[int]:
    """Make a batch of ints that nobody else has."""
    return [FIRST + n for n in range(count)]


def test_the_engine_leaves_the_lock_as_it_is() -> None:
    program = (
        "import sys; has = getattr(sys, '_is_gil_enabled', lambda: True); before = has()\n"
        "import cppwax._engine, cppwax.run; assert has() == before"
    )
    # Which would keep Python from turning the lock on for modules that need it.
    env = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, env=env
    )
    assert ended.returncode == 0, ended.stderr


class Given:
    """A list that all workers are given, and that changes while they look at it."""

    def __init__(self) -> None:
        self.items = numbers()

    def grow(self) -> None:
        if len(self.items) < MOST_ITEMS:
            self.items.append(FIRST + len(self.items))

    def renew(self) -> None:
        self.items[:] = numbers(5)

    def empty(self) -> None:
        self.items.clear()


class _OfKey(op.StatefulLogic[int, int, None]):
    def __init__(self, given: Given) -> None:
        self._given = given

    def on_item(self, value: int) -> tuple[list[int], bool]:
        return self._given.items, False

    def snapshot(self) -> None:
        return None


def stateful(stream: Stream[int], given: Given) -> Stream[int]:
    keyed = op.key_on("key", stream, lambda n: str(n % 7))
    return op.key_rm("rm", op.stateful("step", keyed, lambda _state: _OfKey(given)))


STEPS: dict[str, Callable[[Stream[int], Given], Stream[int]]] = {
    "flat_map": lambda s, given: op.flat_map("step", s, lambda _n: given.items),
    "flat_map_batch": lambda s, given: op.flat_map_batch("step", s, lambda _ns: given.items),
    "flatten": lambda s, given: op.flatten("step", op.map("list", s, lambda _n: given.items)),
    "stateful": stateful,
}


@pytest.mark.parametrize("step", list(STEPS))
def test_lists_that_change_while_they_are_copied(step: str) -> None:
    given = Given()
    out: list[int] = []
    flow = Dataflow("flow")
    stream = op.input("inp", flow, Batches(numbers))
    op.output("out", STEPS[step](stream, given), TestingSink(out))
    with meanwhile(given.grow, given.renew, given.empty):
        run(flow)
    assert all(FIRST <= n < FIRST + MOST_ITEMS for n in out)


def test_batches_that_change_while_they_are_copied() -> None:
    given = Given()
    out: list[int] = []
    flow = Dataflow("flow")
    stream = op.input("inp", flow, Batches(lambda: given.items))
    op.output("out", op.map("step", stream, lambda n: n - FIRST), TestingSink(out))
    with meanwhile(given.grow, given.renew, given.empty):
        run(flow)
    assert set(out) <= set(range(MOST_ITEMS))


def test_keys_that_all_workers_have() -> None:
    # Their UTF-8 is made when it is first asked for, and kept with them.
    for turn in range(10):
        keys = [f"ключ {turn} {n}" for n in range(50)]
        out: list[tuple[str, int]] = []
        flow = Dataflow("flow")
        stream = op.input("inp", flow, Batches(lambda keys=keys: keys))  # type: ignore[misc]
        op.output("out", op.count_final("count", stream, lambda key: key), TestingSink(out))
        run(flow)
        assert Counter(dict(out)) == dict.fromkeys(keys, WORKERS * BATCHES)
        assert len(out) == len(keys)


def test_state_that_all_workers_change(tmp_path: Path) -> None:
    # What is stored of it is what it was at some moment.
    init_db_dir(tmp_path, 1)
    shared: list[int] = []
    out: list[Any] = []

    def mapper(state: list[int] | None, n: int) -> tuple[list[int], int]:
        shared.append(n)
        if len(shared) > MOST_ITEMS:
            shared.clear()
        return shared, n

    flow = Dataflow("flow")
    stream = op.input("inp", flow, Batches(numbers))
    keyed = op.key_on("key", stream, lambda n: str(n % 7))
    op.output("out", op.stateful_map("step", keyed, mapper), TestingSink(out))
    run(flow, epoch_interval=timedelta(0), recovery_config=RecoveryConfig(str(tmp_path)))
    assert len(out) == WORKERS * BATCHES * MOST_ITEMS


def test_a_standard_output_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    class Out(io.StringIO):
        """Dies when another one takes its place and nobody writes any more."""

        def write(self, text: str) -> int:
            written.append(text)
            return len(text)

    def replace() -> None:
        sys.stdout = Out()

    monkeypatch.setattr(sys, "stdout", Out())
    flow = Dataflow("flow")
    op.output("out", op.input("inp", flow, Batches(lambda: numbers(3))), StdOutSink())
    with meanwhile(replace):
        run(flow)
    lines = "".join(written).splitlines()
    assert Counter(lines) == {str(n): WORKERS * BATCHES for n in numbers(3)}


def test_meters_that_many_ask() -> None:
    meters = _engine.Meters()
    seen: dict[tuple[str, int], int] = {}

    def ask() -> None:
        for step, worker, *counts in meters.steps():
            total = sum(counts[:3])
            assert total >= seen.get((step, worker), 0)
            seen[step, worker] = total

    flow = Dataflow("flow")
    counted = op.count_final("count", op.input("inp", flow, Batches(numbers)), str)
    op.output("out", counted, TestingSink([]))
    with meanwhile(ask, meters.epochs, meters.steps):
        _engine.run(flow, worker_count=WORKERS, meters=meters)
    began = Counter({step: 0 for step, *_ in meters.steps()})
    for step, _worker, arrived, *_ in meters.steps():
        began[step] += arrived
    assert began["flow.out"] == MOST_ITEMS


def test_one_flow_that_runs_many_times_at_once() -> None:
    out: list[tuple[str, int]] = []
    flow = Dataflow("flow")
    counted = op.count_final("count", op.input("inp", flow, Batches(numbers)), str)
    op.output("out", counted, TestingSink(out))
    runs = [threading.Thread(target=run, args=(flow,)) for _ in range(4)]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join()
    assert Counter(out) == {(str(n), WORKERS * BATCHES): len(runs) for n in numbers()}


def test_what_a_function_within_another_knows() -> None:
    # Each worker may have a copy of it.
    calls = 0

    def mapper(n: int, more: int = 5, *, scale: int = 2) -> int:
        nonlocal calls
        calls += 1
        sign: int = mapper.sign  # type: ignore[attr-defined]
        return (n + more) * scale * sign

    mapper.sign = -1  # type: ignore[attr-defined]
    out: list[int] = []
    flow = Dataflow("flow")
    op.output(
        "out",
        op.map("step", op.input("inp", flow, TestingSource(range(9))), mapper),
        TestingSink(out),
    )
    run_main(flow)
    assert out == [-2 * (n + 5) for n in range(9)]
    assert calls == 9


def test_errors_name_the_function_within_another() -> None:
    def gives_none(_n: int) -> Any:
        return None

    flow = Dataflow("flow")
    numbers = op.input("inp", flow, TestingSource(range(3)))
    op.output("out", op.flat_map("step", numbers, gives_none), TestingSink([]))
    with pytest.raises(CppwaxRuntimeError) as failed:
        run_main(flow)
    assert "gives_none" in str(failed.value.__cause__)
