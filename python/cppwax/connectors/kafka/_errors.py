"""What goes wrong with Kafka: exceptions, and the error that travels as an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from confluent_kafka import KafkaError as ConfluentKafkaError

from cppwax.connectors.kafka._messages import KafkaSourceMessage

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class KafkaError(Generic[K, V]):
    """An error with the message that it is about; an item of streams of errors."""

    err: ConfluentKafkaError
    """What went wrong."""
    msg: KafkaSourceMessage[K, V]
    """The message, with what is known of its topic, partition and offset."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Older versions of the client library cannot pickle its errors.
        err = self.err
        flags = (err.fatal(), err.retriable(), err.txn_requires_abort())
        return (_error_of, (err.code(), err.str(), flags, self.msg))


def _error_of(
    code: int, text: str, flags: tuple[bool, bool, bool], msg: KafkaSourceMessage[Any, Any]
) -> KafkaError[Any, Any]:
    return KafkaError(ConfluentKafkaError(code, text, *flags), msg)


class KafkaStartError(RuntimeError):
    """A source or sink could not start: no broker, wrong credentials, a missing topic."""


class KafkaSourceError(RuntimeError):
    """A message could not be read, or the consumer group that is needed not be used."""

    def __init__(
        self,
        message: str,
        topic: str | None,
        partition: int | None,
        offset: int | None,
        error: ConfluentKafkaError,
    ) -> None:
        """Keep where it was.

        Args:
            message: The whole text.
            topic: The topic; `None`, as the next two, where it is the consumer group's error.
            partition: Number of the partition.
            offset: Offset of the message, or of the next one where there is none.
            error: What the client library said.
        """
        super().__init__(message)
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.error = error


class KafkaDeliveryError(RuntimeError):
    """A message could not be written, or none at all can be."""

    def __init__(
        self, message: str, topic: str | None, partition: int | None, error: ConfluentKafkaError
    ) -> None:
        """Keep where it was to go.

        Args:
            message: The whole text.
            topic: The topic; `None` where the whole producer has failed.
            partition: Number of the partition; `None` where none had been chosen yet.
            error: What the client library said.
        """
        super().__init__(message)
        self.topic = topic
        self.partition = partition
        self.error = error
