"""A project as the switcher and `projects` show it. See the package for units."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """A project as the switcher and `projects` show it."""

    id: int
    name: str
    api_key: str
    time_zone: str
    sessions: int
    newest_ms: int | None
    settings: dict[str, Any] = field(default_factory=dict)
