"""Look up what is not in the stream, with a cache; then collect into batches of a key."""

from datetime import timedelta

import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.operators import TTLCache
from bytewax.testing import TestingSource

CITIES = {"10.0.0.1": "Oslo", "10.0.0.2": "Lima"}


def city_of(ip: str) -> str:
    return CITIES.get(ip, "nowhere")


def with_city(cache: TTLCache[str, str], request: tuple[str, str]) -> tuple[str, str]:
    ip, page = request
    return cache.get(ip), page


REQUESTS = [
    ("10.0.0.1", "/"),
    ("10.0.0.2", "/shop"),
    ("10.0.0.1", "/shop"),
    ("10.9.9.9", "/"),
    ("10.0.0.1", "/pay"),
]

flow = Dataflow("enrich")
requests = op.input("requests", flow, TestingSource(REQUESTS))
placed = op.enrich_cached("city", requests, city_of, with_city, ttl=timedelta(minutes=5))
batches = op.collect("batches", placed, timeout=timedelta(minutes=1), max_size=2)
text = op.map("text", batches, lambda kv: f"{kv[0]}: {' '.join(kv[1])}")
op.output("out", text, StdOutSink())
