"""Pictures: well-formed, complete, and without overlaps."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cppwax.operators as op
from cppwax.dataflow import Dataflow
from cppwax.testing import TestingSource
from cppwax.visualize import to_rendered, to_svg
from examples import join
from tests.python.architecture._files import ROOT
from tests.python.drawing.pictured import ODD_NAMES, all_steps, odd, same, shop

SVG = "{http://www.w3.org/2000/svg}"


def ids_in(root: ElementTree.Element) -> list[str]:
    return [e.attrib["data-step-id"] for e in root.iter(f"{SVG}g") if "data-step-id" in e.attrib]


def texts_in(root: ElementTree.Element) -> list[str]:
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("recursive", [False, True])
def test_every_step_is_drawn_once(recursive: bool) -> None:
    flow = shop()
    root = ElementTree.fromstring(to_svg(flow, recursive))
    steps = to_rendered(flow).substeps
    expected = all_steps(steps) if recursive else steps
    assert sorted(ids_in(root)) == sorted(step.step_id for step in expected)


@pytest.mark.parametrize("recursive", [False, True])
def test_every_stream_is_drawn(recursive: bool) -> None:
    flow = shop()
    root = ElementTree.fromstring(to_svg(flow, recursive))
    links = [path for path in root.iter(f"{SVG}path") if "marker-end" in path.attrib]
    steps = to_rendered(flow).substeps
    drawn = list(all_steps(steps)) if recursive else steps
    ports = [port for step in drawn for port in step.inp_ports]
    ports += [port for step in drawn for port in step.out_ports if recursive]
    assert len(links) == sum(len(port.from_port_ids) for port in ports)


def test_names_kinds_and_ports_can_be_read() -> None:
    texts = texts_in(ElementTree.fromstring(to_svg(shop())))
    for text in ("shop (Dataflow)", "parse_orders", "map", "trues", "falses", "down", "late"):
        assert text in texts
    # What has one input or output needs no name for it.
    assert "up" not in texts


def test_odd_names_are_shown_or_escaped() -> None:
    texts = texts_in(ElementTree.fromstring(to_svg(odd(), recursive=True)))
    for name in ('a "b" (map)', "<i>&amp; (map)", "naïve ☃ 名前 (map)", "\\x1b[31m\\n (map)"):
        assert name in texts
    assert len(ids_in(ElementTree.fromstring(to_svg(odd())))) == len(ODD_NAMES) + 1


@given(st.text().filter(lambda name: "." not in name and name.isascii() or name.isprintable()))
def test_any_name_gives_well_formed_xml(name: str) -> None:
    flow = Dataflow("flow")
    op.map(name.replace(".", "_"), op.input("inp", flow, TestingSource([])), same)
    assert len(ids_in(ElementTree.fromstring(to_svg(flow)))) == 2


def test_wide_names_have_wide_boxes() -> None:
    def width_of(name: str) -> float:
        flow = Dataflow("flow")
        op.input(name, flow, TestingSource([]))
        found = re.search(r'class="box" width="([\d.]+)"', to_svg(flow))
        assert found
        return float(found[1])

    assert width_of("a" * 50) > 50 * 13 * 0.5
    assert width_of("名" * 20) == width_of("a" * 40)


def test_a_picture_needs_nothing_else() -> None:
    picture = to_svg(shop(), recursive=True)
    assert re.findall(r"https?://[^\"]+", picture) == ["http://www.w3.org/2000/svg"]
    assert "<script" not in picture


def test_an_empty_flow_has_its_name() -> None:
    assert texts_in(ElementTree.fromstring(to_svg(Dataflow("nothing")))) == ["nothing (Dataflow)"]


def test_the_picture_of_the_documents_is_that_of_the_example() -> None:
    picture = ROOT / "docs" / "pictures" / "join.svg"
    assert picture.read_text(encoding="utf-8") == to_svg(join.flow) + "\n"


def test_in_a_page_the_style_is_for_the_picture_alone() -> None:
    root = ElementTree.fromstring(to_svg(shop()))
    assert root.attrib["class"] == "cppwax-flow"
    (style,) = root.iter(f"{SVG}style")
    rules = (style.text or "").strip().splitlines()
    assert rules and all(rule.startswith(".cppwax-flow ") for rule in rules)
