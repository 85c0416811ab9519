"""Nexmark: the mix of events, and that each side answers each query right, in small."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks import nexmark_answers
from benchmarks.harness import is_installed
from benchmarks.nexmark import ROWS, Query
from benchmarks.nexmark_events import BEGIN, Auction, Bid, Person, events
from benchmarks.workload import BYTEWAX, CPPWAX, LOOP, Library, Side

#: Ten events a second: there are many windows, sessions and closed auctions.
COUNT, RATE = 10_000, 10


def run(query: Query, side: Side, count: int) -> None:
    query.prepare(count, RATE)
    if side.package:
        library = Library(side.package)
        library.run(query.flow(library), side.workers, query.epoch_interval)
    else:
        query.loop()


@pytest.mark.parametrize("side", [CPPWAX, BYTEWAX, LOOP], ids=lambda side: side.label)
@pytest.mark.parametrize("name", [row.name for row in ROWS])
def test_answers_are_right(name: str, side: Side) -> None:
    if side.package and not is_installed(side.package):
        pytest.skip(f"{side.package} is not installed")
    query = Query(name)
    for count in (0, COUNT):
        run(query, side, count)
        assert query.is_right()


@pytest.mark.parametrize("name", [row.name for row in ROWS])
def test_a_wrong_answer_is_seen(name: str) -> None:
    query = Query(name)
    run(query, LOOP, COUNT)
    assert len(getattr(nexmark_answers, name)(query._events)) > 1
    if query._sum:
        query._sum.total += 1
    else:
        query._out.pop()
    assert not query.is_right()


def test_windows_and_sessions_are_many() -> None:
    made = list(events(COUNT, RATE))
    assert len(nexmark_answers.q7(made)) == COUNT // RATE // 10
    assert max(session for _, (session, _) in nexmark_answers.q11(made)) > 1
    assert sum(1 for _ in nexmark_answers._sales(made)) > 100


def test_events_have_the_mix_of_the_standard() -> None:
    made = list(events(50_000))
    kinds = Counter(type(event) for event in made)
    assert kinds == {Person: 1000, Auction: 3000, Bid: 46_000}
    assert [type(event) for event in made[50:55]] == [Person, Auction, Auction, Auction, Bid]
    assert [p.id for p in made if isinstance(p, Person)] == list(range(1000, 2000))
    assert [a.id for a in made if isinstance(a, Auction)] == list(range(1000, 4000))
    assert [event.when for event in made] == sorted(event.when for event in made)
    assert (made[-1].when - BEGIN).total_seconds() == 4.999


def test_some_are_hot_as_in_the_standard() -> None:
    made = list(events(50_000))
    bids = [event for event in made if isinstance(event, Bid)]
    sellers = [event.seller for event in made if isinstance(event, Auction)]
    # The rest may by chance fall on a hot one too.
    assert sum(bid.auction % 100 == 0 for bid in bids) / len(bids) == pytest.approx(0.5, abs=0.02)
    assert sum(bid.bidder % 100 == 1 for bid in bids) / len(bids) == pytest.approx(0.75, abs=0.02)
    assert sum(seller % 100 == 0 for seller in sellers) / len(sellers) == pytest.approx(
        0.75, abs=0.03
    )


def test_auctions_last_until_there_are_a_hundred_more() -> None:
    made = [event for event in events(50_000) if isinstance(event, Auction)]
    lasts = [(event.expires - event.when).total_seconds() for event in made]
    # A hundred auctions are 1,666 events, which are 0.167 s.
    assert sum(lasts) / len(lasts) == pytest.approx(0.167, rel=0.05)


def test_events_are_the_same_each_time() -> None:
    assert list(events(1000)) == list(events(1000)) == list(events(2000))[:1000]
    assert list(events(1000)) != list(events(1000, seed=2))
