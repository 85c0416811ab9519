"""What a Kafka message may be made of; no broker is needed to tell."""

from __future__ import annotations

from typing import Any

import pytest

from cppwax.connectors.kafka import KafkaSinkMessage
from cppwax.connectors.kafka._conversions import KeyedBatch
from cppwax.connectors.kafka._producing import row_of


def test_what_the_client_library_takes_is_taken() -> None:
    message: Any = KafkaSinkMessage(b"k", "v", headers=[("h", None)], partition=2, timestamp=7)
    assert row_of(message, "topic") == ("topic", "v", b"k", 2, 7, [("h", None)])


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"key": 3}, "the key of a Kafka message must be bytes or None, not 3"),
        ({"value": 5}, "the value of a Kafka message must be bytes or None, not 5"),
        ({"headers": [("h", 5)]}, "header 'h' of a Kafka message must be bytes"),
        ({"headers": [(b"h", b"")]}, "names of headers"),
        ({"partition": "2"}, "the partition of a Kafka message must be an int"),
        ({"timestamp": 1.5}, "the timestamp of a Kafka message must be an int"),
    ],
)
def test_what_it_would_refuse_later_is_refused_at_once(parts: dict[str, Any], said: str) -> None:
    """Else it would be in the recovery store, and every start would fail."""
    message: Any = KafkaSinkMessage(**{"key": None, "value": None, **parts})
    with pytest.raises(TypeError, match=said):
        row_of(message, "topic")


def test_keys_that_choose_a_producer_are_bytes() -> None:
    message: Any = KafkaSinkMessage(10**12, b"")
    with pytest.raises(TypeError, match="must be bytes or None"):
        KeyedBatch("out")([message])
