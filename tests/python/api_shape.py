"""What a caller can see of a module: names, signatures, members of classes."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any, ParamSpec, TypeVar, get_args

#: All public modules of Bytewax, without the name of the package.
MODULES = (
    *("connectors", "connectors.demo", "connectors.files", "connectors.kafka"),
    *("connectors.kafka.operators", "connectors.kafka.serde", "connectors.stdio", "dataflow"),
    *("errors", "inputs", "operators", "operators.helpers", "operators.windowing", "outputs"),
    *("recovery", "run", "testing", "tracing", "visualize"),
)
_LIBRARIES = ("bytewax", "cppwax")
_NOTHING = dataclasses.MISSING


def modules_of(library: str) -> list[str]:
    """Name those of the modules that a library has."""
    return [name for name in MODULES if _has(f"{library}.{name}")]


def _has(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


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


def _field(field: dataclasses.Field[Any]) -> str:
    has_default = field.default is not _NOTHING or field.default_factory is not _NOTHING
    return field.name + ("=" if has_default else "")


def _is_of_a_library(obj: Any) -> bool:
    return str(getattr(obj, "__module__", "")).partition(".")[0] in _LIBRARIES


def _shape_of_class(cls: type) -> dict[str, Any]:
    members = {}
    for name, member in inspect.getmembers(cls):
        if name.startswith("_") or hasattr(object, name):
            continue
        members[name] = _signature(member) if callable(member) else "value"
    is_exception = issubclass(cls, BaseException)
    abstract = sorted(n for n in getattr(cls, "__abstractmethods__", ()) if not n.startswith("_"))
    shape: dict[str, Any] = {
        "kind": "class",
        "init": None if is_exception or inspect.isabstract(cls) else _signature(cls),
        "abstract": abstract,
        "bases": [base.__name__ for base in cls.__mro__[1:] if base.__name__[0] != "_"],
        "members": {} if is_exception else members,
    }
    if dataclasses.is_dataclass(cls):
        settings = cls.__dataclass_params__  # type: ignore[attr-defined]
        shape["fields"] = [_field(field) for field in dataclasses.fields(cls)]
        shape["frozen"] = settings.frozen
        shape["compares"] = [settings.eq, settings.order]
    return shape


def shape_of(obj: Any) -> dict[str, Any]:
    """Describe one exported object."""
    if inspect.isclass(obj):
        return _shape_of_class(obj)
    if isinstance(obj, (TypeVar, ParamSpec)):
        return {"kind": "type variable"}
    if callable(obj) and hasattr(obj, "__name__") and inspect.isroutine(obj):
        return {"kind": "function", "signature": _signature(obj)}
    if isinstance(obj, (str, int, datetime, timedelta)):
        return {"kind": "value", "value": _default(obj)}
    literals = [each for each in get_args(obj) if isinstance(each, str)]
    return {"kind": "value", **({"choices": literals} if literals else {})}


def _is_of_another_library(name: str, obj: Any) -> bool:
    origin = getattr(obj, "__module__", None)
    if not isinstance(origin, str) or _is_of_a_library(obj):
        return False
    if inspect.isclass(obj) or inspect.isroutine(obj):
        return True
    return getattr(sys.modules.get(origin), name, None) is obj


def _names(module: ModuleType) -> Iterator[str]:
    listed = getattr(module, "__all__", ())
    for name, obj in vars(module).items():
        if name in listed or not (
            name.startswith("_") or isinstance(obj, ModuleType) or _is_of_another_library(name, obj)
        ):
            yield name


def shape_of_module(module: ModuleType) -> dict[str, Any]:
    """Describe what one can import from a module.

    That is what is public and its own, or another module's of the same library; `__all__` too,
    where there is one.
    """
    shapes = {name: shape_of(getattr(module, name)) for name in sorted(_names(module))}
    if hasattr(module, "__all__"):
        shapes["__all__"] = {"kind": "list", "names": sorted(module.__all__)}
    return shapes


def differences(expected: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    """Tell, in a few words each, how one shape differs from another."""
    for key in sorted({*expected, *found} - {"members", "signature", "init", "names"}):
        if expected.get(key) != found.get(key):
            yield f"{key} {found.get(key)} not {expected.get(key)}"
    for key in ("signature", "init"):
        yield from _different_parameters(expected.get(key), found.get(key))
    names, found_names = set(expected.get("names", ())), set(found.get("names", ()))
    yield from (f"lacks {name}" for name in sorted(names - found_names))
    members, others = expected.get("members", {}), found.get("members", {})
    for name in sorted({*members, *others}):
        if name not in others:
            yield f"lacks member {name}"
        elif name not in members:
            yield f"has member {name}"
        elif members[name] != others[name]:
            yield f"member {name} {others[name]} not {members[name]}"


def _different_parameters(expected: list[str] | None, found: list[str] | None) -> Iterator[str]:
    if expected is None or found is None:
        if expected != found:
            yield f"signature {found} not {expected}"
        return
    # More keywords with a default break no program.
    more = [p for p in found if p not in expected and p.startswith("KEYWORD_ONLY") and "=" in p]
    yield from (f"has keyword {p.split()[1].partition('=')[0]}" for p in more)
    rest = [p for p in found if p not in more]
    if rest != expected:
        yield f"signature {rest} not {expected}"
