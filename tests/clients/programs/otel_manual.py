"""Spans written by hand to the GenAI conventions: an agent, a model call, a tool, a failing model call."""

from __future__ import annotations

import json

from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

from tests.clients.programs.telemetry import provider

made = provider("desk")
tracer = trace.get_tracer("desk")
said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "Where is order A-1?"}]}])
answered = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "On its way."}]}])
with tracer.start_as_current_span("invoke_agent desk") as root:
    root.set_attributes({
        "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "desk",
        "gen_ai.conversation.id": "otel-1", "enduser.id": "user-otel",
    })  # fmt: skip
    with tracer.start_as_current_span("execute_tool find_order") as tool:
        tool.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find_order"})
    with tracer.start_as_current_span("SELECT orders"):
        pass
    with tracer.start_as_current_span("chat gpt-4o") as chat:
        chat.set_attributes({
            "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.provider.name": "openai",
            "gen_ai.usage.input_tokens": 30, "gen_ai.usage.output_tokens": 9,
            "gen_ai.input.messages": said, "gen_ai.output.messages": answered,
        })  # fmt: skip
    with tracer.start_as_current_span("chat gpt-4o") as failed:
        failed.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o",
                               "error.type": "timeout"})  # fmt: skip
        failed.set_status(Status(StatusCode.ERROR, "timed out"))
made.shutdown()
