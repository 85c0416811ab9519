"""The queries of Nexmark as plain Python loops, with the callables that the flows have.

Events come in order of time, and the loops rely on it: a window closes when the next one begins.
Nobody would write a loop that knows late events, or other workers, for these streams.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from typing import Any

from benchmarks import nexmark_queries as q
from benchmarks.nexmark_events import BEGIN, Auction, Bid, Event, Person

Write = Callable[[list[Any]], None]


def q0(batches: Iterable[list[Event]], write: Write) -> None:
    """See `nexmark_queries`, as for all that follow."""
    for batch in batches:
        write([q.itself(event) for event in batch])


def q1(batches: Iterable[list[Event]], write: Write) -> None:
    """See above."""
    for batch in batches:
        write([q.in_euros(event) for event in batch if q.is_bid(event)])


def q2(batches: Iterable[list[Event]], write: Write) -> None:
    """See above."""
    for batch in batches:
        write([out for event in batch if (out := q.selected(event)) is not None])


def q3(batches: Iterable[list[Event]], write: Write) -> None:
    """See above."""
    sellers: dict[str, q.Seller] = {}
    for batch in batches:
        out: list[Any] = []
        for event in batch:
            keyed = q.by_seller(event)
            if keyed is not None:
                key, value = keyed
                sellers[key], offers = q.local_item(sellers.get(key), value)
                out += offers
        write(out)


def _won(batches: Iterable[list[Event]]) -> Iterator[tuple[str, tuple[Auction, Bid]]]:
    open_: dict[str, q.Closing] = {}
    for batch in batches:
        for event in batch:
            keyed = q.by_auction(event)
            if keyed is None:
                continue
            key, value = keyed
            closing = open_.get(key)
            if closing is None:
                closing = open_[key] = q.Closing(None)
            for won in closing.on_item(value)[0]:
                yield key, won
    for key, closing in open_.items():
        for won in closing.on_eof()[0]:
            yield key, won


def q4(batches: Iterable[list[Event]], write: Write) -> None:
    """See above."""
    sums: dict[str, tuple[int, int]] = {}
    for won in _won(batches):
        category, cents = q.category_price(won)
        sums[category] = q.add_up(sums.get(category) or q.no_sum(), cents)
    write([(category, q.average(state)) for category, state in sums.items()])


def q5(batches: Iterable[list[Event]], write: Write) -> None:
    """See above."""
    windows: dict[int, dict[str, int]] = {}
    done: list[Any] = []
    for batch in batches:
        for event in batch:
            if not q.is_bid(event):
                continue
            since, auction = q.when(event) - BEGIN, q.auction_of(event)
            last = since // q.PERIOD
            if last not in windows:
                closed = [number for number in windows if number <= last - 2]
                done += [_hottest(number, windows.pop(number)) for number in closed]
            for number in (last - 1, last):
                counts = windows.setdefault(number, {})
                counts[auction] = q.one_more(counts.get(auction, 0), event)
    write(done + [_hottest(number, counts) for number, counts in windows.items()])


def _hottest(number: int, counts: dict[str, int]) -> tuple[str, tuple[int, list[str]]]:
    hot = q.no_hottest()
    for auction, count in counts.items():
        hot = q.keep_hottest(hot, (count, auction))
    return str(number), hot


def q6(batches: Iterable[list[Event]], write: Write) -> None:
    """See above."""
    sellers: dict[str, list[Any]] = {}
    for won in _won(batches):
        seller, sale = q.seller_sale(won)
        sellers[seller] = q.keep_last(sellers.get(seller) or [], sale)
    write([(seller, q.average_sale(kept)) for seller, kept in sellers.items()])


def q7(batches: Iterable[list[Event]], write: Write) -> None:
    """See above."""
    now, best = -1, None
    for batch in batches:
        for event in batch:
            if not q.is_bid(event):
                continue
            number = (q.when(event) - BEGIN) // q.LENGTH
            if number != now:
                if best is not None:
                    write([(now, best)])
                now, best = number, event
            elif best is None or q.price(event) > q.price(best):
                best = event
    if best is not None:
        write([(now, best)])


def q8(batches: Iterable[list[Event]], write: Write) -> None:
    """See above."""
    now = 0
    people: dict[str, Person] = {}
    auctions: deque[tuple[str, Auction]] = deque()

    def close() -> None:
        pairs = ((key, (now, (people.get(key), auction))) for key, auction in auctions)
        write([new for pair in pairs if (new := q.new_seller(pair)) is not None])
        people.clear()
        auctions.clear()

    for batch in batches:
        for event in batch:
            person, auction = q.person_by_id(event), q.auction_by_seller(event)
            if person is None and auction is None:
                continue
            number = (q.when(event) - BEGIN) // q.LENGTH
            if number != now:
                close()
                now = number
            if person is not None:
                people[person[0]] = person[1]
            if auction is not None:
                auctions.append(auction)
    close()


def q11(batches: Iterable[list[Event]], write: Write) -> None:
    """See above."""
    sessions: dict[str, tuple[int, datetime, int]] = {}
    for batch in batches:
        out: list[Any] = []
        for event in batch:
            if not q.is_bid(event):
                continue
            bidder, when = q.bidder_of(event), q.when(event)
            number, last, count = sessions.get(bidder) or (0, when, 0)
            if when - last > q.LENGTH:
                out.append((bidder, (number, count)))
                number, count = number + 1, 0
            sessions[bidder] = (number, when, count + 1)
        write(out)
    write([(bidder, (number, count)) for bidder, (number, _, count) in sessions.items()])


def q12(batches: Iterable[list[Event]], write: Write) -> None:
    """See above."""
    now, counts = -1, dict[str, int]()
    for batch in batches:
        number = (datetime.now(timezone.utc) - BEGIN) // q.LENGTH
        if number != now:
            write([(bidder, (now, count)) for bidder, count in counts.items()])
            now, counts = number, {}
        for event in batch:
            if q.is_bid(event):
                bidder = q.bidder_of(event)
                counts[bidder] = counts.get(bidder, 0) + 1
    write([(bidder, (now, count)) for bidder, count in counts.items()])
