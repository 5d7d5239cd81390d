"""Small inputs of every registered format, as they should be: some written here, others cut from the shared data."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

from aa_tui.backend.sources.reading import open_stream
from tests.mutating import Sample

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
_LINES_AT_MOST = 60_000
"""Bytes of JSON Lines that are taken of a longer file."""
_ELEMENTS = 4
"""Elements of a document's arrays that are taken."""
_DAY = "2026-01-05T10:00"


def _lines(*records: Any) -> bytes:
    return "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in records).encode()


def _document(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def amplitude_event(session: str, number: int, kind: str, **properties: Any) -> dict[str, Any]:
    """Return an event in Amplitude's shape."""
    text = properties.pop("text", None)
    said = {} if text is None else {"$llm_message": {"text": text}}
    return {
        "event_type": kind,
        "user_id": f"user-{session}",
        "device_id": "laptop",
        "time": 1_767_607_200_000 + number * 1000,
        "insert_id": f"{session}-{number}",
        "event_properties": {
            "[Agent] Session ID": session,
            "[Agent] Trace ID": f"{session}-turn",
            "[Agent] Agent ID": "bot",
            "[Agent] Message ID": f"{session}-m{number}",
            **said,
            **properties,
        },
    }


def amplitude_events(sessions: int = 4) -> list[dict[str, Any]]:
    """Return some events of some sessions, and one of the product."""
    found = []
    for number in range(sessions):
        name = f"s{number}"
        usage = {
            "[Agent] Model Name": "gpt-4o",
            "[Agent] Provider": "openai",
            "[Agent] Input Tokens": 12,
            "[Agent] Output Tokens": 7,
            "[Agent] Total Tokens": 19,
            "[Agent] Cost USD": 0.0021,
            "[Agent] Latency Ms": 812.5,
            "[Agent] Context": json.dumps({"plan": "pro", "idle_timeout_minutes": 5}),
            "[Agent] Tags": ["a", "b"],
        }
        tool = {"[Agent] Tool Name": "search", "[Agent] Tool Input": '{"q": "x"}', "[Agent] Tool Output": "found"}
        score = {"[Agent] Score Name": "user-feedback", "[Agent] Score Value": 1, "[Agent] Target ID": f"{name}-m3"}
        found += [
            amplitude_event(name, 1, "[Agent] User Message", text="Where is my order?"),
            amplitude_event(name, 2, "[Agent] Tool Call", **tool, **{"[Agent] Is Error": False}),
            amplitude_event(name, 3, "[Agent] AI Response", text="It was sent today.", **usage),
            amplitude_event(name, 4, "[Agent] Score", **score),
            amplitude_event(name, 5, "[Agent] Session End", **{"[Agent] Enrichments": '{"quality_score": 0.5}'}),
        ]
    bought = {"event_type": "order_paid", "user_id": "user-s0", "time": 1_767_607_300_000, "insert_id": "paid-1"}
    told = {**bought, "event_type": "$identify", "insert_id": "i-1", "user_properties": {"$set": {"plan": "pro"}}}
    return [*found, {**bought, "event_properties": {"price": 12.5}}, told]


def _claude(session: str) -> list[dict[str, Any]]:
    common = {"isSidechain": False, "userType": "external", "cwd": "/repo", "sessionId": session, "version": "2.0.1"}
    usage = {"input_tokens": 20, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 35}
    answer = {"id": f"{session}-msg", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5"}
    asked = [{"type": "text", "text": "Look."}, {"type": "tool_use", "id": f"{session}-t", "name": "Read", "input": {}}]
    return [
        {**common, "type": "user", "uuid": f"{session}-1", "parentUuid": None, "timestamp": f"{_DAY}:01Z",
         "message": {"role": "user", "content": "Read the README"}},
        {**common, "type": "assistant", "uuid": f"{session}-2", "parentUuid": f"{session}-1",
         "timestamp": f"{_DAY}:02Z", "requestId": "r1", "message": {**answer, "content": asked, "usage": usage}},
        {**common, "type": "user", "uuid": f"{session}-3", "parentUuid": f"{session}-2", "timestamp": f"{_DAY}:03Z",
         "message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"{session}-t", "content": "x",
                                                  "is_error": False}]}, "toolUseResult": {"stdout": "x"}},
        {**common, "type": "assistant", "uuid": f"{session}-4", "parentUuid": f"{session}-3",
         "timestamp": f"{_DAY}:04Z", "requestId": "r2",
         "message": {**answer, "id": f"{session}-end", "stop_reason": "end_turn", "usage": usage,
                     "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Done."}]}},
    ]  # fmt: skip


def _codex() -> list[dict[str, Any]]:
    def one(second: int, kind: str, **payload: Any) -> dict[str, Any]:
        return {"timestamp": f"{_DAY}:{second:02}.000Z", "type": kind, "payload": payload}

    used = {"input_tokens": 50, "cached_input_tokens": 10, "output_tokens": 9, "reasoning_output_tokens": 2}
    usage = {**used, "total_tokens": 59}
    return [
        one(0, "session_meta", id="019b-codex", cwd="/repo", cli_version="0.77.0", git={"branch": "main"}),
        one(1, "turn_context", model="gpt-5-codex", cwd="/repo"),
        one(2, "response_item", type="message", role="user", content=[{"type": "input_text", "text": "List files"}]),
        one(3, "response_item", type="function_call", call_id="c1", name="shell", arguments='{"command":"ls"}'),
        one(4, "response_item", type="function_call_output", call_id="c1", output='{"output":"a\\n"}'),
        one(5, "response_item", type="message", role="assistant", content=[{"type": "output_text", "text": "One."}]),
        one(6, "event_msg", type="token_count", info={"total_token_usage": usage, "last_token_usage": usage}),
    ]


def _gemini() -> dict[str, Any]:
    call = {"id": "t1", "name": "shell", "args": {"command": "ls"}, "status": "success", "timestamp": f"{_DAY}:03.000Z",
            "result": [{"functionResponse": {"id": "t1", "name": "shell", "response": {"output": "a"}}}]}  # fmt: skip
    tokens = {"input": 10, "output": 5, "total": 15, "thoughts": 0, "tool": 0, "cached": 0}
    return {
        "kind": "chat", "startTime": f"{_DAY}:00.000Z", "lastUpdated": f"{_DAY}:10.000Z", "projectHash": "0b7dfb12",
        "sessionId": "session-gemini",
        "messages": [
            {"id": "m1", "timestamp": f"{_DAY}:01.000Z", "type": "user", "content": "Hello"},
            {"id": "m2", "timestamp": f"{_DAY}:02.000Z", "type": "gemini", "model": "gemini-3", "tokens": tokens,
             "thoughts": [{"subject": "s", "description": "d"}], "content": "Hi!", "toolCalls": [call]},
        ],
    }  # fmt: skip


def _pi() -> list[dict[str, Any]]:
    usage = {"input": 27, "output": 14, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 41, "cost": {"total": 0.0174}}
    call = {"type": "toolCall", "id": "t1", "name": "read", "arguments": {"path": "a"}}
    base = {"role": "assistant", "api": "anthropic-messages", "provider": "anthropic", "model": "claude-opus-4-5"}
    return [
        {"type": "session", "id": "pi-1", "timestamp": f"{_DAY}:00.000Z", "cwd": "/repo", "provider": "anthropic",
         "modelId": "claude-opus-4-5", "thinkingLevel": "off"},
        {"type": "message", "timestamp": f"{_DAY}:01.000Z",
         "message": {"role": "user", "content": [{"type": "text", "text": "read a"}], "timestamp": 1767607201000}},
        {"type": "message", "timestamp": f"{_DAY}:02.000Z",
         "message": {**base, "content": [call], "usage": usage, "stopReason": "toolUse", "timestamp": 1767607202000}},
        {"type": "message", "timestamp": f"{_DAY}:03.000Z",
         "message": {"role": "toolResult", "toolCallId": "t1", "toolName": "read", "isError": False,
                     "content": [{"type": "text", "text": "x"}], "timestamp": 1767607203000}},
        {"type": "message", "timestamp": f"{_DAY}:04.000Z",
         "message": {**base, "content": [{"type": "text", "text": "Done"}], "usage": usage, "stopReason": "stop",
                     "timestamp": 1767607204000}},
    ]  # fmt: skip


def _tau(task: int) -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": "book", "arguments": '{"id": 1}'}}
    return {
        "task_id": task, "reward": 1.0, "trial": 0,
        "info": {"task": {"user_id": "mia", "actions": [{"name": "book", "kwargs": {}}], "instruction": "Book."},
                 "user_cost": 0.002, "reward_info": {"reward": 1.0, "info": {}, "actions": []}},
        "traj": [
            {"role": "system", "content": "Be kind."}, {"role": "user", "content": "Book it"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "name": "book", "content": "ok"},
            {"role": "assistant", "content": "Done"},
        ],
    }  # fmt: skip


def _tau2() -> dict[str, Any]:
    usage = {"completion_tokens": 63, "prompt_tokens": 230}

    def simulation(number: int) -> dict[str, Any]:
        call = {"id": "c1", "name": "book", "arguments": {"id": 1}, "requestor": "assistant"}
        times = {"turn_idx": 0, "timestamp": f"{_DAY}:01.5", "cost": 0.001, "usage": usage, "raw_data": None}
        return {
            "id": f"sim-{number}", "task_id": "t1", "timestamp": f"{_DAY}:09", "start_time": f"{_DAY}:00",
            "end_time": f"{_DAY}:09", "duration": 9.0, "termination_reason": "user_stop", "agent_cost": 0.1,
            "user_cost": None, "reward_info": {"reward": 1.0, "reward_basis": ["DB"]}, "trial": number, "seed": 300,
            "messages": [
                {"role": "assistant", "content": "Hi!", "tool_calls": None, **times},
                {"role": "user", "content": "Book it", "tool_calls": None, **times},
                {"role": "assistant", "content": None, "tool_calls": [call], **times},
                {"role": "tool", "id": "c1", "content": "ok", "requestor": "assistant", "error": False, **times},
            ],
        }  # fmt: skip

    agent = {"implementation": "llm_agent", "llm": "gpt-4.1", "llm_args": None}
    info = {"num_trials": 1, "agent_info": agent, "user_info": {"llm": "gpt-4.1"}, "seed": 1,
            "environment_info": {"domain_name": "airline", "policy": "Be kind."}}  # fmt: skip
    tasks = [{"id": "t1", "description": {"purpose": "p"}, "user_scenario": {"instructions": "i"}}]
    return {"timestamp": f"{_DAY}:00", "info": info, "tasks": tasks, "simulations": [simulation(n) for n in range(3)]}


def _judged(number: int) -> dict[str, Any]:
    prompt = (
        "Domain: retail\n\nDomain policy:\nBe kind.\n\nConversation transcript:\n1. Assistant: Hi\n2. User: help\n"
        "3. Assistant TOOL CALL -> look {'id': 'A1'}\n4. Tool c1: Error: gone\n\nJudging instructions:\n- Be strict."
    )
    return {
        "file": "/data/retail.json", "label": "retail", "simulation_id": f"sim-{number}", "task_id": str(number),
        "tau2_reward": 1.0, "judge_response": '{"verdict": "pass", "justification": "kind", "issues": []}',
        "judge_prompt": prompt, "judge_system_prompt": "You judge.", "judge_model": "gpt-4o",
        "judge_temperature": 0.0, "judge_prompt_name": "triage", "judge_prompt_tokens": 100,
        "judge_completion_tokens": 5, "judge_total_tokens": 105, "judge_cost_usd": 0.003,
    }  # fmt: skip


def _judge_summary() -> dict[str, Any]:
    entries = []
    for number in range(3):
        found = _judged(number)
        del found["judge_response"]
        entries.append({**found, "tau2_success": True, "judge_verdict": "pass", "judge_justification": "kind",
                        "judge_issues": [], "agreement": True})  # fmt: skip
    return {"total_judged": 3, "agree_count": 3, "disagree_count": 0, "entries": entries, "total_cost_usd": 0.009}


def _copilot() -> list[dict[str, Any]]:
    start = {"sessionId": "copilot-1", "version": 1, "producer": "copilot-agent", "copilotVersion": "0.0.420"}
    call = {"toolCallId": "c1", "name": "bash", "arguments": {"command": "ls"}}
    told: list[tuple[str, dict[str, Any]]] = [
        ("session.start", {**start, "startTime": f"{_DAY}:00.000Z"}),
        ("session.model_change", {"newModel": "gpt-5"}),
        ("user.message", {"content": "Step 1", "transformedContent": "Step 1", "attachments": []}),
        ("assistant.message", {"content": "", "toolRequests": [call]}),
        ("tool.execution_start", {"toolCallId": "c1", "toolName": "bash", "arguments": {"command": "ls"}}),
        ("tool.execution_complete", {"toolCallId": "c1", "success": True, "result": {"content": "a"}}),
        ("assistant.message", {"content": "Ok", "toolRequests": []}),
    ]
    return [
        {"type": kind, "data": data, "id": f"e{number}", "timestamp": f"{_DAY}:{number:02}.000Z",
         "parentId": f"e{number - 1}" if number else None}
        for number, (kind, data) in enumerate(told)
    ]  # fmt: skip


def _cursor() -> list[dict[str, Any]]:
    return [
        {"role": "user", "message": {"content": [{"type": "text", "text": "List the files."}]}},
        {"role": "assistant", "message": {"content": [{"type": "text", "text": "Running."}, {
            "type": "tool_use", "name": "Bash", "input": {"command": "ls"}}]}},
        {"role": "user", "message": {"content": [{"type": "text", "text": "Thanks."}]}},
        {"role": "assistant", "message": {"content": [{"type": "text", "text": "Welcome."}]}},
        {"type": "turn_ended", "status": "success"},
    ]  # fmt: skip


def _droid_store() -> list[dict[str, Any]]:
    return [
        {"type": "session_start", "id": "droid-1", "title": "Small", "cwd": "/repo", "owner": "ada", "version": "2"},
        {"type": "message", "id": "m1", "parentId": "droid-1", "timestamp": f"{_DAY}:00.000Z",
         "message": {"role": "user", "content": [{"type": "text", "text": "Run a command"}]}},
        {"type": "message", "id": "m2", "parentId": "m1", "timestamp": f"{_DAY}:01.000Z",
         "message": {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "Execute",
                                                       "input": {"command": "ls"}}]}},
        {"type": "message", "id": "m3", "parentId": "m2", "timestamp": f"{_DAY}:02.000Z",
         "message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "a"}]}},
    ]  # fmt: skip


def _droid_stream() -> list[dict[str, Any]]:
    def one(second: int, kind: str, **more: Any) -> dict[str, Any]:
        return {
            "type": kind,
            "session_id": "sid-1",
            "timestamp": f"{_DAY}:{second:02}.000Z",
            "id": f"d{second}",
            **more,
        }

    return [
        one(0, "system", model="droid-model", cwd="/repo"),
        one(1, "message", role="user", text="Step 1"),
        one(2, "message", role="assistant", text="Ok"),
        one(3, "tool_call", toolCallId="c1", toolName="Shell", parameters={"command": "ls"}),
        one(4, "tool_result", toolCallId="c1", value={"stdout": "a", "exitCode": 0}),
        one(5, "completion", finalText="Done."),
    ]


def _opencode() -> dict[str, bytes]:
    root, session = "storage", "ses_1"
    assistant = {"id": "m2", "sessionID": session, "role": "assistant", "time": {"created": 1767607202000},
                 "providerID": "openai", "modelID": "gpt-4o", "cost": 0.01,
                 "tokens": {"input": 10, "output": 5, "reasoning": 0, "cache": {"read": 0, "write": 0}}}  # fmt: skip
    tool = {"id": "p3", "messageID": "m2", "sessionID": session, "type": "tool", "callID": "c1", "tool": "bash",
            "state": {"status": "completed", "input": {"command": "ls"}, "output": "a",
                      "time": {"start": 1767607202100, "end": 1767607202200}}}  # fmt: skip
    return {
        f"{root}/session/proj/{session}.json": _document(
            {"id": session, "version": "1.3.17", "projectID": "proj", "directory": "/repo", "title": "Small",
             "time": {"created": 1767607200000, "updated": 1767607209000}}
        ),
        f"{root}/message/{session}/m1.json": _document(
            {"id": "m1", "sessionID": session, "role": "user", "time": {"created": 1767607201000}}
        ),
        f"{root}/message/{session}/m2.json": _document(assistant),
        f"{root}/part/m1/p1.json": _document(
            {"id": "p1", "messageID": "m1", "sessionID": session, "type": "text", "text": "List files"}
        ),
        f"{root}/part/m2/p2.json": _document(
            {"id": "p2", "messageID": "m2", "sessionID": session, "type": "text", "text": "One."}
        ),
        f"{root}/part/m2/p3.json": _document(tool),
    }  # fmt: skip


def _openhands() -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": "terminal", "arguments": '{"command": "ls"}'}}
    usage = {"completion_tokens": 80, "prompt_tokens": 400, "total_tokens": 480}
    return {
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "You are OpenHands"}]},
            {"role": "user", "content": [{"type": "text", "text": "List files"}]},
            {"role": "assistant", "content": [{"type": "text", "text": ""}], "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "name": "terminal", "content": [{"type": "text", "text": "a"}]},
        ],
        "tools": [{"type": "function", "function": {"name": "terminal", "description": "Run", "parameters": {}}}],
        "kwargs": {"temperature": 0.0}, "context_window": 200_000,
        "response": {"id": "r1", "created": 1767607205, "model": "claude-sonnet-4", "usage": usage,
                     "choices": [{"finish_reason": "stop", "index": 0,
                                  "message": {"role": "assistant", "content": "One file.", "tool_calls": None}}]},
        "cost": 0.02, "timestamp": 1767607206.5, "latency_sec": 1.5,
    }  # fmt: skip


def _swe() -> dict[str, Any]:
    def step(number: int) -> dict[str, Any]:
        return {"action": "ls\n", "observation": "a", "response": "Let me look.\n```\nls\n```", "thought": "Look.",
                "state": '{"open_file": "n/a", "working_dir": "/repo"}', "execution_time": 0.5 + number}  # fmt: skip

    return {
        "environment": "swe_main",
        "trajectory": [step(number) for number in range(3)],
        "history": [
            {"role": "system", "content": "You are a programmer.", "agent": "primary"},
            {"role": "user", "content": "Fix the issue.", "agent": "primary"},
            *[
                one
                for _ in range(3)
                for one in (
                    {"role": "assistant", "content": "Let me look.", "thought": "Look.", "action": "ls\n",
                     "agent": "primary"},
                    {"role": "user", "content": "a", "agent": "primary"},
                )
            ],
        ],
        "info": {"exit_status": "submitted", "submission": "diff", "model_stats": {
            "instance_cost": 0.5, "tokens_sent": 100, "tokens_received": 20, "api_calls": 3}},
    }  # fmt: skip


def _who_and_when() -> dict[str, Any]:
    history = [{"content": f"step {n}", "role": "assistant", "name": "Expert"} for n in range(4)]
    return {
        "is_correct": False, "question": "Which?", "question_ID": "q1", "level": "2", "ground_truth": "That",
        "history": history, "mistake_agent": "Expert", "mistake_step": "1", "mistake_reason": "wrong",
        "system_prompt": {"Expert": "You are one."},
    }  # fmt: skip


def _refchecker() -> list[dict[str, Any]]:
    return [
        {"id": str(number), "response": "June has songs.", "claude2_response_kg": [
            {"triplet": ["June", "has", "songs"], "human_label": "Entailment"},
            {"triplet": ["June", "has", "films"], "human_label": "Contradiction"}]}
        for number in range(4)
    ]  # fmt: skip


def otlp_spans(traces: int = 3) -> list[dict[str, Any]]:
    """Return the spans of some traces as OTLP JSON writes them: an agent, a model call with texts, a tool call."""

    def attributes(**given: Any) -> list[dict[str, Any]]:
        kind = {str: "stringValue", bool: "boolValue", float: "doubleValue"}
        return [
            {"key": key.replace("__", "."), "value": {"intValue": str(value)} if type(value) is int else {
                kind[type(value)]: value}}
            for key, value in given.items()
        ]  # fmt: skip

    found = []
    for number in range(traces):
        trace = f"{number + 1:032x}"
        begun = 1_767_607_200_000_000_000 + number * 10**10
        said = json.dumps([{"role": "user", "parts": [{"type": "text", "content": f"Where is it, {number}?"}]}])
        answer = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": "Here."}]}])
        given: list[list[dict[str, Any]]] = [
            attributes(
                gen_ai__operation__name="invoke_agent", gen_ai__conversation__id=f"conv-{number}", user__id="ada",
                gen_ai__agent__name="bot",
            ),
            attributes(
                gen_ai__operation__name="chat", gen_ai__request__model="gpt-4o", gen_ai__usage__input_tokens=12,
                gen_ai__usage__output_tokens=7, gen_ai__input__messages=said, gen_ai__output__messages=answer,
                gen_ai__request__temperature=0.5,
            ),
            attributes(
                gen_ai__operation__name="execute_tool", gen_ai__tool__name="search",
                gen_ai__tool__call__arguments='{"q": 1}', gen_ai__tool__call__result="x",
            ),
        ]  # fmt: skip
        for at, one in enumerate(given, 1):
            found.append(
                {
                    "traceId": trace, "spanId": f"{number * 10 + at:016x}", "name": f"span {at}", "kind": 3,
                    **({"parentSpanId": f"{number * 10 + 1:016x}"} if at > 1 else {}),
                    "startTimeUnixNano": str(begun + at * 10**8), "endTimeUnixNano": str(begun + at * 10**8 + 10**7),
                    "attributes": one, "status": {"code": 1}, "events": [],
                }
            )  # fmt: skip
    return found


def otlp_document(traces: int = 3) -> dict[str, Any]:
    """Return an OTLP JSON document of some traces."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return {
        "resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "x"}, "spans": otlp_spans(traces)}]}]
    }


def _jaeger() -> dict[str, Any]:
    tags = [{"key": "gen_ai.operation.name", "type": "string", "value": "chat"},
            {"key": "gen_ai.request.model", "type": "string", "value": "gpt-4o"},
            {"key": "gen_ai.usage.input_tokens", "type": "int64", "value": 12}]  # fmt: skip
    spans = [
        {
            "traceID": f"{1:032x}",
            "spanID": f"{n:016x}",
            "operationName": "chat",
            "references": [],
            "logs": [],
            "startTime": 1767607200000000 + n,
            "duration": 5000,
            "tags": tags,
            "processID": "p1",
        }
        for n in (1, 2, 3)
    ]
    process = {"p1": {"serviceName": "shop", "tags": []}}
    trace = {"traceID": f"{1:032x}", "spans": spans, "processes": process}
    return {"data": [trace], "total": 0, "limit": 0, "offset": 0, "errors": None}


def _telemetry() -> list[dict[str, Any]]:
    def one(second: int, name: str, **attrs: Any) -> dict[str, Any]:
        return {"_type": "log", "ts": f"{_DAY}:{second:02}.000Z", "scope": "com.anthropic.claude_code", "name": name,
                "attrs": {"event.name": name, "session.id": "tel-1", "prompt.id": "P1", **attrs},
                "resource": {"service.name": "claude-code"}}  # fmt: skip

    return [
        one(0, "user_prompt", prompt="Build it", prompt_length=8, **{"user.email": "dev@example.com"}),
        one(1, "api_request", model="claude-opus-4-8", input_tokens=12, output_tokens=8, cost_usd=0.03, duration_ms=90),
        one(2, "tool_result", tool_name="Bash", success="true", duration_ms=20),
        one(3, "api_error", model="claude-opus-4-8", error="overloaded", status_code=529, duration_ms=10),
    ]


def _inspect() -> dict[str, Any]:
    call = {"id": "c1", "function": "bash", "arguments": {"cmd": "ls"}, "type": "function"}

    def sample(number: int) -> dict[str, Any]:
        return {
            "id": number, "epoch": 1, "input": "List files", "target": "a",
            "messages": [
                {"role": "user", "content": "List files", "source": "input"},
                {"role": "assistant", "content": "", "source": "generate", "tool_calls": [call]},
                {"role": "tool", "content": "a", "tool_call_id": "c1", "function": "bash"},
                {"role": "assistant", "content": "One.", "source": "generate"},
            ],
            "output": {"model": "gpt-4o", "choices": [{"message": {"role": "assistant", "content": "One."},
                                                       "stop_reason": "stop"}]},
            "scores": {"includes": {"value": "C", "answer": "One.", "explanation": "yes"}}, "metadata": {},
            "model_usage": {"openai/gpt-4o": {"input_tokens": 20, "output_tokens": 5, "total_tokens": 25}},
        }  # fmt: skip

    head = {"run_id": "run-1", "created": f"{_DAY}:00-05:00", "task": "files", "task_id": "task-1", "config": {},
            "model": "openai/gpt-4o", "dataset": {"samples": 3, "sample_ids": [1, 2, 3]},
            "packages": {"inspect_ai": "0.3.43"}}  # fmt: skip
    return {
        "version": 2, "status": "success", "eval": head, "plan": {"name": "plan", "steps": []},
        "results": {"total_samples": 3, "completed_samples": 3, "scores": []},
        "stats": {"started_at": f"{_DAY}:00-05:00", "completed_at": f"{_DAY}:30-05:00", "model_usage": {}},
        "samples": [sample(number) for number in (1, 2, 3)],
    }  # fmt: skip


def _inspect_archive() -> bytes:
    whole = _inspect()
    samples = whole.pop("samples")
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps(whole))
        for one in samples:
            archive.writestr(f"samples/{one['id']}_epoch_1.json", json.dumps(one))
    return held.getvalue()


def _langfuse() -> dict[str, Any]:
    score = {"id": "sc1", "name": "toxicity", "value": 0, "source": "EVAL", "comment": "kind", "dataType": "NUMERIC",
             "timestamp": f"{_DAY}:09.000Z", "traceId": "tr1", "observationId": None}  # fmt: skip
    base = {"traceId": "tr1", "environment": "default", "level": "DEFAULT", "statusMessage": None}
    return {
        "trace": {"id": "tr1", "name": "chat", "timestamp": f"{_DAY}:00.000Z", "userId": "ada", "sessionId": "lf-1",
                  "tags": ["a"], "release": None, "version": None, "input": "Where?", "output": "Here.",
                  "metadata": {}, "scores": [score], "latency": 1.8},
        "observations": [
            {**base, "id": "o1", "type": "GENERATION", "name": "llm", "startTime": f"{_DAY}:01.000Z",
             "endTime": f"{_DAY}:02.000Z", "model": "gpt-4o", "input": [{"role": "user", "content": "Where?"}],
             "output": {"role": "assistant", "content": "Here."}, "usageDetails": {"input": 10, "output": 5},
             "costDetails": {"total": 0.01}, "parentObservationId": None},
            {**base, "id": "o2", "type": "TOOL", "name": "search", "startTime": f"{_DAY}:02.000Z",
             "endTime": f"{_DAY}:03.000Z", "input": {"q": "x"}, "output": "y", "parentObservationId": "o1"},
        ],
    }  # fmt: skip


def _langsmith() -> dict[str, Any]:
    def run(number: int) -> dict[str, Any]:
        name = f"dc34609e-3eeb-459d-bc2a-6fedb01d2e{number:02x}"
        return {"session_name": "default", "id": name, "name": "ChatOpenAI", "start_time": 1767607200000 + number,
                "end_time": 1767607201000, "run_type": "llm", "trace_id": name,
                "dotted_order": f"20260105T100000Z{name}", "tags": [],
                "extra": {"metadata": {"ls_provider": "openai", "ls_model_name": "gpt-4o", "thread_id": f"t-{number}"}},
                "inputs": {"messages": [{"role": "user", "content": "howdy"}]},
                "outputs": {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Howdy!"}}],
                            "usage_metadata": {"input_tokens": 9, "output_tokens": 9, "total_tokens": 18}}}  # fmt: skip

    return {"post": [run(number) for number in range(3)], "patch": []}


def _csv() -> bytes:
    rows = [f"checkout_{n},2026-01-05T10:00:{n:02}Z,user-{n % 3},{n}.5,row-{n}" for n in range(8)]
    return "\n".join(["event,time,user_id,price,insert_id", *rows, ""]).encode()


@cache
def written() -> tuple[Sample, ...]:
    """Return an input of every format, written here."""

    def one(format_: str, path: str, data: bytes, name: str = "written") -> Sample:
        return Sample(format_, name, {path: data}, (path,))

    checkpoints = _lines(
        {"checkpoint_id": "24ac2c6a5ad4", "session_id": "2026-01-05-claude-1", "strategy": "manual-commit",
         "created_at": f"{_DAY}:09+01:00", "checkpoints_count": 4, "files_touched": ["a.go"], "user": "u01"},
        {"checkpoint_id": "510c10bf7b7a", "session_id": "2026-01-05-claude-2", "strategy": "manual-commit",
         "created_at": f"{_DAY}:10+01:00", "checkpoints_count": 2, "files_touched": ["b.go"], "user": "u02"},
    )  # fmt: skip
    transcripts = _lines(*_claude("claude-1"), *_claude("claude-2"), *_claude("claude-3"))
    gemini = _gemini()
    chat = {name: value for name, value in gemini.items() if name != "messages"}
    opencode = _opencode()
    events = amplitude_events()
    telemetry = _telemetry()
    more = json.loads(json.dumps(telemetry).replace("tel-1", "tel-2").replace('"P1"', '"P2"'))
    return (
        one("claude-code", "claude.jsonl", transcripts),
        Sample(
            "agent-checkpoints",
            "written",
            {"checkpoints.jsonl": checkpoints, "claude.jsonl": transcripts},
            ("checkpoints.jsonl",),
        ),
        one("codex", "rollout-2026.jsonl", _lines(*_codex())),
        one("gemini-cli", "session.json", _document(gemini)),
        one("gemini-cli", "session.jsonl", _lines(chat, *gemini["messages"]), "written lines"),
        one("pi", "pi.jsonl", _lines(*_pi())),
        one("tau-bench", "tau.json", _document([_tau(number) for number in range(3)])),
        one("tau2-bench", "tau2.json", _document(_tau2())),
        one("tau2-judge", "raw.jsonl", _lines(*map(_judged, range(3)))),
        one("tau2-judge", "summary.json", _document(_judge_summary()), "written summary"),
        one("copilot-cli", "events.jsonl", _lines(*_copilot())),
        one("cursor", "cursor.jsonl", _lines(*_cursor())),
        one("droid", "droid.jsonl", _lines(*_droid_store())),
        one("droid", "stream.jsonl", _lines(*_droid_stream()), "written stream"),
        Sample("opencode", "written", opencode, tuple(opencode)),
        one("openhands", "model-1767607206.5.json", _document(_openhands())),
        one("swe-agent", "issue.traj", _document(_swe())),
        one("who-and-when", "1.json", _document(_who_and_when())),
        one("refchecker", "answers.json", _document(_refchecker())),
        one("otel", "traces.json", _document(otlp_document())),
        one("otel", "collector.jsonl", _lines(*(
            {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]} for span in otlp_spans())), "written lines"),
        one("otel", "jaeger.json", _document(_jaeger()), "written jaeger"),
        one("claude-code-telemetry", "otel-events.jsonl", _lines(*telemetry, *more)),
        one("inspect", "log.json", _document(_inspect())),
        one("inspect", "log.eval", _inspect_archive(), "written archive"),
        one("langfuse", "trace.json", _document(_langfuse())),
        one("langsmith", "runs.json", _document(_langsmith())),
        one("csv-events", "events.csv", _csv()),
        one("amplitude", "events.jsonl", _lines(*events)),
        one("amplitude", "body.json", _document({"api_key": "k", "events": events}), "written body"),
        one("amplitude", "array.json", _document(events), "written array"),
    )  # fmt: skip


_SHARED = {
    "claude-code": (
        "claude-code-nested/claude-code-log/edge_cases.jsonl.gz",
        "agent-cli-fixtures/claude/large.jsonl.gz",
        "claude-code-nested/spotter/short.jsonl.gz",
    ),
    "codex": (
        "agent-cli-fixtures/codex/large.jsonl.gz",
        "codex-rollouts/codemie/turn-2.jsonl.gz",
    ),
    "gemini-cli": ("agent-cli-fixtures/gemini/large.json.gz", "agent-cli-fixtures/gemini/jsonl_v040.jsonl"),
    "pi": ("pi-sessions/before-compaction.jsonl.gz",),
    "tau-bench": ("tau-bench/gpt-4o-airline.json.gz",),
    "tau2-bench": ("tau2-bench/gpt-4.1-mini_telecom_one_failed.json.gz",),
    "tau2-judge": (
        "tau2-judge-runs/airline.raw_quick_triage_v1.jsonl.gz",
        "tau2-judge-runs/airline.summary_quick_triage_v1.json.gz",
    ),
    "copilot-cli": ("agent-cli-fixtures/copilot/small.jsonl.gz", "agent-cli-fixtures/copilot/large.jsonl.gz"),
    "cursor": ("agent-cli-fixtures/cursor/large.jsonl",),
    "droid": (
        "agent-cli-fixtures/droid/stream_json_large.jsonl.gz",
        "agent-cli-fixtures/droid/session_store_large.jsonl.gz",
    ),
    "openhands": (
        "openhands-llm-calls/litellm_proxy__anthropic__claude-sonnet-4-20250514-1757015025.972.json.gz",
    ),
    "swe-agent": ("swe-agent-trajectories/function_calling_simple.traj.gz",),
    "who-and-when": ("who-and-when/algorithm-generated/102.json.gz",),
    "refchecker": ("refchecker-claims/dolly_gpt4_answers.json.gz",),
    "otel": (
        "otlp_wire/manual_1.otlp.json",
        "otlp_wire/litellm_1.otlp.json",
        "otel-json-traces/any-agent/GOOGLE_trace.json",
    ),
    "claude-code-telemetry": ("otel-json-traces/claude-code-telemetry/otel-events.sample.jsonl",),
    "inspect": ("inspect-logs/2024-11-05T13-31-45-05-00_input-task_8zXjbRzCWrL9GXiXo2vus9.json.gz",
                "inspect-logs/log_tool_call_error.json"),
    "langfuse": ("langfuse-traces/google-adk-2025-08-28.trace.json.gz",),
    "langsmith": (
        "langsmith-runs/langsmith_py_wrap_openai_stream.json",
        "langsmith-runs/langsmith_js_wrap_openai_default.json",
    ),
    "amplitude": ("amplitude_sdk_wire/01_two_turn_tools.json", "amplitude_sdk_wire/05_delegation.json"),
}  # fmt: skip


@cache
def shared() -> tuple[Sample, ...]:
    """Return inputs that real programs wrote, shortened; none where the shared data is absent."""
    found = []
    for format_, paths in _SHARED.items():
        for path in paths:
            if (DATA / path).is_file():
                name = Path(path).name.removesuffix(".gz")
                with open_stream(DATA / path) as stream:
                    data = _shortened(stream.read())
                found.append(Sample(format_, path, {name: data}, (name,)))
    storage = DATA / "agent-cli-fixtures" / "opencode" / "storage_v2"
    if storage.is_dir():
        files = {}
        for one in sorted(storage.rglob("*.json*")):
            with open_stream(one) as stream:
                files[f"storage/{one.relative_to(storage)}".removesuffix(".gz")] = stream.read()
        found.append(Sample("opencode", "storage_v2", files, tuple(files)))
    return tuple(found)


def _shortened(data: bytes) -> bytes:
    if len(data) <= _LINES_AT_MOST:
        return data
    try:
        value = json.loads(data)
    except ValueError:
        end = data.rfind(b"\n", 0, _LINES_AT_MOST)
        return data[: end + 1] if end > 0 else data[: data.find(b"\n") + 1]
    if isinstance(value, list):
        return _document(value[:_ELEMENTS])
    return _document({key: one[:_ELEMENTS] if isinstance(one, list) else one for key, one in value.items()})
