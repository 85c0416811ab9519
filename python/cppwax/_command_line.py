"""What the command lines that name a dataflow share: reading them, and telling a wrong name."""

from __future__ import annotations

from typing import Any

import click

from cppwax._exit import EXIT_INTERRUPTED, EXIT_USAGE, exit_code_of_failure
from cppwax._locate import LocateError


def read_command_line(command: click.Command, prog_name: str) -> Any:
    """Let a command read the command line.

    Args:
        command: Returns what it has understood, or an exit code, or None.
        prog_name: How it was named.

    Returns:
        What the command returned; where it was not understood, or only help was asked for, the
        code for the process to exit with.
    """
    try:
        request = command.main(prog_name=prog_name, standalone_mode=False)
    except click.ClickException as ex:
        ex.show()
        return ex.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED
    return request or 0


def exit_code_of_slip(ex: LocateError, import_str: str, context: click.Context) -> int:
    """Show why no dataflow was found.

    Args:
        ex: What says so.
        import_str: Where it was looked for.
        context: The command.

    Returns:
        The code for the process to exit with.
    """
    if ex.__cause__ is None:
        click.BadParameter(str(ex), context, param_hint="IMPORT_STR").show()
        return EXIT_USAGE
    code = exit_code_of_failure(ex.__cause__, EXIT_USAGE)
    if code == EXIT_USAGE:
        click.echo(f"Error: IMPORT_STR {import_str!r}: {ex}", err=True)
    return code
