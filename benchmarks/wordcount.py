"""Counts the words of a generated text on several workers and processes, and checks the counts."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

import cppwax.operators as op
from benchmarks.processes import run_processes
from benchmarks.workload import Side
from cppwax.connectors.files import FileSource
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow, KeyedStream
from cppwax.testing import TestingSink, cluster_main, run_main

_LINES_A_BLOCK = 10_000


def write_text(path: Path, megabytes: int) -> None:
    """Write lines of about ten words from a vocabulary of 20,000, some much commoner."""
    rng = random.Random(1)
    words = [f"word{i}" for i in range(20_000)]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    with path.open("w", encoding="ascii") as file:
        while file.tell() < megabytes * 1_000_000:
            drawn = iter(rng.choices(words, weights, k=10 * _LINES_A_BLOCK))
            lines = (" ".join(ten) for ten in zip(*[drawn] * 10, strict=True))
            file.write("\n".join(lines) + "\n")


def _counted(flow: Dataflow, path: Path) -> KeyedStream[int]:
    lines = op.input("lines", flow, FileSource(path, batch_size=1000))
    return op.count_final("count", op.flat_map("words", lines, str.split), str)


def printing(path: str) -> Dataflow:
    """Count, and print each word with its count: what the processes of a cluster run."""
    flow = Dataflow("wordcount")
    text = op.map("text", _counted(flow, Path(path)), lambda item: f"{item[0]} {item[1]}")
    op.output("out", text, StdOutSink())
    return flow


def count_in_processes(path: Path, processes: int, workers: int) -> list[tuple[str, int]]:
    """Count with processes that are started for it; their start counts."""
    flow = f"benchmarks.wordcount:printing('{path}')"
    printed, _ = run_processes(Side("cppwax", "cppwax", workers, processes), flow)
    pairs = (line.split() for line in printed.splitlines())
    return [(word, int(count)) for word, count in pairs]


def count_words(path: Path, workers: int) -> list[tuple[str, int]]:
    """Count with a dataflow."""
    counts: list[tuple[str, int]] = []
    flow = Dataflow("wordcount")
    op.output("out", _counted(flow, path), TestingSink(counts))
    if workers == 1:
        run_main(flow)
    else:
        cluster_main(flow, [], 0, worker_count_per_proc=workers)
    return counts


def main() -> int:
    """Run all.

    Returns:
        The exit code: 1 if a count is wrong.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--process-workers", type=int, nargs="*", default=[1, 2])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        write_text(path, args.megabytes)
        began = time.perf_counter()
        expected: Counter[str] = Counter()
        with path.open(encoding="ascii") as file:
            for line in file:
                expected.update(line.split())
        loop = time.perf_counter() - began
        total = expected.total()
        print(f"{args.megabytes} MB, {total:,} words, {len(expected):,} different")
        print(f"collections.Counter: {loop:.1f} s, {loop / total * 1e9:.0f} ns a word")
        wrong = 0
        ways = [(f"-w{n}", partial(count_words, path, n)) for n in args.workers]
        ways += [
            (f"-p2 -w{n}", partial(count_in_processes, path, 2, n)) for n in args.process_workers
        ]
        for name, count in ways:
            began = time.perf_counter()
            counts = count()
            took = time.perf_counter() - began
            right = len(counts) == len(expected) and dict(counts) == expected
            wrong += not right
            print(
                f"{name}: {'right' if right else 'WRONG'}, {took:.1f} s, "
                f"{took / total * 1e9:.0f} ns a word, {took / loop:.2f} x Counter"
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
