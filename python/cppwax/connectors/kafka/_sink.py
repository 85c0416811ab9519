"""Write to topics of Kafka."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from cppwax.connectors.kafka._client import START_TIMEOUT, checked_list, checked_timeout
from cppwax.connectors.kafka._messages import KafkaSinkMessage
from cppwax.connectors.kafka._producing import Producing
from cppwax.outputs import DynamicSink, StatelessSinkPartition

#: How long a run that has failed still waits for what is on its way.
_CLOSE_S = 2.0

SinkItem = KafkaSinkMessage[bytes | None, bytes | None]


class KafkaSinkPartition(StatelessSinkPartition[SinkItem]):
    """The producer of one worker."""

    def __init__(self, producing: Producing, topic: str | None) -> None:
        self._producing = producing
        self._topic = topic
        self._all_delivered = True

    def write_batch(self, items: list[SinkItem]) -> None:
        self._all_delivered = False
        self._producing.write(items, self._topic)
        self._producing.serve()

    def end_epoch(self) -> None:
        # What comes after this call may make the epoch durable.
        self._producing.flush()
        self._all_delivered = True

    def close(self) -> None:
        # The run has failed, maybe elsewhere: then what was taken is written as far as it can be.
        if not self._all_delivered:
            self._producing.give_up(_CLOSE_S)


class KafkaSink(DynamicSink[SinkItem]):
    """Write messages to Kafka; at least once.

    Items are `KafkaSinkMessage`s, with keys and values as bytes or `None`. Each worker has a
    producer, which sends in the background. All messages of an epoch are on the brokers before it
    is over, so that a snapshot never counts a message as written that is not. What a failed run
    wrote of the epoch that it left open is written again by the resumed one;
    `KafkaTransactionalSink` does not do that.

    A message that cannot be delivered ends the run with a `KafkaDeliveryError`, at the latest at
    the end of its epoch. Brokers that are away are waited for, for as long as the setting
    `delivery.timeout.ms` says (5 minutes); meanwhile the producer's queue fills, and holds the
    worker back when it is full.
    """

    def __init__(
        self,
        brokers: Iterable[str],
        topic: str | None,
        add_config: dict[str, Any] | None = None,
        *,
        start_timeout: timedelta = START_TIMEOUT,
    ) -> None:
        """Choose where to write.

        Args:
            brokers: Addresses, `host:port`, of some brokers; the others are found.
            topic: Name of the topic of messages that do not name one themselves; `None` if all do.
            add_config: Settings of the client library, librdkafka, that are added to ours.
            start_timeout: How long to wait for a broker at the start; also how long credentials
                may be refused during the run.

        Raises:
            TypeError: An argument is of a wrong type; a single string instead of a list, say.
            ValueError: An argument makes no sense.
        """
        self._brokers = checked_list("brokers", brokers)
        self._topic = topic
        self._add_config = dict(add_config or {})
        self._start_timeout_s = checked_timeout("start_timeout", start_timeout)

    def build(self, _step_id: str, worker_index: int, worker_count: int) -> KafkaSinkPartition:
        """Connect; see `DynamicSink.build`.

        Raises:
            KafkaStartError: No broker answers, it refuses the client, or the topic is missing.
        """
        producing = Producing(self._brokers, {}, self._add_config, self._start_timeout_s)
        if self._topic is not None:
            producing.start(self._start_timeout_s).partitions(self._topic)
        return KafkaSinkPartition(producing, self._topic)
