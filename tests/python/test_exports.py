"""The public names and signatures are those of Bytewax 0.21.1, recorded in a file."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from .api_shape import differences, modules_of, shape_of, shape_of_module

_FIXTURES = Path(__file__).parent / "fixtures"
_DOCUMENT = Path(__file__).parents[2] / "docs/migration.md"
_RECORD: dict[str, dict[str, Any]] = json.loads((_FIXTURES / "bytewax_api.json").read_text("utf-8"))
_KINDS = {"extension", "private", "other"}
# A module that comes later is compared by itself.
_MODULES = modules_of("cppwax")
_ALWAYS_THERE = {
    *("connectors", "connectors.demo", "connectors.files", "connectors.stdio", "dataflow"),
    *("errors", "inputs", "operators", "operators.helpers", "operators.windowing", "outputs"),
    *("recovery", "run", "testing"),
}


def _listed() -> dict[tuple[str, str], str]:
    """Read the differences that are meant: name and what it is → kind."""
    listed = {}
    for line in (_FIXTURES / "bytewax_differences.txt").read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        name, what, kind, reason = (part.strip() for part in line.split("|"))
        assert kind in _KINDS and reason, line
        listed[name, what] = kind
    return listed


def _shape(module: ModuleType, name: str) -> dict[str, Any]:
    if name == "__all__":
        return {"kind": "list", "names": list(module.__all__)}
    return shape_of(getattr(module, name))


def _found(module_name: str) -> Iterator[tuple[str, str]]:
    """Find the differences of a module."""
    module = importlib.import_module(f"cppwax.{module_name}")
    recorded = _RECORD[module_name]
    for name, expected in recorded.items():
        if not hasattr(module, name):
            yield f"{module_name}.{name}", "lacks it"
            continue
        for what in differences(expected, _shape(module, name)):
            yield f"{module_name}.{name}", what
    for name in getattr(module, "__all__", ()):
        is_submodule = isinstance(getattr(module, name), ModuleType)
        if not (name in recorded or name.startswith("_") or is_submodule):
            yield f"{module_name}.{name}", "has it"


@pytest.mark.parametrize("module", _MODULES)
def test_differences_are_those_listed(module: str) -> None:
    found = sorted(_found(module))
    listed = sorted((name, what) for name, what in _listed() if name.rpartition(".")[0] == module)
    assert found == listed, "fix it, or list it with a reason in fixtures/bytewax_differences.txt"


def test_users_are_told_of_differences() -> None:
    text = _DOCUMENT.read_text("utf-8")
    names = {name.rpartition(".")[2] for (name, _), kind in _listed().items() if kind != "private"}
    assert not {name for name in names if f"`{name}`" not in text}


def test_all_public_modules_are_compared() -> None:
    assert set(_MODULES) >= _ALWAYS_THERE


@pytest.mark.parametrize("name", _MODULES)
def test_the_record_is_of_bytewax(name: str) -> None:
    pytest.importorskip("bytewax.operators")
    module = importlib.import_module(f"bytewax.{name}")
    assert json.loads(json.dumps(shape_of_module(module))) == _RECORD[name]


@pytest.mark.parametrize("module", [name for name in _MODULES if name != "connectors"])
def test_module_lists_its_names(module: str) -> None:
    imported = importlib.import_module(f"cppwax.{module}")
    listed = set(getattr(imported, "__all__", ()))
    assert listed, f"cppwax.{module} has no __all__"
    assert all(hasattr(imported, name) for name in listed)


_SHAPE = {"kind": "function", "signature": ["KEYWORD_ONLY a=1", "KEYWORD_ONLY b"]}


@pytest.mark.parametrize(
    ("found", "what"),
    [
        ({**_SHAPE, "kind": "class"}, ["kind class not function"]),
        ({**_SHAPE, "signature": [*_SHAPE["signature"], "KEYWORD_ONLY c=1"]}, ["has keyword c"]),
        (
            {**_SHAPE, "signature": ["KEYWORD_ONLY b"]},
            [f"signature ['KEYWORD_ONLY b'] not {_SHAPE['signature']}"],
        ),
        ({**_SHAPE, "members": {"d": "value"}}, ["has member d"]),
        ({**_SHAPE, "fields": []}, ["fields [] not None"]),
        (_SHAPE, []),
    ],
)
def test_a_difference_would_be_found(found: dict[str, Any], what: list[str]) -> None:
    assert list(differences(_SHAPE, found)) == what
