"""Whole programs: produce, dataflow, produce; and the example."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import NewTopic

import cppwax.operators as op
from cppwax.connectors.kafka import KafkaSinkMessage, KafkaSource
from cppwax.connectors.kafka import operators as kop
from cppwax.dataflow import Dataflow
from cppwax.recovery import RecoveryConfig
from cppwax.testing import run_main
from scripts.kafka_broker import KafkaBroker
from tests.python.connectors.kafka import tools

TopicMaker = Callable[..., str]


def test_produce_dataflow_produce(
    broker: KafkaBroker, new_topic: TopicMaker, entry_point: Any
) -> None:
    source, target = new_topic(3), new_topic(2)
    tools.produce(broker.address, source, [f"value {n}" for n in range(5000)])
    flow = Dataflow("upper")
    read = kop.input("inp", flow, brokers=[broker.address], topics=[source], tail=False)
    op.raises("errors", read.errs)
    loud = op.map("loud", read.oks, lambda msg: KafkaSinkMessage(msg.key, msg.value.upper()))
    kop.output("out", loud, brokers=[broker.address], topic=target)
    entry_point(flow)
    found = tools.read(broker.address, target)
    assert sorted(tools.values(found)) == sorted(f"VALUE {n}" for n in range(5000))
    assert all(each.key().upper() == each.value() for each in found)


def test_messages_go_on_as_they_are(broker: KafkaBroker, new_topic: TopicMaker) -> None:
    source, target = new_topic(), new_topic()
    tools.produce(broker.address, source, ["a", "b"])
    flow = Dataflow("copy")
    read = op.input("inp", flow, KafkaSource([broker.address], [source], tail=False))
    kop.output("out", read, brokers=[broker.address], topic=target)
    run_main(flow)
    assert [(m.key(), m.value()) for m in tools.read(broker.address, target)] == [
        (b"a", b"a"),
        (b"b", b"b"),
    ]


def test_the_example(
    broker: KafkaBroker, store: RecoveryConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over two runs."""
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[4])
    from examples.kafka_totals import get_flow

    client = tools.admin(broker.address)
    names = ("orders", "bad-orders", "totals")
    for made in client.create_topics([NewTopic(name, 1, 1) for name in names]).values():
        made.result(30)
    orders = ['{"customer": "ada", "cents": 100}', "nonsense", '{"customer": "bo", "cents": 5}']
    tools.produce(broker.address, "orders", orders)
    run_main(get_flow(broker.address, tail=False), recovery_config=store)
    tools.produce(broker.address, "orders", ['{"customer": "ada", "cents": 23}'])
    run_main(get_flow(broker.address, tail=False), recovery_config=store)
    totals = [(m.key(), m.value()) for m in tools.read(broker.address, "totals")]
    assert totals == [(b"ada", b"100"), (b"bo", b"5"), (b"ada", b"123")]
    (bad,) = tools.read(broker.address, "bad-orders")
    assert bad.value() == b"nonsense"
    assert b"JSONDecodeError" in dict(bad.headers())["reason"]
