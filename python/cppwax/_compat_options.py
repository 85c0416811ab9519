"""The option `--bytewax` of the command lines."""

from __future__ import annotations

import os

import click

from cppwax._locate import LocateError, locate
from cppwax._option_types import variable_of_bytewax
from cppwax.dataflow import Dataflow

# What child processes of user code look at: a process pool imports the flow's module anew.
_FOR_CHILDREN = "CPPWAX_BYTEWAX"


def _take_variables_of_bytewax(
    context: click.Context, _param: click.Parameter, is_asked: bool
) -> bool:
    """Let variables of Bytewax be defaults of the options: what cppwax's own say comes before."""
    if is_asked:
        found = {
            param.name: os.environ.get(name)
            for param in context.command.params
            if param.name is not None and (name := variable_of_bytewax(param)) is not None
        }
        context.default_map = {name: text for name, text in found.items() if text}
    return is_asked


bytewax_option = click.option(
    "--bytewax",
    is_flag=True,
    # Before the options whose defaults it gives.
    is_eager=True,
    envvar=_FOR_CHILDREN,
    show_envvar=True,
    callback=_take_variables_of_bytewax,
    help="Run a program that was written for Bytewax: `import bytewax` means cppwax, and "
    "BYTEWAX_… variables stand in for CPPWAX_… ones that are not set.",
)


def _install_now(_context: click.Context, _param: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        try:
            install_for_run()
        except LocateError as ex:
            raise click.UsageError(f"--bytewax: {ex}") from ex


bytewax_program_option = click.option(
    "--bytewax",
    is_flag=True,
    expose_value=False,
    envvar=_FOR_CHILDREN,
    show_envvar=True,
    callback=_install_now,
    help="The program was written for Bytewax: `import bytewax` means cppwax.",
)


def install_for_run() -> None:
    """Let `import bytewax` mean cppwax, here and in processes that user code starts.

    Raises:
        LocateError: Bytewax itself was imported before.
    """
    # Imported here for its cost, as few runs need it.
    from cppwax.compat import install

    try:
        install()
    except RuntimeError as ex:
        raise LocateError(str(ex)) from None
    os.environ[_FOR_CHILDREN] = "1"


def install_in_child() -> None:
    """Do the same in a process that `multiprocessing` has started, if its parent did."""
    if os.environ.get(_FOR_CHILDREN) == "1":
        install_for_run()


def locate_for(import_str: str, *, bytewax: bool) -> Dataflow:
    """Find the dataflow that an import string names.

    Args:
        import_str: See `cppwax._locate.locate`.
        bytewax: Whether its program was written for Bytewax.

    Returns:
        The dataflow.

    Raises:
        LocateError: There is none, or Bytewax itself was imported before.
    """
    if bytewax:
        install_for_run()
    return locate(import_str)
