"""`enrich_cached`: items with data that is fetched once and kept for some time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.operators import TTLCache
from cppwax.testing import TimeTestingGetter
from tests.python.conftest import EntryPoint
from tests.python.flows import fails, through

_START = datetime(2024, 1, 1, tzinfo=timezone.utc)


class _Upper:
    """A getter that keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, key: str) -> str:
        self.asked.append(key)
        return key.upper()


def _get(cache: TTLCache[str, str], item: str) -> str:
    return item + cache.get(item)


def test_gives_the_mapper_a_cache_over_the_getter(entry_point: EntryPoint) -> None:
    getter = _Upper()
    out = through(entry_point, "abca", lambda s: op.enrich_cached("step", s, getter, _get))
    assert out == ["aA", "bB", "cC", "aA"]
    assert getter.asked == ["a", "b", "c"]


def test_the_mapper_need_not_ask(entry_point: EntryPoint) -> None:
    getter = _Upper()
    out = through(
        entry_point, "ab", lambda s: op.enrich_cached("step", s, getter, lambda cache, x: x)
    )
    assert out == ["a", "b"]
    assert getter.asked == []


def _asked(run: EntryPoint, items: list[tuple[str, float]], batch: int = 1) -> list[str]:
    """Enrich with a ttl of 10 s items that are a key and how many seconds to wait after it."""
    getter = _Upper()
    clock = TimeTestingGetter(_START)

    def mapper(cache: TTLCache[str, str], item: tuple[str, float]) -> None:
        cache.get(item[0])
        clock.advance(timedelta(seconds=item[1]))

    ttl = timedelta(seconds=10)
    through(
        run, items, lambda s: op.enrich_cached("step", s, getter, mapper, ttl, clock.get), batch
    )
    return getter.asked


def test_fetches_again_what_is_older_than_the_ttl(entry_point: EntryPoint) -> None:
    assert _asked(entry_point, [("a", 5), ("b", 6), ("a", 0), ("b", 0)]) == ["a", "b", "a"]


def test_an_age_of_just_the_ttl_is_not_too_old(entry_point: EntryPoint) -> None:
    assert _asked(entry_point, [("a", 10), ("a", 0)]) == ["a"]
    assert _asked(entry_point, [("a", 10.001), ("a", 0)]) == ["a", "a"]


def test_the_time_stands_still_within_a_batch(entry_point: EntryPoint) -> None:
    assert _asked(entry_point, [("a", 20), ("a", 20), ("a", 0), ("a", 0)], batch=2) == ["a", "a"]


def test_a_value_that_was_removed_is_fetched_again(entry_point: EntryPoint) -> None:
    def mapper(cache: TTLCache[str, str], item: str) -> str:
        value = cache.get(item)
        cache.remove(item)
        return value

    getter = _Upper()
    through(entry_point, "aa", lambda s: op.enrich_cached("step", s, getter, mapper))
    assert getter.asked == ["a", "a"]


def test_is_not_called_without_items(entry_point: EntryPoint) -> None:
    getter = _Upper()
    assert through(entry_point, [], lambda s: op.enrich_cached("step", s, getter, _get)) == []
    assert getter.asked == []


def test_an_error_of_the_getter_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(KeyError, "a"):
        through(entry_point, "a", lambda s: op.enrich_cached("step", s, {}.__getitem__, _get))


def test_an_error_of_the_mapper_ends_the_run(entry_point: EntryPoint) -> None:
    with fails(ZeroDivisionError):
        through(
            entry_point,
            "a",
            lambda s: op.enrich_cached("step", s, _Upper(), lambda cache, x: 1 / 0),
        )


class TestTTLCache:
    def test_a_failed_fetch_is_not_kept(self) -> None:
        answers: Iterator[Any] = iter([])
        cache = TTLCache(lambda key: next(answers), TimeTestingGetter(_START).get, timedelta(1))
        for _ in range(2):
            with pytest.raises(StopIteration):
                cache.get("a")

    def test_none_is_a_value_too(self) -> None:
        asked: list[str] = []
        cache = TTLCache(asked.append, TimeTestingGetter(_START).get, timedelta(1))
        assert cache.get("a") is None
        assert cache.get("a") is None
        assert asked == ["a"]

    def test_removing_what_is_not_there_is_an_error(self) -> None:
        cache = TTLCache(str, TimeTestingGetter(_START).get, timedelta(1))
        with pytest.raises(KeyError):
            cache.remove("a")
