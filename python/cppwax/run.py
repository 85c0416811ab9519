"""Run a dataflow from the command line: `python -m cppwax.run IMPORT_STR`.

`cppwax run` is the same. `--help` tells the options, the forms in which a dataflow is named, and
the exit codes. In tests and notebooks use `cppwax.testing.run_main` instead.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from io import StringIO
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from cppwax._cluster import LOCAL_PROCESS_VARIABLE, Cluster, cluster_of, new_secret
from cppwax._cluster_options import cluster_of_options, cluster_options
from cppwax._command_line import exit_code_of_slip, read_command_line
from cppwax._compat_options import bytewax_option, install_for_run, install_in_child, locate_for
from cppwax._entry import run_in_this_process
from cppwax._exit import EXIT_INTERRUPTED, exit_code_of, flush_stdout
from cppwax._locate import LocateError, locate_dataflow, prepare_import
from cppwax._log_options import arguments_of_logs, log_options
from cppwax._option_types import Count, Seconds, refuse_typed
from cppwax._recovery_options import RecoveryRequest, recovery_of_options, recovery_options
from cppwax._run_help import EPILOG
from cppwax._state_commands import state_group
from cppwax._visualize_command import DrawingRequest, visualize_command
from cppwax._watch.start import with_progress
from cppwax._web.settings import WebSettings, web_of_environment
from cppwax._web.start import with_pages
from cppwax._web_options import arguments_of_web, web_of_options, web_options
from cppwax.dataflow import Dataflow

if TYPE_CHECKING:
    from cppwax._local_processes import LocalProcess
    from cppwax.recovery import RecoveryConfig

__all__ = ["cli_main"]

_PROG_NAME = "python -m cppwax.run"


def cli_main(
    flow: Dataflow,
    *,
    workers_per_process: int | None = 1,
    process_id: int | None = None,
    addresses: Sequence[str] | None = None,
    epoch_interval: timedelta | None = None,
    recovery_config: RecoveryConfig | None = None,
) -> None:
    """Run a dataflow as the command line does, from a program of your own.

    One worker runs on the calling thread; several run on threads of their own. Failures are
    raised, not turned into an exit code. The variables of `--dataflow-api` and its port count.

    Args:
        flow: What to run.
        workers_per_process: How many workers to run; `None` is one.
        process_id: Which of several processes this is, from 0 on; `None` for a single one.
        addresses: `host:port` of each process, in the same order everywhere; `None` for a
            single one. A secret comes from the environment, as the command line has it.
        epoch_interval: Time from one epoch to the next; `None` is 10 seconds.
        recovery_config: Where to keep states, and to go on from; `None` keeps none.

    Raises:
        ClusterError: The processes could not meet, or one was lost.
        CppwaxRuntimeError: The dataflow failed.
        KeyboardInterrupt: The run was interrupted.
        TypeError: An argument is of the wrong type.
        ValueError: An argument makes no sense.
    """
    cluster = cluster_of(addresses, process_id, os.environ)
    worker_count = 1 if workers_per_process is None else workers_per_process
    run = partial(
        run_in_this_process,
        flow,
        worker_count=worker_count,
        on_caller_thread=worker_count == 1 and cluster is None,
        cluster=cluster,
        epoch_interval=epoch_interval,
        recovery_config=recovery_config,
    )
    with_pages(web_of_environment(os.environ), flow, run)


@dataclass(frozen=True)
class _Request:
    """A command line that has been understood."""

    context: click.Context
    import_str: str
    worker_count: int
    epoch_interval: timedelta | None
    stop_timeout: timedelta | None
    cluster: Cluster | None
    recovery: RecoveryRequest
    web: WebSettings | None = None
    progress: bool = False
    process_count: int = 1
    bytewax: bool = False


def _show_version(context: click.Context, _param: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        import cppwax

        click.echo(f"cppwax {cppwax.__version__}")
        context.exit()


_version_option = click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)


@click.command("run", epilog=EPILOG, short_help="Run a dataflow.")
@click.argument("import_str")
@click.option(
    "-w",
    "--workers-per-process",
    type=Count(),
    envvar="CPPWAX_WORKERS_PER_PROCESS",
    show_envvar=True,
    help="How many workers to run.  [default: 1]",
)
@click.option(
    "-p",
    "--processes",
    type=Count(),
    help="How many processes of this machine to start, with -w workers each; not with -a.",
)
@cluster_options
@click.option(
    "-s",
    "--snapshot-interval",
    type=Seconds(),
    envvar="CPPWAX_SNAPSHOT_INTERVAL",
    show_envvar=True,
    help="Time from one epoch to the next; 0 makes one of every batch.  [default: 10]",
)
@recovery_options
@web_options
@click.option(
    "--progress",
    is_flag=True,
    help="Show on standard error how far the steps are and how fast.",
)
@click.option(
    "--stop-timeout",
    type=Seconds(),
    envvar="CPPWAX_STOP_TIMEOUT",
    show_envvar=True,
    help="How long to go on delivering what is under way after SIGTERM.  [default: 1]",
)
@log_options
@bytewax_option
@_version_option
@click.pass_context
def _run_command(
    context: click.Context,
    /,
    import_str: str,
    workers_per_process: int | None,
    snapshot_interval: timedelta | None,
    **options: Any,
) -> _Request:
    """Run the dataflow that IMPORT_STR names.

    The dataflow runs on threads of this process, and of others if there are any, until its input
    ends, it fails, or a signal stops it.
    """
    processes = options.pop("processes")
    stop_timeout = options.pop("stop_timeout")
    bytewax = options.pop("bytewax")
    progress = options.pop("progress")
    recovery = recovery_of_options(options, context)
    web = web_of_options(options, context)
    # Only read here: what runs inside of click has its exceptions and signals handled by click.
    return _Request(
        context,
        import_str,
        1 if workers_per_process is None else workers_per_process,
        snapshot_interval,
        stop_timeout,
        cluster_of_options(context, **options) if processes is None else None,
        recovery,
        web,
        progress,
        _checked_processes(context, processes),
        bytewax,
    )


def _checked_processes(context: click.Context, processes: int | None) -> int:
    if processes is None:
        return 1
    why = "has no place beside -p/--processes, which starts all processes here and gives them "
    why += "addresses and a secret: leave it out"
    # An environment that makes this one of several processes elsewhere is not to be overlooked.
    for name in ("process_id", "addresses"):
        if context.params[name] is not None:
            raise click.UsageError(
                f"--{name.replace('_', '-')} {why}, or unset CPPWAX_{name.upper()}"
            )
    refuse_typed(context, ("bind", "tls_cert", "tls_key", "tls_ca"), why)
    return processes


@click.command("secret", short_help="Make a random secret for a cluster.")
def _secret_command() -> None:
    """Print a random secret, for the file that CPPWAX_CLUSTER_SECRET_FILE names."""
    click.echo(new_secret())


@click.group("cppwax", commands=[_run_command, _secret_command, state_group, visualize_command])
@_version_option
def _group() -> None:
    """Stream processing in Python on a C++ engine."""


def main(prog_name: str = _PROG_NAME) -> None:
    """Run `python -m cppwax.run` and exit with its code.

    Args:
        prog_name: How the command was named.
    """
    _end_undisturbed()
    sys.exit(_exit_code(_run_command, prog_name))


def main_group() -> None:
    """Run the console script `cppwax` and exit with its code."""
    # Modules of the current directory can be named, as with `python -m`.
    sys.path.insert(0, os.getcwd())
    _end_undisturbed()
    sys.exit(_exit_code(_group, "cppwax"))


def _end_undisturbed() -> None:
    """Let no SIGINT end the process with another code while the interpreter takes itself down."""
    # What is registered first is called last.
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)


def _exit_code(command: click.Command, prog_name: str) -> int:
    starter = _starter()
    request = read_command_line(command, prog_name)
    if isinstance(request, DrawingRequest):
        return request.carry_out()
    # The code of `--help` and `--version`, which make no request.
    if not isinstance(request, _Request):
        return int(request)
    if request.process_count > 1:
        from cppwax._local_processes import run_local_processes

        return run_local_processes(request.process_count, _arguments_of(request))
    return _run_request(request, starter)


def _starter() -> LocalProcess | None:
    """Find the process that has started this one by `-p`, if there is one."""
    if LOCAL_PROCESS_VARIABLE not in os.environ:
        return None
    # Imported here for its cost, as is what starts others: most runs are one process.
    from cppwax._local_processes import started_here

    return started_here()


def _arguments_of(request: _Request) -> list[str]:
    given = request.context.params
    arguments = ["-w", str(request.worker_count)]
    if given["recovery_directory"] is not None:
        arguments += ["--recovery-directory", given["recovery_directory"]]
        if given["backup_interval"] is not None:
            arguments += ["--backup-interval", str(given["backup_interval"].total_seconds())]
    for name in ("drop_state", "bytewax", "progress"):
        if given[name]:
            arguments.append(f"--{name.replace('_', '-')}")
    for name in ("snapshot_interval", "stop_timeout", "connect_timeout", "peer_timeout"):
        if given[name] is not None:
            arguments += [f"--{name.replace('_', '-')}", str(given[name].total_seconds())]
    if given["max_batch_bytes"] is not None:
        arguments += ["--max-batch-bytes", str(given["max_batch_bytes"])]
    arguments += [*arguments_of_logs(request.context), *arguments_of_web(request.web)]
    return [*arguments, "--", request.import_str]


def _run_request(request: _Request, starter: LocalProcess | None) -> int:
    try:
        flow = locate_for(request.import_str, bytewax=request.bytewax)
    except KeyboardInterrupt:
        return flush_stdout(EXIT_INTERRUPTED)
    except LocateError as ex:
        with _stderr_to(starter):
            return flush_stdout(exit_code_of_slip(ex, request.import_str, request.context))
    if starter is not None:
        starter.tell_found()
    run = partial(
        run_in_this_process,
        flow,
        worker_count=request.worker_count,
        on_caller_thread=request.worker_count == 1 and request.cluster is None,
        cluster=request.cluster,
        epoch_interval=request.epoch_interval,
        stop_timeout=request.stop_timeout,
        recovery_config=request.recovery.config,
        drop_state=request.recovery.drop_state,
        end_process=True,
    )
    go_on = partial(with_pages, request.web, flow)
    return exit_code_of(lambda: with_progress(request.progress, run, go_on))


@contextmanager
def _stderr_to(starter: LocalProcess | None) -> Iterator[None]:
    """Tell the starter what is written to standard error, as all processes would say the same."""
    if starter is None:
        yield
        return
    with redirect_stderr(StringIO()) as written:
        hook, sys.excepthook = sys.excepthook, sys.__excepthook__
        yield
        sys.excepthook = hook
    starter.tell_failure(written.getvalue())


def _parse_args() -> SimpleNamespace:
    """Read the command line, for programs that then call `cli_main` themselves."""
    try:
        context = _run_command.make_context(_PROG_NAME, sys.argv[1:])
    except click.ClickException as ex:
        ex.show()
        sys.exit(ex.exit_code)
    except click.exceptions.Exit as ex:
        sys.exit(ex.exit_code)
    params = context.params
    if params["bytewax"]:
        install_for_run()
    return SimpleNamespace(
        import_str=params["import_str"],
        recovery_directory=params["recovery_directory"],
        snapshot_interval=params["snapshot_interval"],
        backup_interval=params["backup_interval"],
        workers_per_process=params["workers_per_process"],
        process_id=params["process_id"],
        addresses=params["addresses"],
    )


_prepare_import = prepare_import
_locate_dataflow = locate_dataflow


if __name__ == "__main__":
    main()
elif __name__ == "__mp_main__":
    install_in_child()
