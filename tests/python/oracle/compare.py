"""Compares random flows on Bytewax and on cppwax: `python -m tests.python.oracle.compare`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Hashable
from typing import Any

from .builder import run_flow
from .generator import FlowSpec, make_flow


def _by_key(items: list[Any]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for key, value in items:
        groups.setdefault(key, []).append(value)
    return groups


def _as_promised(spec: FlowSpec, stream: int, workers: int, items: list[Any]) -> Hashable:
    """Reduce what arrived to that of which the API promises something."""
    promise = spec.promises[stream]
    if promise.keyed and promise.ordered:
        return repr(sorted(_by_key(items).items()))
    if promise.whole_batches and workers == 1:
        return repr(items)
    return repr(sorted(Counter(map(repr, items)).items()))


def difference(seed: int, workers: int) -> str | None:
    """Run the flow of a seed on both libraries.

    Args:
        seed: Determines the flow.
        workers: How many worker threads.

    Returns:
        What differs, with the flow; None if nothing does.
    """
    spec = make_flow(seed, workers)
    theirs = run_flow("bytewax", spec, workers)
    ours = run_flow("cppwax", spec, workers)
    for sink in spec.sinks:
        expected = _as_promised(spec, sink, workers, theirs[sink])
        if _as_promised(spec, sink, workers, ours[sink]) != expected:
            steps = "\n".join(f"  {op}" for op in spec.ops)
            return (
                f"seed {seed} on {workers} worker(s): stream {sink} differs\n"
                f"  bytewax {theirs[sink]}\n  cppwax  {ours[sink]}\n"
                f"sources {spec.sources}\n{steps}\n"
                f"replay: python -m tests.python.oracle.compare "
                f"--first {seed} --seeds 1 --workers {workers}"
            )
    return None


def main() -> int:
    """Compare many seeds; print the differences.

    Returns:
        The exit code: 1 if anything differs.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--seeds", type=int, default=300, help="how many seeds")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 3])
    args = parser.parse_args()
    found = [
        text
        for workers in args.workers
        for seed in range(args.first, args.first + args.seeds)
        if (text := difference(seed, workers))
    ]
    print("\n\n".join(found))
    print(f"{args.seeds} seeds on {args.workers} workers: {len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
