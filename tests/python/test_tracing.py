"""Spans of runs at a collector."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Any

import grpc
import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

import cppwax.operators as op
from cppwax import tracing
from cppwax._watch.spans import RunSpans
from cppwax.dataflow import Dataflow
from cppwax.errors import CppwaxRuntimeError
from cppwax.testing import TestingSink, TestingSource, cluster_main, run_main
from cppwax.tracing import JaegerConfig, OtlpTracingConfig, TracingConfig, setup_tracing
from tests.python.watch.counted import FakeMeters

WITHOUT_OPENTELEMETRY = (
    "import sys\n"
    "sys.modules['opentelemetry'] = None\n"
    "from cppwax.tracing import OtlpTracingConfig, setup_tracing\n"
    "setup_tracing(log_level='INFO')\n"
    "setup_tracing(OtlpTracingConfig('shop'))\n"
)


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Takes OTLP as a real one does."""

    def __init__(self) -> None:
        self._received: Queue[Any] = Queue()
        self._server = grpc.server(ThreadPoolExecutor(1))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._received.put(request)
        return trace_service_pb2.ExportTraceServiceResponse()

    def spans(self) -> list[tuple[str, Any]]:
        """Give what has come: names of services, and spans."""
        found = []
        while not self._received.empty():
            for resource in self._received.get().resource_spans:
                (name,) = [
                    each.value.string_value
                    for each in resource.resource.attributes
                    if each.key == "service.name"
                ]
                found += [(name, span) for scope in resource.scope_spans for span in scope.spans]
        return found

    def runs(self) -> list[tuple[str, Any]]:
        """Give the spans of whole runs alone."""
        return [(name, span) for name, span in self.spans() if span.name == "cppwax.run"]

    def close(self) -> None:
        self._server.stop(None).wait(10)


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    logger = logging.getLogger("cppwax")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    if tracing._current is not None:
        tracing._current.shutdown()
    logger.handlers[:], logger.level, logger.propagate = before


def flow_of(items: Any, mapper: Any = lambda x: x) -> Dataflow:
    flow = Dataflow("shop")
    stream = op.map("step", op.input("inp", flow, TestingSource(items)), mapper)
    op.output("out", stream, TestingSink([]))
    return flow


def attributes_of(span: Any) -> dict[str, Any]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_each_run_is_a_span(collector: Collector) -> None:
    tracer = setup_tracing(OtlpTracingConfig("orders", f"grpc://127.0.0.1:{collector.port}"))
    run_main(flow_of([1, 2]))
    cluster_main(flow_of([1]), [], 0, worker_count_per_proc=2)
    tracer.shutdown()
    (name, first), (_, second) = collector.runs()
    assert (name, first.name) == ("orders", "cppwax.run")
    assert first.end_time_unix_nano > first.start_time_unix_nano
    facts = {"cppwax.flow_id": "shop", "cppwax.process_id": 0, "cppwax.processes": 1}
    ending = {"cppwax.ending": "eof"}
    assert attributes_of(first) == facts | ending | {"cppwax.workers": 1}
    assert attributes_of(second) == facts | ending | {"cppwax.workers": 2}
    run_main(flow_of([1]))
    assert collector.spans() == []


def test_a_failure_is_in_its_span(collector: Collector) -> None:
    tracer = setup_tracing(OtlpTracingConfig("orders", f"http://127.0.0.1:{collector.port}"))
    with pytest.raises(CppwaxRuntimeError, match="shop.step"):
        run_main(flow_of([0], lambda x: 1 // x))
    tracer.shutdown()
    ((_, span),) = collector.runs()
    assert "shop.step" in span.status.message
    (event,) = span.events
    assert "ZeroDivisionError" in str(event.attributes)


def test_no_run_is_sent_at_a_ratio_of_zero(collector: Collector) -> None:
    url = f"grpc://127.0.0.1:{collector.port}"
    tracer = setup_tracing(OtlpTracingConfig("orders", url, sampling_ratio=0))
    run_main(flow_of([1]))
    tracer.shutdown()
    assert collector.spans() == []


def test_a_second_call_takes_the_place_of_the_first(collector: Collector) -> None:
    url = f"grpc://127.0.0.1:{collector.port}"
    setup_tracing(OtlpTracingConfig("first", url))
    run_main(flow_of([1]))
    setup_tracing(OtlpTracingConfig("second", url))
    run_main(flow_of([1]))
    setup_tracing()
    run_main(flow_of([1]))
    assert [name for name, _ in collector.runs()] == ["first", "second"]


def test_what_is_left_is_sent_at_the_end_of_the_process(collector: Collector) -> None:
    program = (
        "from cppwax.tracing import OtlpTracingConfig, setup_tracing\n"
        f"setup_tracing(OtlpTracingConfig('left', 'grpc://127.0.0.1:{collector.port}'))\n"
        "from examples.simple import flow\n"
        "from cppwax.testing import run_main\n"
        "run_main(flow)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert [name for name, _ in collector.runs()] == ["left"]


def test_within_a_run_are_its_epochs_workers_and_steps(collector: Collector) -> None:
    tracer = setup_tracing(OtlpTracingConfig("orders", f"grpc://127.0.0.1:{collector.port}"))
    cluster_main(flow_of(range(10)), [], 0, worker_count_per_proc=2)
    tracer.shutdown()
    spans = [span for _, span in collector.spans()]
    by_name: dict[str, list[Any]] = {}
    for span in spans:
        by_name.setdefault(span.name, []).append(span)
    (run,) = by_name.pop("cppwax.run")
    workers, steps = by_name["cppwax.worker"], by_name["cppwax.step"]
    assert set(by_name) == {"cppwax.epoch", "cppwax.worker", "cppwax.step"}
    assert {span.trace_id for span in spans} == {run.trace_id}
    assert [attributes_of(span)["cppwax.worker_index"] for span in workers] == [0, 1]
    assert all(span.parent_span_id == run.span_id for span in workers + by_name["cppwax.epoch"])
    assert {span.parent_span_id for span in steps} <= {span.span_id for span in workers}
    facts = [{each.key: each.value for each in span.attributes} for span in steps]
    out = sum(
        each["cppwax.items_out"].int_value
        for each in facts
        if each["cppwax.step_id"].string_value == "shop.inp"
    )
    assert out == 10
    assert all(each["cppwax.worked_seconds"].double_value > 0 for each in facts)
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in spans)


class Spans:
    """Stands in for a tracer: keeps what spans are made."""

    def __init__(self) -> None:
        self.made: list[tuple[str, float, float, dict[str, Any]]] = []

    def start_span(self, name: str, context: Any, attributes: Any, start_time: int) -> Any:
        class Span(trace.NonRecordingSpan):
            def end(_self, end_time: int | None = None) -> None:
                assert end_time is not None
                self.made.append((name, start_time / 1e9, end_time / 1e9, attributes))

        return Span(trace.INVALID_SPAN_CONTEXT)


def test_epochs_between_two_looks_have_one_span() -> None:
    made, meters = Spans(), FakeMeters()
    spans = RunSpans(made, None, meters)
    began = spans._began
    meters.opened = [(0, 1, 0), (1, 1, 0)]
    spans.look(began + 1)
    assert made.made == []
    for opened, through, now in ((2, 1, 2), (3, 1, 3), (7, 5, 4), (7, 5, 5), (8, 7, 6)):
        meters.opened = [(0, opened, through), (1, opened, through)]
        spans.look(began + now)
    assert [(round(a - began, 3), round(b - began, 3), f) for _, a, b, f in made.made] == [
        (0, 2, {"cppwax.epoch": 1, "cppwax.epochs": 1}),
        (2, 4, {"cppwax.epoch": 5, "cppwax.epochs": 4}),
        (4, 6, {"cppwax.epoch": 7, "cppwax.epochs": 2}),
    ]


def test_epochs_that_nobody_saw_open_have_a_span_since_the_last_look() -> None:
    made, meters = Spans(), FakeMeters()
    spans = RunSpans(made, None, meters)
    began = spans._began
    for opened, through, now in ((20, 18, 1), (40, 38, 2), (41, 41, 3)):
        meters.opened = [(0, opened, through)]
        spans.look(began + now)
    assert [(round(a - began, 3), round(b - began, 3), f) for _, a, b, f in made.made] == [
        (0, 1, {"cppwax.epoch": 18}),
        (1, 2, {"cppwax.epoch": 38, "cppwax.epochs": 20}),
        (2, 3, {"cppwax.epoch": 41, "cppwax.epochs": 3}),
    ]


def test_of_any_number_of_steps_the_longest_have_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cppwax._watch.spans._MOST_STEPS", 2)
    rows = [(f"f.{n}", 0, 1, 1, 1, float(n), 0.0) for n in range(5)]
    standing = {row[:2]: (0, None, 1.0, 2.0) for row in rows}
    made = Spans()
    meters = FakeMeters(rows, [(0, 0, 0)], standing=standing)
    RunSpans(made, None, meters).end(5.0)
    assert [facts["cppwax.step_id"] for name, *_, facts in made.made if "step" in name] == [
        "f.4",
        "f.3",
    ]


def test_a_collector_that_is_away_fails_nothing() -> None:
    program = (
        "from cppwax.tracing import OtlpTracingConfig, setup_tracing\n"
        "setup_tracing(OtlpTracingConfig('left', 'grpc://127.0.0.1:9'))\n"
        "from examples.simple import flow\n"
        "from cppwax.testing import run_main\n"
        "run_main(flow)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 0
    assert ended.stdout
    assert "Traceback" not in ended.stderr
    assert "127.0.0.1:9" in ended.stderr


def test_without_opentelemetry_it_says_what_to_install() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_OPENTELEMETRY], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith("pip install 'cppwax[tracing]'")


def test_configurations_keep_what_they_are_given() -> None:
    otlp = OtlpTracingConfig("a", url="https://collector:4317", sampling_ratio=0.5)
    assert (otlp.service_name, otlp.url, otlp.sampling_ratio) == (
        "a",
        "https://collector:4317",
        0.5,
    )
    jaeger = JaegerConfig("a", endpoint="jaeger:6831")
    assert (jaeger.service_name, jaeger.endpoint, jaeger.sampling_ratio) == ("a", "jaeger:6831", 1)
    assert OtlpTracingConfig("a").url is JaegerConfig("a").endpoint is None
    assert isinstance(otlp, TracingConfig) and isinstance(jaeger, TracingConfig)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: OtlpTracingConfig(5), TypeError, "service_name must be a `str`"),
        (lambda: JaegerConfig(None), TypeError, "service_name must be a `str`"),
        (lambda: OtlpTracingConfig("a", 5), TypeError, "url must be a `str`"),
        (lambda: OtlpTracingConfig("a", "host:4317"), ValueError, "give grpc://host:port"),
        (lambda: OtlpTracingConfig("a", "udp://host:1"), ValueError, "give grpc://host:port"),
        (lambda: OtlpTracingConfig("a", "grpc://"), ValueError, "give grpc://host:port"),
        (lambda: OtlpTracingConfig("a", None, 2), ValueError, "from 0 to 1"),
        (lambda: OtlpTracingConfig("a", None, float("nan")), ValueError, "from 0 to 1"),
        (lambda: JaegerConfig("a", None, "1"), TypeError, "must be a number"),
        (lambda: setup_tracing(5), TypeError, "must be an `OtlpTracingConfig`"),
        (lambda: setup_tracing(TracingConfig()), TypeError, "must be an `OtlpTracingConfig`"),
        (lambda: setup_tracing(log_level="loud"), ValueError, "'loud': give one of ERROR"),
        (lambda: setup_tracing(log_level=5), ValueError, "give one of ERROR"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        make()


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("jaeger:6831", "jaeger"),
        ("jaeger", "jaeger"),
        ("http://jaeger:14268/api/traces", "jaeger"),
        ("[::1]:6831", "[::1]"),
        (":6831", "127.0.0.1"),
        ("", "127.0.0.1"),
        (None, "127.0.0.1"),
    ],
)
def test_jaeger_is_refused_with_the_way_out(endpoint: str | None, host: str) -> None:
    said = re.escape(f"OtlpTracingConfig('orders', 'grpc://{host}:4317')")
    with pytest.raises(ValueError, match=said):
        setup_tracing(JaegerConfig("orders", endpoint))
    with pytest.raises(TypeError, match="endpoint"):
        JaegerConfig("orders", 5)  # type: ignore[arg-type]
