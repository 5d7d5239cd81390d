"""What comes of judging one session: a value with flags, or an error kind, never both. Values only.

The contract is that of decision 12: an error is never a verdict, and whatever the model wrote is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aa_tui.backend.model.evaluator import Answer


class ReplyFlag(StrEnum):
    """What a reader of a verdict should know of it."""

    REPAIRED = "repaired"
    NO_RATIONALE = "no_rationale"
    NO_EVIDENCE = "no_evidence"
    EVIDENCE_UNVERIFIED = "evidence_unverified"
    EVIDENCE_MISPLACED = "evidence_misplaced"
    EVIDENCE_SELF_REPORT = "evidence_self_report"
    HIT_LENGTH = "hit_length"
    SHORTENED = "shortened"
    """The transcript was shortened to fit the model."""
    REASKED = "reasked"
    """The first reply could not be read; this is the second one's."""


class ErrorKind(StrEnum):
    """Why there is no verdict."""

    # the reply
    TOO_LARGE = "too_large"
    REFUSAL = "refusal"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    NOT_OBJECT = "not_object"
    NO_JSON = "no_json"
    INVALID_JSON = "invalid_json"
    AMBIGUOUS = "ambiguous"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    NOT_FINITE = "not_finite"
    BAD_LABEL = "bad_label"
    OUT_OF_RANGE = "out_of_range"
    # the call
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    """The server failed (5xx), or closed the connection."""
    CONNECTION = "connection"
    """No connection: refused, no such host, no route."""
    AUTH = "auth"
    QUOTA = "quota"
    UNKNOWN_MODEL = "unknown_model"
    BAD_REQUEST = "bad_request"
    BAD_RESPONSE = "bad_response"
    """What the server sent is no answer of its kind: no JSON, no choices."""
    NO_KEY = "no_key"
    # around it
    NO_TEXT = "no_text"
    NO_MODEL = "no_model"
    TOO_LONG = "too_long"
    """It does not fit the model even when shortened."""
    BUDGET = "budget"
    BLOCKED = "blocked"
    """The lane is blocked after errors that will not go away."""
    PATTERN = "pattern"
    """A code evaluator's pattern took too long."""
    NO_MATCH = "no_match"
    """No keyword was found, and there is no default label."""
    CANCELLED = "cancelled"


REASK = frozenset(
    {
        ErrorKind.NO_JSON,
        ErrorKind.INVALID_JSON,
        ErrorKind.MISSING_FIELD,
        ErrorKind.WRONG_TYPE,
        ErrorKind.BAD_LABEL,
        ErrorKind.OUT_OF_RANGE,
        ErrorKind.NOT_FINITE,
        ErrorKind.NOT_OBJECT,
        ErrorKind.AMBIGUOUS,
        ErrorKind.EMPTY,
    }
)
"""Kinds after which one repair call may ask for the object alone."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A piece of evidence and what code found of it."""

    text: str
    turn: int | None = None
    """The passage the judge named, 1-based."""
    found: int | None = None
    """The passage it stands in; None when it stands nowhere."""
    role: str = ""
    """Who said it there."""
    event_id: int = 0

    @property
    def verified(self) -> bool:
        """Whether it stands in the transcript, word for word."""
        return self.found is not None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reply said, read by the contract: exactly one of `answer` and `error` is set."""

    answer: Answer | None = None
    error: ErrorKind | None = None
    rationale: str = ""
    quotes: tuple[Quote, ...] = ()
    flags: frozenset[ReplyFlag] = frozenset()
    improvement: str = ""
    detail: str = ""
    """What was wrong, in words, for the error; never a secret."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What calls cost. None is unknown, never zero."""

    calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_nano: int | None = None
    latency_ms: float | None = None
    """From the first attempt's start to the last reply, waits included."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One evaluator's verdict on one session with all that it rests on."""

    verdict: Verdict
    passed: bool | None
    """By the pass criteria; None when informational or when there is no verdict."""
    method: str
    model: str = ""
    provider: str = ""
    parameters: str = ""
    """JSON."""
    prompt: str = ""
    """The prompt as sent, all messages."""
    prompt_hash: str = ""
    raw_reply: str = ""
    spent: Spent = Spent()
