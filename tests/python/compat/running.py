"""Running of programs that were written for Bytewax, on it and on cppwax."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = ROOT / "tests/python/compat/programs"

ON_CPPWAX = ["cppwax.run", "--bytewax"]
ON_BYTEWAX = ["bytewax.run"]


def has_bytewax() -> bool:
    """Tell whether Bytewax itself is installed; others put modules into its package too."""
    try:
        return find_spec("bytewax._bytewax") is not None
    except ModuleNotFoundError:
        return False


#: Both, or the one that is there.
MODULES = [ON_CPPWAX, ON_BYTEWAX] if has_bytewax() else [ON_CPPWAX]


def start(
    module: list[str], *arguments: str, folder: Path, env: dict[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start `python -m MODULE ARGUMENTS` in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", *module, *arguments],
        cwd=folder,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines_of(
    module: list[str], *arguments: str, folder: Path, env: dict[str, str] | None = None
) -> list[str]:
    """Run it to its end, and give the lines that it prints; it must not fail."""
    process = start(module, *arguments, folder=folder, env=env)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out.splitlines()
