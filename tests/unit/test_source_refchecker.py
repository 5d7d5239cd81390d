"""RefChecker claims against the expected values beside the data."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from aa_tui.backend.model.event import AgentEvent, EventKind, ImportedLabel, RecordProblem
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.reading import head_of
from aa_tui.backend.sources.refchecker import REFCHECKER, SHARE_CRITERION, WORST_CRITERION

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "refchecker-claims"


def test_expected_values_of_the_data() -> None:
    if not DATA.is_dir():
        pytest.skip("shared data absent")
    with (DATA / "files.csv").open() as table:
        rows = list(csv.DictReader(table))
    sessions = set()
    for row in rows:
        path = DATA / row["file"]
        assert REFCHECKER.sniff(head_of(path))
        items = list(REFCHECKER.read(path, ReadOptions()))
        events = [item for item in items if isinstance(item, AgentEvent)]
        labels = [item for item in items if isinstance(item, ImportedLabel)]
        claims: Counter[str] = Counter()
        for event in events:
            if event.kind is EventKind.SESSION_ENRICHMENT:
                claims.update(event.properties["[Agent] Enrichments"]["custom_metadata"]["claim_labels"])
        assert claims == {name: int(row[name]) for name in ("Entailment", "Neutral", "Contradiction")}
        assert claims.total() == int(row["claims"])
        assert len({event.session_key for event in events}) == int(row["responses"])
        shares = [label for label in labels if label.criterion == SHARE_CRITERION]
        assert sum(int(label.raw.split("/")[0]) for label in shares) == int(row["Entailment"])
        assert sum(int(label.raw.split("/")[1]) for label in shares) == int(row["claims"])
        assert {label.kind for label in shares} == {"score"}
        assert len({event.insert_id for event in events}) == len(events)
        assert [event.seq for event in events] == sorted(event.seq for event in events)
        sessions |= {event.session_key for event in events}
    assert len(sessions) == 700


def test_the_worst_claim_decides_the_class_and_is_named(tmp_path: Path) -> None:
    claims = [
        {"triplet": ["a", "is", "b"], "human_label": label}
        for label in ("Entailment", "Neutral", "Contradiction", None)
    ]
    path = tmp_path / "dolly_x_answers.json"
    path.write_text(
        json.dumps([{"id": 7, "response": "r", "claude2_response_kg": claims}, {"id": "8"}, {"response": ""}])
    )
    items = list(REFCHECKER.read(path, ReadOptions()))
    share, worst = [item for item in items if isinstance(item, ImportedLabel)]
    assert (share.session_key, share.value, share.raw) == ("dolly_x_answers/7", "0.333333", "1/3")
    assert (worst.criterion, worst.value) == (WORST_CRITERION, "Contradiction")
    assert "Contradiction: a | is | b" in worst.note
    assert [item.line for item in items if isinstance(item, RecordProblem)] == [3]
    assert {item.model for item in items if isinstance(item, AgentEvent) and item.model} == {"x"}
