"""The hostile corpus as data of a project: events that carry an entry's text in every field, imported from a file."""

from __future__ import annotations

import base64
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService, open_workspace
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.clock import FrozenClock

CORPUS = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "hostile_text" / "corpus.jsonl"
NOW_MS = 1_790_000_000_000
DEEP = "deep-session"
"""Key of the session that has one turn per entry."""
PROJECT = "\x1b[2Jhostile [bold]project[/] \u202e"
FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\u061c\ufeff\u2060]"
)
"""What no drawn line may hold; a line has no line breaks and no tabs either."""
_LONGEST = 3_000
"""Texts of generated size are cut to this where there are many at once."""

Entry = dict[str, Any]


@cache
def entries() -> tuple[Entry, ...]:
    """The corpus, or nothing where it is absent."""
    if not CORPUS.exists():
        return ()
    return tuple(json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines())


def whole(entry: Entry) -> str:
    """Return the text of an entry, generated where it is big."""
    gen = entry.get("gen")
    return str(gen["head"] + gen["unit"] * gen["times"] + gen["tail"] if gen else entry["text"])


def cut(entry: Entry) -> str:
    """Return the text of an entry, at most some thousand characters of it."""
    gen = entry.get("gen")
    if gen is None:
        return str(entry["text"])
    head = gen["head"] + gen["unit"] * min(gen["times"], _LONGEST // len(gen["unit"]) + 1)
    return str(head)[:_LONGEST]


def file_bytes(entry: Entry) -> bytes | None:
    """Return the bytes of an entry that is about a file."""
    return base64.b64decode(entry["bytes_b64"]) if entry.get("bytes_b64") else None


def _event(kind: str, key: str, text: str, at: int, turn: int, **properties: Any) -> dict[str, Any]:
    common = {"[Agent] Session ID": key, "[Agent] Trace ID": f"{text}-{turn}", "[Agent] Agent ID": text}
    return {
        "event_type": f"[Agent] {kind}",
        "user_id": text,
        "time": at,
        "insert_id": f"{key}-{turn}-{kind}-{at}",
        "event_properties": {**common, "[Agent] Turn ID": turn, **properties},
    }


def _turn(key: str, text: str, at: int, turn: int, body: str) -> list[dict[str, Any]]:
    """Return the events of a turn: `body` is what was said and answered, `text` stands everywhere else."""
    context = json.dumps({text: text, "title": text, "env": text, "customer_org": text})
    said = {"$llm_message": {"text": body}}
    # What stands in a name is short in life; a megabyte is tried in the texts.
    name = text[:400]
    return [
        _event("User Message", key, name, at, turn, **said, **{"[Agent] Context": context, "[Agent] Tags": [name]}),
        _event(
            "Tool Call", key, name, at + 1000, turn,
            **{
                "[Agent] Tool Name": name, "[Agent] Tool Input": text, "[Agent] Tool Output": json.dumps({text: body}),
                "[Agent] Is Error": True, "[Agent] Tool Success": False, "[Agent] Error Type": name,
                "[Agent] Error Message": text, "[Agent] Latency Ms": 12,
            },
        ),
        _event(
            "AI Response", key, name, at + 2000, turn, **said,
            **{
                "[Agent] Model Name": name, "[Agent] Provider": name, "[Agent] Reasoning Content": text,
                "[Agent] Is Error": turn % 2 == 0, "[Agent] Error Type": name, "[Agent] Error Message": text,
                "[Agent] Stack Trace": text, "[Agent] Input Tokens": 5, "[Agent] Output Tokens": 7,
                "[Agent] Finish Reason": name, "[Agent] Latency Ms": 900,
            },
        ),
        _event("Span", key, name, at + 2500, turn, **{"[Agent] Span Name": name, "[Agent] Input State": text}),
        _event("Score", key, name, at + 3000, turn, **{
            "[Agent] Score Name": name, "[Agent] Score Value": 0.5, "[Agent] Comment": text,
            "[Agent] Evaluation Source": name,
        }),
    ]  # fmt: skip


def _end(key: str, text: str, at: int, turn: int) -> dict[str, Any]:
    topics = {"topic_classifications": {text: {"result": "l1_category", "l1": text, "primary": text, "topic": text}}}
    return _event(
        "Session End", key, text[:400], at, turn,
        **{"[Agent] Enrichments": json.dumps(topics), "[Agent] Close Reason": text[:400]},
    )  # fmt: skip


def events(chosen: tuple[Entry, ...], full: bool = False) -> list[dict[str, Any]]:
    """Return events: a session per entry, with its text in every field, and the deep session with a turn per entry.

    With `full`, texts of generated size stand whole in the messages and tool outputs of the deep session.
    """
    found: list[dict[str, Any]] = []
    for number, entry in enumerate(chosen):
        text, at = cut(entry), NOW_MS - 86_400_000 - number * 60_000
        key = f"{text[:300]}{entry['id']}"
        found += _turn(key, text, at, 1, text)
        found.append(_end(key, text, at + 5_000, 1))
    for number, entry in enumerate(chosen, 1):
        text, body = cut(entry), whole(entry) if full else cut(entry)
        found += _turn(DEEP, text, NOW_MS - 43_200_000 + number * 10_000, number, body)
    found.append(_end(DEEP, "deep", NOW_MS - 43_200_000 + (len(chosen) + 1) * 10_000, len(chosen)))
    return found


def make_store(folder: Path, chosen: tuple[Entry, ...], full: bool = False) -> Workspace:
    """Make a store whose hostile project holds these entries, imported from a file; return a workspace on it."""
    file = folder / "events.jsonl"
    # Pure ASCII, as JSON may be: so lone surrogates and NUL reach the importer as a sender could send them.
    file.write_text("\n".join(json.dumps(event) for event in events(chosen, full)), encoding="ascii")
    store = open_store(f"sqlite:///{folder / 'store.db'}")
    actor, clock = Actor("ada"), FrozenClock(NOW_MS)
    project = ProjectService(store, clock).create(PROJECT, actor, "UTC")
    workspace = open_workspace(store, str(project.id), actor, clock)
    report = workspace.imports.run([file])
    assert report.events >= len(chosen) * 10
    for entry in chosen[::5]:
        workspace.views.add_note(NOW_MS - 86_400_000, cut(entry)[:400])
    for number, entry in enumerate(chosen[::25]):
        workspace.views.save(f"{number} {cut(entry)[:60]}", "sessions?q=x")
    return open_workspace(store, str(project.id), actor, clock)
