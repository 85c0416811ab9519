"""Readers of partitions, which `KafkaSource` opens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from time import monotonic
from typing import Any

from confluent_kafka import (
    OFFSET_END,
    OFFSET_STORED,
    Consumer,
    KafkaException,
    TopicPartition,
)
from confluent_kafka import KafkaError as ConfluentKafkaError

from cppwax.connectors.kafka._client import LOGGER, Start, never_free, within
from cppwax.connectors.kafka._errors import KafkaError, KafkaSourceError
from cppwax.connectors.kafka._group import Group
from cppwax.connectors.kafka._lag import Lags, Place
from cppwax.connectors.kafka._messages import (
    KafkaSourceMessage,
    _NewSourceMessage,
    source_message,
)
from cppwax.inputs import StatefulSourcePartition

#: While messages come, so that batches fill up. A quiet partition is not waited for at all.
_FILLING_S = 0.001
_COMMIT_INTERVAL_S = 5.0
#: Of one message; others are of the partition.
UNREADABLE = (ConfluentKafkaError._BAD_MSG, ConfluentKafkaError._BAD_COMPRESSION)

#: Nothing more would come of the partition, and nobody would see it.
_ENDS_READING = (ConfluentKafkaError._AUTO_OFFSET_RESET,)
#: How long the end waits for a broker that is to hear of offsets.
_CLOSE_S = 2.0


@dataclass(frozen=True)
class Reading:
    """How to read, whatever it is."""

    batch_size: int
    raise_on_errors: bool
    starting_offset: int
    tail: bool
    group: Group


class Reader(ABC):
    """What both kinds of readers do alike with a consumer."""

    def __init__(self, step_id: str, consumer: Consumer, start: Start, reading: Reading) -> None:
        self.step_id = step_id
        self._consumer = consumer
        self._lags = Lags(consumer)
        self._errors = start.errors
        self._brokers = start.brokers
        self._reading = reading
        self._wait_s = 0.0
        self._failure: KafkaSourceError | None = None
        self._next_commit = monotonic() + _COMMIT_INTERVAL_S

    def _consume(self) -> list[Any]:
        if self._failure is not None:
            raise self._failure
        messages: list[Any] = self._consumer.consume(self._reading.batch_size, self._wait_s)
        self._wait_s = _FILLING_S if messages else 0.0
        if not messages:
            self._check_credentials()
        return messages

    def _check_credentials(self) -> None:
        refusal = self._errors.lasting_refusal
        if refusal is not None:
            raise RuntimeError(f"Kafka at {self._brokers} refuses this client: {refusal.str()}")

    def _is_of_group(self, error_message: Any) -> bool:
        """Take an error that is of no topic, and so of the consumer group."""
        if error_message.topic() is not None:
            return False
        self._failure = self._reading.group.failure(error_message.error(), self._places())
        return True

    def _error_items(
        self, error: ConfluentKafkaError, topic: str, partition: int, at: int
    ) -> list[Any]:
        """Give the item of an error, or let the next call raise it.

        A message that cannot be read is passed over; `at` is its offset. What was taken with it and
        follows comes again then.
        """
        if self._reading.raise_on_errors or error.code() in _ENDS_READING:
            self._failure = KafkaSourceError(
                f"reading Kafka topic {topic!r}, partition {partition}, failed at offset "
                f"{at}: {error.str()} ({error.name()}){_way_out(error)}",
                topic,
                partition,
                at,
                error,
            )
            return []
        if error.code() in UNREADABLE:
            # Else it would be tried over and over.
            self._consumer.seek(TopicPartition(topic, partition, at + 1))
        about = source_message(None, None, topic, [], None, at, partition, None)
        return [KafkaError(error, about)]

    def _commit_offsets(self, *, now: bool) -> None:
        if not self._reading.group.is_committed_to:
            return
        if not now and monotonic() < self._next_commit:
            return
        self._next_commit = monotonic() + _COMMIT_INTERVAL_S
        offsets = [place for place in self._places() if place.offset >= 0]
        if not offsets:
            return
        try:
            self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as ex:
            LOGGER.warning("offsets were not committed: %s", ex.args[0].str())

    @abstractmethod
    def _places(self) -> list[TopicPartition]:
        """Give the partitions with the next offset of each; from any thread."""

    def lag(self) -> dict[Place, int]:
        """Give the messages of each partition that are not read yet; from any thread."""
        lags = {
            (place.topic, place.partition): self._lags.of(
                (place.topic, place.partition), place.offset
            )
            for place in self._places()
        }
        return {place: lag for place, lag in lags.items() if lag is not None}

    def close(self) -> None:
        """Commit a last time, and leave."""
        self._lags.close()
        if not self._reading.group.is_committed_to:
            self._consumer.close()
            return
        self._commit_offsets(now=True)
        try:
            within(_CLOSE_S, self._consumer.close)
        except KafkaException as ex:
            never_free(self._consumer)
            LOGGER.warning("offsets were not committed at the end: %s", ex.args[0].str())


def place_of(error_message: Any, next_offset: int) -> int:
    """Give the offset of an error: that of the next message, unless that is not known yet."""
    if next_offset >= 0 or error_message.offset() is None:
        return next_offset
    return max(next_offset, int(error_message.offset()))


def behind(error: ConfluentKafkaError, at: int) -> int:
    return at + 1 if error.code() in UNREADABLE else at


def _way_out(error: ConfluentKafkaError) -> str:
    if error.code() == ConfluentKafkaError._AUTO_OFFSET_RESET:
        return (
            "; messages there were deleted before they were read, or the topic was made anew: "
            'say where to go on with add_config={"auto.offset.reset": "earliest"} or "latest"'
        )
    return ""


def beginning(start: Start, place: TopicPartition, reading: Reading) -> int:
    """Make a place of a moment: a run that resumes before the first message would ask again."""
    if reading.starting_offset == OFFSET_STORED:
        asked = TopicPartition(place.topic, place.partition, OFFSET_STORED)
        return start.stored_of(place, lambda error: reading.group.failure(error, [asked]))
    if reading.starting_offset == OFFSET_END:
        return start.end_of(place)
    return reading.starting_offset


class PartitionReader(Reader, StatefulSourcePartition[Any, int]):
    """Reads one partition; its state is the offset of the next message."""

    def __init__(
        self,
        step_id: str,
        consumer: Consumer,
        start: Start,
        reading: Reading,
        topic: str,
        partition: int,
        resume_state: int | None,
    ) -> None:
        super().__init__(step_id, consumer, start, reading)
        self._topic = topic
        self._partition = partition
        self._ended = False
        if resume_state is None:
            place = TopicPartition(topic, partition)
            resume_state = beginning(start, place, reading)
        self._offset = resume_state
        consumer.assign([TopicPartition(topic, partition, resume_state)])

    def next_batch(self) -> list[Any]:
        if self._ended:
            raise StopIteration
        messages = self._consume()
        self._commit_offsets(now=False)
        topic, partition = self._topic, self._partition
        items: list[Any] = []
        append = items.append
        new, item_class = _NewSourceMessage, KafkaSourceMessage
        for message in messages:
            if message.error() is not None:
                self._pass(items)
                if not self._goes_on(message, items):
                    break
                continue
            item: Any = new(
                message.key(),
                message.value(),
                topic,
                message.headers() or [],
                message.latency(),
                message.offset(),
                partition,
                message.timestamp(),
            )
            item.__class__ = item_class
            append(item)
        self._pass(items)
        return items

    def _pass(self, items: list[Any]) -> None:
        """Go behind the last message; errors have their own way."""
        if items and isinstance(items[-1], KafkaSourceMessage):
            self._offset = int(items[-1].offset or 0) + 1

    def _goes_on(self, error_message: Any, items: list[Any]) -> bool:
        """Tell whether what follows an error in its batch counts."""
        error = error_message.error()
        if error.code() == ConfluentKafkaError._PARTITION_EOF:
            self._lags.reach_end((self._topic, self._partition), error_message.offset())
            self._ended = not self._reading.tail
            return self._reading.tail
        if self._is_of_group(error_message):
            return self._failure is None
        at = place_of(error_message, self._offset)
        items += self._error_items(error, self._topic, self._partition, at)
        if self._failure is not None:
            return False
        self._offset = behind(error, at)
        return error.code() not in UNREADABLE

    def snapshot(self) -> int:
        return self._offset

    def _places(self) -> list[TopicPartition]:
        return [TopicPartition(self._topic, self._partition, self._offset)]
