"""Steps that cut streams into windows of time; usually imported as `w` or by name.

A clock says when each value happened and, by a watermark, up to when everything is known. A
windower says which windows a time lies in. The step says what becomes of a window's values. Each
step gives three streams: `down`, what the windows emit; `late`, values that came too late; `meta`,
when closed windows began and ended. All carry the window's id.

Each key has a clock, a watermark and windows of its own; with `EventClock(watermark="worker")` the
keys of a step on a worker have one watermark. `docs/windowing.md` tells more, with pictures.

>>> from datetime import datetime, timedelta, timezone
>>> import cppwax.operators as op
>>> import cppwax.operators.windowing as w
>>> from cppwax.dataflow import Dataflow
>>> from cppwax.testing import TestingSink, TestingSource, run_main
>>> noon = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
>>> clock = w.EventClock(
...     lambda visit: noon + timedelta(minutes=visit["minute"]),
...     wait_for_system_duration=timedelta(minutes=1),
... )
>>> visits = [{"page": "/", "minute": m} for m in (0, 5, 9, 11, 12, 31)]
>>> counts = []
>>> flow = Dataflow("visits")
>>> stream = op.input("visits", flow, TestingSource(visits))
>>> windows = w.count_window("per_10_min", stream, clock,
...     w.TumblingWindower(length=timedelta(minutes=10), align_to=noon), lambda v: v["page"])
>>> op.output("out", windows.down, TestingSink(counts))
>>> run_main(flow)
>>> counts
[('/', (0, 3)), ('/', (1, 2)), ('/', (3, 1))]
"""

from cppwax.dataflow import KeyedStream as KeyedStream
from cppwax.dataflow import Stream as Stream
from cppwax.dataflow import operator as operator
from cppwax.operators._bytewax_names import DK as DK
from cppwax.operators._bytewax_names import DV as DV
from cppwax.operators._bytewax_names import SC as SC
from cppwax.operators._bytewax_names import SW as SW
from cppwax.operators._bytewax_names import C as C
from cppwax.operators._bytewax_names import S as S
from cppwax.operators._bytewax_names import U as U
from cppwax.operators._bytewax_names import V as V
from cppwax.operators._bytewax_names import W as W
from cppwax.operators._bytewax_names import W_co as W_co
from cppwax.operators._bytewax_names import X as X
from cppwax.operators._join import JoinEmitMode as JoinEmitMode
from cppwax.operators._join import JoinInsertMode as JoinInsertMode
from cppwax.operators._logic import StatefulBatchLogic as StatefulBatchLogic
from cppwax.operators.windowing._as_of_join import as_of_join
from cppwax.operators.windowing._clocks import Clock, ClockLogic, EventClock, SystemClock
from cppwax.operators.windowing._collect_window import collect_window
from cppwax.operators.windowing._fold import (
    count_window,
    fold_window,
    max_window,
    min_window,
    reduce_window,
)
from cppwax.operators.windowing._interval_join import IntervalJoinMode, interval_join
from cppwax.operators.windowing._join_window import join_window
from cppwax.operators.windowing._logic import WindowLogic
from cppwax.operators.windowing._sessions import LATE_SESSION_ID, SessionWindower
from cppwax.operators.windowing._times import UTC_MAX, UTC_MIN, ZERO_TD
from cppwax.operators.windowing._two_sides import TimeJoinOut
from cppwax.operators.windowing._window import EmitMode, WindowOut, window
from cppwax.operators.windowing._windowers import (
    SlidingWindower,
    TumblingWindower,
    Windower,
    WindowerLogic,
    WindowMetadata,
)

# Those imported `as` themselves are what programs written for Bytewax may also import from here.
__all__ = [
    "LATE_SESSION_ID",
    "UTC_MAX",
    "UTC_MIN",
    "ZERO_TD",
    "Clock",
    "ClockLogic",
    "EmitMode",
    "EventClock",
    "IntervalJoinMode",
    "SessionWindower",
    "SlidingWindower",
    "SystemClock",
    "TimeJoinOut",
    "TumblingWindower",
    "WindowLogic",
    "WindowMetadata",
    "WindowOut",
    "Windower",
    "WindowerLogic",
    "as_of_join",
    "collect_window",
    "count_window",
    "fold_window",
    "interval_join",
    "join_window",
    "max_window",
    "min_window",
    "reduce_window",
    "window",
]
