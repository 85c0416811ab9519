"""What does a word cost in a word count (flat_map, count_final), with the lines in memory?"""

from __future__ import annotations

import random
import sys
from collections import Counter
from itertools import chain
from typing import Any

from benchmarks.harness import main
from benchmarks.workload import (
    BATCH,
    GRAIN,
    Library,
    Workload,
    at_most,
    batches,
    part_of,
    repeated,
)

_WORDS_A_LINE = 10


def itself(word: str) -> str:
    """Use a word as its own key."""
    return word


class WordCost(Workload):
    """See the module."""

    name = "word_cost"
    title = (
        "flat_map, count_final; lines of 10 words, 20,000 different ones; batches of 1,000 lines"
    )
    unit = "ns a word"
    bars = (part_of("must", 6), at_most("should", 1.2))

    def prepare(self, count: int, setting: int) -> None:
        """See base class."""
        rng = random.Random(1)
        vocabulary = [f"word{n}" for n in range(20_000)]
        weights = [1 / (rank + 1) for rank in range(len(vocabulary))]
        drawn = iter(rng.choices(vocabulary, weights, k=GRAIN))
        block = [" ".join(ten) for ten in zip(*[drawn] * _WORDS_A_LINE, strict=True)]
        self._blocks = count // GRAIN
        self._once = Counter(word for line in block for word in line.split())
        self._lines = repeated(block, count // _WORDS_A_LINE)
        self._out: list[tuple[str, int]] = []

    def flow(self, library: Library) -> Any:
        """See base class."""
        op, testing = library.op, library.testing
        flow = library.dataflow.Dataflow(self.name)
        lines = op.input("lines", flow, testing.TestingSource(self._lines, BATCH))
        counts = op.count_final("count", op.flat_map("words", lines, str.split), itself)
        op.output("out", counts, testing.TestingSink(self._out))
        return flow

    def loop(self) -> None:
        """See base class."""
        counts: Counter[str] = Counter()
        for batch in batches(self._lines):
            counts.update(map(itself, chain.from_iterable(map(str.split, batch))))
        self._out += counts.items()

    def is_right(self) -> bool:
        """See base class."""
        expected = {word: times * self._blocks for word, times in self._once.items()}
        if not self._blocks:
            expected = {}
        return dict(self._out) == expected and len(self._out) == len(expected)


ROWS = (WordCost(),)

if __name__ == "__main__":
    sys.exit(main(ROWS))
