"""Reading of Python for the house rules: imports and functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One imported module, and whether the import stands inside a function."""

    line: int
    module: str
    in_function: bool


@dataclass(frozen=True)
class Function:
    """One function; its name is qualified by the classes and functions around it."""

    name: str
    line: int
    line_count: int
    parameter_count: int


def module_name(path: str) -> str:
    """Give the dotted name of a file below `python/`."""
    parts = path.removeprefix("python/").removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: str, text: str) -> Iterator[Import]:
    """Find all imports; of `from package import name` both could be the module, so both count."""
    package = module_name(path).split(".")
    if not path.endswith("/__init__.py"):
        package = package[:-1]
    for node, in_function in _walk(ast.parse(text), False):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, in_function)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(node.lineno, f"{stem}.{alias.name}", in_function)


def _walk(node: ast.AST, in_function: bool) -> Iterator[tuple[ast.AST, bool]]:
    yield node, in_function
    inside = in_function or isinstance(node, FunctionNode)
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, inside)


def functions(text: str) -> Iterator[Function]:
    """Find all functions, nested ones too."""
    yield from _functions_in(ast.parse(text), "")


def _functions_in(node: ast.AST, prefix: str) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FunctionNode):
            yield _describe(child, prefix)
        named = isinstance(child, (*FunctionNode.__args__, ast.ClassDef))
        yield from _functions_in(child, f"{prefix}{child.name}." if named else prefix)


def _describe(node: FunctionNode, prefix: str) -> Function:
    line_count = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is not None:
        line_count -= (first.end_lineno or first.lineno) - first.lineno + 1
    arguments = node.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    if names[:1] in (["self"], ["cls"]):
        del names[0]
    return Function(prefix + node.name, node.lineno, line_count, len(names))
