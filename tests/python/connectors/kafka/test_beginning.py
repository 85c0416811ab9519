"""Where reading begins that begins at a moment, and what of it outlives a kill."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    OFFSET_STORED,
    Consumer,
    KafkaException,
    TopicPartition,
)

from cppwax.connectors.kafka import KafkaSource, KafkaSourceError
from cppwax.recovery import init_db_dir
from scripts.kafka_broker import KafkaBroker
from tests.python.cluster.processes import ROOT, Process
from tests.python.connectors.kafka import tools

TopicMaker = Callable[..., str]
PROGRAM = "tests.python.connectors.kafka.programs.tailing:get_flow"


@contextmanager
def tailing(broker: KafkaBroker, topic: str, folder: Path, discover_s: str) -> Iterator[Process]:
    """Have a run of epochs that last longer than the test, which is killed at the end."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    process = Process(
        ["-m", "cppwax.run", PROGRAM, "-r", str(folder), "-s", "3600", "--progress"],
        {"BROKER": broker.address, "FROM": topic, "DISCOVER_S": discover_s, "PYTHONPATH": path},
        ROOT,
    )
    try:
        yield process
    finally:
        process.kill()


@pytest.mark.parametrize("discover_s", ["", "0.5"], ids=["partitions", "readers"])
def test_the_end_is_remembered_from_the_start_on(
    broker: KafkaBroker, new_topic: TopicMaker, tmp_path: Path, discover_s: str
) -> None:
    """Where nothing came before the kill, and where what came is of an epoch that was open."""
    topic = new_topic(2)
    tools.produce(broker.address, topic, ["old", "old"])
    folder = tmp_path / "db"
    folder.mkdir()
    init_db_dir(folder, 2)
    with tailing(broker, topic, folder, discover_s) as run:
        run.err.wait_for(", 1 through")
    tools.produce(broker.address, topic, ["one", "two"])
    with tailing(broker, topic, folder, discover_s) as run:
        for value in ("one", "two"):
            run.out.wait_for(value)
        run.err.wait_for(", 4 through")
        tools.produce(broker.address, topic, ["three", "four"])
        for value in ("three", "four"):
            run.out.wait_for(value)
    with tailing(broker, topic, folder, discover_s) as run:
        for value in ("three", "four"):
            run.out.wait_for(value)
    assert "old" not in run.out.all()


def commit(broker: KafkaBroker, group: str, topic: str, offset: int) -> None:
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": group})
    place = TopicPartition(topic, 0, offset)

    def try_it() -> Any:
        try:
            return consumer.commit(offsets=[place], asynchronous=False)
        except KafkaException:
            return None  # the coordinator is not there yet

    try:
        tools.until(try_it)
    finally:
        consumer.close()


@pytest.mark.parametrize("discovers", [False, True])
def test_what_a_group_has_committed_is_asked_for_once(
    broker: KafkaBroker, new_topic: TopicMaker, discovers: bool
) -> None:
    topic = new_topic()
    tools.produce(broker.address, topic, ["a", "b", "c"])
    group = f"group-{topic}"
    commit(broker, group, topic, 1)
    source = KafkaSource(
        [broker.address],
        [topic],
        starting_offset=OFFSET_STORED,
        add_config={"group.id": group},
        discover_interval=timedelta(minutes=1) if discovers else None,
        reader_count=1,
    )
    (name,) = source.list_parts()
    part = source.build_part("inp", name, None)
    state = part.snapshot()
    part.close()
    assert state == ({(topic, 0): 1} if discovers else 1)
    commit(broker, group, topic, 3)
    part = source.build_part("inp", name, state)
    assert [item.value for item in tools.until(part.next_batch)] == [b"b", b"c"]
    part.close()


@pytest.mark.parametrize(
    ("otherwise", "place"), [("latest", 2), ("earliest", OFFSET_BEGINNING), ("error", None)]
)
def test_a_group_that_has_committed_nothing(
    broker: KafkaBroker, new_topic: TopicMaker, otherwise: str, place: int | None
) -> None:
    topic = new_topic()
    tools.produce(broker.address, topic, ["a", "b"])
    source = KafkaSource(
        [broker.address],
        [topic],
        starting_offset=OFFSET_STORED,
        add_config={"group.id": f"group-{topic}", "auto.offset.reset": otherwise},
    )
    part = source.build_part("inp", f"0-{topic}", None)
    if place is None:
        with pytest.raises(KafkaSourceError):
            tools.until(part.next_batch)
    else:
        assert part.snapshot() == place
    part.close()


@pytest.mark.parametrize(
    ("starting_offset", "is_moment"),
    [(OFFSET_END, True), (OFFSET_STORED, True), (OFFSET_BEGINNING, False), (5, False)],
)
def test_the_engine_is_told_of_moments(starting_offset: int, is_moment: bool) -> None:
    source = KafkaSource(["b:1"], ["t"], starting_offset=starting_offset)
    assert source._starts_now is is_moment
