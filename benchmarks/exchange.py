"""What does a keyed item cost that may have to go to another process, and how fast are two?

Two questions: a keyed exchange between two processes, the CPU time of both together; and a
DynamicSource with user code of 3 µs an item and count_final, two processes over one.
"""

from __future__ import annotations

import sys

from benchmarks.harness import main
from benchmarks.processes import ProcessRow, run_command
from benchmarks.scaling_threads import EFFORT_NS, turns_for
from benchmarks.workload import BYTEWAX, CPPWAX, LOOP, Cost, Side, part_of, speed_over

_CPPWAX_TWO = Side("cppwax -p2", "cppwax", processes=2)
_BYTEWAX_TWO = Side("Bytewax -p2", "bytewax", processes=2)
_LOOP_TWO = Side("loop twice", "", processes=2)


class Exchange(ProcessRow):
    """Half of the items change processes."""

    name = "exchange"
    title = "fold_final between 2 processes, 1,000 keys, batches of 1,000; CPU of both processes"
    flow = "benchmarks.exchange_flows:keyed"
    sides = (_CPPWAX_TWO, _BYTEWAX_TWO)
    bars = (
        part_of("must", 5, _BYTEWAX_TWO, _CPPWAX_TWO),
        part_of("should", 8, _BYTEWAX_TWO, _CPPWAX_TWO),
    )


class ScalingProcesses(ProcessRow):
    """User code is what takes the time; `setting` is how many turns its loop makes.

    Two loops that share nothing tell how much faster two processes can be on this machine.
    """

    name = "scaling_processes"
    title = "-p2 over -w1: a DynamicSource, a map of 3 µs, count_final"
    counts = "wall"
    flow = "benchmarks.exchange_flows:user_code"
    sides = (CPPWAX, _CPPWAX_TWO, BYTEWAX, _BYTEWAX_TWO, LOOP, _LOOP_TWO)
    bars = (
        speed_over("must", 1.7, CPPWAX, _CPPWAX_TWO),
        speed_over("should", 1.9, CPPWAX, _CPPWAX_TWO),
        speed_over("figure", 1.0, BYTEWAX, _BYTEWAX_TWO),
        speed_over("figure", 1.0, LOOP, _LOOP_TWO),
    )

    def sample(self, side: Side, count: int) -> Cost:
        """See base class."""
        if side.package:
            return super().sample(side, count)
        loop = ("benchmarks.exchange_flows", str(count // side.processes), str(self.setting))
        printed, cost = run_command(side.label, *loop, processes=side.processes)
        self.check(side, printed, count)
        return cost

    def size(self, side: Side, seconds: float) -> int:
        """See base class."""
        self.setting = self.setting or turns_for(EFFORT_NS)
        return super().size(side, seconds)


ROWS = (Exchange(), ScalingProcesses())

if __name__ == "__main__":
    sys.exit(main(ROWS))
