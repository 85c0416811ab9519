"""The consumer group of a source, which its readers never join.

The client library looks for its coordinator all the same, and tells when it may not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

from confluent_kafka import OFFSET_STORED, TopicPartition
from confluent_kafka import KafkaError as ConfluentKafkaError

from cppwax.connectors.kafka._client import LOGGER, Repetitions
from cppwax.connectors.kafka._errors import KafkaSourceError

OnCommit = Callable[[ConfluentKafkaError | None, list[Any]], object]

_HAS_MEMBERS = (
    ConfluentKafkaError.UNKNOWN_MEMBER_ID,
    ConfluentKafkaError.ILLEGAL_GENERATION,
    ConfluentKafkaError.REBALANCE_IN_PROGRESS,
)


class Group:
    """What goes wrong with the group; of all readers of a source, from any thread."""

    def __init__(self, name: str, is_committed_to: bool) -> None:
        self.name = name
        self.is_committed_to = is_committed_to
        self._said = Repetitions(monotonic)

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
                        f"{self._text(refusal)}"
                    )
            if also is not None:
                also(error, places)

        return report

    def failure(
        self, error: ConfluentKafkaError, places: Iterable[TopicPartition]
    ) -> KafkaSourceError | None:
        """Judge an error of the group: give what ends the run, or tell of what does not.

        Args:
            error: What the client library said.
            places: What is read, and where it goes on.
        """
        text = f"Kafka consumer group {self.name!r} cannot be used: {self._text(error)}"
        is_needed = self.is_committed_to or any(each.offset == OFFSET_STORED for each in places)
        if is_needed or error.code() == ConfluentKafkaError._FATAL:
            return KafkaSourceError(text, None, None, None, error)
        self.warn(f"{text}; messages are read all the same")
        return None

    def warn(self, text: str) -> None:
        """Say it, unless it was said a short while ago."""
        if not self._said.has(text):
            LOGGER.warning("%s", text)

    def _text(self, error: ConfluentKafkaError) -> str:
        text = f"{error.str()} ({error.name()})"
        other = "commit_to_group" if self.is_committed_to else '"group.id" in add_config'
        if error.code() in _HAS_MEMBERS:
            return f"{text}. It has members, and takes offsets of them alone: name another {other}"
        if error.code() == ConfluentKafkaError.GROUP_AUTHORIZATION_FAILED:
            return (
                f"{text}. Let the brokers allow this client to DESCRIBE the group, and to READ it "
                f"where offsets are committed, or name another {other}"
            )
        return text
