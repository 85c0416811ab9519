"""Stores that are refused: each with the file, the cause and the way out, and left as they were."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import cppwax.operators as op
from cppwax._stored_state import OpenStore, drop_states
from cppwax.dataflow import Dataflow
from cppwax.errors import RecoveryError
from cppwax.recovery import (
    InconsistentPartitionsError,
    MissingPartitionsError,
    NoPartitionsError,
    RecoveryConfig,
    init_db_dir,
)
from cppwax.testing import TestingSink, TestingSource, run_main

ITEMS: list[Any] = [(str(key), 1) for key in range(30)]


def add(total: int | None, value: int) -> tuple[int, int]:
    total = (total or 0) + value
    return total, total


def run(folder: Path, items: list[Any]) -> list[Any]:
    out: list[Any] = []
    flow = Dataflow("refused")
    stream = op.input("inp", flow, TestingSource(items, batch_size=10))
    op.output("out", op.stateful_map("sum", stream, add), TestingSink(out))
    run_main(flow, epoch_interval=timedelta(0), recovery_config=RecoveryConfig(folder))
    return out


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of three partitions that one run has used."""
    folder = tmp_path / "db"
    folder.mkdir()
    init_db_dir(folder, 3)
    run(folder, ITEMS)
    return folder


def remove_all(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def cut(folder: Path) -> None:
    path = folder / "part-1.sqlite3"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(folder: Path) -> None:
    (folder / "part-1.sqlite3").write_bytes(b"")


def alter(folder: Path) -> None:
    path = folder / "part-1.sqlite3"
    content = bytearray(path.read_bytes())
    # In the middle of the last page, where a block lies.
    at = content.rindex(b"\x80\x05")
    content[at + 2] ^= 1
    path.write_bytes(content)


def make_newer(folder: Path) -> None:
    with sqlite3.connect(folder / "part-1.sqlite3") as file:
        file.execute("PRAGMA user_version=99")
    file.close()


def make_foreign(folder: Path) -> None:
    (folder / "part-1.sqlite3").unlink()
    with sqlite3.connect(folder / "part-1.sqlite3") as file:
        file.execute("CREATE TABLE parts (created_at TEXT)")
    file.close()


def mix(folder: Path) -> None:
    other = folder.with_name("other")
    other.mkdir()
    init_db_dir(other, 3)
    shutil.copy(other / "part-1.sqlite3", folder / "part-1.sqlite3")


def mix_counts(folder: Path) -> None:
    other = folder.with_name("other")
    other.mkdir()
    init_db_dir(other, 2)
    shutil.copy(other / "part-1.sqlite3", folder / "part-1.sqlite3")


def copy_twice(folder: Path) -> None:
    shutil.copy(folder / "part-1.sqlite3", folder / "part-01.sqlite3")


def link(folder: Path) -> None:
    (folder / "part-1.sqlite3").rename(folder.with_name("elsewhere"))
    (folder / "part-1.sqlite3").symlink_to(folder.with_name("elsewhere"))


def open_to_others(folder: Path) -> None:
    (folder / "part-1.sqlite3").chmod(0o666)


Harm = Callable[[Path], Any]
REFUSALS: dict[str, tuple[Harm, type[Exception], str]] = {
    "no folder": (shutil.rmtree, FileNotFoundError, "make it with `mkdir`"),
    "no partitions": (remove_all, NoPartitionsError, "make a store with"),
    "one missing": (
        lambda folder: (folder / "part-1.sqlite3").unlink(),
        MissingPartitionsError,
        "nowhere: 1.*Put the missing files back",
    ),
    "of two stores": (mix, InconsistentPartitionsError, "part-1.sqlite3.*leave those of one"),
    "of two sizes": (mix_counts, ValueError, "part-1.sqlite3.*leave those of one store"),
    "one twice": (copy_twice, InconsistentPartitionsError, "move the older copy away"),
    "a link": (link, RecoveryError, "part-1.sqlite3 is no plain file; name the folder"),
    "cut off": (cut, RecoveryError, "part-1.sqlite3.* damaged.*put back a copy"),
    "empty": (empty, RecoveryError, "part-1.sqlite3 is no recovery partition.*move it away"),
    "altered": (alter, RecoveryError, "part-1.sqlite3 is damaged.*put back a copy"),
    "newer": (make_newer, RecoveryError, "part-1.sqlite3.*a newer cppwax.*install the newer"),
    "of Bytewax": (make_foreign, RecoveryError, "part-1.sqlite3 is no .*Bytewax.*make a new store"),
    "open to others": (open_to_others, RecoveryError, "part-1.sqlite3.*`chmod go-w"),
}

USES: dict[str, Callable[[Path], Any]] = {
    "run": lambda folder: run(folder, [*ITEMS, ("a", 1)]),
    "read": lambda folder: OpenStore([folder]),
    "drop": lambda folder: drop_states([folder], "refused.inp"),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("case", REFUSALS)
def test_a_store_is_refused_and_left_alone(store: Path, case: str, use: str) -> None:
    harm, error, words = REFUSALS[case]
    harm(store)
    before = bytes_in(store)
    with pytest.raises(error, match=words):
        USES[use](store)
    assert bytes_in(store) == before
