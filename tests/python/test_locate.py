"""From import strings to dataflows, and what is said where there is none."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cppwax._locate import LocateError, locate, locate_dataflow, prepare_import
from cppwax.dataflow import Dataflow

MODULE = """
from functools import partial
from cppwax.dataflow import Dataflow

def make(*args, **kwargs):
    return Dataflow(repr((args, kwargs)).replace(".", "_"))

class Factory:
    def __call__(self):
        return Dataflow("factory")

class MyFlow(Dataflow):
    pass

def two(a, b):
    return Dataflow("two")

def calls_wrongly():
    return two(1)

def fails():
    raise ValueError("no flow today")

def makes_nothing():
    pass

flow = Dataflow("flow")
other = Dataflow("other")
instance = Factory()
bound = partial(two, 1, 2)
five = 5
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of modules that nothing remembers afterwards."""
    for name in ("mod.py", "pkg/mod.py", "pkg/sub/deep.py", "plain/inner.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MODULE)
    for name in ("pkg/__init__.py", "pkg/sub/__init__.py"):
        (tmp_path / name).write_text(MODULE)
    (tmp_path / "broken.py").write_text("def start():\n    raise KeyError('boom')\nstart()\n")
    (tmp_path / "lacking.py").write_text("import not_there\n")
    (tmp_path / "slip.py").write_text("x = (\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("import_str", "flow_id"),
    [
        ("mod", "flow"),
        ("mod:", "flow"),
        ("mod:flow", "flow"),
        ("mod: other ", "other"),
        ("mod:flow()", "flow"),
        ("mod:make", "((), {})"),
        ("mod:make()", "((), {})"),
        ("mod:make(1, -2, 'a:b', None)", "((1, -2, 'a:b', None), {})"),
        ("mod:make(True, b=[1, {'x': (2,)}])", "((True,), {'b': [1, {'x': (2,)}]})"),
        ("mod:make({1}, b'x')", "(({1}, b'x'), {})"),
        ("mod:instance", "factory"),
        ("mod:instance()", "factory"),
        ("mod:bound", "two"),
        ("mod:MyFlow('mine')", "mine"),
        ("pkg", "flow"),
        ("pkg.mod", "flow"),
        ("pkg.sub.deep:two(1, b=2)", "two"),
        ("mod.py", "flow"),
        ("./mod.py:other", "other"),
        ("pkg/mod.py:other", "other"),
        ("pkg/mod", "flow"),
        ("pkg/sub/deep.py", "flow"),
        ("pkg/__init__.py:other", "other"),
        ("plain/inner.py", "flow"),
    ],
)
def test_every_form_leads_to_its_dataflow(import_str: str, flow_id: str) -> None:
    flow = locate(import_str)
    assert isinstance(flow, Dataflow)
    assert flow.flow_id == flow_id


def test_absolute_paths_work(here: Path) -> None:
    assert locate(f"{here}/pkg/mod.py:other").flow_id == "other"


def test_modules_of_a_package_keep_their_package() -> None:
    locate("pkg/sub/deep.py")
    assert "pkg.sub.deep" in sys.modules
    assert "deep" not in sys.modules


@pytest.mark.parametrize(
    ("import_str", "expected", "directory"),
    [
        ("mod", ("mod", "flow"), "."),
        ("pkg.mod:make(1)", ("pkg.mod", "make(1)"), "."),
        ("mod:make('a:b')", ("mod", "make('a:b')"), "."),
        ("pkg/mod.py:x", ("pkg.mod", "x"), "."),
        ("pkg/sub/__init__.py", ("pkg.sub", "flow"), "."),
        ("plain/inner.py", ("inner", "flow"), "plain"),
        ("../mod.py", ("mod", "flow"), ".."),
        ("mod: x ", ("mod", " x "), "."),
    ],
)
def test_prepare_import_splits_and_opens_the_way(
    import_str: str, expected: tuple[str, str], directory: str
) -> None:
    for _ in range(2):
        assert prepare_import(import_str) == expected
    assert sys.path[0] == os.path.realpath(directory)
    assert sys.path[1:2] != sys.path[:1]


def test_locate_dataflow_takes_what_prepare_import_gives() -> None:
    assert locate_dataflow(*prepare_import("mod:other")).flow_id == "other"


@pytest.mark.parametrize(
    ("import_str", "said"),
    [
        ("", "names no module"),
        (":flow", "names no module"),
        ("nod", "no module 'nod'; did you mean 'mod'?"),
        ("zzz", "no module 'zzz' in "),
        ("pgk.mod", "no module 'pgk.mod'; did you mean 'pkg'?"),
        ("pkg.mdo", "no module 'pkg.mdo'; did you mean 'mod'? (in 'pkg')"),
        ("mod.flow", "'mod' is a module, not a package; write mod:flow"),
        ("pkg/mdo.py", "no file 'pkg/mdo.py'; did you mean 'mod.py'?"),
        ("nowhere/mod.py", "there is no directory"),
        ("mod:flwo", "has no 'flwo'; did you mean 'flow'"),
        ("mod:zzz", "has no 'zzz'; its dataflows are flow, other"),
        ("mod:_", "has no '_'"),
        ("builtins:flow", "module 'builtins' (no file) has no 'flow'"),
        ("plain", "module 'plain' (no file) has no 'flow'"),
        ("mod:five", "is of type int, neither a Dataflow nor a function"),
        ("mod:makes_nothing", "must return a Dataflow, not NoneType"),
        ("mod:two", "wrong arguments for factory two(a, b): "),
        ("mod:two(1)", "missing 1 required positional argument: 'b'"),
        ("mod:two(1, 2, 3)", "takes 2 positional arguments but 3 were given"),
        ("mod:two(1, c=2)", "unexpected keyword argument 'c'"),
        ("mod:flow(1)", "is a dataflow already"),
        ("mod:make(x)", "argument 'x' is not a literal"),
        ("mod:make(1 + 1)", "argument '1 + 1' is not a literal"),
        ("mod:make(a=open('x'))", "argument \"open('x')\" is not a literal"),
        ("mod:make(f'{x}')", "is not a literal"),
        ("mod:make({[]: 1})", "argument '{[]: 1}' is not a literal"),
        ("mod:make(*[1])", "argument '*[1]' is not a literal"),
        ("mod:make(**{'a': 1})", "argument \"{'a': 1}\" is not a literal"),
        ("mod:make(" + "(" * 500, "cannot understand"),
        ("mod:make(1", "cannot understand 'make(1' ('(' was never closed)"),
        ("mod:make()()", "cannot understand"),
        ("mod:Factory.x", "neither a name nor a call of a name"),
        ("mod:[flow][0]", "neither a name nor a call of a name"),
        ("mod:1", "neither a name nor a call of a name"),
        ("mod:\0", "cannot understand"),
    ],
)
def test_slips_are_told_with_the_way_out(import_str: str, said: str) -> None:
    with pytest.raises(LocateError) as caught:
        locate(import_str)
    assert said in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("import_str", ["broken:make(x)", "broken:make(1", "broken:1"])
def test_what_is_written_wrongly_runs_nothing(import_str: str) -> None:
    with pytest.raises(LocateError) as caught:
        locate(import_str)
    assert caught.value.__cause__ is None
    assert "broken" not in sys.modules


@pytest.mark.parametrize(
    ("import_str", "said", "frames", "cause"),
    [
        ("broken", "module 'broken' failed to import", ["<module>", "start"], KeyError),
        ("lacking", "module 'lacking' failed to import", ["<module>"], ModuleNotFoundError),
        ("slip.py", "module 'slip' failed to import", [], SyntaxError),
        ("mod:fails", "factory 'fails' failed", ["fails"], ValueError),
        # A wrong call inside of the factory is not one of the factory.
        ("mod:calls_wrongly", "factory 'calls_wrongly' failed", ["calls_wrongly"], TypeError),
    ],
)
def test_failures_of_user_code_show_its_frames_alone(
    import_str: str, said: str, frames: list[str], cause: type[Exception]
) -> None:
    with pytest.raises(LocateError) as caught:
        locate(import_str)
    assert str(caught.value) == said
    first = caught.value.__cause__
    assert type(first) is cause
    assert [frame.name for frame in traceback.extract_tb(first.__traceback__)] == frames


def test_a_module_may_end_the_program(here: Path) -> None:
    (here / "ends.py").write_text("raise SystemExit(3)\n")
    with pytest.raises(SystemExit):
        locate("ends")


@pytest.mark.parametrize("name", ["traceback", "sys"])
def test_a_file_named_like_a_loaded_module_is_not_mistaken_for_it(here: Path, name: str) -> None:
    (here / f"{name}.py").write_text(MODULE)
    with pytest.raises(LocateError, match=f"'{name}' is already the name of another module"):
        locate(f"{name}.py")


@pytest.mark.parametrize("change", [os.rmdir, lambda path: path.chmod(0)])
def test_hints_survive_directories_that_cannot_be_read(
    here: Path, change: Callable[[Path], None]
) -> None:
    (here / "closed").mkdir()
    change(here / "closed")
    with pytest.raises(LocateError, match="no module 'nod'; did you mean 'mod'"):
        locate("nod")
