"""Random flows mean the same on Bytewax and on cppwax."""

from __future__ import annotations

import pytest

pytest.importorskip("bytewax._bytewax", reason="the oracle has no wheel for this Python")

from .compare import difference  # noqa: E402

_SEEDS = 300


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("block", range(10))
def test_random_flows_agree_with_the_oracle(block: int, workers: int) -> None:
    """Each block is a tenth of the seeds."""
    size = _SEEDS // 10
    found = [difference(seed, workers) for seed in range(block * size, (block + 1) * size)]
    assert not any(found), "\n\n".join(text for text in found if text)
