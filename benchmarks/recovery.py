"""What does recovery cost?

Three questions: a keyed flow at a steady rate with epochs of a second, over the same flow without
a store; the time until a run over a stored state for each key goes on, cppwax and Bytewax (where
it is installed); and whether a store stays as large as what is live in it, when the same keys
change a thousand times and when keys come and are discarded. Each run is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.workload import BATCH, ROOT, environment

_STATE = "from cppwax._cli import main; main()"
#: A store may be so much larger in the second half of its epochs than in the first.
_FLAT = 1.25


@dataclass(frozen=True)
class Sizes:
    """How much is run."""

    keys: int
    seconds: int
    rate: int
    epochs: int
    rounds: int


def _run(question: str, *arguments: object) -> dict[str, Any]:
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


def _listed(store: Path) -> dict[str, Any]:
    command = [sys.executable, "-c", _STATE, "state", "list", str(store), "--json"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _keys_in(listed: dict[str, Any]) -> int:
    return sum(int(step["keys"]) for step in listed["steps"] if "sums" in step["step_id"])


def _with_noise(figures: list[float], form: str) -> str:
    low, middle, high = (format(f, form) for f in (min(figures), median(figures), max(figures)))
    return f"{middle} [{low}-{high}]"


def measure_snapshots(sizes: Sizes) -> None:
    """Run with a store and without, in turn."""
    items = sizes.rate * sizes.seconds // BATCH * BATCH
    took: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    nanoseconds = []
    for number in range(sizes.rounds):
        for stores in ((False, True), (True, False))[number % 2]:
            with tempfile.TemporaryDirectory(prefix="cppwax-bench-") as folder:
                store = Path(folder) / "db"
                store.mkdir()
                if stores:
                    subprocess.run(
                        [sys.executable, "-m", "cppwax.recovery", store, "1"],
                        env=environment(),
                        check=True,
                    )
                where = store if stores else ""
                ran = _run("snapshots", "cppwax", sizes.keys, items, sizes.rate, where)
                if stores:
                    listed = _listed(store)
                    if _keys_in(listed) != min(items, sizes.keys):
                        raise SystemExit("WRONG RESULT: keys are missing in the store")
                    dirty = listed["resume_epoch"] * min(items, sizes.keys)
                took[stores].append(ran)
        extra = took[True][-1]["cpu"] - took[False][-1]["cpu"]
        nanoseconds.append(extra / dirty * 1e9)
    pairs = zip(took[True], took[False], strict=True)
    ratios = [own["cpu"] / none["cpu"] for own, none in pairs]
    print(
        f"snapshots: {items:,} items at {sizes.rate:,} a second over {sizes.keys:,} keys, epochs "
        f"of 1 s, {sizes.rounds} rounds, all results right"
    )
    for stores, label in ((False, "without a store"), (True, "with a store")):
        cpu = _with_noise([ran["cpu"] for ran in took[stores]], ".2f")
        wall = median(ran["wall"] for ran in took[stores])
        print(f"  {label:16} {cpu} s of CPU, {wall:.1f} s")
    print(f"  ratio            {_with_noise(ratios, '.2f')} (must 1.5, should 1.15)")
    print(f"  a dirty key      {_with_noise(nanoseconds, '.0f')} ns (must 300)")


def measure_resume(sizes: Sizes) -> None:
    """Resume over a store of each library, in turn."""
    packages = [package for package in ("cppwax", "bytewax") if find_spec(package)]
    with tempfile.TemporaryDirectory(prefix="cppwax-bench-") as folder:
        stores = {package: Path(folder) / package for package in packages}
        for package, store in stores.items():
            store.mkdir()
            _run("fill", package, sizes.keys, 0, 0, store)
        took: dict[str, list[float]] = {package: [] for package in packages}
        for _ in range(sizes.rounds):
            for package, store in stores.items():
                ran = _run("resume", package, sizes.keys, 0, 0, store)
                took[package].append(ran["wall"])
    print(f"resume: {sizes.keys:,} keys, {sizes.rounds} rounds, all results right")
    for package, walls in took.items():
        each = median(walls) / sizes.keys * 1e9
        print(f"  {package:16} {_with_noise(walls, '.3f')} s, {each:.0f} ns a key")
    if "bytewax" in took:
        ratios = [b / c for b, c in zip(took["bytewax"], took["cppwax"], strict=True)]
        print(f"  Bytewax / cppwax {_with_noise(ratios, '.1f')} (must 8, should 40)")


def measure_sizes(sizes: Sizes) -> bool:
    """Look at a store's size while epochs go by; return whether it stays flat."""
    keys = max(1, min(sizes.keys, 20_000) // 10)
    found = {}
    for kind in ("same", "discard"):
        with tempfile.TemporaryDirectory(prefix="cppwax-bench-") as folder:
            store = Path(folder) / "db"
            store.mkdir()
            found[kind] = _run("sizes", "cppwax", keys, sizes.epochs, kind, store)
            left = _keys_in(_listed(store))
            if left != (keys if kind == "same" else 0):
                raise SystemExit(f"WRONG RESULT: {left} keys are left ({kind})")
    print(
        f"sizes: {sizes.epochs:,} epochs of {keys:,} keys, the same ones or ones that are "
        "discarded an epoch later; all results right, of those that are discarded 0 left; without "
        "the log of up to 4 MB"
    )
    print("  | epochs | same keys, KiB | discarded keys, KiB |")
    print("  |--------|----------------|---------------------|")
    columns = [found[kind]["sizes"] for kind in ("same", "discard")]
    for number, (same, discarded) in enumerate(zip(*columns, strict=True), 1):
        epoch = number * max(1, sizes.epochs // 10)
        print(f"  | {epoch:6} | {same // 1024:14} | {discarded // 1024:19} |")
    ends = [found[kind]["end"] // 1024 for kind in ("same", "discard")]
    print(f"  | end    | {ends[0]:14} | {ends[1]:19} |")
    flat = all(max(c[len(c) // 2 :]) <= _FLAT * max(c[: len(c) // 2]) for c in columns)
    print(f"  {'flat' if flat else 'NOT FLAT'}")
    return flat


def main() -> int:
    """Measure, as a command.

    Returns:
        The exit code: 1 if a store grew.
    """
    questions: dict[str, Callable[[Sizes], bool | None]] = {
        "snapshots": measure_snapshots,
        "resume": measure_resume,
        "sizes": measure_sizes,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", nargs="*", metavar="question", help=", ".join(questions))
    parser.add_argument("--keys", type=int, default=200_000, help="how many keys (200,000)")
    parser.add_argument("--seconds", type=int, default=30, help="of a steady run (30)")
    parser.add_argument("--rate", type=int, default=500_000, help="items a second (500,000)")
    parser.add_argument("--epochs", type=int, default=1000, help="whose sizes are shown (1,000)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (3)")
    args = parser.parse_args()
    if unknown := set(args.questions) - questions.keys():
        parser.error(f"no such question: {', '.join(sorted(unknown))}")
    sizes = Sizes(args.keys, args.seconds, args.rate, args.epochs, args.rounds)
    chosen = args.questions or list(questions)
    results = [questions[question](sizes) for question in chosen]
    return 1 if False in results else 0


if __name__ == "__main__":
    sys.exit(main())
