from datetime import timedelta
from typing import Literal

from cppwax.dataflow import Dataflow

def run(
    flow: Dataflow,
    *,
    worker_count: int = 1,
    on_caller_thread: bool = True,
    epoch_interval: timedelta | None = None,
    stop_timeout: timedelta | None = None,
    end_process: bool = False,
) -> Literal["eof", "aborted", "stopped", "abandoned"]: ...
