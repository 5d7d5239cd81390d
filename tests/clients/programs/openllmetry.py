"""OpenLLMetry instrumentation of the OpenAI client under a workflow span, with a tool call and a stream."""

from __future__ import annotations

import os

import openai
from opentelemetry import trace
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

from tests.clients.programs.telemetry import provider

made = provider("traceloop")
OpenAIInstrumentor().instrument(tracer_provider=made)
client = openai.OpenAI(base_url=os.environ["MODEL_URL"], api_key="none", max_retries=0)
tool = {"type": "function", "function": {"name": "find_order", "parameters": {"type": "object", "properties": {}}}}
asked = [{"role": "user", "content": "Where is order A-1?"}]
association = {
    "traceloop.association.properties.session": "ol-1",
    "traceloop.association.properties.user_id": "user-ol",
}
with trace.get_tracer("app").start_as_current_span("support.workflow") as root:
    root.set_attributes({"traceloop.span.kind": "workflow", "traceloop.entity.name": "support", **association})
    first = client.chat.completions.create(model="gpt-4o", messages=asked, tools=[tool])
    call = first.choices[0].message.tool_calls[0]
    with trace.get_tracer("app").start_as_current_span("find_order.tool") as ran:
        ran.set_attributes({"traceloop.span.kind": "tool", "traceloop.entity.name": "find_order"})
    asked += [first.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "in transit"}]
    for _ in client.chat.completions.create(model="gpt-4o", messages=asked, stream=True):
        pass
made.shutdown()
