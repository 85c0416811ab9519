"""Files that not all processes have, as on several hosts: here in folders of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cppwax.recovery import init_db_dir
from tests.python.cluster.processes import Cluster, Ended, Process, all_lines, cluster_of

# The folders are all on one device, which is the name of their file system by default.
FLOW = """
import os
import cppwax.operators as op
from cppwax.connectors.files import CSVSource, FileSource
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow

def flow_over(source):
    flow = Dataflow("flow")
    op.output("out", op.map("text", op.input("inp", flow, source), str), StdOutSink())
    return flow

def lines():
    return flow_over(FileSource("in.txt", get_fs_id=lambda _folder: os.getcwd()))

def on_one_device():
    return flow_over(FileSource("in.txt"))

def ranges():
    return flow_over(FileSource("in.txt", range_bytes=2))

def records():
    return flow_over(CSVSource("in.txt", fieldnames=["a"]))
"""
KINDS = pytest.mark.parametrize("kind", ["lines", "on_one_device", "ranges", "records"])


class Hosts:
    """Two processes, each in a folder of its own; a store that both see."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folders = [folder / "one", folder / "two"]
        self._flow = folder / "flow.py"
        self._flow.write_text(FLOW)
        self._store = folder / "db"
        self._store.mkdir()
        init_db_dir(self._store, 2)
        for each in self.folders:
            each.mkdir()
        self._cluster = cluster

    def run(self, kind: str, stores: bool = False) -> list[Ended]:
        options = ["-r", str(self._store)] if stores else []
        return [process.end() for process in self._start(kind, options)]

    def _start(self, kind: str, options: list[str]) -> list[Process]:
        started = []
        for index, folder in enumerate(self.folders):
            self._cluster.folder = folder
            started.append(self._cluster.start(f"{self._flow}:{kind}", index, *options))
        return started


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    with cluster_of(2) as cluster:
        yield Hosts(tmp_path, cluster)


@KINDS
@pytest.mark.parametrize("who", [0, 1])
def test_one_that_has_the_file_is_enough(hosts: Hosts, kind: str, who: int) -> None:
    (hosts.folders[who] / "in.txt").write_text("a\nb\nc\n")
    printed = [line[-3:-1] if kind == "records" else line for line in all_lines(hosts.run(kind))]
    assert printed == (["a'", "b'", "c'"] if kind == "records" else ["a", "b", "c"])


@KINDS
def test_a_file_that_none_has_is_an_error(hosts: Hosts, kind: str) -> None:
    for ended in hosts.run(kind):
        assert ended.code == 1
        assert "FileNotFoundError: input file 'in.txt' does not exist" in ended.err
        assert "step 'flow.inp'" in ended.err


def test_a_file_that_is_gone_at_a_resume_is_an_error(hosts: Hosts) -> None:
    file = hosts.folders[1] / "in.txt"
    file.write_text("a\n")
    assert all_lines(hosts.run("lines", stores=True)) == ["a"]
    file.rename(file.with_name("elsewhere"))
    for ended in hosts.run("lines", stores=True):
        assert ended.code == 1
        assert "FileNotFoundError: input file 'in.txt' does not exist" in ended.err
    file.write_text("a\nb\n")
    assert all_lines(hosts.run("lines", stores=True)) == ["b"]
