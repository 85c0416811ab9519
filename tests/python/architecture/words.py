"""What may be written in one place only, or nowhere."""

from __future__ import annotations

import re

from tests.python.architecture import _cpp
from tests.python.architecture._files import ROOT, is_cpp, is_python

_GIL = re.compile(
    r"\b(gil_scoped_\w+|PyGILState_\w+|PyEval_(?:SaveThread|RestoreThread|AcquireThread)"
    r"|Py_(?:BEGIN|END)_ALLOW_THREADS)\b"
)
_NOW = re.compile(r"::now\s*\(")
_CPP_SLEEP = re.compile(r"\b(?:usleep|nanosleep|sleep_for|sleep_until)\s*\(")
_PYTHON_SLEEP = re.compile(r"\bsleep\s*\(")
_UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
_PAGE = re.compile(r"\bdocs/[\w/-]+\.md\b")
_HIDDEN_TEST = re.compile(
    r"pytest\.mark\.(skip|xfail)\b|\bDISABLED_\w+|GTEST_SKIP\b|\bassert True\b"
)
# The folder of this file names all the words that are forbidden elsewhere.
_RULES_THEMSELVES = "tests/python/architecture/"


def gil_is_handled_in_one_place(path: str, text: str) -> list[str]:
    """Check that only cpp/bindings/gil.* takes or lets go of the GIL."""
    if not is_cpp(path) or path.startswith("cpp/bindings/gil."):
        return []
    return _matches(_GIL, _cpp.code_only(text), "use the guards of cpp/bindings/gil.hpp")


def time_comes_from_the_clock(path: str, text: str) -> list[str]:
    """Check that only cpp/engine/base/clock.* asks for the time."""
    if not path.startswith("cpp/") or path.startswith("cpp/engine/base/clock."):
        return []
    return _matches(
        _NOW, _cpp.code_only(text), "take the time from the injected clock of engine/base/clock.hpp"
    )


def nothing_sleeps(path: str, text: str) -> list[str]:
    """Check that neither C++ nor a test waits for a fixed time."""
    remedy = "wait for what must happen (an event, a line of output), not for a time"
    if is_cpp(path):
        return _matches(_CPP_SLEEP, _cpp.code_only(text), remedy)
    if is_python(path) and path.startswith("tests/") and not path.startswith(_RULES_THEMSELVES):
        return _matches(_PYTHON_SLEEP, text, remedy)
    return []


def nothing_is_unfinished(path: str, text: str) -> list[str]:
    """Check for words that mark unfinished work."""
    if path.startswith(_RULES_THEMSELVES):
        return []
    return _matches(_UNFINISHED, text, "finish it, or say in words why it is as it is")


def no_test_is_hidden(path: str, text: str) -> list[str]:
    """Check for tests that are switched off or cannot fail."""
    if not path.startswith("tests/") or path.startswith(_RULES_THEMSELVES):
        return []
    return _matches(_HIDDEN_TEST, text, "mend the test, or remove it")


def named_pages_exist(path: str, text: str) -> list[str]:
    """Check that there is a page of docs/ by each name that is given."""
    if path.startswith(_RULES_THEMSELVES):
        return []
    return [
        f"{_cpp.line_of(text, match.start())}: there is no `{match.group()}`"
        for match in _PAGE.finditer(text)
        if not (ROOT / match.group()).is_file()
    ]


def _matches(pattern: re.Pattern[str], text: str, remedy: str) -> list[str]:
    return [
        f"{_cpp.line_of(text, match.start())}: `{match.group().strip()}`: {remedy}"
        for match in pattern.finditer(text)
    ]
