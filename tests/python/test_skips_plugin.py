"""With CI=true a skip fails, in each of the ways in which pytest can skip."""

from __future__ import annotations

import pytest
from packaging.markers import Marker

from tests.python._skips_plugin import AllowedSkip, SkipsFail, parse

SKIPPING_TESTS = """
import pytest

def test_runs():
    pass

@pytest.mark.skip(reason="marked")
def test_marked():
    pass

def test_called():
    pytest.skip("called")

@pytest.mark.xfail(reason="known")
def test_expected_to_fail():
    raise ValueError
"""


def run(pytester: pytest.Pytester, *allowed: AllowedSkip) -> pytest.RunResult:
    return pytester.inline_run(plugins=[SkipsFail(allowed)])


def test_every_way_of_skipping_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SKIPPING_TESTS)
    run(pytester).assertoutcome(passed=1, failed=3)


def test_a_module_that_skips_itself_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import pytest; pytest.importorskip('no_such_module_at_all')")
    result = run(pytester)
    assert result.ret != 0


def test_a_listed_skip_passes_where_its_condition_holds(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SKIPPING_TESTS)
    here = AllowedSkip("*::test_marked", Marker("python_version >= '3'"), "always")
    elsewhere = AllowedSkip("*::test_called", Marker("python_version < '3'"), "never")
    run(pytester, here, elsewhere).assertoutcome(passed=1, skipped=1, failed=2)


@pytest.mark.parametrize("line", ["tests/a.py", "tests/a.py | python_version >= '3' |"])
def test_a_line_without_its_reason_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="REASON"):
        parse(f"# a comment\n\n{line}\n")
