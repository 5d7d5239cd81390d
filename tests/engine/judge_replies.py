"""The shared corpus of judge replies as the tests use it: entries, specs, transcripts."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.judging.reply import ReplySpec
from aa_tui.backend.model.evaluator import OutputType, Scale
from aa_tui.backend.model.transcript import Passage

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
FOLDER = SHARED / "judge_replies"


@lru_cache
def entries() -> tuple[dict[str, Any], ...]:
    """Return the corpus' entries; none where the shared data is absent."""
    if not FOLDER.exists():
        return ()
    lines = (FOLDER / "replies.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line) for line in lines if line)


def _load(name: str) -> dict[str, Any]:
    if not FOLDER.exists():
        pytest.skip("shared data absent")
    loaded: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return loaded


@lru_cache
def spec(name: str) -> ReplySpec:
    """Return one of the corpus' output types."""
    said = _load("specs.json")[name]
    return ReplySpec(
        OutputType(said["type"]),
        tuple(said.get("labels", ())),
        Scale(said.get("min", 0), said.get("max", 1), said.get("integer", False)),
        evidence_required=said.get("evidence_required", False),
        evidence_from=tuple(said.get("evidence_from", ())),
    )


@lru_cache
def transcript(name: str) -> tuple[Passage, ...]:
    """Return one of the corpus' transcripts."""
    return tuple(
        Passage(one["turn"], one["role"], one["text"], one.get("name", "")) for one in _load("transcripts.json")[name]
    )


def raw(entry: dict[str, Any]) -> str:
    """Return the reply of an entry as the model sent it."""
    if "raw" in entry:
        return str(entry["raw"])
    made = entry["raw_gen"]
    return str(made["unit"] * made["times"] + made["tail"])
