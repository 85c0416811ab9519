"""`KafkaSink` over kills: no message is lost, wherever a run dies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.kafka_broker import KafkaBroker
from tests.python.connectors.kafka import tools
from tests.python.connectors.kafka.copying import Copying

TopicMaker = Callable[..., str]


# What was written last is still in the process then: a message may wait for a second.
@pytest.mark.parametrize("crash", ["after write_batch:9", "end_epoch:2", "after end_epoch:2"])
def test_no_message_is_lost_wherever_it_dies(
    broker: KafkaBroker, new_topic: TopicMaker, tmp_path: Path, crash: str
) -> None:
    source, target = new_topic(2), new_topic(2)
    expected = [str(number) for number in range(300)]
    tools.produce(broker.address, source, expected)
    copying = Copying(broker.address, source, target, tmp_path / "db", transactions=False)
    copying.die_twice_and_end(crash, SLOW_S="0.05", LINGER_MS="1000")
    assert set(tools.values(tools.read(broker.address, target))) == set(expected)
