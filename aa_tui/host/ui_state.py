"""What the app remembers between runs: last places, theme, typed history. The file may be lost without harm."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from aa_tui.backend.support.paths import state_dir

_VERSION = 1
_KEEP = 100


@dataclass(slots=True)
class UiState:
    """The remembered things."""

    theme: str | None = None
    place: dict[str, str] = field(default_factory=dict)
    """The last address, by project."""
    sections: dict[str, dict[str, str]] = field(default_factory=dict)
    """The last address of each section, by project."""
    filters: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    drafts: dict[str, str] = field(default_factory=dict)
    """What was typed into editors and not saved, by project and what it is about."""


def state_path() -> Path:
    """Return the file's path."""
    return state_dir() / "ui.json"


def load_state() -> tuple[UiState, str | None]:
    """Return what is remembered and, where the file cannot be used, a notice that says so."""
    path = state_path()
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("version") != _VERSION:
            return UiState(), f"{path} is of another version; starting afresh."
        state = UiState(**data)
        if not _sound(state):
            raise ValueError("wrong shape")
    except FileNotFoundError:
        return UiState(), None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return UiState(), f"{path} could not be read; starting afresh."
    return state, None


def _sound(state: UiState) -> bool:
    texts = [*state.place.values(), *state.filters, *state.commands, *state.drafts.values()]
    texts += [address for places in state.sections.values() for address in places.values()]
    return all(isinstance(text, str) for text in texts) and isinstance(state.theme, str | None)


def save_state(state: UiState) -> None:
    """Write the file beside its place and rename it over; failing to is no reason to fail."""
    state.filters, state.commands = state.filters[-_KEEP:], state.commands[-_KEEP:]
    state.drafts = dict(list(state.drafts.items())[-_KEEP:])
    path = state_path()
    beside = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"version": _VERSION, **asdict(state)}, file)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
