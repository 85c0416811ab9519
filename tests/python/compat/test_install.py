"""What `import bytewax` means after `cppwax.compat.install()`, with Bytewax installed or not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typing_extensions

import cppwax
from cppwax.compat import _OWN_MODULES, _PRIVATE, BYTEWAX_VERSION
from tests.python.api_shape import MODULES
from tests.python.compat.running import ON_CPPWAX, has_bytewax, lines_of, start

_INSTALL = "import cppwax.compat; cppwax.compat.install()\n"
_needs_bytewax = pytest.mark.skipif(
    not has_bytewax(), reason="bytewax has no wheel for this Python"
)


def _python(program: str, *flags: str, folder: Path, path: str = "") -> str:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([path, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, *flags, "-c", program]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, env=env)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.fixture
def bare(tmp_path: Path) -> tuple[str, ...]:
    """Flags and a preamble for an interpreter that has cppwax, and no Bytewax."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "cppwax").symlink_to(Path(cppwax.__file__).parent)
    (site / "typing_extensions.py").symlink_to(typing_extensions.__file__)
    other = site / "bytewax" / "other"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("import bytewax.operators as op\nfrom . import inner\n")
    (other / "inner.py").write_text("from bytewax.inputs import DynamicSource\n")
    nested = site / "bytewax" / "connectors"
    nested.mkdir()
    (nested / "extra.py").write_text("from bytewax.outputs import DynamicSink\n")
    return ("-I", "-S"), f"import sys; sys.path.insert(0, {str(site)!r})\n"


def test_modules_and_classes_are_the_same(tmp_path: Path) -> None:
    program = """
import bytewax.operators as op, cppwax.operators
from bytewax import operators, testing
from bytewax.operators import windowing
import bytewax.operators.windowing as again
import bytewax.connectors.files
import bytewax, sys
assert op is operators is cppwax.operators is bytewax.operators
assert windowing is again is cppwax.operators.windowing
assert sys.modules["bytewax.connectors.files"] is cppwax.connectors.files
assert op.__spec__.name == "cppwax.operators"
from bytewax.errors import BytewaxRuntimeError
from cppwax.errors import CppwaxRuntimeError
assert BytewaxRuntimeError is CppwaxRuntimeError
assert "bytewax._bytewax" not in sys.modules
cppwax.compat.install()
from importlib.metadata import version
print(version("bytewax"), "bytewax.visualize" in sys.modules)
"""
    assert _python(_INSTALL + program, folder=tmp_path) == f"{BYTEWAX_VERSION} False"


def test_packages_of_others_are_found_without_bytewax(
    bare: tuple[tuple[str, ...], str], tmp_path: Path
) -> None:
    flags, preamble = bare
    program = """
import bytewax.other, bytewax.connectors.extra, cppwax.operators, cppwax.inputs, cppwax.outputs
assert bytewax.other.op is cppwax.operators
assert bytewax.other.inner.DynamicSource is cppwax.inputs.DynamicSource
assert bytewax.connectors.extra.DynamicSink is cppwax.outputs.DynamicSink
from importlib.metadata import distribution
print(distribution("bytewax").version)
"""
    assert _python(preamble + _INSTALL + program, *flags, folder=tmp_path) == BYTEWAX_VERSION


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("import bytewax.nothing", "ModuleNotFoundError: No module named 'bytewax.nothing'"),
        (
            "import bytewax.operators._core",
            "ModuleNotFoundError: No module named 'bytewax.operators._core'",
        ),
        (
            "import bytewax._bytewax",
            "ImportError: bytewax._bytewax is private to Bytewax; cppwax does not have it",
        ),
        ("from bytewax import nothing", "ImportError: cannot import name 'nothing'"),
    ],
)
def test_what_is_not_there_is_named(statement: str, error: str, tmp_path: Path) -> None:
    program = f"""
try:
    {statement}
except ImportError as ex:
    print(f"{{type(ex).__name__}}: {{ex}}")
"""
    assert _python(_INSTALL + program, folder=tmp_path).startswith(error)


def test_each_module_of_bytewax_is_cppwaxs_or_said_to_be_missing(tmp_path: Path) -> None:
    program = f"""
import importlib, importlib.util
for name in {sorted(MODULES)!r}:
    try:
        there = importlib.util.find_spec("cppwax." + name) is not None
    except ModuleNotFoundError:
        there = False
    try:
        module = importlib.import_module("bytewax." + name)
    except ImportError as ex:
        assert there and name.startswith("connectors.kafka") or (
            f"bytewax.{{name}} is a module of Bytewax; cppwax does not have it" in str(ex)
            or "bytewax.connectors.kafka is a module of Bytewax" in str(ex)
        ), ex
    else:
        assert there and module.__name__ == "cppwax." + name
        assert importlib.import_module("cppwax." + name) is module
"""
    _python(_INSTALL + program, folder=tmp_path)


def test_the_table_of_modules_is_that_of_bytewax() -> None:
    private = {"_bytewax", "_metrics", "_utils"}
    assert {name.partition(".")[2] for name in _OWN_MODULES} == {*MODULES, *private}
    assert set(_PRIVATE) <= _OWN_MODULES


@_needs_bytewax
def test_the_table_has_all_that_is_installed() -> None:
    from importlib.metadata import files

    installed = {
        ".".join(file.parts).removesuffix(".py").removesuffix(".__init__").partition(".cpython")[0]
        for file in files("bytewax") or ()
        if file.parts[0] == "bytewax" and file.suffix in (".py", ".so")
    }
    assert installed == _OWN_MODULES


@_needs_bytewax
def test_bytewax_itself_must_not_have_been_imported(tmp_path: Path) -> None:
    program = """
import bytewax.dataflow, cppwax.compat
try:
    cppwax.compat.install()
except RuntimeError as ex:
    print(ex)
"""
    said = _python(program, folder=tmp_path)
    assert "Bytewax itself was imported before: bytewax." in said
    assert "call `cppwax.compat.install()` before the first import of bytewax" in said
    _python("import bytewax, cppwax.compat; cppwax.compat.install()", folder=tmp_path)


@_needs_bytewax
def test_flows_of_bytewax_itself_are_told_apart(tmp_path: Path) -> None:
    program = """
from bytewax.dataflow import Dataflow
from cppwax.testing import run_main
try:
    run_main(Dataflow("other"))
except TypeError as ex:
    print(ex)
"""
    assert "not of Bytewax: call `cppwax.compat.install()`" in _python(program, folder=tmp_path)
    flow = "from bytewax.dataflow import Dataflow\nflow = Dataflow('other')\n"
    for name in ("flow", "make"):
        (tmp_path / "flow.py").write_text(f"{flow}\ndef make():\n    return flow\n")
        with start(["cppwax.run"], f"flow.py:{name}", folder=tmp_path) as process:
            _, err = process.communicate(timeout=60)
        assert process.returncode == 2 and "needs the option `--bytewax`" in err


@_needs_bytewax
def test_the_command_line_says_so_too(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import bytewax.dataflow\n")
    (tmp_path / "flow.py").write_text("")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    for options in ([], ["-p2"]):
        with start(
            ON_CPPWAX, *options, "flow.py", folder=tmp_path, env={"PYTHONPATH": path}
        ) as process:
            _, err = process.communicate(timeout=60)
        assert process.returncode == 2
        assert err.count("Bytewax itself was imported before") == 1


_PICKLES = """
import pickle
from bytewax.operators import BranchOut
from bytewax.operators.windowing import UTC_MAX, UTC_MIN, WindowMetadata
from bytewax.operators.windowing import EventClock, TumblingWindower
from bytewax.inputs import AbortExecution
from datetime import datetime, timedelta, timezone
noon = datetime(2024, 1, 1, tzinfo=timezone.utc)
mine = [
    WindowMetadata(UTC_MIN, noon, {1, 2}),
    TumblingWindower(align_to=noon, length=timedelta(1)),
    AbortExecution,
    BranchOut,
    EventClock,
]
"""


@_needs_bytewax
def test_pickles_of_bytewax_can_be_loaded(tmp_path: Path) -> None:
    dump = "open('mine.pickle', 'wb').write(pickle.dumps(mine))"
    load = "assert pickle.loads(open('mine.pickle', 'rb').read()) == mine"
    _python(_PICKLES + dump, folder=tmp_path)
    assert b"bytewax.inputs" in (tmp_path / "mine.pickle").read_bytes()
    _python(_INSTALL + _PICKLES + load, folder=tmp_path)


def test_pickles_of_programs_for_bytewax_are_cppwaxs(tmp_path: Path) -> None:
    """So they are read by programs that import cppwax, without more ado."""
    dump = "open('mine.pickle', 'wb').write(pickle.dumps(mine))"
    load = "assert pickle.loads(open('mine.pickle', 'rb').read()) == mine"
    _python(_INSTALL + _PICKLES + dump, folder=tmp_path)
    assert b"bytewax" not in (tmp_path / "mine.pickle").read_bytes()
    _python(_PICKLES.replace("from bytewax", "from cppwax") + load, folder=tmp_path)


_POOL = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSource

def name_of_module(_item):
    return op.__name__

def in_child(item):
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(name_of_module, item).result()

flow = Dataflow("pool")
items = op.input("items", flow, TestingSource(["a", "b"]))
op.output("out", op.map("child", items, in_child), StdOutSink())
"""


@pytest.mark.parametrize(
    "module", [ON_CPPWAX, ["cppwax.testing", "--bytewax"], ["cppwax._cli", "run", "--bytewax"]]
)
def test_processes_that_user_code_starts_know_it_too(module: list[str], tmp_path: Path) -> None:
    (tmp_path / "pool.py").write_text(_POOL)
    if "cppwax._cli" in module:
        (tmp_path / "script.py").write_text(
            "from cppwax._cli import main\nif __name__ == '__main__':\n    main()\n"
        )
        module = ["script", *module[1:]]
    assert lines_of(module, "pool.py", folder=tmp_path) == ["cppwax.operators"] * 2


_WORKERS = """
import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.inputs import DynamicSource, StatelessSourcePartition

class Once(StatelessSourcePartition):
    done = False
    def next_batch(self):
        if self.done:
            raise StopIteration
        self.done = True
        return ["x"]

class Source(DynamicSource):
    def build(self, step_id, worker_index, worker_count):
        return Once()

flow = Dataflow("workers")
op.output("out", op.input("inp", flow, Source()), StdOutSink())
"""


@pytest.mark.parametrize(
    ("env", "options", "workers"),
    [
        ({"BYTEWAX_WORKERS_PER_PROCESS": "3"}, [], 3),
        ({"BYTEWAX_WORKERS_PER_PROCESS": "3", "CPPWAX_WORKERS_PER_PROCESS": "2"}, [], 2),
        ({"BYTEWAX_WORKERS_PER_PROCESS": "3"}, ["-w1"], 1),
        ({"BYTEWAX_WORKERS_PER_PROCESS": "2"}, ["-p2"], 4),
    ],
)
def test_variables_of_bytewax_are_read(
    env: dict[str, str], options: list[str], workers: int, tmp_path: Path
) -> None:
    (tmp_path / "flow.py").write_text(_WORKERS)
    assert lines_of(ON_CPPWAX, *options, "flow.py", folder=tmp_path, env=env) == ["x"] * workers


def test_a_pods_name_and_host_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(_WORKERS)
    (tmp_path / "hosts").write_text("127.0.0.1:9\n")
    env = {
        "BYTEWAX_POD_NAME": "flow-1",
        "BYTEWAX_STATEFULSET_NAME": "flow",
        "BYTEWAX_HOSTFILE_PATH": "hosts",
    }
    with start(ON_CPPWAX, "flow.py", folder=tmp_path, env=env) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "there is no process 1: 1 addresses are given" in err
    with start(
        ON_CPPWAX, "flow.py", folder=tmp_path, env={**env, "BYTEWAX_POD_NAME": "other"}
    ) as process:
        _, err = process.communicate(timeout=60)
    assert "BYTEWAX_POD_NAME is 'other'" in err


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    env = {"BYTEWAX_SNAPSHOT_INTERVAL": "soon"}
    with start(ON_CPPWAX, "flow.py", folder=tmp_path, env=env) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "'soon' (from the variable BYTEWAX_SNAPSHOT_INTERVAL)" in err


def test_without_bytewax_a_program_for_it_is_told_of_the_option(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(_WORKERS)
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['bytewax'] = None\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    with start(["cppwax.run"], "flow.py", folder=tmp_path, env={"PYTHONPATH": path}) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "needs the option `--bytewax`" in err


_KEEPING = """
from dataclasses import dataclass
import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.operators.windowing import WindowMetadata, UTC_MAX, UTC_MIN
from bytewax.testing import TestingSource

@dataclass
class Kept:
    meta: WindowMetadata
    count: int = 0

def keep(kept, _value):
    kept = Kept(WindowMetadata(UTC_MIN, UTC_MAX), 0 if kept is None else kept.count)
    kept.count += 1
    return kept, kept.count

flow = Dataflow("keeping")
items = op.input("items", flow, TestingSource([("k", 1), TestingSource.EOF(), ("k", 2)]))
op.output("out", op.stateful_map("keep", items, keep), StdOutSink())
"""


def test_states_of_a_programs_classes_outlive_its_change_to_cppwax(tmp_path: Path) -> None:
    """First for Bytewax, looked at from outside, then with imports of cppwax."""
    program = tmp_path / "flow.py"
    program.write_text(_KEEPING)
    (tmp_path / "script.py").write_text("from cppwax._cli import main\nmain()\n")
    (tmp_path / "db").mkdir()
    lines_of(["cppwax.recovery"], "db", "1", folder=tmp_path)
    assert lines_of(ON_CPPWAX, "flow.py", "-rdb", folder=tmp_path) == ["('k', 1)"]

    check = ["script", "state", "check"]
    checked = lines_of(check, "--bytewax", "--load", "db", "flow.py", folder=tmp_path)
    assert all(line.startswith("kept") for line in checked) and len(checked) == 2
    show = ["script", "state", "show", "--bytewax", "--load", "db", "keeping.keep", "k"]
    assert "Kept(meta=WindowMetadata(" in "\n".join(lines_of(show, folder=tmp_path))

    program.write_text(
        _KEEPING.replace("from bytewax", "from cppwax").replace("import bytewax", "import cppwax")
    )
    assert lines_of(["cppwax.run"], "flow.py", "-rdb", folder=tmp_path) == ["('k', 2)"]
