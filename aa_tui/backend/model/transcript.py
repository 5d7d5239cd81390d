"""A session as it is judged: its messages and calls in order, as plain values. How it is read is `query`'s business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Passage:
    """One message, tool call or error of a session. Texts are raw: hostile until drawn or encoded."""

    no: int
    """1-based; the "turn" that a judge's quote names."""
    role: str
    """`user`, `assistant`, `tool`, `agent` (a message between agents, not the user's) or `system` (a failed step)."""
    text: str
    """What was said; of a tool call its output."""
    name: str = ""
    """The agent's or the tool's name."""
    input: str = ""
    """A tool call's input."""
    error: str = ""
    """What failed, or empty."""
    event_id: int = 0
    """The stored event, for jumping to it; 0 outside of a store."""
    turn_no: int = 0
    """The session's turn it belongs to."""
    attachments: tuple[str, ...] = ()
    """Names and types of attached things, never their content."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a judge is shown of one session."""

    session_id: int
    session_key: str
    revision: int
    agent: str
    passages: tuple[Passage, ...]
    context: Mapping[str, Any] = field(default_factory=dict)
    """`[Agent] Context`: names and values."""
    tools: tuple[str, ...] = ()
    """Names of the tools that were called or offered."""
    has_text: bool = True
    """False when texts were withheld or none arrived: then nothing can be judged by reading."""
    shortened: bool = False
    """Long tool texts were shortened when it was read."""
