"""What tests do with a broker themselves, with the client library alone."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import Any

import pytest
from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from scripts.kafka_broker import fetch

_NUMBERS = itertools.count()


def need_kafka() -> None:
    """Skip what needs a broker where there can be none."""
    try:
        fetch()
    except RuntimeError as ex:
        pytest.skip(str(ex))


def admin(address: str) -> AdminClient:
    # What is left in its queue when it goes would be told on stderr, as of no importance.
    return AdminClient({"bootstrap.servers": address, "log_level": 5})


def create_topic(address: str, partitions: int, settings: dict[str, str], replicas: int = 1) -> str:
    name = f"topic-{os.getpid()}-{next(_NUMBERS)}"
    config = {key.replace("_", "."): value for key, value in settings.items()}
    client = admin(address)  # kept: without it there is no answer
    client.create_topics([NewTopic(name, partitions, replicas, config=config)])[name].result(30)
    # The controller has made it; the broker that clients ask may hear of it a little later.
    deadline = monotonic() + 30
    while not _is_known(client, name, partitions):
        assert monotonic() < deadline, f"{name} does not appear"
        client.poll(0.05)
    return name


def _is_known(client: AdminClient, topic: str, partitions: int) -> bool:
    found = client.list_topics(topic, timeout=30).topics[topic].partitions
    return len(found) == partitions and all(each.leader >= 0 for each in found.values())


def _partitions(client: Producer | Consumer, topic: str) -> list[int]:
    """Ask for those of a topic that was made: of several brokers one may not have heard of it."""
    return until(lambda: list(client.list_topics(topic, timeout=30).topics[topic].partitions))


def let_in(address: str, user: str, password: str) -> None:
    """Tell the brokers of someone who may come by SCRAM-SHA-256."""
    how = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
    client = admin(address)
    asked = [UserScramCredentialUpsertion(user, how, password.encode())]
    client.alter_user_scram_credentials(asked)[user].result(30)


def keep_out(address: str, user: str) -> None:
    """Take that back."""
    client = admin(address)
    asked = [UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_256)]
    client.alter_user_scram_credentials(asked)[user].result(30)


def allow(address: str, user: str, kind: str, name: str, *operations: str) -> None:
    """Let a user do these alone; others, but those without credentials, are kept out then.

    Args:
        address: The broker's.
        user: Its name.
        kind: "TOPIC", "GROUP", "TRANSACTIONAL_ID", or "BROKER" for the cluster.
        name: Of that.
        operations: "READ" and so on, one at least.
    """
    _rule(AclPermissionType.ALLOW, address, user, (kind, name), operations)


def forbid(address: str, user: str, kind: str, name: str, *operations: str) -> None:
    """Keep one user from these; `name` may be "*", and has a rule for all others too then."""
    _rule(AclPermissionType.DENY, address, user, (kind, name), operations)


def forget_rules(address: str, user: str) -> None:
    """Take back what was allowed and forbidden."""
    client = admin(address)
    any_resource = (ResourceType.ANY, None, ResourcePatternType.ANY)
    rules = AclBindingFilter(
        *any_resource, f"User:{user}", None, AclOperation.ANY, AclPermissionType.ANY
    )
    client.delete_acls([rules])[rules].result(30)
    until(lambda: not client.describe_acls(rules).result(30))


def _rule(
    permission: AclPermissionType,
    address: str,
    user: str,
    resource: tuple[str, str],
    operations: Sequence[str],
) -> None:
    client = admin(address)
    kind, name = resource
    who = (ResourceType[kind], name, ResourcePatternType.LITERAL, f"User:{user}", "*")
    rules = [AclBinding(*who, AclOperation[each], permission) for each in operations]
    for made in client.create_acls(rules).values():
        made.result(30)
    # The controller has them; the broker may hear of them a little later.
    asked = AclBindingFilter(*who, AclOperation.ANY, permission)
    until(lambda: len(client.describe_acls(asked).result(30)) == len(rules))


def add_partitions(address: str, topic: str, total: int) -> None:
    client = admin(address)
    client.create_partitions([NewPartitions(topic, total)])[topic].result(30)


def delete_before(address: str, topic: str, offset: int) -> None:
    client = admin(address)
    done = client.delete_records([TopicPartition(topic, 0, offset)])
    next(iter(done.values())).result(30)


def group_offsets(address: str, group: str) -> list[TopicPartition]:
    client = admin(address)
    asked = client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
    found: list[TopicPartition] = asked[group].result(30).topic_partitions
    return found


def produce(address: str, topic: str, values: Iterable[str], partition: int | None = None) -> None:
    """Write values, each with itself as its key; without a partition, in turn."""
    failed: list[Any] = []
    producer = Producer({"bootstrap.servers": address, "linger.ms": 1})
    count = len(_partitions(producer, topic))

    def report(error: Any, _message: Message) -> None:
        if error is not None:
            failed.append(error)

    for number, value in enumerate(values):
        to = number % count if partition is None else partition
        while True:
            try:
                producer.produce(topic, value.encode(), value.encode(), to, on_delivery=report)
                break
            except BufferError:
                producer.poll(0.05)
    assert producer.flush(60) == 0 and not failed, failed


def read(address: str, topic: str, **config: str) -> list[Message]:
    """Read a topic from its beginning to its end; what is committed only, unless said otherwise."""
    return list(each(address, topic, **config))


def each(address: str, topic: str, within_s: float = 60, **config: str) -> Iterator[Message]:
    """Do the same one by one."""
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": "tests",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            **config,
        }
    )
    try:
        partitions = _partitions(consumer, topic)
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        left = set(partitions)
        end = monotonic() + within_s
        while left and monotonic() < end:
            for message in consumer.consume(10_000, 0.2):
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    left.discard(message.partition())
        assert not left, f"partitions {left} of {topic} have no end"
    finally:
        consumer.close()


def values(messages: Sequence[Message]) -> list[str]:
    return [(message.value() or b"").decode() for message in messages]


def until(what: Callable[[], Any], within_s: float = 60) -> Any:
    """Ask again and again, until the answer is true."""
    end = monotonic() + within_s
    while not (answer := what()):
        assert monotonic() < end, f"not within {within_s} s"
    return answer
