"""The exceptions a run can end with.

Their tree::

    RuntimeError
    ├── CppwaxRuntimeError      a run failed; `__cause__` leads to the exception that made it fail
    │   ├── ClusterError        the processes of a cluster could not meet, or lost each other
    │   ├── RecoveryError       the recovery store could not be read or written
    │   └── RemoteError         the run failed on another process of the cluster
    └── cppwax.inputs.AbortExecution    raised by a source to end a run at once; never leaves a run

`CppwaxRuntimeError` is also importable as `BytewaxRuntimeError`, its name in Bytewax.

Wrong arguments are `TypeError` or `ValueError`. Streams of different flows or different operators
that meet in one step are an `AssertionError`, raised where the step is defined.
"""

__all__ = [
    "BytewaxRuntimeError",
    "ClusterError",
    "CppwaxRuntimeError",
    "RecoveryError",
    "RemoteError",
]


class CppwaxRuntimeError(RuntimeError):
    """A run failed.

    The message names the step, the worker, the process and the epoch as far as they are known.
    The exception that user code raised is at the end of the `__cause__` chain, with its traceback.
    """


class ClusterError(CppwaxRuntimeError):
    """The processes of a cluster could not connect, did not agree, or lost each other."""


class RecoveryError(CppwaxRuntimeError):
    """The recovery store is damaged, belongs to another flow, or could not be written."""


class RemoteError(CppwaxRuntimeError):
    """The run failed on another process; the message tells which one and why."""


BytewaxRuntimeError = CppwaxRuntimeError
