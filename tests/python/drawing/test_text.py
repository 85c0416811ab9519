"""Drawings for the terminal."""

from __future__ import annotations

import pytest

import cppwax.operators as op
from cppwax._drawing.text import ascii_of
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSink, TestingSource
from cppwax.visualize import to_rendered, to_text
from tests.python.drawing.pictured import all_steps, odd, same, shop

# Where a rail goes on from each cell: above, below, left, right.
SIDES = {"│": "ud", "─": "lr", "╯": "ul", "╮": "dl", "┤": "udl", "╰": "ur", "╭": "dr"}
SIDES |= {"├": "udr", "┴": "ulr", "┬": "dlr", "┼": "udlr"}


def flow_with(*names: str) -> tuple[Dataflow, list]:
    flow = Dataflow("flow")
    return flow, [op.input(name, flow, TestingSource([])) for name in names]


def test_rails_lead_to_what_takes_them() -> None:
    flow, (a, b, c) = flow_with("a", "b", "c")
    both = op.merge("both", a, c)
    op.output("x", both, TestingSink([]))
    op.output("y", op.map("b_twice", b, same), TestingSink([]))
    op.inspect("z", both)
    assert to_text(flow).splitlines()[2:] == [
        "●      a (input)",
        "│",
        "│ ●    b (input)",
        "│ │",
        "│ │ ●  c (input)",
        "│ │ │",
        "●─│─╯  both (merge) ← a, c",
        "│ │",
        "├─│─●  x (output)",
        "│ │",
        "│ ●    b_twice (map)",
        "│ │",
        "│ ●    y (output)",
        "│",
        "●      z (inspect)",
    ]


def test_outputs_of_one_step_are_told_apart() -> None:
    flow, (a,) = flow_with("a")
    split = op.branch("split", a, same)
    op.output("no", split.falses, TestingSink([]))
    op.output("yes", split.trues, TestingSink([]))
    assert to_text(flow).splitlines()[4:] == [
        "●    split (branch)",
        "├─╮",
        "│ │",
        "│ ●  no (output) ← split.falses",
        "│",
        "●    yes (output) ← split.trues",
    ]


def test_substeps_are_listed() -> None:
    flow, (a,) = flow_with("a")
    joined = op.join("join", op.key_on("key", a, str), op.key_on("again", a, str))
    op.output("out", joined, TestingSink([]))
    lines = to_text(flow, recursive=True).splitlines()
    start = next(n for n, line in enumerate(lines) if "join (join)" in line)
    assert lines[start : start + 12] == [
        "●─╯  join (join) ← key, again",
        "│      add_names (_join_label_merge) ← sides, sides",
        "│        label_0 (map_value)",
        "│          map (map)",
        "│            flat_map_batch (flat_map_batch)",
        "│        label_1 (map_value) ← ups",
        "│          map (map)",
        "│            flat_map_batch (flat_map_batch)",
        "│        merge (merge) ← label_0, label_1",
        "│      join (stateful)",
        "│        stateful_batch (stateful_batch)",
        "│",
    ]


@pytest.mark.parametrize("recursive", [False, True])
def test_every_step_has_a_line(recursive: bool) -> None:
    flow = shop()
    lines = to_text(flow, recursive).splitlines()
    steps = to_rendered(flow).substeps
    for step in all_steps(steps) if recursive else steps:
        label = f" {step.step_name} ({step.op_type})"
        assert any(label in line.partition(" ←")[0] for line in lines)
    assert sum("●" in line for line in lines) == len(steps)
    assert all(line == line.rstrip() for line in lines)


def test_rails_have_no_loose_ends() -> None:
    drawing = to_text(shop()).splitlines()[2:]
    width = max(map(len, drawing))
    graph = [[char if char in SIDES or char == "●" else " " for char in line] for line in drawing]
    grid = [row + [" "] * (width - len(row)) for row in graph]
    steps = {(step_y, x) for step_y, row in enumerate(grid) for x in range(width) if row[x] == "●"}
    for y, row in enumerate(grid):
        for x, char in enumerate(row):
            for side in SIDES.get(char, ""):
                other_y = y + {"u": -1, "d": 1}.get(side, 0)
                other_x = x + {"l": -1, "r": 1}.get(side, 0)
                opposite = {"u": "d", "d": "u", "l": "r", "r": "l"}[side]
                beside = grid[other_y][other_x]
                # A beam passes behind a rail.
                passes = side in "lr" and beside == "│"
                assert (other_y, other_x) in steps or passes or opposite in SIDES[beside]


def test_plain_characters_say_the_same() -> None:
    drawing = ascii_of(to_text(shop()))
    assert drawing.isascii()
    assert "*-|-+" in drawing or "*-+-+" in drawing
    assert "<- valid.falses" in drawing
    assert "\\u2603" in ascii_of(to_text(odd()))


def test_odd_names_are_escaped() -> None:
    drawing = to_text(odd())
    assert "\\x1b[31m\\n (map)" in drawing
    assert "\x1b" not in drawing


def test_an_empty_flow_has_its_name() -> None:
    assert to_text(Dataflow("nothing")) == "nothing (Dataflow)\n"
