"""A program for a mount namespace of its own: disks that are full, have room again, are read-only.

Prints a line for each thing that was as it should be.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cppwax.operators as op
from cppwax._stored_state import OpenStore
from cppwax.dataflow import Dataflow
from cppwax.errors import RecoveryError
from cppwax.recovery import init_db_dir
from cppwax.testing import TestingSink, TestingSource
from tests.python.recovery.test_bad_stores import expected, file_flow, rows, run, write_lines

LINES = 400


def refusal(folder: Path) -> str:
    """Run, and return what the run is refused for."""
    try:
        run(file_flow(folder), folder)
    except RecoveryError as ex:
        return str(ex)
    return "nothing"


def store_on_a_small_disk(folder: Path) -> Path:
    """Make a store of one partition on a new disk of 6 MB, and return where it is."""
    db = folder / "db"
    db.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "tmpfs", db], check=True)
    init_db_dir(db, 1)
    return db


def full_amid_a_checkpoint(folder: Path) -> None:
    """Fill the disk with large states: the log still has room where the file has none."""
    db = store_on_a_small_disk(folder)
    items: list[Any] = [(str(number), number) for number in range(150)]

    def keep_large(_state: bytes | None, value: int) -> tuple[bytes, int]:
        return os.urandom(60_000), value

    def run_large() -> int:
        out: list[Any] = []
        flow = Dataflow("large")
        stream = op.input("inp", flow, TestingSource(items))
        op.output("out", op.stateful_map("keep", stream, keep_large), TestingSink(out))
        run(flow, folder)
        return len(out)

    try:
        run_large()
    except RecoveryError as ex:
        assert "no space left" in str(ex), str(ex)
    with (db / "part-0.sqlite3").open("rb") as file:
        header = file.read(32)
    pages = int.from_bytes(header[28:32], "big")
    assert pages * 16384 > (db / "part-0.sqlite3").stat().st_size, "the case has not come"
    with OpenStore([db]) as store:
        assert store.read().flow_id == "large"
    subprocess.run(["mount", "-o", "remount,size=60m", db], check=True)
    assert run_large() < len(items)
    with OpenStore([db]) as store:
        kept = {step.step_id: step.keys for step in store.read().steps}
    assert len(items) in kept.values(), kept
    print("full amid a checkpoint")


def main(folder: Path) -> None:
    """Be the program."""
    full_amid_a_checkpoint(folder / "large")
    db = store_on_a_small_disk(folder)
    write_lines(folder, LINES)
    free = os.statvfs(db)
    ballast = db / "ballast"
    # Enough for the log's first pages.
    ballast.write_bytes(bytes(free.f_bavail * free.f_frsize - 256 * 1024))
    text = refusal(folder)
    assert "part-0.sqlite3" in text, text
    assert "no space left" in text, text
    assert len(rows(folder)) < LINES
    print("full")
    ballast.unlink()
    run(file_flow(folder), folder)
    assert rows(folder) == expected(LINES)
    print("room again")

    subprocess.run(["mount", "-o", "remount,ro", db], check=True)
    write_lines(folder, LINES + 1)
    text = refusal(folder)
    assert "part-0.sqlite3" in text, text
    assert "needs to write to the folder" in text, text
    assert rows(folder) == expected(LINES)
    with OpenStore([db]) as store:
        assert store.read().flow_id == "files"
    print("read-only")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
