"""The queries of Nexmark as dataflows, for any library.

Each function takes a library and the stream of all events, and returns the stream of results. What
the queries ask is what Apache Beam's Nexmark asks, with its sizes (https://github.com/apache/beam,
`sdks/java/testing/nexmark`, `queries/`). As the streams end, the last windows and auctions close at
their ends; a step that can only know its result then gives it then.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, TypeGuard

from benchmarks.nexmark_events import BEGIN, Auction, Bid, Event, Person
from benchmarks.workload import Library, derived

#: Windows, gaps, and how far windows slide.
LENGTH = timedelta(seconds=10)
PERIOD = timedelta(seconds=5)
#: Nothing in the stream is late, but system time goes on while one batch waits for another.
WAIT = timedelta(seconds=30)

SKIP = 123
STATES = frozenset({"OR", "ID", "CA"})
CATEGORY = 10
#: Auctions of a seller that count.
SALES = 10

when = attrgetter("when")
price = attrgetter("price")


def itself(event: Event) -> Event:
    """Change nothing."""
    return event


def is_bid(event: Event) -> TypeGuard[Bid]:
    """Tell whether it is a bid."""
    return isinstance(event, Bid)


def in_euros(bid: Bid) -> Bid:
    """Convert the price of a bid."""
    return Bid(bid.auction, bid.bidder, bid.price * 89 // 100, bid.when, bid.extra)


def selected(event: Event) -> tuple[int, int] | None:
    """Give auction and price of a bid for one of the chosen auctions."""
    if isinstance(event, Bid) and event.auction % SKIP == 0:
        return event.auction, event.price
    return None


def by_seller(event: Event) -> tuple[str, Person | Auction] | None:
    """Key people of some states and auctions of a category by who sells."""
    if isinstance(event, Person):
        return (str(event.id), event) if event.state in STATES else None
    if isinstance(event, Auction):
        return (str(event.seller), event) if event.category == CATEGORY else None
    return None


#: A person, if known by now, and the auctions that wait for it.
Seller = tuple[Person | None, list[Auction]]


def local_item(state: Seller | None, value: Person | Auction) -> tuple[Seller, Iterable[Any]]:
    """Give where to get each item that one of the people sells."""
    person, waiting = state or (None, [])
    if isinstance(value, Person):
        return (value, []), [_offer(value, auction) for auction in waiting]
    if person is None:
        waiting.append(value)
        return (None, waiting), ()
    return (person, waiting), (_offer(person, value),)


def _offer(person: Person, auction: Auction) -> tuple[str, str, str, int]:
    return person.name, person.city, person.state, auction.id


def by_auction(event: Event) -> tuple[str, Auction | Bid] | None:
    """Key auctions and bids by the auction."""
    if isinstance(event, Bid):
        return str(event.auction), event
    return (str(event.id), event) if isinstance(event, Auction) else None


def is_better(bid: Bid, best: Bid | None) -> bool:
    """Compare bids: the earliest of the highest ones wins."""
    return best is None or bid.price > best.price


class Closing:
    """Waits for the end of an auction; gives it with the bid that wins, if that is high enough.

    An auction that is over is remembered: else a bid that comes too late for it could be one that
    comes too early for another of the same name.
    """

    def __init__(self, state: tuple[Auction | None, Bid | None, bool] | None) -> None:
        """Begin, or go on."""
        self._auction, self._best, self._over = state or (None, None, False)

    def on_item(self, value: Auction | Bid) -> tuple[Iterable[Any], bool]:
        """Take the auction, or a bid for it."""
        if self._over:
            return (), False
        if isinstance(value, Auction):
            self._auction = value
            if self._best is not None and self._best.when >= value.expires:
                self._best = None
        elif self._auction is not None and value.when >= self._auction.expires:
            return self._close(), False
        elif is_better(value, self._best):
            self._best = value
        return (), False

    def _close(self) -> Iterable[Any]:
        auction, best = self._auction, self._best
        self._auction, self._best, self._over = None, None, True
        if auction is None or best is None or best.price < auction.reserve:
            return ()
        return ((auction, best),)

    def on_notify(self) -> tuple[Iterable[Any], bool]:
        """Do nothing: nothing asks for it."""
        return (), False

    def on_eof(self) -> tuple[Iterable[Any], bool]:
        """Close."""
        return (() if self._over else self._close()), False

    def notify_at(self) -> datetime | None:
        """Ask for nothing."""
        return None

    def snapshot(self) -> tuple[Auction | None, Bid | None, bool]:
        """Give the state."""
        return self._auction, self._best, self._over


def category_price(won: tuple[str, tuple[Auction, Bid]]) -> tuple[str, int]:
    """Key the price of a sale by its category."""
    auction, bid = won[1]
    return str(auction.category), bid.price


def seller_sale(won: tuple[str, tuple[Auction, Bid]]) -> tuple[str, tuple[datetime, int, int]]:
    """Key a sale by its seller; it sorts by when it ends."""
    auction, bid = won[1]
    return str(auction.seller), (auction.expires, auction.id, bid.price)


def no_sum() -> tuple[int, int]:
    """Begin an average."""
    return 0, 0


def add_up(state: tuple[int, int], cents: int) -> tuple[int, int]:
    """Go on with an average."""
    return state[0] + cents, state[1] + 1


def keep_last(kept: list[Any], sale: Any) -> list[Any]:
    """Keep the last sales."""
    kept.append(sale)
    kept.sort()
    del kept[:-SALES]
    return kept


def average(state: tuple[int, int]) -> int:
    """End an average, in whole cents."""
    return state[0] // state[1]


def average_sale(kept: list[Any]) -> int:
    """Give the average price of sales."""
    prices: list[int] = [sale[2] for sale in kept]
    return sum(prices) // len(prices)


def auction_of(bid: Bid) -> str:
    """Key a bid by auction."""
    return str(bid.auction)


def bidder_of(bid: Bid) -> str:
    """Key a bid by bidder."""
    return str(bid.bidder)


def everywhere(_: Any) -> str:
    """Give all the same key."""
    return "all"


def by_window(counted: tuple[str, tuple[int, int]]) -> tuple[str, tuple[int, str]]:
    """Key a count of a window by the window."""
    name, (window, count) = counted
    return str(window), (count, name)


def keep_hottest(hot: tuple[int, list[str]], counted: tuple[int, str]) -> tuple[int, list[str]]:
    """Keep the names with the highest count."""
    count, name = counted
    if count > hot[0]:
        return count, [name]
    if count == hot[0]:
        hot[1].append(name)
    return hot


def no_hottest() -> tuple[int, list[str]]:
    """Begin with no names."""
    return 0, []


def person_by_id(event: Event) -> tuple[str, Person] | None:
    """Key people, and leave out the rest."""
    return (str(event.id), event) if isinstance(event, Person) else None


def auction_by_seller(event: Event) -> tuple[str, Auction] | None:
    """Key auctions by seller, and leave out the rest."""
    return (str(event.seller), event) if isinstance(event, Auction) else None


def new_seller(joined: tuple[str, tuple[int, tuple[Any, Any]]]) -> Any | None:
    """Give the person and what is asked for at least, if both sides are there."""
    window, (person, auction) = joined[1]
    if person is None or auction is None:
        return None
    return window, person.id, person.name, auction.id, auction.reserve


def q0(library: Library, events: Any) -> Any:
    """Pass all through."""
    return library.op.map("same", events, itself)


def q1(library: Library, events: Any) -> Any:
    """Convert the price of each bid."""
    return library.op.map("euros", library.op.filter("bids", events, is_bid), in_euros)


def q2(library: Library, events: Any) -> Any:
    """Select bids for some auctions."""
    return library.op.filter_map("selected", events, selected)


def q3(library: Library, events: Any) -> Any:
    """Join people of some states and what they offer in a category."""
    keyed = library.op.filter_map("by_seller", events, by_seller)
    offers = library.op.stateful_flat_map("join", keyed, local_item)
    return library.op.key_rm("offers", offers)


def _won(library: Library, events: Any) -> Any:
    keyed = library.op.filter_map("by_auction", events, by_auction)
    return library.op.stateful("close", keyed, derived(Closing, library.op.StatefulLogic))


def q4(library: Library, events: Any) -> Any:
    """Give the average price of the sales of each category."""
    op = library.op
    prices = op.map("category", _won(library, events), category_price)
    return op.map_value("average", op.fold_final("sum", prices, no_sum, add_up), average)


def q5(library: Library, events: Any) -> Any:
    """Give the auctions with the most bids in each sliding window."""
    op, w = library.op, library.windowing
    bids = op.key_on("auction", op.filter("bids", events, is_bid), auction_of)
    windower = w.SlidingWindower(LENGTH, PERIOD, BEGIN)
    # The values need no keys of their own: they have one.
    counts = w.fold_window(
        "count", bids, w.EventClock(when, WAIT), windower, int, one_more, sum_of, ordered=False
    )
    windows = op.map("window", counts.down, by_window)
    return op.fold_final("hottest", windows, no_hottest, keep_hottest)


def one_more(count: int, _: Any) -> int:
    """Count."""
    return count + 1


def sum_of(count: int, other: int) -> int:
    """Merge two counts."""
    return count + other


def q6(library: Library, events: Any) -> Any:
    """Give the average price of the last ten sales of each seller."""
    op = library.op
    sales = op.map("seller", _won(library, events), seller_sale)
    return op.map_value("average", op.fold_final("last", sales, list, keep_last), average_sale)


def q7(library: Library, events: Any) -> Any:
    """Give the highest bid of each window."""
    op, w = library.op, library.windowing
    bids = op.key_on("all", op.filter("bids", events, is_bid), everywhere)
    windower = w.TumblingWindower(LENGTH, BEGIN)
    highest = w.max_window("highest", bids, w.EventClock(when, WAIT), windower, by=price)
    return op.key_rm("window", highest.down)


def q8(library: Library, events: Any) -> Any:
    """Join people and what they offer in the window in which they came."""
    op, w = library.op, library.windowing
    people = op.filter_map("people", events, person_by_id)
    auctions = op.filter_map("auctions", events, auction_by_seller)
    joined = w.join_window(
        "join",
        w.EventClock(when, WAIT),
        w.TumblingWindower(LENGTH, BEGIN),
        people,
        auctions,
        insert_mode="product",
    )
    return op.filter_map("new", joined.down, new_seller)


def q11(library: Library, events: Any) -> Any:
    """Count the bids of each session of a bidder."""
    op, w = library.op, library.windowing
    bids = op.filter("bids", events, is_bid)
    clock, windower = w.EventClock(when, WAIT), w.SessionWindower(LENGTH)
    return w.count_window("count", bids, clock, windower, bidder_of).down


def q12(library: Library, events: Any) -> Any:
    """Count the bids of each bidder in windows of system time."""
    op, w = library.op, library.windowing
    bids = op.filter("bids", events, is_bid)
    windower = w.TumblingWindower(LENGTH, BEGIN)
    return w.count_window("count", bids, w.SystemClock(), windower, bidder_of).down
