"""Answers to requests, as a WSGI application: the live page, and what programs read."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from prometheus_client import make_wsgi_app

from cppwax._drawing.rendered import json_of, to_rendered
from cppwax._watch.figures import Watch
from cppwax._web.live import headers_of_page, page_of, status_of
from cppwax._web.metrics import RunMetrics
from cppwax._web.state import RunState

_logger = logging.getLogger("cppwax.web")

_TEXT = "text/plain; charset=utf-8"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass
class _Answer:
    status: str
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list)


def _text(status: str, text: str) -> _Answer:
    return _Answer(status, f"{text}\n".encode(), [("Content-Type", _TEXT)])


def _accepts_html(accepted: str) -> bool:
    """Tell whether whoever asks names HTML, as browsers do; `*/*` is for programs."""
    for kind in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in kind.split(";"))
        if name == "text/html":
            return not any(re.fullmatch(r"q=0(\.0*)?", parameter) for parameter in parameters)
    return False


class Pages:
    """The pages of one run; any thread may ask for one."""

    def __init__(self, state: RunState, own_names: Iterable[str] | None = None) -> None:
        """Begin to answer.

        Args:
            state: The run.
            own_names: By which names the process may be asked; `None` for any. A page of a
                stranger that a browser of this machine shows could otherwise, by a name that leads
                here, read what only this machine may.
        """
        self._state = state
        self._own_names = None if own_names is None else {*_LOOPBACK, *own_names}
        self._watch = Watch(state.flow, state.meters, time.monotonic)
        self._metrics_app = make_wsgi_app(RunMetrics(state))
        self._pages: dict[str, Callable[[dict[str, Any]], _Answer]] = {
            "/": self._index,
            "/dataflow": self._dataflow,
            "/status": self._status,
            "/metrics": self._metrics,
            "/healthz": self._health,
            "/readyz": self._readiness,
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        """Answer a request; see WSGI (PEP 3333)."""
        answer = self._answer(environ)
        length = ("Content-Length", str(len(answer.body)))
        start_response(answer.status, [*answer.headers, length, ("Cache-Control", "no-store")])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, environ: dict[str, Any]) -> _Answer:
        if not self._is_asked_by_own_name(environ):
            return _text("421 Misdirected Request", "ask for this process by a name of its machine")
        page = self._pages.get(environ["PATH_INFO"])
        if page is None:
            return _text("404 Not Found", f"there are {', '.join(self._pages)}")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            refusal = _text("405 Method Not Allowed", "pages can only be read")
            refusal.headers.append(("Allow", "GET, HEAD"))
            return refusal
        try:
            return page(environ)
        except Exception as ex:
            # A metric of the program may fail; the run must not, and the page should say why.
            # Whoever may ask can make it fail, so it is told in a line.
            _logger.warning("page %s failed: %s: %s", environ["PATH_INFO"], type(ex).__name__, ex)
            _logger.debug("page %s failed", environ["PATH_INFO"], exc_info=True)
            return _text("500 Internal Server Error", f"{type(ex).__name__}: {ex}")

    def _is_asked_by_own_name(self, environ: dict[str, Any]) -> bool:
        host: str = environ.get("HTTP_HOST", "localhost")
        name = host[: host.rfind("]") + 1] if host.startswith("[") else host.partition(":")[0]
        return self._own_names is None or name.lower() in self._own_names

    def _index(self, environ: dict[str, Any]) -> _Answer:
        if _accepts_html(environ.get("HTTP_ACCEPT", "")):
            asked = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
            page = page_of(self._state, with_substeps="substeps" in asked)
            answer = _Answer("200 OK", page.encode(), headers_of_page())
        else:
            shown = [path for path in self._pages if path != "/"]
            name = f"dataflow {self._state.flow.flow_id!r}"
            answer = _text("200 OK", "\n".join([name, *shown]))
        answer.headers.append(("Vary", "Accept"))
        return answer

    def _status(self, _environ: dict[str, Any]) -> _Answer:
        body = status_of(self._state, self._watch).encode()
        return _Answer("200 OK", body, [("Content-Type", "application/json")])

    @cached_property
    def _description(self) -> bytes:
        return json_of(to_rendered(self._state.flow)).encode()

    def _dataflow(self, _environ: dict[str, Any]) -> _Answer:
        return _Answer("200 OK", self._description, [("Content-Type", "application/json")])

    def _metrics(self, environ: dict[str, Any]) -> _Answer:
        answer = _Answer("", b"")

        def start_response(status: str, headers: list[tuple[str, str]]) -> None:
            answer.status = status
            answer.headers = [(k, v) for k, v in headers if k.lower() != "content-length"]

        parts = self._metrics_app(environ | {"REQUEST_METHOD": "GET"}, start_response)
        answer.body = b"".join(parts)
        return answer

    def _health(self, _environ: dict[str, Any]) -> _Answer:
        return _text("200 OK", "ok")

    def _readiness(self, _environ: dict[str, Any]) -> _Answer:
        phase = self._state.phase
        return _text("200 OK" if phase == "running" else "503 Service Unavailable", phase)
