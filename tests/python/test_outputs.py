"""Sinks' base classes."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from cppwax.outputs import (
    DynamicSink,
    FixedPartitionedSink,
    Sink,
    StatefulSinkPartition,
    StatelessSinkPartition,
)


class Parts(FixedPartitionedSink[str, None]):
    def list_parts(self) -> list[str]:
        return ["a", "b"]

    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> Any:
        raise AssertionError("not built here")


@pytest.mark.parametrize(
    ("cls", "missing"),
    [
        (FixedPartitionedSink, {"list_parts", "build_part"}),
        (DynamicSink, {"build"}),
        (StatefulSinkPartition, {"write_batch", "snapshot"}),
        (StatelessSinkPartition, {"write_batch"}),
    ],
)
def test_what_a_subclass_must_define(cls: type, missing: set[str]) -> None:
    assert cls.__abstractmethods__ == missing


def test_classes_take_type_arguments() -> None:
    assert issubclass(FixedPartitionedSink, Sink)
    assert FixedPartitionedSink[str, int].__origin__ is FixedPartitionedSink
    assert DynamicSink[str].__origin__ is DynamicSink


@pytest.mark.parametrize("key", ["", "key", "é", "a" * 10_000])
def test_keys_are_spread_by_their_adler_32_sum(key: str) -> None:
    assert Parts().part_fn(key) == zlib.adler32(key.encode())


def test_partitions_do_nothing_at_close() -> None:
    class Part(StatelessSinkPartition[int]):
        def write_batch(self, items: list[int]) -> None:
            raise AssertionError("nothing is written here")

    assert Part().close() is None
