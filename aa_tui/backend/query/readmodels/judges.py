"""What people see of models and the roads to them: the judge, providers, where keys come from. Never a key itself."""

from __future__ import annotations

from dataclasses import dataclass

from aa_tui.backend.model.evaluator import ModelChoice
from aa_tui.backend.model.scoring import ModelUse


@dataclass(frozen=True, slots=True)
class KeyState:
    """Whether there is a key, and where it comes from."""

    source: str = ""
    """`environment OPENAI_API_KEY`, `keyring`, `file …`; empty: there is none."""
    masked: str = ""
    """`sk-…` and its last characters, as much as may be shown."""
    needed: bool = True

    @property
    def missing(self) -> bool:
        """Whether calls will fail for want of a key."""
        return self.needed and not self.source


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """One provider of the registry."""

    id: str
    title: str
    how: str
    """`direct`, `litellm` or `command`."""
    base_url: str
    """Its own address; empty where it has none or none is fixed."""
    local: bool
    key: KeyState
    variables: tuple[str, ...]
    """Environment variables that may hold its key."""
    note: str
    """What a person should know before choosing it."""


@dataclass(frozen=True, slots=True)
class JudgeView:
    """The model that judges for a project, and what is known of it."""

    choice: ModelChoice | None
    """None: no model is chosen."""
    origin: str
    """`project`, `settings` (this machine's) or empty."""
    use: ModelUse
    provider_title: str
    address: str
    """Base URL, or the program of a provider that is a command."""
    local: bool
    key: KeyState
    priced: bool
    """Whether a price of the model is known. A local server is free."""
    problem: str | None
    """Why it cannot be used now, in words."""
