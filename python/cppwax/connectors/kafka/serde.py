"""Keys and values as plain Avro, without the frame that schema registries use.

For framed ones, use those of `confluent_kafka.schema_registry`: all of the client library's
serializers and deserializers fit the steps of `cppwax.connectors.kafka.operators`.
"""

from __future__ import annotations

import io
import json
from typing import Any, Protocol

from confluent_kafka.serialization import Deserializer, SerializationContext, Serializer

try:
    from fastavro import parse_schema, schemaless_reader, schemaless_writer
except ImportError as ex:
    raise ImportError(
        "cppwax.connectors.kafka.serde needs the package fastavro: "
        'pip install "cppwax[kafka]" brings it'
    ) from ex

__all__ = ["PlainAvroDeserializer", "PlainAvroSerializer"]


class _HasSchema(Protocol):
    """As `confluent_kafka.schema_registry.Schema`."""

    schema_str: str


def _parsed(schema: str | _HasSchema, named_schemas: dict[str, Any] | None) -> Any:
    text = schema if isinstance(schema, str) else schema.schema_str
    return parse_schema(json.loads(text), named_schemas=named_schemas)


class PlainAvroSerializer(Serializer):
    r"""Makes Avro of objects; the reader must know the schema.

    >>> to_avro = PlainAvroSerializer('"string"')
    >>> to_avro("abc")
    b'\x06abc'
    """

    def __init__(
        self, schema: str | _HasSchema, named_schemas: dict[str, Any] | None = None
    ) -> None:
        """Take a schema.

        Args:
            schema: The schema as JSON, or a `confluent_kafka.schema_registry.Schema`.
            named_schemas: Further schemas, by name, which it refers to; as for
                `fastavro.parse_schema`.

        Raises:
            ValueError: It is no JSON, or no schema.
        """
        self.schema = _parsed(schema, named_schemas)

    def __call__(self, obj: object | None, ctx: SerializationContext | None = None) -> bytes | None:
        """Make Avro of an object.

        Args:
            obj: What fits the schema.
            ctx: Not used.

        Returns:
            The bytes.

        Raises:
            ValueError: It does not fit the schema; fastavro has other errors too.
        """
        out = io.BytesIO()
        schemaless_writer(out, self.schema, obj)
        return out.getvalue()


class PlainAvroDeserializer(Deserializer):
    r"""Makes objects of Avro that was written with a known schema.

    >>> PlainAvroDeserializer('"string"')(b"\x06abc")
    'abc'
    """

    def __init__(
        self, schema: str | _HasSchema, named_schemas: dict[str, Any] | None = None
    ) -> None:
        """Take the schema that was written with.

        Args:
            schema: The schema as JSON, or a `confluent_kafka.schema_registry.Schema`.
            named_schemas: Further schemas, by name, which it refers to; as for
                `fastavro.parse_schema`.

        Raises:
            ValueError: It is no JSON, or no schema.
        """
        self.schema = _parsed(schema, named_schemas)

    def __call__(
        self, value: bytes | None, ctx: SerializationContext | None = None
    ) -> object | None:
        """Make an object of Avro.

        Args:
            value: The bytes.
            ctx: Not used.

        Returns:
            The object.

        Raises:
            ValueError: There is nothing to read, or more than one object.
            EOFError: The bytes end too early; fastavro has other errors too.
        """
        if value is None:
            raise ValueError("there is no value, and Avro needs one: `None` is not deserialized")
        data = io.BytesIO(value.encode() if isinstance(value, str) else value)
        made: object = schemaless_reader(data, self.schema, None)
        if data.read(1):
            raise ValueError("the value is longer than its schema says: it has another schema")
        return made
