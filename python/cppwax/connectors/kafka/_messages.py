"""The items of Kafka sources and sinks."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, make_dataclass
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
K2 = TypeVar("K2")
V2 = TypeVar("V2")
K_co = TypeVar("K_co", covariant=True)
V_co = TypeVar("V_co", covariant=True)

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True)
class KafkaSourceMessage(Generic[K, V]):
    """A message that was read from Kafka."""

    key: K
    """Its key; `None` where it has none."""
    value: V
    """Its value; `None` where it has none, which in a compacted topic deletes the key."""
    topic: str | None = None
    """The topic."""
    headers: Headers = field(default_factory=list)
    """Names and values, in order; names may occur more than once."""
    latency: float | None = None
    """Seconds from producing to delivery, which is known to producers alone."""
    offset: int | None = None
    """Its place in the partition."""
    partition: int | None = None
    """Number of the partition."""
    timestamp: tuple[int, int] | None = None
    """Kind of timestamp (`confluent_kafka.TIMESTAMP_…`) and milliseconds since 1970, UTC."""

    def to_sink(self) -> KafkaSinkMessage[K, V]:
        """Make a message to write of it, with the same key, value and headers.

        Topic, partition and time are those of its new place.

        Returns:
            The message.

        >>> KafkaSourceMessage(b"key", b"value", topic="in", offset=7).to_sink().value
        b'value'
        """
        made = _NewSinkMessage(self.key, self.value, None, self.headers, None, 0)
        made.__class__ = KafkaSinkMessage
        result: KafkaSinkMessage[K, V] = made
        return result

    def _with_key(self, key: K2) -> KafkaSourceMessage[K2, V]:
        return self._with_key_and_value(key, self.value)

    def _with_value(self, value: V2) -> KafkaSourceMessage[K, V2]:
        return self._with_key_and_value(self.key, value)

    def _with_key_and_value(self, key: K2, value: V2) -> KafkaSourceMessage[K2, V2]:
        return source_message(
            key,
            value,
            self.topic,
            self.headers,
            self.latency,
            self.offset,
            self.partition,
            self.timestamp,
        )


@dataclass(frozen=True)
class KafkaSinkMessage(Generic[K_co, V_co]):
    """A message to write to Kafka."""

    key: K_co
    """Its key; `None` for none. By default it chooses the partition."""
    value: V_co
    """Its value; `None` for none, which in a compacted topic deletes the key."""
    topic: str | None = None
    """The topic, where it is not the sink's."""
    headers: Headers = field(default_factory=list)
    """Names and values, in order; names may occur more than once."""
    partition: int | None = None
    """Number of the partition; `None` leaves it to the partitioner of the client library."""
    timestamp: int = 0
    """Milliseconds since 1970, UTC; 0 is the time of writing."""

    def _with_key(self, key: K2) -> KafkaSinkMessage[K2, V_co]:
        return self._with_key_and_value(key, self.value)

    def _with_value(self, value: V2) -> KafkaSinkMessage[K_co, V2]:
        return self._with_key_and_value(self.key, value)

    def _with_key_and_value(self, key: K2, value: V2) -> KafkaSinkMessage[K2, V2]:
        made = _NewSinkMessage(key, value, self.topic, self.headers, self.partition, self.timestamp)
        made.__class__ = KafkaSinkMessage
        result: KafkaSinkMessage[K2, V2] = made
        return result


# To make a frozen dataclass takes five times as long as to make one of these twins and to change
# its class; and there is one for each message. Python allows that for classes of the same bases.
def _bases_of(cls: Any) -> Any:
    return cls.__orig_bases__


_NewSourceMessage: Any = make_dataclass(
    "_NewSourceMessage",
    [(each.name, Any) for each in fields(KafkaSourceMessage)],
    bases=_bases_of(KafkaSourceMessage),
)
_NewSinkMessage: Any = make_dataclass(
    "_NewSinkMessage",
    [(each.name, Any) for each in fields(KafkaSinkMessage)],
    bases=_bases_of(KafkaSinkMessage),
)


def source_message(*parts: Any) -> KafkaSourceMessage[Any, Any]:
    """Make a `KafkaSourceMessage` of all its fields, quickly."""
    made = _NewSourceMessage(*parts)
    made.__class__ = KafkaSourceMessage
    result: KafkaSourceMessage[Any, Any] = made
    return result
