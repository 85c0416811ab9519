"""Whether a process serves pages, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from cppwax._cluster import Cluster

_T = TypeVar("_T")

DEFAULT_PORT = 3030
DEFAULT_HOST = "127.0.0.1"
LAST_PORT = 65535

ENABLED_VARIABLE = "CPPWAX_DATAFLOW_API_ENABLED"
PORT_VARIABLE = "CPPWAX_DATAFLOW_API_PORT"
BIND_VARIABLE = "CPPWAX_DATAFLOW_API_BIND"
CACHE_VARIABLE = "CPPWAX_DATAFLOW_API_CACHE_PATH"

_YES, _NO = ("1", "true", "t", "yes", "y", "on"), ("0", "false", "f", "no", "n", "off", "")


@dataclass(frozen=True)
class WebSettings:
    """Where to serve pages."""

    host: str = DEFAULT_HOST
    """A name or address of this machine."""
    port: int = DEFAULT_PORT
    """0 takes any that is free."""
    cache_folder: str | None = None
    """Where to write what `/dataflow` shows too."""

    def of_process(self, cluster: Cluster | None) -> WebSettings:
        """Give each of the processes that share a host a port of its own.

        Args:
            cluster: The processes; `None` for a single one.

        Returns:
            The settings for this process: the port given is that of the first process of each
            host, the second one has the next.
        """
        if cluster is None or self.port == 0:
            return self
        port = self._ports(cluster)[cluster.process_id]
        return WebSettings(self.host, port, self.cache_folder)

    def neighbours(self, cluster: Cluster) -> list[tuple[int, int]]:
        """Tell where the other processes of the same host serve their pages.

        Args:
            cluster: The processes.

        Returns:
            Number and port of each; none where each takes a port that is free.
        """
        return [
            (number, port)
            for number, port in self._ports(cluster).items()
            if self.port != 0 and number != cluster.process_id
        ]

    def _ports(self, cluster: Cluster) -> dict[int, int]:
        """Give the port of each process of the same host."""
        hosts = [address.rpartition(":")[0] for address in cluster.addresses]
        here = [n for n, host in enumerate(hosts) if host == hosts[cluster.process_id]]
        return {number: self.port + place for place, number in enumerate(here)}


def yes_or_no(text: str) -> bool:
    """Read a switch.

    Args:
        text: Its value.

    Returns:
        Whether it is on.

    Raises:
        ValueError: It is neither on nor off.
    """
    if text.strip().lower() in _YES:
        return True
    if text.strip().lower() in _NO:
        return False
    raise ValueError(f"{text!r} is neither yes nor no: give 1 or 0")


def port_of(text: str) -> int:
    """Read a port.

    Args:
        text: Its value.

    Returns:
        The number.

    Raises:
        ValueError: There is no such port.
    """
    if not (text.isascii() and text.isdigit() and int(text) <= LAST_PORT):
        raise ValueError(f"{text!r} is not a port: give a number up to {LAST_PORT}, or 0 for any")
    return int(text)


def _read(environ: Mapping[str, str], name: str, parse: Callable[[str], _T], default: _T) -> _T:
    text = environ.get(name)
    if text is None:
        return default
    try:
        return parse(text)
    except ValueError as ex:
        raise ValueError(f"{name}: {ex}") from None


def web_of_environment(environ: Mapping[str, str]) -> WebSettings | None:
    """Read the variables alone, for programs that have no command line of ours.

    Args:
        environ: The environment.

    Returns:
        Where to serve pages; `None` to serve none.

    Raises:
        ValueError: A variable makes no sense; it is named.
    """
    is_on = _read(environ, ENABLED_VARIABLE, yes_or_no, False)
    port = _read(environ, PORT_VARIABLE, port_of, DEFAULT_PORT)
    host = environ.get(BIND_VARIABLE) or DEFAULT_HOST
    return WebSettings(host, port, environ.get(CACHE_VARIABLE) or None) if is_on else None
