"""Runs follow, overlap and contain each other, in any thread; a forked child takes no part."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.dataflow import Dataflow, Stream
from cppwax.errors import CppwaxRuntimeError
from cppwax.testing import TestingSink, TestingSource
from tests.python.bindings.child import PROGRAMS, running
from tests.python.conftest import EntryPoint
from tests.python.flows import root_of


def doubling(items: list[int], out: list[int]) -> Dataflow:
    flow = Dataflow("doubling")
    stream = op.map("double", op.input("inp", flow, TestingSource(items)), lambda x: 2 * x)
    op.output("out", stream, TestingSink(out))
    return flow


def mapping(mapper: Any, out: list[Any]) -> Dataflow:
    flow = Dataflow("mapping")
    stream: Stream[Any] = op.input("inp", flow, TestingSource([1, 2, 3]))
    op.output("out", op.map("step", stream, mapper), TestingSink(out))
    return flow


def test_same_flow_twice(entry_point: EntryPoint) -> None:
    out: list[int] = []
    flow = doubling([1, 2, 3], out)
    entry_point(flow)
    entry_point(flow)
    assert out == [2, 4, 6, 2, 4, 6]


def test_in_another_thread(entry_point: EntryPoint) -> None:
    out: list[int] = []
    thread = threading.Thread(target=entry_point, args=(doubling([1, 2, 3], out),))
    thread.start()
    thread.join()
    assert out == [2, 4, 6]


def test_overlapping_in_threads(entry_point: EntryPoint) -> None:
    """Each run waits in a callback until all are on."""
    meeting = threading.Barrier(4, timeout=60)

    def meet(item: int) -> int:
        if item == 1:
            meeting.wait()
        return item * 10

    outs: list[list[int]] = [[] for _ in range(4)]
    threads = [threading.Thread(target=entry_point, args=(mapping(meet, out),)) for out in outs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outs == [[10, 20, 30]] * 4


def test_one_flow_overlapping_itself(entry_point: EntryPoint) -> None:
    meeting = threading.Barrier(2, timeout=60)

    def meet(item: int) -> int:
        if item == 1:
            meeting.wait()
        return item

    out: list[int] = []
    flow = mapping(meet, out)
    threads = [threading.Thread(target=entry_point, args=(flow,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(out) == [1, 1, 2, 2, 3, 3]


def test_nested_in_a_callback(entry_point: EntryPoint) -> None:
    def run_inner(item: int) -> list[int]:
        inner: list[int] = []
        entry_point(doubling([item, item + 1], inner))
        return inner

    out: list[list[int]] = []
    entry_point(mapping(run_inner, out))
    assert out == [[2, 4], [4, 6], [6, 8]]


def test_failure_of_a_nested_run(entry_point: EntryPoint) -> None:
    def fail(_item: int) -> int:
        raise ZeroDivisionError("inner")

    def run_inner(item: int) -> int:
        entry_point(mapping(fail, []))
        return item

    with pytest.raises(CppwaxRuntimeError) as caught:
        entry_point(mapping(run_inner, []))
    assert isinstance(caught.value.__cause__, CppwaxRuntimeError)
    assert isinstance(root_of(caught.value), ZeroDivisionError)


def test_failed_run_can_be_followed(entry_point: EntryPoint) -> None:
    def fail(_item: int) -> int:
        raise ZeroDivisionError

    out: list[int] = []
    with pytest.raises(CppwaxRuntimeError):
        entry_point(mapping(fail, []))
    entry_point(doubling([1], out))
    assert out == [2]


def test_no_descriptor_is_left_open(entry_point: EntryPoint) -> None:
    entry_point(doubling([1], []))  # what lives as long as the process is there from now on
    before = sorted(os.listdir("/proc/self/fd"))
    for _ in range(5):
        entry_point(doubling([1], []))
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_no_thread_is_left(entry_point: EntryPoint) -> None:
    before = len(os.listdir("/proc/self/task"))
    entry_point(doubling([1], []))
    assert len(os.listdir("/proc/self/task")) == before


FORKS = [
    # How the child ends, and the exit code of it.
    ("os._exit", 7),
    ("sys.exit", 7),
    ("sys.exit with a text", 1),
    ("raises", 1),
    ("comes back", 1),
    ("runs a flow", 0),
    ("is signalled", -15),
]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("way, code", FORKS, ids=[way.replace(" ", "_") for way, _ in FORKS])
def test_forked_child_takes_no_part(way: str, code: int, workers: int) -> None:
    with running([str(PROGRAMS / "forking.py"), way, str(workers)]) as child:
        ended = child.end(within=30)
    assert ended.stdout == f"child ended with {code}\nparent delivered [1, 2, 3]\n", ended.stderr
    assert ended.code == 0


@pytest.mark.parametrize("workers", [1, 3])
def test_forked_child_ends_in_order(workers: int) -> None:
    with running([str(PROGRAMS / "forking.py"), "ends in order", str(workers)]) as child:
        ended = child.end(within=30)
    assert ended.stdout.splitlines() == [
        "printed registered, after a thread",
        "child ended with 0",
        "parent delivered [1, 2, 3]",
    ]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(
    ("way", "shown"), [("sys.exit with a text", "the text"), ("raises", "ZeroDivisionError")]
)
def test_forked_child_shows_what_ends_it(way: str, shown: str, workers: int) -> None:
    with running([str(PROGRAMS / "forking.py"), way, str(workers)]) as child:
        ended = child.end(within=30)
    assert ended.stderr.splitlines()[-1] == shown


@pytest.mark.parametrize("workers", [1, 3])
def test_program_ends_while_a_daemon_thread_runs_a_flow(workers: int) -> None:
    with running([str(PROGRAMS / "forking.py"), "daemon", str(workers)]) as child:
        child.wait_for("ready")
        ended = child.end(within=30)
    assert (ended.code, ended.stderr) == (0, "")
