"""A dataflow as plain data: steps, the streams between them, the scopes that hold them.

Nothing here runs anything and nothing here imports the engine, so a `Dataflow` can be copied,
compared and drawn. Operators (`cppwax.operators`) add steps to it; `operator` makes new operators
out of existing ones.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from types import FunctionType
from typing import (
    Any,
    ClassVar,
    Concatenate,
    Generic,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypeVar,
    overload,
    runtime_checkable,
)

from typing_extensions import Self

__all__ = [
    "Dataflow",
    "DataflowId",
    "KeyedStream",
    "MultiPort",
    "Operator",
    "Port",
    "SinglePort",
    "Stream",
    "f_repr",
    "operator",
]

X_co = TypeVar("X_co", covariant=True)
V = TypeVar("V")
N = TypeVar("N")
R = TypeVar("R")
P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])


def f_repr(f: Any) -> str:
    """Describe a callable so that its definition can be found.

    Args:
        f: The callable; any other object is described too.

    Returns:
        Module, name and line for a Python function, else `repr(f)`.

    >>> f_repr(len)
    '<built-in function len>'
    """
    if isinstance(f, FunctionType):
        place = f"{f.__module__}.{f.__qualname__}"
        return f"<function {place!r} line {f.__code__.co_firstlineno}>"
    return repr(f)


@runtime_checkable
class Port(Protocol):
    """An input or output of a step."""

    @property
    def port_id(self) -> str:
        """Step id and port name, joined with a period."""
        ...

    @property
    def stream_ids(self) -> dict[Any, str]:
        """The ids of the streams that meet in this port."""
        ...


@dataclass(frozen=True)
class SinglePort:
    """A port of one stream."""

    port_id: str
    stream_id: str

    @property
    def stream_ids(self) -> dict[str, str]:
        """The id of the one stream, under the name `stream`."""
        return {"stream": self.stream_id}


@dataclass(frozen=True)
class MultiPort(Generic[N]):
    """A port of any number of streams.

    `stream_ids` has a number for each stream of an `*args` parameter, in order, and the given name
    for each one of a `**kwargs` parameter.
    """

    port_id: str
    stream_ids: dict[N, str]


@dataclass(frozen=True)
class Operator:
    """A step of a flow: base of the data class that each operator has.

    Such a class bears the operator's name and has a field for each argument and each result of it;
    streams are told by the ports among these fields.
    """

    core: ClassVar[bool] = False
    """Whether the engine runs the step itself; else its `substeps` say what is run."""
    ups_names: ClassVar[list[str]] = []
    """Names of the fields that hold input ports."""
    dwn_names: ClassVar[list[str]] = []
    """Names of the fields that hold output ports."""

    step_name: str
    """The name given where the operator was called."""
    step_id: str
    """The step names from the flow down to this step, joined with periods."""
    substeps: list["Operator"]
    """The steps that the operator added inside this one, in order."""


@dataclass(frozen=True)
class _CoreOperator(Operator):
    """A step that the engine runs itself."""

    core: ClassVar[bool] = True


# Scopes are told apart by identity: two flows of one name are still two flows.
@dataclass(frozen=True, eq=False)
class _Scope:
    """The place that new steps are added to: a flow, or a step being defined."""

    parent_id: str
    substeps: list[Operator] = field(repr=False)
    flow: "Dataflow" = field(repr=False)
    used_ids: set[str] = field(default_factory=set, repr=False)
    """The ids of the steps, as far as they were looked at."""


@dataclass(frozen=True)
class DataflowId:
    """Stands for a `Dataflow` in a step that was given one."""

    flow_id: str


def _has_utf8(name: str) -> bool:
    # Names go where only UTF-8 can: into messages, metrics, files.
    try:
        str.encode(name)
    except UnicodeEncodeError:
        return False
    return True


@dataclass(frozen=True)
class Dataflow:
    """A flow that steps are added to by calling operators.

    Args:
        flow_id: Names the flow in step ids, and in the recovery store; without periods.
        substeps: The steps of the flow; filled by operators.

    Raises:
        TypeError: If `flow_id` is not a `str`.
        ValueError: If `flow_id` has a period or a lone surrogate in it.

    >>> import cppwax.operators as op
    >>> from cppwax.testing import TestingSource
    >>> flow = Dataflow("numbers")
    >>> stream = op.input("inp", flow, TestingSource([1, 2, 3]))
    >>> [step.step_id for step in flow.substeps]
    ['numbers.inp']
    """

    flow_id: str
    substeps: list[Operator] = field(default_factory=list)
    _scope: _Scope = field(default=None, compare=False)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Check the id and open the flow's own scope."""
        if not isinstance(self.flow_id, str):
            raise TypeError(f"flow ID must be a `str`; got {type(self.flow_id)}")
        if "." in self.flow_id:
            raise ValueError(
                f"flow ID can't contain a period `.` but is {self.flow_id!r}; IDs can't contain "
                "any periods because step IDs are joined with them"
            )
        if not _has_utf8(self.flow_id):
            raise ValueError(f"flow ID can't contain lone surrogates but is {self.flow_id!r}")
        if self._scope is None:
            object.__setattr__(self, "_scope", _Scope(self.flow_id, self.substeps, self))

    def _with_scope(self, scope: _Scope) -> Self:
        return dataclasses.replace(self, _scope=scope)


@dataclass(frozen=True)
class Stream(Generic[X_co]):
    """What flows from one step to others; returned by operators and given to them.

    Any number of steps can be given the same stream; each sees all of its items.
    """

    stream_id: str
    _scope: _Scope = field(compare=False)

    def flow(self) -> Dataflow:
        """Give the flow that this stream belongs to.

        Returns:
            The flow; within an operator that is being defined, steps added through it become
            steps of that operator.
        """
        flow = self._scope.flow
        return flow if self._scope is flow._scope else flow._with_scope(self._scope)

    def then(
        self,
        op_fn: Callable[Concatenate[str, Self, P], R],
        step_id: str,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Call an operator with this stream as its first one, so that steps read as a chain.

        Args:
            op_fn: The operator.
            step_id: Name of the step.
            *args: Passed on after the stream.
            **kwargs: Passed on.

        Returns:
            What the operator returns.

        >>> import cppwax.operators as op
        >>> from cppwax.testing import TestingSink, TestingSource, run_main
        >>> out = []
        >>> flow = Dataflow("chain")
        >>> (
        ...     op.input("inp", flow, TestingSource([1, 2, 3]))
        ...     .then(op.map, "double", lambda x: x * 2)
        ...     .then(op.filter, "large", lambda x: x > 2)
        ...     .then(op.output, "out", TestingSink(out))
        ... )
        >>> run_main(flow)
        >>> out
        [4, 6]
        """
        return op_fn(step_id, self, *args, **kwargs)

    def _with_scope(self, scope: _Scope) -> Self:
        return dataclasses.replace(self, _scope=scope)


KeyedStream: TypeAlias = Stream[tuple[str, V]]
"""A stream of `(key, value)` 2-tuples; steps that keep state by key need one."""


@overload
def operator(builder: F) -> F: ...


@overload
def operator(*, _core: bool = False) -> Callable[[F], F]: ...


def operator(builder: Any = None, *, _core: bool = False) -> Any:
    """Make an operator of a function that builds it out of other operators.

    The function is called wherever a step is added. It must

    * have a parameter `step_id: str`, which the caller gives as a name and the function gets as
      the whole id of the new step;
    * have a parameter annotated as `Stream` or `KeyedStream` for each stream it reads (`*args` and
      `**kwargs` may be so too), or as `Dataflow` if it begins a stream;
    * return what its annotation says: a `Stream`, a data class with fields of that type, or None;
    * use streams only as parameters, never inside of lists or other objects.

    Steps that the function adds are inner steps of the new one: their ids begin with its id, and
    their names need only be unique within it.

    Args:
        builder: The function.

    Returns:
        The operator; it has the function's signature.

    Raises:
        TypeError: If the function breaks one of these rules.
        NameError: If an annotation cannot be resolved where the function is defined.

    >>> import cppwax.operators as op
    >>> from cppwax.testing import TestingSink, TestingSource, run_main
    >>> @operator
    ... def add_and_print(step_id: str, up: Stream[int], number: int) -> Stream[int]:
    ...     added = op.map("add", up, lambda x: x + number)
    ...     return op.inspect("print", added)
    >>> out = []
    >>> flow = Dataflow("own")
    >>> stream = op.input("inp", flow, TestingSource([1, 2]))
    >>> stream = add_and_print("plus_ten", stream, 10)
    >>> op.output("out", stream, TestingSink(out))
    >>> run_main(flow)
    own.plus_ten.print: 11
    own.plus_ten.print: 12
    """
    # Deferred: that module needs the classes above.
    from cppwax._operator_builder import build_operator

    if builder is None:
        return lambda function: build_operator(function, core=_core)
    return build_operator(builder, core=_core)
