"""What a Kafka message may be made of; no broker is needed to tell."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import Producer

from cppwax.connectors.kafka import KafkaSinkMessage
from cppwax.connectors.kafka._conversions import KeyedBatch
from cppwax.connectors.kafka._producing import row_of


def row_with(**parts: Any) -> Any:
    return row_of(KafkaSinkMessage(**{"key": None, "value": None, **parts}), "topic")


def test_what_the_client_library_takes_is_taken() -> None:
    message: Any = KafkaSinkMessage(b"k", "v", headers=[("h", None)], partition=2, timestamp=7)
    assert row_of(message, "topic") == ("topic", "v", b"k", 2, 7, [("h", None)])
    assert row_with(headers={"a": b"1", "b": "2"})[-1] == [("a", b"1"), ("b", "2")]


def test_headers_that_are_changed_later_are_those_of_the_message() -> None:
    headers: list[Any] = [("h", b"")]
    row = row_with(headers=headers)
    headers.append("no header")
    assert row[-1] == [("h", b"")]


@pytest.mark.parametrize(
    "parts",
    [
        {"key": "", "value": "\0\U0010ffff"},
        {"headers": [("", "\0é")]},
        {"headers": {"h": b"1"}},
        {"topic": "x" * 249},
        {"topic": "...", "partition": 2**31 - 1},
        {"partition": -1, "timestamp": 2**63 - 1},
        {"timestamp": -(2**63)},
    ],
)
def test_what_is_taken_the_client_library_takes(parts: dict[str, Any]) -> None:
    topic, value, key, partition, timestamp, headers = row_with(**parts)
    producer = Producer({"bootstrap.servers": "127.0.0.1:1", "log_level": 0})
    producer.produce(topic, value, key, partition, timestamp=timestamp, headers=headers)
    assert len(producer) >= 1  # its logs count too
    producer.purge()


@pytest.mark.parametrize(
    ("parts", "error", "said"),
    [
        ({"key": 3}, TypeError, "the key of .* 'topic' must be bytes or None, not 3: serialize"),
        ({"value": 5}, TypeError, "the value of .* must be bytes or None, not 5: serialize it"),
        ({"headers": [("h", 5)]}, TypeError, "header 'h' of .* must be bytes or None, not 5"),
        ({"headers": [(b"h", b"")]}, TypeError, "names of headers .* not b'h'"),
        ({"headers": (("h", b""),)}, TypeError, r"a list of \(name, value\)"),
        ({"headers": [["h", b""]]}, TypeError, r"a list of \(name, value\)"),
        ({"headers": [("h",)]}, TypeError, r"a list of \(name, value\)"),
        ({"partition": "2"}, TypeError, "the partition of .* must be an int, not '2'"),
        ({"timestamp": 1.5}, TypeError, "the timestamp of .* must be an int, not 1.5"),
        ({"topic": 5}, TypeError, "the topic of a Kafka message must be a `str`, not 5"),
        # Half of a pair of UTF-16, as in what was decoded with `surrogateescape`. In a header's
        # name the client library would crash at it, and cut the name at a NUL.
        ({"key": "ab\udc80"}, ValueError, r"the key of .* '\\udc80' at index 2 of 'ab\\udc80'"),
        ({"value": "\ud800"}, ValueError, "the value of .* encode it in a step before the sink"),
        ({"value": "x" * 10**6 + "\ud800"}, ValueError, r"of 'x{30,50}\.\.\.x{30,50}[^x]{1,8}:"),
        ({"headers": [("h", "\ud800")]}, ValueError, "the header 'h' of .* UTF-8"),
        ({"headers": [("\ud800", b"")]}, ValueError, "the name .* of a header of .* UTF-8"),
        ({"headers": [("a\0b", b"")]}, ValueError, r"'a\\x00b' .* NUL"),
        ({"topic": "a\0b"}, ValueError, r"for topic 'a\\x00b', but names of topics have"),
        ({"topic": "a b"}, ValueError, "correct the step that names it"),
        ({"topic": "é"}, ValueError, "ASCII letters"),
        ({"topic": "line\n"}, ValueError, "names of topics"),
        ({"topic": ""}, ValueError, "names of topics"),
        ({"topic": "x" * 250}, ValueError, "1 to 249"),
        ({"topic": "."}, ValueError, "names of topics"),
        ({"topic": ".."}, ValueError, "names of topics"),
        ({"partition": 2**31}, ValueError, "'topic' must be from -1 to 2147483647, not 21474836"),
        ({"partition": -2}, ValueError, "the partition of .* must be from -1 to .*, not -2"),
        ({"timestamp": 2**63}, ValueError, "the timestamp of .* to 9223372036854775807, not 922"),
        ({"timestamp": -(2**63) - 1}, ValueError, "the timestamp of .* from -9223372036854775808 "),
    ],
)
def test_what_it_would_refuse_later_is_refused_at_once(
    parts: dict[str, Any], error: type[Exception], said: str
) -> None:
    """Else it would be in the recovery store, and every start would fail."""
    with pytest.raises(error, match=said) as caught:
        row_with(**parts)
    assert len(str(caught.value)) < 600
    str(caught.value).encode()  # to be shown anywhere


def test_keys_that_choose_a_producer_are_bytes() -> None:
    message: Any = KafkaSinkMessage(10**12, b"")
    with pytest.raises(TypeError, match="must be bytes or None"):
        KeyedBatch("out")([message])
