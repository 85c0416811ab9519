"""Which files the house rules hold for, and what a checker is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]

#: Takes a path relative to the root, with slashes, and the text; returns `line: what and remedy`.
Checker = Callable[[str, str], list[str]]

_FOLDERS = ("cpp", "python", "tests", "examples", "benchmarks", "scripts", "docs", "cmake")
_SUFFIXES = (".cpp", ".hpp", ".py", ".pyi", ".sh", ".md", ".cmake", ".txt")


def all_files() -> Iterator[tuple[str, str]]:
    """Give path and text of every file that people write, tests included."""
    for folder in _FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in _SUFFIXES and path.is_file():
                yield path.relative_to(ROOT).as_posix(), path.read_text()


def is_cpp(path: str) -> bool:
    """Tell whether a file is C++."""
    return path.endswith((".cpp", ".hpp"))


def is_python(path: str) -> bool:
    """Tell whether a file is Python; stubs are not, they repeat the engine's signatures."""
    return path.endswith(".py")
