"""A program for a mount namespace of its own: a disk that is full, has room again, is read-only.

Prints a line for each thing that was as it should be.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cppwax._stored_state import OpenStore
from cppwax.errors import RecoveryError
from cppwax.recovery import init_db_dir
from tests.python.recovery.test_bad_stores import expected, file_flow, rows, run, write_lines

LINES = 400


def refusal(folder: Path) -> str:
    """Run, and return what the run is refused for."""
    try:
        run(file_flow(folder), folder)
    except RecoveryError as ex:
        return str(ex)
    return "nothing"


def main(folder: Path) -> None:
    """Be the program."""
    db = folder / "db"
    db.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "tmpfs", db], check=True)
    init_db_dir(db, 1)
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
