"""Langfuse, LangSmith and Inspect against the expected values beside the data, and their traps one by one."""

from __future__ import annotations

import csv
import gzip
import json
import random
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.model.event import (
    AgentEvent,
    EventKind,
    ImportedLabel,
    ImportedResult,
    Part,
    RecordProblem,
    SourceItem,
)
from aa_tui.backend.sources import registry
from aa_tui.backend.sources.contract import ReadOptions, Source
from aa_tui.backend.sources.inspect_logs import INSPECT
from aa_tui.backend.sources.langfuse import LANGFUSE
from aa_tui.backend.sources.langsmith import LANGSMITH
from aa_tui.backend.sources.otel.mapping import REPEATED_USAGE, TOOL_CALLS
from aa_tui.backend.sources.reading import head_of

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
K = EventKind


def table(folder: str, name: str) -> list[dict[str, str]]:
    if not (DATA / folder).is_dir():
        pytest.skip("shared data absent")
    with (DATA / folder / name).open() as rows:
        return list(csv.DictReader(rows))


def plain(path: Path) -> bytes:
    raw = path.read_bytes()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def split(items: list[SourceItem]) -> tuple[list[AgentEvent], list[ImportedLabel], list[ImportedResult]]:
    assert not [item for item in items if isinstance(item, RecordProblem)]
    return (
        [item for item in items if isinstance(item, AgentEvent)],
        [item for item in items if isinstance(item, ImportedLabel)],
        [item for item in items if isinstance(item, ImportedResult)],
    )


def read(source: Source, path: Path) -> tuple[list[AgentEvent], list[ImportedLabel], list[ImportedResult]]:
    if not path.is_file():
        pytest.skip("shared data absent")
    assert registry.detect(path) is source
    return split(list(source.read(path, ReadOptions())))


def of(events: list[AgentEvent], kind: EventKind) -> list[AgentEvent]:
    return [event for event in events if event.kind is kind]


def written(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document))
    return path


# --- Langfuse --------------------------------------------------------------------------------------------------------


def test_langfuse_expected_values() -> None:
    rows = table("langfuse-traces", "traces.csv")
    assert len(rows) == 11
    for row in rows:
        (path,) = (DATA / "langfuse-traces").glob(f"{row['trace']}.trace.json*")
        events, labels, results = read(LANGFUSE, path)
        trace = json.loads(plain(path))["trace"]
        name = row["trace"]
        assert {event.session_key for event in events} == {row["session_id"] or trace["id"]}, name
        assert {event.user_id for event in events} == {row["user_id"] or None}, name
        assert {event.trace_id for event in events} == {trace["id"]}, name
        shown = [event for event in events if event.kind is not K.USER_MESSAGE]
        assert len(shown) == int(row["observations"]), name
        # What a span repeats of a call below it is kept aside: both together are all that the file states.
        repeated = [event.properties.get(REPEATED_USAGE, {}) for event in events]
        for field, column in (("input_tokens", "input_tokens"), ("output_tokens", "output_tokens")):
            counted = sum(getattr(event, field) or 0 for event in events)
            assert counted + sum(one.get(field, 0) for one in repeated) == int(row[column]), name
        spent = sum(event.cost_nano or 0 for event in events) / 1e9 + sum(one.get("cost_usd", 0) for one in repeated)
        assert spent == pytest.approx(float(row["total_cost"]), abs=1e-8), name
        assert {model for model in row["models"].split(";") if model} >= {
            event.model for event in of(events, K.AI_RESPONSE)
        }, name
        expected = [score.split("=") for score in row["scores"].split(";") if score]
        assert Counter((one.evaluator, one.value) for one in results) == Counter(
            (score, value.removesuffix("(EVAL)")) for score, value in expected
        ), name
        assert not labels and all(one.rationale and one.at_ms for one in results), name
        assert len({event.insert_id for event in events}) == len(events), name
        assert of(events, K.USER_MESSAGE) and of(events, K.AI_RESPONSE), name
        kinds = Counter(part.split("=")[0] for part in row["types"].split(";"))
        assert bool(of(events, K.TOOL_CALL)) >= ("TOOL" in kinds), name
    assert row["latency_s"]


def test_langfuse_one_call_told_twice_counts_once() -> None:
    events, _, _ = read(LANGFUSE, DATA / "langfuse-traces" / "agno-2025-06-11.trace.json.gz")
    asking, answering = of(events, K.AI_RESPONSE)
    assert (asking.input_tokens, answering.input_tokens) == (163, 663)
    assert (asking.text, asking.properties[TOOL_CALLS][0]["name"]) == (None, "duckduckgo_search")
    assert [event.text for event in of(events, K.USER_MESSAGE)] == ["What is currently trending on Twitter?"]
    (tool,) = of(events, K.TOOL_CALL)
    assert tool.name == "duckduckgo_search"


def test_langfuse_transcripts_and_python_texts() -> None:
    folder = DATA / "langfuse-traces"
    autogen, _, _ = read(LANGFUSE, folder / "autogen-2025-06-06.trace.json")
    asked, answered = of(autogen, K.USER_MESSAGE)[0], of(autogen, K.AI_RESPONSE)[0]
    assert (asked.text, answered.text, asked.tags) == ("Say 'Hello World!'", "Hello World!", ("autogen", "dev"))
    assert answered.parts[Part.SYSTEM_PROMPT].startswith("You are a helpful AI assistant.")
    koog, _, _ = read(LANGFUSE, folder / "koog-2025-08-26.trace.json.gz")
    assert of(koog, K.AI_RESPONSE)[0].text is None
    assert [call["name"] for call in of(koog, K.AI_RESPONSE)[0].properties[TOOL_CALLS]] == ["HelloTool", "ByeTool"]
    graph, _, _ = read(LANGFUSE, folder / "langgraph-python-2025-08-22.trace.json.gz")
    assert [tool.name for tool in of(graph, K.TOOL_CALL)] == ["Web-Search"]
    assert [event.text for event in of(graph, K.USER_MESSAGE)] == ["Search the web for 'example' and summarize."]


def test_langfuse_scores_of_every_kind(tmp_path: Path) -> None:
    scores = [
        {"name": "good", "value": 1, "dataType": "BOOLEAN", "source": "EVAL", "comment": "c"},
        {"name": "topic", "stringValue": "refund", "dataType": "CATEGORICAL", "source": "API"},
        {"name": "stars", "value": 4, "dataType": "NUMERIC", "source": "ANNOTATION", "authorUserId": "ana",
         "comment": "fine", "timestamp": "2026-01-01T00:00:00Z"},
        {"name": "lost"},
    ]  # fmt: skip
    document = {
        "trace": {"id": "t", "sessionId": None, "name": "bot", "scores": scores, "input": '"hi"'},
        "observations": [],
    }
    path = written(tmp_path / "f", document)
    assert registry.detect(path) is LANGFUSE
    items = list(LANGFUSE.read(path, ReadOptions(user="me")))
    assert [(one.criterion, one.value, one.passed) for one in items if isinstance(one, ImportedResult)] == [
        ("good", "True", True), ("topic", "refund", None),
    ]  # fmt: skip
    (label,) = (one for one in items if isinstance(one, ImportedLabel))
    assert (label.criterion, label.value, label.reviewer, label.note, label.at_ms) == (
        "stars", "4", "ana", "fine", 1767225600_000,
    )  # fmt: skip
    (step,) = (one for one in items if isinstance(one, AgentEvent))
    assert (step.kind, step.name, step.session_key, step.user_id) == (K.SPAN, "bot", "t", "me")
    assert sum(isinstance(one, RecordProblem) for one in items) == 1


def test_langfuse_input_that_leaves_out_the_cached_part(tmp_path: Path) -> None:
    usage = {"input": 10, "output": 5, "input_cached_tokens": 85, "total": 100}
    call = {
        "id": "o", "type": "GENERATION", "name": "call", "startTime": "2026-01-01T00:00:00.000Z",
        "endTime": "2026-01-01T00:00:03.000Z", "completionStartTime": "2026-01-01T00:00:01.000Z", "model": "m",
        "usageDetails": usage, "level": "ERROR", "statusMessage": "no",
    }  # fmt: skip
    path = written(tmp_path / "f", {"trace": {"id": "t", "userId": "u"}, "observations": [call, {"type": "SPAN"}]})
    problem, event = LANGFUSE.read(path, ReadOptions())
    assert isinstance(event, AgentEvent) and isinstance(problem, RecordProblem)
    assert (event.input_tokens, event.cache_read_tokens, event.total_tokens) == (95, 85, 100)
    assert (event.latency_ms, event.ttfb_ms, event.is_error, event.parts[Part.ERROR]) == (3000, 1000, True, "no")


# --- LangSmith -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "tokens", "model"),
    [
        ("js_wrap_openai_default", (9, 9), "gpt-4o-mini-2024-07-18"),
        ("js_wrap_openai_reasoning", (43, 1901), "o1-mini-2024-09-12"),
        ("js_wrap_openai_stream", (9, 9), "gpt-4o-mini-2024-07-18"),
        ("js_wrap_openai_stream_no_usage", (None, None), "gpt-4o-mini-2024-07-18"),
        ("py_wrap_openai_", (9, 9), "gpt-4o-mini-2024-07-18"),
        ("py_wrap_openai_reasoning", (43, 2497), "o1-mini-2024-09-12"),
        ("py_wrap_openai_stream", (9, 9), "gpt-4o-mini-2024-07-18"),
        ("py_wrap_openai_stream_no_usage", (None, None), "gpt-4o-mini-2024-07-18"),
    ],
)
def test_langsmith_batches(name: str, tokens: tuple[int | None, int | None], model: str) -> None:
    events, labels, results = read(LANGSMITH, DATA / "langsmith-runs" / f"langsmith_{name}.json")
    asked, answered = events
    assert not labels and not results
    assert (asked.kind, answered.kind) == (K.USER_MESSAGE, K.AI_RESPONSE)
    assert (answered.input_tokens, answered.output_tokens, answered.model, answered.provider) == (
        *tokens,
        model,
        "openai",
    )
    assert asked.text is not None and (asked.text == "howdy" or "reasoning" in name)
    assert answered.text is not None and answered.finish_reason == "stop"
    assert answered.session_key == answered.trace_id == answered.span_id
    assert answered.warnings == () and answered.latency_ms is not None and 400 < answered.latency_ms < 16_000
    assert (answered.ttfb_ms is not None) == ("py_wrap_openai_stream" in name)
    assert bool(answered.reasoning_tokens) == ("reasoning" in name)


def test_langsmith_trees_threads_and_runs_without_an_end(tmp_path: Path) -> None:
    def run(name: str, kind: str, parent: str | None, **more: Any) -> dict[str, Any]:
        known = {"id": name, "trace_id": "root", "run_type": kind, "name": name, "parent_run_id": parent}
        return {**known, "dotted_order": f"20260101T000000000000Z{name}", "start_time": 1767225600000, **more}

    batch = {
        "post": [
            run(
                "root", "chain", None, inputs={"input": "hi"}, extra={"metadata": {"thread_id": "th", "user_id": "ana"}}
            ),
            run(
                "call",
                "llm",
                "root",
                inputs={"messages": [[{"lc": 1, "id": ["HumanMessage"], "kwargs": {"content": "hi"}}]]},
            ),
            run("tool", "tool", "root", inputs={"input": "x"}, outputs={"output": "y"}, end_time=1767225600500),
        ],
        "patch": [
            {"id": "root", "end_time": 1767225602000, "error": "ValueError: no", "outputs": {}},
            {"inputs": {}, "outputs": None},
        ],
    }
    path = written(tmp_path / "f", batch)
    assert registry.detect(path) is LANGSMITH
    items = list(LANGSMITH.read(path, ReadOptions()))
    assert [item.reason for item in items if isinstance(item, RecordProblem)] == ["a run without an id"]
    events = [item for item in items if isinstance(item, AgentEvent)]
    assert {(event.session_key, event.user_id) for event in events} == {("th", "ana")}
    root, call, tool = (next(e for e in events if e.span_id == name) for name in ("root", "call", "tool"))
    assert (root.is_error, root.parts[Part.ERROR], root.latency_ms) == (True, "ValueError: no", 2000)
    assert call.warnings == ("incomplete",) and call.parent_id == "root"
    assert (tool.parts[Part.INPUT], tool.parts[Part.OUTPUT]) == ("x", "y")
    assert [event.text for event in of(events, K.USER_MESSAGE)] == ["hi"]
    lines = tmp_path / "lines"
    lines.write_text("".join(json.dumps(one) + "\n" for one in batch["post"]))
    assert registry.detect(lines) is LANGSMITH
    exported, _, _ = split(list(LANGSMITH.read(lines, ReadOptions())))
    assert len(exported) == len(events)


# --- Inspect ---------------------------------------------------------------------------------------------------------


def test_inspect_expected_values() -> None:
    rows = table("inspect-logs", "files.csv")
    assert len(rows) == 7
    for row in rows:
        name = row["file"]
        events, labels, results = read(INSPECT, DATA / "inspect-logs" / name)
        assert len({event.session_key for event in events}) == int(row["samples"]), name
        assert len(of(events, K.SESSION_END)) == int(row["samples"]), name
        judged = [
            spent
            for event in of(events, K.SESSION_ENRICHMENT)
            for spent in event.properties["[Agent] Enrichments"]["custom_metadata"].get("judge_usage", {}).values()
        ]
        tokens = sum(event.total_tokens or 0 for event in events) + sum(one["total_tokens"] for one in judged)
        # One file states a token for the whole run and has no model call that could have used it.
        assert tokens == (0 if row["task"] == "..." else int(row["total_tokens"])), name
        letters = {"True": "C", "False": "I"}
        outcomes = [(label.criterion, label.raw) for label in labels]
        outcomes += [(result.criterion, letters[result.value]) for result in results]
        counted = Counter(outcomes)
        assert ";".join(f"{scorer}={raw}:{n}" for (scorer, raw), n in sorted(counted.items())) == row["scores"], name
        assert all(event.provider == row["model"].split("/")[0] for event in of(events, K.AI_RESPONSE)), name
        assert {event.context["status"] for event in events} == {row["status"]}, name
        assert {event.agent_id for event in events} == {row["task"]}, name
        assert len({event.insert_id for event in events}) == len(events), name
        texts = [event.text or "" for event in events] + [text for event in events for text in event.parts.values()]
        assert not any(text.startswith(("attachment://", "tc://")) for text in texts), name


def test_inspect_browsing() -> None:
    name = "2025-05-12T20-27-36-04-00_browser.json.gz"
    events, (label,), _ = read(INSPECT, DATA / "inspect-logs" / name)
    assert Counter(event.kind for event in events) == {
        K.USER_MESSAGE: 1, K.AI_RESPONSE: 5, K.TOOL_CALL: 4, K.SESSION_ENRICHMENT: 1, K.SESSION_END: 1,
    }  # fmt: skip
    answers = {event.span_id: event for event in of(events, K.AI_RESPONSE)}
    tools = of(events, K.TOOL_CALL)
    assert all(answers[tool.parent_id].properties[TOOL_CALLS][0]["name"] == tool.name for tool in tools)
    assert tools[0].latency_ms == pytest.approx(4318, abs=1) and tools[0].parts[Part.INPUT].startswith('{"url"')
    assert sum(event.cache_read_tokens or 0 for event in events) == 9088
    assert sum(event.input_tokens or 0 for event in events) == 15235
    assert (label.value, label.source, label.raw) == ("True", "inspect includes", "C")


def test_inspect_keeps_the_judge_out_of_the_session() -> None:
    name = "2025-05-12T20-28-26-04-00_security-guide.json.gz"
    events, labels, results = read(INSPECT, DATA / "inspect-logs" / name)
    assert not labels and len(results) == 3
    assert sum(event.total_tokens or 0 for event in events) == 78 + 69 + 84
    first = results[0]
    assert (first.passed, first.model, first.input_tokens, first.output_tokens) == (
        True,
        "openai/gpt-4o-mini",
        259,
        292,
    )
    assert first.rationale.startswith("To evaluate the submission") and first.at_ms is not None
    assert first.session_key == "f9WtbTGsrMUNXppXPbR9sq/1/1"
    assert of(events, K.AI_RESPONSE)[0].parts[Part.SYSTEM_PROMPT].startswith("\nYou are a computer security expert")


def test_inspect_tool_errors_and_older_logs() -> None:
    events, _, _ = read(INSPECT, DATA / "inspect-logs" / "log_tool_call_error.json")
    tools = of(events, K.TOOL_CALL)
    assert len(tools) == 11 and all(tool.is_error and tool.warnings == ("no_call",) for tool in tools)
    assert [tool.error_type for tool in tools][:3] == ["parsing", "timeout", "parsing"]
    name = "2024-11-05T13-31-45-05-00_input-task_8zXjbRzCWrL9GXiXo2vus9.json.gz"
    older, _, (result,) = read(INSPECT, DATA / "inspect-logs" / name)
    assert {event.trace_id for event in of(older, K.USER_MESSAGE)} == {f"{result.session_key}#1"}
    assert len(of(older, K.USER_MESSAGE)) == 2 and of(older, K.AI_RESPONSE)[0].latency_ms is None


def sample(**more: Any) -> dict[str, Any]:
    return {
        "id": "a", "epoch": 2, "input": "q", "target": "t",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "function": "f", "arguments": {"x": 1}}]},
            {"role": "tool", "tool_call_id": "c", "function": "f", "content": [{"type": "text", "text": "r"}]},
            {"role": "assistant", "content": [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "a"}]},
        ],
        "output": {"model": "m", "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 35,
                                           "input_tokens_cache_read": 20}},
        **more,
    }  # fmt: skip


LOG = {"version": 2, "status": "success", "eval": {"eval_id": "e", "task": "t", "created": "2026-01-01T00:00:00Z"}}


def test_inspect_without_events_reads_the_messages(tmp_path: Path) -> None:
    scores = {"a": {"value": 0.5}, "b": {"value": {"x": "P", "y": True}}, "c": {"value": "N"}, "d": {"value": None}}
    error = {"message": "broke", "traceback": "Traceback"}
    path = written(tmp_path / "f", {**LOG, "samples": [sample(scores=scores, error=error), {"x": 1}, 5]})
    items = list(INSPECT.read(path, ReadOptions(user="me")))
    assert [item.line for item in items if isinstance(item, RecordProblem)] == [2, 3]
    events = [item for item in items if isinstance(item, AgentEvent)]
    asked, asking, tool, answer, failed = events[:5]
    assert {event.session_key for event in events} == {"e/a/2"} and {event.user_id for event in events} == {"me"}
    assert (asked.text, asking.text, answer.text) == ("q", None, "a")
    assert (tool.name, tool.parts[Part.INPUT], tool.parts[Part.OUTPUT]) == ("f", '{"x":1}', "r")
    assert tool.parent_id == asking.span_id and asking.parts[Part.SYSTEM_PROMPT] == "Be kind."
    assert (answer.parts[Part.REASONING], answer.input_tokens, answer.total_tokens) == ("hm", 30, 35)
    assert (failed.is_error, failed.parts[Part.STACK_TRACE]) == (True, "Traceback")
    labels = [item for item in items if isinstance(item, ImportedLabel)]
    assert [(label.criterion, label.value) for label in labels] == [
        ("a", "0.5"), ("b/x", "P"), ("b/y", "True"), ("c", "False"),
    ]  # fmt: skip


def archive(path: Path, **members: Any) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, value in members.items():
            packed.writestr(name.replace("__", "/") + ".json", value if isinstance(value, str) else json.dumps(value))
    return path


def test_inspect_archives_hold_the_same_as_json(tmp_path: Path) -> None:
    plain_file = written(tmp_path / "f.json", {**LOG, "samples": [sample()]})
    packed = archive(tmp_path / "f.eval", _journal__start={"version": 2}, header=LOG, samples__a_epoch_2=sample())
    assert registry.detect(packed) is INSPECT
    assert list(INSPECT.read(packed, ReadOptions())) == list(INSPECT.read(plain_file, ReadOptions()))
    unfinished = archive(tmp_path / "g.eval", _journal__start=LOG, samples__a_epoch_2=sample(), samples__b_epoch_1="{")
    assert registry.detect(unfinished) is INSPECT
    items = list(INSPECT.read(unfinished, ReadOptions()))
    assert [item.line for item in items if isinstance(item, RecordProblem)] == [2]
    assert any(isinstance(item, AgentEvent) and item.session_key == "e/a/2" for item in items)
    other = archive(tmp_path / "other.zip", notes={"a": 1})
    assert registry.detect(other) is None


def test_damaged_archives_never_raise(tmp_path: Path) -> None:
    dice = random.Random(3)
    original = archive(tmp_path / "f.eval", header=LOG, samples__a_epoch_2=sample()).read_bytes()
    path = tmp_path / "damaged.eval"
    for _ in range(150):
        damaged = bytearray(original[: dice.choice([len(original), len(original), dice.randrange(4, len(original))])])
        for _ in range(dice.choice([1, 3, 20])):
            damaged[dice.randrange(4, len(damaged))] = dice.randrange(256)
        path.write_bytes(bytes(damaged))
        INSPECT.sniff(head_of(path))
        for item in INSPECT.read(path, ReadOptions()):
            assert isinstance(item, AgentEvent | ImportedLabel | ImportedResult | RecordProblem)
