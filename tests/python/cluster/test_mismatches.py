"""Processes that do not fit together: each says which other one, and what differs."""

from __future__ import annotations

import signal

import pytest

from tests.python.cluster.processes import SECRET, all_lines, cluster_of, run_alone


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


def test_other_secrets_are_refused() -> None:
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


def test_a_list_in_another_order_is_named_on_both_sides() -> None:
    """The third process takes the second for the first."""
    with cluster_of(3) as cluster:
        zero, one = cluster.start("mapped", 0), cluster.start("mapped", 1)
        one.err.wait_for("waiting for process 2")
        first, second, third = cluster.addresses
        cluster.addresses = [second, first, third]
        two = cluster.start("mapped", 2).end()
        ends = [zero.end(), one.end()]
        for ended in (two, *ends):
            assert ended.code == 1, ended.err
        assert f"{second} says that it is process 1" in two.err
        assert "the address list says that it is process 0" in two.err
        assert "takes this process for process 0, it is process 1" in ends[1].err
        assert f"process 1 ({second}) ended: process 2" in ends[0].err


def test_a_process_of_another_start_is_named() -> None:
    """Two starts of a cluster whose processes 1 listen at one address: only one can be met."""
    with cluster_of(4) as cluster:
        first_of_other, *addresses = cluster.addresses
        cluster.addresses = addresses
        zero, one = cluster.start("mapped", 0), cluster.start("mapped", 1)
        one.err.wait_for("waiting for process 2")
        cluster.addresses = [first_of_other, *addresses[1:]]
        other_zero = cluster.start("mapped", 0)
        other_two = cluster.start("mapped", 2)
        other_ends = [other_zero.end(), other_two.end()]
        for ended in other_ends:
            assert ended.code == 1, ended.err
            assert f"process 1 ({addresses[1]}) belongs to another start" in ended.err
        one.err.wait_for("belongs to another start")
        # Nothing has become of those who met first.
        cluster.addresses = addresses
        two = cluster.start("mapped", 2)
        ends = [process.end() for process in (zero, one, two)]
        assert all_lines(ends) == all_lines([run_alone("mapped")])


@pytest.mark.parametrize("index", [0, 1])
def test_who_comes_too_late_is_told_so(index: int) -> None:
    """And those that run go on."""
    with cluster_of(3) as cluster:
        spare = cluster.addresses.pop()
        running = cluster.start_all("endless")
        for process in running:
            process.out.wait_for("from 0")
            process.out.wait_for("from 1")
        late = cluster.start("endless", index, "--bind", spare, "--connect-timeout", "1").end()
        assert late.code == 1
        if index == 1:
            assert f"process 0 ({cluster.addresses[0]}) says that all processes have joined" in (
                late.err
            )
            running[0].err.wait_for("refused another process 1")
        else:
            assert f"process 1 at {cluster.addresses[1]} is missing" in late.err
        running[0].send(signal.SIGTERM)
        assert [process.end().code for process in running] == [0, 0]
