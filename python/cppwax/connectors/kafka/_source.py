"""Read topics of Kafka."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, OFFSET_STORED, Consumer

from cppwax.connectors.kafka._client import (
    START_TIMEOUT,
    Start,
    checked_list,
    checked_timeout,
    client_config,
    make_client,
)
from cppwax.connectors.kafka._errors import KafkaError
from cppwax.connectors.kafka._group import Group
from cppwax.connectors.kafka._lag import LAG_GAUGE
from cppwax.connectors.kafka._messages import KafkaSourceMessage
from cppwax.connectors.kafka._reader import PartitionReader, Reading
from cppwax.connectors.kafka._topics_reader import Offsets, TopicsReader
from cppwax.inputs import FixedPartitionedSource

SourceItem = KafkaSourceMessage[bytes | None, bytes | None] | KafkaError[bytes | None, bytes | None]

#: There must be one, though offsets are kept in the recovery store.
_NO_GROUP = "cppwax"


class KafkaSource(FixedPartitionedSource[SourceItem, Any]):
    """Read topics of Kafka.

    Items are `KafkaSourceMessage`s, with keys and values as bytes or `None`. Each partition of the
    topics is read by one worker. With a recovery store a resumed run goes on at the message after
    the last snapshot: none is lost, none counted twice.

    A broker that is away for a while, or restarts, is waited for.
    """

    def __init__(
        self,
        brokers: Iterable[str],
        topics: Iterable[str],
        tail: bool = True,
        starting_offset: int = OFFSET_BEGINNING,
        add_config: dict[str, Any] | None = None,
        batch_size: int = 1000,
        raise_on_errors: bool = True,
        *,
        start_timeout: timedelta = START_TIMEOUT,
        commit_to_group: str | None = None,
        discover_interval: timedelta | None = None,
        reader_count: int = 8,
    ) -> None:
        """Choose what to read.

        Args:
            brokers: Addresses, `host:port`, of some brokers; the others are found.
            topics: Names of the topics.
            tail: Whether to wait for further messages at the end of a partition. If not, the
                partition ends with the last message that is there.
            starting_offset: Where to begin where no snapshot says it: the offset of a message,
                `confluent_kafka.OFFSET_BEGINNING` or `OFFSET_END`, which is the end as of the
                start of the run, or `OFFSET_STORED`, which is what the group that `add_config`
                names as `group.id` had committed then. With a recovery store, a run that was killed
                is gone on with from there, once the first epoch is durable: a moment after the
                start, also where no messages come.
            add_config: Settings of the client library, librdkafka, that are added to ours.
            batch_size: How many messages to take at once, at most a million.
            raise_on_errors: Whether an error of a message ends the run. If not, it is an item, a
                `KafkaError`.
            start_timeout: How long to wait for a broker at the start; also how long credentials
                may be refused during the run.
            commit_to_group: Name of a consumer group to which offsets are committed every few
                seconds, so that tools that watch the lag of groups see this source. Nothing ever
                reads them back. The group must have no other members.
            discover_interval: How often to look for new partitions of the topics. By default they
                are found at the next start only. With it partitions are not read one by one, but
                by `reader_count` readers that share them out, new ones included, and what was
                added is read from its beginning. A recovery store belongs to one of the two ways.
            reader_count: How many readers there are, each on one worker; only with
                `discover_interval`. It cannot change between the runs of a recovery store.

        Raises:
            TypeError: An argument is of a wrong type; a single string instead of a list, say.
            ValueError: An argument makes no sense.
        """
        self._brokers = checked_list("brokers", brokers)
        self._topics = list(dict.fromkeys(checked_list("topics", topics)))
        if not 1 <= batch_size <= 1_000_000:
            raise ValueError(f"batch_size must be from 1 to 1,000,000, not {batch_size}")
        if discover_interval is not None:
            checked_timeout("discover_interval", discover_interval)
            if not tail:
                raise ValueError("discover_interval is for sources that do not end: tail=True")
            if reader_count < 1:
                raise ValueError(f"reader_count must be at least 1, not {reader_count}")
        self._start_timeout_s = checked_timeout("start_timeout", start_timeout)
        self._add_config = dict(add_config or {})
        named = self._add_config.get("group.id", _NO_GROUP)
        group = Group(
            named if commit_to_group is None else commit_to_group, commit_to_group is not None
        )
        self._reading = Reading(batch_size, raise_on_errors, starting_offset, tail, group)
        # Another run would find another end; groups go on, by `commit_to_group` before an epoch is.
        self._starts_now = starting_offset in (OFFSET_END, OFFSET_STORED)
        self._discover_interval = discover_interval
        self._reader_count = reader_count
        self._readers: weakref.WeakSet[PartitionReader | TopicsReader] = weakref.WeakSet()

    def list_parts(self) -> list[str]:
        """Name each partition, as in `0-topic`; or each reader.

        Raises:
            KafkaStartError: No broker answers, it refuses the client, or a topic is missing.
        """
        consumer, start = self._connect()
        try:
            found = {topic: start.partitions(topic) for topic in self._topics}
        finally:
            consumer.close()
        if self._discover_interval is not None:
            # With the number in the name, a store that was made with another one is refused.
            count = self._reader_count
            width = len(str(count - 1))
            return [f"reader-{index:0{width}}-of-{count}" for index in range(count)]
        return [f"{index}-{topic}" for topic, indexes in found.items() for index in indexes]

    def build_part(
        self, step_id: str, for_part: str, resume_state: Any | None
    ) -> PartitionReader | TopicsReader:
        """Open a partition or start a reader; see `FixedPartitionedSource.build_part`."""
        kind, _, name = for_part.partition("-")
        if self._discover_interval is None and (not kind.isdigit() or name not in self._topics):
            raise ValueError(
                f"{for_part!r} is no partition of this source, which reads {self._topics}"
            )
        consumer, start = self._connect()
        try:
            reader: PartitionReader | TopicsReader
            if self._discover_interval is None:
                reader = PartitionReader(
                    step_id, consumer, start, self._reading, name, int(kind), resume_state
                )
            else:
                index = int(name.partition("-")[0])
                share = Offsets(self._topics, index, self._reader_count, resume_state)
                reader = TopicsReader(
                    step_id, consumer, start, self._reading, share, self._discover_interval
                )
        except BaseException:
            consumer.close()
            raise
        self._readers.add(reader)
        LAG_GAUGE.watch(reader)
        return reader

    def consumer_lag(self) -> dict[tuple[str, int], int]:
        """Tell how far behind the readers are that are open in this process.

        It may be called from any thread, while a run is on, and asks nobody.

        The gauge `cppwax_kafka_consumer_lag` of `prometheus_client`, which `/metrics` shows, has
        the same numbers.

        Returns:
            For each topic and partition the number of messages that are not read yet, as of the
            last answer of the broker; those of which nothing is known yet are left out. What
            transactions wrote that have not ended counts, and so does the end of each transaction
            between, as for the broker; where all is read it is 0.
        """
        lags: dict[tuple[str, int], int] = {}
        for reader in list(self._readers):
            lags.update(reader.lag())
        return lags

    def _connect(self) -> tuple[Consumer, Start]:
        config, errors = client_config(
            self._brokers,
            {
                "enable.auto.commit": False,
                # Else messages that are gone before they were read are passed over in silence.
                "auto.offset.reset": "error",
            },
            self._add_config,
            self._start_timeout_s,
        )
        group = self._reading.group
        config["group.id"] = group.name
        config["on_commit"] = group.reports(config.get("on_commit"))
        # What the readers rely on.
        config["enable.partition.eof"] = True
        consumer = make_client(Consumer, config)
        return consumer, Start(consumer, config, self._start_timeout_s)
