"""Pytest plugin: where CI=true, a skipped test fails unless tests/allowed_skips.txt lists it.

A skip hides a test that cannot run, often because a setup step went missing. On a developer's
machine that is a convenience; in CI it would be a hole.
"""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.markers import Marker

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

LIST = Path(__file__).parent.parent / "allowed_skips.txt"


@dataclass(frozen=True)
class AllowedSkip:
    """One line of the list: which tests may be skipped, where, and why."""

    pattern: str
    condition: Marker
    reason: str

    def covers(self, node_id: str) -> bool:
        """Tell whether this line allows the test to be skipped here."""
        return fnmatch.fnmatchcase(node_id, self.pattern) and self.condition.evaluate()


def parse(text: str) -> list[AllowedSkip]:
    """Read the list; a line that lacks a part is an error."""
    allowed = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"{LIST.name}: not `PATTERN | CONDITION | REASON`: {line!r}")
        allowed.append(AllowedSkip(parts[0], Marker(parts[1]), parts[2]))
    return allowed


class SkipsFail:
    """Turns the report of each skip that is not allowed into a failure."""

    def __init__(self, allowed: Sequence[AllowedSkip]) -> None:
        self._allowed = allowed

    def _judge(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or any(line.covers(report.nodeid) for line in self._allowed):
            return
        why = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = (
            f"{report.nodeid} was skipped ({why or 'expected to fail'}), and with CI=true every "
            f"test must run: install what it needs in scripts/setup.sh, or add it with the reason "
            f"to tests/{LIST.name}."
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, pytest.TestReport]:
        report: pytest.TestReport = yield
        self._judge(report)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, Any, pytest.CollectReport]:
        report: pytest.CollectReport = yield
        self._judge(report)
        return report


def pytest_configure(config: pytest.Config) -> None:
    """Start judging skips where CI=true."""
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(SkipsFail(parse(LIST.read_text())))
