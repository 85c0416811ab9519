"""What the command line says and returns where nothing is run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cppwax import run
from cppwax.dataflow import Dataflow

COMMANDS = {
    "module": ["-m", "cppwax.run"],
    "script": ["-c", "from cppwax._cli import main; main()", "run"],
}

# Its import is seen in the output.
MODULE = """
from cppwax.dataflow import Dataflow
print("imported")
flow = Dataflow("flow")

def get_flow(count):
    raise ValueError(f"no flow of {count}")
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mod.py").write_text(MODULE)
    (tmp_path / "broken.py").write_text("raise KeyError('boom')\n")
    (tmp_path / "ends.py").write_text("raise SystemExit(7)\n")
    (tmp_path / "stops.py").write_text("raise KeyboardInterrupt\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def cppwax(*args: str, command: str = "module", **env: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("CPPWAX_")}
    return subprocess.run(
        [sys.executable, *COMMANDS[command], *args],
        env=inherited | env,
        capture_output=True,
        text=True,
        timeout=60,
    )


def assert_usage_error(ended: subprocess.CompletedProcess[str], *said: str) -> None:
    assert ended.returncode == 2, ended.stderr
    for part in said:
        assert part in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["-w0"], ["'-w' / '--workers-per-process'", "0 is too few", "give 1 or more"]),
        (["-w", "-1"], ["'--workers-per-process'", "-1 is too few", "give 1 or more"]),
        (["-w", "abc"], ["'--workers-per-process'", "'abc' is not a whole number"]),
        (["-w", "1.5"], ["'--workers-per-process'", "'1.5' is not a whole number"]),
        (["-w", "100000"], ["'--workers-per-process'", "100000 is too many", "give at most"]),
        (["-s", "-5"], ["'-s' / '--snapshot-interval'", "'-5'", "give seconds from 0 on"]),
    ],
)
def test_wrong_options_end_before_anything_is_imported(
    command: str, args: list[str], said: list[str]
) -> None:
    assert_usage_error(cppwax("mod", *args, command=command), *said)


@pytest.mark.parametrize("value", ["nan", "inf", "1e300", "1h", "-0.1"])
def test_lengths_of_time_are_checked(value: str) -> None:
    for option in ("--snapshot-interval", "--stop-timeout"):
        assert_usage_error(cppwax("mod", option, value), option, repr(value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CPPWAX_WORKERS_PER_PROCESS", "0"),
        ("CPPWAX_SNAPSHOT_INTERVAL", "x"),
        ("CPPWAX_STOP_TIMEOUT", "-1"),
    ],
)
def test_variables_are_checked_and_named(name: str, value: str) -> None:
    assert_usage_error(cppwax("mod", **{name: value}), name, value)


def test_the_variable_of_the_log_level_is_checked() -> None:
    assert_usage_error(cppwax("mod", CPPWAX_LOG_LEVEL="loud"), "--log-level", "'loud'")


def test_options_go_before_variables() -> None:
    ended = cppwax("nod", "-w", "1", CPPWAX_WORKERS_PER_PROCESS="0")
    assert_usage_error(ended, "no module 'nod'")


@pytest.mark.parametrize("processes", ["-p1", "-p2"])
def test_a_variable_may_be_for_other_runs(processes: str) -> None:
    ended = cppwax("nod", processes, CPPWAX_RECOVERY_BACKUP_INTERVAL="5")
    assert_usage_error(ended, "no module 'nod'")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "Missing argument 'IMPORT_STR'"),
        (["mod", "more"], "unexpected extra argument"),
        (["mod", "--workers", "1"], "No such option"),
        (["mod", "--log-level", "loud"], "'loud' is not one of"),
        (["mod", "--log-format", "xml"], "'xml' is not one of"),
        (["mod", "-b", "5"], "--backup-interval is for a recovery store: name one with -r"),
        (["mod", "--drop-state"], "--drop-state is for a recovery store: name one with -r"),
        (["nod"], "Invalid value for IMPORT_STR: no module 'nod'; did you mean 'mod'?"),
        (["mod:make("], "Invalid value for IMPORT_STR: cannot understand 'make('"),
    ],
)
def test_what_cannot_be_understood_is_a_usage_error(args: list[str], said: str) -> None:
    assert_usage_error(cppwax(*args), said, "--help")


@pytest.mark.parametrize("name", ["flwo", "get_flow"])
def test_nothing_is_run_where_no_dataflow_is_found(name: str) -> None:
    ended = cppwax(f"mod:{name}")
    assert ended.returncode == 2
    assert f"{name}" in ended.stderr
    assert ended.stdout == "imported\n"


def test_a_module_that_fails_shows_its_own_traceback() -> None:
    ended = cppwax("broken")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.splitlines() == [
        "Traceback (most recent call last):",
        f'  File "{os.path.realpath("broken.py")}", line 1, in <module>',
        "    raise KeyError('boom')",
        "KeyError: 'boom'",
        "Error: IMPORT_STR 'broken': module 'broken' failed to import",
    ]


def test_a_factory_that_fails_shows_its_own_traceback() -> None:
    ended = cppwax("mod:get_flow(3)")
    assert ended.returncode == 2
    assert "in get_flow" in ended.stderr
    assert "ValueError: no flow of 3" in ended.stderr
    assert os.path.join("cppwax", "") not in ended.stderr


def test_a_module_may_choose_the_exit_code() -> None:
    assert cppwax("ends").returncode == 7


def test_ctrl_c_during_import_is_quiet() -> None:
    ended = cppwax("stops")
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


@pytest.mark.parametrize(
    ("name", "unbuffered", "code"),
    [
        # Its output is still buffered when the error is told.
        ("mod:nope", "", 2),
        ("mod:nope", "1", 141),
        ("loud", "", 141),
        ("broken", "", 2),
    ],
)
def test_a_closed_output_adds_nothing(here: Path, name: str, unbuffered: str, code: int) -> None:
    (here / "loud.py").write_text("print('a', flush=True)\n")
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, *COMMANDS["module"], name],
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    os.close(writer)
    assert ended.returncode == code
    assert "BrokenPipeError" not in ended.stderr
    assert bool(ended.stderr) is (code == 2)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_teaches(command: str) -> None:
    ended = cppwax("--help", command=command)
    assert ended.returncode == 0
    assert ended.stderr == ""
    for part in (
        "get_flow(10)",
        "flows/simple.py:flow",
        "A worker is a thread",
        "Exit codes:",
        "CPPWAX_WORKERS_PER_PROCESS",
        "CPPWAX_SNAPSHOT_INTERVAL",
        "CPPWAX_STOP_TIMEOUT",
        "CPPWAX_LOG_LEVEL",
        "CPPWAX_LOG_FORMAT",
    ):
        assert part in ended.stdout
    assert max(map(len, ended.stdout.splitlines())) <= 80


def test_version() -> None:
    ended = cppwax("--version")
    assert ended.returncode == 0
    assert ended.stdout.startswith("cppwax ")
    assert ended.stdout == cppwax("--version", command="script").stdout


def test_reading_the_command_line_for_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["program", "mod:flow", "-w3", "-s", "0.5"])
    args = vars(run._parse_args())
    assert args.pop("snapshot_interval").total_seconds() == 0.5
    assert args == {
        "import_str": "mod:flow",
        "workers_per_process": 3,
        "recovery_directory": None,
        "backup_interval": None,
        "process_id": None,
        "addresses": None,
    }
    monkeypatch.setattr(sys, "argv", ["program", "mod:flow"])
    assert run._parse_args().workers_per_process is None


@pytest.mark.parametrize(("args", "code"), [(["mod", "-w0"], 2), (["--help"], 0), ([], 2)])
def test_reading_a_wrong_command_line_ends_the_program(
    monkeypatch: pytest.MonkeyPatch, args: list[str], code: int
) -> None:
    monkeypatch.setattr(sys, "argv", ["program", *args])
    with pytest.raises(SystemExit) as ended:
        run._parse_args()
    assert ended.value.code == code


@pytest.mark.parametrize(
    ("kwargs", "error", "match"),
    [
        ({"process_id": 0}, ValueError, "without addresses"),
        ({"process_id": 1, "addresses": ["a:1"]}, ValueError, "no process 1"),
        ({"addresses": ["a:1", "b:1"]}, ValueError, "without a process id"),
        ({"process_id": 0, "addresses": ["a:1", "a:1"]}, ValueError, "in the list twice"),
        ({"recovery_config": 5}, TypeError, "recovery_config must be a `RecoveryConfig`"),
        ({"workers_per_process": 0}, ValueError, "at least 1"),
        ({"workers_per_process": "2"}, TypeError, "must be an `int`"),
    ],
)
def test_cli_main_refuses(kwargs: dict, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        run.cli_main(Dataflow("flow"), **kwargs)
