"""Where the boxes of a drawing go: in layers, each link from a box down to another.

The usual steps of layered drawing: layers by longest path, an order in each layer with few
crossings, then places that keep links straight. Knows boxes and links alone, not what they stand
for.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Point = tuple[float, float]

# Of the search for few crossings; of the search for straight lines.
_ORDER_SWEEPS, _PLACE_SWEEPS = 8, 40


@dataclass(frozen=True)
class Box:
    """Something to be placed."""

    width: float
    height: float
    is_first: bool = False
    """It belongs above all that are not."""
    is_last: bool = False
    """It belongs below all that are not."""


@dataclass(frozen=True)
class Link:
    """A line from the lower side of one box to the upper side of another one below it.

    The boxes are numbers in the list of all; `source` is the lesser one. Each end has its distance
    from the left side of its box.
    """

    source: int
    target: int
    source_x: float
    target_x: float


@dataclass(frozen=True)
class Spacing:
    """Distances to keep."""

    between_boxes: float
    between_lines: float
    between_layers: float


@dataclass(frozen=True)
class Layout:
    """Where everything goes, from (0, 0) to (width, height)."""

    width: float
    height: float
    corners: list[Point]
    """The upper left corner of each box."""
    routes: list[list[Point]]
    """The points that each link passes. Between the first and the second, and every other two
    after these, it goes straight down beside boxes; from the second to the third, and so on, it
    is free to bend."""


@dataclass
class _Place:
    """A box in its layer, or the place in it where a link passes through."""

    layer: int
    width: float
    box: int | None = None
    x: float = 0
    ups: list[_Segment] = field(default_factory=list)
    downs: list[_Segment] = field(default_factory=list)


@dataclass(frozen=True)
class _Segment:
    """A part of a link, from one layer to the next."""

    upper: _Place
    upper_x: float
    lower: _Place
    lower_x: float

    @property
    def weight(self) -> int:
        """How much it matters that it is straight; bends in long links are worst."""
        return (1, 4, 24)[(self.upper.box is None) + (self.lower.box is None)]


def lay_out(boxes: Sequence[Box], links: Sequence[Link], spacing: Spacing) -> Layout:
    """Find a place for each box and a way for each link.

    Args:
        boxes: The boxes.
        links: The links.
        spacing: Distances.

    Returns:
        The places. They depend on the arguments alone.
    """
    box_layers = _layers_of(boxes, links)
    boxed = [
        _Place(layer, box.width, number)
        for number, (box, layer) in enumerate(zip(boxes, box_layers, strict=True))
    ]
    ways = [_way_of(link, boxed) for link in links]
    layers: list[list[_Place]] = [[] for _ in range(max(box_layers, default=-1) + 1)]
    for place in boxed:
        layers[place.layer].append(place)
    for way in ways:
        for place in way[1:-1]:
            layers[place.layer].append(place)
    layers = _with_few_crossings(layers)
    _place_across(layers, spacing)
    return _layout_of(boxes, boxed, layers, _Routing(links, ways, spacing))


def _layers_of(boxes: Sequence[Box], links: Sequence[Link]) -> list[int]:
    """Number the layers from the top: each box goes as high as its links allow."""
    above_all = int(any(box.is_first for box in boxes))
    layers = [0 if box.is_first else above_all for box in boxes]
    for link in sorted(links, key=lambda link: link.target):
        layers[link.target] = max(layers[link.target], layers[link.source] + 1)
    below_all = max(
        (n for n, box in zip(layers, boxes, strict=True) if not box.is_last), default=-1
    )
    for number, box in enumerate(boxes):
        if box.is_last:
            layers[number] = below_all + 1
    # But those that nothing leads to go down to what they lead to.
    fixed = {link.target for link in links} | {n for n, box in enumerate(boxes) if box.is_first}
    for number in reversed(range(len(boxes))):
        below = [layers[link.target] for link in links if link.source == number]
        if below and number not in fixed:
            layers[number] = min(below) - 1
    return layers


def _way_of(link: Link, boxed: Sequence[_Place]) -> list[_Place]:
    """Lead a link through a place in each layer between its boxes."""
    source, target = boxed[link.source], boxed[link.target]
    between = [_Place(layer, 0) for layer in range(source.layer + 1, target.layer)]
    way = [source, *between, target]
    for upper, lower in zip(way, way[1:], strict=False):
        segment = _Segment(
            upper,
            link.source_x if upper is source else 0,
            lower,
            link.target_x if lower is target else 0,
        )
        upper.downs.append(segment)
        lower.ups.append(segment)
    return way


def _with_few_crossings(layers: list[list[_Place]]) -> list[list[_Place]]:
    """Order each layer by where its neighbours are, to and fro; the best order wins."""
    best, fewest = [layer.copy() for layer in layers], _crossings(layers)
    for sweep in range(_ORDER_SWEEPS):
        if fewest == 0:
            break
        is_down = sweep % 2 == 0
        for number in range(len(layers)) if is_down else reversed(range(len(layers))):
            _order(layers, number, is_down)
        crossings = _crossings(layers)
        if crossings < fewest:
            best, fewest = [layer.copy() for layer in layers], crossings
    return best


def _ranks(layer: Sequence[_Place]) -> dict[int, int]:
    return {id(place): rank for rank, place in enumerate(layer)}


def _rank_at(ranks: dict[int, int], place: _Place, x: float) -> float:
    """Tell where a segment ends, as a rank that falls on its place's own fraction."""
    return ranks[id(place)] + (x / place.width * 0.5 if place.width else 0.25)


def _order(layers: list[list[_Place]], number: int, is_down: bool) -> None:
    beside = number - 1 if is_down else number + 1
    if not 0 <= beside < len(layers):
        return
    ranks, own = _ranks(layers[beside]), _ranks(layers[number])

    def wanted(place: _Place) -> float:
        if is_down:
            found = [_rank_at(ranks, s.upper, s.upper_x) for s in place.ups]
        else:
            found = [_rank_at(ranks, s.lower, s.lower_x) for s in place.downs]
        return sum(found) / len(found) if found else own[id(place)]

    layers[number].sort(key=wanted)


def _crossings(layers: list[list[_Place]]) -> int:
    count = 0
    for upper, lower in zip(layers, layers[1:], strict=False):
        ranks, below = _ranks(upper), _ranks(lower)
        ends = sorted(
            (_rank_at(ranks, upper_place, s.upper_x), _rank_at(below, s.lower, s.lower_x))
            for upper_place in upper
            for s in upper_place.downs
        )
        seen: list[float] = []
        for _, end in ends:
            insort(seen, end)
            # Those that began further left and end further right.
            count += sum(1 for _ in _while_greater(seen, end))
    return count


def _while_greater(ascending: list[float], limit: float) -> Iterator[float]:
    for value in reversed(ascending):
        if value <= limit:
            return
        yield value


def _place_across(layers: list[list[_Place]], spacing: Spacing) -> None:
    """Give each place its distance from the left, so that links are as straight as can be."""
    for layer in layers:
        _spread(layer, [0.0] * len(layer), [1.0] * len(layer), spacing)
    for sweep in range(_PLACE_SWEEPS):
        is_last = sweep >= _PLACE_SWEEPS // 2
        is_down = sweep % 2 == 0
        for layer in layers if is_down else reversed(layers):
            wanted, weights = [], []
            for place in layer:
                ups = place.ups if is_down or is_last else []
                downs = place.downs if not is_down or is_last else []
                ends = [(s.upper.x + s.upper_x - s.lower_x, s.weight) for s in ups]
                ends += [(s.lower.x + s.lower_x - s.upper_x, s.weight) for s in downs]
                weight = sum(weight for _, weight in ends)
                mean = sum(x * weight for x, weight in ends) / weight if weight else place.x
                wanted.append(mean)
                weights.append(weight or 0.01)
            _spread(layer, wanted, weights, spacing)
    left = min((place.x for layer in layers for place in layer), default=0)
    for layer in layers:
        for place in layer:
            place.x -= left


def _spread(
    layer: list[_Place], wanted: list[float], weights: list[float], spacing: Spacing
) -> None:
    """Put the places of a layer where they want to be, as near as their distances allow.

    Least squares: less the room taken up by those before it, each place must not be left of its
    neighbour, so the wanted values are made monotonous by joining violators to their mean.
    """
    room, taken = 0.0, []
    for place, following in zip(layer, [*layer[1:], None], strict=True):
        taken.append(room)
        are_lines = place.box is None and following is not None and following.box is None
        room += place.width + (spacing.between_lines if are_lines else spacing.between_boxes)
    blocks: list[tuple[float, float, int]] = []
    for x, weight, before in zip(wanted, weights, taken, strict=True):
        mean, total, count = x - before, weight, 1
        while blocks and blocks[-1][0] > mean:
            other, other_total, other_count = blocks.pop()
            mean = (mean * total + other * other_total) / (total + other_total)
            total, count = total + other_total, count + other_count
        blocks.append((mean, total, count))
    means = [mean for mean, _, count in blocks for _ in range(count)]
    for place, mean, before in zip(layer, means, taken, strict=True):
        place.x = mean + before


@dataclass(frozen=True)
class _Routing:
    links: Sequence[Link]
    ways: list[list[_Place]]
    spacing: Spacing


def _layout_of(
    boxes: Sequence[Box], boxed: list[_Place], layers: list[list[_Place]], routing: _Routing
) -> Layout:
    tops, heights, bottom = [], [], 0.0
    for layer in layers:
        heights.append(max((boxes[p.box].height for p in layer if p.box is not None), default=0))
        tops.append(bottom)
        bottom += heights[-1] + routing.spacing.between_layers
    corners = [
        (place.x, tops[place.layer] + (heights[place.layer] - box.height) / 2)
        for box, place in zip(boxes, boxed, strict=True)
    ]
    routes = []
    for link, way in zip(routing.links, routing.ways, strict=True):
        x, y = corners[link.source]
        route = [(x + link.source_x, y + boxes[link.source].height)]
        for upper, lower in zip(way, way[1:], strict=False):
            segment_x = lower.x + (link.target_x if lower is way[-1] else 0)
            route.append((route[-1][0], tops[upper.layer] + heights[upper.layer]))
            route.append((segment_x, tops[lower.layer]))
        route.append((route[-1][0], corners[link.target][1]))
        routes.append(route)
    width = max((place.x + place.width for layer in layers for place in layer), default=0)
    return Layout(width, max(0.0, bottom - routing.spacing.between_layers), corners, routes)
