"""What a judge is shown of a session, as lines of JSON: masked, nothing hidden, nothing raw. Decides no length.

Whatever came from outside stands inside of a JSON string. The names of the fields and roles are ours, so nothing in a
text can begin another turn; line breaks are escapes there, so nothing can begin another line.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any

from aa_tui.backend.judging.masking import mask_secrets, may_hold_secrets
from aa_tui.backend.model.transcript import Passage, Transcript
from aa_tui.backend.support.drawable import drawable
from aa_tui.backend.support.shortening import middle_out

ROLES = ("user", "assistant", "tool", "agent", "system")
LONGEST_NAME = 200
"""Characters of an agent's or tool's name, and of a name in the context."""
LONGEST_VALUE = 1_000
"""Characters of a value of the context."""
MOST_NAMED = 200
"""Tools, context values and attachments that are listed."""


def shown(text: str, most: int | None = None) -> str:
    """Return a text as it stands in the data: its middle left out beyond `most`, masked, hidden characters marked.

    It is what a quote is looked for in, and what the same text looks like on screen.
    """
    if not text:
        return ""
    if most is not None and len(text) > most:
        text = middle_out(text, most)
    return drawable(mask_secrets(text))


def shown_name(name: str) -> str:
    """Return a name as it stands in the data."""
    return shown(name, LONGEST_NAME)


def is_shown(passages: Sequence[Passage]) -> bool:
    """Return whether all texts and names are `shown` as they stand; told by one look at all of them together."""
    said: list[str] = []
    for one in passages:
        said += (one.text, one.name, one.input, one.error)
        if len(one.name) > LONGEST_NAME or one.attachments:
            return False
    together = "\n".join(said)
    return not may_hold_secrets(together) and drawable(together) is together


def passage_shown(one: Passage) -> Passage:
    """Return a passage with its whole texts `shown`."""
    return passage_as(one, shown(one.text), shown(one.input), shown(one.error))


def passage_as(one: Passage, text: str, given: str, error: str) -> Passage:
    """Return a passage with these texts, which are `shown`, in place of its own; the same where nothing differs."""
    name = shown_name(one.name) if one.name else ""
    attachments = tuple(map(shown_name, one.attachments[:MOST_NAMED])) if one.attachments else ()
    if (
        text is one.text
        and given is one.input
        and error is one.error
        and name is one.name
        and attachments == one.attachments
    ):
        return one
    return Passage(one.no, one.role, text, name, given, error, one.event_id, one.turn_no, attachments)


def line_of(one: Passage, agent: str) -> str:
    """Return the line of a passage whose texts are `shown`. `agent` is the session's own, which is not repeated."""
    role = one.role if one.role in ROLES else "system"
    said = [f'{{"turn":{one.no},"role":"{role}"']
    if one.name and (role == "tool" or one.name != agent):
        said.append(f'"{"name" if role == "tool" else "agent"}":{encode_basestring(one.name)}')
    if role == "tool":
        if one.input:
            said.append(f'"input":{encode_basestring(one.input)}')
        said.append(f'"output":{encode_basestring(one.text)}')
    elif one.text or not one.error:
        said.append(f'"text":{encode_basestring(one.text)}')
    if one.error:
        said.append(f'"error":{encode_basestring(one.error)}')
    if one.attachments:
        said.append(f'"attachments":{json.dumps(list(one.attachments), ensure_ascii=False)}')
    return ",".join(said) + "}"


def head_line(transcript: Transcript, hints: Sequence[str] = ()) -> str:
    """Return the first line: the agent, the context, the tools, and what code noticed."""
    said: dict[str, Any] = {"agent": shown_name(transcript.agent)}
    if transcript.context:
        said["context"] = _context(transcript.context)
    if transcript.tools:
        said["tools"] = [shown_name(one) for one in transcript.tools[:MOST_NAMED]]
    if hints:
        said["hints"] = [shown(one, LONGEST_VALUE) for one in hints]
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _context(context: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in list(context)[:MOST_NAMED]:
        value = context[name]
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        found[shown_name(str(name))] = shown(text, LONGEST_VALUE)
    return found


def gap_line(left_out: Sequence[Passage]) -> str:
    """Return the line that stands where passages were left out: how many, which, and how long they were."""
    characters = sum(len(one.text) + len(one.input) + len(one.error) for one in left_out)
    count = f"{len(left_out):,} turn{'s' if len(left_out) > 1 else ''} ({left_out[0].no} to {left_out[-1].no})"
    return f'{{"left_out":"{count}, {characters:,} characters"}}'
