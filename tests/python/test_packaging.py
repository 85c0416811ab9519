"""What pyproject.toml promises and what the package is are the same."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import distribution, entry_points, requires, version

from packaging.requirements import Requirement

import cppwax
from tests.python.architecture._files import ROOT

PACKAGE = ROOT / "python" / "cppwax"
MODULES_THAT_DEFINE = [
    "connectors.demo",
    "connectors.files",
    "connectors.stdio",
    "operators",
    "visualize",
]
MODULES_THAT_RUN = ["run", "testing", "tracing"]
#: What is imported only where it is asked for, and the extra that brings it.
OPTIONAL = {"opentelemetry": "tracing"}


def third_party_imports() -> set[str]:
    names = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"cppwax"}


def test_dependencies_are_those_imported() -> None:
    needed = [Requirement(text) for text in requires("cppwax") or []]
    declared = {need.name.replace("-", "_") for need in needed if not need.marker}
    assert declared == third_party_imports() - set(OPTIONAL)
    extras = distribution("cppwax").metadata.get_all("Provides-Extra") or []
    assert set(OPTIONAL.values()) <= set(extras)


def test_one_version_everywhere() -> None:
    cmake = re.search(r"project\(cppwax VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())
    assert cmake
    assert cppwax.__version__ == version("cppwax") == cmake[1]


def test_the_console_script_exists() -> None:
    (script,) = entry_points(group="console_scripts", name="cppwax")
    assert callable(script.load())


def test_annotations_and_stubs_are_shipped() -> None:
    assert (PACKAGE / "py.typed").exists()
    assert (PACKAGE / "_engine.pyi").exists()


def test_the_license_is_shipped() -> None:
    assert distribution("cppwax").metadata["License-Expression"] == "Apache-2.0"


def test_no_module_loads_the_engine_by_itself() -> None:
    modules = ", ".join(f"cppwax.{name}" for name in MODULES_THAT_DEFINE + MODULES_THAT_RUN)
    program = f"import sys, {modules}; sys.exit('cppwax._engine' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
