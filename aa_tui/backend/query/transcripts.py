"""Sessions as they are judged: their messages, tool calls and failed steps in order. Builds no prompt, judges nothing.

Sessions are read many at once, in one statement each for what they are and what was said, because a judge is asked
about thousands of short ones. Messages of people and agents are whole; of a tool's long text only its beginning and end
are kept, so that a session with megabytes of output does not become megabytes of memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from aa_tui.backend.model.event import EventKind, Part
from aa_tui.backend.model.text_switches import PLACEHOLDERS
from aa_tui.backend.model.transcript import Passage, Transcript
from aa_tui.backend.query.compile import Scope
from aa_tui.backend.store import contents
from aa_tui.backend.store.engine import Reader, Row
from aa_tui.backend.support.shortening import middle_out

LONGEST_TOOL_TEXT = 20_000
"""Characters kept of a tool call's input, output or error."""
_LONGEST_DEFINITIONS = 2_000_000
_MOST_TOOLS = 200
"""Names of tools that a transcript lists."""
_SESSIONS = 500
"""Sessions in one statement."""
_CHUNK = 50
"""Events whose packed texts are in memory at once."""
_NO_DIMENSIONS = frozenset({"title", "resume"})
"""Names in a context that say nothing of the session: what lists call it, and the command that goes on with it."""
_USER, _AI, _TOOL = int(EventKind.USER_MESSAGE), int(EventKind.AI_RESPONSE), int(EventKind.TOOL_CALL)
_FAILING = (int(EventKind.EMBEDDING), int(EventKind.SPAN))
_KINDS = f"e.kind IN ({_USER}, {_AI}, {_TOOL}) OR (e.is_error=1 AND e.kind IN ({_FAILING[0]}, {_FAILING[1]}))"
_SOURCE, _ATTACHED = '"[Agent] Message Source"', '"[Agent] Attach'
_PARTS = frozenset({Part.TEXT, Part.INPUT, Part.OUTPUT, Part.ERROR, Part.TOOL_DEFINITIONS})


@dataclass(slots=True)
class _Said:
    """What one session holds, while its events arrive."""

    found: list[tuple[int, int, Passage]] = field(default_factory=list)
    """(position, event, its passage without a number)."""
    tools: dict[str, None] = field(default_factory=dict)
    offered: str = ""
    """The definitions read last; most calls of a session carry the same."""
    shortened: bool = False
    has_text: bool = False


def transcripts(
    reader: Reader, scope: Scope, sessions: Sequence[int], longest: int | None = LONGEST_TOOL_TEXT
) -> dict[int, Transcript]:
    """Return the transcripts of those sessions that (still) exist, by id.

    Messages that the agent's own program made are left out, and so is what went on inside of the agents.

    Args:
        reader: a snapshot.
        scope: the project.
        sessions: which.
        longest: characters kept of a tool's text, from its beginning and end; None keeps all, for what code searches.
    """
    found: dict[int, Transcript] = {}
    wanted = iter(dict.fromkeys(sessions))
    while chunk := list(islice(wanted, _SESSIONS)):
        found.update(_read(reader, scope, chunk, longest))
    return found


def _read(
    reader: Reader, scope: Scope, sessions: Sequence[int], longest: int | None
) -> Iterator[tuple[int, Transcript]]:
    listed = ", ".join(str(int(one)) for one in sessions)
    params = {"p": scope.project_id}
    about = reader.fetch(
        f"SELECT id, key, revision, agent, info, has_text FROM session WHERE project_id=:p AND id IN ({listed})", params
    )
    known = {row[0]: _Said() for row in about}
    for rows in reader.stream(
        "SELECT e.session_id, e.position, e.id, e.kind, e.agent_id, e.name, e.from_agent, e.is_error, e.error_type, "
        "e.interrupted, e.turn_no, e.properties, e.head, c.parts, c.body FROM event e LEFT JOIN content c "
        "ON c.project_id=e.project_id AND c.session_id=e.session_id AND c.event_id=e.id "
        f"WHERE e.project_id=:p AND e.session_id IN ({listed}) AND ({_KINDS})",
        params,
        _CHUNK,
    ):
        for row in rows:
            if (said := known.get(row[0])) is not None:
                _take(said, row, longest)
    for id_, key, revision, agent, info, has_text in about:
        said = known[id_]
        said.found.sort(key=lambda one: one[:2])
        passages = tuple(_numbered(passage, no) for no, (_, _, passage) in enumerate(said.found, 1))
        read_text = said.has_text and bool(has_text)
        yield (
            id_,
            Transcript(
                id_, key, revision, agent, passages, _context(info), tuple(islice(said.tools, _MOST_TOOLS)),
                read_text, said.shortened,
            ),
        )  # fmt: skip


def _numbered(one: Passage, no: int) -> Passage:
    return Passage(no, one.role, one.text, one.name, one.input, one.error, one.event_id, one.turn_no, one.attachments)


def _take(said: _Said, row: Row, longest: int | None) -> None:
    """Add what an event says, if it says anything a judge is shown."""
    _, position, id_, kind, agent, name, from_agent, is_error, error_type, interrupted, turn_no = row[:11]
    properties, head, parts, body = row[11:]
    is_machine = False
    attachments: tuple[str, ...] = ()
    if properties is not None and kind in (_USER, _AI) and (_SOURCE in properties or _ATTACHED in properties):
        is_machine, attachments = _properties(properties)
    texts: dict[str, str] = {}
    if parts:
        for part, text, _ in contents.unpack(parts, body, head, _PARTS):
            if text not in PLACEHOLDERS:
                texts[part] = text
    if kind == _AI and (definitions := texts.get(Part.TOOL_DEFINITIONS)) and definitions != said.offered:
        said.offered = definitions
        said.tools |= dict.fromkeys(_tool_names(definitions))
    text, error = texts.get(Part.TEXT, ""), texts.get(Part.ERROR, "")
    if is_error and not error:
        error = error_type or "failed"
    given = ""
    if kind == _TOOL:
        role, name = "tool", name or "unknown"
        said.tools[name] = None
        text, given = texts.get(Part.OUTPUT, ""), texts.get(Part.INPUT, "")
        if interrupted and not error:
            error = "stopped by the user"
        if longest is not None and max(len(text), len(given), len(error)) > longest:
            said.shortened = True
            text, given, error = middle_out(text, longest), middle_out(given, longest), middle_out(error, longest)
    elif kind == _USER:
        if is_machine or not (text or attachments):
            return
        role, name, error = "agent" if from_agent else "user", agent if from_agent else "", ""
    elif kind == _AI and text and text != error:
        if is_machine:
            return
        role, name = "assistant", agent
    elif is_error:
        role, name, text = "system", name or agent, ""
        if longest is not None and len(error) > longest:
            said.shortened, error = True, middle_out(error, longest)
    else:
        return
    said.has_text = said.has_text or (bool(text) and kind in (_USER, _AI))
    passage = Passage(0, role, text, name or "", given, error, id_, turn_no, attachments)
    said.found.append((position, id_, passage))


def _properties(text: str) -> tuple[bool, tuple[str, ...]]:
    """Return whether a message was made by the agent's program, and what is attached to it."""
    try:
        said = json.loads(text)
    except ValueError:
        return False, ()
    if not isinstance(said, dict):
        return False, ()
    return said.get("[Agent] Message Source") == "machine", tuple(_attached(said))


def _attached(said: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line about each attached thing: what is known of its name, type and size."""
    given = _decoded(said.get("[Agent] Attachments"))
    named = 0
    for one in given if isinstance(given, list) else ():
        if isinstance(one, dict):
            known = [one.get(name) for name in ("name", "type", "mime_type")]
            size = one.get("size_bytes")
            words = [str(value) for value in known if value]
            if words or size:
                named += 1
                yield ", ".join([*words, f"{size} bytes"] if size else words)
    if named:
        return
    kinds, count = _decoded(said.get("[Agent] Attachment Types")), said.get("[Agent] Attachment Count")
    if isinstance(kinds, list) and kinds:
        yield from map(str, kinds)
    elif isinstance(count, int) and count > 0:
        yield f"{count} attached"


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def _tool_names(definitions: str) -> Iterable[str]:
    """Yield the names of tools that a model was offered, in the shapes that senders use."""
    if len(definitions) > _LONGEST_DEFINITIONS:
        return
    try:
        listed = json.loads(definitions)
    except (ValueError, RecursionError):
        return
    if isinstance(listed, dict):
        listed = listed.get("tools", [listed])
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            inner = one.get("function")
            name = one.get("name") or (inner.get("name") if isinstance(inner, dict) else None)
            if isinstance(name, str) and name:
                yield name


def _context(info: str | None) -> dict[str, Any]:
    try:
        said = json.loads(info or "{}")
    except ValueError:
        return {}
    context = said.get("context") if isinstance(said, dict) else None
    if not isinstance(context, dict):
        return {}
    return {name: value for name, value in context.items() if name not in _NO_DIMENSIONS}
