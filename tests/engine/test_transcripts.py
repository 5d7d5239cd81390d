"""Sessions as they are judged, read from a store: what is in them, what is left out, how many statements it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.model.event import EventKind
from aa_tui.backend.model.transcript import Transcript
from aa_tui.backend.query.compile import Scope
from aa_tui.backend.query.transcripts import LONGEST_TOOL_TEXT, transcripts
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.store.engine import Params, Reader, Row
from tests import builders
from tests.builders import NOW_MS, Made

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
_USER, _AI, _TOOL, _SPAN = EventKind.USER_MESSAGE, EventKind.AI_RESPONSE, EventKind.TOOL_CALL, EventKind.SPAN


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    workspace = builders.workspace(tmp_path)
    yield workspace
    workspace.store.close()


def _said(ws: Workspace, of: Made, kind: EventKind, position: int, text: str = "", **more: Any) -> int:
    parts = dict(more.pop("parts", {}))
    if text:
        parts["text"] = text
    head = next((one[:200] for one in parts.values() if one), None)
    properties = more.pop("properties", None)
    if properties is not None:
        more["properties"] = json.dumps(properties, separators=(",", ":"))
    return builders.event(ws, of, kind, position, parts=parts, head=head, **more)


def _read(ws: Workspace, *sessions: int, **more: Any) -> dict[int, Transcript]:
    with ws.store.reader() as reader:
        return transcripts(reader, Scope(ws.project.id, "UTC", NOW_MS), sessions, **more)


def test_messages_calls_and_failed_steps_in_order(ws: Workspace) -> None:
    made = builders.session(
        ws, "s-1", agent="bot", text="x", info={"context": {"plan": "pro", "resume": "bot --resume 1"}}
    )
    # Written out of order: positions decide, not ids.
    answer = _said(ws, made, _AI, 3, "Done.", agent_id="bot", turn=1)
    asked = _said(ws, made, _USER, 0, "Refund 4711", turn=1)
    offered = json.dumps([{"name": "refund"}, {"function": {"name": "lookup"}}])
    _said(ws, made, _AI, 1, agent_id="bot", parts={"tool_definitions": offered})
    failed = {"input": '{"id": 4711}', "output": "late"}
    _said(ws, made, _TOOL, 2, name="refund", is_error=1, error_type="Timeout", parts=failed)
    _said(ws, made, _SPAN, 4, name="guardrail", is_error=1, parts={"error": "blocked"})
    _said(ws, made, _SPAN, 5, name="search", is_error=0, parts={"output": "not shown"})
    _said(ws, made, _USER, 6, "from the planner", from_agent=1, agent_id="planner", turn=2)
    _said(ws, made, _USER, 7, "<command-name>clear</command-name>", properties={"[Agent] Message Source": "machine"})
    _said(ws, made, _AI, 8, "overloaded", agent_id="bot", is_error=1, parts={"error": "overloaded"})
    _said(ws, made, EventKind.SCORE, 9, "a comment")
    found = _read(ws, made.id)[made.id]
    assert [(one.no, one.role, one.name, one.text, one.input, one.error) for one in found.passages] == [
        (1, "user", "", "Refund 4711", "", ""),
        (2, "tool", "refund", "late", '{"id": 4711}', "Timeout"),
        (3, "assistant", "bot", "Done.", "", ""),
        (4, "system", "guardrail", "", "", "blocked"),
        (5, "agent", "planner", "from the planner", "", ""),
        (6, "system", "bot", "", "", "overloaded"),
    ]
    assert (found.passages[0].event_id, found.passages[2].event_id) == (asked, answer)
    assert [one.turn_no for one in found.passages] == [1, 1, 1, 1, 2, 1]
    assert found.tools == ("refund", "lookup")
    assert (found.session_key, found.agent, found.revision, found.has_text) == ("s-1", "bot", 1, True)
    assert found.context == {"plan": "pro"}
    assert not found.shortened


def test_a_stopped_call_says_so(ws: Workspace) -> None:
    made = builders.session(ws, "s-1", text="x")
    _said(ws, made, _TOOL, 0, name="bash", interrupted=1, parts={"input": "sleep 100"})
    assert _read(ws, made.id)[made.id].passages[0].error == "stopped by the user"


def test_long_tool_texts_keep_beginning_and_end_and_messages_are_whole(ws: Workspace) -> None:
    made = builders.session(ws, "s-1", text="x")
    output = "".join(f"row {number}\n" for number in range(100_000))
    speech = "word " * 20_000
    _said(ws, made, _USER, 0, speech)
    _said(ws, made, _TOOL, 1, name="sql", parts={"input": "select", "output": output})
    short = _read(ws, made.id)[made.id]
    assert short.shortened
    assert short.passages[0].text == speech
    tool = short.passages[1].text
    assert tool.startswith("row 0\n") and tool.endswith("row 99999\n") and "characters left out" in tool
    assert len(tool) < LONGEST_TOOL_TEXT + 100
    whole = _read(ws, made.id, longest=None)[made.id]
    assert whole.passages[1].text == output and not whole.shortened


def test_attachments_are_named_never_read(ws: Workspace) -> None:
    made = builders.session(ws, "s-1", text="x")
    listed = [{"type": "image", "name": "bill.png", "size_bytes": 9, "data": "SECRETBYTES"}]
    _said(ws, made, _USER, 0, "see this", properties={"[Agent] Attachments": listed})
    _said(ws, made, _USER, 1, "", properties={"[Agent] Has Attachments": True, "[Agent] Attachment Count": 2})
    passages = _read(ws, made.id)[made.id].passages
    assert [one.attachments for one in passages] == [("bill.png, image, 9 bytes",), ("2 attached",)]


def test_sessions_without_text_say_so(ws: Workspace) -> None:
    made = builders.session(ws, "s-1")
    _said(ws, made, _TOOL, 0, name="sql", parts={"output": "rows"})
    withheld = builders.session(ws, "s-2", text="x")
    _said(ws, withheld, _USER, 0, "__REDACTED__")
    found = _read(ws, made.id, withheld.id)
    assert not found[made.id].has_text and not found[withheld.id].has_text
    assert found[withheld.id].passages == ()


def test_damaged_properties_cost_nothing_but_themselves(ws: Workspace) -> None:
    made = builders.session(ws, "s-1", text="x")
    builders.event(ws, made, _USER, 0, parts={"text": "hi"}, head="hi", properties='{"[Agent] Message Source": ')
    _said(ws, made, _AI, 1, "hello", parts={"tool_definitions": "[[[[not json"})
    assert [one.text for one in _read(ws, made.id)[made.id].passages] == ["hi", "hello"]


class _Counting:
    """A reader that counts statements."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.dialect = reader.dialect
        self.statements = 0

    def fetch(self, sql: str, params: Params | None = None) -> list[Row]:
        self.statements += 1
        return self._reader.fetch(sql, params)

    def one(self, sql: str, params: Params | None = None) -> Row | None:
        self.statements += 1
        return self._reader.one(sql, params)

    def stream(self, sql: str, params: Params | None = None, size: int = 2000) -> Iterator[list[Row]]:
        self.statements += 1
        return self._reader.stream(sql, params, size)


def test_fifty_sessions_take_two_statements(ws: Workspace) -> None:
    made = [builders.session(ws, f"s-{number}", text="x") for number in range(50)]
    for one in made:
        _said(ws, one, _USER, 0, f"hello from {one.key}")
        _said(ws, one, _AI, 1, "hi")
    with ws.store.reader() as reader:
        counting = _Counting(reader)
        found = transcripts(counting, Scope(ws.project.id, "UTC", NOW_MS), [one.id for one in made] + [made[0].id, 99])
    assert counting.statements == 2
    assert set(found) == {one.id for one in made}
    assert all(found[one.id].passages[0].text == f"hello from {one.key}" for one in made)


def test_only_sessions_of_the_project_are_read(ws: Workspace) -> None:
    made = builders.session(ws, "s-1", text="x")
    with ws.store.reader() as reader:
        assert transcripts(reader, Scope(ws.project.id + 1, "UTC", NOW_MS), [made.id]) == {}


def test_the_sample_reads_as_conversations(sample: Workspace) -> None:
    with sample.store.reader() as reader:
        ids = [row[0] for row in reader.fetch("SELECT id FROM session ORDER BY id LIMIT 100")]
        found = transcripts(reader, Scope(sample.project.id, "UTC", NOW_MS), ids)
        heads = reader.fetch(
            "SELECT session_id, user_head FROM turn WHERE user_head IS NOT NULL AND project_id=:p",
            {"p": sample.project.id},
        )
    asked: dict[int, set[str]] = {}
    for session, head in heads:
        asked.setdefault(session, set()).add(head)
    assert len(found) == 100
    for id_, one in found.items():
        assert [passage.no for passage in one.passages] == list(range(1, len(one.passages) + 1))
        spoken = {passage.text.strip()[:200] for passage in one.passages if passage.role == "user"}
        assert asked.get(id_, set()) <= spoken


@pytest.mark.parametrize("folder", ["claude-code-nested", "tau-bench", "otel-json-traces", "otlp_wire"])
def test_real_sessions_read_as_conversations(folder: str, tmp_path: Path) -> None:
    if not (SHARED / folder).exists():
        pytest.skip("shared data absent")
    workspace = builders.workspace(tmp_path)
    workspace.imports.run([SHARED / folder])
    with workspace.store.reader() as reader:
        rows = reader.fetch("SELECT id, has_text FROM session WHERE project_id=:p", {"p": workspace.project.id})
        found = transcripts(reader, Scope(workspace.project.id, "UTC", NOW_MS), [row[0] for row in rows])
    workspace.store.close()
    with_text = [found[row[0]] for row in rows if row[1]]
    assert with_text
    for one in with_text:
        assert one.has_text
        assert {passage.role for passage in one.passages} & {"user", "assistant", "agent"}
        spoken = [passage for passage in one.passages if passage.role != "tool"]
        assert all(passage.text or passage.error or passage.attachments for passage in spoken)
