"""The public names and signatures are those of Bytewax 0.21.1, recorded in a file."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from .api_shape import MODULES, shape_of, shape_of_module

_RECORD = json.loads((Path(__file__).parent / "fixtures/bytewax_api.json").read_text("utf-8"))

# Where cppwax differs on purpose, and why.
_DIFFERENCES = {
    # The recovery, process and address arguments come with the features.
    ("run", "cli_main"),
}

# Public by documentation, though the record's rule (defined in the module) does not find them.
_ALSO_PUBLIC = {
    "dataflow": {"KeyedStream"},
    "operators": {"JoinEmitMode", "JoinInsertMode", "KeyedStream"},
    "operators.windowing": {"LATE_SESSION_ID", "UTC_MAX", "UTC_MIN", "ZERO_TD"},
    "errors": {"BytewaxRuntimeError", "CppwaxRuntimeError"},
    "inputs": {"_SimplePollingPartition"},
    "run": {"_parse_args", "_prepare_import"},
}

_NAMES = [(module, name) for module in MODULES for name in _RECORD[module]]


def _without_extensions(found: list[str], expected: list[str]) -> list[str]:
    """Leave out keyword arguments with a default that the record does not know."""
    return [
        parameter
        for parameter in found
        if parameter in expected or not (parameter.startswith("KEYWORD_ONLY") and "=" in parameter)
    ]


@pytest.mark.parametrize(("module", "name"), _NAMES, ids=lambda part: str(part))
def test_name_has_the_recorded_shape(module: str, name: str) -> None:
    """Names, kinds of parameters and defaults; members of classes."""
    ours = getattr(importlib.import_module(f"cppwax.{module}"), name)
    expected, found = dict(_RECORD[module][name]), shape_of(ours)
    if (module, name) in _DIFFERENCES:
        assert found["kind"] == expected["kind"]
        return
    # More members or keyword arguments than Bytewax has are an extension, fewer a broken program.
    if expected["kind"] == found["kind"] == "function":
        found["signature"] = _without_extensions(found["signature"], expected["signature"])
    members: dict[str, Any] = expected.pop("members", {})
    found_members = found.pop("members", {})
    assert found == expected
    assert {k: found_members.get(k) for k in members} == members


@pytest.mark.parametrize("module", MODULES)
def test_module_exports_what_is_documented(module: str) -> None:
    """Also what has no shape to compare."""
    imported = importlib.import_module(f"cppwax.{module}")
    missing = {name for name in _ALSO_PUBLIC.get(module, ()) if not hasattr(imported, name)}
    assert not missing
    listed = set(getattr(imported, "__all__", ()))
    assert listed, f"cppwax.{module} has no __all__"
    assert all(hasattr(imported, name) for name in listed)


def test_a_difference_would_be_found() -> None:
    """The comparison itself has teeth."""
    shape = shape_of_module(importlib.import_module("cppwax.testing"))
    assert shape["run_main"] != shape["cluster_main"]
    assert shape_of(lambda a, *, b=1: None) != shape_of(lambda a, *, b=2: None)
    lists = [["KEYWORD_ONLY a=1", "KEYWORD_ONLY b"], ["POSITIONAL_OR_KEYWORD c=1"]]
    assert _without_extensions(lists[0] + lists[1], []) == ["KEYWORD_ONLY b", *lists[1]]
