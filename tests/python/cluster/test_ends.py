"""How the processes of a cluster end: failures, signals, losses. Each is seen on all sides."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from tests.python.cluster.processes import Cluster, Ended, Process, cluster_of

ROUNDS = int(os.environ.get("CPPWAX_TEST_KILLS", "5"))


def assert_told(ended: Ended, *parts: str) -> None:
    assert ended.code == 1, ended.err
    for part in parts:
        assert part in ended.err


@pytest.mark.parametrize("workers", ["-w1", "-w2"])
def test_a_failure_is_shown_on_all_sides(workers: str) -> None:
    """Even where the class of the exception cannot go to another process."""
    with cluster_of(3) as cluster:
        for ended in cluster.run("fails", workers):
            assert_told(ended, "in fail", "Unpicklable: no good item", "flow.step")
            assert "worker 0" in ended.err
            assert "process 0" in ended.err


def test_an_abort_ends_all() -> None:
    with cluster_of(2) as cluster:
        assert [(e.code, e.err) for e in cluster.run("aborts")] == [(0, ""), (0, "")]


def joined(cluster: Cluster, *options: str) -> list[Process]:
    """Start an endless flow on all; items of all have reached somebody."""
    processes = cluster.start_all("endless", *options)
    for process in processes:
        for index in range(len(processes)):
            process.out.wait_for(f"from {index}")
    return processes


@pytest.mark.parametrize("told", [0, 1])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_on_one_ends_all(told: int, number: signal.Signals, code: int) -> None:
    with cluster_of(2) as cluster:
        processes = joined(cluster)
        processes[told].send(number)
        ends = [process.end() for process in processes]
        assert [(e.code, e.err) for e in ends] == [(code, ""), (code, "")]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_on_all_is_one_stop(number: signal.Signals, code: int) -> None:
    """Though each may have been told by another before its own comes."""
    for _ in range(5):
        with cluster_of(3) as cluster:
            processes = joined(cluster)
            for process in processes:
                process.send(number)
            assert [(e.code, e.err) for e in (p.end() for p in processes)] == [(code, "")] * 3


def test_a_signal_ends_one_that_waits_for_the_others() -> None:
    with cluster_of(2) as cluster:
        process = cluster.start("endless", 0)
        process.err.wait_for("waiting for process 1")
        process.send(signal.SIGINT)
        assert process.end().code == 130


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_on_one_ends_all_that_wait_with_it(number: signal.Signals, code: int) -> None:
    with cluster_of(3) as cluster:
        processes = [cluster.start("endless", index) for index in (0, 2)]
        # It waits for process 1 only once it has joined process 0.
        processes[1].err.wait_for("waiting for process 1")
        processes[1].send(number)
        ends = [process.end() for process in processes]
        assert [ended.code for ended in ends] == [code, code], ends
        assert not any("lost" in ended.err for ended in ends), ends


@pytest.mark.timeout(60 + 10 * ROUNDS)
def test_a_killed_process_is_named_within_two_seconds() -> None:
    """CPPWAX_TEST_KILLS says how often."""
    chance = random.Random(4)
    for _ in range(ROUNDS):
        with cluster_of(3) as cluster:
            processes = joined(cluster)
            victim = chance.randrange(3)
            began = time.monotonic()
            processes[victim].send(signal.SIGKILL)
            for index, process in enumerate(processes):
                if index != victim:
                    ended = process.end()
                    assert_told(ended, f"process {victim}", cluster.addresses[victim])
            assert time.monotonic() - began < 2


def test_a_frozen_process_is_warned_of_and_counts_as_lost() -> None:
    with cluster_of(2) as cluster:
        processes = joined(cluster, "--peer-timeout", "2")
        processes[1].send(signal.SIGSTOP)
        ended = processes[0].end()
        assert_told(ended, "ClusterError", "process 1", cluster.addresses[1])
        # Warned of first.
        assert len([line for line in ended.err.splitlines() if "process 1" in line]) > 1
        processes[1].send(signal.SIGCONT)
        assert processes[1].end().code == 1


def test_a_process_that_is_started_again_alone_finds_no_cluster() -> None:
    with cluster_of(2) as cluster:
        processes = joined(cluster)
        processes[1].send(signal.SIGKILL)
        assert processes[0].end().code == 1
        again = cluster.start("endless", 1, "--connect-timeout", "1")
        ended = again.end()
        assert_told(ended, "process 0", cluster.addresses[0], "missing")
