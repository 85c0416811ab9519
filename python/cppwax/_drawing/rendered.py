"""A dataflow with every stream resolved to the ports that it links."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from typing_extensions import Self

from cppwax.dataflow import Dataflow, Operator, Port


@dataclass(frozen=True)
class RenderedPort:
    """An input or output of a step, with the ports that its items come from.

    An input comes from outputs of earlier steps, or, in a first substep, from an input of the step
    around it. An output of a step with substeps comes from outputs of these; others, from none.
    """

    port_name: str
    port_id: str
    """Step id and port name; unique in the dataflow."""
    from_port_ids: list[str]
    from_stream_ids: list[str]
    """The stream that comes from each of these ports."""


@dataclass(frozen=True)
class RenderedOperator:
    """A step of a dataflow, with its ports and substeps."""

    op_type: str
    """The operator's name, such as `map`."""
    step_name: str
    step_id: str
    inp_ports: list[RenderedPort]
    out_ports: list[RenderedPort]
    substeps: list[Self]


@dataclass(frozen=True)
class RenderedDataflow:
    """A dataflow with its steps, in the order in which they were added."""

    flow_id: str
    substeps: list[RenderedOperator]


def to_rendered(flow: Dataflow) -> RenderedDataflow:
    """Resolve the links between all steps of a dataflow, substeps too.

    Args:
        flow: The dataflow; it is not run.

    Returns:
        Its steps; whoever draws them connects each `from_port_ids` with the `port_id`.

    Raises:
        TypeError: `flow` is no `Dataflow`.

    >>> import cppwax.operators as op
    >>> from cppwax.testing import TestingSource
    >>> flow = Dataflow("flow")
    >>> _ = op.map("double", op.input("inp", flow, TestingSource([1])), lambda x: x * 2)
    >>> to_rendered(flow).substeps[1].inp_ports[0].from_port_ids
    ['flow.inp.down']
    """
    if not isinstance(flow, Dataflow):
        raise TypeError(f"flow must be a `Dataflow`, not {type(flow).__name__}")
    return RenderedDataflow(flow.flow_id, _rendered_steps(flow.substeps, {}))


def _rendered_steps(steps: list[Operator], origins: Mapping[str, str]) -> list[RenderedOperator]:
    """Render the steps of one scope.

    Args:
        steps: The steps.
        origins: The port that each stream from outside comes out of, as this scope sees it.
    """
    known = dict(origins)
    rendered = []
    for step in steps:
        rendered.append(_rendered_step(step, known))
        for _, port in _ports(step, step.dwn_names):
            known.update(dict.fromkeys(port.stream_ids.values(), port.port_id))
    return rendered


def _rendered_step(step: Operator, origins: Mapping[str, str]) -> RenderedOperator:
    inputs = dict(_ports(step, step.ups_names))
    inner = dict(origins)
    for port in inputs.values():
        # To the substeps, what comes from outside begins at the step's own input.
        inner.update(dict.fromkeys(port.stream_ids.values(), port.port_id))
    substeps = _rendered_steps(step.substeps, inner)
    for substep in step.substeps:
        for _, port in _ports(substep, substep.dwn_names):
            inner.update(dict.fromkeys(port.stream_ids.values(), port.port_id))
    return RenderedOperator(
        type(step).__name__,
        step.step_name,
        step.step_id,
        [_rendered_port(name, port, origins) for name, port in inputs.items()],
        [
            _rendered_port(name, port, inner if substeps else None)
            for name, port in _ports(step, step.dwn_names)
        ],
        substeps,
    )


def _ports(step: Operator, names: list[str]) -> Iterator[tuple[str, Port]]:
    for name in names:
        yield name, getattr(step, name)


def _rendered_port(name: str, port: Port, origins: Mapping[str, str] | None) -> RenderedPort:
    """Link a port to where its streams come from; `None` for one that nothing leads to."""
    if origins is None:
        return RenderedPort(name, port.port_id, [], [])
    streams = list(port.stream_ids.values())
    return RenderedPort(name, port.port_id, [origins[stream] for stream in streams], streams)


def json_of(flow: RenderedDataflow) -> str:
    """Describe the steps for programs."""
    return json.dumps(_as_json_value(flow), indent=2)


def _as_json_value(rendered: RenderedDataflow | RenderedOperator | RenderedPort) -> dict[str, Any]:
    fields = {"typ": type(rendered).__name__, **vars(rendered)}
    for name in ("substeps", "inp_ports", "out_ports"):
        if name in fields:
            fields[name] = [_as_json_value(inner) for inner in fields[name]]
    return fields
