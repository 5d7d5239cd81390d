"""LiteLLM with its OpenTelemetry callback: two calls and one that fails."""

from __future__ import annotations

import os
import time
from contextlib import suppress

os.environ["OTEL_EXPORTER"] = "otlp_http"
os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
os.environ["OTEL_ENDPOINT"] = os.environ["RECEIVER"] + "/v1/traces"
os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = os.environ["RECEIVER"]
os.environ["OTEL_HEADERS"] = os.environ["OTEL_EXPORTER_OTLP_HEADERS"] = f"x-api-key={os.environ['KEY']}"
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from opentelemetry import trace

litellm.callbacks = ["otel"]
litellm.num_retries = 0
litellm.turn_off_message_logging = bool(os.environ.get("WITHHOLD"))
for question in ("Where is my parcel?", "And the other one?", "FAIL please"):
    with suppress(Exception):
        litellm.completion(
            model="openai/gpt-4o",
            messages=[{"role": "user", "content": question}],
            api_base=os.environ["MODEL_URL"],
            api_key="none",
            user="user-ll",
            max_retries=0,
        )
time.sleep(1)
provider = trace.get_tracer_provider()
for one in (provider, *(getattr(callback, "tracer_provider", None) for callback in litellm.callbacks)):
    if hasattr(one, "force_flush"):
        one.force_flush()
