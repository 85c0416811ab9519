"""What the queries of Nexmark must give, by brute force over the whole list of events.

None of this is shared with the flows and the loops but the types of events and the sizes that the
queries name. Results are in a form that is the same in whatever order they come.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from benchmarks import nexmark_queries as q
from benchmarks.nexmark_events import BEGIN, Auction, Bid, Event, Person

Events = list[Event]


def bids(events: Events) -> list[Bid]:
    """Select the bids."""
    return [event for event in events if isinstance(event, Bid)]


def auctions(events: Events) -> list[Auction]:
    """Select the auctions."""
    return [event for event in events if isinstance(event, Auction)]


def people(events: Events) -> list[Person]:
    """Select the people."""
    return [event for event in events if isinstance(event, Person)]


def q0(events: Events) -> Any:
    """Give how many there are, and the sum of the first fields."""
    return len(events), sum(event[0] for event in events)


def q1(events: Events) -> Any:
    """Give how many there are, and the sum of the prices."""
    return len(bids(events)), sum(bid.price * 89 // 100 for bid in bids(events))


def q2(events: Events) -> Any:
    """Give all results in order."""
    return sorted((bid.auction, bid.price) for bid in bids(events) if bid.auction % q.SKIP == 0)


def q3(events: Events) -> Any:
    """Give all results in order."""
    known = {person.id: person for person in people(events) if person.state in q.STATES}
    sold = [a for a in auctions(events) if a.category == q.CATEGORY and a.seller in known]
    rows = [(known[auction.seller], auction.id) for auction in sold]
    return sorted((person.name, person.city, person.state, id_) for person, id_ in rows)


def _sales(events: Events) -> list[tuple[Auction, int]]:
    offered: dict[int, list[Bid]] = defaultdict(list)
    for bid in bids(events):
        offered[bid.auction].append(bid)
    sold = []
    for auction in auctions(events):
        prices = [bid.price for bid in offered[auction.id] if bid.when < auction.expires]
        if prices and max(prices) >= auction.reserve:
            sold.append((auction, max(prices)))
    return sold


def q4(events: Events) -> Any:
    """Give the average of each category."""
    prices: dict[str, list[int]] = defaultdict(list)
    for auction, cents in _sales(events):
        prices[str(auction.category)].append(cents)
    return {category: sum(all_) // len(all_) for category, all_ in prices.items()}


def q5(events: Events) -> Any:
    """Give count and auctions of each window."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for bid in bids(events):
        # A window that lasts two periods begins with each of them.
        period = (bid.when - BEGIN) // q.PERIOD
        counts[period][str(bid.auction)] += 1
        counts[period - 1][str(bid.auction)] += 1
    most = {window: max(all_.values()) for window, all_ in counts.items()}
    return {
        str(window): (most[window], sorted(a for a, n in all_.items() if n == most[window]))
        for window, all_ in counts.items()
    }


def q6(events: Events) -> Any:
    """Give the average of each seller."""
    sales: dict[str, list[Any]] = defaultdict(list)
    for auction, cents in _sales(events):
        sales[str(auction.seller)].append((auction.expires, auction.id, cents))
    last = {seller: sorted(all_)[-q.SALES :] for seller, all_ in sales.items()}
    return {seller: sum(sale[2] for sale in all_) // len(all_) for seller, all_ in last.items()}


def q7(events: Events) -> Any:
    """Give the highest price of each window."""
    prices: dict[int, list[int]] = defaultdict(list)
    for bid in bids(events):
        prices[(bid.when - BEGIN) // q.LENGTH].append(bid.price)
    return {window: max(all_) for window, all_ in prices.items()}


def q8(events: Events) -> Any:
    """Give all results in order."""
    came = {person.id: person for person in people(events)}
    rows = []
    for auction in auctions(events):
        person, window = came.get(auction.seller), (auction.when - BEGIN) // q.LENGTH
        if person is not None and (person.when - BEGIN) // q.LENGTH == window:
            rows.append((window, person.id, person.name, auction.id, auction.reserve))
    return sorted(rows)


def q11(events: Events) -> Any:
    """Give the counts of the sessions of each bidder."""
    times: dict[str, list[Any]] = defaultdict(list)
    for bid in bids(events):
        times[str(bid.bidder)].append(bid.when)
    rows = []
    for bidder, all_ in times.items():
        begins = [n for n in range(1, len(all_)) if all_[n] - all_[n - 1] > q.LENGTH]
        cuts = zip([0, *begins], [*begins, len(all_)], strict=True)
        rows += [(bidder, (number, end - begin)) for number, (begin, end) in enumerate(cuts)]
    return sorted(rows)


def q12(events: Events) -> Any:
    """Give the count of each bidder: which windows there are is not known."""
    return dict(Counter(str(bid.bidder) for bid in bids(events)))


def _sums(out: list[tuple[str, tuple[int, int]]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for bidder, (_, count) in out:
        sums[bidder] += count
    return dict(sums)


def _once(out: list[tuple[Any, Any]]) -> dict[Any, Any]:
    assert len(dict(out)) == len(out), "a key has more than one result"
    return dict(out)


#: How to bring the results of a run into the form that the functions above give.
FORMS: dict[str, Callable[[list[Any]], Any]] = {
    "q2": sorted,
    "q3": sorted,
    "q4": _once,
    "q5": lambda out: {window: (n, sorted(names)) for window, (n, names) in _once(out).items()},
    "q6": _once,
    "q7": lambda out: {window: bid.price for window, bid in _once(out).items()},
    "q8": sorted,
    "q11": sorted,
    "q12": _sums,
}
