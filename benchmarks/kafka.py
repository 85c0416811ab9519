"""What does a message cost from Kafka through a dataflow to Kafka, on one worker?

    .venv/bin/python -m benchmarks.kafka                  # 100,000 messages
    .venv/bin/python -m benchmarks.kafka --count 1000000

Starts a broker on this machine, fills a topic of three partitions, and copies it with a `map`
between, by cppwax and by Bytewax (where it is installed) in turn, each run a process of its own.
Shown are the CPU time of that process and wall time, a message; the broker shares the machine, so
that wall time tells of both. Each copy is counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks import report
from benchmarks.harness import add_options, installed, interleaved
from benchmarks.memory import Peak
from benchmarks.results import Measured, Piece
from benchmarks.workload import (
    BYTEWAX,
    CPPWAX,
    ROOT,
    Cost,
    Library,
    Side,
    cpu_seconds,
    environment,
    part_of,
)

PARTITIONS = 3
VALUE_BYTES = 100


def flow_of(package: str, broker: str, source: str, target: str, batch_size: int) -> Any:
    """Define the copy."""
    library = Library(package)
    kafka = import_module(f"{package}.connectors.kafka")
    message = kafka.KafkaSinkMessage
    flow = library.dataflow.Dataflow("copy")
    read = kafka.KafkaSource([broker], [source], tail=False, batch_size=batch_size)
    messages = library.op.input("inp", flow, read)
    loud = library.op.map("map", messages, lambda msg: message(msg.key, msg.value.upper()))
    library.op.output("out", loud, kafka.KafkaSink([broker], target))
    return flow


def run_here(package: str, broker: str, source: str, target: str, batch_size: int) -> None:
    """Be the process of one run: print what it took, as JSON."""
    flow = flow_of(package, broker, source, target, batch_size)
    library = Library(package)
    cpu, wall, peak = cpu_seconds(), time.perf_counter(), Peak()
    library.run(flow, 1, None)
    took = Cost(cpu_seconds() - cpu, time.perf_counter() - wall, peak.megabytes())
    print(json.dumps(asdict(took)))


def create(broker: str) -> str:
    """Make a topic; return its name."""
    from confluent_kafka.admin import AdminClient, NewTopic

    # Without what it tells on stderr of a queue that is not empty when it goes.
    client = AdminClient({"bootstrap.servers": broker, "log_level": 5})
    name = f"topic-{uuid4().hex[:8]}"
    client.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result(30)
    return name


def fill(broker: str, topic: str, count: int) -> None:
    """Write the messages."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": broker, "queue.buffering.max.messages": 10_000_000})
    value = b"x" * VALUE_BYTES
    for number in range(count):
        producer.produce(topic, value, str(number).encode(), number % PARTITIONS)
    left = producer.flush(600)
    assert not left, f"{left} messages were not written"


def messages_in(broker: str, topic: str) -> int:
    """Tell how many messages a topic has."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": broker, "group.id": "benchmarks"})
    total = 0
    for partition in range(PARTITIONS):
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)
        total += high - low
    consumer.close()
    return total


def measure(side: Side, broker: str, source: str, options: argparse.Namespace) -> Cost:
    """Run one side in a new process, and check what it has written."""
    target = create(broker)
    where = [side.package, broker, source, target, str(options.batch_size)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kafka", "--one", *where],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{side.label}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    written = messages_in(broker, target)
    if written != options.count:
        raise SystemExit(f"{side.label}: WRONG RESULT: {written:,} messages, not {options.count:,}")
    took = Cost(**json.loads(done.stdout.splitlines()[-1]))
    return Cost(took.cpu / options.count, took.wall / options.count, took.memory)


def compare(broker: str, options: argparse.Namespace) -> Measured:
    """Run all rounds; return what they gave."""
    source = create(broker)
    fill(broker, source, options.count)
    sides = installed((CPPWAX, BYTEWAX))
    costs = interleaved(sides, options.rounds, lambda side: measure(side, broker, source, options))
    title = (
        f"a copy of {options.count:,} messages of {VALUE_BYTES} bytes with a map between, batches "
        f"of {options.batch_size:,}"
    )
    bars = (part_of("figure", 1.0),)
    sizes = dict.fromkeys(sides, options.count)
    return Measured("kafka_copy", title, "µs a message", 1e6, "cpu", bars, sizes, costs)


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1 round of 10,000 messages")
    parser.add_argument("--count", type=int, help="messages (100,000)")
    add_options(parser, rounds=3)
    parser.add_argument("--batch-size", type=int, default=1000, help="of the source (1,000)")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.count = options.count or (10_000 if options.quick else 100_000)
    options.rounds = options.rounds or (1 if options.quick else 3)
    if options.one:
        package, broker, source, target, batch_size = options.one
        run_here(package, broker, source, target, int(batch_size))
        return 0
    sys.path.insert(0, str(Path(ROOT)))
    from scripts.kafka_broker import KafkaBroker

    piece = Piece.begin("kafka")
    print(report.machine(piece), flush=True)
    with KafkaBroker(steady=True) as broker:
        measured = compare(broker.address, options)
    piece.add(measured, options.json)
    print(f"\n{report.details(measured)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
