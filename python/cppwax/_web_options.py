"""The options of `cppwax.run` for the pages that a process serves."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cppwax._option_types import add_options, refuse_typed, source_of
from cppwax._web.settings import (
    BIND_VARIABLE,
    CACHE_VARIABLE,
    DEFAULT_HOST,
    DEFAULT_PORT,
    ENABLED_VARIABLE,
    PORT_VARIABLE,
    WebSettings,
    port_of,
)

if TYPE_CHECKING:
    _PortType = click.ParamType[int]
else:
    _PortType = click.ParamType

_F = TypeVar("_F", bound=Callable[..., Any])


class _Port(_PortType):
    """Where to listen."""

    name = "port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a port; see `click.ParamType.convert`."""
        try:
            return port_of(str(value))
        except ValueError as ex:
            self.fail(f"{ex}{source_of(param, ctx)}.", param, ctx)


_OPTIONS = (
    click.option(
        "--dataflow-api",
        is_flag=True,
        envvar=ENABLED_VARIABLE,
        show_envvar=True,
        help="Serve pages about the run over HTTP: a live drawing, /metrics, /healthz, and more.",
    ),
    click.option(
        "--dataflow-api-port",
        type=_Port(),
        envvar=PORT_VARIABLE,
        show_envvar=True,
        help="Their port; further processes of this host take the next ones.  "
        f"[default: {DEFAULT_PORT}]",
    ),
    click.option(
        "--dataflow-api-bind",
        metavar="HOST",
        envvar=BIND_VARIABLE,
        show_envvar=True,
        help="The address to serve them at; 0.0.0.0 lets other machines read them.  "
        f"[default: {DEFAULT_HOST}]",
    ),
)


def web_options(command: _F) -> _F:
    """Add the options to a command.

    Args:
        command: A click command's function.

    Returns:
        The same, with the options.
    """
    return add_options(command, _OPTIONS)


def web_of_options(options: dict[str, Any], context: click.Context) -> WebSettings | None:
    """Take the values of the options out of those of a command.

    Args:
        options: All values.
        context: The command.

    Returns:
        Where to serve pages; `None` to serve none.

    Raises:
        click.UsageError: It is told where, but not to serve any.
    """
    is_on = options.pop("dataflow_api")
    port, host = options.pop("dataflow_api_port"), options.pop("dataflow_api_bind")
    if is_on:
        cache_folder = os.environ.get(CACHE_VARIABLE) or None
        return WebSettings(
            host or DEFAULT_HOST, DEFAULT_PORT if port is None else port, cache_folder
        )
    why = "says where pages are served: add --dataflow-api"
    refuse_typed(context, ("dataflow_api_port", "dataflow_api_bind"), why)
    return None


def arguments_of_web(settings: WebSettings | None) -> list[str]:
    """Write settings as they stand on a command line.

    Args:
        settings: The settings.

    Returns:
        The arguments.
    """
    if settings is None:
        return []
    port = ["--dataflow-api-port", str(settings.port)]
    return ["--dataflow-api", *port, "--dataflow-api-bind", settings.host]
