"""Sources and sinks whose methods are given as functions, and the flow they are tried in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cppwax.operators as op
from cppwax.dataflow import Dataflow, Stream
from cppwax.inputs import (
    DynamicSource,
    FixedPartitionedSource,
    StatefulSourcePartition,
    StatelessSourcePartition,
)
from cppwax.outputs import (
    DynamicSink,
    FixedPartitionedSink,
    Sink,
    StatefulSinkPartition,
    StatelessSinkPartition,
)
from cppwax.testing import TestingSink, TestingSource

Callback = Callable[..., Any]


def answering(methods: dict[str, Callback], base: type, **defaults: Callback) -> Any:
    """Make an object of a class whose methods are functions that do not take `self`."""
    own = {
        name: (lambda self, *args, _answer=answer: _answer(*args))
        for name, answer in (defaults | methods).items()
    }
    return type("Answering", (base,), own)()


def source_part(methods: dict[str, Callback], base: type) -> Any:
    batches = iter([[("a", 1), ("b", 2)]])
    return answering(methods, base, next_batch=lambda: next(batches), snapshot=lambda: None)


def fixed_source(**methods: Callback) -> Any:
    return answering(
        methods,
        FixedPartitionedSource,
        list_parts=lambda: ["p"],
        build_part=lambda *_args: source_part(methods, StatefulSourcePartition),
    )


def dynamic_source(**methods: Callback) -> Any:
    return answering(
        methods,
        DynamicSource,
        build=lambda *_args: source_part(methods, StatelessSourcePartition),
    )


def sink_part(methods: dict[str, Callback], base: type) -> Any:
    return answering(methods, base, write_batch=lambda _values: None, snapshot=lambda: None)


def fixed_sink(**methods: Callback) -> Any:
    def build_part(*_args: Any) -> Any:
        return sink_part(methods, StatefulSinkPartition)

    return answering(
        methods,
        FixedPartitionedSink,
        list_parts=lambda: ["p"],
        part_fn=lambda _key: 0,
        build_part=build_part,
    )


def dynamic_sink(**methods: Callback) -> Any:
    def build(*_args: Any) -> Any:
        return sink_part(methods, StatelessSinkPartition)

    return answering(methods, DynamicSink, build=build)


def flow_of(
    source: Any = None,
    step: Callable[[Stream[Any]], Stream[Any]] = lambda up: up,
    sink: Sink[Any] | None = None,
) -> Dataflow:
    flow = Dataflow("flow")
    up = op.input("inp", flow, source or TestingSource([("a", 1), ("b", 2)], 2))
    op.output("out", step(up), sink or TestingSink([]))
    return flow
