"""The code blocks of all documents run as they say, and their commands are understood."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from cppwax import recovery
from cppwax.run import _group, _run_command
from tests.python.architecture._files import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(\S*)", re.MULTILINE)
_WITH_BLOCKS = [path for path in PAGES if _FENCE.search(path.read_text("utf-8"))]
#: Languages of blocks that are not run, each with what reads or tests them.
_NOT_RUN = {
    "": "drawings and signatures in words",
    "ini": "parts of systemd units",
    "sh": "docs/run_on_several_machines.md: cluster/test_deployment.py",
    "text": "output, compared where a block above prints",
}
#: How many blocks may be marked as such that cannot be run.
_MOST_SKIPPED = 5
#: The tutorial takes seconds, but starts twenty processes.
_PAGE_SECONDS = 280


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _run(page: Path, folder: Path) -> tuple[dict[str, Any], str]:
    command = [sys.executable, "-W", "error", "-m", "tests.python.documents.run_page", str(page)]
    python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": python_path},
        capture_output=True,
        text=True,
        timeout=_PAGE_SECONDS,
    )
    counts = json.loads(ended.stdout.splitlines()[-1]) if ended.stdout else {}
    return counts, ended.stderr if ended.returncode else ""


@pytest.mark.timeout(_PAGE_SECONDS + 20)
@pytest.mark.parametrize("page", _WITH_BLOCKS, ids=_name)
def test_blocks_of(page: Path, tmp_path: Path) -> None:
    counts, error = _run(page, tmp_path)
    assert not error, error
    languages = set(_FENCE.findall(page.read_text("utf-8"))) - set(_NOT_RUN)
    languages = {language for language in languages if not language.startswith("{")}
    unknown = languages - set(counts)
    assert not unknown, f"nothing runs blocks of {unknown}: see blocks.py, or _NOT_RUN here"


def test_skipped_blocks_are_few_and_have_reasons() -> None:
    marks = [
        (page.name, mark)
        for page in PAGES
        for mark in re.findall(r"^<!-+ skip: (.*?)-+>", page.read_text("utf-8"), re.MULTILINE)
    ]
    assert len(marks) <= _MOST_SKIPPED
    for page, mark in marks:
        assert re.fullmatch(r'next "[^"]{10,}" ?', mark), f'{page}: {mark}: skip: next "reason"'


def _commands() -> set[str]:
    """Find the command lines of cppwax, shown as output or not."""
    found = set()
    for page in PAGES:
        for line in page.read_text("utf-8").splitlines():
            if shown := re.match(r"(?: {4,}|\$ )(?:\$ )?((?:python -m )?cppwax[. ].*)", line):
                # What follows is a comment, or another command.
                found.add(re.split(r"  +#| [|>&]| 2>", shown[1])[0].strip())
    return {command for command in found if "IMPORT_STR" not in command}


_COMMANDS: dict[str, click.Command] = {
    "cppwax": _group,
    "cppwax.run": _run_command,
    "cppwax.visualize": _group.commands["visualize"],
}


@pytest.mark.parametrize("command", sorted(_commands()))
def test_command_is_understood(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(command.removeprefix("python -m "))
    if words[0] == "cppwax.recovery":
        assert recovery._parse_arguments(words[1:])
        return
    for name in [name for name in os.environ if name.startswith("CPPWAX_")]:
        monkeypatch.delenv(name)
    known, arguments = _COMMANDS[words[0]], words[1:]
    while isinstance(known, click.Group):
        known, arguments = known.commands[arguments[0]], arguments[1:]
    assert known.make_context(words[0], arguments, resilient_parsing=False)


def test_a_wrong_block_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nprint(1)\n```\n```text\n2\n```\n"
        "```python\nraise KeyError\n```\n"
        "```console\n$ echo three\nfour\n```\n"
        "```python\n# left.py\n```\n"
        "```python\nprint('unseen')\n```\n"
    )
    counts, error = _run(page, tmp_path)
    assert counts == {
        **{"console": 1, "file": 1, "python": 4, "text": 1, "yaml": 0},
        "skipped": [],
    }
    for what in ("but it is:\n1", "KeyError", "but it is:\nthree", "uses left.py", "last block"):
        assert what in error


def test_the_first_pod_makes_a_store_that_runs_take(tmp_path: Path) -> None:
    """Also when its volume is mounted again, with a group that may write."""
    text = (ROOT / "docs/deployment.md").read_text("utf-8")
    block = re.search(r"- sh\n +- -c\n +- \|\n((?: {14}.*\n)+)", text)
    assert block
    script = block[1].replace("/state", str(tmp_path)).replace("python", sys.executable)
    for pod in ("wordcount-0", "wordcount-0"):
        subprocess.run(["sh", "-ec", script], env={**os.environ, "HOSTNAME": pod}, check=True)
        (tmp_path / "flow.py").write_text(
            "import cppwax.operators as op\n"
            "from cppwax.dataflow import Dataflow\n"
            "from cppwax.testing import TestingSource\n"
            "flow = Dataflow('flow')\n"
            "op.inspect('see', op.input('inp', flow, TestingSource([])))\n"
        )
        run = [sys.executable, "-m", "cppwax.run", "flow", "-r", "db"]
        subprocess.run(run, cwd=tmp_path, check=True)
        for path in (tmp_path / "db", *(tmp_path / "db").iterdir()):
            path.chmod(0o770)
