"""Each checker finds what it is there for: a rule whose checker is blind would always pass."""

from __future__ import annotations

import pytest

from tests.python.architecture import layers, sizes, words
from tests.python.architecture._files import Checker, all_files


def cpp_function(line_count: int) -> str:
    calls = "  run();\n" * (line_count - 2)
    return "namespace cppwax {\nvoid Worker::step() {\n" + calls + "}\n\nint x;\n}\n"


def python_function(line_count: int) -> str:
    calls = "    run()\n" * (line_count - 1)
    return 'def step() -> None:\n    """Say\n    much."""\n' + calls


BAD: list[tuple[Checker, str, str]] = [
    (
        layers.includes_point_downwards,
        "cpp/engine/data/x.hpp",
        '#include "engine/worker/worker.hpp"',
    ),
    (layers.includes_point_downwards, "cpp/engine/data/x.hpp", '#include "engine/metrics/a.hpp"'),
    (layers.includes_point_downwards, "cpp/engine/worker/x.hpp", '#include "bindings/gil.hpp"'),
    (layers.includes_point_downwards, "cpp/engine/worker/x.hpp", '#include "worker.hpp"'),
    (layers.includes_point_downwards, "cpp/engine/new_folder/x.hpp", ""),
    (layers.engine_is_free_of_python, "cpp/engine/data/x.hpp", "#include <Python.h>"),
    (layers.engine_is_free_of_python, "cpp/engine/data/x.cpp", "# include <pybind11/stl.h>"),
    (layers.imports_point_downwards, "python/cppwax/errors.py", "from cppwax import inputs"),
    (layers.imports_point_downwards, "python/cppwax/inputs.py", "from . import operators"),
    (layers.imports_point_downwards, "python/cppwax/operators/_a.py", "from ..testing import x"),
    (layers.imports_point_downwards, "python/cppwax/operators/_a.py", "import cppwax.run"),
    (layers.imports_point_downwards, "python/cppwax/new_module.py", ""),
    (layers.engine_is_imported_late, "python/cppwax/testing.py", "from cppwax import _engine"),
    (layers.engine_is_imported_late, "python/cppwax/run.py", "import cppwax._engine as engine"),
    (
        layers.engine_is_imported_late,
        "python/cppwax/inputs.py",
        "def f():\n    from cppwax._engine import run",
    ),
    (sizes.files_are_short, "cpp/engine/data/x.cpp", "\n" * 401),
    (sizes.files_are_short, "python/cppwax/x.py", "\n" * 401),
    (sizes.lines_are_short, "python/cppwax/x.py", "x" * 101),
    (sizes.functions_are_short, "cpp/engine/worker/worker.cpp", cpp_function(71)),
    (sizes.functions_are_short, "python/cppwax/x.py", python_function(51)),
    (
        sizes.parameters_are_few,
        "cpp/x.cpp",
        "int f(int a, map<A, B> b, int c, int d, int e, int f) {}",
    ),
    (sizes.parameters_are_few, "python/cppwax/x.py", "def _f(a, b, c, *, d, e, f): ..."),
    (words.gil_is_handled_in_one_place, "cpp/bindings/a.cpp", "py::gil_scoped_release release;"),
    (words.gil_is_handled_in_one_place, "cpp/bindings/a.cpp", "Py_BEGIN_ALLOW_THREADS"),
    (words.gil_is_handled_in_one_place, "cpp/bindings/a.cpp", "auto s = PyGILState_Ensure();"),
    (words.time_comes_from_the_clock, "cpp/bindings/a.cpp", "auto t = Clock::now();"),
    (words.nothing_sleeps, "tests/python/test_x.py", "time.sleep(1)"),
    (words.nothing_sleeps, "tests/cpp/base/x_test.cpp", "std::this_thread::sleep_for(1s);"),
    (words.nothing_sleeps, "cpp/engine/worker/worker.cpp", "usleep (5);"),
    (words.nothing_is_unfinished, "docs/x.md", "TODO: tell more"),
    (words.nothing_is_unfinished, "python/cppwax/x.py", "raise NotImplementedError"),
    (words.no_test_is_hidden, "tests/python/test_x.py", "@pytest.mark.skip"),
    (words.no_test_is_hidden, "tests/cpp/base/x_test.cpp", "TEST(Hash, DISABLED_Same) {}"),
    (words.named_pages_exist, "cpp/engine/data/x.hpp", "// See docs/decisions/0000-nothing.md."),
]

GOOD: list[tuple[Checker, str, str]] = [
    (layers.includes_point_downwards, "cpp/engine/worker/x.hpp", '#include "engine/base/ids.hpp"'),
    (layers.includes_point_downwards, "cpp/engine/data/x.cpp", '#include "engine/data/x.hpp"'),
    (layers.includes_point_downwards, "cpp/engine/data/x.cpp", '// #include "engine/worker/x.hpp"'),
    (layers.imports_point_downwards, "python/cppwax/operators/_a.py", "from ..inputs import x"),
    (layers.imports_point_downwards, "python/cppwax/operators/_a.py", "from ._core import x"),
    (
        layers.engine_is_imported_late,
        "python/cppwax/testing.py",
        "def f():\n    from cppwax import _engine",
    ),
    (sizes.functions_are_short, "python/cppwax/x.py", python_function(50)),
    (sizes.functions_are_short, "cpp/x.cpp", cpp_function(70)),
    (sizes.parameters_are_few, "python/cppwax/x.py", "def join(a, b, c, d, e, f, g): ..."),
    (words.named_pages_exist, "cpp/engine/data/x.hpp", "// See docs/architecture.md."),
    (words.gil_is_handled_in_one_place, "cpp/bindings/gil.hpp", "py::gil_scoped_acquire held;"),
    (words.gil_is_handled_in_one_place, "cpp/bindings/a.cpp", "// no gil_scoped_acquire here"),
    (words.time_comes_from_the_clock, "cpp/engine/base/clock.hpp", "return Clock::now();"),
]


@pytest.mark.parametrize(("checker", "path", "text"), BAD)
def test_finds(checker: Checker, path: str, text: str) -> None:
    assert len(checker(path, text)) == 1


@pytest.mark.parametrize(("checker", "path", "text"), GOOD)
def test_lets_pass(checker: Checker, path: str, text: str) -> None:
    assert checker(path, text) == []


def test_every_kind_of_file_is_looked_at() -> None:
    paths = [path for path, _ in all_files()]
    for beginning, end in [
        ("cpp/engine/", ".hpp"),
        ("cpp/bindings/", ".cpp"),
        ("python/cppwax/", ".py"),
        ("tests/cpp/", "_test.cpp"),
        ("tests/python/", ".py"),
        ("examples/", ".py"),
        ("docs/", ".md"),
    ]:
        assert any(path.startswith(beginning) and path.endswith(end) for path in paths)
