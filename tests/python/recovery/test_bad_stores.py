"""What a run over a store meets that somebody, or the disk, has done harm to."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import cppwax.operators as op
from cppwax.connectors.files import FileSink, FileSource
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError, RecoveryError
from cppwax.recovery import InconsistentPartitionsError, RecoveryConfig, init_db_dir
from cppwax.testing import TestingSink, TestingSource, run_main
from tests.python.recovery.support import run_that_waits

KEYS = 7
PARTITIONS = 2


def add(total: int | None, value: int) -> tuple[int, int]:
    total = (total or 0) + value
    return total, total


def sums_of(lines: Any) -> Any:
    keyed = op.key_on("key", lines, lambda line: str(int(line) % KEYS))
    sums = op.stateful_map("sum", op.map_value("number", keyed, int), add)
    return op.map("text", sums, lambda pair: (pair[0], f"{pair[0]} {pair[1]}"))


def file_flow(folder: Path) -> Dataflow:
    flow = Dataflow("files")
    lines = op.input("inp", flow, FileSource(folder / "in.txt", batch_size=4))
    op.output("out", sums_of(lines), FileSink(folder / "out.txt"))
    return flow


def run(flow: Dataflow, folder: Path, backup: timedelta | None = None) -> None:
    config = RecoveryConfig(folder / "db", backup)
    run_main(flow, epoch_interval=timedelta(0), recovery_config=config)


def expected(count: int) -> list[str]:
    totals: dict[int, int] = {}
    rows = []
    for number in range(count):
        key = number % KEYS
        totals[key] = totals.get(key, 0) + number
        rows.append(f"{key} {totals[key]}")
    return sorted(rows)


def rows(folder: Path) -> list[str]:
    return sorted((folder / "out.txt").read_text().split("\n")[:-1])


def write_lines(folder: Path, count: int) -> None:
    (folder / "in.txt").write_text("".join(f"{number}\n" for number in range(count)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an input file and a new store."""
    write_lines(tmp_path, 60)
    (tmp_path / "db").mkdir()
    init_db_dir(tmp_path / "db", PARTITIONS)
    return tmp_path


KILLED = """
import os
from pathlib import Path

import cppwax.operators as op
from tests.python.recovery.test_bad_stores import FileSink, FileSource, Dataflow, run, sums_of

def die_at_50(line):
    if line == "50":
        os.kill(os.getpid(), 9)
    return line

folder = Path.cwd()
flow = Dataflow("files")
lines = op.input("inp", flow, FileSource(folder / "in.txt", batch_size=4))
op.output("out", sums_of(op.map("die", lines, die_at_50)), FileSink(folder / "out.txt"))
run(flow, folder)
"""


def kill_a_run(folder: Path) -> None:
    """Leave a store with its log, behind several epochs."""
    root = Path(__file__).resolve().parents[3]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", KILLED]
    killed = subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": path}, timeout=60)
    assert killed.returncode == -9
    assert (folder / "db" / "part-0.sqlite3-wal").exists()


def damages(chance: random.Random, size: int) -> Iterator[tuple[str, int]]:
    for _ in range(30):
        yield "flip", chance.randrange(size * 8)
    for _ in range(30):
        yield "cut", chance.randrange(size)


@pytest.mark.parametrize("killed", [False, True], ids=["ended", "killed"])
def test_damage_is_refused_or_harmless(folder: Path, killed: bool) -> None:
    if killed:
        kill_a_run(folder)
    else:
        run(file_flow(folder), folder)
    whole = {path: path.read_bytes() for path in (folder / "db").iterdir()}
    written = (folder / "out.txt").read_bytes()
    write_lines(folder, 80)
    outcomes = {"refused": 0, "harmless": 0}
    for target in sorted(path for path in whole if not path.name.endswith(".lock")):
        for kind, at in damages(random.Random(target.name), len(whole[target])):
            for path in (folder / "db").iterdir():
                path.unlink()
            for path, content in whole.items():
                path.write_bytes(content)
                path.chmod(0o600)
            (folder / "out.txt").write_bytes(written)
            damaged = bytearray(whole[target])
            if kind == "flip":
                damaged[at // 8] ^= 1 << at % 8
            else:
                del damaged[at:]
            target.write_bytes(damaged)
            try:
                run(file_flow(folder), folder)
            except (RecoveryError, ValueError) as ex:
                assert target.name.removesuffix("-wal") in str(ex), (kind, at)
                outcomes["refused"] += 1
            else:
                assert rows(folder) == expected(80), (target.name, kind, at)
                outcomes["harmless"] += 1
    assert outcomes["refused"] > 0
    assert outcomes["harmless"] > 0


def test_a_file_of_an_older_backup_is_refused(folder: Path) -> None:
    run(file_flow(folder), folder)
    old = folder / "db" / "part-1.sqlite3"
    copy = shutil.copy2(old, folder / "copy")
    # So many epochs that what was replaced has been collected.
    write_lines(folder, 600)
    run(file_flow(folder), folder)
    fresh = old.read_bytes()
    shutil.copy2(copy, old)
    with pytest.raises(InconsistentPartitionsError, match="partition 1 .* is too old"):
        run(file_flow(folder), folder)
    assert old.read_bytes() == Path(copy).read_bytes()
    old.write_bytes(fresh)
    write_lines(folder, 620)
    run(file_flow(folder), folder)
    assert rows(folder) == expected(620)


def test_a_file_of_an_older_backup_within_the_interval_is_gone_back_to(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    backup = timedelta(days=1)
    run(file_flow(folder), folder, backup)
    old = folder / "db" / "part-1.sqlite3"
    copy = shutil.copy2(old, folder / "copy")
    for count in (80, 100):
        write_lines(folder, count)
        run(file_flow(folder), folder, backup)
    shutil.copy2(copy, old)
    capfd.readouterr()
    run(file_flow(folder), folder, backup)
    assert "partition 1" in capfd.readouterr().err
    assert rows(folder) == expected(100)


def logs_in(folder: Path) -> list[Path]:
    return sorted((folder / "db").glob("*-wal"))


def test_a_copy_is_not_mixed_with_the_log_of_a_later_run(folder: Path) -> None:
    write_lines(folder, 30)
    run(file_flow(folder), folder)
    shutil.copytree(folder / "db", folder / "copy")
    write_lines(folder, 60)
    kill_a_run(folder)
    shutil.copytree(folder / "copy", folder / "db", dirs_exist_ok=True)
    for log in logs_in(folder):
        with pytest.raises(InconsistentPartitionsError, match=rf"{log} beside it is left over"):
            run(file_flow(folder), folder)
        log.unlink()
    assert rows(folder) != expected(30)
    run(file_flow(folder), folder)
    assert rows(folder) == expected(60)


def test_a_new_store_is_not_mixed_with_the_log_of_the_old_one(folder: Path) -> None:
    kill_a_run(folder)
    for path in (folder / "db").glob("part-*.sqlite3"):
        path.unlink()
    for log in logs_in(folder):
        with pytest.raises(FileExistsError, match=f"{log} is left over from an earlier store"):
            init_db_dir(folder / "db", PARTITIONS)
        log.unlink()
    init_db_dir(folder / "db", PARTITIONS)
    run(file_flow(folder), folder)
    assert rows(folder) == expected(60)


def test_a_second_run_is_refused(folder: Path) -> None:
    def flow_with(wait: Callable[[str], str]) -> Dataflow:
        flow = Dataflow("files")
        lines = op.map("wait", op.input("inp", flow, FileSource(folder / "in.txt")), wait)
        op.output("out", sums_of(lines), FileSink(folder / "out.txt"))
        return flow

    with (
        run_that_waits(flow_with, folder / "db"),
        pytest.raises(RecoveryError, match=r"part-0.sqlite3 is in use .*one run at a time"),
    ):
        run(file_flow(folder), folder)
    assert rows(folder) == expected(60)


def test_an_output_file_that_was_cut_is_refused(folder: Path) -> None:
    run(file_flow(folder), folder)
    out = folder / "out.txt"
    out.write_bytes(out.read_bytes()[:10])
    with pytest.raises(CppwaxRuntimeError, match=r"files\.out") as caught:
        run(file_flow(folder), folder)
    assert "out.txt' has 10 bytes, but writing is to resume" in str(caught.value.__cause__)
    assert len(out.read_bytes()) == 10


def test_an_input_file_that_was_cut_is_refused(folder: Path) -> None:
    run(file_flow(folder), folder)
    (folder / "in.txt").write_text("0\n1\n")
    with pytest.raises(CppwaxRuntimeError, match=r"files\.inp") as caught:
        run(file_flow(folder), folder)
    assert "in.txt' has 4 bytes, but reading is to resume" in str(caught.value.__cause__)


class Moved:
    """A class of states."""

    def __init__(self, number: int) -> None:
        self.number = number


def test_a_class_that_moved_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flow() -> Dataflow:
        built = Dataflow("moved")
        items = op.input("inp", built, TestingSource([("key", 1)]))
        keep = op.stateful_map("keep", items, lambda _state, value: (Moved(value), value))
        op.output("out", keep, TestingSink([]))
        return built

    run(flow(), folder)
    with monkeypatch.context() as patch:
        patch.delattr(sys.modules[__name__], "Moved")
        with pytest.raises(CppwaxRuntimeError, match="stored state of key 'key'") as caught:
            run(flow(), folder)
    assert "moved.keep" in str(caught.value)
    assert isinstance(caught.value.__cause__, AttributeError)
    run(flow(), folder)


@pytest.mark.parametrize("key", ["", "\x00", "\ud800", "ä" * 1000, "a'b\"c"])
def test_keys_of_any_kind_come_back(folder: Path, key: str) -> None:
    out: list[Any] = []
    for _ in range(2):
        flow = Dataflow("keys")
        items = [(key, 1), TestingSource.EOF(), (key, 2)]
        stream = op.stateful_map("sum", op.input("inp", flow, TestingSource(items)), add)
        op.output("out", stream, TestingSink(out))
        run(flow, folder)
    assert out == [(key, 1), (key, 3)]


def test_a_full_and_a_read_only_disk_are_named_and_lose_nothing(tmp_path: Path) -> None:
    if os.getuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a disk of its own needs root and the command unshare")
    if subprocess.run(["unshare", "-m", "true"]).returncode != 0:
        pytest.skip("no mount namespaces here")
    program = [sys.executable, "-m", "tests.python.recovery.full_disk", str(tmp_path)]
    done = subprocess.run(
        ["unshare", "-m", *program],
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split("\n")[:-1] == [
        "full amid a checkpoint",
        "full",
        "room again",
        "read-only",
    ], done.stderr
