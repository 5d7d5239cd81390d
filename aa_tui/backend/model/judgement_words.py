"""Flags of verdicts and kinds of errors in words. What they mean is decided where they are found."""

from __future__ import annotations

from collections.abc import Mapping

from aa_tui.backend.model.judgement import ErrorKind, ReplyFlag

FLAG_WORDS: Mapping[ReplyFlag, str] = {
    ReplyFlag.REPAIRED: "the reply's form was repaired",
    ReplyFlag.NO_RATIONALE: "no reason was given",
    ReplyFlag.NO_EVIDENCE: "no evidence was given",
    ReplyFlag.EVIDENCE_UNVERIFIED: "a quote is not in the session",
    ReplyFlag.EVIDENCE_MISPLACED: "a quote stands in another turn than named",
    ReplyFlag.EVIDENCE_SELF_REPORT: "it rests on the agent's own claims alone",
    ReplyFlag.HIT_LENGTH: "the reply reached the token limit",
    ReplyFlag.SHORTENED: "the session was shortened to fit the model",
    ReplyFlag.REASKED: "asked again after an unreadable reply",
}
ERROR_WORDS: Mapping[ErrorKind, str] = {
    ErrorKind.TOO_LARGE: "the reply is too large to be read",
    ErrorKind.REFUSAL: "the model refused to judge",
    ErrorKind.EMPTY: "the reply is empty",
    ErrorKind.TRUNCATED: "the reply was cut off",
    ErrorKind.NOT_OBJECT: "the reply is no object",
    ErrorKind.NO_JSON: "no verdict is in the reply",
    ErrorKind.INVALID_JSON: "the reply cannot be read",
    ErrorKind.AMBIGUOUS: "the reply contradicts itself",
    ErrorKind.MISSING_FIELD: "the verdict is missing in the reply",
    ErrorKind.WRONG_TYPE: "the verdict is of the wrong kind",
    ErrorKind.NOT_FINITE: "the score is no number",
    ErrorKind.BAD_LABEL: "the label is none of the evaluator's",
    ErrorKind.OUT_OF_RANGE: "the score is outside the scale",
    ErrorKind.TIMEOUT: "no answer in time",
    ErrorKind.RATE_LIMITED: "the provider limits calls",
    ErrorKind.UNAVAILABLE: "the provider failed",
    ErrorKind.CONNECTION: "no connection",
    ErrorKind.AUTH: "the key was refused",
    ErrorKind.QUOTA: "the account's quota is used up",
    ErrorKind.UNKNOWN_MODEL: "the provider does not know the model",
    ErrorKind.BAD_REQUEST: "the provider refused the request",
    ErrorKind.BAD_RESPONSE: "the answer is none of a model",
    ErrorKind.NO_KEY: "there is no key",
    ErrorKind.NO_TEXT: "there is no text to judge",
    ErrorKind.NO_MODEL: "no model is chosen",
    ErrorKind.TOO_LONG: "it does not fit the model",
    ErrorKind.BUDGET: "the budget does not reach",
    ErrorKind.BLOCKED: "calls are blocked after errors that will not pass",
    ErrorKind.PATTERN: "a pattern took too long",
    ErrorKind.NO_MATCH: "no pattern matched",
    ErrorKind.CANCELLED: "it was cancelled",
}


def flag_words(flag: str) -> str:
    """Return a stored flag in words; one of a later version as it is."""
    return FLAG_WORDS.get(ReplyFlag(flag), flag) if flag in _FLAGS else flag.replace("_", " ")


def error_words(kind: str) -> str:
    """Return a stored kind of error in words; one of a later version, or of an import, as it is."""
    return ERROR_WORDS.get(ErrorKind(kind), kind) if kind in _KINDS else kind.replace("_", " ")


_KINDS = frozenset(map(str, ErrorKind))
_FLAGS = frozenset(map(str, ReplyFlag))
