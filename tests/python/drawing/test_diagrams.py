"""JSON, Mermaid and PlantUML mean what Bytewax's do."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any

import pytest

import cppwax.operators as op
from cppwax import visualize
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource
from tests.python.drawing.pictured import ODD_NAMES, odd, shop
from tests.python.oracle.builder import Library, build_flow
from tests.python.oracle.generator import make_flow

FORMATS = {
    "json": lambda lib, flow: json.loads(lib.to_json(flow)),
    "mermaid": lambda lib, flow: lib.to_mermaid(flow).splitlines(),
    "plantuml": lambda lib, flow: lib.to_plantuml(flow).splitlines(),
    "plantuml recursive": lambda lib, flow: lib.to_plantuml(flow, recursive=True).splitlines(),
    "rendered": lambda lib, flow: repr(lib.to_rendered(flow)),
}


def assert_same(name: str, ours: Any, theirs: Any) -> None:
    oracle = importlib.import_module("bytewax.visualize")
    assert FORMATS[name](visualize, ours) == FORMATS[name](oracle, theirs)


@pytest.mark.parametrize("name", FORMATS)
def test_a_flow_with_everything_is_as_the_oracle_has_it(name: str) -> None:
    pytest.importorskip("bytewax._bytewax", reason="the oracle has no wheel for this Python")
    assert_same(name, shop("cppwax"), shop("bytewax"))


@pytest.mark.parametrize("name", FORMATS)
def test_random_flows_are_as_the_oracle_has_them(name: str) -> None:
    pytest.importorskip("bytewax._bytewax", reason="the oracle has no wheel for this Python")
    for seed in range(60):
        spec = make_flow(seed, 1)
        ours, _ = build_flow(Library("cppwax"), spec)
        theirs, _ = build_flow(Library("bytewax"), spec)
        assert_same(name, ours, theirs)


def test_links_lead_from_every_output_to_what_takes_it() -> None:
    steps = {step.step_name: step for step in visualize.to_rendered(shop()).substeps}
    (port,) = steps["everything"].inp_ports
    assert port.from_port_ids == ["shop.strip.down", "shop.parse_orders.down", "shop.no_bots.down"]
    (port,) = steps["dead_letters"].inp_ports
    assert port.from_port_ids == ["shop.valid.falses"]
    (inner,) = steps["parse_orders"].substeps
    assert inner.inp_ports[0].from_port_ids == ["shop.parse_orders.up"]
    assert steps["parse_orders"].out_ports[0].from_port_ids == [inner.out_ports[0].port_id]
    assert steps["valid"].out_ports[0].from_port_ids == []


def test_odd_names_cannot_end_a_line_of_mermaid() -> None:
    lines = visualize.to_mermaid(odd()).splitlines()
    link = r'[\w.-]+ -- "down → up" --> [\w.-]+'
    step = r'[\w.-]+\["[^"<>&]+"\]'
    assert len(lines) == 3 + 2 * len(ODD_NAMES) + 1
    assert all(re.fullmatch(f"{step}|{link}", line) for line in lines[2:-1])
    names = {line.partition("[")[0] for line in lines if "[" in line}
    assert len(names) == len(ODD_NAMES) + 1


@pytest.mark.parametrize("name", ["end", "subgraph", "class", "--", "x-", "-x"])
def test_words_and_signs_of_mermaid_are_no_names(name: str) -> None:
    """Mermaid's own parser refuses them."""
    flow = Dataflow("flow")
    op.map(name, op.input("inp", flow, TestingSource([])), str)
    assert f'_0["{name} (map)"]' in visualize.to_mermaid(flow).splitlines()


@pytest.mark.parametrize("name", ["a-b", "-", "x y"])
def test_hyphens_and_spaces_are_no_names_of_plantuml(name: str) -> None:
    """PlantUML refuses them without quotes."""
    flow = Dataflow("flow")
    op.map(name, op.input("inp", flow, TestingSource([])), str)
    lines = visualize.to_plantuml(flow).splitlines()
    assert f"    flow.{name} (map)" in lines
    assert f'    portin "flow.{name}.up" as _1' in lines
    assert "component _0 [" in lines


def test_odd_names_cannot_end_a_line_of_plantuml() -> None:
    lines = visualize.to_plantuml(odd()).splitlines()
    form = (
        r"component [\w.-]+ [\[{]|\]|\}"
        r'|    (portin|portout) ("[^"]+" as )?[\w.-]+'
        r"|    [\w.-]+ --> [\w.-]+ : .+"
        r"|    .+ \(\w+\)"
    )
    assert [line for line in lines[1:-1] if not re.fullmatch(form, line)] == []


@pytest.mark.parametrize("flow", [None, "flow", 5, Dataflow])
def test_only_dataflows_are_drawn(flow: Any) -> None:
    for name in ("to_rendered", "to_json", "to_mermaid", "to_plantuml", "to_svg", "to_text"):
        with pytest.raises(TypeError, match="must be a `Dataflow`"):
            getattr(visualize, name)(flow)
