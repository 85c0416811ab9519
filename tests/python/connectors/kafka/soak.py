"""Copies many messages from Kafka to Kafka, kills the copy again and again, and counts.

    .venv/bin/python -m tests.python.connectors.kafka.soak             # a million messages
    .venv/bin/python -m tests.python.connectors.kafka.soak --count 100000 --seed 7

Starts a broker, fills a topic, and runs a dataflow that copies it in transactions. Each run but the
last is killed, or stopped, at a random moment, and the next one resumes. A consumer of committed
messages then counts how often it finds each: the command fails unless that is once.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic

from scripts.kafka_broker import KafkaBroker
from tests.python.connectors.kafka import tools
from tests.python.connectors.kafka.copying import Copying


def copies(address: str, topic: str, count: int) -> Counter[int]:
    """Tell how many of the messages are there once, how many not at all, twice, and so on."""
    found = bytearray(count)
    for message in tools.each(address, topic, within_s=600):
        found[int(message.value() or b"")] += 1
    return Counter(found)


def soak(address: str, options: argparse.Namespace, folder: Path) -> bool:
    """Do it once; return whether each message was there once."""
    chance = random.Random(options.seed)
    source = tools.create_topic(address, 3, {})
    target = tools.create_topic(address, 3, {})
    tools.produce(address, source, (str(number) for number in range(options.count)))
    print(f"{options.count:,} messages, seed {options.seed}", flush=True)
    copying = Copying(address, source, target, folder)
    began = monotonic()
    cuts = 0
    while cuts < options.kills and not copying.cut_short(chance, (0.5, 6.0), BATCH="1000"):
        cuts += 1
    by_then = sum(1 for _ in tools.each(address, target, within_s=600))
    code, stderr = copying.run("-w", "2", BATCH="1000", within_s=3600)
    print(
        f"copied in {monotonic() - began:.0f} s: {by_then:,} by {cuts} runs that were cut short, "
        "the others by the last run",
        flush=True,
    )
    if code:
        print(stderr)
        return False
    found = copies(address, target, options.count)
    for times, messages in sorted(found.items()):
        print(f"  there {times} times: {messages:,} messages")
    return found == {1: options.count}


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="messages (1,000,000)")
    parser.add_argument("--kills", type=int, default=20, help="at most so many (20)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (1)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, KafkaBroker(steady=True) as broker:
        return 0 if soak(broker.address, options, Path(folder) / "db") else 1


if __name__ == "__main__":
    sys.exit(main())
