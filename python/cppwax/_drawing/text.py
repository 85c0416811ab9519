"""A dataflow for the terminal: a line for each step, and rails for the streams beside them.

Steps stand in the order in which they were added. A rail is a stream on its way to the steps that
take it:

    ●    inp (input)
    │
    ●    split (branch)
    ├─╮
    │ │
    ● │  halve (map) ← split.trues
    │ │
    ●─╯  all (merge) ← halve, split.falses
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cppwax._drawing.names import shown
from cppwax._drawing.rendered import RenderedDataflow, RenderedOperator, RenderedPort

# Which of its four neighbours a cell is connected with: above, below, left, right.
_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_CELLS = " ╵╷│╴╯╮┤╶╰╭├─┴┬┼"
_STEP = "●"
_ASCII = str.maketrans(
    {_STEP: "*", "│": "|", "─": "-", "←": "<-"} | dict.fromkeys("╯╮┤╰╭├┴┬┼", "+")
)
_NO_BEAMS: Mapping[int, int] = {}


def ascii_of(drawing: str) -> str:
    """Draw with the characters that every terminal has.

    Args:
        drawing: What `text_of` has drawn.

    Returns:
        The same; other characters in names are escaped.
    """
    plain = drawing.translate(_ASCII)
    return plain.encode("ascii", "backslashreplace").decode("ascii")


def text_of(flow: RenderedDataflow, recursive: bool) -> str:
    """Draw the steps, with substeps below each if asked for."""
    items = _items_of(flow.substeps, recursive)
    return "\n".join([f"{shown(flow.flow_id)} (Dataflow)", "", *_draw(items)])


@dataclass(frozen=True)
class _Item:
    """A step, as it stands in a line."""

    label: str
    takes: Sequence[str]
    """The outputs that its inputs come from."""
    emits: Sequence[str]
    sources: Sequence[str]
    """Names of those that it takes, where rails alone would not tell."""
    inside: Sequence[str]
    """Lines for below."""


def _items_of(steps: Sequence[RenderedOperator], recursive: bool) -> list[_Item]:
    names = _names_of(steps)
    items = []
    for step in steps:
        takes = _taken(step.inp_ports)
        told = [names[each] for each in takes]
        is_plain = len(told) < 2 and not any("." in name for name in told)
        inside = _list_inside(step) if recursive else []
        emits = [port.port_id for port in step.out_ports]
        items.append(_Item(_label(step), takes, emits, [] if is_plain else told, inside))
    return items


def _label(step: RenderedOperator) -> str:
    return f"{shown(step.step_name)} ({step.op_type})"


def _taken(ports: Sequence[RenderedPort]) -> list[str]:
    return [port_id for port in ports for port_id in port.from_port_ids]


def _names_of(steps: Sequence[RenderedOperator]) -> dict[str, str]:
    """Name each output: as its step, and more closely only where the step has several."""
    names = {}
    for step in steps:
        for port in step.out_ports:
            name = shown(step.step_name)
            names[port.port_id] = f"{name}.{port.port_name}" if len(step.out_ports) > 1 else name
    return names


def _from(names: Sequence[str]) -> str:
    return f" ← {', '.join(names)}" if names else ""


def _list_inside(step: RenderedOperator) -> list[str]:
    """List substeps without rails; what does not follow on the line before it tells its sources."""
    names = {port.port_id: port.port_name for port in step.inp_ports}
    names |= _names_of(step.substeps)
    before = [port.port_id for port in step.inp_ports]
    lines = []
    for substep in step.substeps:
        takes = _taken(substep.inp_ports)
        told = [] if takes == before else [names[each] for each in takes]
        lines.append(f"  {_label(substep)}{_from(told)}")
        lines += [f"  {line}" for line in _list_inside(substep)]
        before = [port.port_id for port in substep.out_ports]
    for port in step.out_ports:
        takes = _taken([port])
        # A step without substeps has nothing to tell.
        if takes and takes != before:
            lines.append(f"  {port.port_name}{_from([names[each] for each in takes])}")
    return lines


def _draw(items: Sequence[_Item]) -> list[str]:
    rails = _Rails(Counter(each for item in items for each in item.takes))
    rows = [row for item in items for row in _rows_of(item, rails)]
    width = max((len(rail) for rail, _ in rows), default=0)
    # The first one is empty, as every step has one above it.
    return [f"{rail:{width}}  {label}".rstrip() for rail, label in rows[1:]]


def _rows_of(item: _Item, rails: _Rails) -> Iterator[tuple[str, str]]:
    """Draw the lines of a step: the rails above it, itself, what its outputs begin, its inside."""
    yield rails.row(), ""
    columns, ending = rails.take(item.takes)
    node = ending[0] if ending else rails.free_column()
    beams = {n: _UP if n in ending else _UP | _DOWN for n in columns if n != node}
    yield rails.row(beams, node), item.label + _from(item.sources)
    for column in ending:
        rails.end(column)
    wanted = [port_id for port_id in item.emits if rails.is_wanted(port_id)]
    begun = [rails.begin(each, None if number else node) for number, each in enumerate(wanted)]
    if len(begun) > 1:
        yield rails.row({n: _UP | _DOWN if n == node else _DOWN for n in begun}), ""
    for line in item.inside:
        yield rails.row(), line


class _Rails:
    """The streams that are on their way at some line of the drawing, each in a column."""

    def __init__(self, uses: Counter[str]) -> None:
        """Begin without any.

        Args:
            uses: How many links each output begins.
        """
        self._uses_left = uses
        self._columns: list[str | None] = []

    def is_wanted(self, port_id: str) -> bool:
        return self._uses_left[port_id] > 0

    def free_column(self) -> int:
        return self._columns.index(None) if None in self._columns else len(self._columns)

    def begin(self, port_id: str, column: int | None) -> int:
        """Begin the rail of an output, in a column or in the first free one."""
        if column is None:
            column = self.free_column()
        self._columns += [None] * (column + 1 - len(self._columns))
        self._columns[column] = port_id
        return column

    def take(self, port_ids: Sequence[str]) -> tuple[list[int], list[int]]:
        """Lead each output to one more input.

        Returns:
            The columns of their rails; those of them that nothing else will take.
        """
        self._uses_left.subtract(port_ids)
        by_column = {self._columns.index(each): each for each in port_ids}
        columns = sorted(by_column)
        return columns, [n for n in columns if not self.is_wanted(by_column[n])]

    def end(self, column: int) -> None:
        """End a rail."""
        self._columns[column] = None
        while self._columns and self._columns[-1] is None:
            self._columns.pop()

    def row(self, beams: Mapping[int, int] = _NO_BEAMS, step: int | None = None) -> str:
        """Draw one line.

        Args:
            beams: For each column that a beam joins, where its rail goes on.
            step: The column of a step, which the beam joins too.
        """
        joined = [*beams] if step is None else [*beams, step]
        first, last = (min(joined), max(joined)) if beams else (0, 0)
        end = max([len(self._columns) - 1, *joined])
        cells = []
        for n in range(end + 1):
            sides = (_LEFT if first < n else 0) | (_RIGHT if n < last else 0)
            if n == step:
                cell = _STEP
            elif n in beams:
                cell = _CELLS[beams[n] | sides]
            elif n < len(self._columns) and self._columns[n] is not None:
                # A beam passes behind it.
                cell = _CELLS[_UP | _DOWN]
            else:
                cell = _CELLS[_LEFT | _RIGHT] if first < n < last else " "
            cells += [cell, _CELLS[_LEFT | _RIGHT] if first <= n < last else " "]
        return "".join(cells).rstrip()
