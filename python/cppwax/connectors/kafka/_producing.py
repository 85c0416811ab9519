"""A producer whose failures come out: full queues are waited for, lost messages are errors."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any

from confluent_kafka import KafkaError as ConfluentKafkaError
from confluent_kafka import KafkaException, Producer

from cppwax.connectors.kafka._client import Start, client_config, make_client, way_out
from cppwax.connectors.kafka._errors import KafkaDeliveryError
from cppwax.connectors.kafka._messages import KafkaSinkMessage

#: Topic, value, key, partition (-1 leaves it open), timestamp (0 is now), headers.
Row = tuple[str, Any, Any, int, int, Any]

#: How long one call into the client library lasts, so that signals are seen meanwhile.
_SLICE_S = 0.1
#: Nobody is told when there is room again.
_FULL_QUEUE_S = 0.005
#: Of messages that are on their way; librdkafka would take a gigabyte.
_QUEUE_KBYTES = 64 * 1024
#: What was taken back: by us, or by the client library, whose failed producers drop their queues.
_PURGED = (ConfluentKafkaError._PURGE_QUEUE, ConfluentKafkaError._PURGE_INFLIGHT)
#: They exclude idempotence, which repeats no message and keeps the order when it tries again.
_EXCLUDE_IDEMPOTENCE = {
    "enable.idempotence",
    "acks",
    "request.required.acks",
    "max.in.flight.requests.per.connection",
    "max.in.flight",
    "retries",
    "message.send.max.retries",
    "queuing.strategy",
}

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}").fullmatch
_shortened = reprlib.Repr()
_shortened.maxstring = _shortened.maxother = 80
_short = _shortened.repr


def row_of(message: Any, topic: str | None) -> Row:
    """Take a message apart.

    All that the client library would refuse is refused here: later, what is stored of a message
    could not be written by any program.

    Raises:
        TypeError: It is no `KafkaSinkMessage`, or a part of it has a wrong type.
        ValueError: Neither it nor the sink has a topic, or a part of it has a value that Kafka
            cannot have.
    """
    if not isinstance(message, KafkaSinkMessage):
        text = f"items of a Kafka sink must be `KafkaSinkMessage`s, not {_short(message)}"
        raise TypeError(text)
    to = topic if message.topic is None else message.topic
    if to is None:
        raise ValueError(f"neither the Kafka sink nor the message has a topic: {_short(message)}")
    if not isinstance(to, str):
        raise TypeError(f"the topic of a Kafka message must be a `str`, not {_short(to)}")
    _check_topic(to)
    _check_bytes(to, "key", message.key)
    _check_bytes(to, "value", message.value)
    headers = _checked_headers(to, message.headers) if message.headers else None
    partition = -1 if message.partition is None else message.partition
    _check_number(to, "partition", partition, -1, 2**31 - 1)
    _check_number(to, "timestamp", message.timestamp, -(2**63), 2**63 - 1)
    return (to, message.value, message.key, partition, message.timestamp, headers)


@lru_cache
def _check_topic(topic: str) -> None:
    if not _TOPIC(topic) or topic in (".", ".."):
        raise ValueError(
            f"a Kafka message is for topic {_short(topic)}, but names of topics have 1 to 249 "
            'ASCII letters, digits, ".", "_" or "-", and are not "." or "..": correct the step '
            "that names it"
        )


def _check_bytes(topic: str, what: str, part: Any) -> None:
    if part is None or isinstance(part, bytes):
        return
    if not isinstance(part, str):
        raise TypeError(
            f"the {what} of a message for Kafka topic {topic!r} must be bytes or None, not "
            f"{_short(part)}: serialize it in a step before the sink"
        )
    try:
        part.encode()
    except UnicodeEncodeError as ex:
        raise ValueError(
            f"the {what} of a message for Kafka topic {topic!r} is a `str` that UTF-8 cannot "
            f"encode, for {part[ex.start]!r} at index {ex.start} of {_short(part)}: encode it in a "
            "step before the sink, with the `errors` that it was decoded with, `surrogateescape` "
            "say"
        ) from None


def _checked_headers(topic: str, headers: Any) -> list[tuple[str, Any]]:
    of = f"of a message for Kafka topic {topic!r}"
    pairs = list(headers.items()) if isinstance(headers, dict) else headers
    if not isinstance(pairs, list) or not all(isinstance(p, tuple) and len(p) == 2 for p in pairs):
        raise TypeError(f"the headers {of} must be a list of (name, value), not {_short(headers)}")
    for name, value in pairs:
        if not isinstance(name, str):
            raise TypeError(f"names of headers {of} must be `str`s, not {_short(name)}")
        _check_bytes(topic, f"name {_short(name)} of a header", name)
        if "\0" in name:
            raise ValueError(f"the name of header {_short(name)} {of} must not have a NUL")
        _check_bytes(topic, f"header {_short(name)}", value)
    return list(pairs)


def _check_number(topic: str, what: str, number: Any, least: int, most: int) -> None:
    if isinstance(number, int) and least <= number <= most:
        return
    of = f"the {what} of a message for Kafka topic {topic!r}"
    if not isinstance(number, int):
        raise TypeError(f"{of} must be an int, not {_short(number)}")
    raise ValueError(f"{of} must be from {least} to {most}, not {_short(number)}")


class Producing:
    """Writes messages and knows what became of them; of one worker."""

    def __init__(
        self,
        brokers: Iterable[str],
        defaults: dict[str, Any],
        add_config: dict[str, Any],
        start_timeout_s: float,
    ) -> None:
        is_transactional = "transactional.id" in defaults
        if not is_transactional and not _EXCLUDE_IDEMPOTENCE & add_config.keys():
            defaults = {"enable.idempotence": True, **defaults}
        if "message.max.bytes" not in add_config:  # one of them must fit in
            defaults = {"queue.buffering.max.kbytes": _QUEUE_KBYTES, **defaults}
        config, errors = client_config(brokers, defaults, add_config, start_timeout_s)
        # Reports of what was delivered are a call of Python each, and say nothing.
        self._also: Callable[[Any, Any], object] | None = config.pop("on_delivery", None)
        if self._also is None:
            config["delivery.report.only.error"] = True
        config["on_delivery"] = self._report
        self._config = config
        self._errors = errors
        self._first_failure: KafkaDeliveryError | None = None
        self._failure_count = 0
        self._fatal: ConfluentKafkaError | None = None
        # A transaction that fails takes its messages back, and cannot be committed any more; the
        # call that finds it so knows the reason.
        self._is_transactional = self._may_purge = is_transactional
        self.producer = make_client(Producer, config)
        self._produce = self.producer.produce

    def start(self, timeout_s: float) -> Start:
        """Give what the start of this client needs."""
        return Start(self.producer, self._config, timeout_s)

    def write(self, messages: list[Any], topic: str | None) -> None:
        """Take messages, waiting where there is no room for them.

        Raises:
            KafkaDeliveryError: One of these or earlier ones cannot be delivered.
        """
        produce = self._produce
        for message in messages:
            # The plain ones, which most are, quickly.
            if (
                type(message) is KafkaSinkMessage
                and topic is not None
                and message.topic is None
                and message.partition is None
                and not message.headers
                and message.timestamp == 0
            ):
                try:
                    produce(topic, message.value, message.key)
                    continue
                except (BufferError, KafkaException, TypeError, ValueError):
                    pass  # and once more, with care
            self.write_row(row_of(message, topic))

    def write_row(self, row: Row) -> None:
        """Take one message, waiting where there is no room for it.

        Raises:
            KafkaDeliveryError: It or an earlier one cannot be delivered.
        """
        topic, value, key, partition, timestamp, headers = row
        while True:
            try:
                self._produce(topic, value, key, partition, timestamp=timestamp, headers=headers)
                return
            except BufferError:
                self._hear(self.producer.poll, _FULL_QUEUE_S)
                self.check()
            except KafkaException as ex:
                self.serve()  # A producer that has failed takes nothing; this knows why.
                raise _failed(topic, partition, ex.args[0]) from None

    def serve(self) -> None:
        """Hear what became of earlier messages, without waiting.

        Raises:
            KafkaDeliveryError: Something was not delivered.
        """
        self._hear(self.producer.poll, 0)
        self.check()

    def flush(self) -> None:
        """Wait until all is delivered.

        Raises:
            KafkaDeliveryError: Something was not.
        """
        while self._hear(self.producer.flush, _SLICE_S):
            self.check()
        self.check()

    def _hear(self, call: Callable[[float], int], wait_s: float) -> int:
        """Make a call that reports come by; what ends the whole producer is raised by it, once."""
        try:
            return call(wait_s)
        except KafkaException as ex:
            if self._is_transactional or not ex.args[0].fatal():
                raise
            self._fatal = ex.args[0]
            raise self._ended(self._fatal) from None

    def _ended(self, error: ConfluentKafkaError) -> KafkaDeliveryError:
        return KafkaDeliveryError(
            f"the Kafka producer at {self._config['bootstrap.servers']} has failed, with all that "
            f"was not delivered yet: {error.str()} ({error.name()}){way_out(error)}",
            None,
            None,
            error,
        )

    def check(self) -> None:
        """Raise what was not delivered."""
        if self._fatal is not None:
            raise self._ended(self._fatal)
        failure = self._first_failure
        if failure is not None:
            others = self._failure_count - 1
            text = f"{failure}, and {others} more" if others else str(failure)
            raise KafkaDeliveryError(text, failure.topic, failure.partition, failure.error)
        refusal = self._errors.lasting_refusal
        if refusal is not None and len(self.producer):
            raise RuntimeError(
                f"Kafka at {self._config['bootstrap.servers']} refuses this client: {refusal.str()}"
            )

    def give_up(self, wait_s: float = 0.0) -> None:
        """Drop what is not delivered in time; after a failure, at once."""
        self._may_purge = True
        # A producer that was locked out has been told of already.
        with suppress(KafkaException):
            if wait_s and self._first_failure is None and self._fatal is None:
                self.producer.flush(wait_s)
            self.producer.purge()
            self.producer.flush(_SLICE_S)

    def _report(self, error: ConfluentKafkaError | None, message: Any) -> None:
        if error is not None and not (self._may_purge and error.code() in _PURGED):
            self._failure_count += 1
            if self._first_failure is None:
                self._first_failure = _failed(message.topic(), message.partition(), error)
        if self._also is not None:
            self._also(error, message)


def _failed(topic: str, partition: int | None, error: ConfluentKafkaError) -> KafkaDeliveryError:
    known = partition is not None and partition >= 0
    where = f"topic {topic!r}, partition {partition}" if known else f"topic {topic!r}"
    return KafkaDeliveryError(
        f"a message was not delivered to Kafka {where}: {error.str()} ({error.name()})",
        topic,
        partition if known else None,
        error,
    )
