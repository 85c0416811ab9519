"""The house rules, each a test. The checkers lie in `architecture/`, with self-tests beside.

A rule that must be broken in one place has its exception here, with the reason.
"""

from __future__ import annotations

import pytest

from tests.python.architecture import layers, sizes, words
from tests.python.architecture._files import Checker, all_files

RULES: tuple[Checker, ...] = (
    layers.includes_point_downwards,
    layers.engine_is_free_of_python,
    layers.imports_point_downwards,
    layers.engine_is_imported_late,
    sizes.files_are_short,
    sizes.lines_are_short,
    sizes.functions_are_short,
    sizes.parameters_are_few,
    words.gil_is_handled_in_one_place,
    words.time_comes_from_the_clock,
    words.nothing_sleeps,
    words.nothing_is_unfinished,
    words.no_test_is_hidden,
    words.named_pages_exist,
)

#: (rule, path) → why the file may break the rule. At most ten.
EXCEPTIONS: dict[tuple[Checker, str], str] = {
    (words.no_test_is_hidden, "tests/python/test_skips_plugin.py"): "its subject is skipped tests",
}

#: Files of tests that call sleep → why. A test must never wait so; user code in it may.
MAY_SLEEP: dict[str, str] = {
    "tests/python/cluster/flows.py": "user code that is slow is the subject",
    "tests/python/bindings/programs/library.py": "user code that blocks is the subject",
    "tests/python/bindings/programs/signalled.py": "user code that a signal must interrupt",
}


def is_excepted(rule: Checker, path: str) -> bool:
    sleeps_on_purpose = rule is words.nothing_sleeps and path in MAY_SLEEP
    return sleeps_on_purpose or (rule, path) in EXCEPTIONS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(rule: Checker) -> None:
    findings = [
        f"{path}:{finding}"
        for path, text in all_files()
        if not is_excepted(rule, path)
        for finding in rule(path, text)
    ]
    assert not findings, "\n" + "\n".join(findings)


def test_exceptions_are_few_and_needed() -> None:
    assert len(EXCEPTIONS) <= 10
    texts = dict(all_files())
    needed = [*EXCEPTIONS, *((words.nothing_sleeps, p) for p in MAY_SLEEP)]
    for rule, path in needed:
        assert rule(path, texts[path]), f"{path} keeps {rule.__name__}: remove its exception"
