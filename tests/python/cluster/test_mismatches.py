"""Processes that do not fit together: each says which other one, and what differs."""

from __future__ import annotations

import pytest

from tests.python.cluster.processes import SECRET, cluster_of


@pytest.mark.parametrize(
    ("of_one", "said"),
    [
        (("counted", "-w1"), "dataflow"),
        (("mapped", "-w2"), "workers"),
    ],
)
def test_what_differs_is_told_on_both_sides(of_one: tuple[str, ...], said: str) -> None:
    with cluster_of(2) as cluster:
        processes = [cluster.start("mapped", 0, "-w1"), cluster.start(of_one[0], 1, *of_one[1:])]
        for index, process in enumerate(processes):
            ended = process.end()
            assert ended.code == 1, ended.err
            assert "ClusterError" in ended.err
            assert f"process {1 - index}" in ended.err
            assert said in ended.err


def test_lists_in_another_order_are_refused() -> None:
    with cluster_of(2) as cluster:
        one = cluster.start("mapped", 0, "--connect-timeout", "3")
        cluster.addresses.reverse()
        # Both listen at the same address, or dial themselves.
        other = cluster.start("mapped", 1, "--connect-timeout", "3")
        ends = [one.end(), other.end()]
        assert all(ended.code == 1 for ended in ends)
        assert "address is in use" in ends[0].err + ends[1].err


def test_lists_of_other_lengths_are_refused() -> None:
    with cluster_of(3) as cluster:
        one = cluster.start("mapped", 1, "--connect-timeout", "5")
        cluster.addresses.pop()
        other = cluster.start("mapped", 0, "--connect-timeout", "5")
        for ended in (one.end(), other.end()):
            assert ended.code == 1, ended.err
            assert "process" in ended.err and "3" in ended.err and "2" in ended.err


def test_a_secret_on_one_side_only_is_refused() -> None:
    with cluster_of(2) as cluster:
        one = cluster.start("mapped", 0, "--connect-timeout", "4")
        other = cluster.start(
            "mapped", 1, "--connect-timeout", "4", CPPWAX_CLUSTER_SECRET="another " + SECRET
        )
        for index, ended in enumerate((one.end(), other.end())):
            assert ended.code == 1, ended.err
            assert f"process {1 - index}" in ended.err
            assert "secret" in ended.err


def test_the_same_place_twice_is_refused() -> None:
    with cluster_of(2) as cluster:
        first = cluster.start("mapped", 0)
        first.err.wait_for("waiting for process 1")
        second = cluster.start("mapped", 0)
        ended = second.end()
        assert ended.code == 1
        assert "address is in use" in ended.err
        assert cluster.addresses[0] in ended.err


def test_a_host_that_does_not_exist_is_named() -> None:
    with cluster_of(2) as cluster:
        cluster.addresses[0] = "no-such-host.invalid:2101"
        ended = cluster.start("mapped", 1, "--connect-timeout", "2").end()
        assert ended.code == 1
        assert "no-such-host.invalid:2101" in ended.err
        assert "resolve" in ended.err


@pytest.mark.parametrize("index", [0, 1])
def test_a_process_that_never_comes_is_named(index: int) -> None:
    with cluster_of(2) as cluster:
        ended = cluster.start("mapped", index, "--connect-timeout", "0.5").end()
        assert ended.code == 1
        assert ended.seconds < 10
        missing = f"process {1 - index} at {cluster.addresses[1 - index]} is missing"
        assert missing in ended.err
        assert "within" in ended.err
