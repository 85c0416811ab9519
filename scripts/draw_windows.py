"""Draws the pictures of `docs/windowing.md`, from what clocks and windowers really do.

    python -m scripts.draw_windows

Times in the pictures are minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import cppwax.operators.windowing as w

FOLDER = Path("docs/pictures")
_ZERO = datetime(2024, 1, 1, tzinfo=timezone.utc)
_WIDTH, _LEFT, _LAST = 720, 60, 60
_BLUE, _RED, _GREY = "#2563a8", "#b3362b", "#8a8f98"


def _at(minute: float) -> datetime:
    return _ZERO + timedelta(minutes=minute)


def _minutes(when: datetime) -> float:
    return (when - _ZERO) / timedelta(minutes=1)


def _x(minute: float) -> float:
    return round(_LEFT + minute * (_WIDTH - _LEFT - 30) / _LAST, 1)


def _text(x: float, y: float, text: str, color: str = "#222", anchor: str = "middle") -> str:
    return f'<text x="{x}" y="{y}" fill="{color}" text-anchor="{anchor}">{text}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, color: str = _GREY) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{color}"/>'


def _dot(x: float, y: float, color: str = _BLUE) -> str:
    return f'<circle cx="{x}" cy="{y}" r="4.5" fill="{color}"/>'


def _bar(first: float, last: float, y: float, label: str) -> str:
    # A session of one value has no length, and still must be seen.
    width = max(_x(last) - _x(first), 2)
    box = (
        f'<rect x="{_x(first)}" y="{y}" width="{round(width, 1)}" height="18" rx="4" '
        f'fill="{_BLUE}" fill-opacity="0.15" stroke="{_BLUE}"/>'
    )
    if width == 2:
        return box + _text(_x(last) + 6, y + 13, label, _BLUE, "start")
    return box + _text(_x((first + last) / 2), y + 13, label, _BLUE)


def _axis(y: float) -> Iterator[str]:
    yield _line(_LEFT, y, _WIDTH - 15, y)
    for minute in range(0, _LAST + 1, 10):
        yield _line(_x(minute), y - 3, _x(minute), y + 3)
        yield _text(_x(minute), y + 18, str(minute), _GREY)


def _picture(height: int, parts: Iterable[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>\n{body}\n</svg>\n'
    )


def _windows(windower: w.Windower[Any], minutes: list[float]) -> list[tuple[int, Any]]:
    logic = windower.build(None)
    for minute in minutes:
        list(logic.open_for(_at(minute)))
    return list(logic.close_for(w.UTC_MAX))


def _draw_windower(windower: w.Windower[Any], minutes: list[float]) -> str:
    """Draw values on the axis, and below it the windows that they are in."""
    closed = sorted(_windows(windower, minutes), key=lambda window: window[1].open_time)
    rows: list[float] = []
    parts = [_text(_LEFT - 8, 34, "values", anchor="end"), *_axis(52)]
    parts += [_dot(_x(minute), 30) for minute in minutes]
    for window_id, meta in closed:
        first, last = _minutes(meta.open_time), _minutes(meta.close_time)
        # Windows that do not overlap share a row.
        row = next((i for i, end in enumerate(rows) if end <= first), len(rows))
        rows[row : row + 1] = [last]
        label = str(window_id)
        if meta.merged_ids:
            label += " (took in " + ", ".join(map(str, sorted(meta.merged_ids))) + ")"
        parts.append(_bar(first, last, 82 + row * 26, label))
    parts.append(_text(_LEFT - 8, 96, "windows", anchor="end"))
    return _picture(100 + len(rows) * 26, parts)


def _draw_watermark(minutes: list[float], wait: float) -> str:
    """Draw values as they come, from left to right, by their time; and the watermark below them."""
    clock = w.EventClock(_at, timedelta(minutes=wait), now_getter=lambda: _ZERO)
    logic = clock.build(None)
    logic.before_batch()
    bottom, step = 250, (_WIDTH - _LEFT - 60) / len(minutes)

    def y(minute: float) -> float:
        return round(bottom - minute * 3.6, 1)

    parts = [_line(_LEFT, bottom, _WIDTH - 15, bottom), _line(_LEFT, bottom, _LEFT, 20)]
    parts += [_text(_LEFT - 8, y(m) + 4, str(m), _GREY, "end") for m in range(0, 61, 10)]
    parts.append(_text(_WIDTH / 2, bottom + 20, "in order of arrival →"))
    parts.append(_text(_LEFT + 6, 16, "time of the value", anchor="start"))
    path, before = "", None
    for i, minute in enumerate(minutes):
        x = round(_LEFT + 25 + i * step, 1)
        timestamp, watermark = logic.on_item(minute)
        late = timestamp < watermark
        level = y(_minutes(watermark))
        path += f"{'L' if path else 'M'}{x},{before if path else level} L{x},{level} "
        before = level
        parts.append(_dot(x, y(minute), _RED if late else _BLUE))
        label = f"{minute:g} (late)" if late else f"{minute:g}"
        parts.append(_text(x, y(minute) + (18 if late else -8), label, _RED if late else _BLUE))
    end = _WIDTH - 30
    parts.append(f'<path d="{path}L{end},{before}" fill="none" stroke="{_GREY}" stroke-width="2"/>')
    parts.append(_text(end, (before or 0) + 16, "watermark", _GREY, "end"))
    return _picture(280, parts)


_VALUES = [2, 6, 13, 17, 18, 34, 41, 47, 54]


def pictures() -> dict[str, str]:
    """Give each picture's name and text."""
    ten, five = timedelta(minutes=10), timedelta(minutes=5)
    return {
        "tumbling.svg": _draw_windower(w.TumblingWindower(ten, _ZERO), _VALUES),
        "sliding.svg": _draw_windower(w.SlidingWindower(ten, five, _ZERO), _VALUES[1:]),
        "session.svg": _draw_windower(w.SessionWindower(timedelta(minutes=6)), _VALUES),
        "session_merge.svg": _draw_windower(
            w.SessionWindower(timedelta(minutes=7)), [4, 9, 21, 25, 44, 15]
        ),
        "watermark.svg": _draw_watermark([12, 21, 17, 31, 28, 19, 45, 39, 33, 50, 58], 10),
    }


def main() -> None:
    """Write the pictures."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pictures().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(FOLDER / name)


if __name__ == "__main__":
    main()
