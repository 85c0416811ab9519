"""Stateful stream processing in Python on a C++ engine.

A program describes a dataflow and hands it to the engine:

* `cppwax.dataflow`: the `Dataflow` itself, its streams, and the decorator for own operators.
* `cppwax.operators`: the steps a flow is made of; usually imported as `op`.
* `cppwax.inputs` and `cppwax.outputs`: what to subclass for own sources and sinks.
* `cppwax.connectors`: ready-made sources and sinks.
* `cppwax.run`: the command line, `python -m cppwax.run module:flow`.
* `cppwax.testing`: sources, sinks and entry points for tests and notebooks.
* `cppwax.compat`: `import bytewax` means cppwax, for programs that were written for it.
* `cppwax.errors`: the exceptions a run can end with.

Describing a flow needs no engine; the engine is loaded when a flow is run.
"""

from typing import TYPE_CHECKING

__all__ = ["__version__"]

__version__: str

# Hidden from type checkers, which would take it for the type of every submodule.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> str:
        # Looked up when asked for: reading package metadata takes longer than defining a flow.
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("cppwax")
        except PackageNotFoundError:  # Imported from a source tree that is not installed.
            return "0+unknown"
