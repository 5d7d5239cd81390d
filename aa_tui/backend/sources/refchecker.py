"""RefChecker claims: model answers split into claims that people labelled. Only this format is known here.

Every answer is a session of one message. Two labels sum its claims up: the share that the source supports, and the
worst label of any claim; the claims themselves go into the session's enrichment and the label's note.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind, ImportedLabel, RecordProblem, SourceItem, TimeQuality
from aa_tui.backend.sources import reading
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.shapes import Shape, misfits
from aa_tui.backend.sources.users import user_for
from aa_tui.backend.sources.values import block_text, encoded, items, mapping, stem, text

SHARE_CRITERION = "supported_claims"
"""Share of an answer's claims that the given context supports, 0 to 1."""
WORST_CRITERION = "worst_claim"
LABEL_SOURCE = "RefChecker annotation"
_WORST_FIRST = ("Contradiction", "Neutral", "Entailment")
_SUPPORTED = "Entailment"
_CLAIMS = "claude2_response_kg"

_SHAPE: Shape = {"response": (str, list), _CLAIMS: [{"triplet": list, "human_label": str}]}


class RefCheckerSource:
    """Human annotations of the RefChecker benchmark."""

    name = "refchecker"
    title = "RefChecker claims"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        shape = reading.outline(head)
        return shape.opening == "[" and {"id", "response", _CLAIMS} <= shape.keys

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        seq = 0
        for item in reading.iter_json_members(path, (), options.on_bytes):
            if isinstance(item, RecordProblem):
                yield item
                continue
            answer = mapping(item[2])
            own = answer.get("id")
            if item[0] is not None or isinstance(own, bool) or not isinstance(own, str | int):
                yield RecordProblem(item[1] + 1, "an answer without an id", field="id")
                continue
            yield from misfits(item[1] + 1, answer, _SHAPE)
            for found in _answer(path, str(own), answer, seq, options):
                seq = found.seq if isinstance(found, AgentEvent) else seq
                yield found


def _answer(path: Path, own: str, answer: dict[str, Any], seq: int, options: ReadOptions) -> Iterator[SourceItem]:
    file = stem(path)
    key = f"{file}/{own}"
    model = _model(file)
    claims = [
        (" | ".join(encoded(piece) or "" for piece in items(claim.get("triplet"))), text(claim.get("human_label")))
        for claim in map(mapping, items(answer.get(_CLAIMS)))
    ]
    counts = Counter(label for _, label in claims if label is not None)
    kinds = (EventKind.AI_RESPONSE, EventKind.SESSION_ENRICHMENT, EventKind.SESSION_END)
    for number, kind in enumerate(kinds, start=1):
        event = AgentEvent(
            kind=kind,
            insert_id=f"refchecker:{key}:{number}",
            session_key=key,
            user_id=user_for(options, key, (str(path),)),
            time_quality=TimeQuality.ORDER_ONLY,
            seq=seq + number,
            trace_id=f"{key}#1",
            agent_id=model,
            span_id=f"{key}:{number}",
            context={"prompt": own},
        )
        if kind is EventKind.AI_RESPONSE:
            event.text = block_text(answer.get("response"))
            event.model = model
        elif kind is EventKind.SESSION_ENRICHMENT:
            told = [{"claim": claim, "label": label} for claim, label in claims]
            event.properties["[Agent] Enrichments"] = {
                "schema_version": "2.0",
                "custom_metadata": {"claims": told, "claim_labels": dict(counts)},
            }
        yield event
    yield from _labels(key, claims, counts)


def _labels(key: str, claims: list[tuple[str, str | None]], counts: Counter[str]) -> Iterator[ImportedLabel]:
    total = counts.total()
    if not total:
        return
    supported = counts[_SUPPORTED]
    share = supported / total
    yield ImportedLabel(
        key,
        SHARE_CRITERION,
        f"{share:.6g}",
        LABEL_SOURCE,
        raw=f"{supported}/{total}",
        note=f"{supported} of {total} claims",
        kind="score",
    )
    worst = next((label for label in _WORST_FIRST if counts[label]), None)
    if worst is None:
        return
    bad = "\n".join(f"{label}: {claim}" for claim, label in claims if label != _SUPPORTED)
    yield ImportedLabel(key, WORST_CRITERION, worst, LABEL_SOURCE, raw=worst, note=bad, kind="classification")


def _model(file: str) -> str:
    """The answering model stands in the file's name only: `dolly_gpt4_answers`."""
    return file.removeprefix("dolly_").removesuffix("_answers") or file


REFCHECKER = RefCheckerSource()
