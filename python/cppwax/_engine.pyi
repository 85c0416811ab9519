from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, TypedDict, final

from cppwax._cluster import Cluster
from cppwax._entry import Recovery
from cppwax.dataflow import Dataflow, Operator

# A type of the stub alone.
class _StoreFacts(TypedDict):
    flow_id: str
    resume_epoch: int
    executions: int
    partitions: list[tuple[str, int, int, int]]
    steps: list[tuple[str, int, int, int, int, int]]
    warnings: list[str]

def init_store(folder: bytes, count: int) -> None: ...

@final
class Meters:
    BOUNDS: tuple[float, ...]
    def __init__(self) -> None: ...
    def steps(self) -> list[tuple[str, int, int, int, int, float, float]]: ...
    def times(
        self,
    ) -> list[tuple[str, int, tuple[int, ...], float, tuple[int, ...], float]]: ...
    def places(
        self,
    ) -> list[tuple[str, int, int, float | None, float | None, float | None]]: ...
    def workers(
        self,
    ) -> list[tuple[int, Literal["starting", "running", "stopping", "ended"]]]: ...
    def hot_keys(self) -> list[tuple[str, int, int, list[tuple[str, int]]]]: ...
    def epochs(self) -> list[tuple[int, int, int]]: ...

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
    meters: Meters | None = None,
) -> Literal["eof", "aborted", "stopped", "abandoned"]: ...

class OpenStore:
    def __init__(self, folders: list[bytes]) -> None: ...
    def facts(self) -> _StoreFacts: ...
    def each_state(
        self, take: Callable[[str, list[tuple[str, int, bytes]]], Any], step: str | None = None
    ) -> None: ...
    def find_state(self, step: str, key: str) -> tuple[int, bytes] | None: ...
    def close(self) -> None: ...

def drop_states(folders: list[bytes], step: str, key: str | None) -> None: ...
def stateful_steps(
    flow: Dataflow,
) -> list[tuple[str, Literal["keyed", "source", "sink"], Operator]]: ...
