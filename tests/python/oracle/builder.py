"""Builds a generated flow with the library of a given name, and runs it."""

from __future__ import annotations

import importlib
from datetime import timedelta
from types import ModuleType
from typing import Any

from .generator import FlowSpec, Op

_FAR = timedelta(hours=1)


class Library:
    """The modules of `cppwax` or `bytewax` that a flow needs."""

    def __init__(self, name: str) -> None:
        """Import them."""
        self.op: ModuleType = importlib.import_module(f"{name}.operators")
        self.dataflow: ModuleType = importlib.import_module(f"{name}.dataflow")
        self.testing: ModuleType = importlib.import_module(f"{name}.testing")


def _sum_row(row: tuple[int | None, ...]) -> int:
    return sum((i + 1) * (-7 if side is None else side) for i, side in enumerate(row))


def _running_logic(lib: Library, limit: int) -> Any:
    class CountToLimit(lib.op.StatefulLogic):  # type: ignore[name-defined,misc]
        def __init__(self, seen: int | None) -> None:
            self.seen = seen or 0

        def on_item(self, value: int) -> tuple[list[int], bool]:
            self.seen += 1
            return ([self.seen * 100 + value], self.seen >= limit)

        def on_eof(self) -> tuple[list[int], bool]:
            return ([-self.seen], False)

        def snapshot(self) -> int:
            return self.seen

    return CountToLimit


def _batch_logic(lib: Library) -> Any:
    class SumOfEach(lib.op.StatefulBatchLogic):  # type: ignore[name-defined,misc]
        def __init__(self, total: int | None) -> None:
            self.total = total or 0

        def on_batch(self, values: list[int]) -> tuple[list[int], bool]:
            out = []
            for value in values:
                self.total += value
                out.append(self.total)
            return (out, False)

        def on_eof(self) -> tuple[list[int], bool]:
            return ([self.total * 1000], True)

        def snapshot(self) -> int:
            return self.total

    return SumOfEach


def _stateless(lib: Library, op: Op, up: Any) -> Any:
    n, c = op.params["n"], op.params["c"]
    name = f"s{op.downs[0]}"
    calls = {
        "map": lambda x: x * c + n,
        "filter": lambda x: x % n != 0,
        "flat_map": lambda x: range(x % n),
        "filter_map": lambda x: x - c if x % n else None,
        "flat_map_batch": lambda xs: [len(xs), sum(xs)],
        "key_on": lambda x: str(x % n),
        "map_value": lambda x: x * c - n,
        "filter_value": lambda x: x % n == 0,
        "flat_map_value": lambda x: [x, x + c][: x % 3],
        "filter_map_value": lambda x: None if x % n == 1 else x,
    }
    if op.kind in calls:
        return getattr(lib.op, op.kind)(name, up, calls[op.kind])
    if op.kind == "flatten":
        return lib.op.flatten(name, lib.op.map(f"{name}_lists", up, lambda x: [x] * (x % 3)))
    if op.kind == "inspect":
        return lib.op.inspect(name, up, lambda step_id, item: None)
    return getattr(lib.op, op.kind)(name, up)  # key_rm, redistribute


def _final(lib: Library, op: Op, up: Any) -> Any:
    name, n = f"s{op.downs[0]}", op.params["n"]
    if op.kind == "count_final":
        return lib.op.count_final(name, up, lambda x: str(x)[-1])
    if op.kind == "fold_final":
        return lib.op.fold_final(name, up, lambda: n, lambda total, x: total + x)
    if op.kind == "reduce_final":
        return lib.op.reduce_final(name, up, lambda a, b: a + b)
    return getattr(lib.op, op.kind)(name, up)  # max_final, min_final


def _keyed(lib: Library, op: Op, up: Any) -> Any:
    name, n, c = f"s{op.downs[0]}", op.params["n"], op.params["c"]

    def mapper(state: int | None, x: int) -> tuple[int | None, int]:
        total = (state or 0) + x
        return (None if total % n == 0 else total, total)

    def flat_mapper(state: int | None, x: int) -> tuple[int | None, list[int]]:
        total = (state or c) - x
        return (total, [total] * (x % 3))

    if op.kind == "stateful_map":
        return lib.op.stateful_map(name, up, mapper)
    if op.kind == "stateful_flat_map":
        return lib.op.stateful_flat_map(name, up, flat_mapper)
    if op.kind == "stateful":
        return lib.op.stateful(name, up, _running_logic(lib, n))
    if op.kind == "stateful_batch":
        return lib.op.stateful_batch(name, up, _batch_logic(lib))
    if op.kind == "enrich_cached":
        pairs = lib.op.enrich_cached(
            name, up, len, lambda cache, kv: (kv[0], kv[1] + cache.get(kv[0]))
        )
        return pairs
    lists = lib.op.collect(name, up, _FAR, n)
    return lib.op.map_value(f"{name}_sum", lists, lambda xs: sum(xs) * 10 + len(xs))


_STATELESS = {
    *("map", "filter", "flat_map", "filter_map", "flat_map_batch", "key_on", "map_value"),
    *("filter_value", "flat_map_value", "filter_map_value", "flatten", "inspect", "key_rm"),
    "redistribute",
}
_FINAL = {"count_final", "fold_final", "reduce_final", "max_final", "min_final"}


def _add(lib: Library, op: Op, streams: dict[int, Any], keyed: bool) -> None:
    ups = [streams[up] for up in op.ups]
    name = f"s{op.downs[0]}"
    if op.kind == "branch":
        value = (lambda x: x[1]) if keyed else (lambda x: x)
        out = lib.op.branch(name, ups[0], lambda x: value(x) % op.params["n"] == 0)
        streams[op.downs[0]], streams[op.downs[1]] = out.trues, out.falses
    elif op.kind == "merge":
        streams[op.downs[0]] = lib.op.merge(name, *ups)
    elif op.kind == "join":
        rows = lib.op.join(name, *ups, **op.params)
        streams[op.downs[0]] = lib.op.map_value(f"{name}_row", rows, _sum_row)
    elif op.kind in _STATELESS:
        streams[op.downs[0]] = _stateless(lib, op, ups[0])
    else:
        make = _final if op.kind in _FINAL else _keyed
        streams[op.downs[0]] = make(lib, op, ups[0])


def build_flow(lib: Library, spec: FlowSpec) -> tuple[Any, dict[int, list[Any]]]:
    """Build a generated flow.

    Args:
        lib: The library.
        spec: The flow.

    Returns:
        The flow, and the lists that its sinks will fill.
    """
    flow = lib.dataflow.Dataflow(f"flow_{spec.seed}")
    streams: dict[int, Any] = {}
    for i, (items, batch_size) in enumerate(spec.sources):
        streams[i] = lib.op.input(f"in{i}", flow, lib.testing.TestingSource(items, batch_size))
    for op in spec.ops:
        _add(lib, op, streams, spec.promises[op.ups[0]].keyed)
    arrived: dict[int, list[Any]] = {sink: [] for sink in spec.sinks}
    for sink in spec.sinks:
        lib.op.output(f"out{sink}", streams[sink], lib.testing.TestingSink(arrived[sink]))
    return flow, arrived


def run_flow(name: str, spec: FlowSpec, workers: int) -> dict[int, list[Any]]:
    """Run a generated flow.

    Args:
        name: The library, `cppwax` or `bytewax`.
        spec: The flow.
        workers: How many worker threads.

    Returns:
        What arrived at each sink, in order of arrival.
    """
    lib = Library(name)
    flow, arrived = build_flow(lib, spec)
    if workers == 1:
        lib.testing.run_main(flow)
    else:
        lib.testing.cluster_main(flow, [], 0, worker_count_per_proc=workers)
    return arrived
