"""What sources and sinks share: settings of the client library, its errors, the start."""

from __future__ import annotations

import ctypes
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_STORED,
    Consumer,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka import KafkaError as ConfluentKafkaError
from confluent_kafka.admin import AdminClient

from cppwax.connectors.kafka._errors import KafkaStartError

LOGGER = logging.getLogger("cppwax.connectors.kafka")

#: How long to wait for an answer before looking what else was said.
_ASK_S = 1.0

START_TIMEOUT = timedelta(seconds=10)
"""How long a source or sink tries to reach a broker, unless said otherwise."""

_ONE_TRY_S = 1.0
#: A topic that was just made, by someone or by the question itself, is not known everywhere yet.
_UNKNOWN_TOPIC_S = 2.0
#: Refusals further apart than this have nothing to do with each other.
_REFUSAL_GAP_S = 30.0
_SAME_WARNING_S = 60.0

_REFUSALS = (ConfluentKafkaError._AUTHENTICATION, ConfluentKafkaError._SSL)
_UNKNOWN_TOPIC = (
    ConfluentKafkaError.UNKNOWN_TOPIC_OR_PART,
    ConfluentKafkaError._UNKNOWN_TOPIC,
    ConfluentKafkaError._UNKNOWN_PARTITION,
)
#: What librdkafka calls the two ends.
_EARLIEST = ("earliest", "smallest", "beginning")
_LATEST = ("latest", "largest", "end")
_NOT_READY = (ConfluentKafkaError.LEADER_NOT_AVAILABLE,)


def never_free(client: object) -> None:
    """Keep a client that is in an unknown state: to free it may take for ever, at exit too."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(client))


def within(timeout_s: float, call: Callable[[], object]) -> None:
    """Make a call that may never return; then its thread is left alone."""
    outcome: SimpleQueue[BaseException | None] = SimpleQueue()

    def run() -> None:
        try:
            call()
        except BaseException as ex:
            outcome.put(ex)
        else:
            outcome.put(None)

    Thread(target=run, daemon=True).start()
    try:
        failure = outcome.get(timeout=timeout_s + 1)
    except Empty:
        text = f"no answer within {timeout_s:g} s"
        failure = KafkaException(ConfluentKafkaError(ConfluentKafkaError._TIMED_OUT, text))
    if failure is not None:
        raise failure


class Repetitions:
    """Finds texts that were there a short while ago."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.texts: dict[str, float] = {}

    def has(self, text: str) -> bool:
        now = self._now()
        if now - self.texts.get(text, float("-inf")) < _SAME_WARNING_S:
            return True
        if len(self.texts) >= 100:
            self.texts.clear()
        self.texts[text] = now
        return False


_said = Repetitions(monotonic)


def _is_new(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    # Lost connections come as errors too.
    return not text.startswith("FAIL ") and not _said.has(text)


_LIBRARY_LOGGER = LOGGER.getChild("librdkafka")
_LIBRARY_LOGGER.addFilter(_is_new)


def checked_list(name: str, values: Iterable[str]) -> list[str]:
    """Take a list of strings, and no single string, which is one of letters."""
    if isinstance(values, str):
        raise TypeError(f"{name} must be a list of strings, not the string {values!r}")
    listed = list(values)
    if not listed:
        raise ValueError(f"{name} must not be empty")
    for value in listed:
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a list of strings; got {value!r}")
    return listed


def checked_timeout(name: str, timeout: timedelta) -> float:
    """Give the seconds of a time that must be positive."""
    if not isinstance(timeout, timedelta):
        raise TypeError(f"{name} must be a `timedelta`, not {timeout!r}")
    if timeout <= timedelta(0):
        raise ValueError(f"{name} must be longer than zero, not {timeout}")
    return timeout.total_seconds()


class ClientErrors:
    """Hears of the errors that belong to no message: connections and credentials.

    The client library mends these by itself where it can, so only a refusal that lasts is an error,
    and no longer one when it is over.
    """

    def __init__(
        self,
        refusal_timeout_s: float,
        also: Callable[[ConfluentKafkaError], object] | None,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._refusal_timeout_s = refusal_timeout_s
        self._also = also
        self._now = now
        self._heard = Repetitions(now)
        self._refused_since = 0.0
        self._refused_last = float("-inf")
        self.any_refusal: ConfluentKafkaError | None = None

    def __call__(self, error: ConfluentKafkaError) -> None:
        # Without the times in it, which would make each one another.
        text = re.sub(r" \(after [^)]*\)", "", error.str())
        if not self._heard.has(text):
            LOGGER.warning("%s", text)
        if error.code() in _REFUSALS:
            self._refuse(error, self._now())
        if self._also is not None:
            self._also(error)

    def _refuse(self, error: ConfluentKafkaError, now: float) -> None:
        self.any_refusal = error
        if now - self._refused_last > _REFUSAL_GAP_S:
            self._refused_since = now
        self._refused_last = now

    @property
    def lasting_refusal(self) -> ConfluentKafkaError | None:
        """The last refusal, if there have been some for too long and until just now."""
        lasted_s = self._refused_last - self._refused_since
        if self.any_refusal is None or lasted_s < self._refusal_timeout_s:
            return None
        return self.any_refusal if self._now() - self._refused_last <= _REFUSAL_GAP_S else None

    def text(self) -> str:
        """Give all texts so far; empty if there was none."""
        return "; ".join(self._heard.texts)


def client_config(
    brokers: Iterable[str],
    defaults: Mapping[str, Any],
    add_config: Mapping[str, Any] | None,
    start_timeout_s: float,
) -> tuple[dict[str, Any], ClientErrors]:
    """Make the settings of a client: what the user says wins, but callbacks are all called."""
    config: dict[str, Any] = {
        "bootstrap.servers": ",".join(brokers),
        "client.id": "cppwax",
        "logger": _LIBRARY_LOGGER,
        **defaults,
        **(add_config or {}),
    }
    errors = ClientErrors(start_timeout_s, config.get("error_cb"))
    config["error_cb"] = errors
    return config, errors


def make_client(kind: Callable[[dict[str, Any]], Any], config: dict[str, Any]) -> Any:
    """Make a consumer or producer.

    Raises:
        ValueError: A setting is unknown or its value wrong.
    """
    try:
        return kind(config)
    except KafkaException as ex:
        raise ValueError(f"Kafka settings are wrong: {ex.args[0].str()}") from None


def way_out(error: ConfluentKafkaError) -> str:
    """Tell what to do about an error that ends a producer; empty where nothing is known."""
    if error.code() != ConfluentKafkaError.CLUSTER_AUTHORIZATION_FAILED:
        return ""
    return (
        "; an idempotent producer needs the right to WRITE to the topic and, of older brokers, "
        'IDEMPOTENT_WRITE to the cluster; add_config={"enable.idempotence": False} does without'
    )


class Start:
    """A deadline, and what to say when it is over."""

    def __init__(
        self, client: Consumer | Producer, config: dict[str, Any], timeout_s: float
    ) -> None:
        self._client: Any = client
        self._config = config
        self.brokers = config["bootstrap.servers"]
        self.errors: ClientErrors = config["error_cb"]
        self._timeout_s = timeout_s
        self._end = monotonic() + timeout_s

    def left_s(self) -> float:
        """Give the seconds that are left, at least a few."""
        return max(self._end - monotonic(), 0.05)

    def partitions(self, topic: str) -> list[int]:
        """Ask for the partitions of a topic.

        Raises:
            KafkaStartError: There is no such topic, or no broker has answered in time.
        """
        unknown_until = monotonic() + _UNKNOWN_TOPIC_S
        while True:
            try:
                found = self._client.list_topics(topic, timeout=min(_ONE_TRY_S, self.left_s()))
            except KafkaException as ex:
                self.check(ex.args[0], f"asking for topic {topic!r}")
                continue
            error = found.topics[topic].error
            if error is None:
                return sorted(found.topics[topic].partitions)
            may_come = error.code() in _NOT_READY or (
                error.code() in _UNKNOWN_TOPIC and monotonic() < unknown_until
            )
            if not may_come or monotonic() >= self._end:
                raise KafkaStartError(
                    f"Kafka topic {topic!r} cannot be used: {error.str()} ({error.name()}); "
                    f"asked at {self.brokers}"
                )
            self._hear(0.1)

    def end_of(self, place: TopicPartition) -> int:
        """Ask for the offset behind the last message of a partition.

        Raises:
            KafkaStartError: No broker has answered in time.
        """
        while True:
            try:
                bounds = self._client.get_watermark_offsets(place, timeout=self.left_s())
            except KafkaException as ex:
                self.check(ex.args[0], f"asking for the end of topic {place.topic!r}")
                continue
            if bounds is not None:
                return int(bounds[1])

    def stored_of(
        self, place: TopicPartition, refusal_of: Callable[[ConfluentKafkaError], Exception | None]
    ) -> int:
        """Ask for the offset that the consumer's group has committed of a partition.

        Args:
            place: The partition.
            refusal_of: What to raise, if the brokers say this of the group.

        Returns:
            The offset; without one, what `auto.offset.reset` says, `OFFSET_STORED` for an error.

        Raises:
            KafkaStartError: No broker has answered in time.
            Exception: What `refusal_of` gave.
        """
        while True:
            try:
                (found,) = self._client.committed([place], timeout=min(_ASK_S, self.left_s()))
                if found.error is not None:
                    raise KafkaException(found.error)
            except KafkaException as ex:
                # Of a group that is closed to us it only says that the time is over.
                said = self._client.poll(0)
                if said is not None and (refusal := refusal_of(said.error())) is not None:
                    raise refusal from None
                self.check(ex.args[0], f"asking for the group's offset of topic {place.topic!r}")
                continue
            if found.offset >= 0:
                return int(found.offset)
            otherwise = self._config["auto.offset.reset"]
            if otherwise in _LATEST:
                return self.end_of(place)
            return OFFSET_BEGINNING if otherwise in _EARLIEST else OFFSET_STORED

    def looker(self) -> Callable[[list[str]], dict[str, Any]]:
        """Give a function that asks for topics without waiting: for each a future."""
        consumer_only = (
            "group.id",
            "enable.auto.commit",
            "auto.offset.reset",
            "enable.partition.eof",
            "on_commit",
        )
        config = {k: v for k, v in self._config.items() if k not in consumer_only}
        admin = make_client(AdminClient, config)

        def look(topics: list[str]) -> dict[str, Any]:
            admin.poll(0)  # hears of errors
            return dict(admin.describe_topics(TopicCollection(topics)))

        return look

    def _hear(self, wait_s: float) -> None:
        """Hear of errors, and keep tries apart."""
        try:
            self._client.poll(wait_s)
        except KafkaException as ex:  # what a client does not recover from comes this way
            error = ex.args[0]
            raise KafkaStartError(
                f"Kafka at {self.brokers} refused this client: {error.str()}{way_out(error)}"
            ) from None

    def check(self, error: ConfluentKafkaError, doing: str) -> None:
        """Go on after a failed try, unless it is of no use.

        Raises:
            KafkaStartError: The time is over, or the broker does not want us.
        """
        self._hear(0.05)
        refusal = self.errors.any_refusal
        if refusal is not None:
            raise KafkaStartError(f"Kafka at {self.brokers} refused this client: {refusal.str()}")
        if monotonic() >= self._end:
            details = self.errors.text() or error.str()
            raise KafkaStartError(
                f"Kafka at {self.brokers} did not answer within {self._timeout_s:g} s "
                f"({doing}): {details}; is it running, and reachable from here? "
                "`start_timeout` is how long to wait"
            )
