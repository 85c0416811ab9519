"""Programs written for Bytewax print the same on it and, unchanged, on cppwax.

What they print is in fixtures/bytewax_programs, sorted as the order over keys is not promised;
`python -m tests.python.compat.test_programs` writes it anew, with Bytewax.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.python.compat.running import ON_BYTEWAX, ON_CPPWAX, ROOT, has_bytewax, lines_of

PROGRAMS = sorted((ROOT / "examples/bytewax").glob("*.py"))
_EXPECTED = ROOT / "tests/python/fixtures/bytewax_programs"
_RESUMED = "resumed"
_LAYOUTS = {"one worker": [], "three workers": ["-w3"], "two processes": ["-p2"]}


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


def printed(program: Path, module: list[str], *options: str) -> list[str]:
    """Run a program, twice if it is about recovery, and give the sorted lines of both runs."""
    with _folder() as folder:
        if program.stem != _RESUMED:
            return sorted(lines_of(module, str(program), *options, folder=folder))
        (folder / "db").mkdir()
        lines_of([module[0].replace("run", "recovery")], "db", "2", folder=folder)
        options = (*options, "-r", "db", "-s", "0", "-b", "0")
        first = lines_of(module, str(program), *options, folder=folder)
        second = lines_of(module, str(program), *options, folder=folder)
        return ["first", *sorted(first), "second", *sorted(second)]


def _expected(program: Path) -> list[str]:
    return (_EXPECTED / f"{program.stem}.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize("layout", _LAYOUTS)
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_cppwax_runs_it_unchanged(program: Path, layout: str) -> None:
    assert printed(program, ON_CPPWAX, *_LAYOUTS[layout]) == _expected(program)


@pytest.mark.skipif(not has_bytewax(), reason="bytewax has no wheel for this Python")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_bytewax_runs_it(program: Path) -> None:
    assert printed(program, ON_BYTEWAX) == _expected(program)


@pytest.mark.skipif(not has_bytewax(), reason="bytewax has no wheel for this Python")
@pytest.mark.parametrize("form", ["mermaid", "plantuml", "json"])
def test_it_is_drawn_as_by_bytewax(form: str, tmp_path: Path) -> None:
    drawn = [
        lines_of(module, str(ROOT / "examples/bytewax/joins.py"), "-o", form, folder=tmp_path)
        for module in (["cppwax.visualize", "--bytewax"], ["bytewax.visualize"])
    ]
    assert drawn[0] == drawn[1] != []


def test_there_are_programs_enough() -> None:
    assert len(PROGRAMS) >= 10
    assert {path.stem for path in _EXPECTED.iterdir()} == {path.stem for path in PROGRAMS}
    for program in PROGRAMS:
        text = program.read_text("utf-8")
        assert "bytewax" in text and "cppwax" not in text


def test_files_are_the_same_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OUT_DIR", str(tmp_path))
    (program,) = (path for path in PROGRAMS if path.stem == "csv_files")
    printed(program, ON_CPPWAX)
    parts = {path.name: sorted(path.read_text("utf-8").splitlines()) for path in tmp_path.iterdir()}
    assert parts == {
        "part_0": ["Ada, 1800s", "Alan, 1900s", "Grace, 1900s"],
        "part_1": ["Edsger, 1900s", "Hamilton, Margaret, 1900s"],
    }


def _record() -> None:
    for program in PROGRAMS:
        lines = printed(program, ON_BYTEWAX)
        (_EXPECTED / f"{program.stem}.txt").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    _record()
