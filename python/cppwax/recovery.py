"""State that survives a crash.

A recovery store is a folder with one or more files, the *recovery partitions*. Make it once, for
one flow::

    $ mkdir db
    $ python -m cppwax.recovery db 4

Then let runs use it, with `python -m cppwax.run -r db …`, or with a `RecoveryConfig` given to an
entry point of `cppwax.testing`. A run over a store goes on from the last epoch that the run before
it finished everywhere, with as many workers and processes as you like.

The number of partitions is how many files are written side by side; it cannot be changed later.
The files may lie in one folder or be spread over the folders of the processes. While a run is on,
each has files beside it (`-wal`, `.lock`); after a kill the `-wal` file belongs to the store: copy
or move both together. After a run that came to its end each partition is one file.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import timedelta
from pathlib import Path

__all__ = [
    "InconsistentPartitionsError",
    "MissingPartitionsError",
    "NoPartitionsError",
    "RecoveryConfig",
    "init_db_dir",
]


class InconsistentPartitionsError(ValueError):
    """Recovery partitions do not belong together, or one is older than the others can go back to.

    The latter comes of a partition that was put back from a copy while the others went on for
    longer than the backup interval.
    """


class NoPartitionsError(FileNotFoundError):
    """There is no recovery partition in the folders of any process."""


class MissingPartitionsError(FileNotFoundError):
    """Some partitions of a recovery store are in no folder of any process."""


class RecoveryConfig:
    """Where a flow keeps its state, and for how long what was replaced is kept.

    The folder is looked at when a flow is run.
    """

    __slots__ = ("_backup_interval", "_db_dir")

    def __init__(
        self, db_dir: str | os.PathLike[str], backup_interval: timedelta | None = None
    ) -> None:
        """Describe a recovery store.

        Args:
            db_dir: The folder of this process that holds recovery partitions.
            backup_interval: How long to keep replaced states, so that a partition that is put back
                from a copy no older than that still fits the others; `None` is not at all.

        Raises:
            TypeError: An argument is of the wrong type.
        """
        if not isinstance(db_dir, (str, os.PathLike)) or not isinstance(os.fspath(db_dir), str):
            raise TypeError(f"db_dir must be a `str` or a path, not {db_dir!r}")
        if backup_interval is not None and not isinstance(backup_interval, timedelta):
            raise TypeError(
                f"backup_interval must be a `datetime.timedelta` or None, not {backup_interval!r}"
            )
        self._db_dir = os.fspath(db_dir)
        self._backup_interval = timedelta(0) if backup_interval is None else backup_interval

    @property
    def db_dir(self) -> str:
        """The folder of this process that holds recovery partitions."""
        return self._db_dir

    @property
    def backup_interval(self) -> timedelta:
        """How long replaced states are kept."""
        return self._backup_interval

    def __repr__(self) -> str:
        """Show the arguments."""
        return f"RecoveryConfig({self._db_dir!r}, {self._backup_interval!r})"


def init_db_dir(db_dir: str | os.PathLike[str], count: int) -> None:
    """Make a recovery store: all of its partitions, or none.

    Where the folder is empty, it is closed to other users: who can write to a store can make the
    flow run anything.

    Args:
        db_dir: A folder that is there and has no recovery store.
        count: How many partitions to make.

    Raises:
        FileExistsError: There is a recovery store in the folder, or a log that one has left.
        FileNotFoundError: There is no such folder.
        NotADirectoryError: It is a file.
        RecoveryError: The partitions could not be written.
        TypeError: An argument is of the wrong type.
        ValueError: There is no such number of partitions.
    """
    if not isinstance(db_dir, (str, os.PathLike)):
        raise TypeError(f"db_dir must be a `str` or a path, not {db_dir!r}")
    if not isinstance(count, int):
        raise TypeError(f"the number of recovery partitions must be an `int`, not {count!r}")
    # Only this needs the engine: a configuration is plain data.
    from cppwax import _engine

    # What is out of all bounds is refused by the engine, which takes 64 bits.
    _engine.init_store(os.fsencode(db_dir), max(-1, min(count, 1 << 40)))


def _parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m cppwax.recovery",
        description="Make a recovery store: a set of empty recovery partitions.",
        epilog="The number of partitions cannot be changed later.",
    )
    parser.add_argument("db_dir", type=Path, help="a folder that is there, for the partitions")
    parser.add_argument("part_count", type=int, help="how many partitions to make")
    return parser.parse_args(arguments)


def _main(arguments: list[str]) -> int:
    from cppwax.errors import RecoveryError

    parsed = _parse_arguments(arguments)
    try:
        init_db_dir(parsed.db_dir, parsed.part_count)
    except (OSError, ValueError, RecoveryError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
