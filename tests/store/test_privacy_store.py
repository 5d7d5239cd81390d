"""What a project withholds or redacts never reaches the store, by import, writer or receiver, whatever carries it."""

from __future__ import annotations

import json
import tempfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aa_tui.backend.ingest import privacy
from aa_tui.backend.ingest.privacy import rules_of
from aa_tui.backend.ingest.writer import Incoming, Writer
from aa_tui.backend.model.event import AgentEvent, EventKind, Part
from aa_tui.backend.service.projects import ProjectService
from aa_tui.backend.service.receiving import Receiving
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.store import contents
from aa_tui.backend.store.sqlite import SqliteStore
from aa_tui.backend.support.cancel import CancelToken
from tests.builders import NOW_MS, workspace

SECRET = "zqsecret sam@forget.example"
AGENT_KINDS = [kind for kind in EventKind if kind not in (EventKind.PRODUCT, EventKind.IDENTIFY)]
NAMES = st.sampled_from(
    [
        "[Agent] Comment",
        "[Agent] Tool Calls",
        "[Agent] Enrichments",
        "[Agent] Attachments",
        "$llm_message",
        "note",
        "x.y",
    ]
)
VALUES = st.sampled_from(
    [SECRET, {"text": SECRET}, [SECRET, 1], [{"arguments": SECRET, "name": "f"}], {"rubrics": [{"rationale": SECRET}]}]
)
EVENTS = st.builds(
    AgentEvent,
    st.sampled_from(AGENT_KINDS),
    st.uuids().map(str),
    session_key=st.sampled_from(["a", "b"]),
    user_id=st.just("u"),
    time_ms=st.integers(NOW_MS - 10**6, NOW_MS),
    text=st.sampled_from([None, SECRET, f"{SECRET} more"]),
    is_error=st.booleans(),
    parts=st.dictionaries(st.sampled_from([Part.INPUT, Part.OUTPUT, Part.ERROR, Part.SYSTEM_PROMPT]), st.just(SECRET)),
    context=st.sampled_from([{}, {"title": SECRET, "plan": "pro"}]),
    properties=st.dictionaries(NAMES, VALUES, max_size=4),
)


def everything_held(store: SqliteStore) -> bytes:
    """All bytes of a store, with what is compressed in it opened."""
    files = [store.path, *(store.path.with_name(store.path.name + end) for end in ("-wal", "-shm"))]
    found = b"".join(path.read_bytes() for path in files if path.exists())
    with store.reader() as reader:
        for (body,) in reader.fetch("SELECT body FROM inbox"):
            found += zlib.decompress(body)
        for (session,) in reader.fetch("SELECT DISTINCT session_id FROM content"):
            found += "".join(text for _, _, text, _ in contents.read(reader, 1, session)).encode()
    return found


def rules(ws: Workspace, key: str, value: Any) -> None:
    ws.project = ProjectService(ws.store, ws.clock).set_setting(ws.project, key, value, ws.actor)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EVENTS, min_size=1, max_size=8), st.sampled_from(["metadata_only", "redact"]))
def test_no_byte_of_what_is_withheld_is_stored(events: list[AgentEvent], mode: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ws = workspace(Path(folder))
        held = rules_of({"redact": ["email"]} if mode == "redact" else {"content_mode": mode})
        kept = [Incoming(privacy.apply(event, held), "test", 1) for event in events]
        Writer(ws.store, 1, ws.clock).write(kept)
        store = ws.store
        assert isinstance(store, SqliteStore)
        found = everything_held(store)
        assert b"forget.example" not in found
        assert mode == "redact" or b"zqsecret" not in found
        ws.store.close()


def span(**attributes: str) -> dict[str, Any]:
    return {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": "b7ad6b7169203331",
        "name": "chat m",
        "startTimeUnixNano": str((NOW_MS - 5000) * 10**6),
        "endTimeUnixNano": str((NOW_MS - 1000) * 10**6),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in attributes.items()],
    }


@pytest.mark.parametrize(("key", "value"), [("content_mode", "metadata_only"), ("redact", True)])
def test_what_is_received_waits_without_it_too(tmp_path: Path, key: str, value: Any) -> None:
    ws = workspace(tmp_path)
    rules(ws, key, value)
    receiving = Receiving(ws.store, ws.clock)
    project = receiving.project_of("test")
    assert project is not None
    messages = json.dumps([{"role": "user", "content": SECRET}])
    model = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.conversation.id": "otel-1"}
    document = {"resourceSpans": [{"scopeSpans": [{"spans": [span(**model, **{"gen_ai.input.messages": messages})]}]}]}
    assert receiving.traces(project, json.dumps(document).encode(), "json").status == 200
    sent = {
        "api_key": "test",
        "events": [
            {
                "event_type": "[Agent] User Message",
                "user_id": "u",
                "time": NOW_MS - 3000,
                "insert_id": "i",
                "event_properties": {"[Agent] Session ID": "amp-1", "$llm_message": {"text": SECRET}},
            }
        ],
    }
    assert receiving.amplitude(json.dumps(sent).encode()).status == 200
    store = ws.store
    assert isinstance(store, SqliteStore)
    for _ in range(2):
        found = everything_held(store)
        assert b"forget.example" not in found
        assert key == "redact" or b"zqsecret" not in found
        receiving.drain(CancelToken(), 100)
    with store.reader() as reader:
        rows = reader.fetch("SELECT key, user_messages, has_text, content_mode FROM session ORDER BY key")
    mode = "metadata_only" if key == "content_mode" else None
    assert rows == [("amp-1", 1, int(mode is None), mode), ("otel-1", 1, int(mode is None), mode)]
    receiving.close()
    ws.store.close()
