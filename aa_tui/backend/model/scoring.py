"""Model scoring as values: whether and where a project lets a model judge, its cap, what that costs. No verdicts here.

Everything a person set lives in the project's settings under the names here; reading them never fails, what makes no
sense counts as not set, which always means "off".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aa_tui.backend.model.evaluator import ModelChoice
from aa_tui.backend.support.money import NANO

JUDGE, MODEL_USE, CONSENT, CAP, SIGNALS = "judge", "model_use", "signals_consent", "signals_cap", "signals"
"""Names in a project's settings: the project's judge, whether models may be used, who agreed to what, the cap of a day,
which signals are on."""
DEFAULT_CAP_NANO = NANO
DEFAULT_CAP_TOKENS = 2_000_000


class ModelUse(StrEnum):
    """Which models a project may use at all, for signals, evaluators and trials alike."""

    ON = "on"
    LOCAL = "local"
    """Only servers of this machine."""
    OFF = "off"


class Purpose(StrEnum):
    """What money and tokens are spent on."""

    SIGNALS = "signals"
    EVALUATORS = "evaluators"
    """Active evaluators on newly closed sessions."""
    BACKFILL = "backfill"
    RUN = "run"
    TRY = "try"
    CHECK = "check"


CAPPED = (Purpose.SIGNALS, Purpose.EVALUATORS)
"""What the cap of a day bounds; the rest has budgets of its own."""


class WorkState(StrEnum):
    """Where a piece of scoring work stands."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    DONE = "done"
    FAILED = "failed"
    NOT_SCORED = "not_scored"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where texts go."""

    provider: str
    address: str
    """Base URL, or the program of a provider that is a command."""
    model: str

    def document(self) -> dict[str, str]:
        """Return it as JSON holds it."""
        return {"provider": self.provider, "address": self.address, "model": self.model}


@dataclass(frozen=True, slots=True)
class Consent:
    """Who let which models read the texts of closed sessions, and since when."""

    by: str
    at_ms: int
    since_ms: int
    """Sessions that closed before are not scored by themselves; a backfill does that."""
    destinations: tuple[Destination, ...]

    def covers(self, destination: Destination) -> bool:
        """Return whether texts may go there."""
        return destination in self.destinations

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "by": self.by,
            "at_ms": self.at_ms,
            "since_ms": self.since_ms,
            "destinations": [one.document() for one in self.destinations],
        }

    @classmethod
    def of(cls, document: Any) -> Consent | None:
        """Return the consent a setting holds, or None."""
        try:
            found = tuple(
                Destination(str(one["provider"]), str(one["address"]), str(one["model"]))
                for one in document["destinations"]
            )
            return cls(str(document["by"]), int(document["at_ms"]), int(document["since_ms"]), found)
        except (KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Cap:
    """The most that signals and active evaluators may spend on one day of the project's zone."""

    nano: int = DEFAULT_CAP_NANO
    tokens: int = DEFAULT_CAP_TOKENS
    """Instead of money where a model's price is unknown. Servers of this machine are free and not capped."""

    def document(self) -> dict[str, int]:
        """Return it as JSON holds it."""
        return {"nano": self.nano, "tokens": self.tokens}

    @classmethod
    def of(cls, document: Any) -> Cap:
        """Return the cap a setting holds; the default for what is missing or no number."""
        given = document if isinstance(document, Mapping) else {}

        def number(name: str, default: int) -> int:
            value = given.get(name)
            return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default

        return cls(number("nano", DEFAULT_CAP_NANO), number("tokens", DEFAULT_CAP_TOKENS))


@dataclass(frozen=True, slots=True)
class ScoringTerms:
    """What a project says of model scoring."""

    choice: ModelChoice | None = None
    """The project's judge."""
    use: ModelUse = ModelUse.ON
    consent: Consent | None = None
    cap: Cap = Cap()
    switched: Mapping[str, bool] = field(default_factory=dict)
    """Signals that a person switched on or off."""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> ScoringTerms:
        """Return the terms that a project's settings mean."""
        judge, use, switched = settings.get(JUDGE), settings.get(MODEL_USE), settings.get(SIGNALS)
        try:
            choice = ModelChoice.of(judge) if isinstance(judge, Mapping) else None
        except (KeyError, TypeError, ValueError):
            choice = None
        if use is not None and use not in tuple(ModelUse):
            use = ModelUse.OFF
        return cls(
            choice,
            ModelUse(use) if use is not None else ModelUse.ON,
            Consent.of(settings.get(CONSENT)),
            Cap.of(settings.get(CAP)),
            {str(name): bool(on) for name, on in switched.items()} if isinstance(switched, Mapping) else {},
        )


@dataclass(frozen=True, slots=True)
class SignalSwitch:
    """A signal as settings list it."""

    id: str
    title: str
    question: str
    version: int
    on: bool
    by_default: bool
    code_only: bool


@dataclass(frozen=True, slots=True)
class Estimate:
    """What judging sessions will take, from texts of this project. Money None: no price is known, or free (`local`)."""

    sessions: int
    """How many would be judged."""
    calls: int
    """Calls if no reply has to be repaired."""
    local: bool
    """A server of this machine: free."""
    sampled: int
    """Sessions looked at."""
    basis: str
    """`history`: what sessions took before; `texts`: prompts built from a sample; `none`: no session has text."""
    tokens_p50: int = 0
    """Of a session, input and output."""
    tokens_p95: int = 0
    price_p50_nano: int | None = None
    price_p95_nano: int | None = None
    low_tokens: int = 0
    high_tokens: int = 0
    low_nano: int | None = None
    """Of all sessions."""
    high_nano: int | None = None


@dataclass(frozen=True, slots=True)
class SpentLine:
    """What one purpose took on one day at one model."""

    day: int
    """Days since 1970-01-01 in the project's zone."""
    purpose: str
    provider: str
    model: str
    local: bool
    calls: int
    input_tokens: int
    output_tokens: int
    cost_nano: int | None
    """Known costs; None where none is known."""
    held_nano: int
    """Set aside for calls under way, or lost with a process that ended."""
    held_tokens: int
    unpriced_calls: int


@dataclass(frozen=True, slots=True)
class ScoringStatus:
    """Where model scoring of a project stands."""

    on: bool
    """Newly closed sessions are scored by a model."""
    why_not: str | None
    """Why not, in words."""
    paused: str | None
    """It is on, but nothing goes on now: why, and how many wait, in words."""
    use: ModelUse
    provider: str
    provider_title: str
    address: str
    model: str
    local: bool
    consent: Consent | None
    cap: Cap
    spent_nano: int
    """Of the cap today, with what is set aside."""
    spent_tokens: int
    """Of the token cap today: at models without a known price."""
    waiting: int
    """Pieces of work that are due or will be."""
    failed: int
    """Pieces of work that failed for good."""
    signals: tuple[SignalSwitch, ...]
    evaluators: int
    """Active ones."""
    leaves: tuple[str, ...]
    """What leaves the machine, in words."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Everything a person sees before they turn model scoring on."""

    choice: ModelChoice
    provider_title: str
    destination: Destination
    local: bool
    leaves: tuple[str, ...]
    cap: Cap
    signals: tuple[SignalSwitch, ...]
    estimate: Estimate
    """Of the closed sessions that are not scored; its p50 and p95 are what each new session takes."""
    waiting: int
    """Of those, how many wait in line and will be scored at once; the others need a backfill."""
    problem: str | None = None
    """Why it cannot be turned on now, in words."""


@dataclass(frozen=True, slots=True)
class ScoringProgress:
    """How far a round or a backfill has come."""

    total: int | None
    """Sessions in all, where that is known."""
    done: int = 0
    failed: int = 0
    not_scored: int = 0
    calls: int = 0
    tokens: int = 0
    cost_nano: int = 0
    unpriced_calls: int = 0
    in_flight: int = 0


@dataclass(frozen=True, slots=True)
class ScoringReport:
    """What a round or a backfill did: pieces of work, a session's signals or one evaluator each."""

    done: int = 0
    failed: int = 0
    not_scored: int = 0
    left: int = 0
    """Still to be done."""
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_nano: int | None = 0
    """None: no price is known."""
    local: bool = False
    stopped: str | None = None
    """Why it ended before all was done, in words."""
    provider_fault: bool = False
    """It ended because the provider cannot be used."""


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One piece of scoring work on a session as it is kept."""

    session_id: int
    revision: int
    evaluator_id: int
    """0: the signals."""
    version: int
    state: WorkState
    reason: str | None
    attempts: int
    model: str | None
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    cost_nano: int | None
    latency_ms: float | None
    topic_summary: str | None
    request_complexity: str | None
    topic: str | None
    versions: tuple[str, ...]
    raw_reply: str | None
    error: str | None
    due_ms: int | None
    evaluated_ms: int | None


@dataclass(frozen=True, slots=True)
class Backfill:
    """What somebody wants scored that is closed already."""

    evaluators: tuple[int, ...] = ()
    """Active evaluators, by id."""
    signals: bool = True
    again: bool = False
    """Also what is scored already."""
    most_nano: int | None = None
    """Budget; None: none was set."""
    most_tokens: int | None = None
