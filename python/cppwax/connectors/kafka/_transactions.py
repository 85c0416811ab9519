"""Write to topics of Kafka exactly once, by transactions.

Kafka's transactions cannot be prepared by one process and committed by the next: a producer that
starts with the same id aborts what the one before has left open. So nothing is produced before an
epoch is durable. Its messages lie in the recovery store until then; `committed` produces them in
one transaction, together with a marker, the epoch, that says that it was done. A run that resumes
reads the marker and produces what is missing. The marker is the committed offset of a consumer
group that nobody joins, for Kafka commits such offsets in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from time import monotonic
from typing import Any, Literal, NamedTuple, TypeAlias, get_args
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka import KafkaError as ConfluentKafkaError

from cppwax.connectors.kafka._client import (
    LOGGER,
    START_TIMEOUT,
    checked_list,
    checked_timeout,
    client_config,
    make_client,
    never_free,
    within,
)
from cppwax.connectors.kafka._errors import KafkaDeliveryError, KafkaStartError
from cppwax.connectors.kafka._producing import Producing, Row, row_of
from cppwax.connectors.kafka._sink import SinkItem
from cppwax.outputs import FixedPartitionedSink, TransactionalSinkPartition

LostMarker: TypeAlias = Literal["fail", "produce", "skip"]
"""What to do at a resume where the marker is gone; `KafkaTransactionalSink` says more."""

#: The owner of the marker, and epochs with their messages that may not be in Kafka. Plain tuples,
#: so that a store does not depend on where classes lie.
State = tuple[str, tuple[tuple[int, tuple[Row, ...]], ...]]

_TRIES = 3
#: It takes milliseconds. After a restart of its broker, librdkafka (2.16) may wait for ever for a
#: connection that it has given up, whatever it is told: then a new producer is the way out.
_OFFSETS_TIMEOUT_S = 5.0
_LOCKED_OUT = (ConfluentKafkaError._FENCED, ConfluentKafkaError.PRODUCER_FENCED)


class _Marker(NamedTuple):
    epoch: int
    owner: str


class KafkaTransactionalSinkPartition(TransactionalSinkPartition[SinkItem, State]):
    """One transactional producer."""

    def __init__(self, sink: KafkaTransactionalSink, name: str, state: State | None) -> None:
        self._sink = sink
        self._id = f"{sink.transactional_id}-{name}"
        self._values: list[Row] = []
        #: As it was read or written last; `None` where there is none.
        self._known_marker: _Marker | None = None
        self._owner, self._prepared = state if state is not None else (uuid4().hex, ())
        self._open(sink.start_timeout_s)
        try:
            self._start.partitions(sink.topic)
            # Before the producer of another flow is ended, which the next step does. A transaction
            # that a dead run has left open is not waited for: only that step ends it.
            self._check(self._glance_at_marker(), state)
            self._init_transactions()
            # Now nothing of an earlier run can be under way any more.
            self._marker = self._take_over(state)
        except BaseException:
            self._group.close()
            raise

    def _open(self, timeout_s: float) -> None:
        sink = self._sink
        # Waits for transactions that are being committed.
        self._group = self._open_group("read_committed")
        self._producing = Producing(
            sink.brokers,
            {"transactional.id": self._id},
            {**sink.add_config, "transactional.id": self._id},
            timeout_s,
        )
        self._start = self._producing.start(timeout_s)

    def _renew(self, marker: _Marker, failure: KafkaDeliveryError) -> bool:
        """Begin anew after a failure, as the next run would do.

        What the old producer has left open ends by it. Only then the marker tells whether a
        transaction of which no answer came was committed.

        Args:
            marker: That of the transaction that failed.
            failure: How it did.

        Returns:
            Whether it was committed.

        Raises:
            KafkaDeliveryError: Another run has written with this id.
        """
        never_free(self._producing.producer)
        never_free(self._group)
        self._open(max(self._sink.start_timeout_s, self._sink.transaction_timeout_s))
        # The reason for a failure may be that another run has taken the id over, while this one
        # stood still; not every error says so. The next step would end it.
        self._check_overtaken(self._glance_at_marker(), marker, failure)
        self._init_transactions()
        found = self._read_marker(self._group)
        self._check_overtaken(found, marker, failure)
        return found == marker

    def _check_overtaken(
        self, found: _Marker | None, marker: _Marker, failure: KafkaDeliveryError
    ) -> None:
        """Refuse to set a marker back, and to write again what it is about."""
        if found in (None, self._known_marker, marker):
            return
        raise KafkaDeliveryError(
            f"{failure}; another run writes with the transactional id {self._id!r} meanwhile",
            failure.topic,
            failure.partition,
            failure.error,
        )

    def _open_group(self, isolation_level: str) -> Consumer:
        config, _errors = client_config(
            self._sink.brokers,
            {"group.id": self._id, "enable.auto.commit": False},
            self._sink.client_config,
            self._sink.start_timeout_s,
        )
        config |= {"group.id": self._id, "isolation.level": isolation_level}
        group: Consumer = make_client(Consumer, config)
        return group

    def _place(self) -> TopicPartition:
        return TopicPartition(self._sink.topic, 0)

    def _glance_at_marker(self) -> _Marker | None:
        group = self._open_group("read_uncommitted")
        try:
            return self._read_marker(group)
        finally:
            group.close()

    def _read_marker(self, group: Consumer) -> _Marker | None:
        while True:
            try:
                (found,) = group.committed([self._place()], timeout=self._start.left_s())
                if found.error is None:
                    break
                error = found.error
            except KafkaException as ex:
                error = ex.args[0]
            self._start.check(error, f"asking for the offsets of group {self._id!r}")
        if found.offset < 0:
            return None
        return _Marker(found.offset, found.metadata or "")

    def _init_transactions(self) -> None:
        while True:
            try:
                self._producing.producer.init_transactions(self._start.left_s())
                return
            except KafkaException as ex:
                error = ex.args[0]
                if not error.retriable():
                    raise KafkaStartError(
                        f"Kafka transactions of id {self._id!r} cannot start: "
                        f"{error.str()} ({error.name()})"
                    ) from None
                self._start.check(error, f"starting transactions of id {self._id!r}")

    def _check(self, marker: _Marker | None, state: State | None) -> None:
        """Refuse a marker that another store has written."""
        if marker is None or marker.epoch == 0:
            return
        if state is None or marker.owner != self._owner:
            raise ValueError(
                f"the transactional id {self._id!r} has written to Kafka from another recovery "
                "store, or from one that this store is an old copy of; give each flow and each "
                "new store a `transactional_id` of its own"
            )

    def _take_over(self, state: State | None) -> _Marker:
        marker = self._known_marker = self._read_marker(self._group)
        self._check(marker, state)
        if state is None:
            # From now on a marker that is missing is one that was lost.
            return self._commit(_Marker(0, self._owner), ())
        if marker is not None and marker.owner == self._owner:
            return marker
        return self._without_marker()

    def _without_marker(self) -> _Marker:
        epochs = [epoch for epoch, _rows in self._prepared]
        choice = self._sink.lost_marker
        if choice == "fail":
            raise KafkaStartError(
                f"the offset of the Kafka consumer group {self._id!r}, which tells what was "
                f"written, is gone; brokers forget it after `offsets.retention.minutes`. So it is "
                f"not known whether the messages of epochs {epochs} are in Kafka: look, and run "
                'with lost_marker="produce" if they are not, "skip" if they are'
            )
        LOGGER.warning("marker of %s is gone; epochs %s: %s", self._id, epochs, choice)
        return _Marker(max(epochs, default=0) if choice == "skip" else 0, self._owner)

    def write_batch(self, values: list[SinkItem]) -> None:
        topic = self._sink.topic
        self._values += [row_of(value, topic) for value in values]

    def prepare(self, epoch: int) -> None:
        self._prepared = (*self._prepared, (epoch, tuple(self._values)))
        self._values = []

    def snapshot(self) -> State:
        return (self._owner, self._prepared)

    def committed(self, epoch: int) -> None:
        if self._marker.epoch > epoch:
            raise ValueError(
                f"Kafka has the messages of epoch {self._marker.epoch} from transactional id "
                f"{self._id!r}, but the recovery store goes on from epoch {epoch}: it is an old "
                "copy. To write all since then again, give a new `transactional_id`"
            )
        due = [each for each in self._prepared if self._marker.epoch < each[0] <= epoch]
        if due:
            rows = tuple(row for _epoch, rows in due for row in rows)
            self._marker = self._commit(_Marker(due[-1][0], self._owner), rows)
        self._prepared = tuple(each for each in self._prepared if each[0] > epoch)

    def _commit(self, marker: _Marker, rows: tuple[Row, ...]) -> _Marker:
        for left in reversed(range(_TRIES)):
            try:
                self._transact(marker, rows)
                break
            except (KafkaDeliveryError, KafkaException) as ex:
                failure = ex if isinstance(ex, KafkaDeliveryError) else self._failed(ex.args[0])
                # Two flows of one id would take it from each other for ever.
                if not left or failure.error.code() in _LOCKED_OUT:
                    raise failure from None
                LOGGER.warning("transaction of %s is done again: %s", self._id, failure)
            if self._renew(marker, failure):
                break
        self._known_marker = marker
        return marker

    def _failed(self, error: ConfluentKafkaError) -> KafkaDeliveryError:
        return KafkaDeliveryError(
            f"a Kafka transaction of id {self._id!r} failed: {error.str()} ({error.name()})",
            self._sink.topic,
            None,
            error,
        )

    def _transact(self, marker: _Marker, rows: tuple[Row, ...]) -> None:
        producer = self._producing.producer
        producer.begin_transaction()
        for row in rows:
            self._producing.write_row(row)
        # Else what was not delivered shows only as a transaction in a wrong state.
        self._producing.flush()
        place = TopicPartition(self._sink.topic, 0, marker.epoch, metadata=marker.owner)
        whose = self._group.consumer_group_metadata()
        timeout_s = min(_OFFSETS_TIMEOUT_S, self._sink.transaction_timeout_s)
        send = producer.send_offsets_to_transaction
        within(timeout_s, lambda: self._repeat(lambda s: send([place], whose, s), timeout_s))
        self._repeat(producer.commit_transaction, self._sink.transaction_timeout_s)

    def _repeat(self, call: Callable[[float], object], timeout_s: float) -> None:
        """Call what may be called again until it is through."""
        end = monotonic() + timeout_s
        while True:
            try:
                call(1.0)
                return
            except KafkaException as ex:
                if not ex.args[0].retriable() or monotonic() >= end:
                    raise

    def close(self) -> None:
        # A transaction that is open is aborted by the next producer of this id.
        self._producing.give_up()
        self._group.close()


class KafkaTransactionalSink(FixedPartitionedSink[SinkItem, State]):
    """Write messages to Kafka exactly once; only for runs with a recovery store.

    Items are `(key, KafkaSinkMessage)`; all of a key are written by the same producer, in order.
    Messages are written when their epoch has become durable, one or two epochs after they came,
    and each producer's messages of an epoch appear at once. They lie in the recovery store
    meanwhile. Consumers must read with `isolation.level=read_committed`; librdkafka does by
    default, Java's client does not.
    """

    def __init__(
        self,
        brokers: Iterable[str],
        topic: str,
        transactional_id: str,
        add_config: dict[str, Any] | None = None,
        *,
        producer_count: int = 1,
        start_timeout: timedelta = START_TIMEOUT,
        lost_marker: LostMarker = "fail",
    ) -> None:
        """Choose where to write.

        Args:
            brokers: Addresses, `host:port`, of some brokers; the others are found.
            topic: Name of the topic of messages that do not name one themselves.
            transactional_id: Name of this sink, of this flow alone among all that use the brokers.
                It is the beginning of the ids of its transactions and of its consumer groups,
                which keep what was written as the offset of partition 0 of the topic.
            add_config: Settings of the client library, librdkafka, for the producers;
                `transaction.timeout.ms` among them. Those for the connection hold for all.
            producer_count: How many producers there are, each on one worker. It cannot change
                between the runs of a recovery store.
            start_timeout: How long to wait for a broker at the start.
            lost_marker: What to do where a run resumes after so long that the brokers have
                forgotten the consumer group's offset (`offsets.retention.minutes`, 7 days without
                a message): `"fail"`, or write the last epoch's messages again, `"produce"`, or
                not, `"skip"`.

        Raises:
            TypeError: An argument is of a wrong type; a single string instead of a list, say.
            ValueError: An argument makes no sense.
        """
        self.brokers = checked_list("brokers", brokers)
        if not isinstance(topic, str) or not topic:
            raise TypeError(f"topic must be a name, not {topic!r}")
        if not isinstance(transactional_id, str) or not transactional_id:
            raise TypeError(f"transactional_id must be a name, not {transactional_id!r}")
        if producer_count < 1:
            raise ValueError(f"producer_count must be at least 1, not {producer_count}")
        if lost_marker not in get_args(LostMarker):
            raise ValueError(f"lost_marker must be one of {get_args(LostMarker)}: {lost_marker!r}")
        self.topic = topic
        self.transactional_id = transactional_id
        self.add_config = dict(add_config or {})
        self.lost_marker = lost_marker
        self.start_timeout_s = checked_timeout("start_timeout", start_timeout)
        self.transaction_timeout_s = _transaction_timeout_s(self.add_config)
        self._producer_count = producer_count

    @property
    def client_config(self) -> dict[str, Any]:
        """Settings that are for any client, not for producers alone."""
        return {
            name: value
            for name, value in self.add_config.items()
            if name.startswith(_OF_ALL_CLIENTS)
        }

    def list_parts(self) -> list[str]:
        """Name the producers."""
        width = len(str(self._producer_count - 1))
        return [f"{index:0{width}}" for index in range(self._producer_count)]

    def build_part(
        self, step_id: str, for_part: str, resume_state: State | None
    ) -> KafkaTransactionalSinkPartition:
        """Connect, and end what an earlier run has left; see `FixedPartitionedSink.build_part`.

        Raises:
            KafkaStartError: No broker answers, it refuses the client, or something is missing.
            ValueError: The recovery store is not the one that the transactional id was used with.
        """
        return KafkaTransactionalSinkPartition(self, for_part, resume_state)


def _transaction_timeout_s(config: dict[str, Any]) -> float:
    name = "transaction.timeout.ms"
    given = config.get(name, 60_000)
    try:
        return int(given) / 1000
    except (TypeError, ValueError):
        raise ValueError(
            f"Kafka settings are wrong: {name!r} must be a whole number of milliseconds, "
            f"not {given!r}"
        ) from None


_OF_ALL_CLIENTS = (
    *("security.", "sasl.", "ssl.", "enable.ssl.", "oauth", "https.", "broker.", "client."),
    *("socket.", "connections.", "reconnect.", "api.", "log_level", "logger", "error_cb"),
)
