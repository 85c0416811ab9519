"""Counts the words of a generated text on several numbers of workers, and checks the counts."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cppwax.operators as op
from cppwax.connectors.files import FileSource
from cppwax.dataflow import Dataflow
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


def count_words(path: Path, workers: int) -> list[tuple[str, int]]:
    """Count with a dataflow."""
    counts: list[tuple[str, int]] = []
    flow = Dataflow("wordcount")
    lines = op.input("lines", flow, FileSource(path, batch_size=1000))
    words = op.flat_map("words", lines, str.split)
    op.output("out", op.count_final("count", words, str), TestingSink(counts))
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
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
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
        for workers in args.workers:
            began = time.perf_counter()
            counts = count_words(path, workers)
            took = time.perf_counter() - began
            right = len(counts) == len(expected) and dict(counts) == expected
            wrong += not right
            print(
                f"-w{workers}: {'right' if right else 'WRONG'}, {took:.1f} s, "
                f"{took / total * 1e9:.0f} ns a word, {took / loop:.2f} x Counter"
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
