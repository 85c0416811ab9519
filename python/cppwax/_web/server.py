"""Serves the pages of a run from a thread of its own, for as long as the run takes."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, TypeVar

from waitress import wasyncore
from waitress.server import create_server
from waitress.trigger import trigger

from cppwax._drawing.rendered import json_of, to_rendered
from cppwax._web.pages import Pages
from cppwax._web.settings import LAST_PORT, WebSettings
from cppwax._web.state import RunState

_T = TypeVar("_T")

_SERVER_THREADS = 2
_MAX_CONNECTIONS = 256
_MAX_HEADER_BYTES = _MAX_BODY_BYTES = 1 << 14
# Whoever says nothing for so long is cut off, lest others find no place.
_SILENCE_SECONDS = 4
_LOOK_SECONDS = 2
_BACKLOG = 128
_CLOSE_SECONDS = 1.0


def run_with_pages(settings: WebSettings, state: RunState, run: Callable[[], _T]) -> _T:
    """Run something, and serve pages about it meanwhile.

    Where that cannot be done, a warning says why, and it runs without.

    Args:
        settings: Where to serve them.
        state: What to tell.
        run: What to run.

    Returns:
        What it returns; what it raises is raised.
    """
    _write_cache(settings, state)
    try:
        listener = _listen(settings)
    except (OSError, OverflowError, UnicodeError) as ex:
        reason = os.strerror(ex.errno) if isinstance(ex, OSError) and ex.errno else str(ex)
        _say(
            f"warning: the pages of process {state.process_id} cannot be served at "
            f"{_shown(settings.host, settings.port)}: {reason}; the dataflow runs without them "
            "(--dataflow-api-port takes another port)"
        )
        return _run(state, run)
    with _served(listener, Pages(state, _own_names(settings, listener))):
        where = _shown(*listener.getsockname()[:2])
        _say(f"pages of process {state.process_id}: http://{where}")
        return _run(state, run)


def _run(state: RunState, run: Callable[[], _T]) -> _T:
    state.started_at = time.time()
    try:
        return run()
    finally:
        state.is_over = True


def _say(text: str) -> None:
    # Standard output belongs to the flow.
    print(f"cppwax: {text}", file=sys.stderr, flush=True)


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listen(settings: WebSettings) -> socket.socket:
    if settings.port > LAST_PORT:
        raise OverflowError("no such port")
    found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    family, _, _, _, address = found[0]
    # It lets a new run have the port of one that has just ended, but no two at once.
    return socket.create_server(address[:2], family=family, backlog=_BACKLOG)


def _own_names(settings: WebSettings, listener: socket.socket) -> list[str] | None:
    """Tell by which names one may ask; by any if others than this machine may."""
    if not ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback:
        return None
    address: str = listener.getsockname()[0]
    return [settings.host.lower(), f"[{address}]" if ":" in address else address]


@contextmanager
def _served(listener: socket.socket, pages: Pages) -> Iterator[None]:
    channels: dict[int, Any] = {}
    server = create_server(
        pages,
        map=channels,
        sockets=[listener],
        ident="cppwax",
        threads=_SERVER_THREADS,
        connection_limit=_MAX_CONNECTIONS,
        max_request_header_size=_MAX_HEADER_BYTES,
        max_request_body_size=_MAX_BODY_BYTES,
        channel_timeout=_SILENCE_SECONDS,
        cleanup_interval=_LOOK_SECONDS,
        # Idle, it wakes no more often than it has to look for silent connections.
        asyncore_loop_timeout=_LOOK_SECONDS,
        asyncore_use_poll=True,
    )
    stop = trigger(channels)
    # Requests that wait for a thread are nothing to warn of.
    server.task_dispatcher.queue_logger = logging.getLogger("cppwax.web")
    thread = threading.Thread(target=server.run, name="cppwax pages", daemon=True)
    thread.start()
    try:
        yield
    finally:
        # Its channels belong to its thread, which ends when there are none.
        stop.pull_trigger(lambda: wasyncore.close_all(channels))
        thread.join(_CLOSE_SECONDS)
        server.task_dispatcher.shutdown(timeout=_CLOSE_SECONDS)


def _write_cache(settings: WebSettings, state: RunState) -> None:
    """Write what `/dataflow` shows to a file, whole or not at all."""
    if settings.cache_folder is None:
        return
    target = os.path.join(settings.cache_folder, "dataflow.json")
    written = f"{target}.{os.getpid()}"
    try:
        with open(written, "w", encoding="utf-8") as file:
            file.write(json_of(to_rendered(state.flow)))
        os.replace(written, target)
    except OSError as ex:
        _say(f"warning: cannot write {target!r}: {ex.strerror}; the dataflow runs without it")
