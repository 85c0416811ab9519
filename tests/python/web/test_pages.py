"""What pages answer, asked without a network."""

from __future__ import annotations

import json
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import prometheus_client
import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from cppwax._web.pages import Pages
from cppwax._web.state import RunState
from cppwax.dataflow import Dataflow
from cppwax.visualize import to_json
from tests.python.drawing.pictured import shop
from tests.python.watch.counted import FakeMeters, counted_flow


def state(**facts: Any) -> RunState:
    return RunState(shop(), **facts)


def ask(pages: Any, path: str, **environ: str) -> tuple[str, dict[str, str], str]:
    """Ask for a page, with the rules of WSGI checked on the way."""
    answered: list[Any] = []
    full: dict[str, Any] = {"SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": ""} | environ
    setup_testing_defaults(full)
    parts = validator(pages)(full, lambda *answer: answered.extend(answer[:2]))
    body = b"".join(parts).decode()
    parts.close()
    return answered[0], dict(answered[1]), body


def test_the_dataflow_is_that_of_visualize() -> None:
    status, headers, body = ask(Pages(state()), "/dataflow")
    assert (status, headers["Content-Type"]) == ("200 OK", "application/json")
    assert json.loads(body) == json.loads(to_json(shop()))


def test_readiness_follows_the_run_and_health_does_not() -> None:
    meters = FakeMeters()
    run = state(meters=meters)
    pages = Pages(run)
    for phases, phase, status in (
        ([], "starting", "503 Service Unavailable"),
        (["starting", "running"], "starting", "503 Service Unavailable"),
        (["running", "running"], "running", "200 OK"),
        (["ended", "running"], "running", "200 OK"),
        (["stopping", "running"], "stopping", "503 Service Unavailable"),
        (["ended", "ended"], "stopping", "503 Service Unavailable"),
    ):
        meters.phases = phases
        assert ask(pages, "/readyz")[::2] == (status, f"{phase}\n")
        assert ask(pages, "/healthz")[::2] == ("200 OK", "ok\n")
    run.is_over = True
    assert ask(pages, "/readyz")[::2] == ("503 Service Unavailable", "ended\n")
    assert ask(pages, "/healthz")[::2] == ("200 OK", "ok\n")


def samples(text: str) -> dict[str, tuple[dict[str, str], float]]:
    return {
        sample.name: (sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_tell_of_the_run_and_of_the_process() -> None:
    meters = FakeMeters()
    run = state(process_id=1, process_count=3, worker_count=2, meters=meters)
    pages = Pages(run)
    found = samples(ask(pages, "/metrics")[2])
    labels, _ = found["cppwax_run_info"]
    assert (labels["flow_id"], labels["process_id"], labels["processes"]) == ("shop", "1", "3")
    assert found["cppwax_run_workers"] == ({}, 2)
    assert found["cppwax_run_running"] == ({}, 0)
    assert "cppwax_run_start_time_seconds" not in found
    assert found["process_open_fds"][1] > 0
    meters.phases, run.started_at = ["running"], 1234.5
    found = samples(ask(pages, "/metrics")[2])
    assert found["cppwax_run_running"] == ({}, 1)
    assert found["cppwax_run_start_time_seconds"] == ({}, 1234.5)


def of_steps(text: str, name: str) -> dict[tuple[str, str], float]:
    return {
        (sample.labels["step_id"], sample.labels["worker_index"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def test_metrics_tell_of_steps_and_workers() -> None:
    meters = FakeMeters(
        [
            ("counted.inp", 3, 0, 0, 100, 0.5, 0.25),
            ("counted.next.flat_map_batch", 3, 90, 60, 60, 1.5, 0.0),
            ("counted.out", 3, 50, 51, 0, 2.5, 0.0),
        ],
        [(3, 8, 7)],
    )
    text = ask(Pages(RunState(counted_flow(), meters=meters)), "/metrics")[2]
    inp, mapped, out = (("counted." + x, "3") for x in ("inp", "next.flat_map_batch", "out"))
    assert of_steps(text, "cppwax_item_inp_count_total") == {mapped: 90, out: 50}
    assert of_steps(text, "cppwax_item_out_count_total") == {inp: 100, mapped: 60}
    assert of_steps(text, "cppwax_items_waiting") == {mapped: 30, out: 0}
    worked = of_steps(text, "cppwax_step_worked_seconds_total")
    assert worked == {inp: 0.5, mapped: 1.5, out: 2.5}
    assert of_steps(text, "cppwax_step_held_seconds_total") == {inp: 0.25, mapped: 0}
    found = samples(text)
    assert found["cppwax_epoch_opened"] == ({"worker_index": "3"}, 8)
    assert found["cppwax_epoch_through"] == ({"worker_index": "3"}, 7)


def test_durations_are_histograms() -> None:
    place = ("counted.inp", 3)
    meters = FakeMeters(
        [("counted.inp", 3, 0, 0, 100, 0.5, 0.25), ("counted.out", 3, 50, 51, 0, 2.5, 0.0)],
        calls={place: ((2, 1, 4), 9.5)},
        snapshots={place: ((0, 1, 0), 0.5)},
        standing={("counted.out", 3): (1000, 1.5, None, None)},
    )
    text = ask(Pages(RunState(counted_flow(), meters=meters)), "/metrics")[2]
    assert "# TYPE cppwax_inp_part_next_batch_duration_seconds histogram" in text
    rows = [line for line in text.splitlines() if line.startswith("cppwax_inp_part_next_batch")]
    at = 'step_id="counted.inp",worker_index="3"'
    name = "cppwax_inp_part_next_batch_duration_seconds"
    assert rows == [
        f'{name}_bucket{{le="0.1",{at}}} 2.0',
        f'{name}_bucket{{le="1.0",{at}}} 3.0',
        f'{name}_bucket{{le="+Inf",{at}}} 7.0',
        f"{name}_count{{{at}}} 7.0",
        f"{name}_sum{{{at}}} 9.5",
    ]
    assert of_steps(text, "cppwax_snapshot_duration_seconds_count") == {("counted.inp", "3"): 1}
    assert of_steps(text, "cppwax_watermark_lag_seconds") == {("counted.out", "3"): 1.5}
    assert of_steps(text, "cppwax_items_waiting_limit") == {("counted.out", "3"): 1000}
    # A step that has called nothing has none.
    assert "out_part_write_batch" not in text


def test_metrics_of_the_program_are_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = CollectorRegistry()
    Counter("orders", "Orders", ["region"], registry=theirs).labels("north").inc(5)
    monkeypatch.setattr("cppwax._web.metrics.REGISTRY", theirs)
    found = samples(ask(Pages(state()), "/metrics")[2])
    assert found["orders_total"] == ({"region": "north"}, 5)
    assert "cppwax_run_info" in found


def test_metrics_may_be_asked_for_by_name() -> None:
    asked = "name[]=cppwax_run_workers&name[]=process_open_fds&name[]=none"
    found = samples(ask(Pages(state()), "/metrics", QUERY_STRING=asked)[2])
    assert set(found) == {"cppwax_run_workers", "process_open_fds"}


def test_metrics_come_in_the_format_asked_for() -> None:
    _, headers, body = ask(
        Pages(state()), "/metrics", HTTP_ACCEPT="application/openmetrics-text;version=1.0.0"
    )
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith("# EOF\n")


def test_runs_leave_nothing_in_the_registry_of_the_program() -> None:
    for _ in range(2):
        assert "cppwax_run" in ask(Pages(state()), "/metrics")[2]
    assert "cppwax_run" not in prometheus_client.generate_latest().decode()


def test_an_odd_flow_id_breaks_no_metric() -> None:
    flow_id = 'a "b"\\\n{}'
    found = samples(ask(Pages(RunState(Dataflow(flow_id))), "/metrics")[2])
    assert found["cppwax_run_info"][0]["flow_id"] == flow_id


def test_unknown_paths_tell_of_the_known_ones() -> None:
    status, _, body = ask(Pages(state()), "/metrix")
    assert status == "404 Not Found"
    for path in ("/dataflow", "/metrics", "/healthz", "/readyz"):
        assert path in body
        assert path in ask(Pages(state()), "/")[2]


@pytest.mark.parametrize("path", ["/", "/dataflow", "/metrics", "/healthz"])
def test_heads_are_those_of_pages(path: str) -> None:
    pages = Pages(state())
    status, headers, body = ask(pages, path, REQUEST_METHOD="HEAD")
    assert (status, body) == ("200 OK", "")
    assert int(headers["Content-Length"]) > 0
    assert headers["Content-Type"] == ask(pages, path)[1]["Content-Type"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_pages_can_only_be_read(method: str) -> None:
    status, headers, _ = ask(Pages(state()), "/metrics", REQUEST_METHOD=method)
    assert (status, headers["Allow"]) == ("405 Method Not Allowed", "GET, HEAD")


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("localhost:3030", True),
        ("127.0.0.1", True),
        ("[::1]:3030", True),
        ("LocalHost", True),
        ("mine.local:80", True),
        ("evil.example:3030", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_by_foreign_names_nothing_is_told(host: str, is_own: bool) -> None:
    status = ask(Pages(state(), ["mine.local"]), "/healthz", HTTP_HOST=host)[0]
    assert status == ("200 OK" if is_own else "421 Misdirected Request")
    assert ask(Pages(state()), "/healthz", HTTP_HOST=host)[0] == "200 OK"


def test_a_page_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ValueError("no figures today")

    pages = Pages(state())
    monkeypatch.setattr("cppwax._web.metrics._OfRun.collect", lambda self: fail())
    status, _, body = ask(pages, "/metrics")
    assert (status, body) == ("500 Internal Server Error", "ValueError: no figures today\n")
    assert ask(pages, "/healthz")[0] == "200 OK"
