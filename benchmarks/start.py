"""How long is it from a command to the first line of output of the smallest flow?"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from statistics import mean, median

from benchmarks.harness import main
from benchmarks.workload import BYTEWAX, CPPWAX, ROOT, Cost, Row, Side, at_most, environment

_MODULES = {CPPWAX: "examples.simple", BYTEWAX: "benchmarks.bytewax_simple"}
_LINES = ["0", "4", "16", "36", "64"]


class Start(Row):
    """See the module. The other figure is the CPU time of the whole command."""

    name = "start"
    title = "examples.simple as a command: start to first line of output; cpu: to its end"
    unit = "ms a start"
    scale = 1e3
    counts = "wall"
    sides = (CPPWAX, BYTEWAX)
    bars = (at_most("must", 1.0, BYTEWAX), at_most("should", 0.5, BYTEWAX))

    def size(self, side: Side, seconds: float) -> int:
        """See base class."""
        # The first start reads files from disk and compiles modules.
        _start(side)
        return max(1, round(seconds / _start(side).wall))

    def cost(self, side: Side, size: int) -> Cost:
        """See base class."""
        costs = [_start(side) for _ in range(size)]
        return Cost(mean(cost.cpu for cost in costs), median(cost.wall for cost in costs))


def _start(side: Side) -> Cost:
    command = [sys.executable, "-m", f"{side.package}.run", _MODULES[side]]
    env = environment()
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        first = run.stdout.readline()
        wall = time.perf_counter() - began
        lines = (first + run.stdout.read()).split()
        _, status, used = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
    if run.returncode or lines != _LINES:
        raise SystemExit(f"{' '.join(command)}: exit code {run.returncode}, output {lines}")
    return Cost(used.ru_utime + used.ru_stime, wall)


ROWS = (Start(),)

if __name__ == "__main__":
    sys.exit(main(ROWS))
