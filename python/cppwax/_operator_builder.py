"""What `cppwax.dataflow.operator` does: from a builder function to an operator.

A builder's signature tells which parameters and results are streams. From it come the operator's
data class and the function that users call: it checks the arguments, opens a scope for the inner
steps, runs the builder in it, and records the finished step in the scope of its upstreams.
"""

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from inspect import BoundArguments, Parameter, Signature
from typing import Any, TypeAlias

from cppwax.dataflow import (
    Dataflow,
    DataflowId,
    MultiPort,
    Operator,
    SinglePort,
    Stream,
    _CoreOperator,
    _has_utf8,
    _Scope,
    f_repr,
)

_RESERVED = frozenset({"step_name", "step_id", "substeps", "core", "ups_names", "dwn_names"})
_VARIADIC = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
_Fields: TypeAlias = dict[str, Any]


def build_operator(builder: Callable[..., Any], *, core: bool) -> Callable[..., Any]:
    """Make the operator that adds steps built by `builder`.

    Args:
        builder: Called for each new step, with the arguments in the scope of that step.
        core: Whether the engine runs such steps itself.

    Returns:
        The operator; its `_shape` knows the data class of its steps.

    Raises:
        TypeError: If `builder` cannot be an operator.
        NameError: If one of its annotations cannot be resolved.
    """
    shape = _Shape.of(builder, core)

    @functools.wraps(builder)
    def op_fn(*args: Any, **kwargs: Any) -> Any:
        return _add_step(shape, builder, shape.bind(args, kwargs))

    op_fn.__signature__ = shape.signature  # type: ignore[attr-defined]
    op_fn._shape = shape  # type: ignore[attr-defined]
    return op_fn


@dataclass(frozen=True)
class _Shape:
    """What a builder's signature says about its steps."""

    name: str
    signature: Signature
    module: str
    inputs: _Fields
    results: _Fields
    """The fields that the result fills."""
    core: bool
    promised: type | None
    """The class that the builder must return an instance of; None if it may return anything."""
    variadic: frozenset[str]
    """The `*args` and `**kwargs` parameters that are streams."""
    _made: dict[str, type[Operator]] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, builder: Callable[..., Any], core: bool) -> "_Shape":
        signature = _resolved_signature(builder)
        name = getattr(builder, "__name__", type(builder).__name__)
        if "step_id" not in signature.parameters:
            raise TypeError(
                f"{f_repr(builder)} can't be an operator because it has no parameter `step_id`; "
                "give it one, first and annotated as `str`"
            )
        inputs = _input_fields(signature)
        promised, results = _result_fields(signature.return_annotation)
        _check_field_names(builder, inputs, results)
        variadic = frozenset(name for name, kind in inputs.items() if kind is MultiPort)
        module = builder.__module__
        return cls(name, signature, module, inputs, results, core, promised, variadic)

    @property
    def cls(self) -> type[Operator]:
        """The data class of the steps; made for the first one, since to make it takes long."""
        if not self._made:
            # Of two threads that make one, one is taken for good.
            self._made.setdefault("cls", self._make_class())
        return self._made["cls"]

    def _make_class(self) -> type[Operator]:
        ports = (SinglePort, MultiPort)
        inputs, results = self.inputs, self.results
        namespace = {
            "__doc__": f"A step of the operator `{self.name}`.",
            "ups_names": [field for field, kind in inputs.items() if kind in ports],
            "dwn_names": [field for field, kind in results.items() if kind in ports],
        }
        made = dataclasses.make_dataclass(
            self.name,
            [*inputs.items(), *results.items()],
            bases=(_CoreOperator if self.core else Operator,),
            namespace=namespace,
            frozen=True,
        )
        made.__module__ = self.module
        return made

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> BoundArguments:
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as ex:
            parameters = self.signature.parameters.values()
            takes = ", ".join(str(p.replace(annotation=Parameter.empty)) for p in parameters)
            raise TypeError(
                f"operator `{self.name}` called with wrong arguments: {ex}; it takes ({takes})"
            ) from ex
        bound.apply_defaults()
        return bound

    def values_of(self, result: Any, step_id: str) -> _Fields:
        if self.promised is not None and not isinstance(result, self.promised):
            promised = "None" if self.promised is type(None) else f"a `{self.promised.__name__}`"
            raise TypeError(
                f"step {step_id!r}: the function of operator `{self.name}` must return {promised}, "
                f"as its annotation says; got {type(result)}"
            )
        if self.promised is None or self.promised is Stream:
            return {"down": result}
        return {name: getattr(result, name) for name in self.results}


def _resolved_signature(builder: Callable[..., Any]) -> Signature:
    try:
        return inspect.signature(builder, eval_str=True)
    except NameError as ex:
        raise NameError(
            f"{f_repr(builder)} can't be an operator: {ex} while its annotations were resolved; "
            "import the name outside of `if TYPE_CHECKING` and define it before the operator"
        ) from ex


def _class_of(annotation: Any) -> type | None:
    """Give the class behind `Stream`, `Stream[int]` and such; None for unions and the like."""
    origin = typing.get_origin(annotation) or annotation
    return origin if isinstance(origin, type) else None


def _is_class(annotation: Any, wanted: type) -> bool:
    cls = _class_of(annotation)
    return cls is not None and issubclass(cls, wanted)


def _input_fields(signature: Signature) -> _Fields:
    fields: _Fields = {}
    for name, parameter in signature.parameters.items():
        annotation = parameter.annotation
        if name == "step_id":
            continue
        if _is_class(annotation, Stream):
            fields[name] = MultiPort if parameter.kind in _VARIADIC else SinglePort
        elif _is_class(annotation, Dataflow):
            fields[name] = DataflowId
        else:
            fields[name] = Any if annotation is Parameter.empty else annotation
    return fields


def _result_fields(annotation: Any) -> tuple[type | None, _Fields]:
    """Tell what a builder must return and which fields that fills."""
    cls = _class_of(annotation)
    if annotation is None or cls is type(None):
        return type(None), {}
    if cls is not None and issubclass(cls, Stream):
        return Stream, {"down": SinglePort}
    if cls is not None and dataclasses.is_dataclass(cls):
        hints = typing.get_type_hints(cls)
        types = {field.name: hints[field.name] for field in dataclasses.fields(cls)}
        return cls, {n: SinglePort if _is_class(t, Stream) else t for n, t in types.items()}
    return None, {"down": Any if annotation is Signature.empty else annotation}


def _check_field_names(builder: Callable[..., Any], inputs: _Fields, results: _Fields) -> None:
    for wrong, why in (
        (_RESERVED & (inputs.keys() | results.keys()), "steps have fields of these names already"),
        (inputs.keys() & results.keys(), "a parameter and a result can't have the same name"),
    ):
        if wrong:
            names = ", ".join(f"`{name}`" for name in sorted(wrong))
            raise TypeError(f"{f_repr(builder)} can't be an operator: {why}; rename {names}")


def _add_step(shape: _Shape, builder: Callable[..., Any], bound: BoundArguments) -> Any:
    arguments = bound.arguments
    step_name = _checked_step_name(arguments.pop("step_id"), shape.name)
    _check_streams(shape, arguments, step_name)
    outer = _common_scope(_scopes(shape, arguments), f"`{shape.name}` step {step_name!r}")
    step_id = f"{outer.parent_id}.{step_name}"
    _check_unused(step_id, outer)

    fields = _argument_fields(shape, arguments, step_id)
    inner = _Scope(step_id, [], outer.flow)
    _enter_scope(shape, arguments, inner)
    arguments["step_id"] = step_id
    result = builder(*bound.args, **bound.kwargs)

    # Again, because the builder may have added steps beside this one.
    _check_unused(step_id, outer)
    results = shape.values_of(result, step_id)
    fields.update({name: _as_field(v, f"{step_id}.{name}") for name, v in results.items()})
    step = shape.cls(step_name=step_name, step_id=step_id, substeps=inner.substeps, **fields)
    outer.substeps.append(step)
    return _leave_scope(result, outer)


def _checked_step_name(name: object, op_name: str) -> str:
    if not isinstance(name, str):
        raise TypeError(
            f"operator `{op_name}`: 'step_id' must be a `str` that names the step; got {type(name)}"
        )
    if "." in name:
        raise ValueError(
            f"operator `{op_name}`: 'step_id' can't contain any periods '.', which join the names "
            f"of nested steps; got {name!r}"
        )
    if not _has_utf8(name):
        raise ValueError(
            f"operator `{op_name}`: 'step_id' can't contain lone surrogates; got {name!r}"
        )
    return name


def _check_streams(shape: _Shape, arguments: Mapping[str, Any], step_name: str) -> None:
    for name, parameter in shape.signature.parameters.items():
        if name == "step_id":
            continue
        where = f"`{shape.name}` step {step_name!r}: argument '{name}'"
        value = arguments[name]
        if _is_class(parameter.annotation, Dataflow) and not isinstance(value, Dataflow):
            raise TypeError(f"{where} must be a `Dataflow`; got {type(value)}")
        if not _is_class(parameter.annotation, Stream):
            continue
        streams = _members(value) if name in shape.variadic else {name: value}
        for stream in streams.values():
            if not isinstance(stream, Stream):
                raise TypeError(f"{where} must be a `Stream`; got {_not_a_stream(stream)}")


def _not_a_stream(value: object) -> str:
    """Describe what was given for a stream, and what was probably meant."""
    got = str(type(value))
    if isinstance(value, Dataflow):
        return f"{got}; begin a stream with `cppwax.operators.input`"
    if isinstance(value, (list, tuple)):
        return f"{got}; give each stream as an argument of its own"
    if dataclasses.is_dataclass(value):
        names = [f.name for f in dataclasses.fields(value)]
        streams = [f"`.{n}`" for n in names if isinstance(getattr(value, n), Stream)]
        if streams:
            return f"{got}; give one of its streams, {' or '.join(streams)}"
    return got


def _members(value: Any) -> dict[Any, Any]:
    """Give the values of an `*args` or `**kwargs` parameter by number or name."""
    return value if isinstance(value, dict) else dict(enumerate(value))


def _scopes(shape: _Shape, arguments: Mapping[str, Any]) -> Iterator[_Scope]:
    for name, value in arguments.items():
        if isinstance(value, (Stream, Dataflow)):
            yield value._scope
        elif name in shape.variadic:
            yield from (stream._scope for stream in _members(value).values())


def _common_scope(scopes: Iterator[_Scope], where: str) -> _Scope:
    # Keyed by identity, which keeps the order: the message is the same in every run.
    found = list({id(scope): scope for scope in scopes}.values())
    if len(found) == 1:
        return found[0]
    if not found:
        raise AssertionError(
            f"inconsistent stream scoping: {where} was given no stream; operators need at least "
            "one `Stream` or `Dataflow`, as an argument and not inside of a list or another object"
        )
    names = " and ".join(repr(scope.parent_id) for scope in found)
    raise AssertionError(
        f"inconsistent stream scoping: {where} was given streams of {names}; all must be of the "
        "same `Dataflow` object, and an operator's inner streams can leave it only as its result"
    )


def _check_unused(step_id: str, scope: _Scope) -> None:
    used = scope.used_ids
    if len(used) > len(scope.substeps):
        used.clear()  # somebody has taken steps out
    # Only those that are new, or defining a flow would take quadratic time.
    used.update(step.step_id for step in scope.substeps[len(used) :])
    if step_id in used:
        raise ValueError(f"step {step_id!r} already exists; give each step a name of its own")


def _as_field(value: Any, port_id: str) -> Any:
    """Give what a step's data class keeps of an argument or result."""
    if isinstance(value, Stream):
        return SinglePort(port_id, value.stream_id)
    if isinstance(value, Dataflow):
        return DataflowId(value.flow_id)
    return value


def _argument_fields(shape: _Shape, arguments: Mapping[str, Any], step_id: str) -> _Fields:
    fields: _Fields = {}
    for name, value in arguments.items():
        port_id = f"{step_id}.{name}"
        if name in shape.variadic:
            stream_ids = {key: stream.stream_id for key, stream in _members(value).items()}
            fields[name] = MultiPort(port_id, stream_ids)
        else:
            fields[name] = _as_field(value, port_id)
    return fields


def _enter_scope(shape: _Shape, arguments: dict[str, Any], scope: _Scope) -> None:
    """Replace the streams in `arguments` so that steps on them are added to `scope`."""
    for name, value in arguments.items():
        if isinstance(value, (Stream, Dataflow)):
            arguments[name] = value._with_scope(scope)
        elif name in shape.variadic:
            inside = {key: stream._with_scope(scope) for key, stream in _members(value).items()}
            arguments[name] = inside if isinstance(value, dict) else tuple(inside.values())


def _leave_scope(result: Any, scope: _Scope) -> Any:
    """Give the streams of a result such that steps on them are added to `scope`."""
    if isinstance(result, Stream):
        return result._with_scope(scope)
    if not dataclasses.is_dataclass(result) or isinstance(result, type):
        return result
    values = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    streams = {n: v._with_scope(scope) for n, v in values.items() if isinstance(v, Stream)}
    return dataclasses.replace(result, **streams)
