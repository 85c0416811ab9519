"""What needs no broker: messages, steps, plain Avro, what is heard of connections."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, fields, replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING
from confluent_kafka import KafkaError as ConfluentKafkaError
from confluent_kafka.schema_registry import Schema
from confluent_kafka.serialization import (
    IntegerDeserializer,
    IntegerSerializer,
    StringDeserializer,
    StringSerializer,
)

import cppwax.operators as op
from cppwax.connectors.kafka import (
    KafkaDeliveryError,
    KafkaError,
    KafkaSinkMessage,
    KafkaSourceMessage,
)
from cppwax.connectors.kafka import operators as kop
from cppwax.connectors.kafka._client import ClientErrors
from cppwax.connectors.kafka._group import Group
from cppwax.connectors.kafka._messages import source_message
from cppwax.connectors.kafka._producing import Producing
from cppwax.connectors.kafka._reader import Reading
from cppwax.connectors.kafka._topics_reader import Offsets, TopicsReader
from cppwax.connectors.kafka.serde import PlainAvroDeserializer, PlainAvroSerializer
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.testing import TestingSink, TestingSource, run_main

HEADERS = [("h", b"1")]
WHOLE: KafkaSourceMessage[Any, Any] = KafkaSourceMessage(
    b"k", b"v", "topic", HEADERS, 0.5, 7, 2, (1, 1000)
)


def test_quickly_made_messages_are_like_others() -> None:
    quick = source_message(*[getattr(WHOLE, each.name) for each in fields(WHOLE)])
    assert type(quick) is KafkaSourceMessage
    assert quick == WHOLE and repr(quick) == repr(WHOLE)
    assert replace(quick, key=b"x") == replace(WHOLE, key=b"x")
    with pytest.raises(FrozenInstanceError):
        quick.key = b"x"  # type: ignore[misc]
    for message in (quick, quick.to_sink()):
        assert pickle.loads(pickle.dumps(message)) == message
    assert type(quick.to_sink()) is KafkaSinkMessage
    assert quick.to_sink() == KafkaSinkMessage(b"k", b"v", headers=HEADERS)


def test_errors_can_go_to_other_processes() -> None:
    error = KafkaError(ConfluentKafkaError(ConfluentKafkaError._BAD_MSG, "why"), WHOLE)
    there = pickle.loads(pickle.dumps(error))
    assert there == error and there.err.str() == "why"


def both(step: Any, items: list[Any], **arguments: Any) -> tuple[list[Any], list[Any]]:
    oks: list[Any] = []
    errs: list[Any] = []
    flow = Dataflow("flow")
    out = step("step", op.input("inp", flow, TestingSource(items, 10)), **arguments)
    op.output("oks", out.oks, TestingSink(oks))
    op.output("errs", out.errs, TestingSink(errs))
    run_main(flow)
    return oks, errs


def test_keys_and_values_are_read() -> None:
    number = IntegerSerializer()(5)
    good = replace(WHOLE, key=number, value=b"text")
    arguments = {
        "key_deserializer": IntegerDeserializer(),
        "val_deserializer": StringDeserializer(),
    }
    oks, errs = both(kop.deserialize, [good], **arguments)
    assert (oks, errs) == ([replace(WHOLE, key=5, value="text")], [])
    oks, _ = both(kop.deserialize_key, [good], deserializer=IntegerDeserializer())
    assert oks == [replace(WHOLE, key=5, value=b"text")]
    oks, _ = both(kop.deserialize_value, [good], deserializer=StringDeserializer())
    assert oks == [replace(WHOLE, key=number, value="text")]


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        (replace(WHOLE, key=b"123"), "_KEY_DESERIALIZATION"),
        (replace(WHOLE, key=None, value=b"\xff"), "_VALUE_DESERIALIZATION"),
    ],
)
def test_poison_is_an_error_with_its_place(bad: Any, name: str) -> None:
    arguments = {
        "key_deserializer": IntegerDeserializer(),
        "val_deserializer": StringDeserializer(),
    }
    good = replace(WHOLE, key=None, value=b"fine")
    oks, errs = both(kop.deserialize, [good, bad, good], **arguments)
    assert [msg.value for msg in oks] == ["fine", "fine"]
    (error,) = errs
    assert error.err.name() == name
    assert error.msg == bad
    assert (error.msg.topic, error.msg.partition, error.msg.offset) == ("topic", 2, 7)


def written(step: Any, items: list[Any], **arguments: Any) -> list[Any]:
    out: list[Any] = []
    flow = Dataflow("flow")
    made = step("step", op.input("inp", flow, TestingSource(items, 10)), **arguments)
    op.output("out", made, TestingSink(out))
    run_main(flow)
    return out


def test_keys_and_values_are_written() -> None:
    items = [KafkaSinkMessage(5, "text"), replace(WHOLE, key=6, value=None)]
    arguments = {"key_serializer": IntegerSerializer(), "val_serializer": StringSerializer()}
    five, six = IntegerSerializer()(5), IntegerSerializer()(6)
    assert written(kop.serialize, items, **arguments) == [
        KafkaSinkMessage(five, b"text"),
        KafkaSinkMessage(six, None, headers=HEADERS),
    ]
    one = [KafkaSinkMessage(5, "text")]
    keys = written(kop.serialize_key, one, serializer=IntegerSerializer())
    assert keys == [KafkaSinkMessage(five, "text")]
    values = written(kop.serialize_value, one, serializer=StringSerializer())
    assert values == [KafkaSinkMessage(5, b"text")]


def test_serializers_are_told_the_topic() -> None:
    seen: list[Any] = []

    def serializer(value: Any, context: Any) -> bytes:
        seen.append((value, context.topic, context.field))
        return b""

    items = [KafkaSinkMessage(None, 1), KafkaSinkMessage(None, 2, topic="own")]
    written(kop.serialize_value, items, serializer=serializer, topic="sink's")
    assert seen == [(1, "sink's", "value"), (2, "own", "value")]


def test_what_cannot_be_written_is_told() -> None:
    with pytest.raises(CppwaxRuntimeError, match="flow.step") as caught:
        written(kop.serialize_value, [KafkaSinkMessage(b"k", 1)], serializer=StringDeserializer())
    assert "value of this message" in str(caught.value.__cause__)


SCHEMA = """{"type": "record", "name": "User", "fields": [
    {"name": "name", "type": "string"}, {"name": "age", "type": "int"}]}"""


def test_plain_avro_there_and_back() -> None:
    user = {"name": "Ada", "age": 36}
    data = PlainAvroSerializer(SCHEMA)(user)
    assert data == b"\x06Ada\x48"
    assert PlainAvroDeserializer(Schema(SCHEMA, "AVRO"))(data) == user


def test_a_schema_that_does_not_fit_is_an_error() -> None:
    reader = PlainAvroDeserializer(SCHEMA)
    messages = [replace(WHOLE, value=value) for value in (None, b"\x06Ad", b"\x06Ada\x48more")]
    oks, errs = both(kop.deserialize_value, messages, deserializer=reader)
    assert not oks
    assert "no value" in errs[0].err.str() and "longer" in errs[2].err.str()
    with pytest.raises(CppwaxRuntimeError):
        written(
            kop.serialize_value,
            [KafkaSinkMessage(None, {"name": 5})],
            serializer=PlainAvroSerializer(SCHEMA),
        )


def test_a_refusal_counts_once_it_lasts_and_until_it_is_over() -> None:
    """Credentials that expire: the client library tries again and again."""
    passed_on: list[Any] = []
    now = 0.0
    errors = ClientErrors(10.0, passed_on.append, lambda: now)
    refused = ConfluentKafkaError(ConfluentKafkaError._AUTHENTICATION, "no (after 5ms in state X)")
    for at in (0.0, 9.0, 100.0, 109.0):
        now = at
        errors(refused)
        assert errors.lasting_refusal is None
    now = 111.0
    errors(refused)
    assert errors.lasting_refusal is refused
    assert len(passed_on) == 5
    assert errors.text() == "no"
    now = 141.0
    assert errors.lasting_refusal is refused
    now = 200.0
    assert errors.lasting_refusal is None
    errors(refused)
    assert errors.lasting_refusal is None


def test_a_reader_ends_at_a_refusal_that_lasts_though_other_brokers_deliver() -> None:
    now = 0.0
    errors = ClientErrors(10.0, None, lambda: now)
    parts = {each.name: partial(getattr, WHOLE, each.name) for each in fields(WHOLE)}
    message = SimpleNamespace(error=lambda: None, **parts)
    consumer: Any = SimpleNamespace(assign=lambda _places: None, consume=lambda *_: [message])
    start: Any = SimpleNamespace(
        errors=errors, brokers="b:1", looker=lambda: None, partitions=lambda _topic: [2]
    )
    share = Offsets(["topic"], 0, 1, None)
    reading = Reading(1, True, OFFSET_BEGINNING, True, Group("g", False))
    reader = TopicsReader("inp", consumer, start, reading, share, timedelta(hours=1))
    refused = ConfluentKafkaError(ConfluentKafkaError._AUTHENTICATION, "no")
    for at in (0.0, 9.0):
        now = at
        errors(refused)
        assert reader.next_batch() == [WHOLE]
    now = 11.0
    errors(refused)
    with pytest.raises(RuntimeError, match="b:1 refuses this client: no"):
        reader.next_batch()
    now = 200.0
    assert reader.next_batch() == [WHOLE]


@pytest.mark.parametrize("by_us", [False, True])
def test_what_is_dropped_is_lost_unless_we_drop_it(by_us: bool) -> None:
    """A producer that fails as a whole drops all that waits, as one does that is told to."""
    producing = Producing(["127.0.0.1:1"], {}, {}, 1.0)
    producing.write_row(("topic", b"value", None, 0, 0, None))
    if by_us:
        producing.give_up()
        producing.flush()
        return
    producing.producer.purge()
    with pytest.raises(KafkaDeliveryError, match="PURGE_QUEUE") as caught:
        producing.flush()
    assert (caught.value.topic, caught.value.partition) == ("topic", 0)
    producing.give_up()
