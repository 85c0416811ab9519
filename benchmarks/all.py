"""Measures all pieces one after the other, and writes docs/performance.md from what they give.

    .venv/bin/python -m benchmarks.all                       # all but kafka; some hours
    .venv/bin/python -m benchmarks.all table --seconds 1     # one; the document has them all
    .venv/bin/python -m benchmarks.all --quick               # into build/benchmarks

Each piece is one run, whose sides are interleaved, and a file of results.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.document import DOCUMENT, RESULTS
from benchmarks.workload import ROOT

#: The commands of the pieces.
PIECES = {
    "table": "benchmarks",
    "nexmark": "benchmarks.nexmark",
    "growth": "benchmarks.growth",
    "onebrc": "benchmarks.onebrc",
    "latency": "benchmarks.latency",
    "kafka": "benchmarks.kafka",
}
#: Those whose runs last as long as is asked for.
_TIMED = ("table", "nexmark")
#: Left out unless named: starts a broker, which must have been fetched.
_ASKED_FOR = ("kafka",)
_QUICK = ROOT / "build" / "benchmarks"


def main() -> int:
    """Measure, as a command.

    Returns:
        The exit code: 1 if a piece failed or gave a wrong result; the others are measured all the
        same.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pieces", nargs="*", metavar="piece", help=", ".join(PIECES))
    parser.add_argument("--quick", action="store_true", help="a rough idea, into build/benchmarks")
    parser.add_argument("--rounds", type=int, help="of all pieces; each has a number of its own")
    parser.add_argument("--seconds", type=float, help=f"of the runs of {' and '.join(_TIMED)}")
    parser.add_argument("--no-document", action="store_true", help="only measure")
    args = parser.parse_args()
    if unknown := set(args.pieces) - PIECES.keys():
        parser.error(f"no such piece: {', '.join(sorted(unknown))}; there are {', '.join(PIECES)}")
    results = _QUICK / "results" if args.quick else RESULTS
    failed = []
    for piece in args.pieces or [piece for piece in PIECES if piece not in _ASKED_FOR]:
        command = [PIECES[piece], "--json", str(results / f"{piece}.json")]
        command += ["--quick"] if args.quick else []
        command += ["--rounds", str(args.rounds)] if args.rounds else []
        command += ["--seconds", str(args.seconds)] if args.seconds and piece in _TIMED else []
        if _run(command):
            failed.append(piece)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    if args.no_document:
        return bool(failed)
    into: Path = _QUICK / DOCUMENT.name if args.quick else DOCUMENT
    files = sorted(map(str, results.glob("*.json")))
    return _run(["benchmarks.document", "--into", str(into), *files]) or bool(failed)


def _run(command: list[str]) -> int:
    print(f"\n== {' '.join(command)}", flush=True)
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
