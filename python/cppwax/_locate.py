"""From an import string of the command line to a dataflow.

Arguments of factories are literals, parsed and never evaluated: an import string can name code but
cannot be code.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType, TracebackType
from typing import Any

from cppwax.dataflow import Dataflow

_PACKAGE_DIR = os.path.dirname(__file__) + os.sep
_BYTEWAX_HINT = (
    "; a program that was written for Bytewax needs the option `--bytewax`, which makes "
    "`import bytewax` mean cppwax"
)


class LocateError(Exception):
    """An import string leads to no dataflow; the message says why and what to do.

    Where the user's own code failed, `__cause__` is its exception, without our frames; nothing
    else has a cause.
    """


def prepare_import(import_str: str) -> tuple[str, str]:
    """Split an import string, and make its module importable.

    The directory that the module is to be found in becomes the first of `sys.path`: for a file in
    a package that is the one above the outermost package.

    Args:
        import_str: `module`, `package.module` or a path to a file, and after a colon perhaps the
            name of a dataflow or factory, or a call of a factory.

    Returns:
        Name of the module; what to take from it, `flow` by default.
    """
    path_str, _, expression = import_str.partition(":")
    path = os.path.realpath(path_str)
    if path.endswith(".py"):
        path = path[:-3]
    if os.path.basename(path) == "__init__":
        path = os.path.dirname(path)
    names: list[str] = []
    while True:
        path, name = os.path.split(path)
        names.insert(0, name)
        if not os.path.exists(os.path.join(path, "__init__.py")):
            break
    if sys.path[:1] != [path]:
        sys.path.insert(0, path)
    return ".".join(names), expression or "flow"


def locate(import_str: str) -> Dataflow:
    """Find the dataflow that an import string names.

    Args:
        import_str: See `prepare_import`.

    Returns:
        The dataflow; a factory has been called.

    Raises:
        LocateError: There is none.
    """
    path_str = import_str.partition(":")[0]
    is_path = path_str.endswith(".py") or os.sep in path_str
    if not path_str:
        raise LocateError(f"{import_str!r} names no module: write MODULE, MODULE:NAME or FILE.py")
    if is_path and not (os.path.exists(path_str) or os.path.exists(path_str + ".py")):
        raise LocateError(f"no file {path_str!r}{_near_files(path_str)}")
    module_name, expression = prepare_import(import_str)
    # Parsed first, so that a slip of the pen is told before a module is run.
    target = _parse_expression(expression)
    module = _import_module(module_name)
    if is_path:
        _check_same_file(module, path_str)
    return _take(module, target)


def locate_dataflow(module_name: str, expression: str) -> Dataflow:
    """Import a module and take a dataflow from it.

    Args:
        module_name: Name of the module.
        expression: Name of a dataflow or factory, or a call of a factory.

    Returns:
        The dataflow.

    Raises:
        LocateError: There is none.
    """
    target = _parse_expression(expression)
    return _take(_import_module(module_name), target)


def without_internal_frames(tb: TracebackType | None) -> TracebackType | None:
    """Drop the frames of this package that a traceback begins with.

    Args:
        tb: A traceback.

    Returns:
        The rest of it; all of it if nothing would be left.
    """
    user = tb
    while user is not None and _is_internal(user.tb_frame.f_code.co_filename):
        user = user.tb_next
    return user or tb


def _is_internal(filename: str) -> bool:
    return filename.startswith((_PACKAGE_DIR, "<frozen importlib"))


@dataclass(frozen=True)
class _Target:
    name: str
    args: list[Any]
    kwargs: dict[str, Any]


def _parse_expression(expression: str) -> _Target:
    expression = expression.strip()
    try:
        node = ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as ex:
        reason = ex.msg if isinstance(ex, SyntaxError) else str(ex)
        raise LocateError(_not_understood(expression, reason)) from None
    if isinstance(node, ast.Name):
        return _Target(node.id, [], {})
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _Target(node.func.id, *_literal_arguments(node))
    raise LocateError(_not_understood(expression, "it is neither a name nor a call of a name"))


def _not_understood(expression: str, reason: str) -> str:
    return (
        f"cannot understand {expression!r} ({reason}): after the colon, write the name of a "
        "dataflow or factory, or a call of a factory such as get_flow(10, name='x')"
    )


def _literal_arguments(call: ast.Call) -> tuple[list[Any], dict[str, Any]]:
    args = [_literal(node) for node in call.args]
    kwargs: dict[str, Any] = {}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise _not_literal(keyword.value)
        kwargs[keyword.arg] = _literal(keyword.value)
    return args, kwargs


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise _not_literal(node) from None


def _not_literal(node: ast.expr) -> LocateError:
    return LocateError(
        f"argument {ast.unparse(node)!r} is not a literal: factories are called with numbers, "
        "quoted strings, None, True, False, and lists, tuples, dicts and sets of these"
    )


def _import_module(name: str) -> ModuleType:
    try:
        # Unlike `importlib.import_module`, it leaves no frames of its own in tracebacks.
        __import__(name)
        return sys.modules[name]
    except ModuleNotFoundError as ex:
        if _is_itself_missing(name, ex):
            raise LocateError(f"no module {name!r}{_near_modules(ex.name or name)}") from None
        hint = _BYTEWAX_HINT if f"{ex.name}.".startswith("bytewax.") else ""
        raise _failed(f"module {name!r} failed to import{hint}", ex) from ex
    except Exception as ex:
        raise _failed(f"module {name!r} failed to import", ex) from ex


def _is_itself_missing(name: str, ex: ModuleNotFoundError) -> bool:
    tb = ex.__traceback__
    while tb is not None:
        if not _is_internal(tb.tb_frame.f_code.co_filename):
            return False
        tb = tb.tb_next
    return ex.name is not None and f"{name}.".startswith(f"{ex.name}.")


def _failed(message: str, ex: Exception) -> LocateError:
    tb = without_internal_frames(ex.__traceback__)
    # A syntax error has no frames but ours; it says its place itself.
    is_ours = tb is not None and _is_internal(tb.tb_frame.f_code.co_filename)
    ex.__traceback__ = None if is_ours else tb
    return LocateError(message)


def _check_same_file(module: ModuleType, path_str: str) -> None:
    expected = os.path.realpath(path_str)
    if not os.path.isfile(expected):
        return
    found = _file_of(module) or ""
    if os.path.realpath(found) != expected:
        raise LocateError(
            f"{path_str!r} cannot be imported, because {module.__name__!r} is already the name of "
            f"another module ({found or 'built in'}): rename the file"
        )


def _file_of(module: ModuleType) -> str | None:
    # Built-in modules lack the attribute; that of namespace packages is None.
    return getattr(module, "__file__", None)


def _take(module: ModuleType, target: _Target) -> Dataflow:
    name = target.name
    where = f"module {module.__name__!r} ({_file_of(module) or 'no file'})"
    try:
        found = getattr(module, name)
    except AttributeError:
        raise LocateError(f"{where} has no {name!r}{_near_attributes(module, name)}") from None
    if isinstance(found, Dataflow):
        if target.args or target.kwargs:
            raise LocateError(f"{name!r} is a dataflow already: leave its arguments out")
        return found
    if type(found).__module__ == "bytewax.dataflow":
        raise LocateError(f"{name!r} in {where} is a dataflow of Bytewax itself{_BYTEWAX_HINT}")
    if not callable(found):
        raise LocateError(
            f"{name!r} in {where} is of type {type(found).__name__}, neither a Dataflow nor a "
            f"function that makes one{_near_attributes(module, name)}"
        )
    flow = _call_factory(found, target)
    if not isinstance(flow, Dataflow):
        hint = _BYTEWAX_HINT if type(flow).__module__ == "bytewax.dataflow" else ""
        raise LocateError(
            f"factory {name!r} in {where} must return a Dataflow, not {type(flow).__name__}{hint}"
        )
    return flow


def _call_factory(factory: Any, target: _Target) -> object:
    try:
        return factory(*target.args, **target.kwargs)
    except Exception as ex:
        # With one frame, this one, it is the call that failed and not something in the factory.
        if isinstance(ex, TypeError) and (ex.__traceback__ is None or not ex.__traceback__.tb_next):
            signature = _signature(target.name, factory)
            raise LocateError(f"wrong arguments for factory {signature}: {ex}") from None
        raise _failed(f"factory {target.name!r} failed", ex) from ex


def _signature(name: str, factory: Any) -> str:
    # Imported here for its cost, which only this mistake should pay.
    import inspect

    try:
        return f"{name}{inspect.signature(factory)}"
    except (TypeError, ValueError):
        return f"{name!r}"


def _did_you_mean(wanted: str, candidates: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(wanted, list(candidates))
    return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def _near_modules(missing: str) -> str:
    """Name what lies where the missing part of a dotted name was looked for."""
    parent, _, last = missing.rpartition(".")
    if parent and not hasattr(sys.modules.get(parent), "__path__"):
        return f": {parent!r} is a module, not a package; write {parent}:{last} for a name in it"
    directories = sys.modules[parent].__path__ if parent else sys.path[:1] + [os.getcwd()]
    names = {name for directory in directories for name in _modules_in(directory)}
    hint = _did_you_mean(last, names)
    if parent and hint:
        return f"{hint} (in {parent!r})"
    return hint or f" in {', '.join(dict.fromkeys(directories))}"


def _modules_in(directory: str) -> Iterator[str]:
    for entry in _entries(directory):
        name, extension = os.path.splitext(entry.name)
        is_package = entry.is_dir() and any(e.name.endswith(".py") for e in _entries(entry.path))
        if name.isidentifier() and (is_package or extension == ".py"):
            yield name


def _entries(directory: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError:
        return []


def _near_files(path: str) -> str:
    directory, name = os.path.split(os.path.abspath(path))
    if not os.path.isdir(directory):
        return f": there is no directory {directory!r}"
    files = [entry.name for entry in _entries(directory) if entry.name.endswith(".py")]
    return _did_you_mean(name, files) or f" in {directory!r}"


def _near_attributes(module: ModuleType, wanted: str) -> str:
    public = [(name, value) for name, value in vars(module).items() if not name.startswith("_")]
    usable = [name for name, value in public if isinstance(value, Dataflow) or callable(value)]
    near = _did_you_mean(wanted, usable)
    if near:
        return near
    flows = [name for name, value in public if isinstance(value, Dataflow)]
    if flows:
        return f"; its dataflows are {', '.join(flows)}"
    return "; write MODULE:NAME with the name of the dataflow or of a function that makes one"
