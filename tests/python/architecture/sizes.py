"""The limits of size: a reader must be able to hold a file, a function, a line in mind."""

from __future__ import annotations

from tests.python.architecture import _cpp, _python
from tests.python.architecture._files import is_cpp, is_python

FILE_LINES = 400
LINE_COLUMNS = 100
CPP_FUNCTION_LINES = 70
PYTHON_FUNCTION_LINES = 50
PARAMETERS = 5


def files_are_short(path: str, text: str) -> list[str]:
    """Check the number of lines of code files."""
    count = len(text.splitlines())
    if count <= FILE_LINES or not (is_cpp(path) or is_python(path)):
        return []
    return [f"1: {count} lines, allowed are {FILE_LINES}: split the file along a seam"]


def lines_are_short(path: str, text: str) -> list[str]:
    """Check the number of columns; links and tables in documents cannot be broken."""
    if path.endswith((".md", ".txt")) and not path.endswith("CMakeLists.txt"):
        return []
    return [
        f"{number}: {len(line)} columns, allowed are {LINE_COLUMNS}: break the line"
        for number, line in enumerate(text.splitlines(), start=1)
        if len(line) > LINE_COLUMNS
    ]


def functions_are_short(path: str, text: str) -> list[str]:
    """Check the number of lines of functions; a Python docstring does not count."""
    if is_cpp(path):
        limit, found = CPP_FUNCTION_LINES, [(f, f.name) for f in _cpp.functions(text)]
    elif is_python(path):
        limit, found = PYTHON_FUNCTION_LINES, [(f, f.name) for f in _python.functions(text)]
    else:
        return []
    return [
        f"{function.line}: {name} has {function.line_count} lines, allowed are {limit}: give a "
        f"part of it a name of its own"
        for function, name in found
        if function.line_count > limit
    ]


def parameters_are_few(path: str, text: str) -> list[str]:
    """Check the number of parameters, `self` aside.

    Public functions of the package are exempt: Bytewax fixes their signatures.
    """
    if is_cpp(path):
        found = [(f.name, f.line, f.parameter_count) for f in _cpp.functions(text)]
    elif is_python(path):
        found = [
            (f.name, f.line, f.parameter_count)
            for f in _python.functions(text)
            if not (path.startswith("python/cppwax/") and _is_public(f.name))
        ]
    else:
        return []
    return [
        f"{line}: {name} has {count} parameters, allowed are {PARAMETERS}: group those that "
        f"belong together in a type"
        for name, line, count in found
        if count > PARAMETERS
    ]


def _is_public(qualified_name: str) -> bool:
    return not any(
        part.startswith("_") and not part.endswith("__") for part in qualified_name.split(".")
    )
