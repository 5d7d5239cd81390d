"""What the texts inside Claude Code records mean: blocks, prompts, machine-made text, error kinds. No events here.

Which `user` records are prompts (the definition behind `user_prompts` of the expected values): the content is a string
or has a `text` block, and the record has neither `isMeta` nor `isCompactSummary`. Text that the program wrote itself
(`<command-name>…`, `[Request interrupted by user]`) is a prompt by that definition; `is_machine_text` tells it apart.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from aa_tui.backend.model.event import TimeQuality
from aa_tui.backend.support.clock import parse_iso_ms, to_ms

MACHINE_STARTS = (
    "<command-name>",
    "<local-command-stdout>",
    "<local-command-stderr>",
    "<local-command-caveat>",
    "<bash-input>",
    "<bash-stdout>",
    "<bash-stderr>",
    "<task-notification>",
    "<system-reminder>",
    "[Request interrupted by user",
)
"""Starts of prompt texts that the program wrote, not a person. `<command-message>` is not among them: it is how a
command typed by a person (`/review`) is recorded, and the agent works on it."""
INTERRUPT = "[Request interrupted by user"
_LONGEST_ERROR = 500
_GREATEST_COUNT = 2**53


def is_machine_text(text: str) -> bool:
    """Return True for prompt text that the program wrote itself."""
    return text.lstrip().startswith(MACHINE_STARTS)


def instant(value: Any) -> tuple[int | None, TimeQuality]:
    """Return (epoch milliseconds or None, how good) of a record's `timestamp`; a time before 1970 was never set."""
    if not isinstance(value, str):
        return None, TimeQuality.ORDER_ONLY
    quality = TimeQuality.EXACT
    try:
        found = parse_iso_ms(value)
    except (ValueError, OverflowError):
        quality = TimeQuality.ZONE_ASSUMED
        try:
            found = to_ms(datetime.fromisoformat(value).replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            return None, TimeQuality.ORDER_ONLY
    return (found, quality) if found >= 0 else (None, TimeQuality.ORDER_ONLY)


def count(value: Any) -> int | None:
    """Return a token count, or None for anything that is not one."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _GREATEST_COUNT:
        return value
    return None


def text_or_none(value: Any) -> str | None:
    """Return a non-empty string, or None for anything else."""
    return value if isinstance(value, str) and value else None


def mapping(value: Any) -> dict[str, Any]:
    """Return the object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def blocks_of(content: Any) -> list[dict[str, Any]]:
    """Return a message's content blocks; a string counts as one text block, what is no block is left out."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, list):
        return [block for block in content if isinstance(block, dict)]
    return []


def flat_text(content: Any) -> str:
    """Return a tool result's content as text; images and documents become a short note in brackets."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    pieces = []
    for block in content:
        if isinstance(block, str):
            pieces.append(block)
        elif isinstance(block, dict):
            text = block.get("text")
            pieces.append(text if isinstance(text, str) else _note(block))
    return "\n".join(pieces)


def _note(block: dict[str, Any]) -> str:
    source = mapping(block.get("source"))
    kind = text_or_none(block.get("type")) or "block"
    detail = text_or_none(source.get("media_type")) or text_or_none(block.get("tool_name"))
    return f"[{kind}: {detail}]" if detail else f"[{kind}]"


def attachment_types(blocks: list[dict[str, Any]]) -> list[str]:
    """Return the media types of a prompt's images and documents; the bytes are not kept."""
    return [
        text_or_none(mapping(block.get("source")).get("media_type")) or str(block["type"])
        for block in blocks
        if block.get("type") in ("image", "document")
    ]


_TOOL_USE_ERROR = re.compile(r"\s*<tool_use_error>(.*?)(?:</tool_use_error>|\Z)", re.DOTALL)
_EXIT_CODE = re.compile(r"\s*(?:Error: )?Exit code (-?\d{1,6})")
_CLASS = re.compile(r"\s*(?:Error: )?([A-Z]\w{0,60}(?:Error|Exception))\b")
_SYSTEM_CODE = re.compile(r"\s*(?:Error: )?(E[A-Z]{3,14}): ")
_TOOL_ERRORS: tuple[tuple[str, str], ...] = (
    (r"The user doesn't want to (?:proceed|take this action)", "rejected_by_user"),
    (r"\[Request interrupted", "interrupted"),
    (r"Permission to use|Claude requested permissions|Permission for this", "permission_denied"),
    (r"Sibling tool call errored|Cancelled: parallel tool call", "sibling_error"),
    (r"File does not exist|Path does not exist|Directory does not exist", "not_found"),
    (r"String to replace not found", "string_not_found"),
    (r"Found \d+ matches of the string", "ambiguous_match"),
    (r"File has not been read yet", "file_not_read"),
    (r"File has been (?:modified|unexpectedly modified)", "file_changed"),
    (r"No changes to make", "no_changes"),
    (r"Unknown skill|Skill ", "unknown_skill"),
    (r"No such tool available", "unknown_tool"),
    (r"Agent type '", "unknown_agent"),
    (r"File content \(.{1,40}\) exceeds maximum", "too_large"),
    (r"(?:PreToolUse|PostToolUse|Pre-commit)\b", "blocked_by_hook"),
)
_KNOWN_TOOL_ERRORS = re.compile("|".join(f"(?P<e{i}>{pattern})" for i, (pattern, _) in enumerate(_TOOL_ERRORS)))
_TIMED_OUT = re.compile(r"\btimed out\b", re.IGNORECASE)


def tool_error(output: str) -> tuple[str, str]:
    """Return (kind of error, short message) of a failed tool call's output."""
    start = output[:4000]
    inner = _TOOL_USE_ERROR.match(start)
    message = (inner.group(1) if inner else start).strip()
    short = message[:_LONGEST_ERROR]
    known = _KNOWN_TOOL_ERRORS.match(message.removeprefix("Error: "))
    if known is not None and known.lastgroup is not None:
        return _TOOL_ERRORS[int(known.lastgroup[1:])][1], short
    if _TIMED_OUT.search(message[:300]):
        return "timeout", short
    exit_code = _EXIT_CODE.match(message)
    if exit_code is not None:
        return f"exit_code_{exit_code.group(1)}", short
    for pattern in (_CLASS, _SYSTEM_CODE):
        match = pattern.match(message)
        if match is not None:
            return match.group(1), short
    return ("tool_use_error" if inner else "tool_error"), short


_INNER_TYPE = re.compile(r'"type"\s*:\s*"([a-z_]{1,60}_error)"')
_STATUS = re.compile(r"API Error: (\d{3})\b")


def api_message_error(text: str, stated: Any) -> str:
    """Return the kind of failure behind an API error message that the program shows as an answer."""
    match = _INNER_TYPE.search(text)
    if match is not None:
        return match.group(1)
    if isinstance(stated, str) and stated and stated != "unknown":
        return stated
    status = _STATUS.search(text)
    return f"http_{status.group(1)}" if status else "api_error"


def api_record_error(error: Any) -> tuple[str, str]:
    """Return (kind, message) of an `api_error` record's error object, which may be empty."""
    outer = mapping(error)
    kind: str | None = None
    message: str | None = None
    level = outer
    for _ in range(4):
        stated = text_or_none(level.get("type"))
        if stated is not None and stated != "error":
            kind = stated
        message = text_or_none(level.get("message")) or message
        level = mapping(level.get("error"))
        if not level:
            break
    cause = mapping(outer.get("cause"))
    kind = kind or text_or_none(cause.get("code")) or text_or_none(outer.get("code"))
    message = message or text_or_none(cause.get("message"))
    if kind is None and count(outer.get("status")) is not None:
        kind = f"http_{outer['status']}"
    return kind or "api_error", message or ""


_WORKTREE_FOLDERS = (".worktrees", "worktrees", ".claude", ".git", ".trees")
_WORKTREE_SUFFIXES = ("-worktrees", ".worktrees", "_worktrees")
_HOMES = ("home", "Users")


def repository_of(cwd: str) -> str | None:
    """Return the repository's name guessed from a working directory: its last part, worktree folders stripped.

    None where the folder says nothing: the root, a home folder.
    """
    windows = "\\" in cwd or cwd[1:2] == ":"
    parts = list((PureWindowsPath(cwd) if windows else PurePosixPath(cwd)).parts)
    if (parts and parts[0] in ("/", "\\")) or (windows and parts and parts[0].endswith("\\")):
        parts = parts[1:]
    if not parts or (len(parts) <= 2 and parts[0] in _HOMES) or parts == ["root"]:
        return None
    for at in range(3 if parts[0] in _HOMES else 1, len(parts)):
        if parts[at] in _WORKTREE_FOLDERS and (parts[at] not in (".claude", ".git") or "worktrees" in parts[at + 1 :]):
            return parts[at - 1]
    if len(parts) >= 2:
        for suffix in _WORKTREE_SUFFIXES:
            if parts[-2].endswith(suffix) and len(parts[-2]) > len(suffix):
                return parts[-2].removesuffix(suffix)
    return parts[-1]


def is_inside(folder: str, other: str) -> bool:
    """Return True when one of two folders holds the other, or they are the same."""
    here, there = folder.rstrip("/\\"), other.rstrip("/\\")
    shorter, longer = sorted((here, there), key=len)
    return longer == shorter or longer.startswith((shorter + "/", shorter + "\\"))
