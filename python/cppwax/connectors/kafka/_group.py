"""The consumer group of a source, which its readers never join."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError as ConfluentKafkaError

from cppwax.connectors.kafka._client import LOGGER, _Repetitions

OnCommit = Callable[[ConfluentKafkaError | None, list[Any]], object]

_HAS_MEMBERS = (
    ConfluentKafkaError.UNKNOWN_MEMBER_ID,
    ConfluentKafkaError.ILLEGAL_GENERATION,
    ConfluentKafkaError.REBALANCE_IN_PROGRESS,
)


class Group:
    """What goes wrong with the group; of all readers of a source, from any thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._said = _Repetitions(monotonic)

    def reports(self, also: OnCommit | None) -> OnCommit:
        """Give what hears of commits, and tells of those that are refused, now and then.

        Args:
            also: What is to hear of all of them, too.
        """

        def report(error: ConfluentKafkaError | None, places: list[Any]) -> None:
            for refusal in (error, *(place.error for place in places or ())):
                # Where nothing was to be committed, which is no error.
                if refusal is not None and refusal.code() != ConfluentKafkaError._NO_OFFSET:
                    self.warn(
                        f"offsets were not committed to Kafka consumer group {self.name!r}: "
                        f"{_text(refusal)}"
                    )
            if also is not None:
                also(error, places)

        return report

    def warn(self, text: str) -> None:
        """Say it, unless it was said a short while ago."""
        if not self._said.has(text):
            LOGGER.warning("%s", text)


def _text(error: ConfluentKafkaError) -> str:
    way_out = ""
    if error.code() in _HAS_MEMBERS:
        way_out = ". It has members, and then takes offsets of them alone: name a group of its own"
    elif error.code() == ConfluentKafkaError.GROUP_AUTHORIZATION_FAILED:
        way_out = ". The brokers must allow this client to READ the group"
    return f"{error.str()} ({error.name()}){way_out}"
