"""The options of `cppwax.run` for one process among several."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from cppwax._cluster import Cluster, cluster_of
from cppwax._option_types import Seconds, add_options, read_variable, refuse_typed

_F = TypeVar("_F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "-i",
        "--process-id",
        type=int,
        envvar="CPPWAX_PROCESS_ID",
        show_envvar=True,
        help="Which of several processes this is: the place of its address in -a, from 0 on.",
    ),
    click.option(
        "-a",
        "--addresses",
        envvar="CPPWAX_ADDRESSES",
        show_envvar=True,
        help="host:port of each process, with `;` between, in the same order everywhere.",
    ),
    click.option(
        "--bind",
        metavar="HOST:PORT",
        envvar="CPPWAX_BIND",
        show_envvar=True,
        help="Listen here instead of at the own address, where that is not a local one.",
    ),
    click.option(
        "--connect-timeout",
        type=Seconds(),
        envvar="CPPWAX_CONNECT_TIMEOUT",
        show_envvar=True,
        help="How long to wait for all processes to come.  [default: 300]",
    ),
    click.option(
        "--peer-timeout",
        type=Seconds(),
        envvar="CPPWAX_PEER_TIMEOUT",
        show_envvar=True,
        help="How long a process may be silent before it counts as lost.  [default: 30]",
    ),
    click.option(
        "--max-batch-bytes",
        type=click.IntRange(min=1),
        envvar="CPPWAX_MAX_BATCH_BYTES",
        show_envvar=True,
        help="The largest batch that is taken from another process.  [default: 1073741824]",
    ),
    click.option(
        "--require-secret",
        is_flag=True,
        envvar="CPPWAX_REQUIRE_SECRET",
        show_envvar=True,
        help="Refuse to run over several hosts without a secret or certificates.",
    ),
    click.option(
        "--tls-cert",
        type=click.Path(exists=True, dir_okay=False),
        envvar="CPPWAX_TLS_CERT",
        show_envvar=True,
        help="Certificate of this process, in PEM, by a CA of the cluster's own.",
    ),
    click.option(
        "--tls-key",
        type=click.Path(exists=True, dir_okay=False),
        envvar="CPPWAX_TLS_KEY",
        show_envvar=True,
        help="Its private key.",
    ),
    click.option(
        "--tls-ca",
        type=click.Path(exists=True, dir_okay=False),
        envvar="CPPWAX_TLS_CA",
        show_envvar=True,
        help="The certificate of that CA.",
    ),
)


def cluster_options(command: _F) -> _F:
    """Add the options to a command.

    Args:
        command: A click command's function.

    Returns:
        The same, with the options.
    """
    return add_options(command, _OPTIONS)


def cluster_of_options(
    context: click.Context, process_id: int | None, addresses: str | None, **settings: Any
) -> Cluster | None:
    """Describe the cluster that the options name.

    Args:
        context: The command.
        process_id: The value of `-i`.
        addresses: The value of `-a`.
        **settings: The values of the others.

    Returns:
        The cluster; `None` for a single process.

    Raises:
        click.UsageError: The options do not fit together, or are typed for no cluster.
    """
    if process_id is None:
        process_id = _id_of_pod()
    given = _addresses_of(addresses)
    if not given and process_id is None:
        refuse_typed(context, settings, "is for one process among several: add -i and -a")
    tls = [settings["tls_cert"], settings["tls_key"], settings["tls_ca"]]
    if any(tls) and not all(tls):
        raise click.UsageError("--tls-cert, --tls-key and --tls-ca belong together: give all three")
    chosen = {name: value for name, value in settings.items() if value is not None}
    for name in ("connect_timeout", "peer_timeout"):
        if chosen.get(name) == timedelta(0):
            raise click.UsageError(f"--{name.replace('_', '-')} must be more than 0 seconds")
    try:
        return cluster_of(given, process_id, os.environ, **chosen)
    except ValueError as ex:
        raise click.UsageError(f"{ex} (-i/--process-id, -a/--addresses)") from ex


def _addresses_of(addresses: str | None) -> list[str] | None:
    if addresses is not None:
        return [each.strip() for each in addresses.split(";")]
    variable, host_file = read_variable("CPPWAX_HOSTFILE_PATH")
    if host_file is None:
        return None
    try:
        lines = Path(host_file).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as ex:
        raise click.UsageError(
            f"the file of {variable} cannot be read: {ex}; it has an address a line"
        ) from ex
    return [line.strip() for line in lines if line.strip()]


def _id_of_pod() -> int | None:
    """Take the number at the end of a pod's name, if this is one of a Kubernetes stateful set."""
    pod_variable, pod = read_variable("CPPWAX_POD_NAME")
    set_variable, stateful_set = read_variable("CPPWAX_STATEFULSET_NAME")
    if pod is None or stateful_set is None:
        return None
    found = re.fullmatch(re.escape(stateful_set) + r"-([0-9]+)", pod)
    if found is None:
        raise click.UsageError(
            f"{pod_variable} is {pod!r}, which is no pod of the stateful set {stateful_set!r} "
            f"({set_variable}): it should be that name, a hyphen and a number"
        )
    return int(found.group(1))
