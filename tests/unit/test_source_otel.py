"""Spans of every dialect to events: captured requests and files against what they hold, and the rules one by one."""

from __future__ import annotations

import base64
import gzip
import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.otel.claude_code_logs import events_of_records, is_claude_code
from aa_tui.backend.sources.otel.files import CLAUDE_CODE_TELEMETRY, OTEL
from aa_tui.backend.sources.otel.json_shapes import decode_document
from aa_tui.backend.sources.otel.mapping import DEGRADED, REPEATED_USAGE, TOOL_CALLS, by_trace, events_of_trace
from aa_tui.backend.sources.otel.messages import decode, parse
from aa_tui.backend.sources.otel.protobuf import (
    NotOtlp,
    decode_logs,
    decode_traces,
    encode_log_answer,
    encode_trace_answer,
)
from aa_tui.backend.sources.otel.spans import LogRecord, Span, SpanEvent, hex_id, nanoseconds
from aa_tui.backend.sources.reading import head_of

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
WIRE = DATA / "otlp_wire"
FILES = DATA / "otel-json-traces"
K = EventKind


def body(name: str) -> bytes:
    path = WIRE / f"{name}.bin"
    if not path.is_file():
        pytest.skip("shared data absent")
    raw = path.read_bytes()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def events_of(spans: list[Span], logs: list[LogRecord] | None = None) -> list[AgentEvent]:
    """Map traces as a receiver would, in any order of arrival."""
    found = []
    for trace, members in by_trace(spans).items():
        found += events_of_trace(members, [log for log in logs or [] if log.trace_id == trace])
    return found


def wire(*names: str) -> list[AgentEvent]:
    return events_of([span for name in names for span in decode_traces(body(name))[0]])


def read(path: Path) -> list[AgentEvent]:
    if not path.is_file():
        pytest.skip("shared data absent")
    assert OTEL.sniff(head_of(path))
    return [item for item in OTEL.read(path, ReadOptions()) if isinstance(item, AgentEvent)]


def kinds(events: list[AgentEvent]) -> dict[str, int]:
    return dict(Counter(event.kind.name for event in events))


def of(events: list[AgentEvent], kind: EventKind) -> list[AgentEvent]:
    return [event for event in events if event.kind is kind]


def span(name: str, parent: str | None = None, at: int = 1, took: int = 1, **attributes: Any) -> Span:
    """A span of trace `t`; double underscores in names of attributes stand for dots."""
    given = {key.replace("__", "."): value for key, value in attributes.items()}
    start = (1_700_000_000_000 + at) * 1_000_000
    return Span("t", name, parent, name, start, start + took * 1_000_000, given)


# --- captured requests -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["manual_1", "manual_gzip_1"])
def test_spans_written_to_the_conventions(name: str) -> None:
    events = wire(name)
    assert kinds(events) == {"USER_MESSAGE": 2, "AI_RESPONSE": 3, "TOOL_CALL": 2, "EMBEDDING": 1, "SPAN": 2}
    assert {event.session_key for event in events} == {"conv-manual-1"}
    assert len({event.trace_id for event in events}) == 2
    assert {(event.user_id, event.device_id) for event in events} == {("user-55555", None)}
    assert {event.agent_id for event in events} == {"support-bot"}
    asking, answering, failing = of(events, K.AI_RESPONSE)
    assert (asking.text, asking.finish_reason, asking.warnings) == (None, "tool_calls", ())
    assert asking.properties[TOOL_CALLS] == [
        {"id": "call_1", "name": "lookup_order", "arguments": '{"order_id":"A-1009"}'}
    ]
    assert (asking.input_tokens, asking.output_tokens, asking.total_tokens, asking.cache_read_tokens) == (
        420, 36, 456, 128,
    )  # fmt: skip
    assert (asking.model, asking.provider) == ("gpt-4o-mini-2024-07-18", "openai")
    assert asking.properties["[Agent] Temperature"] == 0.2 and asking.properties["[Agent] Max Output Tokens"] == 400
    assert (answering.text, answering.is_error) == ("It shipped yesterday.", False)
    assert (failing.is_error, failing.error_type, failing.parts[Part.ERROR], failing.model) == (
        True, "RateLimitError", "upstream returned 429", "gpt-4o-mini",
    )  # fmt: skip
    good, bad = of(events, K.TOOL_CALL)
    assert (good.name, good.parts[Part.OUTPUT], good.is_error) == ("lookup_order", '{"status": "shipped"}', False)
    assert (bad.name, bad.is_error, bad.error_type) == ("issue_refund", True, "TimeoutError")
    assert [event.text for event in of(events, K.USER_MESSAGE)] == ["Where is order A-1009?", "Refund it, please."]
    assert (of(events, K.EMBEDDING)[0].input_tokens, of(events, K.EMBEDDING)[0].output_tokens) == (7, None)
    assert {event.context["env"] for event in events} == {"staging"}
    assert {event.context["version"] for event in events} == {"1.4.0"}
    assert len({event.insert_id for event in events}) == len(events)
    roots = {event.span_id for event in of(events, K.SPAN)}
    assert all(event.parent_id in roots for event in events if event.kind is not K.SPAN)


def test_one_content_in_protobuf_gzip_and_json_is_the_same_events() -> None:
    for name in ("manual_1", "litellm_1", "openinference_1", "openllmetry_1", "openai_v2_1"):
        assert read(WIRE / f"{name}.otlp.json") == [*renumbered(wire(name))], name


def renumbered(events: list[AgentEvent]) -> list[AgentEvent]:
    for number, event in enumerate(events, 1):
        event.seq = number
    return events


def test_identity_comes_from_the_root_and_a_session_may_arrive_in_pieces() -> None:
    events = wire("openai_v2_1", "openai_v2_2")
    assert {(event.session_key, event.user_id, event.agent_id) for event in events} == {
        ("conv-otel-1", "user-44444", "weather-bot")
    }
    assert len({event.trace_id for event in events}) == 2
    assert kinds(events) == {"SPAN": 2, "AI_RESPONSE": 3, "TOOL_CALL": 1}
    assert all(event.warnings == () for event in events)
    spans, _ = decode_traces(body("openai_v2_1"))
    random.Random(1).shuffle(spans)
    assert {event.insert_id for event in events_of(spans)} == {event.insert_id for event in wire("openai_v2_1")}


def test_texts_come_from_logs() -> None:
    spans, _ = decode_traces(body("openai_v2_logs_1"))
    logs = decode_logs(body("openai_v2_logs_2"))
    assert len(logs) == 9
    silent, events = events_of(list(spans)), events_of(list(spans), logs)
    assert not of(silent, K.USER_MESSAGE)
    assert [event.text for event in of(events, K.USER_MESSAGE)] == ["Weather in Paris?", "BOOM please"]
    asking, answering, failing = of(events, K.AI_RESPONSE)
    assert asking.properties[TOOL_CALLS][0]["name"] == "get_weather" and asking.text is None
    assert asking.parts[Part.SYSTEM_PROMPT] == "You are a weather bot."
    assert (answering.text, failing.text) == ("It is 12 degrees and raining in Paris.", None)
    known = {event.insert_id for event in silent}
    assert known < {event.insert_id for event in events}


def test_openinference() -> None:
    events = wire("openinference_1")
    assert {(event.session_key, event.user_id, event.agent_id) for event in events} == {
        ("oi-session-1", "user-44444", "weather-bot")
    }
    assert kinds(events) == {"SPAN": 2, "USER_MESSAGE": 2, "AI_RESPONSE": 3, "TOOL_CALL": 1}
    first, _, failing = of(events, K.AI_RESPONSE)
    assert (first.input_tokens, first.output_tokens, first.cache_read_tokens, first.reasoning_tokens) == (
        120, 18, 64, 0,
    )  # fmt: skip
    assert json.loads(first.parts[Part.TOOL_DEFINITIONS])[0]["function"]["name"] == "get_weather"
    assert first.properties["[Agent] Temperature"] == 0.1
    assert (failing.error_type, failing.is_error) == ("RateLimitError", True)
    assert failing.parts[Part.STACK_TRACE].startswith("Traceback")
    assert {event.tags for event in events} == {("beta",)} and {event.context["surface"] for event in events} == {"web"}
    assert [event.text for event in of(events, K.USER_MESSAGE)] == ["Weather in Paris?", "BOOM please"]


def test_openllmetry() -> None:
    events = wire("openllmetry_1")
    assert {(event.session_key, event.user_id) for event in events} == {("tl-session-1", "user-44444")}
    assert kinds(events) == {"SPAN": 2, "USER_MESSAGE": 2, "AI_RESPONSE": 3, "TOOL_CALL": 1}
    tool = of(events, K.TOOL_CALL)[0]
    assert (tool.name, tool.parts[Part.INPUT], tool.parts[Part.OUTPUT]) == (
        "get_weather", '{"city":"Paris"}', '{"temp":12,"sky":"rain"}',
    )  # fmt: skip
    assert sum(event.input_tokens or 0 for event in events) == 240


def test_litellm_counts_each_call_once() -> None:
    events = wire("litellm_1")
    assert kinds(events) == {"USER_MESSAGE": 3, "AI_RESPONSE": 3}
    assert sum(event.is_error for event in events) == 1
    assert all(event.session_key == event.trace_id and event.warnings == (DEGRADED,) for event in events)
    assert {event.user_id for event in events} == {"user-66666"}
    answers = of(events, K.AI_RESPONSE)
    assert [answer.cost_nano for answer in answers] == [24_000, 24_000, None]
    assert sum(answer.input_tokens or 0 for answer in answers) == 240
    assert answers[0].properties[TOOL_CALLS][0]["name"] == "get_weather"


# --- files -----------------------------------------------------------------------------------------------------------


def test_jaeger_without_its_plumbing() -> None:
    events = read(FILES / "jaeger" / "helm.json.gz")
    assert kinds(events) == {"SPAN": 3, "USER_MESSAGE": 1, "AI_RESPONSE": 2, "TOOL_CALL": 1}
    assert {event.session_key for event in events} == {"ctx-7ed9780f-3688-4fc0-b10b-2e4df2f83cf0"}
    assert {(event.user_id, event.agent_id) for event in events} == {("admin@kagent.dev", "helm_agent")}
    assert sum(event.input_tokens or 0 for event in events) == 1820 + 1956
    assert sum(event.output_tokens or 0 for event in events) == 13 + 117
    repeated = [event.properties[REPEATED_USAGE] for event in events if REPEATED_USAGE in event.properties]
    assert [one["input_tokens"] for one in repeated] == [1820, 1956]
    (asked,) = of(events, K.USER_MESSAGE)
    assert asked.text == "list all Helm releases"
    by_id = {event.span_id: event for event in events}
    tool = of(events, K.TOOL_CALL)[0]
    assert by_id[tool.parent_id or ""].name == "call_llm" and tool.latency_ms == 57.091
    assert of(events, K.AI_RESPONSE)[1].cache_read_tokens == 1792
    single = read(FILES / "jaeger" / "k8s.json.gz")
    assert kinds(single) == {"SPAN": 2, "USER_MESSAGE": 1, "AI_RESPONSE": 1}
    assert sum(event.input_tokens or 0 for event in single) == 2203


@pytest.mark.parametrize(
    ("name", "calls", "tools"), [("GOOGLE", 3, 3), ("LANGCHAIN", None, None), ("OPENAI", 3, 2), ("SMOLAGENTS", 3, 3)]
)
def test_any_agent(name: str, calls: int | None, tools: int | None) -> None:
    path = FILES / "any-agent" / f"{name}_trace.json"
    events = read(path)
    spans = json.loads(path.read_text())["spans"]
    operations = Counter(one["attributes"]["gen_ai.operation.name"] for one in spans)
    assert (calls, tools) in ((None, None), (operations["call_llm"], operations["execute_tool"]))
    assert len(of(events, K.AI_RESPONSE)) == operations["call_llm"]
    assert len(of(events, K.TOOL_CALL)) == operations["execute_tool"]
    for field, key in (("input_tokens", "input_tokens"), ("output_tokens", "output_tokens")):
        stated = sum(one["attributes"].get(f"gen_ai.usage.{key}", 0) for one in spans)
        assert sum(getattr(event, field) or 0 for event in events) == stated
    cost = sum(
        one["attributes"].get("gen_ai.usage.input_cost", 0) + one["attributes"].get("gen_ai.usage.output_cost", 0)
        for one in spans
    )
    assert sum(event.cost_nano or 0 for event in events) / 1e9 == pytest.approx(cost)
    (trace,) = {event.trace_id for event in events}
    assert trace is not None and int(trace, 16) == spans[0]["context"]["trace_id"] and len(trace) == 32
    root = next(event for event in of(events, K.SPAN))
    assert '"steps"' in root.parts[Part.OUTPUT] and root.agent_id == "any_agent"
    assert of(events, K.AI_RESPONSE)[0].properties[TOOL_CALLS][0]["name"] == "get_current_time"
    assert of(events, K.USER_MESSAGE)[0].text is not None


def test_vercels_sdk_as_the_javascript_sdk_prints_it() -> None:
    events = read(FILES / "ai-sdk-v6" / "all-spans.json.gz")
    assert len({event.trace_id for event in events}) == 10
    assert kinds(events) == {"USER_MESSAGE": 4, "AI_RESPONSE": 4, "EMBEDDING": 1, "SPAN": 5}
    counted = sum(event.input_tokens or 0 for event in events)
    repeated = sum(event.properties.get(REPEATED_USAGE, {}).get("input_tokens", 0) for event in events)
    assert counted == repeated == 14 + 50 + 63 + 15 + 10
    streamed = next(event for event in events if event.ttfb_ms is not None)
    assert streamed.ttfb_ms == pytest.approx(426.85, abs=0.01)
    assert (streamed.time_ms, streamed.latency_ms) == (1770132005984, pytest.approx(5386.307, abs=0.001))
    asked = of(events, K.USER_MESSAGE)[1]
    assert asked.text == "And what is 3 + 3?"


@pytest.mark.parametrize(
    "name",
    [
        "openinference_client_span_input_output_only",
        "openinference_client_span_tool_calls",
        "otel_genai_client_span_tool_calls",
        "otel_genai_deprecated_client_span_tool_calls",
    ],
)
def test_one_call_in_four_spellings(name: str) -> None:
    path = FILES / "openinference-genai" / f"{name}.json"
    if not path.is_file():
        pytest.skip("shared data absent")
    one = Span(
        "t", "s", None, "chat", 1_700_000_000_000_000_000, 1_700_000_001_000_000_000, json.loads(path.read_text())
    )
    (event,) = events_of_trace([one])  # the input ends with the result of a tool: nobody spoke
    assert event.kind is K.AI_RESPONSE
    assert event.text == "The weather in Paris is currently rainy with a temperature of 57°F."
    assert (event.model, event.provider, event.input_tokens, event.output_tokens, event.total_tokens) == (
        "gpt-4-0613", "openai", 97, 52, 149,
    )  # fmt: skip
    assert event.finish_reason in (None, "stop")
    assert (event.properties["[Agent] Temperature"], event.properties["[Agent] Max Output Tokens"]) == (0.5, 200)


def test_a_tool_span_with_plain_input_and_output() -> None:
    path = FILES / "openinference-genai" / "otel_genai_tool_execution_span.json"
    if not path.is_file():
        pytest.skip("shared data absent")
    (event,) = events_of_trace([Span("t", "s", None, "x", 10**18, 10**18, json.loads(path.read_text()))])
    assert (event.kind, event.name, event.parts[Part.INPUT]) == (K.TOOL_CALL, "get_weather", '{"city": "New York"}')


def test_files_without_an_agent_say_so() -> None:
    for name, words in (("trace", "any span of an agent"), ("logs", "no span"), ("events", "no span")):
        path = FILES / "otlp-proto" / f"{name}.json"
        if not path.is_file():
            pytest.skip("shared data absent")
        (problem,) = OTEL.read(path, ReadOptions())
        assert isinstance(problem, RecordProblem) and words in problem.reason


def test_claude_codes_telemetry() -> None:
    path = FILES / "claude-code-telemetry" / "otel-events.sample.jsonl"
    if not path.is_file():
        pytest.skip("shared data absent")
    assert CLAUDE_CODE_TELEMETRY.sniff(head_of(path)) and not OTEL.sniff(head_of(path))
    events = [item for item in CLAUDE_CODE_TELEMETRY.read(path, ReadOptions()) if isinstance(item, AgentEvent)]
    assert kinds(events) == {"USER_MESSAGE": 3, "AI_RESPONSE": 5, "TOOL_CALL": 5, "SPAN": 2}
    assert {event.session_key for event in events} == {f"{n * 8}-{n * 4}-{n * 4}-{n * 4}-{n * 12}" for n in "12"}
    assert {event.user_id for event in events} == {"dev@example.com"}
    first = of(events, K.AI_RESPONSE)[0]
    assert (first.input_tokens, first.cache_read_tokens, first.cost_nano) == (18_200, 15_000, 34_500_000)
    assert [event.trace_id for event in of(events, K.USER_MESSAGE)] == ["P1", "P2", "P3"]
    assert [event.name for event in events if event.is_error] == ["Read"]
    assert events[0].context["branch"] == "feature/analytics-otel-source"
    assert {event.parent_agent_id for event in events if event.agent_id == "tech-analyst"} == {"claude-code"}
    assert len({event.insert_id for event in events}) == len(events)


def test_claude_codes_telemetry_as_log_records() -> None:
    record = LogRecord("claude_code.user_prompt", 10**18, None, None, {"session.id": "s", "prompt": "hi"})
    other = LogRecord("gen_ai.user.message", 10**18, "t", "s", {})
    assert is_claude_code(record) and not is_claude_code(other)
    twice = events_of_records([record, other, record])
    assert [event.text for event in twice] == ["hi", "hi"] and twice[0].insert_id != twice[1].insert_id


# --- rules -----------------------------------------------------------------------------------------------------------


def test_three_messages_of_a_langgraph_thread_are_one_session() -> None:
    spans = []
    for number in range(3):
        for name, kind, parent in (("LangGraph", "chain", None), ("ChatOpenAI", "llm", "LangGraph")):
            one = span(name + str(number), parent and parent + str(number), langsmith__span__kind=kind)
            one.trace_id = f"t{number}"
            one.attributes["langsmith.metadata.thread_id"] = "thread-7"
            if kind == "llm":
                one.attributes |= {
                    "langsmith.metadata.user_id": "ana",
                    "gen_ai.prompt": json.dumps({"messages": [{"role": "user", "content": f"question {number}"}]}),
                    "gen_ai.completion": json.dumps({"role": "assistant", "content": "answer"}),
                    "gen_ai.usage.input_tokens": 3,
                }
            spans.append(one)
    events = events_of(spans)
    assert {(event.session_key, event.user_id) for event in events} == {("thread-7", "ana")}
    assert len({event.trace_id for event in events}) == 3
    assert [event.text for event in of(events, K.USER_MESSAGE)] == ["question 0", "question 1", "question 2"]
    assert all(event.warnings == () for event in events)


def test_openlit_spells_messages_as_events_of_the_span() -> None:
    one = span("chat", gen_ai__operation__name="chat", gen_ai__usage__cost=0.5, session__id="s")
    one.events = [
        SpanEvent("gen_ai.content.prompt", None, {"gen_ai.prompt": "user: hello"}),
        SpanEvent("gen_ai.content.completion", None, {"gen_ai.completion": "world"}),
    ]
    asked, answered = events_of_trace([one])
    assert (asked.text, answered.text, answered.cost_nano) == ("user: hello", "world", 500_000_000)


def test_spans_of_no_dialect_pass_inheritance_on_and_are_not_shown() -> None:
    spans = [
        span("root", gen_ai__operation__name="invoke_agent", gen_ai__agent__name="a", gen_ai__conversation__id="c"),
        span("http", "root", http__method="POST"),
        span("carried", "http", gen_ai__conversation__id="c", http__url="x"),
        span("call", "carried", gen_ai__operation__name="chat"),
    ]
    events = events_of_trace(spans)
    assert kinds(events) == {"SPAN": 1, "AI_RESPONSE": 1}
    call = of(events, K.AI_RESPONSE)[0]
    assert (call.parent_id, call.session_key, call.agent_id) == ("root", "c", "a")
    assert events_of_trace([span("http", http__method="GET")]) == []


def test_a_sub_agent_below_a_model_span_keeps_its_own_call() -> None:
    spans = [
        span("outer", gen_ai__operation__name="call_llm", gen_ai__usage__input_tokens=10),
        span("tool", "outer", gen_ai__operation__name="execute_tool", gen_ai__tool__name="ask"),
        span("agent", "tool", gen_ai__operation__name="invoke_agent", gen_ai__agent__name="child"),
        span("inner", "agent", gen_ai__operation__name="chat", gen_ai__usage__input_tokens=5),
    ]
    events = events_of_trace(spans)
    assert sum(event.input_tokens or 0 for event in events) == 15
    assert len(of(events, K.AI_RESPONSE)) == 2


def test_a_delegates_prompt_is_not_the_persons() -> None:
    chat = {"gen_ai__operation__name": "chat"}
    spans = [
        span("boss", gen_ai__operation__name="invoke_agent", gen_ai__agent__name="boss"),
        span("c1", "boss", at=2, gen_ai__input__messages='[{"role":"user","content":"do it"}]', **chat),
        span("helper", "boss", at=5, gen_ai__operation__name="invoke_agent", gen_ai__agent__name="helper"),
        span("c2", "helper", at=6, gen_ai__input__messages='[{"role":"user","content":"part one"}]', **chat),
        span("c3", "helper", at=7, gen_ai__input__messages='[{"role":"user","content":"part one"}]', **chat),
    ]
    said = of(events_of_trace(spans), K.USER_MESSAGE)
    assert [(event.text, event.from_agent, event.parent_agent_id) for event in said] == [
        ("do it", False, None), ("part one", True, "boss"),
    ]  # fmt: skip
    assert said[0].time_ms == 1_700_000_000_001  # before the agent began


def test_an_agent_that_tells_its_answer_stands_for_its_call() -> None:
    one = span(
        "agent",
        gen_ai__operation__name="invoke_agent",
        gen_ai__input__messages='[{"role":"user","parts":[{"type":"text","content":"q"}]}]',
        gen_ai__output__messages='[{"role":"assistant","parts":[{"type":"text","content":"a"}]}]',
    )
    assert [(event.kind, event.text) for event in events_of_trace([one])] == [
        (K.USER_MESSAGE, "q"),
        (K.AI_RESPONSE, "a"),
    ]
    below = span("call", "agent", gen_ai__operation__name="chat")
    assert kinds(events_of_trace([one, below])) == {"SPAN": 1, "AI_RESPONSE": 1, "USER_MESSAGE": 1}


def test_amplitudes_own_spans() -> None:
    sent = span("sent", amplitude__sdk__emitted=True, gen_ai__operation__name="chat")
    ended = span("ended", amplitude__event__type="session_end", session__id="s")
    assert [event.kind for event in events_of_trace([sent, ended])] == [K.SESSION_END]


def test_cached_tokens_beside_the_input_are_added_and_zero_cost_is_unknown() -> None:
    one = span(
        "call",
        gen_ai__operation__name="chat",
        gen_ai__usage__input_tokens="10",
        gen_ai__usage__output_tokens=5,
        gen_ai__usage__cache_read__input_tokens=100,
        gen_ai__usage__cost=0.0,
    )
    (event,) = events_of_trace([one])
    assert (event.input_tokens, event.total_tokens, event.cost_nano) == (110, 115, None)


def test_loops_and_endless_chains_of_parents_end() -> None:
    looping = [span("a", "b", gen_ai__operation__name="chat"), span("b", "a", gen_ai__operation__name="chat")]
    assert len(events_of_trace(looping)) == 2
    chain = [span(f"s{n}", f"s{n - 1}", gen_ai__operation__name="chat") for n in range(3000)]
    began = time.thread_time()
    assert kinds(events_of_trace(chain)) == {"SPAN": 2999, "AI_RESPONSE": 1}
    assert time.thread_time() - began < 5


def test_ids_and_times_of_every_spelling() -> None:
    assert hex_id("5B8EFFF798038103D269B633813FC60C", 32) == "5b8efff798038103d269b633813fc60c"
    assert hex_id(2**127 + 1, 32) == "80000000000000000000000000000001"
    assert hex_id(base64.b64encode(bytes(range(16))).decode(), 32) == bytes(range(16)).hex()
    assert hex_id("0x1f", 16) == "000000000000001f"
    assert [hex_id(value, 16) for value in (None, "", 0, "0000000000000000", True, 2**64)] == [None] * 6
    assert hex_id("run-1", 16) == "run-1"
    assert nanoseconds("1544712660000000000") == nanoseconds(1544712660000000, 1000) == 1544712660000000000
    assert [nanoseconds(value) for value in ("x", True, -1, 0, 10**30, float("inf"))] == [None] * 6


def test_tempo_collector_lines_and_console_spans(tmp_path: Path) -> None:
    plain = {
        "traceId": base64.b64encode(bytes(range(16))).decode(),
        "spanId": base64.b64encode(bytes(range(8))).decode(),
        "name": "chat",
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000001000000000",
        "status": {"code": "STATUS_CODE_ERROR", "message": "no"},
        "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}],
    }
    tempo = {"batches": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": [plain]}]}]}
    console = {
        "name": "chat",
        "context": {"trace_id": "0x" + "a" * 32, "span_id": "0x" + "b" * 16, "trace_state": "[]"},
        "kind": "SpanKind.CLIENT",
        "parent_id": None,
        "start_time": "2026-01-01T00:00:00.000000Z",
        "end_time": "2026-01-01T00:00:02.500000Z",
        "status": {"status_code": "ERROR", "description": "no"},
        "attributes": {"gen_ai.operation.name": "chat"},
        "events": [],
        "links": [],
        "resource": {"attributes": {"service.name": "bot"}},
    }
    request = json.dumps({"resourceSpans": tempo["batches"]})
    contents = {
        "tempo": json.dumps(tempo),
        "tempo2": json.dumps({"trace": {"resourceSpans": tempo["batches"]}}, indent=1),
        "lines": request + "\n" + request + "\n",
        "console": json.dumps(console, indent=4) + "\n" + json.dumps(console, indent=4) + "\n",
    }
    for name, content in contents.items():
        path = tmp_path / name
        path.write_text(content)
        events = read(path)
        assert [(event.kind, event.is_error, event.parts[Part.ERROR]) for event in events] == [
            (K.AI_RESPONSE, True, "no")
        ], name


def test_bodies_that_are_no_otlp_are_told() -> None:
    for decoder in (decode_traces, decode_logs):
        with pytest.raises(NotOtlp):
            decoder(b"\xff\xff\xff")
        assert not decoder(b"") or decoder(b"") == ([], 0)
    assert encode_trace_answer() == encode_log_answer() == b""
    assert b"why" in encode_trace_answer(3, "why") and b"why" in encode_log_answer(1, "why")


def test_messages_in_the_shapes_of_libraries() -> None:
    langchain = {"kwargs": {"content": "hello"}, "lc": 1, "id": ["AIMessage"]}
    shapes: list[tuple[Any, str, str | None]] = [
        ("hello", "user", "hello"),
        ('"\\"hello\\""', "user", "hello"),
        ([{"type": "human", "content": "hello"}], "user", "hello"),
        ({"messages": [[{"lc": 1, "id": ["x", "HumanMessage"], "kwargs": {"content": "hello"}}]]}, "user", "hello"),
        ({"contents": [{"role": "model", "parts": [{"text": "hello"}]}]}, "assistant", "hello"),
        ({"candidates": [{"content": {"parts": [{"text": "hello"}], "role": "model"}}]}, "assistant", "hello"),
        ({"generations": [[{"text": "hello", "message": langchain}]]}, "assistant", "hello"),
        ([{"role": "user", "content": [{"type": "tool_result", "content": "x"}]}], "user", None),
        ({"object": "response", "output": [{"type": "message", "content": [{"type": "output_text", "text": "hello"}]}]},
         "assistant", "hello"),
        ({"prompt": "hello"}, "user", "hello"),
        ({"args": ["hello"]}, "user", "hello"),
    ]  # fmt: skip
    for value, role, said in shapes:
        found = parse(value, "user" if role == "user" else "assistant")
        assert [(one.role, one.text) for one in found][-1:] == [(role, said)], value
    assert parse({"inputs": {"q": 1}}, "user") == parse({"content": "role"}, "user") == parse(None, "user") == []
    assert decode("[" * 5000) == "[" * 5000


@pytest.mark.parametrize("name", ["manual_1", "litellm_1", "openinference_1", "openllmetry_1", "openai_v2_logs_2"])
def test_damaged_bodies_and_swapped_values_never_raise(name: str) -> None:
    dice = random.Random(name)
    original = body(name)
    document = json.loads((WIRE / f"{name}.otlp.json").read_text())
    junk: list[Any] = [None, 7, -1e300, "x", [], {}, [{}], True, 10**30, "[" * 50, {"stringValue": 5}, "NaN"]

    def swapped(value: Any, rate: float) -> Any:
        if dice.random() < rate:
            return dice.choice(junk)
        if isinstance(value, dict):
            return {key: swapped(one, rate) for key, one in value.items()}
        return [swapped(one, rate) for one in value] if isinstance(value, list) else value

    found = 0
    for _ in range(25):
        damaged = bytearray(original)
        for _ in range(dice.choice([1, 5, 40])):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        for decoder in (lambda raw: decode_traces(raw)[0], decode_logs):
            try:
                decoded = decoder(bytes(damaged))
            except NotOtlp:
                continue
            found += len(events_of([one for one in decoded if isinstance(one, Span)]))
        spans, logs = [], []
        for one in decode_document(swapped(document, dice.choice([0.002, 0.02, 0.2]))):
            if isinstance(one, Span):
                spans.append(one)
            elif isinstance(one, LogRecord):
                logs.append(one)
        found += len(events_of(spans, logs))
        events_of_records(logs)
    assert found or name == "openai_v2_logs_2"
