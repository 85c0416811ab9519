"""The steps that a dataflow is made of; usually imported as `op`."""

from cppwax.dataflow import KeyedStream
from cppwax.operators._core import (
    BranchOut,
    _noop,
    branch,
    flat_map_batch,
    input,
    inspect_debug,
    merge,
    output,
    redistribute,
    stateful_batch,
)
from cppwax.operators._logic import StatefulBatchLogic, StatefulLogic

__all__ = [
    "BranchOut",
    "KeyedStream",
    "StatefulBatchLogic",
    "StatefulLogic",
    "_noop",
    "branch",
    "flat_map_batch",
    "input",
    "inspect_debug",
    "merge",
    "output",
    "redistribute",
    "stateful_batch",
]
