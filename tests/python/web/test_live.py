"""The live page and the figures that it shows."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree

import pytest

from cppwax._drawing.rendered import to_rendered
from cppwax._web.pages import Pages
from cppwax._web.state import RunState
from tests.python.drawing.pictured import all_steps, odd, shop
from tests.python.watch.counted import FakeMeters, counted_flow
from tests.python.web.test_pages import ask

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
VOID = {"meta", "link", "br", "input", "img"}


class _Document(HTMLParser):
    """Checks that elements are closed in order, and keeps what a test asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.step_ids: list[str] = []
        self.links: list[str] = []
        self.texts: dict[str, list[str]] = {"style": [], "script": []}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        found = dict(attrs)
        assert not [name for name in found if name == "style" or name.startswith("on")]
        self.ids += [str(found["id"])] if "id" in found else []
        self.step_ids += [str(found["data-step-id"])] if "data-step-id" in found else []
        self.links += [str(found[name]) for name in ("href", "src") if name in found]
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.texts:
            self.texts[self.open[-1]][-1] += data


def page(flow: Any, query: str = "") -> tuple[dict[str, str], str]:
    pages = Pages(RunState(flow))
    status, headers, body = ask(pages, "/", HTTP_ACCEPT=BROWSER, QUERY_STRING=query)
    assert status == "200 OK"
    return headers, body


@pytest.mark.parametrize("make", [shop, odd, counted_flow])
@pytest.mark.parametrize("query", ["", "substeps", "substeps=1"])
def test_the_page_is_well_formed_and_draws_every_step(make: Any, query: str) -> None:
    _, body = page(make(), query)
    document = _Document(body)
    assert len(set(document.ids)) == len(document.ids)
    drawing = body[body.index("<svg") : body.index("</svg>") + len("</svg>")]
    drawn = [group.get("data-step-id") for group in ElementTree.fromstring(drawing).iter()]
    assert [each for each in drawn if each is not None] == document.step_ids
    steps = to_rendered(make()).substeps
    wanted = list(all_steps(steps)) if query else steps
    assert len(document.step_ids) == len(wanted)


@pytest.mark.parametrize("make", [shop, odd])
@pytest.mark.parametrize("query", ["", "substeps"])
def test_steps_of_the_page_are_those_of_the_figures(make: Any, query: str) -> None:
    _, body = page(make(), query)
    status = json.loads(ask(Pages(RunState(make())), "/status")[2])

    def ids(steps: list[Any]) -> list[str]:
        return [
            each
            for step in steps
            for each in [step["drawn_id"], *(ids(step["substeps"]) if query else [])]
        ]

    drawn = ids(status["steps"])
    assert sorted(_Document(body).step_ids) == sorted(drawn)
    assert len(set(drawn)) == len(drawn)


def test_the_script_finds_what_it_looks_for() -> None:
    _, body = page(shop())
    document = _Document(body)
    (script,) = document.texts["script"]
    asked = re.findall(r'getElementById\("(.*?)"\)', script)
    assert asked
    assert set(asked) <= set(document.ids)
    status = json.loads(ask(Pages(RunState(shop())), "/status")[2])
    used = set(re.findall(r"\bstatus\.(\w+)", script))
    assert used <= set(status)
    used = set(re.findall(r"\bstep\.(\w+)", script))
    assert used <= set(status["steps"][0])
    cells = len(re.findall(r"<th>", body))
    assert f"n < {cells};" in script


def policy_of(headers: dict[str, str]) -> dict[str, str]:
    parts = (part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    return {name: sources for name, sources in parts}


@pytest.mark.parametrize("make", [shop, odd])
def test_nothing_but_its_own_script_and_styles_may_be_used(make: Any) -> None:
    headers, body = page(make(), "substeps")
    document = _Document(body)
    policy = policy_of(headers)
    assert policy["default-src"] == "'none'"
    assert not [sources for sources in policy.values() if "unsafe" in sources]
    for what, texts in (("script", document.texts["script"]), ("style", document.texts["style"])):
        hashes = [base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in texts]
        assert policy[f"{what}-src"] == " ".join(f"'sha256-{each}'" for each in hashes)
    assert not [link for link in document.links if re.match(r"//|https?:", link)]
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_its_parts_do_not_end_early() -> None:
    for name in ("live.js", "live.css"):
        text = (files("cppwax._web") / name).read_text(encoding="utf-8")
        assert "</" not in text
        assert "<!--" not in text


@pytest.mark.parametrize(
    ("accepted", "is_page"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("TEXT/HTML;q=0.5, text/plain", True),
        ("text/html;q=0, text/plain", False),
        ("text/html; q=0.00", False),
        ("*/*", False),
        ("", False),
        ("text/plain", False),
    ],
)
def test_who_does_not_ask_for_html_gets_the_list(accepted: str, is_page: bool) -> None:
    pages = Pages(RunState(shop()))
    _, headers, body = ask(pages, "/", HTTP_ACCEPT=accepted)
    assert headers["Vary"] == "Accept"
    if is_page:
        assert headers["Content-Type"] == "text/html; charset=utf-8"
    else:
        assert headers["Content-Type"] == "text/plain; charset=utf-8"
        assert body.startswith("dataflow 'shop'\n")


def test_the_links_of_the_page_lead_to_pages() -> None:
    pages = Pages(RunState(shop()))
    for query in ("", "substeps"):
        for link in _Document(page(shop(), query)[1]).links:
            if not link.startswith("data:"):
                assert ask(pages, link.partition("?")[0])[0] == "200 OK"


def test_the_status_tells_of_the_run_and_its_steps() -> None:
    meters = FakeMeters(
        [
            ("counted.inp", 0, 0, 0, 100, 0.5, 0.25),
            ("counted.out", 0, 50, 40, 0, 2.5, 0.0),
        ],
        [(0, 8, 7)],
    )
    run = RunState(counted_flow(), process_id=1, process_count=3, meters=meters)
    run.neighbours = [(0, 3030), (2, 3032)]
    _, headers, body = ask(Pages(run), "/status")
    assert headers["Content-Type"] == "application/json"
    status = json.loads(body)
    assert (status["flow_id"], status["process_id"], status["processes"]) == ("counted", 1, 3)
    assert status["phase"] == "running"
    assert status["neighbours"] == [
        {"process_id": 0, "port": 3030},
        {"process_id": 2, "port": 3032},
    ]
    assert status["workers"] == [
        {"worker_index": 0, "epoch_opened": 8, "epoch_through": 7, "phase": "running"}
    ]
    inp, *_, out = status["steps"]
    assert (inp["items_in"], inp["items_out"], inp["held_seconds"]) == (None, 100, 0.25)
    assert (out["items_in"], out["waiting"], out["worked_seconds"]) == (50, 10, 2.5)
