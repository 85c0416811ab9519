"""The consumer group of a source: it is told of, and readers do not depend on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition

import cppwax.operators as op
from cppwax.connectors.kafka import KafkaSource
from cppwax.connectors.kafka._group import Group
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSink, run_main
from scripts.kafka_broker import KafkaBroker
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
    report = Group("mine").reports(None)
    for _ in range(100):
        report(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED), [TopicPartition("t", 0, 5)])
    (warning,) = caplog.messages
    assert "'mine'" in warning and "READ" in warning


def test_commits_that_are_done_are_not_told(caplog: pytest.LogCaptureFixture) -> None:
    report = Group("mine").reports(None)
    report(None, [TopicPartition("t", 0, 5)])
    report(KafkaError(KafkaError._NO_OFFSET), [])
    assert caplog.messages == []


def test_a_partition_that_is_refused_is_told(caplog: pytest.LogCaptureFixture) -> None:
    class Place:
        error = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)

    Group("mine").reports(None)(None, [TopicPartition("t", 0, 5), Place()])
    (warning,) = caplog.messages
    assert "TOPIC_AUTHORIZATION_FAILED" in warning
