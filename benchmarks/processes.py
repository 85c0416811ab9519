"""Runs a command on one or more processes, and takes the time and memory of them all."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Timer

from benchmarks.workload import ROOT, Cost, Counted, Side, environment

_DEADLINE_SECONDS = 1800


def run_command(label: str, *module: str, processes: int = 1) -> tuple[str, Cost]:
    """Run a module with its arguments, so many times at once; return as `run_processes` does."""
    return _run(label, [[sys.executable, "-m", *module]] * processes)


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
    if side.workers > 1:
        command.append(f"-w{side.workers}")
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
    # Bytewax hashes keys as Python does: all processes must do it alike.
    env = environment() | {"PYTHONHASHSEED": "0"}
    began = time.perf_counter()
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=env)
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


class ProcessRow(Counted):
    """A row whose sides may have several processes: their flow prints what is to be checked.

    Memory is that of all processes together, as a whole.
    """

    #: Takes package, count and setting; as an import string without them.
    flow: str

    def total(self, printed: str) -> int:
        """Return the count of items that the results of all processes tell of."""
        # Bytewax prints there too who connects to whom.
        lines = [line for line in printed.splitlines() if line.startswith("key")]
        return sum(int(line.split()[1]) for line in lines)

    def sample(self, side: Side, count: int) -> Cost:
        """See base class."""
        flow = f"{self.flow}({side.package!r}, {count}, {self.setting})"
        printed, cost = run_processes(side, flow)
        self.check(side, printed, count)
        return cost

    def check(self, side: Side, printed: str, count: int) -> None:
        """Stop if what was printed does not tell of so many items."""
        if (total := self.total(printed)) != count:
            raise SystemExit(f"{self.name}, {side.label}: WRONG RESULT: {total}, not {count}")
