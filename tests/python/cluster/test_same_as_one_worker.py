"""What one worker prints, several processes print too, whatever the order."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.python.cluster.processes import ROOT, all_lines, cluster_of, run_alone

SCENARIOS = [
    "mapped",
    "filtered",
    "flat",
    "branched",
    "merged",
    "keyed",
    "folded",
    "counted",
    "reduced",
    "joined",
    "windowed",
    "windowed_by_worker",
]


@pytest.mark.parametrize("flow", SCENARIOS)
def test_two_processes_print_what_one_worker_prints(flow: str) -> None:
    alone = run_alone(flow)
    assert alone.out
    with cluster_of(2) as cluster:
        assert all_lines(cluster.run(flow, "-w2")) == all_lines([alone])


def test_each_key_has_one_state_and_its_items_in_order() -> None:
    """One worker reads, so that the totals of a key are those of one worker."""
    with cluster_of(2) as cluster:
        ends = cluster.run("stateful", "-w2")
    assert all_lines(ends) == all_lines([run_alone("stateful")])
    # Each key is on one process, and not all on the same.
    keys = [{line.split(",")[0] for line in ended.lines} for ended in ends]
    assert not keys[0] & keys[1]
    assert keys[0] and keys[1]


def test_the_plain_command_lines_on_six_workers() -> None:
    with cluster_of(2) as cluster:
        ends = cluster.run("examples.parametric:get_flow(10)", "-w3")
    assert all_lines(ends) == sorted(str(n) for n in range(1, 11))


@pytest.mark.parametrize("first", [0, 1])
def test_whoever_comes_first_waits(first: int) -> None:
    with cluster_of(2) as cluster:
        early = cluster.start("mapped", first)
        early.err.wait_for(f"waiting for process {1 - first} at {cluster.addresses[1 - first]}")
        late = cluster.start("mapped", 1 - first)
        assert all_lines([early.end(), late.end()]) == all_lines([run_alone("mapped")])


def test_three_processes() -> None:
    with cluster_of(3) as cluster:
        assert all_lines(cluster.run("counted")) == all_lines([run_alone("counted")])


@pytest.mark.parametrize("workers", ["-w1", "-w2"])
def test_words_of_a_real_text(workers: str, tmp_path: Path) -> None:
    import re

    text = (ROOT / "LICENSE").read_text() * 20
    (tmp_path / "text").write_text(text)
    counts = Counter(re.findall(r"[^\W\d_]+", text.lower()))
    with cluster_of(2) as cluster:
        ends = cluster.run(f"examples.wordcount:get_flow('{tmp_path / 'text'}')", workers)
    assert all_lines(ends) == sorted(f"{n:>8} {word}" for word, n in counts.items())
