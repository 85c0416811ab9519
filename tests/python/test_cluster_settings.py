"""What a process is told about the others: addresses, its place, secrets. Nothing is connected."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from cppwax._cluster import check_addresses, cluster_of, new_secret, secret_for
from cppwax._cluster_options import cluster_of_options

SECRET = "s" * 32
HERE = ["localhost:2101", "127.0.0.1:2102"]
HOSTS = "one:2101;two:2101"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("CPPWAX_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def options(process_id: int | None = None, addresses: str | None = None, **more: Any) -> Any:
    given = {"tls_cert": None, "tls_key": None, "tls_ca": None} | more
    context = click.Context(click.Command("run"))
    return cluster_of_options(context, process_id, addresses, **given)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "address 1 is empty"),
        ("  ", "address 1 is empty"),
        ("two", "give `host:port`"),
        (":2101", "give `host:port`"),
        ("two:", "give `host:port`"),
        ("two:http", "give `host:port`"),
        ("two:-1", "give `host:port`"),
        ("two:0", "from 1 to 65535"),
        ("two:65536", "from 1 to 65535"),
        ("::1:2101", "[::1]:2101"),
        ("one:2101", "in the list twice"),
    ],
)
def test_an_address_that_cannot_be_one_is_a_usage_error(address: str, said: str) -> None:
    with pytest.raises(click.UsageError, match=re.escape(said)) as raised:
        options(0, f"one:2101;{address}")
    assert "-a/--addresses" in str(raised.value)


@pytest.mark.parametrize("address", ["one:1", "[::1]:2101", "10.0.0.1:65535", "a.b-c.d:80"])
def test_an_address_that_can_be_one_is_taken(address: str) -> None:
    assert check_addresses([address]) == [address]


@pytest.mark.parametrize(
    ("process_id", "addresses", "said"),
    [
        (0, None, "without addresses"),
        (None, HOSTS, "without a process id"),
        (2, HOSTS, "no process 2: 2 addresses are given, so ids go from 0 to 1"),
        (-1, HOSTS, "no process -1"),
        (0, "one:2101;", "address 1 is empty"),
        (0, "", "address 0 is empty"),
    ],
)
def test_the_place_and_the_list_belong_together(
    process_id: int | None, addresses: str | None, said: str
) -> None:
    with pytest.raises(click.UsageError, match=re.escape(said)):
        options(process_id, addresses)


def test_one_address_or_none_is_a_single_process() -> None:
    assert options() is None
    assert options(0, "one:2101") is None


def test_spaces_around_an_address_do_not_count() -> None:
    cluster = options(1, " one:2101 ; two:2101 ")
    assert (cluster.addresses, cluster.process_id) == (["one:2101", "two:2101"], 1)


@pytest.mark.parametrize("given", [("tls_cert",), ("tls_cert", "tls_key"), ("tls_ca",)])
def test_certificates_come_in_threes(given: tuple[str, ...]) -> None:
    with pytest.raises(click.UsageError, match="belong together"):
        options(0, HOSTS, **dict.fromkeys(given, "file"))


def test_with_certificates_no_secret_is_looked_for(capfd: pytest.CaptureFixture[str]) -> None:
    files = {"tls_cert": "a", "tls_key": "b", "tls_ca": "c"}
    cluster = options(0, HOSTS, require_secret=True, **files)
    assert (cluster.secret, cluster.tls_ca) == (None, "c")
    assert capfd.readouterr().err == ""


# Pods of a stateful set ---------------------------------------------------------------------


@pytest.fixture
def stateful_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    hosts = tmp_path / "hosts"
    hosts.write_text("flow-0.flow:2101\n\nflow-1.flow:2101\n")
    monkeypatch.setenv("CPPWAX_STATEFULSET_NAME", "flow")
    monkeypatch.setenv("CPPWAX_HOSTFILE_PATH", str(hosts))
    monkeypatch.setenv("CPPWAX_CLUSTER_SECRET", SECRET)
    return hosts


def test_a_pod_is_told_by_its_name(stateful_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPPWAX_POD_NAME", "flow-1")
    cluster = options()
    assert cluster.process_id == 1
    assert cluster.addresses == ["flow-0.flow:2101", "flow-1.flow:2101"]


def test_options_go_before_the_pods_name(
    stateful_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPPWAX_POD_NAME", "flow-1")
    assert options(0).process_id == 0
    assert options(0, HOSTS).addresses == ["one:2101", "two:2101"]


@pytest.mark.parametrize("name", ["flow", "flow-", "flow-x", "other-1", "flow-1-x", "xflow-1"])
def test_a_name_of_no_pod_is_a_usage_error(
    stateful_set: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("CPPWAX_POD_NAME", name)
    with pytest.raises(click.UsageError, match="CPPWAX_POD_NAME"):
        options()


def test_a_host_file_that_cannot_be_read_is_a_usage_error(
    stateful_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPPWAX_POD_NAME", "flow-1")
    stateful_set.unlink()
    with pytest.raises(click.UsageError, match="CPPWAX_HOSTFILE_PATH cannot be read"):
        options()


# Secrets ------------------------------------------------------------------------------------


def test_a_secret_comes_from_the_environment() -> None:
    cluster = cluster_of(["a:1", "b:1"], 0, {"CPPWAX_CLUSTER_SECRET": SECRET})
    assert cluster is not None
    assert cluster.secret == SECRET
    assert SECRET not in repr(cluster)


def test_a_file_goes_before_the_variable(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("f" * 40 + "\n")
    environ = {
        "CPPWAX_CLUSTER_SECRET_FILE": str(tmp_path / "secret"),
        "CPPWAX_CLUSTER_SECRET": SECRET,
    }
    assert secret_for(["a:1", "b:1"], environ) == "f" * 40


def test_a_secret_that_is_too_short_is_refused_and_not_shown(tmp_path: Path) -> None:
    short = "q" * 31
    (tmp_path / "secret").write_text(short)
    for environ in (
        {"CPPWAX_CLUSTER_SECRET": short},
        {"CPPWAX_CLUSTER_SECRET_FILE": str(tmp_path / "secret")},
    ):
        with pytest.raises(ValueError, match="31 characters; it needs at least 32") as raised:
            secret_for(["a:1", "b:1"], environ)
        assert short not in str(raised.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe" * 20])
def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError, match="CPPWAX_CLUSTER_SECRET_FILE cannot be read"):
        secret_for(["a:1", "b:1"], {"CPPWAX_CLUSTER_SECRET_FILE": str(file)})


def test_several_hosts_without_a_secret_are_warned_of(capfd: pytest.CaptureFixture[str]) -> None:
    assert options(0, HOSTS).secret is None
    warned = capfd.readouterr().err
    assert len(warned.splitlines()) == 1
    for part in (
        "Every user of every listed host",
        "the network between",
        "can run code here as you",
        "CPPWAX_CLUSTER_SECRET_FILE",
        "cppwax secret",
    ):
        assert part in warned


def test_a_required_secret_that_is_missing_is_a_usage_error() -> None:
    with pytest.raises(click.UsageError, match="a secret is required, and none is set"):
        options(0, HOSTS, require_secret=True)


def key_file(home: Path) -> Path:
    return home / ".config" / "cppwax" / "cluster.key"


def test_one_machine_shares_a_key_of_the_user(home: Path) -> None:
    secret = secret_for(HERE, os.environ)
    assert secret == secret_for(["[::1]:1", "127.1.2.3:1"], os.environ)
    assert secret == key_file(home).read_text()
    assert len(secret) >= 32
    assert stat.S_IMODE(key_file(home).stat().st_mode) == 0o600
    # Nothing but the key is left behind.
    assert os.listdir(key_file(home).parent) == ["cluster.key"]


def test_what_a_killed_process_has_left_is_no_hindrance(home: Path) -> None:
    """In a container the next one may have the same process id."""
    file = key_file(home)
    file.parent.mkdir(parents=True)
    (file.parent / f".cluster.key.{os.getpid()}").write_text("half a k")
    assert secret_for(HERE, os.environ) == file.read_text()


def test_one_host_of_another_machine_asks_for_a_secret(home: Path) -> None:
    assert secret_for([*HERE, "10.0.0.1:2101"], os.environ) is None
    assert not key_file(home).exists()


def test_the_folder_of_settings_can_be_another(home: Path) -> None:
    secret_for(HERE, {"XDG_CONFIG_HOME": str(home / "xdg")})
    assert (home / "xdg" / "cppwax" / "cluster.key").exists()


def test_without_a_home_the_variable_is_named() -> None:
    with pytest.raises(ValueError, match="set HOME, or CPPWAX_CLUSTER_SECRET"):
        secret_for(HERE, {})


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o601])
def test_a_key_that_others_can_open_is_refused(home: Path, mode: int) -> None:
    secret_for(HERE, os.environ)
    key_file(home).chmod(mode)
    with pytest.raises(ValueError, match="open to other users; remove it"):
        secret_for(HERE, os.environ)


def test_a_key_of_somebody_else_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_for(HERE, os.environ)
    monkeypatch.setattr(os, "getuid", lambda: key_file(home).stat().st_uid + 1)
    with pytest.raises(ValueError, match="open to other users; remove it"):
        secret_for(HERE, os.environ)


def test_a_key_file_that_was_cut_short_is_refused(home: Path) -> None:
    secret_for(HERE, os.environ)
    key_file(home).write_text("")
    with pytest.raises(ValueError, match="the key in .* has 0 characters"):
        secret_for(HERE, os.environ)


def test_a_home_that_cannot_be_written_names_the_way_out(home: Path) -> None:
    (home / ".config").write_text("no folder")
    with pytest.raises(ValueError, match="set CPPWAX_CLUSTER_SECRET instead"):
        secret_for(HERE, os.environ)


def test_secrets_are_long_and_differ() -> None:
    made = {new_secret() for _ in range(20)}
    assert len(made) == 20
    assert all(len(secret) >= 32 and secret.isascii() for secret in made)


def test_the_command_prints_a_secret_that_is_taken() -> None:
    program = "from cppwax._cli import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", program, "secret"], capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    secret = ended.stdout.strip()
    assert ended.stdout == secret + "\n"
    assert secret_for(["a:1", "b:1"], {"CPPWAX_CLUSTER_SECRET": secret}) == secret


# The command line ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "env", "said"),
    [
        (["-i0"], {}, "without addresses"),
        (["-a", HOSTS], {}, "without a process id"),
        (["-i", "x", "-a", HOSTS], {}, "-i"),
        (["-i0", "-a", "one:2101;"], {}, "address 1 is empty"),
        ([], {"CPPWAX_PROCESS_ID": "2", "CPPWAX_ADDRESSES": HOSTS}, "no process 2"),
        (["-i0", "-a", HOSTS, "--connect-timeout", "0"], {}, "more than 0 seconds"),
        (["-i0", "-a", HOSTS, "--peer-timeout", "0"], {}, "more than 0 seconds"),
        (["-i0", "-a", HOSTS, "--max-batch-bytes", "0"], {}, "--max-batch-bytes"),
        (["-i0", "-a", HOSTS, "--tls-cert", "none.pem"], {}, "--tls-cert"),
        (["--bind", "one:2101"], {}, "--bind is for one process among several: add -i and -a"),
        (["--peer-timeout", "5"], {}, "--peer-timeout is for one process among several"),
        (["--require-secret"], {}, "--require-secret is for one process among several"),
        (["--tls-key", __file__], {}, "--tls-key is for one process among several"),
        (["-i0", "-a", HOSTS], {"CPPWAX_REQUIRE_SECRET": "1"}, "a secret is required"),
        (["-i0", "-a", HOSTS], {"CPPWAX_CLUSTER_SECRET": "short"}, "has 5 characters"),
    ],
)
def test_the_command_line_refuses(args: list[str], env: dict[str, str], said: str) -> None:
    ended = run_nothing(*args, **env)
    assert ended.returncode == 2, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def run_nothing(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cppwax.run", "no_such_module", *args],
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("args", "env"),
    [
        ([], {"CPPWAX_BIND": "one:2101", "CPPWAX_PEER_TIMEOUT": "5", "CPPWAX_REQUIRE_SECRET": "1"}),
        # A cluster that has shrunk to one process.
        (["-i0", "-a", "one:2101", "--bind", "localhost:2101"], {}),
        (["-p2", "--peer-timeout", "5"], {}),
    ],
)
def test_settings_of_a_cluster_may_have_no_use(args: list[str], env: dict[str, str]) -> None:
    ended = run_nothing(*args, **env)
    assert "no module 'no_such_module'" in ended.stderr
