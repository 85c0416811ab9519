"""Steps that read and write Kafka; usually imported as `kop`.

Where a message can be wrong, a step has two streams: `oks` and `errs`. Write the second to a topic
of its own, count it, or end the run with `op.raises`. Errors that no step reads are dropped.

>>> from confluent_kafka.serialization import StringDeserializer
>>> import cppwax.operators as op
>>> from cppwax.connectors.kafka import KafkaSourceMessage
>>> from cppwax.connectors.kafka import operators as kop
>>> from cppwax.dataflow import Dataflow
>>> from cppwax.testing import TestingSink, TestingSource, run_main
>>> values, bad = [], []
>>> flow = Dataflow("reading")
>>> messages = (KafkaSourceMessage(None, value) for value in (b"a", bytes([255])))
>>> raw = op.input("inp", flow, TestingSource(messages))
>>> read = kop.deserialize_value("read", raw, StringDeserializer())
>>> op.output("values", op.map("value", read.oks, lambda msg: msg.value), TestingSink(values))
>>> op.output("bad", op.map("cause", read.errs, lambda error: error.err.name()), TestingSink(bad))
>>> run_main(flow)
>>> values, bad
(['a'], ['_VALUE_DESERIALIZATION'])
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from confluent_kafka import OFFSET_BEGINNING
from confluent_kafka.serialization import Deserializer, Serializer

import cppwax.operators as op
from cppwax.connectors.kafka._client import START_TIMEOUT
from cppwax.connectors.kafka._conversions import (
    DeserializeBatch,
    KeyedBatch,
    SerializeBatch,
    ToSinkBatch,
    is_message,
)
from cppwax.connectors.kafka._errors import KafkaError
from cppwax.connectors.kafka._messages import KafkaSinkMessage, KafkaSourceMessage
from cppwax.connectors.kafka._sink import KafkaSink
from cppwax.connectors.kafka._source import KafkaSource
from cppwax.connectors.kafka._transactions import KafkaTransactionalSink, LostMarker
from cppwax.dataflow import Dataflow, KeyedStream, Stream, operator
from cppwax.operators._batch_mappers import MapItem

__all__ = [
    "KafkaOpOut",
    "deserialize",
    "deserialize_key",
    "deserialize_value",
    "input",
    "output",
    "serialize",
    "serialize_key",
    "serialize_value",
]

X = TypeVar("X")
E = TypeVar("E")
K = TypeVar("K")
V = TypeVar("V")
K2 = TypeVar("K2")
V2 = TypeVar("V2")

MaybeBytes = bytes | None


@dataclass(frozen=True)
class KafkaOpOut(Generic[X, E]):
    """The two streams of steps in which messages can be wrong."""

    oks: Stream[X]
    """The messages."""
    errs: Stream[E]
    """The errors, each with its message."""


def _by_batch(batch_mapper: Callable[[list[Any]], list[Any]]) -> Any:
    """Let `op.map` take a function over batches."""
    return MapItem(batch_mapper)


@operator
def _kafka_error_split(
    step_id: str, up: Stream[KafkaSourceMessage[K2, V2] | KafkaError[K, V]]
) -> KafkaOpOut[KafkaSourceMessage[K2, V2], KafkaError[K, V]]:
    """Send errors another way."""
    both: Any = op.branch("branch", up, is_message)
    return KafkaOpOut(both.trues, both.falses)


@operator
def _to_sink(
    step_id: str, up: Stream[KafkaSourceMessage[K, V] | KafkaSinkMessage[K, V]]
) -> Stream[KafkaSinkMessage[K, V]]:
    """Make messages that were read into messages to write."""
    return op.map("map", up, _by_batch(ToSinkBatch(step_id)))


@operator
def _keyed(step_id: str, up: Stream[KafkaSinkMessage[K, V]]) -> KeyedStream[KafkaSinkMessage[K, V]]:
    """Bring all messages of a key to the same producer."""
    return op.map("map", up, _by_batch(KeyedBatch(step_id)))


@operator
def input(
    step_id: str,
    flow: Dataflow,
    *,
    brokers: list[str],
    topics: list[str],
    tail: bool = True,
    starting_offset: int = OFFSET_BEGINNING,
    add_config: dict[str, Any] | None = None,
    batch_size: int = 1000,
    start_timeout: timedelta = START_TIMEOUT,
    commit_to_group: str | None = None,
    discover_interval: timedelta | None = None,
    reader_count: int = 8,
) -> KafkaOpOut[KafkaSourceMessage[MaybeBytes, MaybeBytes], KafkaError[MaybeBytes, MaybeBytes]]:
    """Read topics of Kafka, with errors as a stream.

    **Shape**: `KafkaOpOut(oks: Stream[KafkaSourceMessage], errs: Stream[KafkaError])`.
    **Order**: kept within each partition of a topic.
    **State**: the offset of each partition.
    **Parallelism**: each partition is read by one worker.

    Args:
        step_id: Name of the step.
        flow: The dataflow.
        brokers: See `cppwax.connectors.kafka.KafkaSource`, as for all others.
        topics: Names of the topics.
        tail: Whether to wait for further messages at the end.
        starting_offset: Where to begin where no snapshot says it.
        add_config: Settings of the client library.
        batch_size: How many messages to take at once.
        start_timeout: How long to wait for a broker at the start.
        commit_to_group: Name of a consumer group to which offsets are committed for lag tools.
        discover_interval: How often to look for new partitions.
        reader_count: How many readers share the partitions, with `discover_interval`.

    Returns:
        Messages, and errors of reading.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: An argument makes no sense.
    """
    source = KafkaSource(
        brokers,
        topics,
        tail,
        starting_offset,
        add_config,
        batch_size,
        raise_on_errors=False,
        start_timeout=start_timeout,
        commit_to_group=commit_to_group,
        discover_interval=discover_interval,
        reader_count=reader_count,
    )
    return op.input("kafka_input", flow, source).then(_kafka_error_split, "split_err")


@operator
def output(
    step_id: str,
    up: Stream[
        KafkaSourceMessage[MaybeBytes, MaybeBytes] | KafkaSinkMessage[MaybeBytes, MaybeBytes]
    ],
    *,
    brokers: list[str],
    topic: str,
    add_config: dict[str, Any] | None = None,
    start_timeout: timedelta = START_TIMEOUT,
    transactional_id: str | None = None,
    producer_count: int = 1,
    lost_marker: LostMarker = "fail",
) -> None:
    """Write messages to Kafka; exactly once with a `transactional_id`, else at least once.

    **Shape**: `Stream[KafkaSourceMessage | KafkaSinkMessage]`.
    **Order**: kept of each worker and partition; with a `transactional_id`, of each message key.
    **State**: with a `transactional_id`, the messages of epochs that are not durable yet.
    **Parallelism**: each worker writes its own; with a `transactional_id`, messages are brought to
    the worker of the producer of their keys.

    Args:
        step_id: Name of the step.
        up: The stream; keys and values must be bytes or `None`. Of messages that were read, key,
            value and headers are written.
        brokers: Addresses, `host:port`, of some brokers; the others are found.
        topic: Name of the topic of messages that do not name one themselves.
        add_config: Settings of the client library.
        start_timeout: How long to wait for a broker at the start.
        transactional_id: Name of this output, of this flow alone among all that use the brokers;
            see `cppwax.connectors.kafka.KafkaTransactionalSink`. It needs a recovery store.
        producer_count: As for that class.
        lost_marker: As for that class.

    Raises:
        TypeError: An argument is of a wrong type.
        ValueError: An argument makes no sense.
    """
    messages = _to_sink("to_sink", up)
    if transactional_id is None:
        sink = KafkaSink(brokers, topic, add_config, start_timeout=start_timeout)
        return op.output("kafka_output", messages, sink)
    exactly_once = KafkaTransactionalSink(
        brokers,
        topic,
        transactional_id,
        add_config,
        producer_count=producer_count,
        start_timeout=start_timeout,
        lost_marker=lost_marker,
    )
    return op.output("kafka_output", _keyed("keyed", messages), exactly_once)


@operator
def deserialize_key(
    step_id: str,
    up: Stream[KafkaSourceMessage[MaybeBytes, V]],
    deserializer: Deserializer,
) -> KafkaOpOut[KafkaSourceMessage[object, V], KafkaError[MaybeBytes, V]]:
    """Read keys.

    **Shape**: `Stream[KafkaSourceMessage] → KafkaOpOut(oks: Stream[KafkaSourceMessage], errs:
    Stream[KafkaError])`.
    **Order**: kept in each of the two.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        deserializer: Called with a key and the context, gives what it means.

    Returns:
        Messages, and errors with the messages as they came.
    """
    made: Stream[Any] = op.map("map", up, _by_batch(DeserializeBatch(step_id, deserializer, None)))
    return _kafka_error_split("split", made)


@operator
def deserialize_value(
    step_id: str,
    up: Stream[KafkaSourceMessage[K, MaybeBytes]],
    deserializer: Deserializer,
) -> KafkaOpOut[KafkaSourceMessage[K, object], KafkaError[K, MaybeBytes]]:
    """Read values.

    **Shape**: `Stream[KafkaSourceMessage] → KafkaOpOut(oks: Stream[KafkaSourceMessage], errs:
    Stream[KafkaError])`.
    **Order**: kept in each of the two.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        deserializer: Called with a value and the context, gives what it means.

    Returns:
        Messages, and errors with the messages as they came.
    """
    made: Stream[Any] = op.map("map", up, _by_batch(DeserializeBatch(step_id, None, deserializer)))
    return _kafka_error_split("split_err", made)


@operator
def deserialize(
    step_id: str,
    up: Stream[KafkaSourceMessage[MaybeBytes, MaybeBytes]],
    *,
    key_deserializer: Deserializer,
    val_deserializer: Deserializer,
) -> KafkaOpOut[KafkaSourceMessage[object, object], KafkaError[MaybeBytes, MaybeBytes]]:
    """Read keys and values.

    **Shape**: `Stream[KafkaSourceMessage] → KafkaOpOut(oks: Stream[KafkaSourceMessage], errs:
    Stream[KafkaError])`.
    **Order**: kept in each of the two.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        key_deserializer: Called with a key and the context, gives what it means.
        val_deserializer: Called with a value and the context, gives what it means.

    Returns:
        Messages, and errors with the messages as they came.
    """
    both = DeserializeBatch(step_id, key_deserializer, val_deserializer)
    made: Stream[Any] = op.map("map", up, _by_batch(both))
    return _kafka_error_split("split_err", made)


@operator
def serialize_key(
    step_id: str,
    up: Stream[KafkaSourceMessage[Any, V] | KafkaSinkMessage[Any, V]],
    serializer: Serializer,
    *,
    topic: str | None = None,
) -> Stream[KafkaSinkMessage[bytes, V]]:
    """Write keys as bytes.

    **Shape**: `Stream[KafkaSourceMessage | KafkaSinkMessage] → Stream[KafkaSinkMessage]`.
    **Order**: kept.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        serializer: Called with a key and the context, gives bytes, or `None` for no key.
        topic: The topic in the context, of messages that do not name one themselves: serializers
            of schema registries name their schemas by it.

    Returns:
        Messages to write.

    Raises:
        RuntimeError: When run, if a key cannot be written.
    """
    made = _by_batch(SerializeBatch(step_id, serializer, None, topic))
    return op.map("map", _to_sink("to_sink", up), made)


@operator
def serialize_value(
    step_id: str,
    up: Stream[KafkaSourceMessage[K, Any] | KafkaSinkMessage[K, Any]],
    serializer: Serializer,
    *,
    topic: str | None = None,
) -> Stream[KafkaSinkMessage[K, bytes]]:
    """Write values as bytes.

    **Shape**: `Stream[KafkaSourceMessage | KafkaSinkMessage] → Stream[KafkaSinkMessage]`.
    **Order**: kept.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        serializer: Called with a value and the context, gives bytes, or `None` for no value.
        topic: The topic in the context, as for `serialize_key`.

    Returns:
        Messages to write.

    Raises:
        RuntimeError: When run, if a value cannot be written.
    """
    made = SerializeBatch(step_id, None, serializer, topic)
    return op.map("map", _to_sink("to_sink", up), _by_batch(made))


@operator
def serialize(
    step_id: str,
    up: Stream[KafkaSourceMessage[Any, Any] | KafkaSinkMessage[Any, Any]],
    *,
    key_serializer: Serializer,
    val_serializer: Serializer,
    topic: str | None = None,
) -> Stream[KafkaSinkMessage[bytes, bytes]]:
    """Write keys and values as bytes.

    **Shape**: `Stream[KafkaSourceMessage | KafkaSinkMessage] → Stream[KafkaSinkMessage]`.
    **Order**: kept.
    **State**: none.
    **Parallelism**: items stay on their worker.

    Args:
        step_id: Name of the step.
        up: The stream.
        key_serializer: Called with a key and the context, gives bytes, or `None` for no key.
        val_serializer: Called with a value and the context, gives bytes, or `None` for no value.
        topic: The topic in the context, as for `serialize_key`.

    Returns:
        Messages to write.

    Raises:
        RuntimeError: When run, if a key or value cannot be written.
    """
    made = SerializeBatch(step_id, key_serializer, val_serializer, topic)
    return op.map("map", _to_sink("to_sink", up), _by_batch(made))
