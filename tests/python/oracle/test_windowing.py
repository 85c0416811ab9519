"""Random window steps mean the same on Bytewax and on cppwax."""

from __future__ import annotations

import pytest

pytest.importorskip("bytewax._bytewax", reason="the oracle has no wheel for this Python")

from .windowing import flow_difference, key_difference, tree_of  # noqa: E402
from .windowing_cases import KINDS  # noqa: E402


@pytest.mark.parametrize("kind", KINDS)
def test_inner_steps_have_the_names_of_the_oracle(kind: str) -> None:
    """Their ids are what recovery and metrics go by."""
    assert tree_of("cppwax", kind) == tree_of("bytewax", kind)


@pytest.mark.parametrize("block", range(5))
def test_random_keys_agree_with_the_oracle(block: int) -> None:
    """One key, driven by hand, with restarts and a system time that passes."""
    found = [key_difference(seed) for seed in range(block * 300, (block + 1) * 300)]
    assert not any(found), "\n\n".join(text for text in found if text)


@pytest.mark.parametrize("block", range(5))
def test_random_flows_agree_with_the_oracle(block: int) -> None:
    """Several keys, in a flow that runs."""
    found = [flow_difference(seed) for seed in range(block * 40, (block + 1) * 40)]
    assert not any(found), "\n\n".join(text for text in found if text)
