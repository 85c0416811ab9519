"""Run programs that were written for Bytewax: `import bytewax` means cppwax.

`python -m cppwax.run --bytewax flow.py` does so for a whole run. A program or notebook of its own
calls `install` before its first import of `bytewax`::

    import cppwax.compat

    cppwax.compat.install()

    import bytewax.operators as op  # that of cppwax

The modules are the same objects under two names, so their classes are too. Pickles that name
classes of `bytewax` can be loaded, and those that are written name cppwax.

Other distributions that put modules into the package `bytewax`, such as `bytewax.duckdb`, are
found where they are installed, and what they import of Bytewax is cppwax. Bytewax itself need not
be installed; where it is, none of it is loaded.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, DistributionFinder
from types import ModuleType
from typing import Any

__all__ = ["BYTEWAX_VERSION", "install"]

BYTEWAX_VERSION = "0.21.1"
"""The version of Bytewax whose names and signatures cppwax has."""

_PACKAGE = "bytewax"

# What Bytewax's own distribution has. All else below `bytewax` belongs to other distributions.
_OWN_MODULES = frozenset(
    f"{_PACKAGE}.{name}"
    for name in (
        "_bytewax",
        "_metrics",
        "_utils",
        "connectors",
        "connectors.demo",
        "connectors.files",
        "connectors.kafka",
        "connectors.kafka.operators",
        "connectors.kafka.serde",
        "connectors.stdio",
        "dataflow",
        "errors",
        "inputs",
        "operators",
        "operators.helpers",
        "operators.windowing",
        "outputs",
        "recovery",
        "run",
        "testing",
        "tracing",
        "visualize",
    )
)
# Private to Bytewax, but other distributions import them.
_PRIVATE = {f"{_PACKAGE}._utils": "cppwax._bytewax_utils"}


def install() -> None:
    """Let `import bytewax` mean cppwax, for the rest of this process.

    Modules are imported when they are asked for. `importlib.metadata.version("bytewax")` is
    `BYTEWAX_VERSION` from then on. Calling it again does nothing.

    Raises:
        RuntimeError: Bytewax itself was imported before. Its classes are not those of cppwax, and
            a program that has both of them would fail in odd ways.
    """
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    for name, module in list(sys.modules.items()):
        if _is_of_bytewax_itself(name, module):
            where = getattr(module, "__file__", None) or "built in"
            raise RuntimeError(
                f"Bytewax itself was imported before: {name} ({where}); call "
                "`cppwax.compat.install()` before the first import of bytewax, or run the program "
                "with `python -m cppwax.run --bytewax`"
            )
    sys.meta_path.insert(0, _Finder())


def _is_of_bytewax_itself(name: str, module: ModuleType | None) -> bool:
    # A name that must not be imported has None. The bare package may be there: Bytewax shares it
    # with others and keeps nothing in it.
    if module is None or name == _PACKAGE:
        return getattr(module, "__file__", None) is not None
    return name in _OWN_MODULES


class _Finder(DistributionFinder):
    """Answers for the package `bytewax` before anything else in `sys.meta_path` does."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == _PACKAGE:
            spec = ModuleSpec(fullname, _PackageLoader(), is_package=True)
            spec.submodule_search_locations = list(self._folders())
            return spec
        if not fullname.startswith(f"{_PACKAGE}."):
            return None
        if fullname in _OWN_MODULES:
            return ModuleSpec(fullname, _AliasLoader(_name_in_cppwax(fullname)))
        return self._spec_of_other_distribution(fullname)

    def find_distributions(
        self, context: DistributionFinder.Context | None = None
    ) -> Iterable[Distribution]:
        # Packages that build on Bytewax look whether its version is one that they know. Who asks
        # about folders that are not those of this process is not told of it.
        context = context or DistributionFinder.Context()
        if context.path is sys.path and (context.name or _PACKAGE).lower() == _PACKAGE:
            yield _Distribution()

    def _spec_of_other_distribution(self, fullname: str) -> ModuleSpec | None:
        parent = fullname.rpartition(".")[0]
        if parent != _PACKAGE and parent not in _OWN_MODULES:
            return None
        # The path of an alias is that of cppwax, whose modules have no second name but those above.
        below = parent.split(".")[1:]
        folders = [os.path.join(folder, *below) for folder in self._folders()]
        spec = self._spec_of_others(fullname, folders)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return spec

    def _folders(self) -> Iterator[str]:
        """All folders that are parts of the package; looked up anew, as `sys.path` changes."""
        spec = self._spec_of_others(_PACKAGE, None)
        if spec is not None:
            yield from spec.submodule_search_locations or ()

    def _spec_of_others(self, fullname: str, path: Sequence[str] | None) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(fullname, path)
                if spec is not None:
                    return spec
        return None


class _PackageLoader(Loader):
    """Makes the package itself, which is empty as Bytewax's is."""

    def exec_module(self, module: ModuleType) -> None:
        pass


class _AliasLoader(Loader):
    """Gives a module of cppwax a second name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def exec_module(self, module: ModuleType) -> None:
        # The import system takes what lies here in the end, and leaves the module as it is.
        sys.modules[module.__name__] = importlib.import_module(self._name)


def _name_in_cppwax(fullname: str) -> str:
    if fullname in _PRIVATE:
        return _PRIVATE[fullname]
    name = "cppwax" + fullname.removeprefix(_PACKAGE)
    is_private = name.rpartition(".")[2].startswith("_")
    try:
        is_there = not is_private and importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        is_there = False
    if not is_there:
        # No `ModuleNotFoundError`: `from bytewax import …` would put its own message in the place.
        what = "is private to Bytewax" if is_private else "is a module of Bytewax"
        raise ImportError(
            f"{fullname} {what}; cppwax does not have it, and here `bytewax` means cppwax",
            name=fullname,
        )
    return name


class _Distribution(Distribution):
    """What `importlib.metadata` tells of Bytewax."""

    def read_text(self, filename: str) -> str | None:
        if filename != "METADATA":
            return None
        return (
            "Metadata-Version: 2.1\n"
            f"Name: {_PACKAGE}\n"
            f"Version: {BYTEWAX_VERSION}\n"
            "Summary: The API of Bytewax, answered by cppwax\n"
        )

    def locate_file(self, path: str | os.PathLike[str]) -> Any:
        from pathlib import Path

        return Path(__file__).parent / path
