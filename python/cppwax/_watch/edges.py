"""Which core steps stand at the edges of a step that is composed of others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cppwax._drawing.rendered import RenderedOperator


def core_steps(steps: Iterable[RenderedOperator]) -> Iterator[RenderedOperator]:
    """Give the steps that have none within, which the engine counts for.

    Args:
        steps: The outer ones.

    Yields:
        The inner ones, in order.
    """
    for step in steps:
        if step.substeps:
            yield from core_steps(step.substeps)
        else:
            yield step


@dataclass(frozen=True)
class Edges:
    """Which core steps take what comes into a step, and which make what comes out of it."""

    takers: Mapping[str, Sequence[str]]
    makers: Mapping[str, Sequence[str]]


def edges_of(steps: Sequence[RenderedOperator]) -> Edges:
    """Find them for steps and all within.

    Args:
        steps: The outer ones.

    Returns:
        Ids of core steps, by id of the step.
    """
    takers: dict[str, Sequence[str]] = {}
    makers: dict[str, Sequence[str]] = {}
    for step in steps:
        if not step.substeps:
            takers[step.step_id] = [step.step_id] if step.inp_ports else []
            makers[step.step_id] = [step.step_id] if step.out_ports else []
            continue
        inner = edges_of(step.substeps)
        takers |= inner.takers
        makers |= inner.makers
        own = {port.port_id for port in step.inp_ports}
        takers[step.step_id] = _distinct(
            core
            for substep in step.substeps
            if any(own & set(port.from_port_ids) for port in substep.inp_ports)
            for core in inner.takers[substep.step_id]
        )
        wanted = {origin for port in step.out_ports for origin in port.from_port_ids}
        makers[step.step_id] = _distinct(
            core
            for substep in step.substeps
            if any(port.port_id in wanted for port in substep.out_ports)
            for core in inner.makers[substep.step_id]
        )
    return Edges(takers, makers)


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
