"""The options of `cppwax.run` for a recovery store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cppwax._option_types import Seconds, add_options, refuse_typed

if TYPE_CHECKING:
    from cppwax.recovery import RecoveryConfig

_F = TypeVar("_F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "-r",
        "--recovery-directory",
        metavar="DIR",
        envvar="CPPWAX_RECOVERY_DIRECTORY",
        show_envvar=True,
        help="Keep states in this store and go on from there; `python -m cppwax.recovery` "
        "makes one.",
    ),
    click.option(
        "-b",
        "--backup-interval",
        type=Seconds(),
        envvar="CPPWAX_RECOVERY_BACKUP_INTERVAL",
        show_envvar=True,
        help="How far back a resume must be possible, where files of the store are copied at "
        "different times.  [default: 0]",
    ),
    click.option(
        "--drop-state",
        is_flag=True,
        help="Remove the stored states of steps that the dataflow does not have, or that keep "
        "none any more.",
    ),
)


@dataclass(frozen=True)
class RecoveryRequest:
    """What the options ask for."""

    config: RecoveryConfig | None = None
    drop_state: bool = False


def recovery_options(command: _F) -> _F:
    """Add the options to a command.

    Args:
        command: A click command's function.

    Returns:
        The same, with the options.
    """
    return add_options(command, _OPTIONS)


def recovery_of_options(options: dict[str, Any], context: click.Context) -> RecoveryRequest:
    """Take the options' values out of all values of a command.

    Args:
        options: Values by name; these options' are removed.
        context: The command.

    Returns:
        What they ask for.

    Raises:
        click.UsageError: One is typed that is for a store, and there is none.
    """
    folder: str | None = options.pop("recovery_directory")
    backup_interval: timedelta | None = options.pop("backup_interval")
    drop_state: bool = options.pop("drop_state")
    if folder is None:
        why = "is for a recovery store: name one with -r"
        refuse_typed(context, ("backup_interval", "drop_state"), why)
        return RecoveryRequest()
    # Imported here for its cost.
    from cppwax.recovery import RecoveryConfig

    return RecoveryRequest(RecoveryConfig(folder, backup_interval), drop_state)
