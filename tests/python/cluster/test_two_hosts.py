"""The plain command lines on two hosts: network namespaces with addresses and names of their own.

Making them needs root and a kernel that lets us; elsewhere these tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.python.cluster.processes import ROOT, SECRET, Process, all_lines, run_alone

ADDRESSES = "cluster_one:2101;cluster_two:2101"
HOSTS = "127.0.0.1 localhost\n10.77.9.1 cluster_one\n10.77.9.2 cluster_two\n"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Hosts:
    """Two hosts with a cable between."""

    def __init__(self, folder: Path) -> None:
        self.names = [f"cppwax_{os.getpid()}_{index}" for index in range(2)]
        self.started: list[Process] = []
        self._folder = folder
        self._files: dict[str, Path] = {}
        self._replace("/etc/hosts", HOSTS)

    def _replace(self, file: str, text: str) -> None:
        self._files[file] = self._folder / Path(file).name
        self._files[file].write_text(text)

    def make(self) -> None:
        for name in self.names:
            _ip("netns", "add", name)
        one, two = self.names
        _ip("-n", one, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", two)
        for index, name in enumerate(self.names):
            _ip("-n", name, "addr", "add", f"10.77.9.{index + 1}/24", "dev", "eth0")
            for link in ("lo", "eth0"):
                _ip("-n", name, "link", "set", link, "up")

    def remove(self) -> None:
        for process in self.started:
            process.kill()
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def cut(self) -> None:
        """Take the cable out."""
        _ip("-n", self.names[0], "link", "set", "eth0", "down")

    def silence_name_server(self) -> None:
        """Let names be looked up on the second host where somebody listens and says nothing."""
        self._replace("/etc/resolv.conf", "nameserver 127.0.0.1\n")
        self._replace("/etc/nsswitch.conf", "hosts: files dns\n")
        listen = (
            "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
            "s.bind(('127.0.0.1', 53)); print('listens', flush=True)\n"
            "while True: s.recv(1000)"
        )
        inside = ["ip", "netns", "exec", self.names[1], sys.executable, "-c", listen]
        server = Process(["-c", f"import os; os.execvp('ip', {inside!r})"], {}, ROOT)
        self.started.append(server)
        server.out.wait_for("listens")

    def start(self, index: int, flow: str, options: Sequence[str], **env: str) -> Process:
        # The mount is seen by this process alone.
        mounts = "".join(
            f"subprocess.run(['mount', '--bind', {str(source)!r}, {target!r}], check=True); "
            for target, source in self._files.items()
        )
        script = (
            f"import os, subprocess, sys; {mounts}"
            "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
        )
        command = ["-m", "cppwax.run", flow, "-w3", f"-i{index}", "-a", ADDRESSES, *options]
        inside = ["ip", "netns", "exec", self.names[index], sys.executable, "-c", script, *command]
        starter = f"import os; os.execvp('ip', {inside!r})"
        process = Process(["-c", starter], env, ROOT)
        self.started.append(process)
        return process

    def start_both(self, flow: str, *options: str, **env: str) -> list[Process]:
        return [self.start(index, flow, options, **env) for index in range(2)]


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    if os.getuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and the command ip")
    made = Hosts(tmp_path)
    try:
        try:
            made.make()
        except subprocess.CalledProcessError as ex:
            pytest.skip(f"no network namespaces here: {ex.stderr!r}")
        yield made
    finally:
        made.remove()


def test_six_workers_on_two_hosts(hosts: Hosts) -> None:
    """Without a secret, as the plain command lines have it; a warning says so."""
    flow = "tests.python.cluster.flows:counted"
    ends = [process.end() for process in hosts.start_both(flow)]
    assert all_lines(ends) == all_lines([run_alone("counted")])
    assert all("this cluster has no secret" in ended.err for ended in ends)


def test_two_hosts_with_a_secret(hosts: Hosts) -> None:
    flow = "tests.python.cluster.flows:windowed"
    env = {"CPPWAX_CLUSTER_SECRET": SECRET}
    ends = [process.end() for process in hosts.start_both(flow, "--require-secret", **env)]
    assert all_lines(ends) == all_lines([run_alone("windowed")])
    assert all(ended.err == "" for ended in ends)


@pytest.mark.parametrize("who", [0, 1])
def test_a_secret_on_one_side_only_is_refused(hosts: Hosts, who: int) -> None:
    flow = "tests.python.cluster.flows:counted"
    options = ["--connect-timeout", "3"]
    processes = [
        hosts.start(
            index, flow, options, **({"CPPWAX_CLUSTER_SECRET": SECRET} if index == who else {})
        )
        for index in range(2)
    ]
    for index, process in enumerate(processes):
        ended = process.end()
        assert ended.code == 1, ended.err
        assert ended.out == ""
        assert f"process {1 - index}" in ended.err
    # The side that is called sees of which kind the caller is, and tells it.
    for ended in (process.end() for process in processes):
        assert "secret" in ended.err


def test_a_name_server_that_does_not_answer_holds_nobody_up(hosts: Hosts) -> None:
    hosts.silence_name_server()
    flow = "tests.python.cluster.flows:counted"
    options = ["-a", "nobody.example:2101;elsewhere.example:2101", "--connect-timeout", "0.5"]
    ended = hosts.start(1, flow, options, CPPWAX_CLUSTER_SECRET=SECRET).end()
    assert ended.code == 1
    assert "elsewhere.example:2101, the address of this process" in ended.err
    # The resolver would wait for 5 s, at least.
    assert ended.seconds < 4.5


def test_a_signal_on_one_host_ends_both(hosts: Hosts) -> None:
    processes = hosts.start_both("tests.python.cluster.flows:endless", CPPWAX_CLUSTER_SECRET=SECRET)
    for process in processes:
        process.out.wait_for("from 5")
    processes[1].send(signal.SIGINT)
    assert [process.end().code for process in processes] == [130, 130]


def test_a_cut_cable_ends_both(hosts: Hosts) -> None:
    processes = hosts.start_both(
        "tests.python.cluster.flows:endless", "--peer-timeout", "2", CPPWAX_CLUSTER_SECRET=SECRET
    )
    for process in processes:
        process.out.wait_for("from 5")
    hosts.cut()
    for index, process in enumerate(processes):
        ended = process.end(15)
        assert ended.code == 1
        name = ["cluster_two", "cluster_one"][index]
        assert f"lost process {1 - index} ({name}:2101)" in ended.err
