"""Draw a dataflow: as a picture, for the terminal, or for a diagram tool.

On the command line::

    python -m cppwax.visualize IMPORT_STR -o svg > flow.svg

`cppwax visualize` is the same; `--help` tells all formats. Nothing is run, and no other program is
needed.
"""

from __future__ import annotations

from cppwax._drawing.rendered import (
    RenderedDataflow,
    RenderedOperator,
    RenderedPort,
    json_of,
    to_rendered,
)
from cppwax.dataflow import Dataflow

__all__ = [
    "RenderedDataflow",
    "RenderedOperator",
    "RenderedPort",
    "to_json",
    "to_mermaid",
    "to_plantuml",
    "to_rendered",
    "to_svg",
    "to_text",
]


def to_json(flow: Dataflow) -> str:
    """Describe a dataflow for programs.

    Args:
        flow: The dataflow.

    Returns:
        JSON of what `to_rendered` gives, substeps included; `typ` names the class of each object.

    Raises:
        TypeError: `flow` is no `Dataflow`.

    >>> import json
    >>> json.loads(to_json(Dataflow("empty")))
    {'typ': 'RenderedDataflow', 'flow_id': 'empty', 'substeps': []}
    """
    return json_of(to_rendered(flow))


def to_mermaid(flow: Dataflow) -> str:
    """Draw a dataflow in the language of Mermaid, without substeps.

    Many places that show Markdown draw it, GitHub among them; see https://mermaid.js.org.

    Args:
        flow: The dataflow.

    Returns:
        A flowchart.

    Raises:
        TypeError: `flow` is no `Dataflow`.

    >>> print(to_mermaid(Dataflow("empty")))
    flowchart TD
    subgraph "empty (Dataflow)"
    end
    """
    # Each format is imported where it is asked for: a page needs one of them, a run none.
    from cppwax._drawing.diagrams import mermaid_of

    return mermaid_of(to_rendered(flow))


def to_plantuml(flow: Dataflow, recursive: bool = False) -> str:
    """Draw a dataflow in the language of PlantUML.

    See https://plantuml.com, whose program makes a picture of it.

    Args:
        flow: The dataflow.
        recursive: Whether to show substeps.

    Returns:
        A component diagram.

    Raises:
        TypeError: `flow` is no `Dataflow`.

    >>> print(to_plantuml(Dataflow("empty")))
    @startuml
    @enduml
    """
    from cppwax._drawing.diagrams import plantuml_of

    return plantuml_of(to_rendered(flow), recursive)


def to_svg(flow: Dataflow, recursive: bool = False) -> str:
    """Draw a dataflow as a picture, which browsers show.

    Sources are green, sinks orange. Each step is a group with its id in `data-step-id`, so that a
    page or a style sheet can find it.

    Args:
        flow: The dataflow.
        recursive: Whether to show substeps, in a frame each step that has some.

    Returns:
        An SVG document, which needs no other file.

    Raises:
        TypeError: `flow` is no `Dataflow`.

    >>> to_svg(Dataflow("empty")).startswith("<svg ")
    True
    """
    from cppwax._drawing.svg import svg_of

    return svg_of(to_rendered(flow), recursive)


def to_text(flow: Dataflow, recursive: bool = False) -> str:
    """Draw a dataflow with lines of text, for a terminal.

    Args:
        flow: The dataflow.
        recursive: Whether to list substeps below each step.

    Returns:
        Text; steps in the order in which they were added, streams as rails at their left. Where
        the rails alone would not tell, the step names what it takes.

    Raises:
        TypeError: `flow` is no `Dataflow`.

    >>> import cppwax.operators as op
    >>> from cppwax.testing import TestingSink, TestingSource
    >>> flow = Dataflow("flow")
    >>> split = op.branch("split", op.input("inp", flow, TestingSource([1])), bool)
    >>> halved = op.map("halve", split.trues, lambda x: x / 2)
    >>> op.output("out", op.merge("all", halved, split.falses), TestingSink([]))
    >>> print(to_text(flow))
    flow (Dataflow)
    <BLANKLINE>
    ●    inp (input)
    │
    ●    split (branch)
    ├─╮
    │ │
    ● │  halve (map) ← split.trues
    │ │
    ●─╯  all (merge) ← halve, split.falses
    │
    ●    out (output)
    """
    from cppwax._drawing.text import text_of

    return text_of(to_rendered(flow), recursive)


if __name__ == "__main__":
    from cppwax._visualize_command import main

    main()
