"""What pyproject.toml promises and what the package is are the same."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import distribution, entry_points, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import cppwax
from tests.python.architecture._files import ROOT

PACKAGE = ROOT / "python" / "cppwax"
MODULES_THAT_DEFINE = [
    *("connectors.demo", "connectors.files", "connectors.kafka.operators", "connectors.stdio"),
    "operators",
    "visualize",
]
#: What is imported only where it is asked for, by the extra that brings what it needs.
EXTRAS = {
    "kafka": sorted((PACKAGE / "connectors" / "kafka").rglob("*.py")),
    "tracing": [PACKAGE / "tracing.py", PACKAGE / "_watch" / "spans.py"],
}
MODULES_THAT_RUN = ["run", "testing", "tracing"]


def third_party_imports(paths: Iterable[Path]) -> set[str]:
    names = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"cppwax"}


def imported_name(project: str) -> str:
    # Several projects share one package.
    return "opentelemetry" if project.startswith("opentelemetry-") else project.replace("-", "_")


def declared(extra: str) -> set[str]:
    """What is needed with the extra, or without any."""
    needed = [Requirement(text) for text in requires("cppwax") or []]
    return {
        imported_name(need.name)
        for need in needed
        if (need.marker is None and not extra)
        or (need.marker and extra and need.marker.evaluate({"extra": extra}))
    }


def test_dependencies_are_those_imported() -> None:
    of_extras = {path for paths in EXTRAS.values() for path in paths}
    always = [path for path in PACKAGE.rglob("*.py") if path not in of_extras]
    assert declared("") == third_party_imports(always)


@pytest.mark.parametrize("extra", EXTRAS)
def test_extras_are_what_their_modules_import(extra: str) -> None:
    assert declared(extra) == third_party_imports(EXTRAS[extra]) - declared("")


def test_a_missing_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['confluent_kafka'] = None\n"
        "try: import cppwax.connectors.kafka\n"
        "except ImportError as ex: print(ex)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert 'pip install "cppwax[kafka]"' in ended.stdout, ended.stderr


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
    metadata = distribution("cppwax").metadata
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE", "cpp/third_party_licenses.txt"]


def test_no_module_loads_the_engine_by_itself() -> None:
    modules = ", ".join(f"cppwax.{name}" for name in MODULES_THAT_DEFINE + MODULES_THAT_RUN)
    program = f"import sys, {modules}; sys.exit('cppwax._engine' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
