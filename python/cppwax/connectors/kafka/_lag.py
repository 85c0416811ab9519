"""How far readers are behind the ends of their partitions."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import Protocol
from weakref import WeakSet

from confluent_kafka import Consumer, KafkaException, TopicPartition
from prometheus_client import REGISTRY, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

#: Topic and partition.
Place = tuple[str, int]


class Lags:
    """Of the partitions of one reader; may be asked from any thread."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._ends: dict[Place, int] = {}
        # A consumer that is being closed must not be asked.
        self._lock = Lock()
        self._is_open = True

    def reach_end(self, place: Place, offset: int) -> None:
        """Hear that all before an offset is read.

        The last message may lie further back: what follows it are the ends of transactions, and
        messages of those that were taken back.
        """
        self._ends[place] = offset

    def of(self, place: Place, offset: int) -> int | None:
        """Tell how many offsets are left in a partition of which the next one is known.

        Returns:
            Their number as of the last answer of the broker; `None` where there was none yet.
        """
        with self._lock:
            if not self._is_open:
                return None
            try:
                bounds = self._consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
            except KafkaException:
                return None
        position = max(offset, self._ends.get(place, -1))
        if bounds is not None and 0 <= bounds[1] < position:
            # It was made anew, and has begun again.
            self._ends.pop(place, None)
            position = offset
        if bounds is None or bounds[1] < 0 or position < 0:
            return None
        return max(int(bounds[1]) - position, 0)

    def close(self) -> None:
        """Ask the consumer no more."""
        with self._lock:
            self._is_open = False


class LaggingReader(Protocol):
    """A reader of some step."""

    step_id: str

    def lag(self) -> dict[Place, int]:
        """Give the messages of each partition that are not read yet; from any thread."""


class _LagGauge(Collector):
    """A metric of all readers that are open in this process, made when it is asked for."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._readers: WeakSet[LaggingReader] = WeakSet()
        self._is_registered = False

    def watch(self, reader: LaggingReader) -> None:
        with self._lock:
            self._readers.add(reader)
            if not self._is_registered:
                REGISTRY.register(self)
                self._is_registered = True

    def describe(self) -> Iterable[Metric]:
        """Name the metric; see `prometheus_client`."""
        yield self._family()

    def collect(self) -> Iterable[Metric]:
        """Make the metric anew; see `prometheus_client`."""
        with self._lock:
            readers = list(self._readers)
        lags: dict[tuple[str, str, int], int] = {}
        for reader in readers:
            lags |= {(reader.step_id, *place): lag for place, lag in reader.lag().items()}
        family = self._family()
        for (step_id, topic, partition), lag in lags.items():
            family.add_metric([step_id, topic, str(partition)], lag)
        yield family

    @staticmethod
    def _family() -> GaugeMetricFamily:
        return GaugeMetricFamily(
            "cppwax_kafka_consumer_lag",
            "Messages of a partition of Kafka that the step has not read yet",
            labels=["step_id", "topic", "partition"],
        )


LAG_GAUGE = _LagGauge()
