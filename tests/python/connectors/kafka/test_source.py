"""Reading a real Kafka: all of it, in order, from the right place, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from confluent_kafka import OFFSET_END, TIMESTAMP_CREATE_TIME, Producer

import cppwax.operators as op
from cppwax.connectors.kafka import (
    KafkaError,
    KafkaSource,
    KafkaSourceError,
    KafkaSourceMessage,
    KafkaStartError,
)
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.recovery import RecoveryConfig
from cppwax.testing import TestingSink, run_main
from scripts.kafka_broker import PASSWORD, USER, KafkaBroker
from tests.python.connectors.kafka import tools

TopicMaker = Callable[..., str]


def flow_of(source: KafkaSource, out: list[Any]) -> Dataflow:
    flow = Dataflow("reading")
    op.output("out", op.input("inp", flow, source), TestingSink(out))
    return flow


def root(caught: pytest.ExceptionInfo[Any]) -> BaseException:
    found: BaseException = caught.value
    while found.__cause__ is not None:
        found = found.__cause__
    return found


def test_all_partitions_are_read_in_order(
    broker: KafkaBroker, new_topic: TopicMaker, entry_point: Any
) -> None:
    topics = [new_topic(3), new_topic(1)]
    for topic in topics:
        tools.produce(broker.address, topic, [f"{topic} {n}" for n in range(500)])
    out: list[KafkaSourceMessage[bytes, bytes]] = []
    entry_point(flow_of(KafkaSource([broker.address], topics, tail=False), out))
    read = [(item.topic, item.partition, item.offset, item.value) for item in out]
    expected = [
        (each.topic(), each.partition(), each.offset(), each.value())
        for topic in topics
        for each in tools.read(broker.address, topic)
    ]
    assert sorted(read) == sorted(expected)
    for topic, partition in {each[:2] for each in read}:
        offsets = [each[2] for each in read if each[:2] == (topic, partition)]
        assert offsets == sorted(offsets)


def test_a_message_has_all_its_parts(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    topic = new_topic()
    producer = Producer({"bootstrap.servers": broker.address})
    headers = [("a", b"1"), ("a", b"2")]
    producer.produce(topic, b"value", b"key", timestamp=1_700_000_000_123, headers=headers)
    producer.produce(topic, None, None)
    producer.flush()
    out: list[Any] = []
    run_main(flow_of(KafkaSource([broker.address], [topic], tail=False), out))
    assert out[0] == KafkaSourceMessage(
        b"key",
        b"value",
        topic,
        headers,
        latency=out[0].latency,
        offset=0,
        partition=0,
        timestamp=(TIMESTAMP_CREATE_TIME, 1_700_000_000_123),
    )
    assert (out[1].key, out[1].value, out[1].headers) == (None, None, [])


@pytest.mark.parametrize("epoch", [0, 10])
def test_a_resume_goes_on_behind_what_was_read(
    broker: KafkaBroker, new_topic: TopicMaker, store: RecoveryConfig, epoch: int
) -> None:
    topic = new_topic(2)
    expected: list[str] = []
    for run in range(3):
        new = [f"{run}-{number}" for number in range(50)]
        tools.produce(broker.address, topic, new)
        out: list[Any] = []
        source = KafkaSource([broker.address], [topic], tail=False, batch_size=7)
        run_main(
            flow_of(source, out), epoch_interval=timedelta(seconds=epoch), recovery_config=store
        )
        expected += [item.value.decode() for item in out]
        assert sorted(item.value.decode() for item in out) == sorted(new)
    assert len(expected) == 150


def test_the_end_is_that_of_the_start(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    """Also of a run that resumes before it has read anything."""
    topic = new_topic()
    tools.produce(broker.address, topic, ["old"])
    source = KafkaSource([broker.address], [topic], starting_offset=OFFSET_END)
    (name,) = source.list_parts()
    assert name == f"0-{topic}"
    part = source.build_part("inp", name, None)
    state = part.snapshot()
    part.close()
    tools.produce(broker.address, topic, ["new"])
    resumed = source.build_part("inp", name, state)
    got = tools.until(resumed.next_batch)
    assert [item.value for item in got] == [b"new"]
    assert resumed.snapshot() == 2
    resumed.close()


def test_a_missing_topic_is_told(broker: KafkaBroker) -> None:
    source = KafkaSource([broker.address], ["nowhere"], tail=False)
    with pytest.raises(CppwaxRuntimeError) as caught:
        run_main(flow_of(source, []))
    assert isinstance(root(caught), KafkaStartError)
    assert "'nowhere'" in str(root(caught)) and "UNKNOWN_TOPIC_OR_PART" in str(root(caught))


def test_a_broker_that_is_not_there_is_told_in_time() -> None:
    source = KafkaSource(["127.0.0.1:1"], ["any"], start_timeout=timedelta(seconds=1.5))
    began = monotonic()
    with pytest.raises(CppwaxRuntimeError) as caught:
        run_main(flow_of(source, []))
    assert 1.4 < monotonic() - began < 30
    text = str(root(caught))
    assert isinstance(root(caught), KafkaStartError)
    assert "127.0.0.1:1" in text and "Connection refused" in text and "within 1.5 s" in text


def credentials(password: str) -> dict[str, str]:
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": USER,
        "sasl.password": password,
    }


def test_credentials_are_used(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    topic = new_topic()
    tools.produce(broker.address, topic, ["a"])
    out: list[Any] = []
    add = credentials(PASSWORD)
    run_main(flow_of(KafkaSource([broker.checked_address], [topic], False, add_config=add), out))
    assert [item.value for item in out] == [b"a"]


def test_wrong_credentials_are_told_at_once(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    minute = timedelta(minutes=1)
    source = KafkaSource(
        [broker.checked_address],
        [new_topic()],
        add_config=credentials("wrong"),
        start_timeout=minute,
    )
    began = monotonic()
    with pytest.raises(CppwaxRuntimeError) as caught:
        run_main(flow_of(source, []))
    assert monotonic() - began < 30
    assert isinstance(root(caught), KafkaStartError)
    assert "Invalid username or password" in str(root(caught))


@pytest.mark.parametrize("raises", [True, False])
def test_messages_that_are_gone_are_an_error(
    broker: KafkaBroker, new_topic: TopicMaker, raises: bool
) -> None:
    """As an item it would be the last one of its partition."""
    topic = new_topic()
    tools.produce(broker.address, topic, ["a", "b", "c", "d"])
    tools.delete_before(broker.address, topic, 3)
    source = KafkaSource([broker.address], [topic], raise_on_errors=raises)
    part = source.build_part("inp", f"0-{topic}", 1)
    with pytest.raises(KafkaSourceError, match="earliest") as caught:
        tools.until(part.next_batch)
    part.close()
    error = caught.value
    assert (error.topic, error.partition, error.offset) == (topic, 0, 1)
    assert f"{topic!r}, partition 0, failed at offset 1" in str(error)
    earliest = KafkaSource([broker.address], [topic], add_config={"auto.offset.reset": "earliest"})
    part = earliest.build_part("inp", f"0-{topic}", 1)
    assert [item.value for item in tools.until(part.next_batch)] == [b"d"]
    part.close()


def spoil(broker: KafkaBroker, topic: str, text: bytes) -> None:
    """Change a message on the broker's disk."""
    broker.stop()
    (log,) = (broker.data / f"{topic}-0").glob("*.log")
    content = log.read_bytes()
    assert text in content
    log.write_bytes(content.replace(text, text.swapcase()))
    broker.start()


@pytest.mark.parametrize("raises", [True, False])
def test_a_poison_message(broker: KafkaBroker, new_topic: TopicMaker, raises: bool) -> None:
    """It is an error that says where, or an item; what lies around it is read."""
    topic = new_topic()
    for value in ("one", "poison", "three"):
        tools.produce(broker.address, topic, [value])
    tools.produce(broker.address, topic, ["four"])
    spoil(broker, topic, b"poison")
    source = KafkaSource(
        [broker.address], [topic], False, add_config={"check.crcs": True}, raise_on_errors=raises
    )
    out: list[Any] = []
    if raises:
        with pytest.raises(CppwaxRuntimeError) as caught:
            run_main(flow_of(source, out))
        error = root(caught)
        assert isinstance(error, KafkaSourceError)
        assert (error.topic, error.partition, error.offset) == (topic, 0, 1)
        assert [item.value for item in out] == [b"one"]
        return
    run_main(flow_of(source, out))
    (bad,) = [item for item in out if isinstance(item, KafkaError)]
    assert (bad.msg.topic, bad.msg.partition, bad.msg.offset) == (topic, 0, 1)
    good = [item.value for item in out if not isinstance(item, KafkaError)]
    assert good == [b"one", b"three", b"four"]


def test_offsets_are_committed_for_lag_tools(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    topic = new_topic(2)
    tools.produce(broker.address, topic, [str(n) for n in range(10)])
    group = f"watched-{topic}"
    source = KafkaSource([broker.address], [topic], False, commit_to_group=group)
    run_main(flow_of(source, []))
    found = tools.group_offsets(broker.address, group)
    assert sorted((each.partition, each.offset) for each in found) == [(0, 5), (1, 5)]


def test_the_lag_can_be_asked_for(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    topic = new_topic()
    tools.produce(broker.address, topic, [str(n) for n in range(10)])
    source = KafkaSource([broker.address], [topic], batch_size=4)
    assert source.consumer_lag() == {}
    part = source.build_part("inp", f"0-{topic}", None)
    left = 10
    while left:
        left -= len(part.next_batch())
        lags = source.consumer_lag()
        assert lags in ({}, {(topic, 0): left})
    assert lags == {(topic, 0): 0}
    part.close()
    assert source.consumer_lag() == {}


def test_new_partitions_are_found(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    """And their first messages read, by the reader that also a resumed run takes."""
    topic = new_topic(1)
    tools.produce(broker.address, topic, ["a"], 0)
    source = KafkaSource(
        [broker.address], [topic], discover_interval=timedelta(seconds=0.2), reader_count=2
    )
    assert source.list_parts() == ["reader-0-of-2", "reader-1-of-2"]
    readers = [source.build_part("inp", name, None) for name in source.list_parts()]
    seen: list[bytes] = []

    def poll() -> int:
        for reader in readers:
            seen.extend(item.value for item in reader.next_batch())
        return len(seen)

    tools.until(lambda: poll() == 1)
    tools.add_partitions(broker.address, topic, 3)
    tools.produce(broker.address, topic, ["b"], 1)
    tools.produce(broker.address, topic, ["c"], 2)
    tools.until(lambda: poll() == 3)
    assert sorted(seen) == [b"a", b"b", b"c"]
    states = [reader.snapshot() for reader in readers]
    assert sorted(states, key=len) == [{(topic, 1): 1}, {(topic, 0): 1, (topic, 2): 1}]
    assert set(source.consumer_lag().values()) == {0}
    for reader in readers:
        reader.close()
    tools.add_partitions(broker.address, topic, 4)
    tools.produce(broker.address, topic, ["d"], 3)
    tools.produce(broker.address, topic, ["e"], 0)
    seen.clear()
    readers = [
        source.build_part("inp", name, state)
        for name, state in zip(source.list_parts(), states, strict=True)
    ]
    tools.until(lambda: poll() == 2)
    assert sorted(seen) == [b"d", b"e"]
    for reader in readers:
        reader.close()


@pytest.mark.parametrize("discovers", [False, True])
def test_a_partition_that_comes_between_two_runs(
    broker: KafkaBroker, new_topic: TopicMaker, discovers: bool
) -> None:
    """To begin at the end is for all that is new at a start, but not where it is looked for."""
    topic = new_topic()
    options: dict[str, Any] = {"starting_offset": OFFSET_END}
    if discovers:
        options |= {"discover_interval": timedelta(seconds=30), "reader_count": 1}
    source = KafkaSource([broker.address], [topic], **options)
    (name,) = source.list_parts()
    first = source.build_part("inp", name, None)
    states = {name: first.snapshot()}
    first.close()
    tools.add_partitions(broker.address, topic, 2)
    tools.produce(broker.address, topic, ["before"], 1)
    parts = [source.build_part("inp", name, states.get(name)) for name in source.list_parts()]
    tools.produce(broker.address, topic, ["after"], 1)
    seen: list[bytes] = []

    def read() -> bool:
        for part in parts:
            seen.extend(item.value for item in part.next_batch())
        return b"after" in seen

    tools.until(read)
    assert seen == ([b"before", b"after"] if discovers else [b"after"])
    for part in parts:
        part.close()


def test_a_topic_that_readers_know_must_stay(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    topic = new_topic()
    every = timedelta(seconds=1)
    source = KafkaSource([broker.address], [topic], discover_interval=every, reader_count=1)
    with pytest.raises(ValueError, match="given-up"):
        source.build_part("inp", "reader-0-of-1", {("given-up", 0): 5})


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"brokers": "localhost:9092"}, TypeError, "list of strings"),
        ({"topics": "one"}, TypeError, "list of strings"),
        ({"topics": []}, ValueError, "empty"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"start_timeout": 10}, TypeError, "timedelta"),
        ({"discover_interval": timedelta(1), "tail": False}, ValueError, "tail=True"),
        ({"discover_interval": timedelta(1), "reader_count": 0}, ValueError, "reader_count"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        KafkaSource(**{"brokers": ["b:1"], "topics": ["t"], **arguments})


def test_unknown_settings_are_told() -> None:
    with pytest.raises(ValueError, match="no.such.setting"):
        KafkaSource(["b:1"], ["t"], add_config={"no.such.setting": "1"}).list_parts()
