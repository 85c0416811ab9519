"""Write to topics of Kafka."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from cppwax.connectors.kafka._client import START_TIMEOUT, checked_list, checked_timeout
from cppwax.connectors.kafka._messages import KafkaSinkMessage
from cppwax.connectors.kafka._producing import Producing
from cppwax.outputs import DynamicSink, StatelessSinkPartition

SinkItem = KafkaSinkMessage[bytes | None, bytes | None]


class KafkaSinkPartition(StatelessSinkPartition[SinkItem]):
    """The producer of one worker."""

    def __init__(self, producing: Producing, topic: str | None) -> None:
        self._producing = producing
        self._topic = topic
        self._is_whole = True

    def write_batch(self, items: list[SinkItem]) -> None:
        # Until it is through: what comes after this call may make the epoch durable.
        self._is_whole = False
        self._producing.write(items, self._topic)
        self._producing.flush()
        self._is_whole = True

    def close(self) -> None:
        if not self._is_whole:
            self._producing.give_up()


class KafkaSink(DynamicSink[SinkItem]):
    """Write messages to Kafka; at least once.

    Items are `KafkaSinkMessage`s, with keys and values as bytes or `None`. Each worker has a
    producer. A batch is on the brokers before the next one is taken, so that a snapshot never
    counts a message as written that is not: a batch should be large. What a failed run wrote of
    the epoch that it left open is written again by the resumed one; `KafkaTransactionalSink` does
    not do that.

    A message that cannot be delivered ends the run with a `KafkaDeliveryError`. Brokers that are
    away are waited for, for as long as the setting `delivery.timeout.ms` says (5 minutes).
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
