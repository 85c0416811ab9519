"""Three brokers, of which one is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from scripts.kafka_broker import KafkaCluster
from tests.python.connectors.kafka import tools
from tests.python.connectors.kafka.copying import Copying

#: Nobody listens there.
NOWHERE = "127.0.0.1:1"


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    tools.need_kafka()
    with KafkaCluster() as started:
        client = tools.admin(started.addresses[0])
        tools.until(lambda: len(client.list_topics(timeout=10).brokers) == len(started.nodes))
        yield started


def test_a_lost_broker_costs_nothing(cluster: KafkaCluster, tmp_path: Path) -> None:
    """With transactions and without; at the start, too, the first address is of no use."""
    addresses = ",".join([NOWHERE, *cluster.addresses])
    source = tools.create_topic(addresses, 2, {}, replicas=3)
    first, second = [f"a{n}" for n in range(500)], [f"b{n}" for n in range(500)]
    tools.produce(addresses, source, first)
    targets = [tools.create_topic(addresses, 2, {}, replicas=3) for _ in range(2)]
    runs = [
        Copying(addresses, source, target, tmp_path / target, transactions)
        for target, transactions in zip(targets, (True, False), strict=True)
    ]

    def each_has(count: int) -> bool:
        assert all(process.poll() is None for process in processes)
        return all(len(tools.read(addresses, target)) >= count for target in targets)

    with ExitStack() as stack:
        processes = [
            stack.enter_context(run.start("--stop-timeout", "30", TAIL="1")) for run in runs
        ]
        try:
            tools.until(lambda: each_has(250))
            partition = tools.admin(addresses).list_topics(source).topics[source].partitions[0]
            cluster.nodes[partition.leader - 1].kill()
            tools.produce(addresses, source, second)
            tools.until(lambda: each_has(1000))
            for process in processes:
                process.terminate()
            for process in processes:
                _, stderr = process.communicate(timeout=60)
                assert process.returncode == 0, stderr
        finally:
            for process in processes:
                process.kill()
    for target in targets:
        assert sorted(tools.values(tools.read(addresses, target))) == sorted(first + second)
