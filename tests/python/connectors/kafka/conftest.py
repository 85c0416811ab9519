"""One real Kafka broker for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cppwax.recovery import RecoveryConfig, init_db_dir
from scripts.kafka_broker import KafkaBroker
from tests.python.connectors.kafka import tools


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process run all tests of this folder, where several share the tests (xdist)."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("kafka"))


@pytest.fixture(scope="session")
def broker() -> Iterator[KafkaBroker]:
    tools.need_kafka()
    with KafkaBroker(tls=True) as started:
        yield started


@pytest.fixture
def new_topic(broker: KafkaBroker) -> Callable[..., str]:
    """Makes topics: `new_topic(partitions, **settings)` gives the name."""

    def make(partitions: int = 1, **settings: str) -> str:
        return tools.create_topic(broker.address, partitions, settings)

    return make


@pytest.fixture
def store(tmp_path: Path) -> RecoveryConfig:
    folder = tmp_path / "db"
    folder.mkdir()
    init_db_dir(folder, 2)
    return RecoveryConfig(folder)
