"""Kinds of values that options of the command lines take, and how commands get many options."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    _IntType = click.ParamType[int]
    _TimeType = click.ParamType[timedelta]
else:
    # Older versions of click have no generic ones.
    _IntType = click.ParamType
    _TimeType = click.ParamType

_F = TypeVar("_F", bound=Callable[..., Any])

# Those of Bytewax, without their prefixes.
_VARIABLES_OF_BYTEWAX = {
    *("WORKERS_PER_PROCESS", "PROCESS_ID", "ADDRESSES"),
    *("POD_NAME", "STATEFULSET_NAME", "HOSTFILE_PATH"),
    *("RECOVERY_DIRECTORY", "SNAPSHOT_INTERVAL", "RECOVERY_BACKUP_INTERVAL"),
    *("DATAFLOW_API_ENABLED", "DATAFLOW_API_PORT", "DATAFLOW_API_CACHE_PATH"),
}

# A span that every clock can still count; nobody waits for 30 years.
_MAX_SECONDS = 1e9


def add_options(command: _F, options: Sequence[Callable[[_F], _F]]) -> _F:
    """Add options to a command, as decorators in this order would.

    Args:
        command: A click command's function.
        options: Decorators of click.

    Returns:
        The same, with the options.
    """
    for option in reversed(options):
        command = option(command)
    return command


def source_of(param: click.Parameter | None, ctx: click.Context | None) -> str:
    """Name the variable that a value came from, as the message alone names the option.

    Args:
        param: The option.
        ctx: Where it was given.

    Returns:
        Words that follow the value; none if it came from the command line.
    """
    if param is None or ctx is None or param.name is None:
        return ""
    source = ctx.get_parameter_source(param.name)
    if source is click.core.ParameterSource.ENVIRONMENT:
        return f" (from the variable {param.envvar})"
    if source is click.core.ParameterSource.DEFAULT_MAP:
        return f" (from the variable {variable_of_bytewax(param)})"
    return ""


def refuse_typed(context: click.Context, names: Iterable[str], why: str) -> None:
    """Refuse options that would do nothing, where they were typed.

    In the environment they may be for other runs.

    Args:
        context: The command.
        names: The options' names among its parameters.
        why: What to say of one, after its name.

    Raises:
        click.UsageError: One of them is on the command line.
    """
    for name in names:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} {why}")


def variable_of_bytewax(param: click.Parameter) -> str | None:
    """Name the variable that is Bytewax's for an option.

    Args:
        param: The option.

    Returns:
        The name; `None` if Bytewax has none for it.
    """
    return _name_in_bytewax(param.envvar) if isinstance(param.envvar, str) else None


def read_variable(name: str) -> tuple[str, str | None]:
    """Read a variable that no option has, while a command line is being understood.

    Args:
        name: Its name, with `CPPWAX_`.

    Returns:
        The name of the variable that counts, and its value. With `--bytewax` it is Bytewax's where
        cppwax's is not set.
    """
    context = click.get_current_context(silent=True)
    if name not in os.environ and context is not None and context.params.get("bytewax"):
        name = _name_in_bytewax(name) or name
    return name, os.environ.get(name)


def _name_in_bytewax(name: str) -> str | None:
    suffix = name.removeprefix("CPPWAX_")
    return f"BYTEWAX_{suffix}" if suffix in _VARIABLES_OF_BYTEWAX else None


class Seconds(_TimeType):
    """A length of time."""

    name = "seconds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read a number of seconds; see `click.ParamType.convert`."""
        where = source_of(param, ctx)
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        # Written so that it refuses NaN too, which compares false with everything.
        if not 0 <= seconds <= _MAX_SECONDS:
            self.fail(
                f"{value!r}{where} is not a length of time: give seconds from 0 on, "
                "fractions allowed.",
                param,
                ctx,
            )
        return timedelta(seconds=seconds)


def _max_count() -> int:
    # More threads than this cannot be meant: they share few CPUs, and each keyed step has a
    # channel from every worker to every other.
    return min(max(64, 16 * (os.cpu_count() or 1)), 1024)


class Count(_IntType):
    """How many workers or processes to start."""

    name = "count"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read a number from 1 on; see `click.ParamType.convert`."""
        where, limit = source_of(param, ctx), _max_count()
        try:
            count = int(value)
        except ValueError:
            self.fail(f"{value!r}{where} is not a whole number: give 1 or more.", param, ctx)
        if count < 1:
            self.fail(f"{count}{where} is too few: give 1 or more.", param, ctx)
        if count > limit:
            message = f"{count}{where} is too many for {os.cpu_count()} CPUs: give at most {limit}."
            self.fail(message, param, ctx)
        return count
