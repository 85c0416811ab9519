"""`cppwax.recovery`: the configuration, and how a store is made."""

from __future__ import annotations

import inspect
import os
import pickle
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import cppwax.recovery as recovery
from cppwax.errors import RecoveryError
from cppwax.recovery import RecoveryConfig, init_db_dir


def _files(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def test_names_signatures_and_bases_are_those_of_bytewax() -> None:
    assert sorted(recovery.__all__) == [
        "InconsistentPartitionsError",
        "MissingPartitionsError",
        "NoPartitionsError",
        "RecoveryConfig",
        "init_db_dir",
    ]
    config = inspect.signature(RecoveryConfig).parameters.values()
    empty = inspect.Parameter.empty
    assert [(p.name, p.default) for p in config] == [("db_dir", empty), ("backup_interval", None)]
    assert list(inspect.signature(init_db_dir).parameters) == ["db_dir", "count"]
    assert recovery.InconsistentPartitionsError.__bases__ == (ValueError,)
    assert recovery.MissingPartitionsError.__bases__ == (FileNotFoundError,)
    assert recovery.NoPartitionsError.__bases__ == (FileNotFoundError,)


def test_config_keeps_what_it_is_given() -> None:
    config = RecoveryConfig("db", timedelta(hours=1))
    assert (config.db_dir, config.backup_interval) == ("db", timedelta(hours=1))
    assert repr(config) == "RecoveryConfig('db', datetime.timedelta(seconds=3600))"


def test_config_takes_paths_and_has_a_default(tmp_path: Path) -> None:
    config = RecoveryConfig(tmp_path / "not there")
    assert config.db_dir == str(tmp_path / "not there")
    assert config.backup_interval == timedelta(0)
    assert RecoveryConfig("db", None).backup_interval == timedelta(0)


@pytest.mark.parametrize("name", ["db_dir", "backup_interval"])
def test_config_cannot_be_changed(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(RecoveryConfig("db"), name, "other")


@pytest.mark.parametrize("arguments", [(3,), (None,), (b"db",), ("db", 3), ("db", "1 h")])
def test_config_checks_types(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="must be a"):
        RecoveryConfig(*arguments)


def test_store_has_one_file_a_partition(tmp_path: Path) -> None:
    folder = tmp_path / "db"
    folder.mkdir(mode=0o755)
    init_db_dir(folder, 3)
    assert _files(folder) == ["part-0.sqlite3", "part-1.sqlite3", "part-2.sqlite3"]
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in _files(folder):
        assert (folder / name).stat().st_mode & 0o777 == 0o600
        assert (folder / name).read_bytes().startswith(b"SQLite format 3\0")


def test_store_may_lie_at_any_path(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/\xff %41?\n"
    os.mkdir(folder)
    init_db_dir(os.fsdecode(folder), 1)
    assert os.listdir(folder) == [b"part-0.sqlite3"]
    with pytest.raises(FileExistsError, match="there is a recovery store already"):
        init_db_dir(os.fsdecode(folder), 1)


def test_umask_does_not_open_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        init_db_dir(tmp_path, 1)
    finally:
        os.umask(before)
    assert (tmp_path / "part-0.sqlite3").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("count", [0, -1, -(10**30), 10_001, 10**30])
def test_number_of_partitions_is_checked(tmp_path: Path, count: int) -> None:
    with pytest.raises(ValueError, match="number of recovery partitions must be 1 to 10000"):
        init_db_dir(tmp_path, count)
    assert _files(tmp_path) == []


@pytest.mark.parametrize("arguments", [("db", "1"), ("db", 1.0), (3, 1), (b"db", 1), (None, 1)])
def test_types_are_checked(arguments: tuple[Any, Any]) -> None:
    with pytest.raises(TypeError):
        init_db_dir(*arguments)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="mkdir") as caught:
        init_db_dir(tmp_path / "none", 1)
    assert type(caught.value) is FileNotFoundError
    assert str(tmp_path / "none") in str(caught.value)


def test_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(NotADirectoryError, match="file' is no folder"):
        init_db_dir(tmp_path / "file", 1)


def test_existing_store_stays_as_it_is(tmp_path: Path) -> None:
    init_db_dir(tmp_path, 2)
    before = {name: (tmp_path / name).read_bytes() for name in _files(tmp_path)}
    with pytest.raises(FileExistsError, match=r"part-0\.sqlite3"):
        init_db_dir(tmp_path, 2)
    assert {name: (tmp_path / name).read_bytes() for name in _files(tmp_path)} == before


def test_folder_that_others_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    tmp_path.chmod(0o777)
    with pytest.raises(RecoveryError, match="chmod go-w"):
        init_db_dir(tmp_path, 1)
    assert _files(tmp_path) == ["something"]


def test_exceptions_can_be_pickled() -> None:
    for error in (recovery.NoPartitionsError("a"), recovery.InconsistentPartitionsError("b")):
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), copy.args) == (type(error), error.args)


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cppwax.recovery", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)


def test_command_makes_a_store(tmp_path: Path) -> None:
    done = _command(str(tmp_path), "2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert _files(tmp_path) == ["part-0.sqlite3", "part-1.sqlite3"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("{}/none", "1"), 1, "cannot be opened"),
        (("{}", "0"), 1, "must be 1 to 10000"),
        (("{}", "some"), 2, "invalid int value"),
        (("{}",), 2, "part_count"),
    ],
)
def test_command_says_what_is_wrong(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = _command(*(argument.format(tmp_path) for argument in arguments))
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert _files(tmp_path) == []
