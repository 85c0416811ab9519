"""The way from a run to its progress on standard error; costs nothing where it is not wanted."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from cppwax._entry import new_meters

if TYPE_CHECKING:
    from cppwax._cluster import Cluster


def with_progress(is_wanted: bool, run: partial[str], go_on: Callable[[partial[str]], str]) -> str:
    """Run a dataflow, and show on standard error how far it is if that is wanted.

    Args:
        is_wanted: Whether it is.
        run: The call of `run_in_this_process`.
        go_on: Makes the call, which it is given with meters.

    Returns:
        What that returns; what it raises is raised.
    """
    if not is_wanted:
        return go_on(run)
    # Imported here for its cost.
    from cppwax._watch.figures import Watch
    from cppwax._watch.progress import shown_meanwhile

    run = partial(run, meters=new_meters())
    watch = Watch(run.args[0], run.keywords["meters"], time.monotonic)
    cluster: Cluster | None = run.keywords["cluster"]
    name = "cppwax" if cluster is None else f"cppwax: process {cluster.process_id}"
    with shown_meanwhile(watch, name):
        return go_on(run)
