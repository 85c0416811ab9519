"""Starts runs over recovery stores, each in a process of its own, and looks into stores."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.workload import ROOT, environment

_STATE = "from cppwax._cli import main; main()"


def run(question: str, *arguments: object) -> dict[str, Any]:
    """Run one of `recovery_runs.py`; return what it gives."""
    command = [sys.executable, "-m", "benchmarks.recovery_runs", question, *map(str, arguments)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{question} {arguments}: WRONG RESULT\n{done.stdout}{done.stderr}")
    # Bytewax prints there too.
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def listed(store: Path) -> dict[str, Any]:
    """Return what `cppwax state list` tells of a store."""
    command = [sys.executable, "-c", _STATE, "state", "list", str(store), "--json"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def keys_in(found: dict[str, Any]) -> int:
    """Return how many keys of the keyed step are in what `listed` gives."""
    return sum(int(step["keys"]) for step in found["steps"] if "sums" in step["step_id"])
