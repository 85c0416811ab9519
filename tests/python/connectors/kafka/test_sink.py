"""Writing to a real Kafka: everything arrives, or the run ends with the reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME

import cppwax.operators as op
from cppwax.connectors.kafka import (
    KafkaDeliveryError,
    KafkaSink,
    KafkaSinkMessage,
    KafkaStartError,
)
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.testing import TestingSource, run_main
from scripts.kafka_broker import KafkaBroker
from tests.python.connectors.kafka import tools

TopicMaker = Callable[..., str]


def flow_of(items: list[Any], sink: Any, batch_size: int = 100) -> Dataflow:
    flow = Dataflow("writing")
    op.output("out", op.input("inp", flow, TestingSource(items, batch_size)), sink)
    return flow


def fails(items: list[Any], sink: KafkaSink) -> BaseException:
    with pytest.raises(CppwaxRuntimeError) as caught:
        run_main(flow_of(items, sink))
    found: BaseException = caught.value
    while found.__cause__ is not None:
        found = found.__cause__
    return found


def test_messages_arrive_in_order(
    broker: KafkaBroker, new_topic: TopicMaker, entry_point: Any
) -> None:
    topic = new_topic()
    items = [KafkaSinkMessage(b"key", str(n).encode()) for n in range(1000)]
    entry_point(flow_of(items, KafkaSink([broker.address], topic)))
    assert tools.values(tools.read(broker.address, topic)) == [str(n) for n in range(1000)]


def test_a_message_has_all_its_parts(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    topic, other = new_topic(3), new_topic()
    headers = [("a", b"1"), ("a", b"2")]
    items = [
        KafkaSinkMessage(b"k", b"v", headers=headers, partition=2, timestamp=1_700_000_000_123),
        KafkaSinkMessage(b"gone", None, partition=0),
        KafkaSinkMessage(None, b"elsewhere", topic=other),
    ]
    run_main(flow_of(items, KafkaSink([broker.address], topic)))
    gone, whole = sorted(tools.read(broker.address, topic), key=lambda each: each.partition())
    assert (whole.key(), whole.value(), whole.partition()) == (b"k", b"v", 2)
    assert whole.headers() == headers
    assert whole.timestamp() == (TIMESTAMP_CREATE_TIME, 1_700_000_000_123)
    assert (gone.key(), gone.value(), gone.partition()) == (b"gone", None, 0)
    assert tools.values(tools.read(broker.address, other)) == ["elsewhere"]


def test_topics_may_be_named_by_messages_alone(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    topic = new_topic()
    sink = KafkaSink([broker.address], None)
    run_main(flow_of([KafkaSinkMessage(None, b"a", topic=topic)], sink))
    assert tools.values(tools.read(broker.address, topic)) == ["a"]
    error = fails([KafkaSinkMessage(None, b"a")], sink)
    assert isinstance(error, ValueError) and "topic" in str(error)


def test_a_full_queue_is_waited_for(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    topic = new_topic()
    sink = KafkaSink([broker.address], topic, {"queue.buffering.max.messages": 10})
    items = [KafkaSinkMessage(None, str(n).encode()) for n in range(500)]
    run_main(flow_of(items, sink, 500))
    assert tools.values(tools.read(broker.address, topic)) == [str(n) for n in range(500)]


def test_batches_do_not_wait_for_the_broker(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    """With one message each: 300 times the time that a message may wait would be 300 s."""
    topic = new_topic()
    sink = KafkaSink([broker.address], topic, {"linger.ms": 1000})
    part = sink.build("out", 0, 1)
    began = monotonic()
    for number in range(300):
        part.write_batch([KafkaSinkMessage(None, str(number).encode())])
    assert monotonic() - began < 100
    part.end_epoch()
    part.close()
    assert tools.values(tools.read(broker.address, topic)) == [str(n) for n in range(300)]


def test_what_was_taken_before_another_step_failed_is_written(
    broker: KafkaBroker, new_topic: TopicMaker
) -> None:
    topic = new_topic()
    sink = KafkaSink([broker.address], topic, {"linger.ms": 500})

    def item(number: int) -> KafkaSinkMessage[None, bytes]:
        if number == 5:
            raise ValueError("five")
        return KafkaSinkMessage(None, str(number).encode())

    flow = Dataflow("failing")
    numbers = op.input("inp", flow, TestingSource(range(10)))
    op.output("out", op.map("number", numbers, item), sink)
    with pytest.raises(CppwaxRuntimeError):
        run_main(flow)
    written = tools.values(tools.read(broker.address, topic))
    assert written == [str(number) for number in range(len(written))]
    assert len(written) >= 4


def test_a_lost_message_is_an_error_before_its_epoch_ends(
    broker: KafkaBroker, new_topic: TopicMaker
) -> None:
    topic = new_topic(max_message_bytes="1000")
    part = KafkaSink([broker.address], topic).build("out", 0, 1)
    part.write_batch([KafkaSinkMessage(None, b"x" * 5000)])

    def heard() -> bool:
        try:
            part.write_batch([KafkaSinkMessage(None, b"a")])
        except KafkaDeliveryError as ex:
            assert "MSG_SIZE_TOO_LARGE" in str(ex)
            return True
        return False

    tools.until(heard)
    part.close()


def test_what_the_broker_refuses_is_an_error(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    topic = new_topic(max_message_bytes="1000")
    sink = KafkaSink([broker.address], topic)
    error = fails([KafkaSinkMessage(None, b"x" * 5000, partition=0) for _ in range(3)], sink)
    assert isinstance(error, KafkaDeliveryError)
    assert (error.topic, error.partition) == (topic, 0)
    assert "MSG_SIZE_TOO_LARGE" in str(error) and f"{topic!r}, partition 0" in str(error)


def test_what_the_library_refuses_is_an_error(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    topic = new_topic()
    sink = KafkaSink([broker.address], topic, {"message.max.bytes": 1000})
    error = fails([KafkaSinkMessage(None, b"x" * 5000)], sink)
    assert isinstance(error, KafkaDeliveryError) and "MSG_SIZE_TOO_LARGE" in str(error)
    error = fails([KafkaSinkMessage(None, b"x", partition=7)], KafkaSink([broker.address], topic))
    assert isinstance(error, KafkaDeliveryError) and error.partition == 7


def test_a_broker_that_stays_away_is_an_error(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    topic = new_topic()
    sink = KafkaSink([broker.address], topic, {"delivery.timeout.ms": 1000})
    part = sink.build("out", 0, 1)  # which has asked the broker for its topic
    broker.kill()
    try:
        part.write_batch([KafkaSinkMessage(None, b"lost")])
        with pytest.raises(KafkaDeliveryError, match="timed out"):
            part.end_epoch()
        began = monotonic()
        part.close()
        assert monotonic() - began < 10
    finally:
        broker.start()


@pytest.mark.parametrize("item", ["text", (b"key", b"value"), None])
def test_other_items_are_refused(broker: KafkaBroker, new_topic: TopicMaker, item: Any) -> None:
    error = fails([item], KafkaSink([broker.address], new_topic()))
    assert isinstance(error, TypeError) and "KafkaSinkMessage" in str(error)


def test_a_missing_topic_is_told(broker: KafkaBroker) -> None:
    error = fails([KafkaSinkMessage(None, b"a")], KafkaSink([broker.address], "nowhere"))
    assert isinstance(error, KafkaStartError)
    assert "'nowhere'" in str(error) and "UNKNOWN_TOPIC_OR_PART" in str(error)


def test_a_broker_that_is_not_there_is_told_in_time() -> None:
    sink = KafkaSink(["127.0.0.1:1"], "any", start_timeout=timedelta(seconds=1.5))
    began = monotonic()
    error = fails([KafkaSinkMessage(None, b"a")], sink)
    assert 1.4 < monotonic() - began < 30
    assert isinstance(error, KafkaStartError) and "Connection refused" in str(error)


def test_own_reports_are_called_too(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    reports: list[Any] = []
    add = {"on_delivery": lambda error, message: reports.append((error, message.value()))}
    run_main(flow_of([KafkaSinkMessage(None, b"a")], KafkaSink([broker.address], new_topic(), add)))
    assert reports == [(None, b"a")]
