"""What one process of a cluster is told about the others: addresses, secrets, limits of time."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

LEAST_SECRET_CHARACTERS = 32

# Tells a process that `-p` started it: the parent's id, and the number of a pipe to it.
LOCAL_PROCESS_VARIABLE = "CPPWAX_LOCAL_PROCESS"

_DEFAULT_CONNECT_TIMEOUT = timedelta(seconds=300)
_DEFAULT_PEER_TIMEOUT = timedelta(seconds=30)
_DEFAULT_MAX_BATCH_BYTES = 1 << 30

_NO_SECRET_WARNING = (
    "cppwax: warning: this cluster has no secret. Every user of every listed host, and whoever can "
    "send from their addresses on the network between, can run code here as you. Set "
    "CPPWAX_CLUSTER_SECRET_FILE on all processes to a file with a secret of at least "
    f"{LEAST_SECRET_CHARACTERS} characters (`cppwax secret` makes one)."
)


@dataclass(frozen=True)
class Cluster:
    """One process among several; the engine reads the attributes.

    With neither a secret nor certificates, peers are known by their addresses alone.
    """

    addresses: list[str]
    """`host:port` of each process, in the same order everywhere."""
    process_id: int
    """Which of them this is, from 0 on."""
    bind: str | None = None
    """Where to listen, if not at the own address."""
    secret: str | None = field(default=None, repr=False)
    tls_cert: str | None = None
    tls_key: str | None = None
    tls_ca: str | None = None
    connect_timeout: timedelta = _DEFAULT_CONNECT_TIMEOUT
    peer_timeout: timedelta = _DEFAULT_PEER_TIMEOUT
    max_batch_bytes: int = _DEFAULT_MAX_BATCH_BYTES


def check_addresses(addresses: Sequence[str]) -> list[str]:
    """Check an address list as far as it can be without asking the network.

    Args:
        addresses: `host:port` of each process.

    Returns:
        The list.

    Raises:
        TypeError: It is no list of `str`.
        ValueError: An address is empty, has no port, or is there twice.
    """
    if isinstance(addresses, str):
        raise TypeError(f"addresses must be a list of `host:port`; write [{addresses!r}]")
    checked = list(addresses)
    for index, address in enumerate(checked):
        if not isinstance(address, str):
            raise TypeError(f"an address must be a `str` such as 'host:2101', not {address!r}")
        _check_address(index, address)
        if address in checked[:index]:
            raise ValueError(f"address {address!r} is in the list twice; each process has its own")
    return checked


def _check_address(index: int, address: str) -> None:
    if not address.strip():
        raise ValueError(f"address {index} is empty; give `host:port` for each process")
    host, colon, port = address.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()):
        raise ValueError(f"address {index} is {address!r}; give `host:port`, as 'localhost:2101'")
    if not 1 <= int(port) <= 65535:
        raise ValueError(f"address {index} is {address!r}; a port is a number from 1 to 65535")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ValueError(f"address {index} is {address!r}; write an IPv6 host as [::1]:{port}")


def check_process_id(process_id: int, addresses: Sequence[str]) -> None:
    """Check that a process has a place in the address list.

    Args:
        process_id: Which process.
        addresses: All of them.

    Raises:
        TypeError: It is no `int`.
        ValueError: There is no such place.
    """
    if not isinstance(process_id, int):
        raise TypeError(f"the process id must be an `int`, not {process_id!r}")
    if not 0 <= process_id < max(len(addresses), 1):
        raise ValueError(
            f"there is no process {process_id}: {len(addresses)} addresses are given, so ids go "
            f"from 0 to {len(addresses) - 1}"
        )


def cluster_of(
    addresses: Sequence[str] | None,
    process_id: int | None,
    environ: Mapping[str, str],
    **settings: Any,
) -> Cluster | None:
    """Describe the cluster that a process is one of.

    Args:
        addresses: Of all processes; `None`, none or one of them is a single process.
        process_id: Which of them this is.
        environ: The environment, which may hold a secret.
        **settings: Other attributes of `Cluster`, and `require_secret`.

    Returns:
        The cluster; `None` for a single process.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument makes no sense, or a secret is missing or cannot be used.
    """
    require_secret = settings.pop("require_secret", False)
    checked = check_addresses([] if addresses is None else addresses)
    if process_id is not None and not checked:
        raise ValueError("a process id is given without addresses: give both or neither")
    if checked and process_id is None:
        raise ValueError("addresses are given without a process id: give both or neither")
    if process_id is not None:
        check_process_id(process_id, checked)
    if len(checked) < 2 or process_id is None:
        return None
    if settings.get("tls_cert") is None:
        secret = secret_for(checked, environ)
        if secret is None and require_secret:
            raise ValueError(
                "a secret is required, and none is set: set CPPWAX_CLUSTER_SECRET_FILE to a file "
                "with one (`cppwax secret` makes one)"
            )
        if secret is None:
            warn_of_no_secret()
        settings["secret"] = secret
    return Cluster(checked, process_id, **settings)


def secret_for(addresses: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """Find the secret of a cluster.

    It comes from the file that CPPWAX_CLUSTER_SECRET_FILE names, from CPPWAX_CLUSTER_SECRET, or,
    where all addresses are of this machine, from a key file of the user, made at first use.

    Args:
        addresses: Of all processes.
        environ: The environment.

    Returns:
        The secret; `None` for several hosts without one.

    Raises:
        ValueError: A secret is too short, or its file cannot be used.
    """
    if file := environ.get("CPPWAX_CLUSTER_SECRET_FILE"):
        try:
            text = Path(file).read_text().strip()
        except (OSError, UnicodeDecodeError) as ex:
            raise ValueError(f"the file of CPPWAX_CLUSTER_SECRET_FILE cannot be read: {ex}") from ex
        return _checked_secret(text, f"the secret in {file}")
    if given := environ.get("CPPWAX_CLUSTER_SECRET"):
        return _checked_secret(given, "the secret in CPPWAX_CLUSTER_SECRET")
    if all(_is_loopback(address) for address in addresses):
        return _users_key(environ)
    return None


def warn_of_no_secret() -> None:
    """Tell what a cluster over several hosts without a secret trusts."""
    print(_NO_SECRET_WARNING, file=sys.stderr, flush=True)


def new_secret() -> str:
    """Make a random secret."""
    # Imported here for its cost, as are others below: most runs have one process.
    import secrets

    return secrets.token_urlsafe(32)


def _checked_secret(text: str, what: str) -> str:
    if len(text) < LEAST_SECRET_CHARACTERS:
        raise ValueError(
            f"{what} has {len(text)} characters; it needs at least {LEAST_SECRET_CHARACTERS} "
            "(`cppwax secret` makes one)"
        )
    return text


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _users_key(environ: Mapping[str, str]) -> str:
    config = environ.get("XDG_CONFIG_HOME")
    home = environ.get("HOME")
    if not config and not home:
        raise ValueError(
            "processes of one machine share a key file in the home directory, and there is none: "
            "set HOME, or CPPWAX_CLUSTER_SECRET"
        )
    folder = Path(config) if config else Path(str(home)) / ".config"
    file = folder / "cppwax" / "cluster.key"
    try:
        return _checked_secret(_read_or_make(file), f"the key in {file}")
    except OSError as ex:
        raise ValueError(
            f"the key file {file} cannot be used: {ex}; set CPPWAX_CLUSTER_SECRET instead"
        ) from ex


def _read_or_make(file: Path) -> str:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not file.exists():
        # Imported here for its cost: a key is made once.
        import tempfile

        # Written under another name: whoever reads it sees all of it or nothing. Nobody else has
        # that name, not even one of the same process id that was killed here.
        opened, own = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(opened, "w") as out:
                out.write(new_secret())
            os.link(own, file)
        except FileExistsError:
            pass
        finally:
            os.unlink(own)
    status = file.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise ValueError(
            f"the key file {file} is open to other users; remove it, and a new one is made"
        )
    return file.read_text().strip()
