"""What the Kafka steps do with batches of messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError as ConfluentKafkaError
from confluent_kafka.serialization import MessageField, SerializationContext

from cppwax.connectors.kafka._errors import KafkaError
from cppwax.connectors.kafka._messages import KafkaSinkMessage, KafkaSourceMessage

_PARTS = {
    "key": (MessageField.KEY, ConfluentKafkaError._KEY_DESERIALIZATION),
    "value": (MessageField.VALUE, ConfluentKafkaError._VALUE_DESERIALIZATION),
}


@dataclass(frozen=True, slots=True)
class ToSinkBatch:
    """Makes messages that were read into messages to write."""

    step_id: str

    def __call__(self, messages: list[Any]) -> list[Any]:
        """Leave those that are to be written already as they are."""
        return [
            message.to_sink() if isinstance(message, KafkaSourceMessage) else message
            for message in messages
        ]


@dataclass(frozen=True, slots=True)
class KeyedBatch:
    """Gives each message the key that chooses its producer: its own key, as text."""

    step_id: str

    def __call__(self, messages: list[Any]) -> list[tuple[str, Any]]:
        """Make pairs."""
        return [(self._text(message.key), message) for message in messages]

    def _text(self, key: Any) -> str:
        if isinstance(key, str):
            return key
        if key is None:
            return ""
        if not isinstance(key, bytes):
            raise TypeError(f"the key of a Kafka message must be bytes or None, not {key!r}")
        # One to one: equal texts are of equal keys.
        return key.decode("latin-1")


@dataclass(frozen=True, slots=True)
class DeserializeBatch:
    """Reads keys, values or both; what cannot be read is an error with the whole message."""

    step_id: str
    key: Callable[..., Any] | None
    value: Callable[..., Any] | None

    def __call__(self, messages: list[Any]) -> list[Any]:
        """Give a message or an error for each message."""
        return [self._one(message) for message in messages]

    def _one(self, message: Any) -> Any:
        key, value = message.key, message.value
        part = "key"
        try:
            if self.key is not None:
                key = self.key(key, SerializationContext(message.topic, MessageField.KEY))
            part = "value"
            if self.value is not None:
                value = self.value(value, SerializationContext(message.topic, MessageField.VALUE))
        except Exception as ex:
            text = f"{type(ex).__name__}: {ex}"
            return KafkaError(ConfluentKafkaError(_PARTS[part][1], text), message)
        return message._with_key_and_value(key, value)


@dataclass(frozen=True, slots=True)
class SerializeBatch:
    """Writes keys, values or both as bytes."""

    step_id: str
    key: Callable[..., Any] | None
    value: Callable[..., Any] | None
    topic: str | None

    def __call__(self, messages: list[Any]) -> list[KafkaSinkMessage[Any, Any]]:
        """Give a message for each message."""
        return [self._one(message) for message in messages]

    def _one(self, message: Any) -> KafkaSinkMessage[Any, Any]:
        key, value = message.key, message.value
        topic: Any = self.topic if message.topic is None else message.topic
        part = "key"
        try:
            if self.key is not None:
                key = self.key(key, SerializationContext(topic, MessageField.KEY))
            part = "value"
            if self.value is not None:
                value = self.value(value, SerializationContext(topic, MessageField.VALUE))
        except Exception as ex:
            raise RuntimeError(
                f"step {self.step_id!r}: the {part} of this message could not be serialized "
                f"({type(ex).__name__}: {ex}): {message!r}"
            ) from ex
        made: KafkaSinkMessage[Any, Any] = message._with_key_and_value(key, value)
        return made


def is_message(item: Any) -> bool:
    """Tell messages from errors."""
    return isinstance(item, KafkaSourceMessage)
