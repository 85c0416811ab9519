"""The examples in docstrings run as they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import cppwax

# Running these is what they are for.
_COMMANDS = {"cppwax._cli"}
_MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(cppwax.__path__, "cppwax.")
    if not module.name.endswith("._engine") and module.name not in _COMMANDS
)


@pytest.mark.parametrize("name", _MODULES)
def test_docstrings_of(name: str) -> None:
    """Each module's."""
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_there_are_docstrings_to_run() -> None:
    """The collection above finds what it should."""
    finder = doctest.DocTestFinder()
    operators = importlib.import_module("cppwax.operators._stateless")
    assert sum(bool(test.examples) for test in finder.find(operators)) > 5
