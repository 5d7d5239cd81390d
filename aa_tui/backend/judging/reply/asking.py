"""What is asked of a model besides the question: JSON schemas of structured output, words of the one repair call."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from aa_tui.backend.judging.reply.spec import ReplySpec
from aa_tui.backend.model.evaluator import OutputType, Scale
from aa_tui.backend.model.judgement import Verdict

_MOST_STEPS = 25
"""Whole-number scales of up to so many steps are listed one by one: servers enforce lists, but rarely bounds."""


def reply_schema(spec: ReplySpec) -> dict[str, Any]:
    """Return the JSON schema of one reply, within what strict structured output supports everywhere.

    The rationale comes before the verdict: a model that writes it first has to look before it decides.
    """
    fields: dict[str, Any] = {
        "rationale": {"type": "string", "description": "One or two sentences."},
        spec.key: _verdict(spec),
        "evidence": {
            "type": "array",
            "description": "Quotes copied from the transcript character by character, with the turn they stand in.",
            "items": _closed({"turn": {"type": "integer"}, "quote": {"type": "string"}}),
        },
    }
    if spec.output_type is OutputType.SCORE:
        fields["improvement"] = {"type": "string", "description": "What would have raised the score; may be empty."}
    return _closed(fields)


def batch_schema(specs: Mapping[str, ReplySpec], by_products: Collection[str] = ()) -> dict[str, Any]:
    """Return the JSON schema of one reply to several questions: an object for each id, a text for each by-product."""
    fields: dict[str, Any] = {name: reply_schema(spec) for name, spec in specs.items()}
    return _closed({**fields, **{name: {"type": "string"} for name in by_products}})


def reply_shape(spec: ReplySpec) -> str:
    """Return the asked-for object in one line, as an example a reader or a model understands."""
    shown = {
        "rationale": '"<one or two sentences>"',
        spec.key: _allowed(spec),
        "evidence": '[{"turn": <turn number>, "quote": "<copied from the transcript character by character>"}]',
    }
    return "{" + ", ".join(f'"{name}": {value}' for name, value in shown.items()) + "}"


def repair_request(verdict: Verdict, spec: ReplySpec) -> str:
    """Return what the one repair call says after an unusable reply: the error kind, and the object alone."""
    kind = str(verdict.error) if verdict.error else "no verdict"
    detail = f": {verdict.detail}" if verdict.detail else ""
    return (
        f"Your reply could not be used ({kind}{detail}).\n"
        "Answer again with the JSON object alone: no prose, no code fence, no comments, one object.\n"
        f"{reply_shape(spec)}\n"
        "Do not change your judgement, only its form."
    )


def _closed(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(fields),
        "required": list(fields),
        "additionalProperties": False,
    }


def _steps(scale: Scale) -> list[int]:
    """Every value of a short whole-number scale; empty for others."""
    if not scale.integer or scale.most - scale.least >= _MOST_STEPS:
        return []
    first = int(scale.least) if scale.least == int(scale.least) else int(scale.least // 1 + 1)
    return list(range(first, int(scale.most // 1) + 1))


def _verdict(spec: ReplySpec) -> dict[str, Any]:
    if spec.output_type is OutputType.BINARY:
        return {"type": "boolean"}
    if spec.output_type is OutputType.SCORE:
        if steps := _steps(spec.scale):
            return {"type": "integer", "enum": steps}
        kind = "integer" if spec.scale.integer else "number"
        return {"type": kind, "description": f"From {spec.scale.least:g} to {spec.scale.most:g}, both included."}
    label = {"type": "string", "enum": list(spec.labels)}
    return {"type": "array", "items": label} if spec.multiple else label


def _allowed(spec: ReplySpec) -> str:
    if spec.output_type is OutputType.BINARY:
        return "true or false"
    if spec.output_type is OutputType.SCORE:
        whole = "whole number" if spec.scale.integer else "number"
        return f"<{whole} from {spec.scale.least:g} to {spec.scale.most:g}>"
    listed = ", ".join(json.dumps(label, ensure_ascii=False) for label in spec.labels)
    return f"[<one or more of {listed}>]" if spec.multiple else f"<one of {listed}>"
