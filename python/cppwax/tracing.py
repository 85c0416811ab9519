"""Send what runs do to an OpenTelemetry collector, and choose what is logged.

>>> tracer = setup_tracing(log_level="WARN")

Each run is a span named `cppwax.run`, from its begin to its end, on each process: with the flow's
id, the process's place, the number of workers, how it ended, and the exception if it failed. Within
it are spans of epochs, of workers, and of what each worker did of each step. Spans need the extra
`cppwax[tracing]`; log levels need nothing.
"""

from __future__ import annotations

import atexit
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cppwax._logging import log_to_stderr
from cppwax._watch.spans import spans_within

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from cppwax._watch.meters import Meters

__all__ = ["JaegerConfig", "OtlpTracingConfig", "TracingConfig", "setup_tracing"]

_THIS_HOST = "127.0.0.1"
_DEFAULT_URL = f"grpc://{_THIS_HOST}:4317"
# In ours and in Bytewax's words.
_LEVELS = {
    "ERROR": "ERROR",
    "WARN": "WARNING",
    "WARNING": "WARNING",
    "INFO": "INFO",
    "DEBUG": "DEBUG",
    "TRACE": "DEBUG",
}
# What a collector that is away may cost at the end of a run, and of the process.
_EXPORT_SECONDS = 3


class TracingConfig:
    """Where to send spans; base of the classes that say so."""

    __slots__ = ()


class OtlpTracingConfig(TracingConfig):
    """Send spans to an OpenTelemetry collector, or what else takes OTLP by gRPC."""

    __slots__ = ("sampling_ratio", "service_name", "url")

    def __init__(
        self, service_name: str, url: str | None = None, sampling_ratio: float = 1.0
    ) -> None:
        """Say where it is.

        Args:
            service_name: The name of this program there.
            url: `grpc://host:port` or `http://host:port`, without encryption, or
                `https://host:port`; `None` is port 4317 of this machine.
            sampling_ratio: What part of the runs to send, from 0 to 1.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument makes no sense.
        """
        _check_name(service_name)
        if url is not None:
            _endpoint_of(url)
        self.service_name = service_name
        self.url = url
        self.sampling_ratio = _checked_ratio(sampling_ratio)


class JaegerConfig(TracingConfig):
    """Name a Jaeger agent, as programs for Bytewax do; `setup_tracing` refuses it.

    OpenTelemetry has dropped the protocol of Jaeger's agents, as Jaeger has. Jaeger takes OTLP
    since version 1.35: use `OtlpTracingConfig`.
    """

    __slots__ = ("endpoint", "sampling_ratio", "service_name")

    def __init__(
        self, service_name: str, endpoint: str | None = None, sampling_ratio: float = 1.0
    ) -> None:
        """Say where the agent is.

        Args:
            service_name: The name of this program there.
            endpoint: `host:port`; `None` is port 6831 of this machine.
            sampling_ratio: What part of the runs to send, from 0 to 1.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument makes no sense.
        """
        _check_name(service_name)
        if not (endpoint is None or isinstance(endpoint, str)):
            raise TypeError(f"endpoint must be a `str` or None, not {endpoint!r}")
        self.service_name = service_name
        self.endpoint = endpoint
        self.sampling_ratio = _checked_ratio(sampling_ratio)


def _check_name(service_name: str) -> None:
    if not isinstance(service_name, str):
        raise TypeError(f"service_name must be a `str`, not {service_name!r}")


def _checked_ratio(sampling_ratio: float) -> float:
    if not isinstance(sampling_ratio, (int, float)):
        raise TypeError(f"sampling_ratio must be a number, not {sampling_ratio!r}")
    if not 0 <= sampling_ratio <= 1:
        raise ValueError(f"sampling_ratio must be from 0 to 1, not {sampling_ratio}")
    return float(sampling_ratio)


def _endpoint_of(url: str) -> str:
    """Write a URL as the exporter has it."""
    if not isinstance(url, str):
        raise TypeError(f"url must be a `str`, not {url!r}")
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("grpc", "http", "https") or not rest:
        raise ValueError(f"url is {url!r}: give grpc://host:port, or https://host:port")
    return f"{'http' if scheme == 'grpc' else scheme}://{rest}"


def _host_of(endpoint: str) -> str:
    """Find the host in `host:port`, or in the URL that was meant; this one where there is none."""
    authority = endpoint.rpartition("://")[2].partition("/")[0]
    # An IPv6 address has colons of its own, in brackets.
    found = re.match(r"\[[^]]*\]|[^:]*", authority)
    return (found and found[0]) or _THIS_HOST


class _Tracer:
    """What `setup_tracing` returns: keeps sending until it is shut down, or the process ends."""

    def __init__(self, provider: TracerProvider | None) -> None:
        self._provider = provider

    def shutdown(self) -> None:
        """Send what is left and send no more; a second call does nothing."""
        global _current
        if _current is self:
            _current = None
        provider, self._provider = self._provider, None
        if provider is not None:
            atexit.unregister(self.shutdown)
            provider.shutdown()

    @property
    def sends(self) -> bool:
        """Tell whether spans are sent."""
        return self._provider is not None

    @contextmanager
    def span(self, attributes: dict[str, Any], meters: Meters | None) -> Iterator[dict[str, Any]]:
        """Make a span of a run, and those within it.

        Args:
            attributes: What is known of it at its begin.
            meters: What is counted of it; not without spans.

        Yields:
            What becomes known until its end.
        """
        later: dict[str, Any] = {}
        if self._provider is None:
            yield later
            return
        tracer = self._provider.get_tracer("cppwax")
        with tracer.start_as_current_span("cppwax.run", attributes=attributes) as span:
            if meters is None or not span.is_recording():
                yield later
            else:
                from opentelemetry.context import get_current

                with spans_within(tracer, get_current(), meters):
                    yield later
            span.set_attributes(later)


_current: _Tracer | None = None


def setup_tracing(
    tracing_config: TracingConfig | None = None, log_level: str | None = None
) -> _Tracer:
    """Begin to send spans, and to log.

    It holds for all runs of this process from now on; a second call takes the place of the first.

    Args:
        tracing_config: Where to send spans; `None` sends none.
        log_level: From which level on to log to standard error: one of ERROR, WARN, INFO, DEBUG,
            TRACE, in any case; TRACE is DEBUG. `None` is ERROR.

    Returns:
        An object whose `shutdown()` ends the sending, which else the end of the process does.

    Raises:
        ImportError: Spans are to be sent, but the extra `cppwax[tracing]` is not installed.
        TypeError: `tracing_config` is none.
        ValueError: There is no such log level, or the configuration cannot be used.
    """
    global _current
    level = _LEVELS.get("ERROR" if log_level is None else str(log_level).upper())
    if level is None:
        raise ValueError(f"log_level is {log_level!r}: give one of ERROR, WARN, INFO, DEBUG, TRACE")
    provider = None if tracing_config is None else _provider_of(tracing_config)
    log_to_stderr(level)
    if _current is not None:
        _current.shutdown()
    _current = _Tracer(provider)
    if provider is not None:
        atexit.register(_current.shutdown)
    return _current


def _provider_of(config: TracingConfig) -> TracerProvider:
    if isinstance(config, JaegerConfig):
        url = f"grpc://{_host_of(config.endpoint or '')}:4317"
        raise ValueError(
            "OpenTelemetry sends nothing to agents of Jaeger any more, but Jaeger itself takes "
            f"OTLP: use OtlpTracingConfig({config.service_name!r}, {url!r})"
        )
    if not isinstance(config, OtlpTracingConfig):
        raise TypeError(f"tracing_config must be an `OtlpTracingConfig` or None, not {config!r}")
    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    except ImportError as ex:
        raise ImportError(
            f"tracing needs OpenTelemetry ({ex}): pip install 'cppwax[tracing]'"
        ) from ex
    provider = TracerProvider(
        resource=Resource.create({"service.name": config.service_name}),
        sampler=ParentBased(TraceIdRatioBased(config.sampling_ratio)),
        # Ours comes after the end of a run that the interpreter's exit interrupts.
        shutdown_on_exit=False,
    )
    endpoint = _endpoint_of(config.url or _DEFAULT_URL)
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=_EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _sends_spans() -> bool:
    """Tell whether a run has to be counted for its spans; `cppwax._entry` calls it."""
    return _current is not None and _current.sends


@contextmanager
def _run_span(attributes: dict[str, Any], meters: Meters | None) -> Iterator[dict[str, Any]]:
    """Make a span of a run, if spans are sent; `cppwax._entry` calls it."""
    if _current is None:
        yield {}
        return
    with _current.span(attributes, meters) as later:
        yield later
