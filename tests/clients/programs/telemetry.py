"""What every OpenTelemetry program here shares: the HTTP exporter as the receiver's documentation says to set it up."""

from __future__ import annotations

import os

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = os.environ["RECEIVER"]
os.environ["OTEL_EXPORTER_OTLP_HEADERS"] = f"x-api-key={os.environ['KEY']}"


def provider(service: str) -> TracerProvider:
    """Set and return a tracer provider that exports to the receiver."""
    made = TracerProvider(resource=Resource.create({"service.name": service}))
    made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(made)
    return made
