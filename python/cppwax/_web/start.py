"""The way from a run to its pages; costs nothing where there are none."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cppwax._entry import new_meters
from cppwax._web.settings import WebSettings
from cppwax.dataflow import Dataflow

if TYPE_CHECKING:
    from cppwax._cluster import Cluster


def with_pages(settings: WebSettings | None, flow: Dataflow, run: partial[str]) -> str:
    """Run a dataflow, and serve pages about it if they are wanted.

    Args:
        settings: Where the first process of each host serves them; `None` for no pages.
        flow: The dataflow.
        run: The call of `run_in_this_process`.

    Returns:
        What that returns; what it raises is raised.
    """
    if settings is None:
        return run()
    # Imported here for its cost, as is the server.
    from cppwax._web.server import run_with_pages
    from cppwax._web.state import RunState

    if run.keywords.get("meters") is None:
        run = partial(run, meters=new_meters())
    cluster: Cluster | None = run.keywords["cluster"]
    state = RunState(flow, worker_count=run.keywords["worker_count"])
    state.meters = run.keywords["meters"]
    if cluster is not None:
        state.process_id, state.process_count = cluster.process_id, len(cluster.addresses)
        state.neighbours = settings.neighbours(cluster)
    return run_with_pages(settings.of_process(cluster), state, run)
