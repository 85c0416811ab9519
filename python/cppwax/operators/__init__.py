"""The steps that a dataflow is made of; usually imported as `op`.

An operator takes the name of the new step, the streams it reads and what it should do, and
returns the stream that comes out. `cppwax.dataflow.operator` makes new operators of these.

What each says about itself: **Shape**, the streams in and out; **Order**, which items stay in
order; **State**, what it keeps between items, and snapshots; **Parallelism**, on which workers it
happens and whether items are moved there.

>>> import cppwax.operators as op
>>> from cppwax.dataflow import Dataflow
>>> from cppwax.testing import TestingSink, TestingSource, run_main
>>> counts = []
>>> flow = Dataflow("wordcount")
>>> lines = op.input("lines", flow, TestingSource(["to be", "or not to be"]))
>>> words = op.flat_map("words", lines, str.split)
>>> op.output("out", op.count_final("count", words, lambda word: word), TestingSink(counts))
>>> run_main(flow)
>>> counts
[('be', 2), ('not', 1), ('or', 1), ('to', 2)]
"""

from cppwax.dataflow import Dataflow as Dataflow
from cppwax.dataflow import KeyedStream
from cppwax.dataflow import Stream as Stream
from cppwax.dataflow import f_repr as f_repr
from cppwax.dataflow import operator as operator
from cppwax.inputs import Source as Source
from cppwax.operators import helpers
from cppwax.operators._bytewax_names import _EMPTY as _EMPTY
from cppwax.operators._bytewax_names import DK as DK
from cppwax.operators._bytewax_names import DV as DV
from cppwax.operators._bytewax_names import S as S
from cppwax.operators._bytewax_names import U as U
from cppwax.operators._bytewax_names import V as V
from cppwax.operators._bytewax_names import W as W
from cppwax.operators._bytewax_names import W_co as W_co
from cppwax.operators._bytewax_names import X as X
from cppwax.operators._bytewax_names import Y as Y
from cppwax.operators._bytewax_names import _get_system_utc as _get_system_utc
from cppwax.operators._bytewax_names import _JoinState as _JoinState
from cppwax.operators._collect import collect
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
from cppwax.operators._enrich import TTLCache, enrich_cached
from cppwax.operators._final import count_final, fold_final, max_final, min_final, reduce_final
from cppwax.operators._join import JoinEmitMode, JoinInsertMode, _join_label_merge, join
from cppwax.operators._keyed import (
    filter_map_value,
    filter_value,
    flat_map_value,
    key_on,
    key_rm,
    map_value,
)
from cppwax.operators._logic import StatefulBatchLogic, StatefulLogic
from cppwax.operators._stateful import stateful, stateful_flat_map, stateful_map
from cppwax.operators._stateless import (
    filter,
    filter_map,
    flat_map,
    flatten,
    inspect,
    map,
    raises,
)
from cppwax.outputs import DynamicSink as DynamicSink
from cppwax.outputs import Sink as Sink
from cppwax.outputs import StatelessSinkPartition as StatelessSinkPartition

# Those imported `as` themselves are what programs written for Bytewax may also import from here.
__all__ = [
    "BranchOut",
    "JoinEmitMode",
    "JoinInsertMode",
    "KeyedStream",
    "StatefulBatchLogic",
    "StatefulLogic",
    "TTLCache",
    "_join_label_merge",
    "_noop",
    "branch",
    "collect",
    "count_final",
    "enrich_cached",
    "filter",
    "filter_map",
    "filter_map_value",
    "filter_value",
    "flat_map",
    "flat_map_batch",
    "flat_map_value",
    "flatten",
    "fold_final",
    "helpers",
    "input",
    "inspect",
    "inspect_debug",
    "join",
    "key_on",
    "key_rm",
    "map",
    "map_value",
    "max_final",
    "merge",
    "min_final",
    "output",
    "raises",
    "redistribute",
    "reduce_final",
    "stateful",
    "stateful_batch",
    "stateful_flat_map",
    "stateful_map",
]
