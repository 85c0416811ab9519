"""A dataflow as an SVG picture: a box for each step, lines for the streams between them.

Items flow from top to bottom. A step that is shown with its substeps is a frame around them; small
labels at its upper and lower side are its inputs and outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from cppwax._drawing.layout import Box, Link, Point, Spacing, lay_out
from cppwax._drawing.names import columns_of, shown
from cppwax._drawing.rendered import RenderedDataflow, RenderedOperator, RenderedPort

_SPACING = Spacing(between_boxes=28, between_lines=14, between_layers=40)
_MARGIN = 16
_NAME_SIZE, _TYPE_SIZE, _PORT_SIZE = 13, 11, 10
# Of the size of the letters; no font is measured, so it is that of a wide one.
_LETTER_WIDTH = 0.62
_PORT_ROW = 15
_ROUND = 6
_TITLE_HEIGHT = 22
# Inputs and outputs of frames; what is above the first substeps of one.
_PILL, _HEAD = 18, 36

# In a page, too, it is for the picture alone.
STYLE = """
.cppwax-flow { font-family: system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
.cppwax-flow text { fill: #1f2933; }
.cppwax-flow .name { font-size: 13px; font-weight: 600; text-anchor: middle; }
.cppwax-flow .type { font-size: 11px; fill: #5f6b7a; text-anchor: middle; }
.cppwax-flow .port { font-size: 10px; fill: #5f6b7a; text-anchor: middle; }
.cppwax-flow .title { font-size: 13px; font-weight: 600; }
.cppwax-flow .title .of { font-weight: 400; fill: #5f6b7a; }
.cppwax-flow .box { fill: #e8f1fb; stroke: #2563a8; stroke-width: 1.2; }
.cppwax-flow .source > .box { fill: #e6f5ea; stroke: #2f8048; }
.cppwax-flow .sink > .box { fill: #fdf0e3; stroke: #b0651c; }
.cppwax-flow .frame { fill: #8a8f98; fill-opacity: 0.08; stroke: #8a8f98; }
.cppwax-flow .pill { fill: #ffffff; stroke: #8a8f98; }
.cppwax-flow .link { fill: none; stroke: #5f6b7a; stroke-width: 1.3; }
.cppwax-flow .head { fill: #5f6b7a; }
"""


@dataclass(frozen=True)
class _Drawn:
    """Something drawn, with its upper left corner at (0, 0)."""

    width: float
    height: float
    lines: list[str]
    """Elements of SVG."""
    attach: dict[str, float]
    """Where the streams of each port begin or end: distance from the left."""


def svg_of(flow: RenderedDataflow, recursive: bool) -> str:
    """Draw the steps, with substeps inside of them if asked for."""
    inside = _draw_scope(flow.substeps, recursive)
    title = [f'<text class="title" y="14">{_title(flow.flow_id, "Dataflow")}</text>']
    width = max(inside.width, _title_width(flow.flow_id, "Dataflow")) + 2 * _MARGIN
    top = _MARGIN + _TITLE_HEIGHT + 8
    height = top + inside.height + _MARGIN
    size = f'width="{_n(width)}" height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="cppwax-flow" {size} role="img">',
            f"<title>{_text(flow.flow_id)}</title>",
            f"<style>{STYLE}</style>",
            '<defs><marker id="cppwax-head" markerWidth="8" markerHeight="8" refX="7" refY="4" '
            'orient="auto"><path class="head" d="M0,0.5 L8,4 L0,7.5 z"/></marker></defs>',
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            *_moved(title, _MARGIN, _MARGIN),
            *_moved(inside.lines, (width - inside.width) / 2, top),
            "</svg>",
        ]
    )


@dataclass(frozen=True)
class _Item:
    """Something in a scope, with the ports at its upper and its lower side."""

    drawn: _Drawn
    takes: Sequence[RenderedPort] = ()
    emits: Sequence[RenderedPort] = ()
    is_first: bool = False
    is_last: bool = False


def _draw_scope(steps: Sequence[RenderedOperator], recursive: bool) -> _Drawn:
    items = [_Item(_draw_step(step, recursive), step.inp_ports, step.out_ports) for step in steps]
    return _draw_items(items)


def _draw_items(items: Sequence[_Item]) -> _Drawn:
    """Draw what is in one scope, with the links between."""
    boxes = [
        Box(item.drawn.width, item.drawn.height, item.is_first, item.is_last) for item in items
    ]
    origins = {
        port.port_id: (number, item.drawn.attach[port.port_id])
        for number, item in enumerate(items)
        for port in item.emits
    }
    links = [
        Link(source, number, source_x, item.drawn.attach[port.port_id])
        for number, item in enumerate(items)
        for port in item.takes
        for source, source_x in (origins[from_id] for from_id in port.from_port_ids)
    ]
    layout = lay_out(boxes, links, _SPACING)
    lines = [_path(route) for route in layout.routes]
    attach: dict[str, float] = {}
    for item, (x, y) in zip(items, layout.corners, strict=True):
        lines += _moved(item.drawn.lines, x, y)
        if item.is_first or item.is_last:
            attach |= {port_id: x + at for port_id, at in item.drawn.attach.items()}
    return _Drawn(layout.width, layout.height, lines, attach)


def _draw_step(step: RenderedOperator, recursive: bool) -> _Drawn:
    kind = "sink" if not step.out_ports else "step" if step.inp_ports else "source"
    drawn = _draw_frame(step) if recursive and step.substeps else _draw_box(step)
    opening = f'<g class="{kind}" data-step-id="{_text(step.step_id)}">'
    lines = [opening, f"<title>{_text(step.step_id)}</title>", *drawn.lines, "</g>"]
    return _Drawn(drawn.width, drawn.height, lines, drawn.attach)


def _draw_box(step: RenderedOperator) -> _Drawn:
    rows = [ports if len(ports) > 1 else [] for ports in (step.inp_ports, step.out_ports)]
    width = 24 + max(
        _width(step.step_name, _NAME_SIZE),
        _width(step.op_type, _TYPE_SIZE),
        *(sum(_width(port.port_name, _PORT_SIZE) + 14 for port in row) for row in rows),
    )
    above = _PORT_ROW if rows[0] else 0
    height = 42 + above + (_PORT_ROW if rows[1] else 0)
    attach = _attach_evenly(step.inp_ports, width) | _attach_evenly(step.out_ports, width)
    middle = _n(width / 2)
    lines = [
        f'<rect class="box" width="{_n(width)}" height="{_n(height)}" rx="{_ROUND}"/>',
        f'<text class="name" x="{middle}" y="{above + 18}">{_text(step.step_name)}</text>',
        f'<text class="type" x="{middle}" y="{above + 33}">{_text(step.op_type)}</text>',
    ]
    for row, y in zip(rows, (12, height - 5), strict=True):
        lines += [
            f'<text class="port" x="{_n(attach[port.port_id])}" y="{_n(y)}">'
            f"{_text(port.port_name)}</text>"
            for port in row
        ]
    return _Drawn(width, height, lines, attach)


def _attach_evenly(ports: Sequence[RenderedPort], width: float) -> dict[str, float]:
    """Share a side of a box out by how long the names of its ports are."""
    room = [_width(port.port_name, _PORT_SIZE) + 14 for port in ports]
    scale = width / sum(room) if room else 0
    middles = [sum(room[:n]) + each / 2 for n, each in enumerate(room)]
    return {port.port_id: middle * scale for port, middle in zip(ports, middles, strict=True)}


def _draw_frame(step: RenderedOperator) -> _Drawn:
    """Draw a step around its substeps; its inputs and outputs lie on the frame."""
    title = f'<text class="title" y="{_PILL + 10}">{_title(step.step_name, step.op_type)}</text>'
    title_width = _title_width(step.step_name, step.op_type)
    # Keeps the room; the text stands further left, at the side of the frame.
    items = [_Item(_Drawn(title_width, _HEAD, [], {}), is_first=True)]
    items += [
        _Item(_draw_pill(port, _HEAD), emits=[port], is_first=True) for port in step.inp_ports
    ]
    items += [
        _Item(_draw_step(substep, recursive=True), substep.inp_ports, substep.out_ports)
        for substep in step.substeps
    ]
    items += [_Item(_draw_pill(port, _PILL), takes=[port], is_last=True) for port in step.out_ports]
    inside = _draw_items(items)
    width = inside.width + 2 * _MARGIN
    bottom = inside.height - _PILL / 2 if step.out_ports else inside.height + _MARGIN
    frame = (
        f'<rect class="frame" y="{_PILL / 2}" width="{_n(width)}" '
        f'height="{_n(bottom - _PILL / 2)}" rx="{_ROUND}"/>'
    )
    return _Drawn(
        width,
        max(bottom, inside.height),
        [frame, *_moved([title, *inside.lines], _MARGIN, 0)],
        {port_id: x + _MARGIN for port_id, x in inside.attach.items()},
    )


def _draw_pill(port: RenderedPort, height: int) -> _Drawn:
    """Draw an input or output of a frame, with a line down to where the links within begin."""
    width = _width(port.port_name, _PORT_SIZE) + 14
    middle = width / 2
    lines = [
        f'<rect class="pill" width="{_n(width)}" height="{_PILL}" rx="{_PILL // 2}"/>',
        f'<text class="port" x="{_n(middle)}" y="13">{_text(port.port_name)}</text>',
    ]
    if height > _PILL:
        lines.append(f'<path class="link" d="M{_n(middle)},{_PILL} V{height}"/>')
    return _Drawn(width, height, lines, {port.port_id: middle})


def _path(route: Sequence[Point]) -> str:
    """Draw a link: straight beside boxes, bent between layers."""
    (x, y), *others = route
    parts = [f"M{_n(x)},{_n(y)}"]
    for number, (next_x, next_y) in enumerate(others):
        if (next_x, next_y) == (x, y):
            # Without a length it would have no direction either, for the head of an arrow.
            continue
        if number % 2 == 0 or next_x == x:
            parts.append(f"L{_n(next_x)},{_n(next_y)}")
        else:
            half = _n((y + next_y) / 2)
            parts.append(f"C{_n(x)},{half} {_n(next_x)},{half} {_n(next_x)},{_n(next_y)}")
        x, y = next_x, next_y
    return f'<path class="link" marker-end="url(#cppwax-head)" d="{" ".join(parts)}"/>'


def _moved(lines: Sequence[str], x: float, y: float) -> list[str]:
    return [f'<g transform="translate({_n(x)},{_n(y)})">', *lines, "</g>"]


def _width(text: str, size: int) -> float:
    return columns_of(shown(text)) * size * _LETTER_WIDTH


def _title(name: str, kind: str) -> str:
    return f'{_text(name)} <tspan class="of">({_text(kind)})</tspan>'


def _title_width(name: str, kind: str) -> float:
    return _width(f"{name} ({kind})", _NAME_SIZE)


def _text(text: str) -> str:
    return escape(shown(text))


def _n(number: float) -> str:
    """Write a number as short as a picture needs it."""
    return f"{number:.1f}".removesuffix(".0")
