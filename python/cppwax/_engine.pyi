from datetime import timedelta
from typing import Literal

from cppwax._cluster import Cluster
from cppwax._entry import Recovery
from cppwax.dataflow import Dataflow

def init_store(folder: bytes, count: int) -> None: ...
def run(
    flow: Dataflow,
    *,
    worker_count: int = 1,
    on_caller_thread: bool = True,
    epoch_interval: timedelta | None = None,
    stop_timeout: timedelta | None = None,
    end_process: bool = False,
    cluster: Cluster | None = None,
    recovery: Recovery | None = None,
) -> Literal["eof", "aborted", "stopped", "abandoned"]: ...
