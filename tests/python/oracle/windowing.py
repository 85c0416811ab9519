"""Compares random window steps on Bytewax and on cppwax: `python -m tests.python.oracle.windowing`.

In two ways. The logic of one key is driven by hand, with a system time that the test sets, batches,
notifications and restarts. And whole flows run, several keys together.
"""

from __future__ import annotations

import argparse
import importlib
import pickle
import random
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from .windowing_cases import ZERO, Case, Meta, Step, Times, add_step, make_case, make_schedule, told

_STREAMS = ("down", "late", "meta")


class _Library:
    def __init__(self, name: str) -> None:
        self.op = importlib.import_module(f"{name}.operators")
        self.w = importlib.import_module(f"{name}.operators.windowing")
        self.flow = importlib.import_module(f"{name}.dataflow").Dataflow("flow")
        self.testing = importlib.import_module(f"{name}.testing")


def _find_builder(step: Any) -> Any:
    if type(step).__name__ == "stateful_batch":
        return step.builder
    return next(filter(None, map(_find_builder, step.substeps)), None)


def _builder(name: str, case: Case, now: Callable[[], datetime]) -> Any:
    lib = _Library(name)
    count = 2 if case.kind == "join" else 1
    source = lib.testing.TestingSource
    ups = [lib.op.input(f"in{i}", lib.flow, source([])) for i in range(count)]
    add_step(lib.w, case, ups, now)
    return _find_builder(lib.flow.substeps[-1])


def tree_of(name: str, kind: str) -> Any:
    """Give the inner steps of a window step: operators, ids, and the streams of their ports."""
    lib = _Library(name)
    case = replace(make_case(random.Random(0)), kind=kind)
    source = lib.testing.TestingSource
    ups = [lib.op.input(f"in{i}", lib.flow, source([])) for i in range(2)]
    add_step(lib.w, case, ups if kind == "join" else ups[:1], lambda: ZERO)

    def of(step: Any) -> Any:
        ports = [(n, vars(getattr(step, n))) for n in (*step.ups_names, *step.dwn_names)]
        return (type(step).__name__, step.step_id, ports, [of(inner) for inner in step.substeps])

    return of(lib.flow.substeps[-1])


def _value(case: Case, value: tuple[int, int]) -> Any:
    if case.kind == "count":
        return ("key", value)
    return (value[1] % 2, value) if case.kind == "join" else value


def run_key(name: str, case: Case, schedule: list[Step]) -> list[Any]:
    """Drive the logic of one key.

    Args:
        name: The library, `cppwax` or `bytewax`.
        case: The window step.
        schedule: What happens to it.

    Returns:
        For each step of the schedule what was emitted, and whether the key was discarded.
    """
    passed = [0]
    builder = _builder(name, case, lambda: ZERO + timedelta(seconds=passed[0]))
    logic = None
    answers = []
    for step in schedule:
        passed[0] += step.passed
        if logic is None:
            if step.kind != "batch":
                continue
            logic = builder(None)
        if step.kind == "restart":
            logic = builder(pickle.loads(pickle.dumps(logic.snapshot())))
            continue
        if step.kind == "batch":
            emitted, discard = logic.on_batch([_value(case, v) for v in step.values])
        else:
            emitted, discard = logic.on_notify() if step.kind == "notify" else logic.on_eof()
        answers.append(([(*event[:2], told(event[2])) for event in emitted], discard))
        if discard:
            logic = None
    return answers


def run_flow(name: str, case: Case, sources: list[list[Any]], options: tuple[int, int]) -> Any:
    """Run a flow of a window step.

    Args:
        name: The library.
        case: The step.
        sources: The items of each source.
        options: Batch size, number of workers.

    Returns:
        Of each stream, what each key emitted, in order.
    """
    batch, workers = options
    lib = _Library(name)
    ups = [
        lib.op.input(f"in{i}", lib.flow, lib.testing.TestingSource(items, batch))
        for i, items in enumerate(sources)
    ]
    out = add_step(lib.w, case, ups, lambda: ZERO)
    arrived: dict[str, list[Any]] = {stream: [] for stream in _STREAMS}
    for stream in _STREAMS:
        sink = lib.testing.TestingSink(arrived[stream])
        lib.op.output(stream, getattr(out, stream), sink)
    if workers == 1:
        lib.testing.run_main(lib.flow)
    else:
        lib.testing.cluster_main(lib.flow, [], 0, worker_count_per_proc=workers)
    by_key: dict[tuple[str, str], list[Any]] = {}
    for stream, items in arrived.items():
        for key, (window_id, value) in items:
            by_key.setdefault((stream, key), []).append((window_id, told(value)))
    return sorted(by_key.items())


def _items(rng: random.Random, count: int) -> list[list[Any]]:
    times = {key: Times(rng) for key in "abcde"}
    sources: list[list[Any]] = [[] for _ in range(count)]
    for number in range(rng.choice((0, 1, 20, 100))):
        key = rng.choice("abcde")
        sources[rng.randrange(count)].append((key, (times[key].next(), number)))
    return sources


def key_difference(seed: int) -> str | None:
    """Drive the key of a seed on both libraries; tell what differs."""
    rng = random.Random(seed)
    case, schedule = make_case(rng), make_schedule(rng)
    theirs, ours = (run_key(name, case, schedule) for name in ("bytewax", "cppwax"))
    if agree(theirs, ours):
        return None
    return _text(seed, case, theirs, ours) + "\n".join(f"\n  {step}" for step in schedule)


def flow_difference(seed: int) -> str | None:
    """Run the flow of a seed on both libraries; tell what differs."""
    rng = random.Random(seed)
    case = make_case(rng)
    sources = _items(rng, 2 if case.kind == "join" else 1)
    batch = rng.choice((1, 2, 10))
    workers = 1 if case.kind == "join" or case.merges_sessions else rng.choice((1, 3))
    if case.kind == "join" and case.merges_sessions:
        case = replace(case, ordered=True)
    found = [run_flow(name, case, sources, (batch, workers)) for name in ("bytewax", "cppwax")]
    if case.kind == "join" or workers > 1:
        # From several sources or workers batches may come joined; it shows in the order in which
        # windows close. (And in sessions that merge, which they do after a batch.)
        found = [[(of, sorted(items, key=itemgetter(0))) for of, items in one] for one in found]
    if agree(*found):
        return None
    return _text(seed, case, *found) + f"\n  {batch} {workers} {sources}"


def agree(theirs: Any, ours: Any) -> bool:
    """Tell whether two results are the same.

    One thing is not taken over from Bytewax: where a session merges that others have merged into
    before, it forgets the ids of these; nothing tells then what became of their values.
    """
    if isinstance(theirs, (list, tuple)) and type(theirs) is type(ours):
        return len(theirs) == len(ours) and all(map(agree, theirs, ours))
    if isinstance(theirs, Meta) and isinstance(ours, Meta):
        same_times = (theirs.open_time, theirs.close_time) == (ours.open_time, ours.close_time)
        return same_times and theirs.merged_ids <= ours.merged_ids
    return bool(theirs == ours)


def _text(seed: int, case: Case, theirs: Any, ours: Any) -> str:
    return f"seed {seed}: {case}\n  bytewax {theirs}\n  cppwax  {ours}\n"


def main() -> int:
    """Compare many seeds; print the differences.

    Returns:
        The exit code: 1 if anything differs.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--seeds", type=int, default=1000, help="how many seeds")
    parser.add_argument("--what", choices=("key", "flow"), nargs="+", default=["key", "flow"])
    args = parser.parse_args()
    compare = {"key": key_difference, "flow": flow_difference}
    seeds = range(args.first, args.first + args.seeds)
    found = [f"{what}: {text}" for what in args.what for s in seeds if (text := compare[what](s))]
    print("\n\n".join(found))
    print(f"{args.seeds} seeds of {' and '.join(args.what)}: {len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
