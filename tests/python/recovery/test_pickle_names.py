"""What pickles would import is found without running them."""

from __future__ import annotations

import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cppwax._pickle_names import names_in, why_missing


class Nested:
    class Inner:
        pass


def test_names_in_a_pickle_are_found_without_running_it() -> None:
    ran: list[int] = []

    class Runs:
        def __reduce__(self) -> Any:
            return (ran.append, (1,))

    values = [Nested.Inner(), {"a": timedelta(1)}, frozenset([Path("x")]), len, {1, 2}]
    names = names_in(pickle.dumps(values, 5))
    assert (__name__, "Nested.Inner") in names
    assert ("datetime", "timedelta") in names
    assert ("builtins", "len") in names
    assert all(why_missing(*name) is None for name in names)
    names_in(pickle.dumps(Runs(), 5))
    assert ran == []
    assert "ModuleNotFoundError" in str(why_missing("no_such_module", "Thing"))
    with pytest.raises(pickle.UnpicklingError):
        names_in(b"no pickle")
