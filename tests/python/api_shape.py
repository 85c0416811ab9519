"""What a caller can see of a module: names, signatures, members of classes."""

from __future__ import annotations

import inspect
import re
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

MODULES = (
    *("connectors.demo", "connectors.files", "connectors.stdio", "dataflow", "errors", "inputs"),
    *("operators", "operators.helpers", "operators.windowing", "outputs", "recovery", "run"),
    *("testing", "tracing", "visualize"),
)


def _default(value: Any) -> str:
    # Addresses and module names differ between two libraries of the same shape.
    text = re.sub(r" at 0x[0-9a-f]+", "", repr(value))
    return re.sub(r"\b(bytewax|cppwax)\b", "LIB", text)


def _signature(obj: Any) -> list[str] | None:
    try:
        parameters = inspect.signature(obj).parameters.values()
    except (TypeError, ValueError):
        return None
    return [
        f"{p.kind.name} {p.name}"
        + ("" if p.default is inspect.Parameter.empty else f"={_default(p.default)}")
        for p in parameters
    ]


def _shape_of_class(cls: type) -> dict[str, Any]:
    members = {}
    for name, member in inspect.getmembers(cls):
        if name.startswith("_") or hasattr(object, name):
            continue
        members[name] = _signature(member) if callable(member) else "value"
    is_exception = issubclass(cls, BaseException)
    abstract = sorted(n for n in getattr(cls, "__abstractmethods__", ()) if not n.startswith("_"))
    return {
        "kind": "class",
        "init": None if is_exception or inspect.isabstract(cls) else _signature(cls),
        "abstract": abstract,
        "members": {} if is_exception else members,
    }


def shape_of(obj: Any) -> dict[str, Any]:
    """Describe one exported object."""
    if inspect.isclass(obj):
        return _shape_of_class(obj)
    if callable(obj) and hasattr(obj, "__name__"):
        return {"kind": "function", "signature": _signature(obj)}
    return {"kind": "value"}


def shape_of_module(module: ModuleType) -> dict[str, Any]:
    """Describe what a module exports: its `__all__`, or its own public names."""
    names = getattr(module, "__all__", None)
    if names is None:
        names = [
            name
            for name, obj in vars(module).items()
            if not name.startswith("_") and getattr(obj, "__module__", None) == module.__name__
        ]
    exported = {name: getattr(module, name) for name in sorted(names)}
    return {
        name: shape_of(obj)
        for name, obj in exported.items()
        if not isinstance(obj, (TypeVar, ParamSpec))
    }
