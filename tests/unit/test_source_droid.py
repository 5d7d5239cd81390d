"""Factory Droid, stored and streamed: the fixtures of the data."""

from __future__ import annotations

from pathlib import Path

import pytest

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.droid import DROID

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "agent-cli-fixtures" / "droid"


def fixture(name: str) -> list[AgentEvent]:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    items = list(DROID.read(next(DATA.glob(f"{name}.jsonl*")), ReadOptions()))
    assert not [item for item in items if isinstance(item, RecordProblem)]
    return [item for item in items if isinstance(item, AgentEvent)]


def test_stored_sessions() -> None:
    prompt, answer, call = fixture("session_store_small")
    assert prompt.session_key == "droid_s1" and prompt.context["title"] == "Stage0 Droid Small"
    assert answer.finish_reason == "tool_calls" and answer.latency_ms == 1000
    assert (call.name, call.is_error, call.error_type, call.latency_ms) == ("Execute", True, "exit 1", 1000)
    large = fixture("session_store_large")
    assert [event.kind for event in large].count(EventKind.USER_MESSAGE) == 2
    assert {event.trace_id for event in large} == {"droid_large#1", "droid_large#2"}


def test_injected_reminders_are_no_words_of_the_person() -> None:
    for name, said in (("session_store_schema_drift", "Do the thing"), ("stream_json_schema_drift", "List files")):
        prompt = fixture(name)[0]
        assert prompt.text == said and prompt.properties["injected"].startswith("<system-reminder>")


def test_streams_with_texts_or_milliseconds_as_times() -> None:
    prompt, call, answer = fixture("stream_json_small")
    assert (prompt.session_key, call.latency_ms, answer.text) == ("sid_stage0_small", 1000, "Done")
    assert call.properties["exit_code"] == 0 and not call.is_error
    prompt, call, answer, failure = fixture("stream_json_schema_drift")
    assert (prompt.time_ms, call.latency_ms, call.is_error) == (1767812641000, 1000, True)
    assert call.parts[Part.INPUT].startswith('{"command":"ls -la"')
    assert (answer.text, answer.input_tokens, answer.output_tokens, answer.model) == ("Done", 10, 5, "droid-model")
    assert failure.is_error and failure.parts[Part.ERROR].startswith("Authentication failed")
    assert [event.text for event in fixture("stream_json_large") if event.text] == [
        "Step 1",
        "Ok",
        "Captured multiline output.",
    ]


def test_streams_of_other_agents_are_not_claimed() -> None:
    other = b'{"type":"system","subtype":"init","session_id":"x","tools":["Bash"]}\n'
    other += b'{"type":"assistant","session_id":"x","message":{"role":"assistant","content":[]}}\n'
    assert not DROID.sniff(Head(Path("x.jsonl"), other))
