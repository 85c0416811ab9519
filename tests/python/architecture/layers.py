"""The layers: who may include or import whom. Dependencies point downwards only."""

from __future__ import annotations

from tests.python.architecture import _cpp, _python
from tests.python.architecture._files import is_cpp, is_python

#: Folders below cpp/engine from the lowest layer to the highest. Folders of one layer do not
#: know each other.
ENGINE_LAYERS: tuple[tuple[str, ...], ...] = (
    ("base",),
    ("data", "windowing", "metrics"),
    ("progress", "graph", "recovery"),
    ("channel",),
    ("operators", "transport"),
    ("worker",),
)
_ENGINE_RANK = {name: rank for rank, names in enumerate(ENGINE_LAYERS) for name in names}

#: Modules and packages of python/cppwax from the lowest layer to the highest. Those of one layer
#: may know each other.
PACKAGE_LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "_bytewax_utils", "_causes"),
    ("dataflow", "_operator_builder"),
    ("_batching", "_drawing", "_logging"),
    ("inputs", "outputs"),
    ("operators",),
    ("connectors",),
    (
        "_cluster",
        "_entry",
        "_locate",
        "_pickle_names",
        "_watch",
        "_web",
        "compat",
        "recovery",
        "tracing",
    ),
    ("_option_types", "_run_help", "_stored_state"),
    ("_compat_options",),
    (
        "_cluster_options",
        "_exit",
        "_local_processes",
        "_log_options",
        "_recovery_options",
        "_state_commands",
    ),
    ("_command_line", "_web_options"),
    ("_visualize_command", "visualize"),
    ("_cli", "run", "testing"),
)
_PACKAGE_RANK = {name: rank for rank, names in enumerate(PACKAGE_LAYERS) for name in names}
_MAY_START_THE_ENGINE = ("_entry", "_stored_state", "run", "testing", "recovery", "tracing")


def includes_point_downwards(path: str, text: str) -> list[str]:
    """Check the includes between the folders of the engine, and that the engine stays below."""
    if not path.startswith("cpp/engine/") or not is_cpp(path):
        return []
    own = path.split("/")[2]
    if own not in _ENGINE_RANK:
        return [f"1: folder cpp/engine/{own} has no layer: give it one in {__name__}"]
    found = []
    for include in _cpp.includes(text):
        parts = include.path.split("/")
        if not include.quoted:
            continue
        if parts[0] != "engine" or len(parts) < 3:
            found.append(
                f'{include.line}: "{include.path}": the engine includes only its own headers in '
                f'quotes, spelled from cpp/ ("engine/…"); others go in angle brackets'
            )
        elif parts[1] != own and _ENGINE_RANK.get(parts[1], 99) >= _ENGINE_RANK[own]:
            found.append(
                f"{include.line}: {own} must not know {parts[1]}: pass what it needs through an "
                f"interface of {own} or of a layer below"
            )
    return found


def engine_is_free_of_python(path: str, text: str) -> list[str]:
    """Check that no file of the engine includes Python or pybind11."""
    if not path.startswith("cpp/engine/") or not is_cpp(path):
        return []
    return [
        f"{include.line}: <{include.path}>: Python lives in cpp/bindings alone; let the bindings "
        f"implement an interface of the engine"
        for include in _cpp.includes(text)
        if include.path.lower().startswith(("python", "pybind11"))
    ]


def imports_point_downwards(path: str, text: str) -> list[str]:
    """Check the imports between the modules of the package."""
    own = _own_part(path)
    if own is None or own == "":
        return []
    if own not in _PACKAGE_RANK:
        return [f"1: {path} has no layer: give it one in {__name__}"]
    return [
        f"{line}: {own} must not know {other}: move what both need to a layer below"
        for line, other in _package_imports(path, text)
        if _PACKAGE_RANK[other] > _PACKAGE_RANK[own]
    ]


def engine_is_imported_late(path: str, text: str) -> list[str]:
    """Check that only entry points import the engine, and only inside functions."""
    own = _own_part(path)
    if own is None:
        return []
    return [
        f"{imported.line}: defining a flow must not load the engine: import it inside a function "
        f"of {', '.join(_MAY_START_THE_ENGINE)}"
        for imported in _python.imports(path, text)
        if imported.module.startswith("cppwax._engine")
        and not (imported.in_function and own in _MAY_START_THE_ENGINE)
    ]


def _own_part(path: str) -> str | None:
    if not path.startswith("python/cppwax/") or not is_python(path):
        return None
    return ".".join(_python.module_name(path).split(".")[1:2])


def _package_imports(path: str, text: str) -> list[tuple[int, str]]:
    # A name that is no module, as in `from cppwax import __version__`, has no layer.
    return [
        (imported.line, parts[1])
        for imported in _python.imports(path, text)
        if (parts := imported.module.split("."))[0] == "cppwax"
        and len(parts) > 1
        and parts[1] in _PACKAGE_RANK
    ]
