"""Measures all rows, or those that are named, and prints a table."""

from __future__ import annotations

import sys

from benchmarks import (
    batch_size_one,
    exchange,
    idle,
    keyed,
    own_source,
    recovery,
    scaling_threads,
    start,
    stateless_chain,
    windows,
    word_cost,
)
from benchmarks.harness import main

ROWS = (
    *stateless_chain.ROWS,
    *batch_size_one.ROWS,
    *own_source.ROWS,
    *word_cost.ROWS,
    *keyed.ROWS,
    *windows.CHOSEN,
    *exchange.ROWS,
    *scaling_threads.ROWS,
    *recovery.ROWS,
    *idle.ROWS,
    *start.ROWS,
)

if __name__ == "__main__":
    sys.exit(main(ROWS))
