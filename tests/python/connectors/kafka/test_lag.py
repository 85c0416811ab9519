"""How far a source is behind, for programs and for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from confluent_kafka import Producer
from prometheus_client import REGISTRY, generate_latest

from cppwax.connectors.kafka import KafkaSource
from scripts.kafka_broker import KafkaBroker
from tests.python.connectors.kafka import tools

TopicMaker = Callable[..., str]


def shown(topic: str, step_id: str = "flow.inp", partition: int = 0) -> float | None:
    labels = {"step_id": step_id, "topic": topic, "partition": str(partition)}
    return REGISTRY.get_sample_value("cppwax_kafka_consumer_lag", labels)


def reader_of(source: KafkaSource) -> Any:
    return source.build_part("flow.inp", source.list_parts()[0], None)


@pytest.fixture(params=["each partition", "readers"])
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "readers":
        return {"discover_interval": timedelta(seconds=30), "reader_count": 1}
    return {}


def test_the_gauge_shows_it(
    broker: KafkaBroker, new_topic: TopicMaker, options: dict[str, Any]
) -> None:
    topic = new_topic()
    tools.produce(broker.address, topic, [str(number) for number in range(10)])
    reader = reader_of(KafkaSource([broker.address], [topic], batch_size=4, **options))
    left = 10
    while left:
        taken = len(reader.next_batch())
        left -= taken
        if taken:
            assert shown(topic) == left
    line = f'cppwax_kafka_consumer_lag{{partition="0",step_id="flow.inp",topic="{topic}"}} 0.0'
    assert line in generate_latest(REGISTRY).decode()
    tools.produce(broker.address, topic, ["more", "and more"])
    # The library fetches them, whether anybody takes them or not.
    tools.until(lambda: shown(topic) == 2)
    reader.close()
    assert shown(topic) is None, "of what is closed nothing is known"


def test_an_empty_partition_has_none(
    broker: KafkaBroker, new_topic: TopicMaker, options: dict[str, Any]
) -> None:
    topic = new_topic()
    reader = reader_of(KafkaSource([broker.address], [topic], **options))
    tools.until(lambda: not reader.next_batch() and shown(topic) == 0)
    reader.close()


def test_after_transactions_there_is_none_where_all_is_read(
    broker: KafkaBroker, new_topic: TopicMaker, options: dict[str, Any]
) -> None:
    """Their ends have offsets too, and so have messages that were taken back."""
    topic = new_topic()
    producer = Producer({"bootstrap.servers": broker.address, "transactional.id": topic})
    producer.init_transactions(30)
    for commits in (True, False):
        producer.begin_transaction()
        for number in range(5):
            producer.produce(topic, str(number).encode())
        producer.flush(30)
        if commits:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)
    source = KafkaSource([broker.address], [topic], **options)
    reader = reader_of(source)
    items: list[Any] = []

    def all_is_read() -> bool:
        items.extend(reader.next_batch())
        return shown(topic) == 0

    tools.until(all_is_read)
    assert [item.value for item in items] == [b"0", b"1", b"2", b"3", b"4"]
    assert source.consumer_lag() == {(topic, 0): 0}
    producer.begin_transaction()
    producer.produce(topic, b"open")
    producer.flush(30)
    # Not to be read yet, but it is there.
    tools.until(lambda: not reader.next_batch() and shown(topic) == 1)
    producer.commit_transaction(30)
    tools.until(all_is_read)
    assert items[-1].value == b"open"
    reader.close()
