"""The transactional sink: each message once, wherever a run is killed, and no guessing."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError

import cppwax.operators as op
from cppwax.connectors.kafka import (
    KafkaDeliveryError,
    KafkaSinkMessage,
    KafkaStartError,
    KafkaTransactionalSink,
)
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.testing import TestingSource, run_main
from scripts.kafka_broker import KafkaBroker
from tests.python.connectors.kafka import tools
from tests.python.connectors.kafka.copying import Copying

TopicMaker = Callable[..., str]
ROUNDS = int(os.environ.get("CPPWAX_KILL_ROUNDS", "6"))


def once(broker: KafkaBroker, target: str, expected: list[str]) -> None:
    found = tools.values(tools.read(broker.address, target))
    assert len(found) == len(expected) and sorted(found) == sorted(expected)


@pytest.mark.parametrize(
    "crash",
    [
        # The first transaction is that of the marker alone.
        *("begin_transaction:1", "commit_transaction:1", "after commit_transaction:1"),
        *("prepare:3", "begin_transaction:3", "after produce:3"),
        *("after send_offsets_to_transaction:3", "commit_transaction:3"),
        *("after commit_transaction:3", "after committed:3"),
    ],
)
def test_each_message_comes_once_wherever_it_dies(
    broker: KafkaBroker, new_topic: TopicMaker, tmp_path: Path, crash: str
) -> None:
    source, target = new_topic(2), new_topic(2)
    expected = [str(number) for number in range(300)]
    tools.produce(broker.address, source, expected)
    copying = Copying(broker.address, source, target, tmp_path / "db")
    copying.die_twice_and_end(crash, SLOW_S="0.01")
    once(broker, target, expected)


@pytest.mark.parametrize("seed", [1, 2])
def test_each_message_comes_once_over_random_kills(
    broker: KafkaBroker, new_topic: TopicMaker, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    source, target = new_topic(3), new_topic(2)
    expected = [str(number) for number in range(6000)]
    tools.produce(broker.address, source, expected)
    copying = Copying(broker.address, source, target, tmp_path / "db")
    for _ in range(ROUNDS):
        copying.cut_short(chance, (0.5, 3.5), TAIL="1", SLOW_S="0.005")
    code, stderr = copying.run("-w", "2")
    assert code == 0, stderr
    once(broker, target, expected)


@pytest.mark.parametrize("transactions", [True, False])
def test_a_restart_of_the_broker_is_waited_for(
    broker: KafkaBroker, new_topic: TopicMaker, tmp_path: Path, transactions: bool
) -> None:
    """Also without transactions nothing comes twice, as long as the process lives."""
    source, target = new_topic(2), new_topic(2)
    first, second = [f"a{n}" for n in range(500)], [f"b{n}" for n in range(500)]
    tools.produce(broker.address, source, first)
    copying = Copying(broker.address, source, target, tmp_path / "db", transactions)

    def copied(count: int) -> bool:
        assert process.poll() is None
        return len(tools.read(broker.address, target)) >= count

    with copying.start("--stop-timeout", "30", TAIL="1") as process:
        try:
            tools.until(lambda: copied(250))
            broker.stop()
            broker.start()
            tools.produce(broker.address, source, second)
            tools.until(lambda: copied(1000))
            process.terminate()
            _, stderr = process.communicate(timeout=60)
            assert process.returncode == 0, stderr
        finally:
            process.kill()
    once(broker, target, first + second)


def part_of(broker: KafkaBroker, topic: str, state: Any = None, **options: Any) -> Any:
    sink = KafkaTransactionalSink([broker.address], topic, f"id-{topic}", **options)
    return sink.build_part("out", sink.list_parts()[0], state)


def epoch_of(part: Any, epoch: int, *values: str) -> Any:
    part.write_batch([KafkaSinkMessage(None, value.encode()) for value in values])
    part.prepare(epoch)
    return part.snapshot()


def test_an_older_producer_is_locked_out(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    topic = new_topic()
    old = part_of(broker, topic)
    state = epoch_of(old, 1, "a", "b")
    new = part_of(broker, topic, state)
    new.committed(1)
    with pytest.raises(KafkaDeliveryError) as caught:
        old.committed(1)
    assert caught.value.error.code() == KafkaError._FENCED
    old.close()
    new.close()
    once(broker, topic, ["a", "b"])


@pytest.mark.parametrize("error", ["_FENCED", "INVALID_PRODUCER_EPOCH", "_TIMED_OUT"])
def test_a_run_that_wakes_up_in_its_transaction_is_locked_out(
    broker: KafkaBroker, new_topic: TopicMaker, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    """It must not write again what another run has written, nor end that one.

    The first error is the client library's own; others may be the first that is heard.
    """
    topic = new_topic()
    old = part_of(broker, topic)
    state = epoch_of(old, 1, "a", "b")
    newer: list[Any] = []
    write_row = old._producing.write_row

    def stand_still(row: Any) -> None:
        if not newer:
            write_row(row)
            old._producing.flush()
            newer.append(part_of(broker, topic, state))
            newer[0].committed(1)
            epoch_of(newer[0], 2, "c")
            newer[0].committed(2)
        elif error == "_FENCED":
            write_row(row)
        else:
            reason = KafkaError(getattr(KafkaError, error))
            raise KafkaDeliveryError("not delivered", topic, 0, reason)

    monkeypatch.setattr(old._producing, "write_row", stand_still)
    with pytest.raises(KafkaDeliveryError, match="another run|newer") as caught:
        old.committed(1)
    assert caught.value.error.name() == error
    old.close()
    epoch_of(newer[0], 3, "d")
    newer[0].committed(3)
    newer[0].close()
    once(broker, topic, ["a", "b", "c", "d"])


def test_another_store_is_refused_and_disturbs_nobody(
    broker: KafkaBroker, new_topic: TopicMaker
) -> None:
    topic = new_topic()
    part = part_of(broker, topic)
    epoch_of(part, 1, "a")
    part.committed(1)
    with pytest.raises(ValueError, match="another recovery store"):
        part_of(broker, topic)
    with pytest.raises(ValueError, match="another recovery store"):
        part_of(broker, topic, ("somebody", ()))
    epoch_of(part, 2, "b")
    part.committed(2)
    part.close()
    once(broker, topic, ["a", "b"])


def test_an_old_copy_of_the_store_is_refused(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    topic = new_topic()
    part = part_of(broker, topic)
    state = epoch_of(part, 1, "a")
    part.committed(1)
    epoch_of(part, 4, "b")
    part.committed(4)
    part.close()
    part = part_of(broker, topic, state)
    with pytest.raises(ValueError, match="old copy"):
        part.committed(1)
    part.close()
    once(broker, topic, ["a", "b"])


@pytest.mark.parametrize(
    ("choice", "expected"), [("fail", ["a"]), ("produce", ["a", "a", "b"]), ("skip", ["a", "b"])]
)
def test_a_marker_that_was_forgotten(
    broker: KafkaBroker, new_topic: TopicMaker, choice: Any, expected: list[str]
) -> None:
    topic = new_topic()
    part = part_of(broker, topic)
    state = epoch_of(part, 1, "a")
    part.committed(1)
    part.close()
    client = tools.admin(broker.address)
    group = f"id-{topic}-0"
    client.delete_consumer_groups([group])[group].result(30)
    if choice == "fail":
        with pytest.raises(KafkaStartError, match="lost_marker"):
            part_of(broker, topic, state)
    else:
        part = part_of(broker, topic, state, lost_marker=choice)
        part.committed(1)
        epoch_of(part, 2, "b")
        part.committed(2)
        part.close()
    once(broker, topic, expected)


def test_what_cannot_be_delivered_is_an_error_and_nothing_is_seen(
    broker: KafkaBroker, new_topic: TopicMaker
) -> None:
    topic = new_topic(max_message_bytes="1000")
    part = part_of(broker, topic)
    epoch_of(part, 1, "a", "x" * 5000)
    with pytest.raises(KafkaDeliveryError, match="MSG_SIZE_TOO_LARGE") as caught:
        part.committed(1)
    assert (caught.value.topic, caught.value.partition) == (topic, 0)
    part.close()
    once(broker, topic, [])


def test_it_needs_a_store(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    topic = new_topic()
    flow = Dataflow("no_store")
    items = op.input("inp", flow, TestingSource([("key", KafkaSinkMessage(None, b"a"))]))
    op.output("out", items, KafkaTransactionalSink([broker.address], topic, f"id-{topic}"))
    with pytest.raises(CppwaxRuntimeError, match="no_store.out"):
        run_main(flow)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"topic": None}, TypeError, "topic"),
        ({"transactional_id": ""}, TypeError, "transactional_id"),
        ({"producer_count": 0}, ValueError, "producer_count"),
        ({"lost_marker": "guess"}, ValueError, "lost_marker"),
        ({"add_config": {"transaction.timeout.ms": "abc"}}, ValueError, "transaction.timeout.ms"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    given = {"brokers": ["b:1"], "topic": "t", "transactional_id": "i", **arguments}
    with pytest.raises(error, match=text):
        KafkaTransactionalSink(**given)
