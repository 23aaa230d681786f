"""OpenTelemetry traces, where the city has set a collector; the only home of opentelemetry.

A span carries the route's pattern, the method, the status and the request's id: nothing that a resident wrote.
"""

from collections.abc import Iterator, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from triage.errors import SettingsError

Attributes = MutableMapping[str, str | int]


class Tracer(Protocol):
    """Times requests."""

    def request(self, method: str) -> AbstractContextManager[Attributes]:
        """Time what happens inside; what is put into the attributes travels with the span."""
        ...


class NoTracer:
    """Times nothing: the service of a city that has set no collector."""

    @contextmanager
    def request(self, method: str) -> Iterator[Attributes]:
        yield {}


class OtlpTracer:
    """Sends spans to a collector over HTTP, in batches, beside the requests.

    Args:
        endpoint: The collector's URL, without `/v1/traces`.

    Raises:
        SettingsError: If the packages of the extra `otel` are not installed.
    """

    def __init__(self, endpoint: str) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ModuleNotFoundError:
            raise SettingsError(
                "TRIAGE_OTLP_ENDPOINT needs the packages of an extra: pip install 'triage-311[otel]'"
            ) from None
        provider = TracerProvider(resource=Resource.create({"service.name": "triage-311"}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
        self._tracer = provider.get_tracer("triage-311")

    @contextmanager
    def request(self, method: str) -> Iterator[Attributes]:
        attributes: Attributes = {}
        with self._tracer.start_as_current_span(method) as span:
            yield attributes
            span.update_name(f"{method} {attributes.get('http.route', 'other')}")
            span.set_attributes(attributes)
