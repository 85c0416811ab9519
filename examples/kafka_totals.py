"""Orders from one Kafka topic, totals of each customer into another, each exactly once.

mkdir db && python -m cppwax.recovery db 1
python -m cppwax.run -r db -s 1 "examples.kafka_totals:get_flow('localhost:9092')"

Values of the topic `orders` are JSON, as in {"customer": "ada", "cents": 1250}. What is no such
order goes to the topic `bad-orders`.
"""

import json
from typing import Any

import cppwax.operators as op
from cppwax.connectors.kafka import KafkaError, KafkaSinkMessage
from cppwax.connectors.kafka import operators as kop
from cppwax.dataflow import Dataflow


def order_of(value: bytes, _context: Any) -> tuple[str, int]:
    order = json.loads(value)
    return (str(order["customer"]), int(order["cents"]))


def add(total: int | None, cents: int) -> tuple[int, int]:
    total = (total or 0) + cents
    return (total, total)


def to_message(customer_total: tuple[str, int]) -> KafkaSinkMessage[bytes, bytes]:
    customer, total = customer_total
    return KafkaSinkMessage(customer.encode(), str(total).encode())


def bad_order(error: KafkaError[Any, Any]) -> KafkaSinkMessage[bytes, bytes]:
    reason = [("reason", str(error.err).encode())]
    return KafkaSinkMessage(error.msg.key, error.msg.value, headers=reason)


def get_flow(broker: str, tail: bool = True) -> Dataflow:
    brokers = [broker]
    flow = Dataflow("kafka_totals")
    raw = kop.input("orders", flow, brokers=brokers, topics=["orders"], tail=tail)
    orders = kop.deserialize_value("read", raw.oks, order_of)
    bad = op.map("bad", op.merge("errors", raw.errs, orders.errs), bad_order)
    kop.output("bad_orders", bad, brokers=brokers, topic="bad-orders")
    amounts = op.map("amounts", orders.oks, lambda msg: msg.value)
    totals = op.map("totals", op.stateful_map("sum", amounts, add), to_message)
    kop.output("out", totals, brokers=brokers, topic="totals", transactional_id="kafka-totals")
    return flow
