"""What the page and the manifests on several machines say: each command and variable is real."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from cppwax.run import _run_command
from tests.python.cluster.processes import ROOT, all_lines, cluster_of, run_alone

PAGE = (ROOT / "docs/run_on_several_machines.md").read_text()
MANIFEST = (ROOT / "examples/deploy/kubernetes.yaml").read_text()
UNIT = (ROOT / "examples/deploy/wordcount.service").read_text()


def known_variables() -> set[str]:
    of_options = {str(param.envvar) for param in _run_command.params if param.envvar}
    modules = [ROOT / "python/cppwax" / f"_cluster{part}.py" for part in ("", "_options")]
    return of_options | {
        name for file in modules for name in re.findall(r"CPPWAX_[A-Z_]+", file.read_text())
    }


@pytest.mark.parametrize("text", [PAGE, MANIFEST, UNIT], ids=["page", "manifest", "unit"])
def test_each_variable_is_read(text: str) -> None:
    named = set(re.findall(r"CPPWAX_[A-Z_]+", text))
    assert named
    assert named <= known_variables()


def test_each_option_is_there() -> None:
    options = {opt for param in _run_command.params for opt in param.opts}
    named = set(re.findall(r"`(--?[a-z][a-z-]*)", PAGE))
    assert "--peer-timeout" in named
    assert named <= options


def commands() -> list[list[str]]:
    found = re.findall(r"python -m cppwax\.run (.*?)(?:   #.*)?$", PAGE, re.MULTILINE)
    of_pods = re.search(r'args: \["python", "-m", "cppwax.run", (.*)\]', MANIFEST)
    assert of_pods is not None
    of_unit = ConfigParser(strict=False, interpolation=None)
    of_unit.optionxform = str  # type: ignore[assignment, method-assign]
    of_unit.read_string(UNIT)
    started = of_unit["Service"]["ExecStart"].split(" -m cppwax.run ")[1]
    return [
        *map(shlex.split, found),
        re.findall(r'"([^"]*)"', of_pods.group(1)),
        shlex.split(started),
    ]


@pytest.mark.parametrize("arguments", commands(), ids=" ".join)
def test_each_command_is_understood(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CPPWAX_")]:
        monkeypatch.delenv(name)
    context = _run_command.make_context("run", list(arguments))
    assert context.params["import_str"] in ("simple:flow", "wordcount:flow")


def test_pods_find_their_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the manifest's own hosts and names, each of its replicas has one."""
    hosts = re.search(r"hosts: \|\n((?: {4}\S+\n)+)", MANIFEST)
    name = re.search(r"CPPWAX_STATEFULSET_NAME\n +value: (\S+)", MANIFEST)
    replicas = re.search(r"replicas: (\d+)", MANIFEST)
    assert hosts and name and replicas
    (tmp_path / "hosts").write_text(hosts.group(1))
    monkeypatch.setenv("CPPWAX_HOSTFILE_PATH", str(tmp_path / "hosts"))
    monkeypatch.setenv("CPPWAX_STATEFULSET_NAME", name.group(1))
    monkeypatch.setenv("CPPWAX_CLUSTER_SECRET", "s" * 32)
    for index in range(int(replicas.group(1))):
        monkeypatch.setenv("CPPWAX_POD_NAME", f"{name.group(1)}-{index}")
        request = _run_command.main(["simple"], standalone_mode=False)
        assert request.cluster.process_id == index
        assert len(request.cluster.addresses) == int(replicas.group(1))
        assert request.cluster.addresses[index].startswith(f"{name.group(1)}-{index}.")


def test_certificates_of_the_page_let_processes_meet(tmp_path: Path) -> None:
    block = re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    # One certificate for both, as both are on this machine.
    script = block.group(1).replace("for host in one two", "for host in localhost")
    subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True, capture_output=True)
    options = [
        f"--tls-{kind}={tmp_path / file}"
        for kind, file in (("cert", "localhost.pem"), ("key", "localhost.key"), ("ca", "ca.pem"))
    ]
    with cluster_of(2) as cluster:
        cluster.addresses = [a.replace("127.0.0.1", "localhost") for a in cluster.addresses]
        assert all_lines(cluster.run("counted", *options)) == all_lines([run_alone("counted")])
