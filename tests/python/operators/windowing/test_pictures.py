"""The pictures in the documents show what the windowers do."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from scripts.draw_windows import pictures

_DOCS = Path(__file__).parents[4] / "docs"


def test_the_pictures_are_up_to_date() -> None:
    for name, text in pictures().items():
        recorded = (_DOCS / "pictures" / name).read_text("utf-8")
        assert recorded == text, "run `python -m scripts.draw_windows`"
        ElementTree.fromstring(text)


def test_the_document_shows_them_all() -> None:
    shown = re.findall(r"\(pictures/([\w.]+)\)", (_DOCS / "windowing.md").read_text("utf-8"))
    assert set(shown) == set(pictures())
