"""Tries the installed cppwax with nothing of the checkout: what a user does in the first minutes.

Runs a flow on threads, on processes that talk over TLS, and twice on one recovery store; draws it.
Needs the interpreter and the package alone: `python scripts/try_installed.py`.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

FLOW = """
import cppwax.operators as op
from cppwax.connectors.stdio import StdOutSink
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource

flow = Dataflow("counting")
words = op.input("words", flow, TestingSource(["one", "two", "two", TestingSource.EOF(), "one"]))
keyed = op.key_on("key", words, lambda word: word)
counts = op.stateful_map("count", keyed, lambda count, _: ((count or 0) + 1,) * 2)
op.output("out", op.map("text", counts, lambda pair: "%s %d" % pair), StdOutSink())
"""
UNTIL_EOF = ["one 1", "two 1", "two 2"]
COMMANDS: list[tuple[list[str], list[str]]] = [
    (["cppwax.run", "counting:flow"], UNTIL_EOF),
    (["cppwax.run", "counting:flow", "-w", "2"], UNTIL_EOF),
    # Their launcher gives them a secret, so they talk over TLS.
    (["cppwax.run", "counting:flow", "-p", "2", "-w", "2"], UNTIL_EOF),
    (["cppwax.recovery", "store", "2"], []),
    (["cppwax.run", "counting:flow", "-r", "store", "-w", "2"], UNTIL_EOF),
    (["cppwax.run", "counting:flow", "-r", "store", "-p", "2"], ["one 2"]),
]


def output_of(arguments: list[str], folder: str) -> str:
    """Return what a module prints that is run as a command in the folder."""
    ended = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True, timeout=300
    )
    if ended.returncode:
        raise SystemExit(f"python -m {' '.join(arguments)} failed:\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def main() -> None:
    """Run the commands in a folder of their own; end with an error at the first surprise."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "counting.py").write_text(FLOW)
        Path(folder, "store").mkdir()
        for arguments, expected in COMMANDS:
            printed = output_of(arguments, folder)
            # Workers print in any order.
            if expected and sorted(printed.splitlines()) != expected:
                raise SystemExit(f"python -m {' '.join(arguments)} printed:\n{printed}")
            print(f"python -m {' '.join(arguments)}: as expected", flush=True)
        if "stateful_map" not in output_of(["cppwax.visualize", "counting:flow"], folder):
            raise SystemExit("python -m cppwax.visualize draws no step of the flow")
        print("python -m cppwax.visualize counting:flow: as expected")


if __name__ == "__main__":
    main()
