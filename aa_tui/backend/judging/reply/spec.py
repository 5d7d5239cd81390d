"""What a reply must hold to be an answer, and how it is said that it is none. Parsing is `parsing`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from aa_tui.backend.model.evaluator import Definition, OutputType, Scale
from aa_tui.backend.model.judgement import ErrorKind


class NoAnswer(Exception):
    """There is no verdict: `error` says of which kind, `detail` in words what was wrong."""

    def __init__(self, error: ErrorKind, detail: str) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail


@dataclass(frozen=True, slots=True)
class ReplySpec:
    """The part of a definition that a reply is checked against."""

    output_type: OutputType
    labels: tuple[str, ...] = ()
    scale: Scale = Scale()  # noqa: RUF009 (frozen)
    multiple: bool = False
    """Classification: the answer is a list under `labels`."""
    evidence_required: bool = False
    evidence_from: tuple[str, ...] = ()
    """Roles of which at least one must be quoted; otherwise the verdict is flagged as self-report."""

    @property
    def key(self) -> str:
        """The verdict key: `detected`, `label`, `labels` or `score`."""
        if self.output_type is OutputType.CLASSIFICATION:
            return "labels" if self.multiple else "label"
        return "detected" if self.output_type is OutputType.BINARY else "score"


@lru_cache(maxsize=256)
def spec_of(definition: Definition) -> ReplySpec:
    """Return what a reply to a definition is checked against."""
    return ReplySpec(
        output_type=definition.output_type,
        labels=definition.label_names if definition.output_type is OutputType.CLASSIFICATION else (),
        scale=definition.scale,
        multiple=definition.multiple and definition.output_type is OutputType.CLASSIFICATION,
        evidence_required=definition.evidence_required,
        evidence_from=definition.evidence_from,
    )
