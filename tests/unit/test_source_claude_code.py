"""Claude Code transcripts and checkpoint records: expected values of the shared data, and hand-made edge cases."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem, TimeQuality
from aa_tui.backend.sources.checkpoints import ATTACH_ONLY, ENRICHMENTS, AgentCheckpoints
from aa_tui.backend.sources.claude_code import ClaudeCode
from aa_tui.backend.sources.claude_code_records import MESSAGE_SOURCE, TOOL_CALLS
from aa_tui.backend.sources.claude_code_settling import ABANDONED
from aa_tui.backend.sources.claude_code_text import api_record_error, repository_of, tool_error
from aa_tui.backend.sources.claude_code_threads import is_progress
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.reading import head_of
from aa_tui.backend.sources.users import read_user_map, user_for
from aa_tui.backend.support.errors import UsageError

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
SESSION = "11111111-2222-4333-8444-555555555555"
SOURCE = ClaudeCode()


def read(path: Path, options: ReadOptions | None = None) -> list[AgentEvent]:
    return [item for item in SOURCE.read(path, options or ReadOptions()) if isinstance(item, AgentEvent)]


def problems(path: Path) -> list[RecordProblem]:
    return [item for item in SOURCE.read(path, ReadOptions()) if isinstance(item, RecordProblem)]


def of_kind(events: list[AgentEvent], kind: EventKind) -> list[AgentEvent]:
    return [event for event in events if event.kind is kind]


# -- the shared data


def expected(folder: str) -> list[dict[str, str]]:
    table = DATA / folder / "sessions.csv"
    if not table.exists():
        pytest.skip("shared data absent")
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def measured(events: list[AgentEvent]) -> dict[str, int]:
    calls = of_kind(events, EventKind.AI_RESPONSE)
    tools = of_kind(events, EventKind.TOOL_CALL)
    without_call = [event for event in events if "no_call" in event.warnings]
    created = sum(call.cache_creation_tokens or 0 for call in calls)
    cached = sum(call.cache_read_tokens or 0 for call in calls)
    return {
        "user_prompts": len(of_kind(events, EventKind.USER_MESSAGE)),
        "model_calls": len(calls),
        "tool_calls": len(tools),
        "tool_errors": sum(event.is_error for event in tools + without_call),
        "calls_without_result": sum("no_result" in tool.warnings for tool in tools),
        "results_without_call": len(without_call),
        "compactions": sum(event.name == "compaction" for event in events),
        "api_errors": sum(event.name == "api_error" for event in events),
        "sum_per_call_input_tokens": sum(call.input_tokens or 0 for call in calls) - created - cached,
        "sum_per_call_output_tokens": sum(call.output_tokens or 0 for call in calls),
        "sum_per_call_cache_creation_input_tokens": created,
        "sum_per_call_cache_read_input_tokens": cached,
    }


@pytest.mark.parametrize("folder", ["claude-code-team", "claude-code-nested"])
def test_every_row_of_the_expected_values(folder: str) -> None:
    wrong: dict[str, Any] = {}
    read_files = 0
    for row in expected(folder):
        path = DATA / folder / row["file"]
        is_ours = row["format"] == "claude-code-jsonl"
        assert SOURCE.sniff(head_of(path)) is is_ours, row["file"]
        if not is_ours:
            continue
        read_files += 1
        events = read(path)
        found = measured(events)
        differences: dict[str, Any] = {key: (value, row[key]) for key, value in found.items() if value != int(row[key])}
        if {event.session_key for event in events} != {row["session_id"]}:
            differences["session_id"] = ({event.session_key for event in events}, row["session_id"])
        if len({event.insert_id for event in events}) != len(events):
            differences["insert_id"] = "repeated"
        if differences:
            wrong[row["file"]] = differences
    assert not wrong
    assert read_files == {"claude-code-team": 122, "claude-code-nested": 25}[folder]


def test_no_other_shared_file_is_taken_for_claude_code() -> None:
    if not DATA.exists():
        pytest.skip("shared data absent")
    foreign = [
        path
        for folder in sorted(DATA.iterdir())
        if folder.name not in ("claude-code-team", "claude-code-nested", "agent-cli-fixtures")
        for path in sorted(folder.rglob("*"))[:40]
        if path.is_file()
    ]
    assert foreign
    assert [path for path in foreign if SOURCE.sniff(head_of(path)) or AgentCheckpoints().sniff(head_of(path))] == []


@pytest.mark.parametrize("case", ["incremental-simple", "incremental-subagents"])
def test_the_longer_version_of_a_session_gives_the_same_as_it_alone(case: str) -> None:
    folder = DATA / "claude-code-nested" / "codemie" / "claude" / case
    if not folder.exists():
        pytest.skip("shared data absent")

    def both(turn: str) -> dict[str, AgentEvent]:
        files = [folder / f"{turn}.jsonl.gz", *sorted((folder / turn).rglob("*.jsonl.gz"))]
        return {event.insert_id: event for file in files for event in read(file)}

    early, late = both("turn-1"), both("turn-2")
    assert early.keys() < late.keys()
    assert {**early, **late} == late


def test_nested_threads_hang_on_the_call_and_turn_that_launched_them() -> None:
    folder = DATA / "claude-code-nested" / "spotter"
    if not folder.exists():
        pytest.skip("shared data absent")
    session = "fa812bfe-b295-4cca-9c2f-fdf01028cb46"
    parent = read(folder / f"{session}.jsonl.gz")
    tools = {event.span_id: event for event in of_kind(parent, EventKind.TOOL_CALL)}
    explore = read(folder / session / "subagents" / "agent-a93ccab.jsonl.gz")
    launch = tools[explore[0].parent_id]
    assert launch.name == "Task"
    assert explore[0].agent_id == launch.properties["subagent_type"] == "Explore"
    assert explore[0].from_agent
    assert {event.trace_id for event in explore} == {launch.trace_id}
    assert {event.parent_agent_id for event in explore} == {"claude-code"}
    assert {event.session_key for event in explore} == {session}
    assert not any(event.context for event in explore)

    summary = read(folder / session / "subagents" / "agent-acompact-70d8e7.jsonl.gz")
    boundary = next(event for event in parent if event.name == "compaction")
    assert {event.agent_id for event in summary} == {"compaction"}
    assert summary[0].parent_id == boundary.span_id
    assert summary[0].trace_id == boundary.trace_id

    ids = [event.insert_id for event in [*parent, *explore, *summary]]
    assert len(ids) == len(set(ids))


def test_a_nested_thread_without_its_parent_is_a_session_of_its_own_and_says_so() -> None:
    folder = DATA / "claude-code-nested" / "spotter" / "6c2214d7-b87e-4432-8e41-22ba294ea584" / "subagents"
    if not folder.exists():
        pytest.skip("shared data absent")
    events = read(folder / "agent-afc096d.jsonl.gz")
    assert events[0].warnings == ("orphan_thread",)
    assert events[0].context["repository"] == "spotter"
    assert len({event.trace_id for event in events}) == 1


# -- hand-made transcripts


class Transcript:
    """Writes records the way Claude Code does; each record's parent is the one before unless told otherwise."""

    def __init__(self, session: str = SESSION) -> None:
        self.lines: list[str] = []
        self.session = session
        self.last: str | None = None
        self.clock = 0

    def add(self, kind: str, uuid: str, at: int | None = None, **fields: Any) -> str:
        self.clock = self.clock + 1 if at is None else at
        record = {
            "parentUuid": self.last,
            "isSidechain": False,
            "cwd": "/home/ann/src/shop",
            "sessionId": self.session,
            "version": "2.1.0",
            "gitBranch": "main",
            "type": kind,
            "uuid": uuid,
            "timestamp": f"2026-01-05T10:{self.clock // 60:02d}:{self.clock % 60:02d}.000Z",
            **fields,
        }
        self.lines.append(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
        self.last = uuid
        return uuid

    def prompt(self, uuid: str, text: Any, **fields: Any) -> str:
        return self.add("user", uuid, message={"role": "user", "content": text}, **fields)

    def answer(self, uuid: str, message: str, block: dict[str, Any], usage: Any = None, **fields: Any) -> str:
        model = fields.pop("model", "claude-opus-4-5")
        content = {"id": message, "model": model, "role": "assistant", "content": [block], "usage": usage or {}}
        return self.add("assistant", uuid, message=content, **fields)

    def say(self, uuid: str, message: str, text: str, **fields: Any) -> str:
        return self.answer(uuid, message, {"type": "text", "text": text}, **fields)

    def call(self, uuid: str, message: str, tool: str, name: str = "Bash", given: Any = None, **fields: Any) -> str:
        return self.answer(
            uuid, message, {"type": "tool_use", "id": tool, "name": name, "input": given or {}}, **fields
        )

    def result(self, uuid: str, tool: str, output: Any, error: bool = False, **fields: Any) -> str:
        block = {"type": "tool_result", "tool_use_id": tool, "content": output, "is_error": error}
        return self.add("user", uuid, message={"role": "user", "content": [block]}, **fields)

    def write(self, path: Path, last_break: bool = False) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(self.lines) + ("\n" if last_break else ""), encoding="utf-8")
        return path


TOOL = "toolu_01AAAAAAAAAAAAAAAAAAAAAA"
MESSAGE = "msg_01AAAAAAAAAAAAAAAAAAAAAAAA"


def test_one_call_over_several_lines_takes_the_largest_usage_and_the_last_time(tmp_path: Path) -> None:
    t = Transcript()
    t.prompt("p1", "fix the build", at=10)
    early = {"input_tokens": 3, "output_tokens": 1, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 7}
    late = {
        **early,
        "output_tokens": 50,
        "cache_creation": {"ephemeral_1h_input_tokens": 7, "ephemeral_5m_input_tokens": 0},
    }
    t.answer("a1", MESSAGE, {"type": "thinking", "thinking": "hm", "signature": "c2VjcmV0"}, early, at=12)
    t.say("a2", MESSAGE, "Looking.", at=13)
    t.call("a3", MESSAGE, TOOL, given={"command": "make ü"}, usage=late, at=15)
    t.result("r1", TOOL, "Exit code 2\nmake: *** no rule", error=True, at=18)
    prompt, call, tool = read(t.write(tmp_path / f"{SESSION}.jsonl"))
    assert (prompt.trace_id, call.trace_id, tool.trace_id) == ("p1", "p1", "p1")
    assert (call.input_tokens, call.output_tokens, call.total_tokens) == (110, 50, 160)
    assert (call.cache_read_tokens, call.cache_creation_tokens, call.cache_creation_1h_tokens) == (100, 7, 7)
    assert call.latency_ms == 5_000
    assert call.time_ms is not None and prompt.time_ms is not None and call.time_ms - prompt.time_ms == 5_000
    assert call.text == "Looking."
    assert call.parts == {Part.REASONING: "hm"}
    assert call.properties == {TOOL_CALLS: ["Bash"]}
    assert (call.insert_id, tool.insert_id) == (f"cc:msg:{MESSAGE}", f"cc:tool:{TOOL}")
    assert (tool.parent_id, tool.span_id, tool.name) == (MESSAGE, TOOL, "Bash")
    assert tool.parts[Part.INPUT] == '{"command":"make ü"}'
    assert (tool.is_error, tool.error_type, tool.latency_ms) == (True, "exit_code_2", 3_000)
    assert tool.time_ms == prompt.time_ms + 8_000


def test_injected_context_is_no_prompt_and_machine_text_is_told_apart(tmp_path: Path) -> None:
    t = Transcript()
    t.prompt("m1", "Caveat: the messages below…", isMeta=True)
    t.prompt("p1", "<command-name>/clear</command-name>")
    t.prompt("p2", "<command-message>review</command-message>\n<command-name>/review</command-name>")
    t.prompt("p3", [{"type": "text", "text": "see"}, {"type": "image", "source": {"media_type": "image/png"}}])
    events = read(t.write(tmp_path / "x.jsonl"))
    assert [event.span_id for event in events] == ["p1", "p2", "p3"]
    assert [event.properties.get(MESSAGE_SOURCE) for event in events] == ["machine", None, None]
    assert [event.trace_id for event in events] == ["p1", "p2", "p3"]
    assert events[2].properties["[Agent] Attachment Types"] == ["image/png"]


def test_an_interrupt_marks_the_call_it_stopped(tmp_path: Path) -> None:
    t = Transcript()
    t.prompt("p1", "go")
    t.call("a1", MESSAGE, TOOL)
    t.prompt("p2", [{"type": "text", "text": "[Request interrupted by user for tool use]"}])
    prompt, call, tool, interrupt = read(t.write(tmp_path / "x.jsonl"))
    assert [event.interrupted for event in (prompt, call, tool, interrupt)] == [False, True, True, True]
    assert tool.warnings == ("no_result",)
    assert not tool.is_error
    assert tool.latency_ms is None
    assert interrupt.properties[MESSAGE_SOURCE] == "machine"


def test_messages_the_program_made_itself_are_no_model_calls(tmp_path: Path) -> None:
    t = Transcript()
    t.prompt("p1", "go")
    failure = 'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    zeros = {"input_tokens": 0, "output_tokens": 0}
    t.say("a1", "m-1", failure, model="<synthetic>", isApiErrorMessage=True, error="unknown", usage=zeros)
    t.say("a2", "m-2", "No response requested.", model="<synthetic>", usage=zeros)
    _, failed, stand_in = read(t.write(tmp_path / "x.jsonl"))
    assert (failed.model, failed.is_error, failed.error_type) == (None, True, "overloaded_error")
    assert (stand_in.model, stand_in.is_error, stand_in.input_tokens) == (None, False, None)
    assert stand_in.properties[MESSAGE_SOURCE] == "machine"


def test_compaction_and_api_errors_become_steps(tmp_path: Path) -> None:
    t = Transcript()
    t.prompt("p1", "go")
    t.add("system", "e1", subtype="api_error", error={"status": 529, "error": {"error": {"type": "overloaded_error"}}})
    t.add("system", "b1", parentUuid=None, logicalParentUuid="p1", subtype="compact_boundary",
          compactMetadata={"trigger": "auto", "preTokens": 167181})  # fmt: skip
    t.prompt("s1", "This session is being continued…", isCompactSummary=True)
    t.say("a1", MESSAGE, "On it.")
    prompt, error, compaction, answer = read(t.write(tmp_path / "x.jsonl"))
    assert (error.kind, error.name, error.is_error, error.error_type) == (
        EventKind.SPAN, "api_error", True, "overloaded_error",
    )  # fmt: skip
    assert (compaction.name, compaction.insert_id) == ("compaction", f"cc:{SESSION}:b1")
    assert compaction.parts[Part.OUTPUT] == "This session is being continued…"
    assert compaction.properties == {"trigger": "auto", "pre_tokens": 167181}
    assert answer.trace_id == prompt.trace_id == "p1"


def test_a_result_without_its_call_is_kept_as_a_step(tmp_path: Path) -> None:
    t = Transcript()
    t.prompt("p1", "go")
    t.result("r1", TOOL, [{"type": "text", "text": "left over"}, {"type": "image", "source": {}}])
    _, step = read(t.write(tmp_path / "x.jsonl"))
    assert (step.kind, step.name, step.warnings) == (EventKind.SPAN, "tool_result", ("no_call",))
    assert step.parts[Part.OUTPUT] == "left over\n[image]"


@pytest.mark.parametrize("details", ["Error: plain text", ["a", {"b": 1}], {"interrupted": True}, None, 7])
def test_structured_results_of_any_shape_are_read(tmp_path: Path, details: Any) -> None:
    t = Transcript()
    t.prompt("p1", "go")
    t.call("a1", MESSAGE, TOOL)
    t.result("r1", TOOL, "" if isinstance(details, str) else "out", toolUseResult=details)
    tool = read(t.write(tmp_path / "x.jsonl"))[-1]
    assert tool.parts[Part.OUTPUT] == ("Error: plain text" if isinstance(details, str) else "out")
    assert tool.interrupted is isinstance(details, dict)


def test_rewound_prompts_are_kept_and_flagged(tmp_path: Path) -> None:
    t = Transcript()
    t.prompt("p1", "start")
    t.say("a1", MESSAGE, "ok")
    t.prompt("p2", "wrong way")
    t.say("a2", MESSAGE[:-1] + "B", "done wrong")
    t.prompt("p3", "further wrong")
    t.last = "a1"
    t.prompt("p4", "right way")
    t.say("a4", MESSAGE[:-1] + "C", "done right")
    events = read(t.write(tmp_path / "x.jsonl"))
    flagged = {event.span_id for event in events if event.properties.get(ABANDONED)}
    assert flagged == {"p2", MESSAGE[:-1] + "B", "p3"}


def test_a_missing_parent_is_no_rewind(tmp_path: Path) -> None:
    t = Transcript()
    t.prompt("p1", "start")
    t.last = "gone"
    t.prompt("p2", "after a gap")
    assert not any(event.properties.get(ABANDONED) for event in read(t.write(tmp_path / "x.jsonl")))


def test_progress_lines_are_skipped_and_their_place_in_the_tree_is_kept(tmp_path: Path) -> None:
    t = Transcript()
    t.prompt("p1", "start")
    t.say("a1", MESSAGE, "ok")
    t.prompt("p2", "wrong way")
    t.last = "a1"
    t.add("progress", "g1", data={"type": "bash_progress", "fullOutput": "x" * 50})
    t.prompt("p3", "right way")
    assert is_progress(t.lines[3].encode())
    events = read(t.write(tmp_path / "x.jsonl"))
    assert [event.span_id for event in events] == ["p1", MESSAGE, "p2", "p3"]
    assert [bool(event.properties.get(ABANDONED)) for event in events] == [False, False, True, False]


@pytest.mark.parametrize(
    "line",
    [
        '{"sessionId":"s","message":{"content":"x"},"type":"user"}',
        '{"message":{"x":1,"type":"progress"},"type":"user"}',
        '{"tags":[{"a":1,"type":"progress"}],"type":"user"}',
        r'{"text":"say ,\"type\":\"progress\" aloud","type":"user"}',
        r'{"x,\"type":"progress","type":"user"}',
        '{"sessionId":"s","type":"progress","data":{}}{"type":"user"}',
        '{"sessionId":"s","type":"progress","data":{}} {"type":"user"}',
    ],
)
def test_only_sure_progress_lines_are_skipped(line: str) -> None:
    assert not is_progress(line.encode())


def test_glued_objects_both_count_and_a_bad_line_costs_one_record(tmp_path: Path) -> None:
    t = Transcript()
    t.prompt("p1", "one")
    t.add("progress", "g1", data={"type": "hook_progress"})
    t.prompt("p2", "two")
    t.prompt("p3", "three")
    path = tmp_path / "x.jsonl"
    path.write_text(f"{t.lines[0]}\n{t.lines[1]}{t.lines[2]}\n{{broken\n[1]\n{{}}\n{t.lines[3]}", encoding="utf-8")
    assert [event.text for event in read(path)] == ["one", "two", "three"]
    assert [problem.line for problem in problems(path)] == [3, 4, 5]


def test_a_repeated_record_counts_once(tmp_path: Path) -> None:
    t = Transcript()
    t.prompt("p1", "go")
    t.say("a1", MESSAGE, "ok")
    t.lines.append(t.lines[-1])
    events = read(t.write(tmp_path / "x.jsonl"))
    assert [event.text for event in events] == ["go", "ok"]


def test_copied_records_stay_with_the_session_whose_file_is_there(tmp_path: Path) -> None:
    earlier = "99999999-2222-4333-8444-555555555555"
    old = Transcript(earlier)
    old.prompt("00000000-aaaa-4333-8444-555555555555", "first")
    old.say("a1", MESSAGE, "ok")
    resumed = Transcript()
    resumed.lines = list(old.lines)
    resumed.prompt("00000000-bbbb-4333-8444-555555555555", "second")
    path = resumed.write(tmp_path / f"{SESSION}.jsonl")

    assert {event.session_key for event in read(path)} == {SESSION}

    original = read(old.write(tmp_path / f"{earlier}.jsonl"))
    copy = read(path)
    assert [event.session_key for event in copy] == [earlier, earlier, SESSION]
    assert [event.insert_id for event in copy][:2] == [event.insert_id for event in original]
    assert copy[2].context["resume"] == f"claude --resume {SESSION}"


def test_short_ids_are_unique_only_within_their_session(tmp_path: Path) -> None:
    one, two = Transcript("alpha"), Transcript("beta")
    for t in (one, two):
        t.prompt("p1", "go")
        t.call("a1", "msg_1", "call_0")
        t.result("r1", "call_0", "first")
        t.call("a2", "msg_2", "call_0")
        t.result("r2", "call_0", "second")
    events = read(one.write(tmp_path / "one.jsonl")) + read(two.write(tmp_path / "two.jsonl"))
    assert len({event.insert_id for event in events}) == len(events) == 10
    assert [tool.parts[Part.OUTPUT] for tool in of_kind(events, EventKind.TOOL_CALL)] == ["first", "second"] * 2


def test_context_comes_first_and_again_where_it_changes(tmp_path: Path) -> None:
    t = Transcript()
    t.lines.append('{"type":"summary","summary":"Other session","leafUuid":"elsewhere"}')
    t.lines.append('{"type":"summary","summary":"Fix the build","leafUuid":"p2"}')
    t.prompt("p1", "go")
    t.prompt("p2", "on", cwd="/home/ann/src/shop/api")
    t.prompt("p3", "still there", cwd="/home/ann/src/shop/api")
    t.prompt("p4", "elsewhere", cwd="/srv/other", gitBranch="fix")
    t.lines.append('{"type":"pr-link","sessionId":"s","prUrl":"https://example.com/pull/1"}')
    contexts = [event.context for event in read(t.write(tmp_path / f"{SESSION}.jsonl"))]
    assert contexts[0] == {
        "cwd": "/home/ann/src/shop",
        "repository": "shop",
        "branch": "main",
        "version": "2.1.0",
        "resume": f"claude --resume {SESSION}",
        "title": "Fix the build",
        "pull_request": "https://example.com/pull/1",
    }
    assert contexts[1]["repository"] == "shop"
    assert contexts[1]["cwd"].endswith("/api")
    assert contexts[2] == {}
    assert (contexts[3]["repository"], contexts[3]["branch"]) == ("other", "fix")


def test_a_session_id_cannot_smuggle_a_command_into_the_resume_line(tmp_path: Path) -> None:
    t = Transcript("x; rm -rf ~")
    t.prompt("p1", "go")
    assert read(t.write(tmp_path / "f.jsonl"))[0].context["resume"] == "claude --resume 'x; rm -rf ~'"


def test_threads_inside_the_session_file_are_told_apart(tmp_path: Path) -> None:
    t = Transcript()
    t.prompt("p1", "go")
    main = t.call("a1", MESSAGE, TOOL, "Task", {"subagent_type": "reviewer", "prompt": "review it"})
    t.last = None
    t.prompt("n1", "review it", isSidechain=True)
    t.say("n2", MESSAGE[:-1] + "B", "looks fine", isSidechain=True)
    t.last = main
    t.result("r1", TOOL, "looks fine")
    t.say("a2", MESSAGE[:-1] + "C", "done")
    _, _, task, instruction, inner, last = read(t.write(tmp_path / "x.jsonl"))
    assert (instruction.from_agent, instruction.agent_id, instruction.parent_id) == (True, "reviewer", TOOL)
    assert (inner.agent_id, inner.parent_agent_id, inner.trace_id) == ("reviewer", "claude-code", "p1")
    assert (task.agent_id, task.tool_type, last.agent_id) == ("claude-code", "flow", "claude-code")


def test_a_nested_thread_finds_its_call_in_both_layouts_and_while_it_runs(tmp_path: Path) -> None:
    parent = Transcript()
    parent.prompt("p1", "go")
    parent.prompt("p2", "delegate")
    parent.call("a1", MESSAGE, TOOL, "Agent", {"prompt": "look", "subagent_type": "Explore"})
    running = {"type": "agent_progress", "agentId": "abc", "message": {}}
    parent.add("progress", "g1", data=running, parentToolUseID=TOOL)
    parent.prompt("p3", "next")
    parent.write(tmp_path / f"{SESSION}.jsonl")
    nested = Transcript()
    nested.prompt("n1", "look", isSidechain=True, agentId="abc")
    nested.call("n2", MESSAGE[:-1] + "B", TOOL[:-1] + "B", isSidechain=True, agentId="abc")
    for place in (tmp_path / SESSION / "subagents" / "agent-abc.jsonl", tmp_path / "agent-abc.jsonl"):
        first, call, tool = read(nested.write(place))
        assert (first.agent_id, first.parent_id, first.trace_id) == ("Explore", TOOL, "p2")
        assert (call.parent_id, tool.parent_id, tool.trace_id) == (TOOL, call.span_id, "p2")
        assert first.warnings == ()
    first = read(nested.write(tmp_path / "agent-other.jsonl"))[0]
    assert (first.agent_id, first.warnings, first.trace_id) == ("subagent", ("unlinked_thread",), "n1")


def test_times_without_a_zone_or_none_at_all(tmp_path: Path) -> None:
    t = Transcript()
    t.prompt("p1", "go", timestamp="2026-01-05T10:00:00")
    t.prompt("p2", "go", timestamp="soon")
    events = read(t.write(tmp_path / "x.jsonl"))
    assert [event.time_quality for event in events] == [TimeQuality.ZONE_ASSUMED, TimeQuality.ORDER_ONLY]
    assert events[1].time_ms is None
    assert events[0].seq < events[1].seq


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KEYS = [
    "type", "uuid", "parentUuid", "sessionId", "timestamp", "cwd", "gitBranch", "version", "isSidechain", "agentId",
    "isMeta", "isCompactSummary", "toolUseResult", "subtype", "error", "compactMetadata", "summary", "leafUuid",
    "content", "id", "model", "usage", "name", "input", "tool_use_id", "is_error", "text", "thinking",
]  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 7), st.sampled_from(KEYS), JSON), min_size=1, max_size=6))
def test_no_shape_of_any_field_stops_the_import(tmp_path: Path, changes: list[tuple[int, str, Any]]) -> None:
    t = Transcript()
    t.prompt("p1", "go")
    t.call("a1", MESSAGE, TOOL, "Task", {"prompt": "x"})
    t.result("r1", TOOL, "out", toolUseResult={"agentId": "abc"})
    t.say("a2", MESSAGE[:-1] + "B", "ok")
    t.add("system", "b1", subtype="compact_boundary", compactMetadata={})
    t.prompt("s1", [{"type": "text", "text": "summary"}], isCompactSummary=True)
    t.add("system", "e1", subtype="api_error", error={})
    t.prompt("p2", "end")
    for at, key, value in changes:
        record = json.loads(t.lines[at])
        message = record.get("message", {})
        for place in (record, message, *(message.get("content") if isinstance(message.get("content"), list) else ())):
            if isinstance(place, dict) and key in place:
                place[key] = value
                if isinstance(message, dict):
                    break
        t.lines[at] = json.dumps(record)
    path = t.write(tmp_path / "x.jsonl")
    items = list(SOURCE.read(path, ReadOptions()))
    assert len(items) >= 1
    SOURCE.sniff(head_of(path))


@given(st.binary(max_size=300))
def test_sniffing_never_raises(content: bytes) -> None:
    head = Head(Path("x"), content)
    SOURCE.sniff(head)
    AgentCheckpoints().sniff(head)


@pytest.mark.parametrize(
    ("cwd", "name"),
    [
        ("/home/ann/src/shop", "shop"),
        ("/home/ann/src/shop/.worktrees/2", "shop"),
        ("/home/ann/src/shop/.worktrees/ann/fix-7", "shop"),
        ("/home/ann/src/shop/.claude/worktrees/x", "shop"),
        ("/home/ann/src/shop/.claude", ".claude"),
        ("/home/ann/src/shop-worktrees/shop-a0y", "shop"),
        ("/home/ann/worktrees/shop", "shop"),
        ("C:\\Users\\ann\\src\\shop", "shop"),
        ("/home/ann", None),
        ("/Users/ann", None),
        ("/", None),
    ],
)
def test_repository_names(cwd: str, name: str | None) -> None:
    assert repository_of(cwd) == name


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("Exit code 127\nsh: x: not found", "exit_code_127"),
        ("<tool_use_error>File does not exist.</tool_use_error>", "not_found"),
        ("<tool_use_error>InputValidationError: x</tool_use_error>", "InputValidationError"),
        ("<tool_use_error>odd</tool_use_error>", "tool_use_error"),
        ("The user doesn't want to proceed with this tool use.", "rejected_by_user"),
        ("Error: ENOENT: no such file", "ENOENT"),
        ("Command timed out after 2m", "timeout"),
        ("", "tool_error"),
    ],
)
def test_kinds_of_tool_errors(output: str, kind: str) -> None:
    assert tool_error(output)[0] == kind


def test_kinds_of_api_errors() -> None:
    assert api_record_error({})[0] == "api_error"
    assert api_record_error({"status": 503})[0] == "http_503"
    assert api_record_error({"cause": {"code": "ECONNRESET", "message": "reset"}}) == ("ECONNRESET", "reset")


# -- whose sessions


def test_users_by_session_then_longest_folder_then_the_option(tmp_path: Path) -> None:
    t = Transcript()
    t.prompt("p1", "go")
    path = t.write(tmp_path / "deep" / f"{SESSION}.jsonl")
    folders = {str(tmp_path): "far", "/home/ann/src/": "ann"}
    assert read(path, ReadOptions(users={**folders, f"2026-01-05-{SESSION}": "bea"}))[0].user_id == "bea"
    assert read(path, ReadOptions(users={"/home/ann": "x", "/home/ann/src": "ann"}, user="me"))[0].user_id == "ann"
    assert read(path, ReadOptions(users={str(tmp_path): "far"}))[0].user_id == "far"
    assert read(path, ReadOptions(users={"/home/an": "x"}, user="me"))[0].user_id == "me"
    assert read(path)[0].user_id is None
    assert user_for(ReadOptions(users={SESSION: "ann"}), f"2026-01-05-{SESSION}", ()) == "ann"


def test_user_maps_in_every_shape(tmp_path: Path) -> None:
    checkpoint = {"checkpoint_id": "c", "session_id": f"2026-01-05-{SESSION}", "user": "u01"}
    shapes = {
        "map.json": json.dumps({SESSION: "u01", "/srv": "ops", "blank": " "}),
        "map.csv": f"session_or_folder,user\n2026-01-05-{SESSION},u01\n/srv,ops\n",
        "map.jsonl": "\n".join([json.dumps(checkpoint), "broken", json.dumps({**checkpoint, "session_id": "/srv",
                               "user": "ops"})]),
        "one.jsonl": json.dumps(checkpoint),
    }  # fmt: skip
    for name, text in shapes.items():
        plain, packed = tmp_path / name, tmp_path / f"{name}.gz"
        plain.write_text(text, encoding="utf-8")
        packed.write_bytes(gzip.compress(text.encode()))
        wanted = {SESSION: "u01"} if name == "one.jsonl" else {SESSION: "u01", "/srv": "ops"}
        assert read_user_map(plain) == read_user_map(packed) == wanted
    (tmp_path / "empty").write_text("")
    for bad in (tmp_path / "empty", tmp_path / "absent"):
        with pytest.raises(UsageError):
            read_user_map(bad)


def test_checkpoints_of_the_team() -> None:
    path = DATA / "claude-code-team" / "checkpoints.jsonl.gz"
    if not path.exists():
        pytest.skip("shared data absent")
    assert AgentCheckpoints().sniff(head_of(path))
    assert not SOURCE.sniff(head_of(path))
    events = [item for item in AgentCheckpoints().read(path, ReadOptions()) if isinstance(item, AgentEvent)]
    assert len(events) == 210
    # Three commits were amended: their later record is the newer state of the same checkpoint.
    assert len({event.insert_id for event in events}) == 207
    assert {event.kind for event in events} == {EventKind.SESSION_ENRICHMENT}
    assert all(event.properties[ATTACH_ONLY] and len(event.session_key or "") == 36 for event in events)
    assert events[0].time_ms == 1767622688586  # 2026-01-05T15:18:08.586+01:00
    told = [event.properties[ENRICHMENTS]["custom_metadata"] for event in events]
    assert sum("intent" in item for item in told) == 13
    assert sum("agent_percentage" in item for item in told) >= 106
    assert told[0]["files_touched"] == 4

    users = read_user_map(path)
    rows = [row for row in expected("claude-code-team") if row["user"]]
    assert {row["session_id"]: row["user"] for row in rows} == {
        row["session_id"]: users[row["session_id"]] for row in rows
    }
    assert Counter(event.user_id for event in events)[None] == 4, "recorded with a blank user"
    assert {event.user_id for event in events} - {None} == set(users.values())


def test_a_checkpoint_without_a_session_costs_one_record(tmp_path: Path) -> None:
    path = tmp_path / "checkpoints.jsonl"
    path.write_text(
        '{"checkpoint_id":"a","session_id":"s","created_at":"2026-01-05T15:00:00+11:00"}\n{"checkpoint_id":"b"}\n7'
    )
    event, *bad = AgentCheckpoints().read(path, ReadOptions(user="me"))
    assert isinstance(event, AgentEvent)
    assert (event.insert_id, event.user_id, event.time_ms) == ("ckpt:a:s", "me", 1767585600000)
    assert [problem.line for problem in bad if isinstance(problem, RecordProblem)] == [2, 3]
