"""The consumer group of a source: it is told of, and readers do not depend on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from confluent_kafka import OFFSET_STORED, Consumer, KafkaError, TopicPartition

import cppwax.operators as op
from cppwax.connectors.kafka import KafkaSource, KafkaSourceError
from cppwax.connectors.kafka._group import Group
from cppwax.connectors.kafka._reader import PartitionReader, Reading
from cppwax.connectors.kafka._topics_reader import Offsets, TopicsReader
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSink, run_main
from scripts.kafka_broker import PASSWORD, USER, KafkaBroker
from tests.python.connectors.kafka import tools

TopicMaker = Callable[..., str]


@pytest.fixture
def busy_group(broker: KafkaBroker, new_topic: TopicMaker) -> Iterator[str]:
    """A group with a member."""
    name = f"busy-{new_topic()}"
    member = Consumer({"bootstrap.servers": broker.address, "group.id": name})
    member.subscribe([name.removeprefix("busy-")])
    tools.until(lambda: [member.poll(0.1), member.assignment()][1])
    yield name
    member.close()


def test_a_commit_that_is_refused_is_told(
    broker: KafkaBroker,
    new_topic: TopicMaker,
    busy_group: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    topic = new_topic()
    tools.produce(broker.address, topic, ["a", "b"])
    heard: list[Any] = []
    source = KafkaSource(
        [broker.address],
        [topic],
        tail=False,
        add_config={"on_commit": lambda error, places: heard.append((error.code(), places))},
        commit_to_group=busy_group,
    )
    out: list[Any] = []
    flow = Dataflow("reading")
    op.output("out", op.input("inp", flow, source), TestingSink(out))
    run_main(flow)
    assert [item.value for item in out] == [b"a", b"b"]
    (warning,) = [text for text in caplog.messages if "not committed" in text]
    assert repr(busy_group) in warning and "UNKNOWN_MEMBER_ID" in warning
    assert "has members" in warning
    ((code, (place,)),) = heard
    assert code == KafkaError.UNKNOWN_MEMBER_ID
    assert (place.topic, place.partition, place.offset) == (topic, 0, 2)


def test_refusals_are_told_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    report = Group("mine", True).reports(None)
    for _ in range(100):
        report(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED), [TopicPartition("t", 0, 5)])
    (warning,) = caplog.messages
    assert "'mine'" in warning and "READ" in warning


def test_commits_that_are_done_are_not_told(caplog: pytest.LogCaptureFixture) -> None:
    report = Group("mine", True).reports(None)
    report(None, [TopicPartition("t", 0, 5)])
    report(KafkaError(KafkaError._NO_OFFSET), [])
    assert caplog.messages == []


def test_a_partition_that_is_refused_is_told(caplog: pytest.LogCaptureFixture) -> None:
    class Place:
        error = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)

    Group("mine", True).reports(None)(None, [TopicPartition("t", 0, 5), Place()])
    (warning,) = caplog.messages
    assert "TOPIC_AUTHORIZATION_FAILED" in warning


def source_of(
    broker: KafkaBroker, topic: str, group: str, by_readers: bool, **options: Any
) -> KafkaSource:
    login = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": USER,
        "sasl.password": PASSWORD,
    }
    if by_readers:
        options |= {"discover_interval": timedelta(seconds=30), "reader_count": 1}
    add = login if "commit_to_group" in options else {**login, "group.id": group}
    return KafkaSource([broker.checked_address], [topic], add_config=add, **options)


@pytest.fixture
def closed_group(broker: KafkaBroker, new_topic: TopicMaker) -> str:
    """A group of somebody else."""
    name = f"closed-{new_topic()}"
    tools.allow(broker.address, "somebody", "GROUP", name, "READ")
    return name


@pytest.mark.parametrize("by_readers", [False, True])
def test_messages_are_read_without_a_right_on_the_group(
    broker: KafkaBroker,
    new_topic: TopicMaker,
    closed_group: str,
    by_readers: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    topic = new_topic()
    tools.produce(broker.address, topic, ["a"])
    source = source_of(broker, topic, closed_group, by_readers)
    part: Any = source.build_part("inp", source.list_parts()[0], None)
    items: list[Any] = []

    def poll(until: Callable[[], object]) -> None:
        tools.until(lambda: [items.extend(part.next_batch()), until()][1])

    poll(lambda: any(repr(closed_group) in text for text in caplog.messages))
    tools.produce(broker.address, topic, ["b"])
    poll(lambda: len(items) == 2)
    assert [item.value for item in items] == [b"a", b"b"]
    (warning,) = [text for text in caplog.messages if repr(closed_group) in text]
    assert "GROUP_AUTHORIZATION_FAILED" in warning and "DESCRIBE" in warning
    assert '"group.id" in add_config' in warning
    part.close()


@pytest.mark.parametrize("by_readers", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"starting_offset": OFFSET_STORED},
        {"starting_offset": OFFSET_STORED, "raise_on_errors": False},
        {"commit_to_group": "the closed one"},
    ],
)
def test_a_group_that_is_needed_must_be_open(
    broker: KafkaBroker,
    new_topic: TopicMaker,
    closed_group: str,
    options: dict[str, Any],
    by_readers: bool,
) -> None:
    topic = new_topic()
    tools.produce(broker.address, topic, ["a"])
    if "commit_to_group" in options:
        options = {"commit_to_group": closed_group}
    source = source_of(broker, topic, closed_group, by_readers, **options)
    parts: list[Any] = []
    with pytest.raises(KafkaSourceError, match="DESCRIBE the group") as caught:
        parts.append(source.build_part("inp", source.list_parts()[0], None))
        tools.until(lambda: [parts[0].next_batch(), False][1])
    assert f"Kafka consumer group {closed_group!r} cannot be used" in str(caught.value)
    assert caught.value.error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED
    assert (caught.value.topic, caught.value.partition, caught.value.offset) == (None, None, None)
    for part in parts:
        part.close()


def test_a_group_that_must_not_be_read_is_told(
    broker: KafkaBroker, new_topic: TopicMaker, caplog: pytest.LogCaptureFixture
) -> None:
    topic = new_topic()
    group = f"half-closed-{topic}"
    tools.allow(broker.address, USER, "GROUP", group, "DESCRIBE")
    tools.produce(broker.address, topic, ["a"])
    source = source_of(broker, topic, group, False, tail=False, commit_to_group=group)
    out: list[Any] = []
    flow = Dataflow("reading")
    op.output("out", op.input("inp", flow, source), TestingSink(out))
    run_main(flow)
    assert [item.value for item in out] == [b"a"]
    (warning,) = [text for text in caplog.messages if "not committed" in text]
    assert repr(group) in warning and "READ" in warning


class Said:
    """What a consumer gives: a message, or an error."""

    def __init__(self, offset: int | None, error: KafkaError | None, of_topic: bool) -> None:
        self._parts = (offset, error, of_topic)

    def __getattr__(self, name: str) -> Callable[[], Any]:
        offset, error, of_topic = self._parts
        given = {"offset": offset, "error": error}
        if of_topic:
            given |= {"topic": "t", "partition": 0}
        return lambda: given.get(name)


class Scripted:
    """A consumer that gives one batch."""

    def __init__(self, *batch: Said) -> None:
        self._batches = [list(batch)]

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_arguments, **_options: None

    def consume(self, _count: int, _timeout_s: float) -> list[Said]:
        return self._batches.pop() if self._batches else []


class Started:
    """The start of such a consumer."""

    brokers = "b:1"

    class errors:
        lasting_refusal = None

    def partitions(self, _topic: str) -> list[int]:
        return [0]

    def looker(self) -> None:
        pass


@pytest.mark.parametrize("by_readers", [False, True])
@pytest.mark.parametrize("needed", [False, True])
def test_messages_around_an_error_of_the_group(by_readers: bool, needed: bool) -> None:
    """Behind one that ends the run nothing counts; behind any other all does."""
    failed = KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)
    consumer: Any = Scripted(Said(5, None, True), Said(None, failed, False), Said(6, None, True))
    start: Any = Started()
    reading = Reading(100, True, 5, True, Group("mine", needed))
    part: Any
    if by_readers:
        share = Offsets(["t"], 0, 1, {("t", 0): 5})
        part = TopicsReader("inp", consumer, start, reading, share, timedelta(seconds=30))
    else:
        part = PartitionReader("inp", consumer, start, reading, "t", 0, 5)
    offsets = [item.offset for item in part.next_batch()]
    assert offsets == ([5] if needed else [5, 6])
    after = 6 if needed else 7
    assert part.snapshot() == ({("t", 0): after} if by_readers else after)
    if needed:
        with pytest.raises(KafkaSourceError, match="'mine' cannot be used"):
            part.next_batch()
    else:
        assert part.next_batch() == []


def test_what_ends_the_client_ends_the_run() -> None:
    assert Group("mine", False).failure(KafkaError(KafkaError._FATAL), []) is not None
