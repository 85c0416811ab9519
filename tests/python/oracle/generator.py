"""Makes random flows as plain data, so that any library of the same API can build them.

A flow is a list of `Op`s over numbered streams. The generator keeps track of what a stream
promises (keyed or not, order, source batches still whole), and adds only steps whose output is
determined by the API's promises: where the order of items is open, nothing may depend on it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Op:
    """One step: its kind, the streams it takes and makes, and parameters."""

    kind: str
    ups: tuple[int, ...]
    downs: tuple[int, ...]
    params: dict[str, Any]


@dataclass(frozen=True)
class Promise:
    """What is promised of a stream."""

    keyed: bool
    # Items come in one defined order (of each key, if keyed).
    ordered: bool
    # `flat_map_batch` sees the source's batches.
    whole_batches: bool


@dataclass
class FlowSpec:
    """A random flow; `sinks` are the streams whose items are compared."""

    seed: int
    sources: list[tuple[list[int], int]] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    sinks: list[int] = field(default_factory=list)
    promises: dict[int, Promise] = field(default_factory=dict)


_UNKEYED = (
    *("map", "filter", "flat_map", "filter_map", "flatten", "inspect", "branch"),
    *("key_on",) * 6,
)
_BATCHED = ("flat_map_batch",)
_KEYED = ("map_value", "filter_value", "flat_map_value", "filter_map_value", "key_rm", "branch")
_FINAL = ("count_final", "fold_final", "reduce_final", "max_final", "min_final")
_RUNNING = ("stateful_map", "stateful_flat_map", "stateful", "stateful_batch", "collect")


class _Maker:
    def __init__(self, seed: int, workers: int) -> None:
        self.rng = random.Random(seed)
        self.workers = workers
        self.spec = FlowSpec(seed)
        self.next_stream = 0
        self.unused: list[int] = []

    def make(self) -> FlowSpec:
        for _ in range(self.rng.choice((1, 1, 1, 2, 3))):
            self._source()
        for _ in range(self.rng.randint(1, 10)):
            self._step()
        self.spec.sinks = sorted(self.unused)
        return self.spec

    def _stream(self, promise: Promise) -> int:
        stream = self.next_stream
        self.next_stream += 1
        self.spec.promises[stream] = promise
        self.unused.append(stream)
        return stream

    def _source(self) -> None:
        count = self.rng.choice((0, 1, 5, 20, 60))
        items = [self.rng.randint(-20, 99) for _ in range(count)]
        self.spec.sources.append((items, self.rng.choice((1, 1, 2, 3, 10))))
        self._stream(Promise(keyed=False, ordered=True, whole_batches=True))

    def _take(self, candidates: list[int]) -> int:
        stream = self.rng.choice(candidates)
        # A tenth stays for a second consumer.
        if stream in self.unused and self.rng.random() > 0.1:
            self.unused.remove(stream)
        return stream

    def _step(self) -> None:
        up = self._take(self.unused or list(self.spec.promises))
        promise = self.spec.promises[up]
        kinds: list[str] = list(_KEYED if promise.keyed else _UNKEYED) + ["merge"]
        kinds.append("redistribute")
        if promise.whole_batches and not promise.keyed:
            kinds += _BATCHED
        if promise.keyed:
            kinds += _FINAL
            kinds.append("enrich_cached")
            if promise.ordered:
                kinds += [*_RUNNING, *_RUNNING, "join", "join", "join"]
        else:
            kinds.append("count_final")
        self._add(self.rng.choice(kinds), up, promise)

    def _add(self, kind: str, up: int, promise: Promise) -> None:
        if kind == "merge":
            self._merge(self._more_ups(up, promise, ordered=False), promise.keyed)
            return
        if kind == "join":
            self._join(self._more_ups(up, promise, ordered=True))
            return
        params = {"n": self.rng.randint(2, 7), "c": self.rng.randint(-5, 5)}
        down = self._after(kind, promise)
        downs = [self._stream(down)]
        if kind == "branch":
            downs.append(self._stream(down))
        self.spec.ops.append(Op(kind, (up,), tuple(downs), params))

    def _merge(self, ups: list[int], keyed: bool) -> None:
        together = [self.spec.promises[s] for s in ups]
        # Rounds of several senders interleave in a defined way on one worker only.
        whole = all(p.whole_batches for p in together)
        ordered = len(ups) == 1 and together[0].ordered or whole and self.workers == 1
        # Batches that arrive together may become one.
        down = self._stream(Promise(keyed, ordered, whole and len(ups) == 1))
        self.spec.ops.append(Op("merge", tuple(ups), (down,), {}))

    def _join(self, ups: list[int]) -> None:
        together = [self.spec.promises[s] for s in ups]
        if self.workers == 1 and all(p.whole_batches for p in together):
            insert = self.rng.choice(("first", "last", "product"))
            emit = self.rng.choice(("complete", "final", "running"))
        else:
            # Whatever comes first between the sides: each side's own order decides.
            insert, emit = self.rng.choice(("first", "last")), "final"
        params = {"insert_mode": insert, "emit_mode": emit}
        down = self._stream(Promise(keyed=True, ordered=False, whole_batches=False))
        self.spec.ops.append(Op("join", tuple(ups), (down,), params))

    def _more_ups(self, up: int, like: Promise, ordered: bool) -> list[int]:
        promises = self.spec.promises
        fitting = [
            s
            for s in self.unused
            if promises[s].keyed == like.keyed and (promises[s].ordered or not ordered)
        ]
        count = min(len(fitting), self.rng.randint(1, 2))
        return list(dict.fromkeys([up, *(self._take(fitting) for _ in range(count))]))

    def _after(self, kind: str, promise: Promise) -> Promise:
        keyed, ordered, whole = promise.keyed, promise.ordered, promise.whole_batches
        if kind == "redistribute" and self.workers > 1:
            return Promise(keyed, False, False)
        if kind == "key_on":
            return Promise(True, ordered, whole)
        if kind == "key_rm":
            # Of all keys together no order is promised once a keyed step had them.
            return Promise(False, whole, whole)
        if kind in _FINAL or kind == "count_final":
            return Promise(True, ordered=False, whole_batches=False)
        if kind in _RUNNING:
            return Promise(True, ordered, whole_batches=False)
        return Promise(keyed, ordered, whole)


def make_flow(seed: int, workers: int) -> FlowSpec:
    """Make the flow of a seed.

    Args:
        seed: Determines the flow, together with `workers`.
        workers: How many workers it will run on; with several, less is promised.

    Returns:
        The flow as data.
    """
    return _Maker(seed, workers).make()
