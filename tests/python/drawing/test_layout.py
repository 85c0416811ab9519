"""Properties of the layered layout: what is true of every drawing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cppwax._drawing.layout import Box, Layout, Link, Spacing, lay_out

SPACING = Spacing(between_boxes=20, between_lines=10, between_layers=30)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[Box], list[Link]]:
    count = draw(st.integers(1, 12))
    sizes = st.integers(10, 90)
    boxes = [Box(draw(sizes), draw(sizes)) for _ in range(count)]
    pairs = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))))
    links = [
        Link(a, b, boxes[a].width * 0.3, boxes[b].width * 0.6) for a, b in sorted(pairs) if a < b
    ]
    return boxes, links


def spans(boxes: list[Box], layout: Layout) -> list[tuple[float, float, float, float]]:
    return [
        (x, y, x + box.width, y + box.height)
        for box, (x, y) in zip(boxes, layout.corners, strict=True)
    ]


@given(graphs())
def test_boxes_keep_their_distance_and_lie_within(graph: tuple[list[Box], list[Link]]) -> None:
    boxes, links = graph
    layout = lay_out(boxes, links, SPACING)
    placed = spans(boxes, layout)
    for number, (left, top, right, bottom) in enumerate(placed):
        assert left >= -1e-6 and top >= 0
        assert right <= layout.width + 1e-6 and bottom <= layout.height + 1e-6
        for other_left, other_top, other_right, other_bottom in placed[:number]:
            beside = left >= other_right + 19.99 or other_left >= right + 19.99
            assert beside or top >= other_bottom + 29.99 or other_top >= bottom + 29.99


@given(graphs())
def test_links_join_their_boxes_and_pass_beside_others(
    graph: tuple[list[Box], list[Link]],
) -> None:
    boxes, links = graph
    layout = lay_out(boxes, links, SPACING)
    placed = spans(boxes, layout)
    for link, route in zip(links, layout.routes, strict=True):
        left, _, _, bottom = placed[link.source]
        assert route[0] == (left + link.source_x, bottom)
        left, top, _, _ = placed[link.target]
        assert route[-1] == pytest.approx((left + link.target_x, top))
        heights = [y for _, y in route]
        assert heights == sorted(heights)
        # Between layers there are no boxes.
        for (x, begin), (same_x, end) in zip(route[::2], route[1::2], strict=True):
            assert x == same_x
            for number, (left, top, right, bottom) in enumerate(placed):
                if number not in (link.source, link.target):
                    assert not (left < x < right and top < end and begin < bottom)


@given(graphs())
def test_the_same_graph_is_drawn_the_same(graph: tuple[list[Box], list[Link]]) -> None:
    assert lay_out(*graph, SPACING) == lay_out(*graph, SPACING)


def test_a_chain_is_straight() -> None:
    boxes = [Box(width, 10) for width in (30, 90, 50)]
    links = [Link(n, n + 1, boxes[n].width / 2, boxes[n + 1].width / 2) for n in range(2)]
    routes = lay_out(boxes, links, SPACING).routes
    assert {round(x, 3) for route in routes for x, _ in route} == {45}


def test_crossings_that_need_not_be_are_avoided() -> None:
    boxes = [Box(10, 10)] * 6
    # As defined, all three links would cross.
    links = [Link(n, 5 - n, 5, 5) for n in range(3)]
    corners = lay_out(boxes, links, SPACING).corners
    order = sorted(range(3), key=lambda n: corners[n])
    assert sorted(range(3), key=lambda n: corners[5 - n]) == order


def test_a_source_lies_next_to_what_takes_it() -> None:
    boxes = [Box(10, 10)] * 5
    links = [Link(0, 1, 5, 5), Link(1, 2, 5, 5), Link(2, 4, 5, 5), Link(3, 4, 5, 5)]
    corners = lay_out(boxes, links, SPACING).corners
    assert corners[3][1] == corners[2][1]


def test_first_and_last_ones_lie_outside_of_all_others() -> None:
    boxes = [Box(10, 10, is_first=True), *[Box(10, 10)] * 3, Box(10, 10, is_last=True)]
    links = [Link(1, 2, 5, 5), Link(0, 4, 5, 5)]
    heights = [y for _, y in lay_out(boxes, links, SPACING).corners]
    assert heights[0] < min(heights[1:4])
    assert heights[4] > max(heights[1:4])


def test_nothing_takes_no_room() -> None:
    assert lay_out([], [], SPACING) == Layout(0, 0, [], [])
