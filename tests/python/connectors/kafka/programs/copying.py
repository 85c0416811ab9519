"""A flow that copies a topic, exactly once, and dies where it is told to.

Its environment: BROKER, one or more with commas; FROM, TO; ID, empty for one without transactions,
and LINGER_MS of that; TAIL=1 for one that waits for more; BATCH, the size of one; SLOW_S, a pause
for each; CRASH, as in `commit:2`: the second call of that place kills the process.
"""

import os
import signal
import threading
from typing import Any

import cppwax.operators as op
from cppwax.connectors.kafka import _sink, _transactions
from cppwax.connectors.kafka import operators as kop
from cppwax.dataflow import Dataflow

_place, _, _number = os.environ.get("CRASH", "none:0").partition(":")
_calls = 0


def crash_before(owner: Any, name: str, after: bool = False) -> None:
    """Let a call of a method be the process's last."""
    method = getattr(owner, name)

    def dying(*args: Any, **kwargs: Any) -> Any:
        global _calls
        _calls += 1
        due = _calls == int(_number)
        if due and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = method(*args, **kwargs)
        if due:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, dying)


class Dying:
    """A producer of which one call is the last."""

    def __init__(self, producer: Any) -> None:
        self._producer = producer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    def __len__(self) -> int:
        return len(self._producer)


Part = _transactions.KafkaTransactionalSinkPartition
if _place in ("prepare", "committed"):
    crash_before(Part, _place)
elif _place == "after committed":
    crash_before(Part, "committed", after=True)
elif _place.removeprefix("after ") in ("write_batch", "end_epoch"):
    _name = _place.removeprefix("after ")
    crash_before(_sink.KafkaSinkPartition, _name, after=_place.startswith("after "))
elif _place != "none":
    _init = Part._init_transactions

    def _started(self: Any) -> None:
        _init(self)
        producer = Dying(self._producing.producer)
        name = _place.removeprefix("after ")
        crash_before(producer, name, after=_place.startswith("after "))
        self._producing.producer = producer
        if name == "produce":
            self._producing._produce = producer.produce

    Part._init_transactions = _started  # type: ignore[method-assign]


def slowly(messages: list[Any]) -> list[Any]:
    """Take a little while for a batch."""
    threading.Event().wait(float(os.environ.get("SLOW_S", "0")))
    return messages


def get_flow() -> Dataflow:
    """Build it."""
    brokers = os.environ["BROKER"].split(",")
    id_ = os.environ["ID"] or None
    add_config = None if id_ else {"linger.ms": os.environ.get("LINGER_MS", "5")}
    flow = Dataflow("copying")
    read = kop.input(
        "inp",
        flow,
        brokers=brokers,
        topics=[os.environ["FROM"]],
        tail=os.environ.get("TAIL") == "1",
        batch_size=int(os.environ.get("BATCH", "20")),
    )
    op.raises("errors", read.errs)
    slow = op.flat_map_batch("slow", read.oks, slowly)
    kop.output(
        "out",
        slow,
        brokers=brokers,
        topic=os.environ["TO"],
        transactional_id=id_,
        producer_count=2,
        add_config=add_config,
    )
    return flow
