"""Dataflows in the languages of diagram tools: Mermaid and PlantUML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cppwax._drawing.rendered import RenderedDataflow, RenderedOperator, RenderedPort

# What each language takes as a name without quotes, but for words of Mermaid's own.
_MERMAID_NAME = re.compile(r"\w+([.-]\w+)*", re.ASCII)
_PLANTUML_NAME = re.compile(r"\w+(\.\w+)*", re.ASCII)
_MERMAID_WORDS = frozenset(
    {
        *("call", "class", "classDef", "click", "default", "direction", "end", "flowchart"),
        *("graph", "href", "interpolate", "linkStyle", "style", "subgraph"),
    }
)


class _Names:
    """A name for each id; an id that is no name in the language gets a number instead."""

    def __init__(self, plain: re.Pattern[str], words: frozenset[str] = frozenset()) -> None:
        """Begin without any.

        Args:
            plain: What is a name in the language.
            words: What may be no part of one.
        """
        self._plain = plain
        self._words = words
        self._numbered: dict[str, str] = {}

    def __getitem__(self, an_id: str) -> str:
        if self._plain.fullmatch(an_id) and self._words.isdisjoint(an_id.split(".")):
            return an_id
        # No id is like that: each has a period.
        return self._numbered.setdefault(an_id, f"_{len(self._numbered)}")


def _mermaid_text(text: str) -> str:
    """Write a text so that it can stand in quotes."""
    return "".join(
        f"#{ord(char)};" if char in '"#;<>&`\\' or not char.isprintable() else char for char in text
    )


def mermaid_of(flow: RenderedDataflow) -> str:
    """Draw the steps, without substeps."""
    names = _Names(_MERMAID_NAME, _MERMAID_WORDS)
    owners: dict[str, tuple[RenderedOperator, RenderedPort]] = {
        port.port_id: (step, port)
        for step in flow.substeps
        for port in [*step.inp_ports, *step.out_ports]
    }
    lines = ["flowchart TD", f'subgraph "{_mermaid_text(flow.flow_id)} (Dataflow)"']
    for step in flow.substeps:
        label = _mermaid_text(f"{step.step_name} ({step.op_type})")
        lines.append(f'{names[step.step_id]}["{label}"]')
        for port in step.inp_ports:
            for port_id in port.from_port_ids:
                origin, from_port = owners[port_id]
                link = _mermaid_text(f"{from_port.port_name} → {port.port_name}")
                lines.append(f'{names[origin.step_id]} -- "{link}" --> {names[step.step_id]}')
    return "\n".join([*lines, "end"])


def _plantuml_text(text: str) -> str:
    """Write a text so that it ends neither the line nor what it stands in."""
    # PlantUML knows characters by number too, but not line ends in a description.
    return "".join(
        f"<U+{ord(char):04X}>" if char in '"[]<>\\' or not char.isprintable() else char
        for char in text
    )


def _plantuml_links(port: RenderedPort, names: _Names) -> Iterator[str]:
    for from_id, stream_id in zip(port.from_port_ids, port.from_stream_ids, strict=True):
        yield f"{names[from_id]} --> {names[port.port_id]} : {_plantuml_text(stream_id)}"


def _plantuml_port(kind: str, port: RenderedPort, names: _Names) -> str:
    name = names[port.port_id]
    if name == port.port_id:
        return f"{kind} {name}"
    return f'{kind} "{_plantuml_text(port.port_id)}" as {name}'


def _plantuml_step(step: RenderedOperator, names: _Names, recursive: bool) -> Iterator[str]:
    name = names[step.step_id]
    yield f"component {name} ["
    yield f"    {_plantuml_text(step.step_id)} ({step.op_type})"
    yield "]"
    yield f"component {name} {{"
    for line in _plantuml_inside(step, names, recursive):
        yield "    " + line
    yield "}"


def _plantuml_inside(step: RenderedOperator, names: _Names, recursive: bool) -> Iterator[str]:
    yield from (_plantuml_port("portin", port, names) for port in step.inp_ports)
    yield from (_plantuml_port("portout", port, names) for port in step.out_ports)
    for port in step.inp_ports:
        yield from _plantuml_links(port, names)
    if not recursive:
        return
    for substep in step.substeps:
        yield from _plantuml_step(substep, names, recursive)
    for port in step.out_ports:
        yield from _plantuml_links(port, names)


def plantuml_of(flow: RenderedDataflow, recursive: bool) -> str:
    """Draw the steps, with substeps inside of them if asked for."""
    names = _Names(_PLANTUML_NAME)
    lines = [line for step in flow.substeps for line in _plantuml_step(step, names, recursive)]
    return "\n".join(["@startuml", *lines, "@enduml"])
