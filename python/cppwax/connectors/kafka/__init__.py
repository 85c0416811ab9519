"""Read and write topics of Apache Kafka.

Needs the extra `kafka`: `pip install "cppwax[kafka]"`.

`KafkaSource`, `KafkaSink` and, for exactly-once output, `KafkaTransactionalSink` are for
`cppwax.operators.input` and `output`. The steps of `cppwax.connectors.kafka.operators`, usually
imported as `kop`, also take keys and values apart, with errors as a stream.

What raises: `KafkaStartError` (no broker, wrong credentials, missing topic), `KafkaSourceError`
(a message cannot be read) and `KafkaDeliveryError` (one cannot be written) are `RuntimeError`s.

>>> import cppwax.operators as op
>>> from cppwax.connectors.kafka import KafkaSinkMessage, operators as kop
>>> from cppwax.dataflow import Dataflow
>>> brokers = ["localhost:9092"]
>>> flow = Dataflow("upper")
>>> lines = kop.input("lines", flow, brokers=brokers, topics=["lines"])
>>> errors = op.raises("errors", lines.errs)
>>> loud = op.map("loud", lines.oks, lambda msg: KafkaSinkMessage(msg.key, msg.value.upper()))
>>> kop.output("out", loud, brokers=brokers, topic="loud")
"""

try:
    import confluent_kafka as _client_library  # noqa: F401
except ImportError as ex:
    raise ImportError(
        "cppwax.connectors.kafka needs the package confluent-kafka: "
        'pip install "cppwax[kafka]" brings it'
    ) from ex

from cppwax.connectors.kafka._errors import (
    KafkaDeliveryError,
    KafkaError,
    KafkaSourceError,
    KafkaStartError,
)
from cppwax.connectors.kafka._messages import KafkaSinkMessage, KafkaSourceMessage
from cppwax.connectors.kafka._sink import KafkaSink
from cppwax.connectors.kafka._source import KafkaSource
from cppwax.connectors.kafka._transactions import KafkaTransactionalSink

__all__ = [
    "KafkaDeliveryError",
    "KafkaError",
    "KafkaSink",
    "KafkaSinkMessage",
    "KafkaSource",
    "KafkaSourceError",
    "KafkaSourceMessage",
    "KafkaStartError",
    "KafkaTransactionalSink",
]
