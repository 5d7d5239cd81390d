"""How one step of a session becomes lines of a thread: pure functions from values to pieces. No widget, no I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aa_tui.backend.model.event import EventKind, Part
from aa_tui.backend.query.readmodels import ContentText, StepRow
from aa_tui.backend.support.drawable import drawable
from aa_tui.backend.support.humanize import clock, count, latency, money, tokens
from aa_tui.widgets import glyphs
from aa_tui.widgets.cells import clip, width_of, wrap
from aa_tui.widgets.role_lines import Line

FOLDED_MESSAGE_LINES = 24
FOLDED_TOOL_LINES = 12
OPEN_LINES = 4_000
"""A block never lays out more lines than this; the pager shows the rest."""
_INDENT = 4
_ARGUMENT_CELLS = 400


@dataclass(frozen=True, slots=True)
class ThreadContext:
    """What every step of a thread is drawn with."""

    user: str | None
    zone: str
    root_agent: str
    width: int
    needle: str = ""
    """Searched text; its occurrences are marked."""


def _depth_bar(step: StepRow) -> str:
    """Delegated work is set apart by one bar per level, at most three."""
    levels = min(_agent_depth(step), 3)
    return glyphs.get("thread_bar") * levels + (" " if levels else "")


def _agent_depth(step: StepRow) -> int:
    return 1 if step.parent_agent else 0


def is_tool_line(step: StepRow) -> bool:
    """True for steps that are one line until opened: tools, spans, embeddings, scores, ends."""
    return step.kind not in (EventKind.USER_MESSAGE, EventKind.AI_RESPONSE)


def _stamp(step: StepRow, zone: str) -> str:
    return clock(step.time_ms, zone) if step.time_ms is not None else ""


def _right(left: Line, right: Line, width: int) -> Line:
    """Return one line with `right` at the right edge, clipping the last piece of `left` to make room."""
    room = width - sum(width_of(text) for text, _ in right) - 1
    kept: Line = []
    used = 0
    for text, role in left:
        piece = clip(text, max(room - used, 0))
        if piece:
            kept.append((piece, role))
            used += width_of(piece)
    pad = width - used - sum(width_of(text) for text, _ in right)
    return [*kept, (" " * max(pad, 1), "text"), *right]


def estimate_height(step: StepRow, width: int) -> int:
    """Return how many lines a folded step probably takes, without its text; laying out corrects it."""
    if is_tool_line(step):
        return 1
    body = max(width - _INDENT, 20)
    lines = min(-(-step.text_size // body), FOLDED_MESSAGE_LINES + 1) if step.text_size else 0
    return 1 + lines


def layout(
    step: StepRow, texts: Sequence[ContentText] | None, context: ThreadContext, opened: bool, last_in_group: bool
) -> list[Line]:
    """Return the lines of a step.

    Args:
        texts: its long texts, or None while they are on their way (the head is drawn then).
        opened: whether the person unfolded it.
        last_in_group: whether no further tool line of the same answer follows (draws the corner).
    """
    parts = {text.part: text for text in texts} if texts is not None else None
    if step.kind == EventKind.USER_MESSAGE:
        return _user(step, parts, context, opened)
    if step.kind == EventKind.AI_RESPONSE:
        return _answer(step, parts, context, opened)
    return _tool(step, texts, context, opened, last_in_group)


def _user(step: StepRow, parts: Mapping[str, ContentText] | None, context: ThreadContext, opened: bool) -> list[Line]:
    bar = _depth_bar(step)
    if "machine" in step.marks:
        who: Line = [("note ", "dim"), ("made by the tool itself", "dim")]
        body_role = "dim"
    elif step.from_agent:
        who = [("task ", "agent"), (f"for {drawable(step.agent or 'sub-agent', one_line=True)}", "agent")]
        body_role = "text"
    else:
        who = [("user ", "user"), (drawable(context.user or "", one_line=True), "dim")]
        body_role = "user-text"
    number = f"{step.turn_no:>2} " if step.turn_no and not step.from_agent else "   "
    left: Line = [(number, "turn"), (f" {bar}" if bar else "", "bar"), *who]
    flags = _flags(step)
    right: Line = [*flags, (("  " if flags else "") + _stamp(step, context.zone), "dim")]
    lines = [_right(left, right, context.width)]
    lines += _body(
        _text_of(step, parts, Part.TEXT), step.text_size, context, opened, bar, body_role, FOLDED_MESSAGE_LINES
    )
    return lines


def _facts(step: StepRow, room: int) -> str:
    """Return model, latency, tokens and cost of a call; what says least goes first where room is short."""
    facts = {
        "model": drawable(step.model, one_line=True) if step.model else "",
        "latency": latency(step.latency_ms) if step.latency_ms else "",
        "tokens": f"{tokens(step.total_tokens)} tok" if step.total_tokens else "",
        "cost": ("~" if step.cost_estimated else "") + money(step.cost_nano) if step.cost_nano is not None else "",
    }
    separator = f" {glyphs.get('dot')} "
    line = ""
    for dropped in ((), ("tokens",), ("tokens", "latency")):
        line = "".join(separator + fact for name, fact in facts.items() if fact and name not in dropped)
        if width_of(line) <= room:
            break
    return line


def _answer(step: StepRow, parts: Mapping[str, ContentText] | None, context: ThreadContext, opened: bool) -> list[Line]:
    bar = _depth_bar(step)
    who = drawable(step.agent or "", one_line=True)
    right: Line = [*_flags(step), (" " + _stamp(step, context.zone), "dim")]
    room = context.width - width_of(bar) - 11 - width_of(who) - sum(width_of(text) for text, _ in right)
    left: Line = [
        (" " * _INDENT, "text"),
        (bar, "bar"),
        ("agent ", "agent"),
        (who, "agent"),
        (_facts(step, room), "dim"),
    ]
    lines = [_right(left, right, context.width)]
    reasoning = parts.get(Part.REASONING) if parts else None
    if opened and reasoning and reasoning.text:
        lines += _label("thinking", reasoning.size, context, bar)
        lines += _body(reasoning.text, reasoning.size, context, opened, bar, "dim", FOLDED_MESSAGE_LINES)
    text = _text_of(step, parts, Part.TEXT)
    lines += _body(text, step.text_size, context, opened, bar, "text", FOLDED_MESSAGE_LINES)
    error = parts.get(Part.ERROR) if parts else None
    if step.is_error:
        lines += _body(error.text if error else step.error_type or "error", 0, context, opened, bar, "bad", 6)
    return lines


_KIND_WORDS = {
    EventKind.TOOL_CALL: "tool",
    EventKind.EMBEDDING: "embedding",
    EventKind.SCORE: "score",
    EventKind.FOREIGN: "foreign event",
}


def _tool(
    step: StepRow, texts: Sequence[ContentText] | None, context: ThreadContext, opened: bool, last: bool
) -> list[Line]:
    bar = _depth_bar(step)
    branch = glyphs.get("corner" if last else "tee")
    kind = _KIND_WORDS.get(EventKind(step.kind), "span")
    if step.kind == EventKind.SESSION_END:
        return [[("   ", "text"), (f" {glyphs.get('rule') * 3} session end", "dim")]]
    if step.kind == EventKind.SPAN and step.name == "compaction":
        head = f" {glyphs.get('rule') * 3} context compacted {glyphs.get('rule') * 3} "
        lines: list[Line] = [[("   ", "text"), (head, "dim"), ("o summary" if not opened else "", "dim")]]
    else:
        argument = " ".join(drawable(step.head or "", one_line=True)[:_ARGUMENT_CELLS].split())
        if step.kind == EventKind.SCORE:
            argument = f"{step.score_value:g} {argument}" if step.score_value is not None else argument
        left: Line = [
            ("    ", "text"),
            (bar, "bar"),
            (f"{branch} ", "bar"),
            (f"{kind} ", "dim"),
            (drawable(step.name or "", one_line=True) + " ", "tool"),
            (argument, "dim"),
        ]
        lines = [_right(left, _outcome(step), context.width)]
    if opened:
        lines += unfolded(step, texts, context, bar)
    return lines


def unfolded(step: StepRow, texts: Sequence[ContentText] | None, context: ThreadContext, bar: str = "") -> list[Line]:
    """Return the lines of a step's long texts: input, output, error… each under a label with its size."""
    if texts is None:
        return [[(" " * _INDENT, "text"), (bar, "bar"), ("reading…", "dim")]]
    parts = {text.part: text for text in texts}
    lines: list[Line] = []
    for part, limit in (
        (Part.INPUT, FOLDED_TOOL_LINES * 4),
        (Part.OUTPUT, OPEN_LINES),
        (Part.REASONING, FOLDED_MESSAGE_LINES),
        (Part.ERROR, OPEN_LINES),
        (Part.STACK_TRACE, FOLDED_TOOL_LINES * 4),
        (Part.TEXT, OPEN_LINES),
    ):
        content = parts.get(part)
        if content is None or not content.text:
            continue
        lines += _label(part.replace("_", " "), content.size, context, bar)
        role = "bad" if part == Part.ERROR else "output"
        lines += _body(_pretty(content.text), content.size, context, True, bar, role, limit)
    if not lines:
        lines.append([(" " * _INDENT, "text"), (bar, "bar"), ("nothing more was recorded", "dim")])
    return lines


def _pretty(text: str) -> str:
    """Indent a JSON object or array; anything else stays as it is."""
    stripped = text.lstrip()
    if not stripped.startswith(("{", "[")) or len(text) > 20_000:
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _outcome(step: StepRow) -> Line:
    span = latency(step.latency_ms) if step.latency_ms else ""
    if step.interrupted:
        return [(f"{glyphs.get('warn')} stopped", "warn"), (f"  {span}", "dim")]
    if "no_result" in step.warnings:
        return [(f"{glyphs.get('unknown')} no result", "dim")]
    if step.is_error:
        word = drawable(step.error_type or "error", one_line=True)[:18]
        return [(f"{glyphs.get('fail')} {word}", "bad"), (f"  {span}", "dim")]
    if step.kind == EventKind.TOOL_CALL:
        return [(glyphs.get("pass"), "good"), (f"  {span}", "dim")]
    return [(span, "dim")]


_FLAG_WORDS = {
    "copied": "copied",
    "edited": "edited",
    "regenerated": "asked again",
    "cached": "from cache",
    "attachments": "attachment",
}


def _flags(step: StepRow) -> Line:
    words = [_FLAG_WORDS[mark] for mark in step.marks if mark in _FLAG_WORDS]
    if step.interrupted:
        words.append("interrupted")
    if step.finish_reason in ("length", "max_tokens"):
        words.append("cut at the limit")
    if step.finish_reason == "content_filter":
        words.append("filtered")
    return [(f" {glyphs.get('warn')} {', '.join(words)}", "warn")] if words else []


def _text_of(step: StepRow, parts: Mapping[str, ContentText] | None, part: str) -> str:
    if parts is None:
        return step.head or ""
    content = parts.get(part)
    return content.text if content else ""


def _label(word: str, size: int, context: ThreadContext, bar: str) -> list[Line]:
    return [[(" " * _INDENT, "text"), (bar, "bar"), (f"  {word} {glyphs.get('dot')} {count(size)} characters", "dim")]]


def _body(text: str, size: int, context: ThreadContext, opened: bool, bar: str, role: str, fold: int) -> list[Line]:
    """Wrap and fold a text; the last line says how much is hidden."""
    if not text.strip():
        return []
    limit = OPEN_LINES if opened else fold
    width = max(context.width - _INDENT - width_of(bar) - 1, 8)
    # Only what can be shown is made drawable: a megabyte folded to 24 lines costs 24 lines.
    body = text.strip("\n")
    taken = body[: (limit + 2) * width * 2]
    shown = drawable(taken)
    lines: list[Line] = []
    cut = False
    for raw in shown.split("\n"):
        for row in wrap(raw.expandtabs(4).rstrip(), width):
            if len(lines) >= limit:
                cut = True
                break
            lines.append([(" " * _INDENT, "text"), (bar, "bar"), *_marked(row, role, context.needle)])
        if cut:
            break
    hidden = max(size - len(text), 0) + len(body) - len(taken)
    if cut or hidden > 0:
        total = max(size, len(text))
        more = f"… {count(total)} characters in all {glyphs.get('dot')} {'p pager' if opened else 'o open'}"
        lines.append([(" " * _INDENT, "text"), (bar, "bar"), (more, "dim")])
    return lines


def _marked(row: str, role: str, needle: str) -> Line:
    """Split a row where the searched text occurs."""
    if not needle:
        return [(row, role)]
    folded, key = row.casefold(), needle.casefold()
    if key not in folded or len(folded) != len(row):
        return [(row, role)]
    pieces: Line = []
    at = 0
    while (found := folded.find(key, at)) >= 0:
        if found > at:
            pieces.append((row[at:found], role))
        pieces.append((row[found : found + len(key)], "hit"))
        at = found + len(key)
    if at < len(row):
        pieces.append((row[at:], role))
    return pieces
