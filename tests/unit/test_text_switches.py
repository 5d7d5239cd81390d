"""Which switch keeps a text back is told from what each instrumentation sends when it is thrown."""

from __future__ import annotations

from typing import Any

import pytest

from aa_tui.backend.ingest import privacy
from aa_tui.backend.ingest.privacy import rules_of
from aa_tui.backend.model.event import AgentEvent, EventKind
from aa_tui.backend.model.text_switches import HERE, INSTRUMENTATION, SWITCHES, WITHHELD_BY
from aa_tui.backend.sources.otel.claude_code_logs import events_of_records
from aa_tui.backend.sources.otel.mapping import TraceOptions, events_of_trace
from aa_tui.backend.sources.otel.spans import LogRecord, Span

SENT: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    # What version of today sends with its switch thrown: (scope, name, attributes, resource).
    "otel-genai": ("opentelemetry.instrumentation.openai_v2", "chat gpt-4o", {"gen_ai.system": "openai"}, {}),
    "openllmetry": (
        "opentelemetry.instrumentation.openai.v1",
        "openai.chat",
        {"gen_ai.provider.name": "openai", "gen_ai.is_streaming": False},
        {},
    ),
    "openinference": (
        "openinference.instrumentation.openai",
        "ChatCompletion",
        {"openinference.span.kind": "LLM", "input.value": "__REDACTED__", "output.value": "__REDACTED__"},
        {},
    ),
    "litellm": (
        "litellm",
        "litellm_request",
        {
            "litellm.call_id": "1",
            "gen_ai.input.messages": '[{"role": "user", "content": "redacted-by-litellm"}]',
            "gen_ai.output.messages": '[{"role": "assistant", "content": "redacted-by-litellm"}]',
        },
        {},
    ),
    "langsmith": ("langsmith", "ChatOpenAI", {"langsmith.span.kind": "llm", "gen_ai.system": "openai"}, {}),
    "openlit": ("openlit.otel.tracing", "chat gpt-4o", {}, {"telemetry.sdk.name": "openlit"}),
    "vercel-ai": ("ai", "ai.generateText.doGenerate", {"ai.operationId": "ai.generateText.doGenerate"}, {}),
}


def model_call(name: str, **more: Any) -> list[AgentEvent]:
    scope, span_name, attributes, resource = SENT[name]
    usage = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 3}
    if name in ("openinference", "vercel-ai", "langsmith"):
        del usage["gen_ai.operation.name"]
    span = Span("1" * 32, "2" * 16, None, span_name, 10**18, 10**18 + 10**9, {**usage, **attributes, **more}, resource)
    span.scope = scope
    return events_of_trace([span])


@pytest.mark.parametrize("name", SENT)
def test_what_keeps_the_text_back_is_told(name: str) -> None:
    events = model_call(name)
    answer = next(event for event in events if event.kind is EventKind.AI_RESPONSE)
    assert answer.text is None and answer.properties[INSTRUMENTATION] == name
    assert not any(event.text for event in events)
    assert SWITCHES[name].switch in SWITCHES[name].words


@pytest.mark.parametrize("name", SENT)
def test_nothing_is_said_of_calls_with_text(name: str) -> None:
    said = '[{"role": "user", "parts": [{"type": "text", "content": "Where is it?"}]}]'
    answered = '[{"role": "assistant", "parts": [{"type": "text", "content": "Here."}]}]'
    events = model_call(name, **{"gen_ai.input.messages": said, "gen_ai.output.messages": answered})
    assert [event.text for event in events] == ["Where is it?", "Here."]
    assert not any(INSTRUMENTATION in event.properties for event in events)


def test_a_placeholder_is_no_text_but_the_person_spoke() -> None:
    asked, answered = model_call("openinference")
    assert (asked.kind, asked.text, answered.text) == (EventKind.USER_MESSAGE, None, None)
    assert asked.insert_id.endswith(":user:withheld")
    half = {"input.value": "Where is it?"}
    asked, answered = model_call("openinference", **half)
    assert (asked.text, answered.text) == ("Where is it?", None)
    assert INSTRUMENTATION not in answered.properties


def test_claude_codes_placeholder_is_no_prompt() -> None:
    attributes = {"event.name": "user_prompt", "session.id": "s", "prompt": "<REDACTED>", "prompt_length": 9}
    record = LogRecord("user_prompt", 10**18, None, None, attributes, None, {}, "com.anthropic.claude_code")
    (event,) = events_of_records([record])
    assert event.text is None and event.kind is EventKind.USER_MESSAGE


@pytest.mark.parametrize(("sent", "told"), [(None, HERE), ("full", HERE), ("metadata_only", None)])
def test_it_is_told_whether_the_text_was_withheld_here(sent: str | None, told: str | None) -> None:
    properties = {} if sent is None else {"[Agent] Content Mode": sent}
    event = AgentEvent(EventKind.AI_RESPONSE, "x", session_key="s", text="Here.", properties=properties)
    rules = rules_of({"content_mode": "metadata_only"})
    once = privacy.apply(event, rules)
    assert once.text is None and once.properties.get(WITHHELD_BY) == told
    assert privacy.apply(once, rules).properties == once.properties
    resource = {} if sent is None else {"amplitude.content_mode": sent}
    span = Span("1" * 32, "2" * 16, None, "chat", 10**18, None, {"gen_ai.operation.name": "chat"}, resource)
    stripped, _ = privacy.strip_spans([span], (), rules)
    stripped, _ = privacy.strip_spans(stripped, (), rules)
    (mapped,) = (one for one in events_of_trace(stripped, (), TraceOptions()) if one.kind is EventKind.AI_RESPONSE)
    assert mapped.properties.get(WITHHELD_BY) == told
