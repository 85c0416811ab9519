"""Does a recovery store stay as large as what is live in it?

The same keys change in each of a thousand epochs, and keys come and are discarded an epoch later.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.stores import keys_in, listed, run

#: A store may be so much larger in the second half of its epochs than in the first.
_FLAT = 1.25


def measure(keys: int, epochs: int) -> bool:
    """Look at a store's size while epochs go by; return whether it stays flat."""
    found = {}
    for kind in ("same", "discard"):
        with tempfile.TemporaryDirectory(prefix="cppwax-bench-") as folder:
            store = Path(folder) / "db"
            store.mkdir()
            found[kind] = run("sizes", "cppwax", keys, epochs, kind, store)
            left = keys_in(listed(store))
            if left != (keys if kind == "same" else 0):
                raise SystemExit(f"WRONG RESULT: {left} keys are left ({kind})")
    print(
        f"sizes: {epochs:,} epochs of {keys:,} keys, the same ones or ones that are "
        "discarded an epoch later; all results right, of those that are discarded 0 left; without "
        "the log of up to 4 MB"
    )
    print("  | epochs | same keys, KiB | discarded keys, KiB |")
    print("  |--------|----------------|---------------------|")
    columns = [found[kind]["sizes"] for kind in ("same", "discard")]
    for number, (same, discarded) in enumerate(zip(*columns, strict=True), 1):
        epoch = number * max(1, epochs // 10)
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=2_000, help="of each epoch (2,000)")
    parser.add_argument("--epochs", type=int, default=1000, help="how many (1,000)")
    args = parser.parse_args()
    return 0 if measure(args.keys, args.epochs) else 1


if __name__ == "__main__":
    sys.exit(main())
