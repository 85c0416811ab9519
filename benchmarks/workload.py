"""What a row of the benchmarks is: inputs, a flow for any library, a loop, what it must reach.

A row is measured in processes of its own, one for each run; `harness.py` starts them.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import import_module
from itertools import chain, islice, repeat
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.memory import Peak

X = TypeVar("X")

ROOT = Path(__file__).parents[1]

#: Counts of items are multiples of this, so that blocks, batches, keys and workers come out even.
GRAIN = 10_000

#: Items a batch, where a row does not say otherwise.
BATCH = 1000

#: A run that takes longer is a failure: a hang must not stop all the rows after it.
_DEADLINE_SECONDS = 600


@dataclass(frozen=True)
class Side:
    """Who runs: a library on so many workers, or a plain loop, whose package is empty."""

    label: str
    package: str
    #: Of each process.
    workers: int = 1
    processes: int = 1


CPPWAX = Side("cppwax", "cppwax")
BYTEWAX = Side("Bytewax", "bytewax")
LOOP = Side("loop", "")


@dataclass(frozen=True)
class Bar:
    """A cost that must or should not be exceeded, as a factor of another side's cost.

    Without another side, the factor is the cost itself. Of the level "figure" the ratio is shown
    and not judged.
    """

    level: str
    factor: float
    #: How to say it, with `{}` for the ratio, or for one over the ratio.
    text: str
    of: Side | None
    subject: Side = CPPWAX
    inverse: bool = False
    #: If given: the factor is for so many times the difference of the costs, not for their ratio.
    times: float | None = None

    def compare(self, subject: float, of: float | None) -> float:
        """Return what the factor is for, from the costs of the two sides."""
        if of is None:
            return subject
        if self.times is not None:
            return (subject - of) * self.times
        return subject / max(of, 1e-9)

    def number(self, ratio: float) -> str:
        """Return a ratio as the text has it."""
        return f"{1 / ratio if self.inverse else ratio:.3g}"


def at_most(level: str, factor: float, of: Side = LOOP) -> Bar:
    """Ask for at most so many times the cost of another side."""
    return Bar(level, factor, f"{{}}x {of.label}", of)


def part_of(level: str, divisor: float, of: Side = BYTEWAX, subject: Side = CPPWAX) -> Bar:
    """Ask for at most the cost of another side, divided by a number."""
    return Bar(level, 1 / divisor, f"{of.label} / {{}}", of, subject, inverse=True)


def speed_over(level: str, speed: float, of: Side, subject: Side) -> Bar:
    """Ask for a speed, as a factor of another side's speed."""
    return Bar(level, 1 / speed, f"speed {{}} of {of.label}", of, subject, inverse=True)


@dataclass(frozen=True)
class Cost:
    """What a run took, or a unit of it."""

    cpu: float
    wall: float
    #: Peak memory of the whole run, beyond what there was before it, in megabytes, if known.
    memory: float | None = None


class Library:
    """The modules of cppwax or Bytewax, by the names that both have."""

    def __init__(self, package: str) -> None:
        """Import them."""
        self.op: Any = import_module(f"{package}.operators")
        self.dataflow: Any = import_module(f"{package}.dataflow")
        self.inputs: Any = import_module(f"{package}.inputs")
        self.outputs: Any = import_module(f"{package}.outputs")
        self.testing: Any = import_module(f"{package}.testing")
        self.windowing: Any = import_module(f"{package}.operators.windowing")

    def run(self, flow: Any, workers: int, epoch_interval: timedelta | None) -> None:
        """Run a flow to its end in this process."""
        if workers == 1:
            self.testing.run_main(flow, epoch_interval=epoch_interval)
        else:
            self.testing.cluster_main(
                flow, [], 0, epoch_interval=epoch_interval, worker_count_per_proc=workers
            )


class Row(ABC):
    """A question with several sides, and the bars for its answer."""

    name: str
    title: str
    #: What a figure is, and what it is called; seconds times `scale` make one.
    unit = "ns an item"
    scale = 1e9
    #: The figure that counts: "cpu" or "wall". The other one is shown beside.
    counts = "cpu"
    sides: tuple[Side, ...] = (CPPWAX, BYTEWAX, LOOP)
    bars: tuple[Bar, ...] = ()

    def obstacle(self) -> str:
        """Tell why it cannot be measured here; empty if it can."""
        return ""

    @abstractmethod
    def size(self, side: Side, seconds: float) -> int:
        """Choose how many units a run must have so as to last that long."""

    @abstractmethod
    def cost(self, side: Side, size: int) -> Cost:
        """Run once, in a new process; return seconds a unit."""


class Counted(Row):
    """A row whose runs differ by their count of items; what a run without any takes is taken off.

    Each run is one or more new processes, which check what they give.
    """

    #: A number that is found out once and told to all runs.
    setting = 0
    #: So many items a run, however long that takes.
    items: int | None = None
    #: No more items a run than this, however short it is: for inputs that take much memory.
    most: int | None = None

    @abstractmethod
    def sample(self, side: Side, count: int) -> Cost:
        """Run once; return seconds of the whole run, and its memory."""

    def size(self, side: Side, seconds: float) -> int:
        """See base class."""
        if self.items is not None:
            return self.items
        # By CPU time for all rows: wall time tells little on a busy machine.
        count, none = GRAIN, self.sample(side, 0).cpu
        while count != self.most:
            took = self.sample(side, count).cpu - none
            if took >= seconds:
                break
            wanted = count * 1.2 * seconds / max(took, 0.001)
            # What a short run says is not to be trusted far.
            count = ceil(min(max(wanted, 1.5 * count), 50 * count) / GRAIN) * GRAIN
            count = min(count, self.most or count)
            if took > max(seconds / 10, 0.05):
                break
        return count

    def cost(self, side: Side, size: int) -> Cost:
        """See base class."""
        none, all_ = self.sample(side, 0), self.sample(side, size)
        cpu, wall = (all_.cpu - none.cpu) / size, (all_.wall - none.wall) / size
        return Cost(cpu, wall, all_.memory)


class Workload(Counted):
    """Items through a flow in one process, or through a plain loop.

    The parent process calls `size` and `cost`; each run is a process of its own that calls
    `prepare`, then `flow` or `loop` within the clock, then `is_right`.
    """

    epoch_interval: timedelta | None = None

    @abstractmethod
    def prepare(self, count: int, setting: int) -> None:
        """Make inputs for `count` items: a multiple of `GRAIN`, or none."""

    @abstractmethod
    def flow(self, library: Library) -> Any:
        """Define the dataflow over the inputs."""

    def loop(self) -> None:
        """Do the same as the flow in the fastest plain Python, with the same callables."""
        raise TypeError(f"{self.name} has no loop")

    @abstractmethod
    def is_right(self) -> bool:
        """Tell whether the result is what `count` items must give."""

    def sample(self, side: Side, count: int) -> Cost:
        """See base class."""
        module = type(self).__module__
        if module == "__main__" and (spec := sys.modules[module].__spec__):
            module = spec.name
        where = str(self.sides.index(side))
        run = [sys.executable, "-m", module, "--one", self.name, where, str(count)]
        done = subprocess.run(
            [*run, str(self.setting)],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=_DEADLINE_SECONDS,
            check=False,
        )
        if done.returncode:
            what = f"{self.name}, {side.label}, {count:,} items"
            raise SystemExit(f"{what}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return Cost(**json.loads(done.stdout))

    def run_here(self, side: Side, count: int, setting: int) -> int:
        """Be the process of one run: print what it took, as JSON; return the exit code."""
        self.prepare(count, setting)
        job = self.loop
        if side.package:
            library = Library(side.package)
            flow = self.flow(library)

            def job() -> None:
                library.run(flow, side.workers, self.epoch_interval)

        gc.collect()
        # Else the collector goes through the inputs over and over.
        gc.freeze()
        peak = Peak()
        cpu, wall = cpu_seconds(), time.perf_counter()
        job()
        cost = {"cpu": cpu_seconds() - cpu, "wall": time.perf_counter() - wall}
        cost["memory"] = peak.megabytes()
        if not self.is_right():
            print("WRONG RESULT", file=sys.stderr)
            return 1
        print(json.dumps(cost))
        return 0


def cpu_seconds() -> float:
    """Tell how much time all threads of this process have had on a core."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@cache
def environment() -> dict[str, str]:
    """Return the environment for a run: one with the package as a wheel would install it.

    An editable install looks at each start whether to compile the engine. So it is copied, which
    also keeps the rounds alike if somebody edits a file meanwhile.
    """
    import cppwax._engine  # Compiled now, if it must be.

    env = dict(os.environ)
    # Without them, an installed Bytewax would be the only one whose modules need no compiling.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    builds = [
        folder
        for finder in sys.meta_path
        if type(finder).__name__ == "ScikitBuildRedirectingFinder"
        and isinstance(folder := getattr(finder, "path", None), str)
    ]
    if builds:
        folder = Path(tempfile.mkdtemp(prefix="cppwax-bench-"))
        atexit.register(shutil.rmtree, folder)
        package = Path(cppwax.__file__).parent
        shutil.copytree(package, folder / "cppwax", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(str(cppwax._engine.__file__), folder / "cppwax")
        # With its build folder named here, the editable install finds nothing, and the copy is.
        env["SKBUILD_EDITABLE_SKIP"] = os.pathsep.join(builds)
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), env.get("PYTHONPATH")]))
    return env


def repeated(block: list[X], count: int) -> Iterator[X]:
    """Give the items of a block again and again, `count` in all, and make none."""
    assert count % len(block) == 0
    return chain.from_iterable(repeat(block, count // len(block)))


def batches(items: Iterable[X]) -> Iterator[list[X]]:
    """Cut into batches, as a loop does that is as sparing with memory as a flow."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def derived(plain: type, base: Any) -> Any:
    """Make a subclass of a library's base class from a class that has the methods."""
    return type(plain.__name__, (plain, base), {})


def sink_to(library: Library, write: Callable[[list[Any]], None]) -> Any:
    """Make a sink of a library, whose part on each worker gives its batches to a function."""

    class Part:
        def write_batch(self, items: list[Any]) -> None:
            write(items)

    class Sink:
        def build(self, step_id: str, worker_index: int, worker_count: int) -> Any:
            return derived(Part, library.outputs.StatelessSinkPartition)()

    return derived(Sink, library.outputs.DynamicSink)()


class Tail:
    """Counts items and keeps the last thousand; where results are too many to keep."""

    def __init__(self) -> None:
        """Start empty."""
        self.count = 0
        self.last: deque[Any] = deque(maxlen=BATCH)

    def write_batch(self, items: list[Any]) -> None:
        """Take a batch."""
        self.count += len(items)
        self.last.extend(items)

    def sink(self, library: Library) -> Any:
        """Give it as a sink of a library; the part of each worker writes here."""
        return sink_to(library, self.write_batch)
