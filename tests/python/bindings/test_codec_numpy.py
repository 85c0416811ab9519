"""Arrays of NumPy on their way to another process: their memory goes beside the pickle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.python.bindings.test_codec import THERE, _keys, run_pair, secret, sent

np = pytest.importorskip("numpy", reason="NumPy has no wheel for this Python")

__all__ = ["secret"]  # a fixture

KIB, MIB = 1024, 1024 * 1024


@pytest.mark.parametrize(
    "array",
    [
        np.arange(10_000, dtype=np.float64),
        np.zeros((0, 3), dtype=np.int32),
        np.array(7.5),
        np.arange(60_000).reshape(200, 300)[::2, 10:],
        np.asfortranarray(np.arange(60_000).reshape(200, 300)),
        np.array([("a", 1.5), ("b", 2.5)] * 5000, dtype=[("name", "U5"), ("value", "<f8")]),
        np.array([{"any": "object"}, None, "text"], dtype=object),
        np.arange(20_000, dtype=">i4"),
        np.array(["2024-01-01", "NaT"], dtype="datetime64[s]"),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_arrays_come_over_equal(array: Any) -> None:
    (there,) = sent(array)
    assert there.dtype == array.dtype
    assert there.shape == array.shape
    assert there.flags.f_contiguous == array.flags.f_contiguous or not array.flags.forc
    assert there.tolist() == array.tolist()


@pytest.mark.parametrize("size", [100, 16 * KIB, MIB - 8, MIB, 5 * MIB])
@pytest.mark.parametrize("writable", [True, False])
def test_who_could_write_still_can(size: int, writable: bool) -> None:
    array = np.arange(size // 8)
    array.flags.writeable = writable
    (there,) = sent(array)
    assert there.flags.writeable is writable
    assert np.array_equal(there, array)
    if writable:
        there += 1
        assert np.array_equal(there, array + 1)
        assert array[0] == 0


class _Counting:
    """Gives the same array again and again, one more each time."""

    def __init__(self, array: Any, times: int) -> None:
        self._array, self._times = array, times

    def __iter__(self) -> Iterator[list[Any]]:
        for _ in range(self._times):
            yield [(_keys[THERE], self._array)]
            self._array += 1


@pytest.mark.parametrize("size", [100, 64 * KIB, MIB - 8])
def test_a_small_array_may_be_changed_after_it_was_emitted(size: int) -> None:
    """What can be written to is copied below 1 MiB, as soon as it leaves its worker."""
    batches: Any = _Counting(np.zeros(size // 8), 10)
    seen, errors = run_pair(batches, lambda up: up)
    assert errors == []
    assert [(item[1].min(), item[1].max()) for _, item in seen] == [(i, i) for i in range(10)]


def test_views_of_one_array_come_over_whole_and_right() -> None:
    whole = np.arange(200_000)
    halves = sent(whole[:100_000], whole[100_000:])
    assert np.array_equal(np.concatenate(halves), whole)


def test_many_arrays_of_a_batch_come_over_in_order() -> None:
    arrays = [np.full(3000, i) for i in range(300)]
    assert [int(there[0]) for there in sent(*arrays)] == list(range(300))


def test_a_hundred_megabytes_in_one_array() -> None:
    (there,) = sent(np.arange(100_000_000 // 8))
    assert there[0] == 0
    assert there[-1] == 100_000_000 // 8 - 1
    assert int(there.sum()) == (100_000_000 // 8) * (100_000_000 // 8 - 1) // 2
