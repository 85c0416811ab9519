"""The options `--log-level` and `--log-format` of the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_LEVEL = "cppwax.log_level"
_FORMAT = "cppwax.log_format"
_LEVELS = ["debug", "info", "warning", "error", "critical"]
_FORMATS = ["text", "json"]


def log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command; what they ask for is done as they are read."""
    return _level(_format(command))


def arguments_of_logs(context: click.Context) -> list[str]:
    """Give the options as arguments for another process."""
    arguments = []
    for option, key in (("--log-level", _LEVEL), ("--log-format", _FORMAT)):
        if value := context.meta.get(key):
            arguments += [option, value]
    return arguments


def _keep_format(context: click.Context, _param: click.Parameter, name: str | None) -> None:
    if name is None:
        return
    context.meta[_FORMAT] = name
    # As below. A flow may choose its level itself, by `setup_tracing`.
    from cppwax._logging import choose_form

    choose_form(as_json=name == "json")


def _log_to_stderr(context: click.Context, _param: click.Parameter, level: str | None) -> None:
    if level is None:
        return
    context.meta[_LEVEL] = level
    # Imported here for its cost, as few runs are looked at so closely.
    from cppwax._logging import log_to_stderr

    log_to_stderr(level)


_level = click.option(
    "--log-level",
    type=click.Choice(_LEVELS, case_sensitive=False),
    envvar="CPPWAX_LOG_LEVEL",
    show_envvar=True,
    expose_value=False,
    callback=_log_to_stderr,
    help="Log what cppwax does to standard error, from this level on.",
)
_format = click.option(
    "--log-format",
    type=click.Choice(_FORMATS, case_sensitive=False),
    envvar="CPPWAX_LOG_FORMAT",
    show_envvar=True,
    expose_value=False,
    callback=_keep_format,
    help="What a line of the log is: text, or a JSON object.  [default: text]",
)
