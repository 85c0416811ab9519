"""How fast are two processes, over one, and what does an item cost that changes processes?

Two questions: a DynamicSource with user code of 3 µs an item and count_final, two processes over
one; and a keyed exchange between two processes, cppwax over Bytewax (where it is installed). The
figure is wall time an item, with the CPU time of all processes beside; what a run without items
takes is taken off.
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median
from threading import Timer

from benchmarks.scaling_threads import turns_for
from benchmarks.workload import ROOT, Cost


@dataclass(frozen=True)
class Side:
    """Who runs a flow, on how many processes."""

    label: str
    package: str
    processes: int


CPPWAX_ONE = Side("cppwax -w1", "cppwax", 1)
CPPWAX_TWO = Side("cppwax, 2 processes", "cppwax", 2)
BYTEWAX_TWO = Side("Bytewax, 2 processes", "bytewax", 2)

QUESTIONS = {
    "user_code": (CPPWAX_ONE, CPPWAX_TWO, BYTEWAX_TWO),
    "keyed": (CPPWAX_ONE, CPPWAX_TWO, BYTEWAX_TWO),
}


_DEADLINE_SECONDS = 1800


def run_command(label: str, *module: str) -> tuple[str, Cost]:
    """Run a module with its arguments; return as `run_processes` does."""
    return _run(label, [[sys.executable, "-m", *module]])


def run_processes(side: Side, flow: str, *options: str) -> tuple[str, Cost]:
    """Run a flow once on all processes of a side.

    Args:
        side: Who runs it.
        flow: An import string.
        *options: More options of each command.

    Returns:
        What all have printed, and what all have taken: the memory is the sum of their peaks.
    """
    command = [sys.executable, "-m", f"{side.package}.run", flow, *options]
    with ExitStack() as held:
        places: list[list[str]] = [[]]
        if side.processes > 1:
            holders = [held.enter_context(socket.socket()) for _ in range(side.processes)]
            for holder in holders:
                # Held, so that nobody else is given the port; both sides listen all the same.
                holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                holder.bind(("127.0.0.1", 0))
            addresses = ";".join(f"127.0.0.1:{holder.getsockname()[1]}" for holder in holders)
            places = [["-i", str(i), "-a", addresses] for i in range(side.processes)]
        return _run(f"{side.label}: {flow}", [[*command, *place] for place in places])


def _run(label: str, commands: list[list[str]]) -> tuple[str, Cost]:
    began = time.perf_counter()
    environment = os.environ | {"PYTHONHASHSEED": "0"}
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
        for command in commands
    ]
    # A hang must not last.
    limits = [Timer(_DEADLINE_SECONDS, process.kill) for process in processes]
    for limit in limits:
        limit.start()
    try:
        # All at once: one that fills its pipe would keep the others waiting.
        with ThreadPoolExecutor(len(processes)) as readers:
            ends = list(readers.map(_end, processes))
    finally:
        for limit in limits:
            limit.cancel()
    if any(process.returncode for process in processes):
        raise SystemExit(f"{label} failed")
    used = [usage for _, usage in ends]
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in used)
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    memory = sum(usage.ru_maxrss for usage in used) / unit
    return "".join(text for text, _ in ends), Cost(cpu, time.perf_counter() - began, memory)


def _end(process: subprocess.Popen[str]) -> tuple[str, resource.struct_rusage]:
    """Wait for the end of a process; return what it has printed, and what it took alone."""
    with process:
        assert process.stdout is not None
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        # Told, so that nobody waits for it again.
        process.returncode = os.waitstatus_to_exitcode(status)
    return text, usage


def run(question: str, side: Side, count: int, turns: int) -> Cost:
    """Run once; check the result; return the seconds of all processes."""
    flow = f"benchmarks.exchange_flows:{question}('{side.package}', {count}, {turns})"
    printed, cost = run_processes(side, flow)
    # Bytewax prints there who connects to whom.
    lines = [line for line in printed.splitlines() if line.startswith("key")]
    total = sum(int(line.split()[1]) for line in lines)
    if total != count:
        raise SystemExit(f"{side.label}: wrong result for {question}: {total}, not {count}")
    return cost


def measure(question: str, count: int, rounds: int, turns: int) -> None:
    """Run all sides of a question in turn, and print medians and ratios."""
    sides = [side for side in QUESTIONS[question] if find_spec(side.package)]
    took: dict[Side, list[Cost]] = {side: [] for side in sides}
    for number in range(rounds):
        first = number % len(sides)
        for side in sides[first:] + sides[:first]:
            none = run(question, side, 0, turns)
            all_ = run(question, side, count, turns)
            took[side].append(Cost((all_.cpu - none.cpu) / count, (all_.wall - none.wall) / count))
    print(f"{question}: {count} items, {rounds} rounds, all results right")
    for side in sides:
        walls = sorted(cost.wall for cost in took[side])
        shown = (
            f"{median(walls) * 1e9:6.0f} ns an item [{walls[0] * 1e9:.0f}-{walls[-1] * 1e9:.0f}]"
        )
        cpu = median(cost.cpu for cost in took[side]) * 1e9
        pairs = zip(took[CPPWAX_TWO], took[side], strict=True)
        speed = median(other.wall / own.wall for other, own in pairs)
        print(f"  {side.label:21} {shown}, CPU {cpu:.0f}; speed {speed:.2f} of {CPPWAX_TWO.label}")


def main() -> int:
    """Measure, as a command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (5)")
    parser.add_argument("--items", type=int, help="items of a run (1 million; 8 million keyed)")
    args = parser.parse_args()
    measure("user_code", args.items or 1_000_000, args.rounds, turns_for(3000))
    measure("keyed", args.items or 8_000_000, args.rounds, 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
