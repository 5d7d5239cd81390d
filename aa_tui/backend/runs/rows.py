"""From verdicts to the rows that are recorded of them: signals, by-products, evaluator results. Stores nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aa_tui.backend.model.evaluator import Answer, OutputType
from aa_tui.backend.model.judgement import Judgement, Quote, ReplyFlag, Verdict
from aa_tui.backend.signals.by_products import BY_PRODUCTS, by_product
from aa_tui.backend.signals.contract import Signal
from aa_tui.backend.support.text import storable

LONGEST_RAW = 200_000
"""Characters of a judge's reply that are kept."""


def answer_text(answer: Answer) -> str:
    """Return an answer as results hold it: `True` and `False`, a label or several parted by commas, a number."""
    if isinstance(answer, tuple):
        return ", ".join(answer)
    return str(answer)


_json = json.JSONEncoder(ensure_ascii=False).encode
"""Made once: `json.dumps` with an option makes an encoder for every call."""


def evidence_text(quotes: Sequence[Quote]) -> str | None:
    """Return quotes as results hold them, JSON; None without any."""
    if not quotes:
        return None
    return storable(
        _json(
            [
                {"quote": one.text, "turn": one.turn, "found": one.found, "role": one.role, "event": one.event_id}
                for one in quotes
            ]
        )
    )


def flags_text(flags: frozenset[ReplyFlag]) -> str | None:
    """Return flags as results hold them; None without any."""
    return " ".join(sorted(flags)) or None


def kept_raw(raw: str) -> str | None:
    """Return a judge's reply as it is kept."""
    return storable(raw[:LONGEST_RAW]) or None


def signal_row(
    signal: Signal, verdict: Verdict, said: Mapping[str, str], model: str, prompt_hash: str, raw: str, at_ms: int
) -> dict[str, Any]:
    """Return the row of one signal's verdict. What the pass cost is written with its work, not with each signal."""
    answer, error = verdict.answer, verdict.error
    passed = None if answer is None else signal.definition.decide(answer)
    labels = signal.labels(verdict, said)
    return {
        "signal": signal.id,
        "value": None if answer is None else storable(answer_text(answer)),
        "passed": None if passed is None else int(passed),
        "rationale": storable(verdict.rationale) or None,
        "evidence": evidence_text(verdict.quotes),
        "method": "llm",
        "signal_version": signal.version,
        "model": model or None,
        "latency_ms": None,
        "tokens": None,
        "cost_nano": None,
        "error": None if error is None else storable(verdict.detail) or str(error),
        "error_kind": None if error is None else str(error),
        "labels": storable(_json(labels)) if labels else None,
        "extras": signal.further(verdict, said),
        "flags": flags_text(verdict.flags),
        "prompt_hash": prompt_hash or None,
        "raw_reply": None if error is None else kept_raw(raw),
        "evaluated_ms": at_ms,
    }


def products_of(said: Mapping[str, str]) -> dict[str, str]:
    """Return the usable by-products of a pass as they are stored, by name."""
    found = {}
    for name in BY_PRODUCTS:
        value = by_product(name, said.get(name, ""))
        if value is not None:
            found[name] = storable(value)
    return found


def by_product_rows(products: Mapping[str, str], model: str, prompt_hash: str, at_ms: int) -> list[dict[str, Any]]:
    """Return a row for each by-product of a pass; they are values and no verdicts."""
    return [
        {**_NOTHING, "signal": name, "value": value, "model": model or None, "prompt_hash": prompt_hash or None,
         "evaluated_ms": at_ms}
        for name, value in products.items()
    ]  # fmt: skip


_NOTHING: Mapping[str, Any] = {
    **dict.fromkeys(
        (
            "passed", "rationale", "evidence", "latency_ms", "tokens", "cost_nano", "error", "error_kind", "labels",
            "extras", "flags", "raw_reply",
        )
    ),
    "method": "llm",
    "signal_version": 1,
}  # fmt: skip


def result_row(
    evaluator: int, name: str, version: int, output: OutputType, judgement: Judgement, at_ms: int
) -> dict[str, Any]:
    """Return the row of an evaluator's verdict or error on one session."""
    verdict, spent = judgement.verdict, judgement.spent
    answer, error = verdict.answer, verdict.error
    score = float(answer) if output is OutputType.SCORE and isinstance(answer, int | float) else None
    return {
        "name": name,
        "evaluator_id": evaluator,
        "evaluator_version": version,
        "value": None if answer is None else storable(answer_text(answer)),
        "passed": None if judgement.passed is None else int(judgement.passed),
        "score": score,
        "rationale": storable(_reason(verdict)) or None,
        "evidence": evidence_text(verdict.quotes),
        "prompt_hash": judgement.prompt_hash or None,
        "prompt": storable(judgement.prompt) or None,
        "raw_reply": kept_raw(judgement.raw_reply),
        "model": judgement.model or None,
        "parameters": judgement.parameters or None,
        "method": judgement.method,
        "source": "ai",
        "latency_ms": spent.latency_ms,
        "input_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
        "cost_nano": spent.cost_nano,
        "error_kind": None if error is None else str(error),
        "error": None if error is None else storable(verdict.detail) or str(error),
        "flags": flags_text(verdict.flags),
        "labels": storable(_json(answer)) if isinstance(answer, tuple) else None,
        "evaluated_ms": at_ms,
    }


def _reason(verdict: Verdict) -> str:
    if not verdict.improvement:
        return verdict.rationale
    better = f"To improve: {verdict.improvement}"
    return f"{verdict.rationale}\n{better}" if verdict.rationale else better
