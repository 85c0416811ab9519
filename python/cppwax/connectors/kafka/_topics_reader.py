"""Readers of all partitions of topics, new ones too, which `KafkaSource` opens."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import timedelta
from time import monotonic
from typing import Any
from zlib import crc32

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from confluent_kafka import KafkaError as ConfluentKafkaError

from cppwax.connectors.kafka._client import LOGGER, Start
from cppwax.connectors.kafka._messages import source_message
from cppwax.connectors.kafka._reader import (
    UNREADABLE,
    Reader,
    Reading,
    beginning,
    behind,
    place_of,
)
from cppwax.inputs import StatefulSourcePartition


class Offsets:
    """The share of a reader in the partitions of all topics, with the next offset of each.

    To which reader a partition belongs depends on its topic's name, its number and the number of
    readers alone, so that it is the same in every run, whatever topics are added.
    """

    def __init__(
        self,
        topics: list[str],
        index: int,
        count: int,
        resume_state: dict[tuple[str, int], int] | None,
    ) -> None:
        given_up = {topic for topic, _ in resume_state or ()} - set(topics)
        if given_up:
            raise ValueError(
                f"the recovery store has offsets of topics {sorted(given_up)}, which the source "
                "does not read any more: name them again, or begin with a new store"
            )
        self.topics = topics
        self.is_resumed = resume_state is not None
        self.next: dict[tuple[str, int], int] = dict(resume_state or {})
        self._index = index
        self._count = count

    def new_in(self, topic: str, partitions: list[int]) -> list[tuple[str, int]]:
        """Give those that belong to this share and are not in it yet."""
        shift = crc32(topic.encode())
        return [
            (topic, partition)
            for partition in partitions
            if (partition + shift) % self._count == self._index
            and (topic, partition) not in self.next
        ]


class TopicsReader(Reader, StatefulSourcePartition[Any, dict[tuple[str, int], int]]):
    """Reads its share of the partitions, and looks for new ones."""

    def __init__(
        self,
        step_id: str,
        consumer: Consumer,
        start: Start,
        reading: Reading,
        share: Offsets,
        discover_interval: timedelta,
    ) -> None:
        super().__init__(step_id, consumer, start, reading)
        self._share = share
        self._interval_s = discover_interval.total_seconds()
        self._looking = start.looker()
        self._answers: dict[str, Future[Any]] = {}
        self._next_look = monotonic() + self._interval_s
        for topic in share.topics:
            for place in share.new_in(topic, start.partitions(topic)):
                # What a resumed run does not know of has come since, and is wanted as a whole.
                share.next[place] = (
                    OFFSET_BEGINNING
                    if share.is_resumed
                    else beginning(start, TopicPartition(*place), reading)
                )
        if share.next:
            consumer.assign(self._places())

    def next_batch(self) -> list[Any]:
        self._look()
        # Whatever comes may come of other brokers than the one that refuses.
        self._check_credentials()
        if not self._share.next:
            return []
        messages = self._consume()
        self._commit_offsets(now=False)
        offsets = self._share.next
        items: list[Any] = []
        # What follows of them in this batch comes again.
        passed_over: set[tuple[str, int]] = set()
        for message in messages:
            place = (message.topic(), message.partition())
            if place in passed_over:
                continue
            error = message.error()
            if error is not None:
                if error.code() == ConfluentKafkaError._PARTITION_EOF:
                    self._lags.reach_end(place, message.offset())
                    continue
                if self._is_of_group(message):
                    if self._failure is not None:
                        break
                    continue
                at = place_of(message, offsets.get(place, OFFSET_BEGINNING))
                items += self._error_items(error, *place, at)
                if self._failure is not None:
                    break
                if place in offsets:
                    offsets[place] = behind(error, at)
                if error.code() in UNREADABLE:
                    passed_over.add(place)
                continue
            offset = message.offset()
            items.append(
                source_message(
                    message.key(),
                    message.value(),
                    place[0],
                    message.headers() or [],
                    message.latency(),
                    offset,
                    place[1],
                    message.timestamp(),
                )
            )
            offsets[place] = offset + 1
        return items

    def _look(self) -> None:
        for topic in [topic for topic, answer in self._answers.items() if answer.done()]:
            self._take(topic, self._answers.pop(topic))
        now = monotonic()
        if not self._answers and now >= self._next_look:
            self._next_look = now + self._interval_s
            self._answers = self._looking(self._share.topics)

    def _take(self, topic: str, answer: Future[Any]) -> None:
        try:
            partitions = [info.id for info in answer.result().partitions]
        except KafkaException as ex:
            LOGGER.warning("topic %s could not be looked at: %s", topic, ex.args[0].str())
            return
        places = self._share.new_in(topic, partitions)
        if not places:
            return
        LOGGER.info("new partitions of topic %s: %s", topic, [number for _, number in places])
        self._share.next.update(dict.fromkeys(places, OFFSET_BEGINNING))
        self._consumer.incremental_assign(
            [TopicPartition(*place, OFFSET_BEGINNING) for place in places]
        )

    def snapshot(self) -> dict[tuple[str, int], int]:
        return dict(self._share.next)

    def _places(self) -> list[TopicPartition]:
        return [TopicPartition(*place, offset) for place, offset in list(self._share.next.items())]
