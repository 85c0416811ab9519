"""The commands `cppwax state …`: look into a recovery store, check it, tidy it."""

from __future__ import annotations

import base64
import json
import os
import pickletools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from cppwax._compat_options import bytewax_program_option
from cppwax.errors import CppwaxRuntimeError, RecoveryError

if TYPE_CHECKING:
    from cppwax._stored_state import OpenStore, StepCheck, Store, StoredState, StoredStep

_MEANINGS = {
    "kept": "goes on from what is stored",
    "dropped": "the dataflow has no such step with a state: a run is refused without --drop-state",
    "unreadable": "a run would fail on it",
    "not listed": "a run would fail: stored partitions are not listed any more",
    "new": "nothing is stored: starts empty",
}


def _store_arguments(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the folders of a store, as its `folders`."""

    @wraps(command)
    def with_folders(folder: str, others: tuple[str, ...], **options: Any) -> None:
        command(folders=[folder, *others], **options)

    with_others = click.option(
        "--with",
        "others",
        multiple=True,
        metavar="DIR",
        help="Another folder with partitions of the same store; may be repeated.",
    )(with_folders)
    return click.argument("folder", metavar="DIR")(with_others)


_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except (OSError, RecoveryError, ValueError) as ex:
        raise click.ClickException(str(ex)) from ex


@contextmanager
def _opened(folders: list[str]) -> Iterator[OpenStore]:
    from cppwax._stored_state import OpenStore

    with _store_errors(), OpenStore(folders) as store:
        yield store


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=True))


def _shown(text: str) -> str:
    """Escape what a terminal could not show, or would take for commands."""
    return text if text.isprintable() else ascii(text)[1:-1]


def _print_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        # The first column is a name, the others numbers.
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        click.echo("  ".join(cells).rstrip())


@click.group("state", short_help="Look into a recovery store.")
def state_group() -> None:
    """Look into a recovery store, check it against a dataflow, remove states.

    No run may be on over the store meanwhile. Only `drop` changes it. A step is named by its id,
    or by that of the step around it.
    """


@state_group.command("list")
@_store_arguments
@click.argument("step", required=False)
@_json_option
def _list_command(folders: list[str], step: str | None, as_json: bool) -> None:
    """List the steps of the store in DIR, or the keys of STEP."""
    with _opened(folders) as opened:
        store = opened.read()
        for warning in store.warnings:
            click.echo(f"warning: {warning}", err=True)
        keys = None if step is None else opened.read_keys(_found_step(store, step).step_id)
    if keys is not None:
        _print_keys(keys, as_json)
    elif as_json:
        _print_json(asdict(store))
    else:
        _print_store(store)


def _print_keys(keys: list[tuple[str, int, int]], as_json: bool) -> None:
    if as_json:
        _print_json([{"key": key, "epoch": epoch, "bytes": size} for key, epoch, size in keys])
        return
    rows = [(_shown(key), str(epoch), str(size)) for key, epoch, size in keys]
    _print_table(("key", "epoch", "bytes"), rows)


def _print_store(store: Store) -> None:
    click.echo(f"flow:        {_shown(store.flow_id) or '(no run has begun yet)'}")
    click.echo(f"runs:        {store.executions}")
    click.echo(f"resumes at:  epoch {store.resume_epoch}")
    click.echo("")
    rows = [
        (_shown(os.fsdecode(part.path)), str(part.size_bytes), str(part.durable_epoch))
        for part in store.partitions
    ]
    _print_table(("partition", "bytes", "durable"), rows)
    click.echo("")
    if not store.steps:
        click.echo("no states")
        return
    steps = [
        (
            _shown(step.step_id),
            str(step.keys),
            str(step.state_bytes),
            f"{step.oldest_epoch}-{step.newest_epoch}" if step.keys else "-",
            str(step.entries),
        )
        for step in store.steps
    ]
    _print_table(("step", "keys", "bytes", "epochs", "entries"), steps)


def _found_step(store: Store, step_id: str) -> StoredStep:
    """Find a step by its id, or by that of the step around it, as users name it."""
    around = [step for step in store.steps if step.step_id.startswith(step_id + ".")]
    found = [step for step in store.steps if step.step_id == step_id] or around
    if len(found) == 1:
        return found[0]
    if found:
        inner = ", ".join(repr(step.step_id) for step in found)
        raise click.ClickException(f"step {step_id!r} has several with states in it: {inner}")
    has = ", ".join(repr(step.step_id) for step in store.steps) or "no states at all"
    raise click.ClickException(f"the store has no states of step {step_id!r}; it has {has}")


def _no_such_key(step: StoredStep, key: str) -> click.ClickException:
    return click.ClickException(
        f"step {step.step_id!r} has no state of key {key!r}; `cppwax state list DIR STEP` shows "
        "those it has"
    )


@state_group.command("show")
@_store_arguments
@click.argument("step")
@click.argument("key")
@click.option(
    "--load", "way", flag_value="load", help="Unpickle it: this runs what the pickle names."
)
@click.option("--raw", "way", flag_value="raw", help="Write the pickle's bytes as they are.")
@_json_option
@bytewax_program_option
def _show_command(folders: list[str], step: str, key: str, way: str | None, as_json: bool) -> None:
    """Show the state of KEY of STEP.

    A state is a pickle. Without --load it is only taken apart, opcode by opcode, and nothing that
    it names is imported or called.
    """
    if way == "raw" and as_json:
        raise click.UsageError("--raw does not go with --json")
    with _opened(folders) as store:
        found = _found_step(store.read(), step)
        state = store.read_state(found.step_id, key)
    if state is None:
        raise _no_such_key(found, key)
    if as_json:
        _print_json(_described(state, load=way == "load"))
    else:
        _show(state, way)


def _described(state: StoredState, *, load: bool) -> dict[str, Any]:
    described = {
        "step_id": state.step_id,
        "key": state.key,
        "epoch": state.epoch,
        "pickle": base64.b64encode(state.pickle).decode(),
    }
    return {**described, "repr": _loaded(state)} if load else described


def _show(state: StoredState, way: str | None) -> None:
    if way == "raw":
        click.echo(state.pickle, nl=False)
        return
    if way == "load":
        click.echo(_loaded(state))
        return
    click.echo(f"epoch {state.epoch}, {len(state.pickle)} bytes, not loaded (see --load):")
    try:
        pickletools.dis(state.pickle, out=sys.stdout)
    except ValueError as ex:
        raise click.ClickException(f"it is no pickle that can be read: {ex}") from ex


def _loaded(state: StoredState) -> str:
    from cppwax._stored_state import load_state

    try:
        return repr(load_state(state))
    # Classes of the user may fail in any way.
    except Exception as ex:
        raise click.ClickException(
            f"the state of key {state.key!r} cannot be unpickled: {type(ex).__name__}: {ex}"
        ) from ex


@state_group.command("check")
@_store_arguments
@click.argument("import_str")
@click.option("--load", is_flag=True, help="Also unpickle each state, as a run would.")
@_json_option
@bytewax_program_option
def _check_command(folders: list[str], import_str: str, load: bool, as_json: bool) -> None:
    """Tell what a run of the dataflow IMPORT_STR over the store in DIR would find.

    The dataflow and the modules that states name are imported, and sources and sinks are asked for
    their partitions. Exit code 1: something would be dropped, or make the run fail.
    """
    flow = _located(import_str)
    with _opened(folders) as store:
        owner = store.read().flow_id
        if owner and owner != flow.flow_id:
            raise click.ClickException(
                f"the store belongs to the flow {owner!r}, not to {flow.flow_id!r}: a run of that "
                "one is refused; each flow needs a store of its own"
            )
        try:
            checks = store.check(flow, load=load)
        except (CppwaxRuntimeError, TypeError) as ex:
            raise click.ClickException(str(ex)) from ex
    if as_json:
        _print_json([asdict(check) for check in checks])
    else:
        _print_checks(checks)
    if any(check.verdict not in ("kept", "new") for check in checks):
        click.get_current_context().exit(1)


def _located(import_str: str) -> Any:
    from cppwax._locate import LocateError, locate

    try:
        return locate(import_str)
    except LocateError as ex:
        cause = "" if ex.__cause__ is None else f": {type(ex.__cause__).__name__}: {ex.__cause__}"
        raise click.UsageError(f"IMPORT_STR {import_str!r}: {ex}{cause}") from ex


def _print_checks(checks: list[StepCheck]) -> None:
    for check in checks:
        keys = "" if check.verdict == "new" else f" ({check.keys} keys)"
        click.echo(f"{check.verdict:10}  {_shown(check.step_id)}{keys}")
        if check.verdict != "kept":
            click.echo(f"            {_MEANINGS[check.verdict]}")
        for problem, key in check.problems.items():
            click.echo(f"            key {key!r}: {problem}")


@state_group.command("drop")
@_store_arguments
@click.argument("step")
@click.argument("key", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
def _drop_command(folders: list[str], step: str, key: str | None, yes: bool) -> None:
    """Remove all that the store in DIR holds of STEP, or of one KEY of it, for good."""
    from cppwax._stored_state import drop_states

    with _opened(folders) as store:
        found = _found_step(store.read(), step)
        if key is not None and store.read_state(found.step_id, key) is None:
            raise _no_such_key(found, key)
    what = f"the states of {found.keys} keys of {found.step_id!r}"
    if key is not None:
        what = f"the state of key {key!r} of {found.step_id!r}"
    if not yes:
        click.confirm(f"Remove {what} for good?", abort=True)
    with _store_errors():
        drop_states(folders, found.step_id, key)
    click.echo(f"removed {what}")
