"""What all entry points share: checks of their arguments, and the call of the engine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from cppwax.dataflow import Dataflow

if TYPE_CHECKING:
    from cppwax._cluster import Cluster
    from cppwax._watch.meters import Meters
    from cppwax.recovery import RecoveryConfig


@dataclass(frozen=True)
class Recovery:
    """How a run uses a recovery store; the engine reads the attributes."""

    folder: bytes
    backup_interval: timedelta
    drop_strange_states: bool
    """Remove states of steps that the flow does not have, or that keep none in it."""
    refuse_strange_states: bool
    """Refuse the store because of them."""


def new_meters() -> Meters:
    """Make what the engine counts into, for somebody who watches one run.

    Returns:
        The meters, for `run_in_this_process`.
    """
    from cppwax import _engine

    return _engine.Meters()


def run_in_this_process(
    flow: Dataflow,
    *,
    worker_count: int,
    on_caller_thread: bool,
    epoch_interval: timedelta | None,
    stop_timeout: timedelta | None = None,
    recovery_config: RecoveryConfig | None = None,
    drop_state: bool = False,
    end_process: bool = False,
    cluster: Cluster | None = None,
    meters: Meters | None = None,
) -> str:
    """Run a flow to its end on worker threads of this process.

    Args:
        flow: What to run.
        worker_count: How many workers to run.
        on_caller_thread: Run the only worker on the calling thread.
        epoch_interval: Time from one epoch to the next; `None` is 10 seconds.
        stop_timeout: How long a stopped run may take to deliver what is under way; `None` is one
            second.
        recovery_config: Where to keep states, and to go on from; `None` keeps none.
        drop_state: Remove states of steps that the flow does not have; else the command line
            (`end_process`) refuses them, and others leave them alone.
        end_process: A run that does not come to an end after a signal may end the process.
        cluster: The other processes, if there are any.
        meters: What to count into, from `new_meters`; `None` counts nothing.

    Returns:
        How it ended: "eof", "aborted", "stopped", or "abandoned" where the stop timeout was over.

    Raises:
        CppwaxRuntimeError: The flow failed.
        ClusterError: The processes could not meet, or one was lost.
        RecoveryError: The store cannot be used; see `cppwax.recovery` for others.
        KeyboardInterrupt: The run was interrupted.
        TypeError: An argument is of the wrong type.
        ValueError: There is no such number of workers.
    """
    if not isinstance(flow, Dataflow):
        kind = type(flow)
        if kind.__module__ == "bytewax.dataflow":
            raise TypeError(
                "flow must be a `Dataflow` of cppwax, not of Bytewax: call "
                "`cppwax.compat.install()` before the first import of bytewax"
            )
        raise TypeError(f"flow must be a `Dataflow`, not {kind.__name__}")
    recovery = _recovery_of(recovery_config, drop_state, end_process)
    if not isinstance(worker_count, int):
        raise TypeError(f"the number of workers must be an `int`, not {worker_count!r}")
    if worker_count < 1:
        raise ValueError(f"the number of workers must be at least 1, not {worker_count}")
    # Only a run needs the engine: a dataflow can be defined and drawn without it.
    from cppwax import _engine

    tracing = sys.modules.get("cppwax.tracing")
    if meters is None and tracing is not None and tracing._sends_spans():
        meters = new_meters()
    with _told(flow, worker_count, cluster, meters) as later:
        ending = _engine.run(
            flow,
            worker_count=worker_count,
            on_caller_thread=on_caller_thread,
            epoch_interval=epoch_interval,
            stop_timeout=stop_timeout,
            end_process=end_process,
            cluster=cluster,
            recovery=recovery,
            meters=cast("_engine.Meters | None", meters),
        )
        later["cppwax.ending"] = ending
    return ending


@contextmanager
def _told(
    flow: Dataflow, worker_count: int, cluster: Cluster | None, meters: Meters | None
) -> Iterator[dict[str, Any]]:
    """Log a run, and make a span of it, where the program has asked for these."""
    facts = {
        "cppwax.flow_id": flow.flow_id,
        "cppwax.process_id": 0 if cluster is None else cluster.process_id,
        "cppwax.processes": 1 if cluster is None else len(cluster.addresses),
        "cppwax.workers": worker_count,
    }
    # Whoever wants these has imported them; others are spared the time.
    logging, tracing = sys.modules.get("logging"), sys.modules.get("cppwax.tracing")
    info = logging.getLogger("cppwax.run").info if logging else _say_nothing
    with tracing._run_span(facts, meters) if tracing else nullcontext({}) as later:
        fields = _fields(facts)
        info("run begins: %s", _listed(fields), extra=fields)
        try:
            yield later
        except BaseException as ex:
            info("run failed: %s: %s", type(ex).__name__, ex, extra=fields)
            raise
        ended = _fields(later)
        info("run ended: %s", _listed(ended), extra=fields | ended)


def _say_nothing(*_words: object, extra: object) -> None:
    pass


def _fields(facts: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("cppwax."): value for name, value in facts.items()}


def _listed(fields: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in fields.items())


def _recovery_of(
    config: RecoveryConfig | None, drop_state: bool, is_command_line: bool
) -> Recovery | None:
    if config is None:
        return None
    from cppwax.recovery import RecoveryConfig

    if not isinstance(config, RecoveryConfig):
        raise TypeError(f"recovery_config must be a `RecoveryConfig` or None, not {config!r}")
    refuse = is_command_line and not drop_state
    return Recovery(os.fsencode(config.db_dir), config.backup_interval, drop_state, refuse)
