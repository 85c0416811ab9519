"""What the code blocks of a document mean, and how they are run.

- `python` with a first line `# name.py` is a file, which a later command uses.
- Other `python` is executed, all of a page as one program. What it prints is the `text` below it.
- `console` has commands, `$ …`, each followed by what it writes on both outputs. `...` stands for
  any text, as in doctests. All of a page share a folder.
- `yaml` must be well-formed.
- What is needed but would distract stands in a comment, `<!-- invisible-code: python`.
- `<!-- skip: next "reason" -->` above what cannot be run.
"""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path

import yaml
from sybil import Document, Example
from sybil.parsers.markdown import CodeBlockParser, SkipParser

LANGUAGES = ("console", "python", "text", "yaml")
_FILE = re.compile(r"# (\w+\.py)\n")
_COMMAND = re.compile(r"^\$ (.*\n(?:> .*\n)*)", re.MULTILINE)
_COMMAND_SECONDS = 120


class Page:
    """Runs the blocks of one document, in the current folder."""

    def __init__(self, path: Path) -> None:
        self.counts = dict.fromkeys(("console", "file", "python", "text", "yaml"), 0)
        self.unused: set[str] = set()
        self.printed = ""
        evaluators = (self._run_console, self._run_python, self._compare_text, self._read_yaml)
        parsers = [
            CodeBlockParser(language, evaluate)
            for language, evaluate in zip(LANGUAGES, evaluators, strict=True)
        ]
        self.document = Document.parse(str(path), *parsers, SkipParser())

    def _run_python(self, example: Example) -> str | None:
        self.counts["python"] += 1
        code = str(example.parsed)
        if named := _FILE.match(code):
            self.counts["file"] += 1
            ast.parse(code)
            Path(named[1]).write_text(code, "utf-8")
            self.unused.add(named[1].removesuffix(".py"))
            return None
        padded = "\n" * (example.line + example.parsed.line_offset) + code
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(padded, example.path, "exec", dont_inherit=True), example.namespace)
        unseen, self.printed = self.printed, printed.getvalue()
        return f"a block above printed, and it is not shown:\n{unseen}" if unseen else None

    def _compare_text(self, example: Example) -> str | None:
        if not self.printed:
            return None
        self.counts["text"] += 1
        printed, self.printed = self.printed, ""
        return _difference(str(example.parsed), printed)

    def _run_console(self, example: Example) -> str | None:
        parts = _COMMAND.split(str(example.parsed))
        if parts[0].strip() or len(parts) < 3:
            return "begin with a command, `$ …`"
        for command, shown in zip(parts[1::2], parts[2::2], strict=True):
            self.counts["console"] += 1
            self.unused -= {name for name in self.unused if name in command}
            if found := _difference(shown, _written_by(command.replace("\n> ", "\n"))):
                return f"$ {command}{found}"
        return None

    def _read_yaml(self, example: Example) -> None:
        self.counts["yaml"] += 1
        list(yaml.safe_load_all(str(example.parsed)))


def _difference(shown: str, written: str) -> str | None:
    if OutputChecker().check_output(shown, written, ELLIPSIS):
        return None
    return f"shown is:\n{shown}but it is:\n{written}"


def _written_by(command: str) -> str:
    ended = subprocess.run(
        ["bash", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_COMMAND_SECONDS,
        env=_environment(),
    )
    return ended.stdout


def _environment() -> dict[str, str]:
    """Make `python` and `cppwax` mean those of this interpreter."""
    folder = Path(".bin").absolute()
    folder.mkdir(exist_ok=True)
    for name, arguments in (
        ("python", ""),
        ("cppwax", '-c "from cppwax._cli import main; main()"'),
    ):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        (folder / name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CPPWAX_")}
    return {**kept, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100"}
