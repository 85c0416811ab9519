"""The events of Nexmark: people, auctions and bids, as the standard's generator mixes them.

Constants and rules are those of Apache Beam's generator, with its default configuration
(https://github.com/apache/beam, `sdks/java/testing/nexmark`: `GeneratorConfig`,
`NexmarkConfiguration`, `model/*Generator`): of 50 events in a row, the first is a person, three
are auctions, 46 are bids. Half of the bids go to the latest hot auction, three quarters of them
come from the latest hot bidder, and three quarters of the auctions from the latest hot seller; a
new one is hot every hundred. All others are drawn from the last hundred auctions and the last
thousand people, and from ten that are yet to come. Events come in order of time, at an even rate.

Two things differ: the random numbers, and the text that only fills an event up to its size, which
is cut from one string that all share.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import NamedTuple, TypeAlias

BEGIN = datetime(2024, 1, 1, tzinfo=timezone.utc)

#: Events a second of event time.
RATE = 10_000

_PEOPLE, _AUCTIONS, _BIDS = 1, 3, 46
_ROUND = _PEOPLE + _AUCTIONS + _BIDS
_FIRST_ID = 1000
_FIRST_CATEGORY, _CATEGORIES = 10, 5
#: Of so many people or auctions in a row one is hot.
_HOT_EVERY = 100
#: One out of so many is not for a hot auction, by a hot bidder, by a hot seller.
_HOT_AUCTIONS, _HOT_BIDDERS, _HOT_SELLERS = 2, 4, 4
_AUCTIONS_IN_FLIGHT = 100
_ACTIVE_PEOPLE = 1000
#: So many ids beyond the last one can occur.
_LEAD = 10
_PERSON_BYTES, _AUCTION_BYTES, _BID_BYTES = 200, 500, 100

_STATES = ("AZ", "CA", "ID", "OR", "WA", "WY")
_CITIES = (
    *("Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland"),
    *("Bend", "Redmond", "Seattle", "Kent", "Cheyenne"),
)
_FIRST_NAMES = (
    *("Peter", "Paul", "Luke", "John", "Saul", "Vicky"),
    *("Kate", "Julie", "Sarah", "Deiter", "Walter"),
)
_LAST_NAMES = (
    *("Shultz", "Abrams", "Spencer", "White", "Bartels"),
    *("Walton", "Smith", "Jones", "Noris"),
)
_TEXT = "".join(random.Random(5).choices("abcdefghijklmnopqrstuvwxyz", k=_AUCTION_BYTES))


class Person(NamedTuple):
    """Somebody registers."""

    id: int
    name: str
    email: str
    credit_card: str
    city: str
    state: str
    when: datetime
    extra: str


class Auction(NamedTuple):
    """Somebody offers something; `when` it begins."""

    id: int
    item: str
    description: str
    initial_bid: int
    reserve: int
    when: datetime
    expires: datetime
    seller: int
    category: int
    extra: str


class Bid(NamedTuple):
    """Somebody bids for something; prices are in cents."""

    auction: int
    bidder: int
    price: int
    when: datetime
    extra: str


Event: TypeAlias = Person | Auction | Bid


def events(count: int, rate: int = RATE, seed: int = 1) -> Iterator[Event]:
    """Generate the first events of the stream.

    Args:
        count: How many.
        rate: How many there are in a second of event time.
        seed: Another one gives another stream of the same kind.
    """
    rng = random.Random(seed)
    kinds: list[Callable[[int, datetime], Event]] = [
        *[lambda round_, when: _person(rng, round_, when)] * _PEOPLE,
        *[
            lambda round_, when, n=n: _auction(rng, (round_, n), when, rate)
            for n in range(_AUCTIONS)
        ],
        *[lambda round_, when: _bid(rng, round_, when)] * _BIDS,
    ]
    now, when = 0, BEGIN
    for first in range(0, count, _ROUND):
        for number, kind in enumerate(kinds[: count - first], first):
            # The standard's clock has milliseconds.
            if number * 1000 // rate != now:
                now = number * 1000 // rate
                when = BEGIN + timedelta(milliseconds=now)
            yield kind(first // _ROUND, when)


def _price(rng: random.Random) -> int:
    return round(10 ** (rng.random() * 6) * 100)


def _draw(rng: random.Random, below: int) -> int:
    # Faster than `randrange`, and as even as needed.
    return int(rng.random() * below)


def _active_person(rng: random.Random, last: int) -> int:
    active = min(last + 1, _ACTIVE_PEOPLE)
    return last + 1 - active + _draw(rng, active + _LEAD)


def _person(rng: random.Random, last: int, when: datetime) -> Person:
    name = f"{rng.choice(_FIRST_NAMES)} {rng.choice(_LAST_NAMES)}"
    email = f"{_text(rng, 7)}@{_text(rng, 5)}.com"
    card = " ".join(f"{_draw(rng, 10_000):04}" for _ in range(4))
    city, state = rng.choice(_CITIES), rng.choice(_STATES)
    size = 8 + len(name) + len(email) + len(card) + len(city) + len(state)
    return Person(
        _FIRST_ID + last, name, email, card, city, state, when, _TEXT[: _PERSON_BYTES - size]
    )


def _auction(rng: random.Random, place: tuple[int, int], when: datetime, rate: int) -> Auction:
    round_, offset = place
    if _draw(rng, _HOT_SELLERS):
        seller = round_ // _HOT_EVERY * _HOT_EVERY
    else:
        seller = _active_person(rng, round_)
    price = _price(rng)
    # On average an auction lasts until there are a hundred newer ones.
    horizon = _AUCTIONS_IN_FLIGHT * _ROUND // _AUCTIONS * 1000 // rate
    item, description = _text(rng, 20), _text(rng, 100)
    return Auction(
        _FIRST_ID + round_ * _AUCTIONS + offset,
        item,
        description,
        price,
        price + _price(rng),
        when,
        when + timedelta(milliseconds=1 + _draw(rng, max(2 * horizon, 1))),
        _FIRST_ID + seller,
        _FIRST_CATEGORY + _draw(rng, _CATEGORIES),
        _TEXT[: _AUCTION_BYTES - 48 - len(item) - len(description)],
    )


def _bid(rng: random.Random, round_: int, when: datetime) -> Bid:
    # As `_draw` would, but most events are bids.
    draw = rng.random
    last = round_ * _AUCTIONS + _AUCTIONS - 1
    if draw() * _HOT_AUCTIONS >= 1:
        auction = last // _HOT_EVERY * _HOT_EVERY
    else:
        oldest = max(last - _AUCTIONS_IN_FLIGHT, 0)
        auction = oldest + int(draw() * (last - oldest + 1 + _LEAD))
    if draw() * _HOT_BIDDERS >= 1:
        # The second one, so that the hot bidder is not the hot seller.
        bidder = round_ // _HOT_EVERY * _HOT_EVERY + 1
    else:
        bidder = _active_person(rng, round_)
    price = round(10 ** (draw() * 6) * 100)
    return Bid(_FIRST_ID + auction, _FIRST_ID + bidder, price, when, _EXTRA)


_EXTRA = _TEXT[: _BID_BYTES - 32]


def _text(rng: random.Random, longest: int) -> str:
    start = _draw(rng, len(_TEXT) - longest)
    return _TEXT[start : start + 3 + _draw(rng, longest - 2)]
