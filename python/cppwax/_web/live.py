"""The live page: a drawing of the dataflow with figures of each step, in one HTML document.

Its script asks for `/status` once a second. It loads nothing else, and its security policy lets it
load and run nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from cppwax._drawing.names import shown
from cppwax._drawing.rendered import to_rendered
from cppwax._drawing.svg import STYLE, svg_of
from cppwax._watch.figures import Watch
from cppwax._web.state import RunState


def status_of(state: RunState, watch: Watch) -> str:
    """Tell how far a run is and how fast.

    Args:
        state: The run.
        watch: What looks at its meters.

    Returns:
        JSON: facts of the run and what `Figures` has.
    """
    facts = {
        "flow_id": state.flow.flow_id,
        "process_id": state.process_id,
        "processes": state.process_count,
        "phase": state.phase,
        "neighbours": [{"process_id": n, "port": port} for n, port in state.neighbours],
    }
    figures = asdict(watch.look())
    _name_as_drawn(figures["steps"])
    return json.dumps(facts | figures)


def _name_as_drawn(steps: list[dict[str, Any]]) -> None:
    """Add the ids that a drawing has for steps, which differ where a name has odd characters."""
    for step in steps:
        step["drawn_id"] = shown(step["step_id"])
        _name_as_drawn(step["substeps"])


def page_of(state: RunState, with_substeps: bool) -> str:
    """Make the page.

    Args:
        state: The run.
        with_substeps: Whether to show what steps consist of.

    Returns:
        HTML.
    """
    return Template(_file("live.html")).substitute(
        flow_id=escape(shown(state.flow.flow_id)),
        style=_file("live.css"),
        script=_file("live.js"),
        drawing=svg_of(to_rendered(state.flow), with_substeps),
        substeps="yes" if with_substeps else "no",
        other_view="/" if with_substeps else "/?substeps",
        other_view_name="without substeps" if with_substeps else "with substeps",
    )


def headers_of_page() -> list[tuple[str, str]]:
    """Give the headers for the page: what it is, and all that a browser may let it do."""
    policy = {
        "default-src": "'none'",
        "script-src": _hashes([_file("live.js")]),
        "style-src": _hashes([_file("live.css"), STYLE]),
        "img-src": "data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", "; ".join(f"{what} {may}" for what, may in policy.items())),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    ]


@cache
def _file(name: str) -> str:
    return (files("cppwax._web") / name).read_text(encoding="utf-8")


def _hashes(texts: Iterable[str]) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
