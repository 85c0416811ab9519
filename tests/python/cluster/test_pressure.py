"""A fast source and a slow keyed step on another process: memory stays flat."""

from __future__ import annotations

import os
import re

import pytest

from tests.python.cluster.processes import all_lines, cluster_of

SECONDS = float(os.environ.get("CPPWAX_TEST_PRESSURE_SECONDS", "3"))
LIMIT_KB = 250 * 1024


@pytest.mark.timeout(120 + 3 * SECONDS)
def test_memory_is_flat() -> None:
    """CPPWAX_TEST_PRESSURE_SECONDS says for how long."""
    with cluster_of(2) as cluster:
        ends = [p.end(90 + 3 * SECONDS) for p in cluster.start_all(f"pressed({SECONDS})")]
    lines = all_lines(ends)
    peaks = [int(line.split()[1]) for line in lines if line.startswith("peak")]
    assert len(peaks) == 2
    assert max(peaks) < LIMIT_KB
    assert re.fullmatch(r"items [1-9]\d+", lines[0])
