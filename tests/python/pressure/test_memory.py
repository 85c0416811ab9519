"""Memory stays flat under pressure, whatever the shape of the flow.

Each shape runs for seconds, or for `CPPWAX_PRESSURE_SECONDS`: memory must not depend on that.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.python.bindings.child import running

PROGRAM = Path(__file__).parent / "programs" / "shapes.py"
SECONDS = float(os.environ.get("CPPWAX_PRESSURE_SECONDS", "2"))

# What is promised of these shapes, and what they are seen to take.
PROMISED_MEGABYTES = 250
SEEN_MEGABYTES = 80


@pytest.mark.parametrize(
    "shape", ["slow_sink", "two_hops", "amplified", "amplified_lazily", "megabytes"]
)
@pytest.mark.timeout(SECONDS + 120)
def test_memory_is_flat(shape: str) -> None:
    with running([str(PROGRAM), shape, "2", str(SECONDS)]) as child:
        ended = child.end(within=SECONDS + 60)
    assert ended.code == 0, ended.stderr
    result = json.loads(ended.stdout)
    assert result["batches"] > SECONDS, "something is delivered all the time"
    assert result["peak_megabytes"] < SEEN_MEGABYTES < PROMISED_MEGABYTES, result
