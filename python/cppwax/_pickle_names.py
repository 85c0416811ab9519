"""What pickles would import, found without running any of it."""

from __future__ import annotations

import importlib
import io
import pickle
from typing import Any


class _StandIn:
    """Takes the place of whatever a pickle names, and does nothing."""

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Any:
        return object.__new__(cls)

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        pass

    def __call__(self, *_args: Any, **_kwargs: Any) -> Any:
        return self

    def __setitem__(self, _key: Any, _value: Any) -> None:
        pass

    def __setstate__(self, _state: Any) -> None:
        pass

    def add(self, _item: Any) -> None:
        pass

    def append(self, _item: Any) -> None:
        pass

    def extend(self, _items: Any) -> None:
        pass


class _Reader(pickle.Unpickler):
    def __init__(self, state: bytes) -> None:
        super().__init__(io.BytesIO(state))
        self.names: set[tuple[str, str]] = set()

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        self.names.add((module_name, global_name))
        # A class of its own, as a pickle may make instances of it.
        return type(global_name, (_StandIn,), {})


def names_in(state: bytes) -> set[tuple[str, str]]:
    """Find the names that a pickle would import.

    Nothing is imported and nothing of the pickle is called: what it names is replaced by classes
    that do nothing.

    Args:
        state: The pickle.

    Returns:
        Module and qualified name of each.

    Raises:
        pickle.UnpicklingError: It is no pickle that can be read.
    """
    reader = _Reader(state)
    try:
        reader.load()
    # Bytes that are no pickle can raise almost anything.
    except Exception as ex:
        raise pickle.UnpicklingError(f"{type(ex).__name__}: {ex}") from ex
    return reader.names


def why_missing(module: str, name: str) -> str | None:
    """Look whether a name of a pickle is there, which imports its module.

    Args:
        module: Its module.
        name: Its qualified name in it.

    Returns:
        Why it is not; `None` if it is.
    """
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    # A module of the user may fail in any way.
    except Exception as ex:
        return f"`{module}.{name}`: {type(ex).__name__}: {ex}"
    return None
