"""Fixtures that all tests share."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Protocol

import pytest


def pytest_configure() -> None:
    """Let SIGINT mean what it does in a terminal.

    A shell starts what runs in its background with SIGINT ignored, the tests' own programs inherit
    that, and a program that was told to ignore a signal does.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def logger_as_before() -> Iterator[None]:
    """Leave the package's logger as a test found it: commands set it for the whole program."""
    logger = logging.getLogger("cppwax")
    level, propagate, handlers = logger.level, logger.propagate, list(logger.handlers)
    yield
    logger.setLevel(level)
    logger.propagate = propagate
    logger.handlers[:] = handlers


class EntryPoint(Protocol):
    """Runs a flow to its end."""

    workers: int

    def __call__(self, flow: Any, *, epoch_interval: timedelta | None = None) -> None:
        """Run `flow`."""


class _Entry:
    def __init__(self, workers: int, run: Callable[..., None]) -> None:
        self.workers = workers
        self._run = run

    def __call__(self, flow: Any, *, epoch_interval: timedelta | None = None) -> None:
        self._run(flow, epoch_interval=epoch_interval)


def _run_main(flow: Any, **kwargs: Any) -> None:
    from cppwax.testing import run_main

    run_main(flow, **kwargs)


def _three_threads(flow: Any, **kwargs: Any) -> None:
    from cppwax.testing import cluster_main

    cluster_main(flow, [], 0, worker_count_per_proc=3, **kwargs)


_ENTRIES = {
    "one_worker": _Entry(1, _run_main),
    "three_threads": _Entry(3, _three_threads),
}


@pytest.fixture(params=list(_ENTRIES))
def entry_point(request: pytest.FixtureRequest) -> EntryPoint:
    """Every way to run a flow in this process; `.workers` tells how many workers."""
    return _ENTRIES[request.param]


@pytest.fixture
def run_one(request: pytest.FixtureRequest) -> EntryPoint:
    """One worker: for what is promised of the order of everything."""
    return _ENTRIES["one_worker"]
