"""The live page in a real browser."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver import Chrome

from tests.python.cluster.processes import ROOT, Process
from tests.python.web.browser import started, until
from tests.python.web.flows import EVIL
from tests.python.web.test_serving import address_of, free_ports, read

# Of the rows of the table, by step: the cells by name of their column.
ROWS = """
const names = [...document.querySelectorAll("thead th")].map((cell) => cell.textContent);
const rows = {};
for (const row of document.querySelectorAll("#steps tr")) {
  rows[row.dataset.stepId] = Object.fromEntries(
    [...row.cells].map((cell, n) => [names[n], cell.textContent.trim()]));
}
return rows;
"""
# Of what is drawn of a step: its classes, texts, and how long the bars are.
DRAWN = """
const group = document.querySelector(`g[data-step-id="${CSS.escape(arguments[0])}"]`);
const width = (kind) => group.querySelector(":scope > rect." + kind).width.baseVal.value;
return { classes: [...group.classList],
  rate: group.querySelector(":scope > text.rate").textContent,
  waiting: group.querySelector(":scope > text.waiting").textContent,
  worked: width("worked"), held: width("held"), fill: width("fill") };
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with started(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


def start(name: str, *arguments: str) -> Process:
    command = ["-m", "cppwax.run", f"tests.python.web.flows:{name}", "--dataflow-api"]
    return Process([*command, *arguments], {}, ROOT)


def rows_of(browser: Chrome) -> dict[str, dict[str, str]]:
    rows: dict[str, dict[str, str]] = browser.execute_script(ROWS)
    return rows


def drawn(browser: Chrome, step_id: str) -> dict[str, Any]:
    found: dict[str, Any] = browser.execute_script(DRAWN, step_id)
    return found


def share(cell: str) -> float:
    return float(cell.removesuffix("%")) / 100


def complaints(browser: Chrome) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser")]


def shows_the_slow_step(browser: Chrome) -> bool:
    rows = rows_of(browser)
    if "orders.price" not in rows:
        return False
    price, window = rows["orders.price"], rows["orders.per_second"]
    return (
        share(price["in Python"]) > 0.3
        and share(rows["orders.orders"]["held back"]) > 0.1
        and price["in"].endswith("k")
        and "%" in price["waiting"]
        and price["hot keys"].startswith("north ")
        and window["watermark lag"] != ""
    )


def test_a_slow_step_of_two_processes_is_seen(browser: Chrome) -> None:
    port = free_ports(2)
    process = start("slow_step", "-p", "2", "-w", "2", "--dataflow-api-port", str(port))
    try:
        other = address_of(process)
        # The frequent keys are of the second process.
        address = address_of(process, 1)
        browser.get(address)

        until(browser, shows_the_slow_step)
        price = drawn(browser, "orders.price")
        assert "busiest" in price["classes"]
        assert price["worked"] > 10
        assert price["fill"] > 0
        assert price["rate"].endswith("/s")
        assert price["waiting"].endswith("waiting")
        busy = browser.execute_script(
            "return [...document.querySelectorAll('tr.busiest')].map((r) => r.dataset.stepId);"
        )
        assert busy == ["orders.price"]
        until(browser, lambda it: "pressed" in drawn(it, "orders.orders")["classes"])
        assert drawn(browser, "orders.orders")["held"] > 0
        lag = float(rows_of(browser)["orders.per_second"]["watermark lag"].removesuffix(" s"))
        assert lag >= 5

        # Figures move.
        came = rows_of(browser)["orders.price"]["in"]
        until(browser, lambda it: rows_of(it)["orders.price"]["in"] != came)

        # The other process, and what steps consist of.
        link = browser.execute_script("return document.querySelector('#neighbours a').href;")
        assert link == f"{other}/"
        browser.get(f"{link}?substeps")
        until(browser, lambda it: len(rows_of(it)) > 5)
        status = json.loads(read(f"{address}/status")[1])
        assert status["busiest"][0] == "orders.price"
        assert complaints(browser) == []
    finally:
        # The page asks for as long as it is open.
        browser.get("about:blank")
        process.kill()


def test_odd_names_are_only_names_and_the_end_is_told(browser: Chrome) -> None:
    process = start("odd_names", "--dataflow-api-port", "0", "--stop-timeout", "60")
    try:
        browser.get(f"{address_of(process)}/?substeps")
        # Keys are data, and may be as odd.
        until(browser, lambda it: any(EVIL in row["hot keys"] for row in rows_of(it).values()))
        title = browser.title
        assert title.startswith("</script>")
        assert browser.execute_script("return document.querySelectorAll('img').length;") == 0
        names = [row["step"] for row in rows_of(browser).values()]
        assert EVIL in names
        assert "o·u·t" in names
        found = browser.execute_script(
            "return [...document.querySelectorAll('g[data-step-id]')].map((g) => "
            "[...g.children].some((e) => e.classList.contains('worked') || "
            "e.classList.contains('frame')));"
        )
        assert found and all(found)
        assert browser.title == title
        assert complaints(browser) == []

        process.send(signal.SIGTERM)
        assert process.end().code == 0
        gone = "return document.querySelector('#run.gone') !== null;"
        until(browser, lambda it: it.execute_script(gone))
        assert len(rows_of(browser)) == len(names)
        # That nobody answers is all that the browser has to say.
        assert all("net::ERR_" in each for each in complaints(browser))
    finally:
        process.kill()
