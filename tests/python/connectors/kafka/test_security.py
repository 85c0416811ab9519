"""TLS, credentials, and credentials that somebody takes away while a run is on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from confluent_kafka import KafkaError

import cppwax.operators as op
from cppwax.connectors.kafka import (
    KafkaDeliveryError,
    KafkaSink,
    KafkaSinkMessage,
    KafkaSource,
    KafkaStartError,
)
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.testing import TestingSink, TestingSource, run_main
from scripts.kafka_broker import PASSWORD, USER, KafkaBroker
from tests.python.connectors.kafka import tools

TopicMaker = Callable[..., str]
_LOGIN = {"sasl.mechanism": "PLAIN", "sasl.username": USER, "sasl.password": PASSWORD}


def way_in(broker: KafkaBroker, protocol: str) -> tuple[str, dict[str, str]]:
    trusted = {"security.protocol": protocol, "ssl.ca.location": str(broker.certificate)}
    if protocol == "SSL":
        return broker.tls_address, trusted
    return broker.tls_checked_address, {**trusted, **_LOGIN}


def root(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
def test_messages_go_both_ways_over_tls(
    broker: KafkaBroker, new_topic: TopicMaker, protocol: str
) -> None:
    topic = new_topic()
    address, config = way_in(broker, protocol)
    flow = Dataflow("writing")
    items = [KafkaSinkMessage(None, str(number).encode()) for number in range(100)]
    written = op.input("inp", flow, TestingSource(items, 10))
    op.output("out", written, KafkaSink([address], topic, config))
    run_main(flow)
    out: list[Any] = []
    flow = Dataflow("reading")
    read = op.input("inp", flow, KafkaSource([address], [topic], tail=False, add_config=config))
    op.output("out", read, TestingSink(out))
    run_main(flow)
    assert [item.value for item in out] == [item.value for item in items]


def test_a_broker_that_is_not_trusted_is_told_at_once(
    broker: KafkaBroker, new_topic: TopicMaker
) -> None:
    address, config = way_in(broker, "SSL")
    del config["ssl.ca.location"]
    began = monotonic()
    with pytest.raises(KafkaStartError, match=r"refused this client: .*certificate"):
        KafkaSource([address], [new_topic()], add_config=config).list_parts()
    assert monotonic() - began < 10


def test_wrong_credentials_over_tls_are_told_at_once(
    broker: KafkaBroker, new_topic: TopicMaker
) -> None:
    address, config = way_in(broker, "SASL_SSL")
    config["sasl.password"] = "wrong"
    with pytest.raises(KafkaStartError, match="uthentication"):
        KafkaSink([address], new_topic(), config).build("out", 0, 1)


def newcomer(broker: KafkaBroker, user: str) -> dict[str, str]:
    """Give the settings of someone whom the broker lets in from now on."""
    password = "for-now"
    tools.let_in(broker.address, user, password)
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": user,
        "sasl.password": password,
    }


@pytest.fixture
def passing(broker: KafkaBroker) -> dict[str, str]:
    """Settings of someone whom the broker lets in for now."""
    return newcomer(broker, "passing")


def ends_with_a_refusal(flow: Dataflow) -> None:
    began = monotonic()
    with pytest.raises(CppwaxRuntimeError) as caught:
        run_main(flow, epoch_interval=timedelta(seconds=0.1))
    assert monotonic() - began < 60
    text = str(root(caught.value))
    assert "refuses this client" in text and "uthentication" in text, text


def test_a_source_whose_credentials_expire_ends(
    broker: KafkaBroker, new_topic: TopicMaker, passing: dict[str, str]
) -> None:
    topic = new_topic()
    tools.produce(broker.address, topic, ["a"])

    def take_away(message: Any) -> Any:
        tools.keep_out(broker.address, passing["sasl.username"])
        return message

    out: list[Any] = []
    source = KafkaSource(
        [broker.checked_address],
        [topic],
        add_config=passing,
        start_timeout=timedelta(seconds=5),
    )
    flow = Dataflow("reading")
    read = op.map("take_away", op.input("inp", flow, source), take_away)
    op.output("out", read, TestingSink(out))
    ends_with_a_refusal(flow)
    assert [item.value for item in out] == [b"a"], "it was let in before"


def test_a_sink_whose_credentials_expire_ends(
    broker: KafkaBroker, new_topic: TopicMaker, passing: dict[str, str]
) -> None:
    topic = new_topic()
    sink = KafkaSink([broker.checked_address], topic, passing, start_timeout=timedelta(seconds=5))

    def items() -> Iterator[KafkaSinkMessage[None, bytes]]:
        yield KafkaSinkMessage(None, b"first")
        tools.until(lambda: tools.read(broker.address, topic))
        tools.keep_out(broker.address, passing["sasl.username"])
        for number in range(100_000):
            threading.Event().wait(0.01)
            yield KafkaSinkMessage(None, str(number).encode())

    flow = Dataflow("writing")
    op.output("out", op.input("inp", flow, TestingSource(items())), sink)
    ends_with_a_refusal(flow)


@pytest.fixture
def looking(broker: KafkaBroker) -> Iterator[dict[str, str]]:
    """Settings of someone who may write nowhere."""
    settings = newcomer(broker, "looking")
    tools.forbid(broker.address, "looking", "BROKER", "kafka-cluster", "IDEMPOTENT_WRITE")
    tools.forbid(broker.address, "looking", "TOPIC", "*", "WRITE")
    yield settings
    # Else all topics would have a rule, and be closed to who has no right.
    tools.forget_rules(broker.address, "looking")


def test_a_sink_that_may_not_write_ends(
    broker: KafkaBroker, new_topic: TopicMaker, looking: dict[str, str]
) -> None:
    """The client library gives the whole producer up, with all that waits in it."""
    topic = new_topic()
    tools.allow(broker.address, "looking", "TOPIC", topic, "DESCRIBE")
    flow = Dataflow("writing")
    items = [KafkaSinkMessage(None, str(number).encode()) for number in range(100)]
    written = op.input("inp", flow, TestingSource(items, 10))
    op.output("out", written, KafkaSink([broker.checked_address], topic, looking))
    with pytest.raises(CppwaxRuntimeError) as caught:
        run_main(flow)
    error = root(caught.value)
    assert isinstance(error, KafkaDeliveryError)
    assert error.error.code() == KafkaError.CLUSTER_AUTHORIZATION_FAILED
    assert "IDEMPOTENT_WRITE" in str(error) and "enable.idempotence" in str(error)
    assert tools.read(broker.address, topic) == []
