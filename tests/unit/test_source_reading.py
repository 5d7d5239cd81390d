"""Reading JSON Lines, documents and big arrays from hostile bytes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aa_tui.backend.model.event import RecordProblem
from aa_tui.backend.sources import reading


def records(path: Path) -> tuple[list[tuple[int, Any]], list[RecordProblem]]:
    found, problems = [], []
    for item in reading.iter_json_records(path):
        if isinstance(item, RecordProblem):
            problems.append(item)
        else:
            found.append(item)
    return found, problems


def test_lines_split_only_at_line_feeds_and_glued_objects_are_both_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes('{"a":"x\u2028y\x85"}{"b":1}\n\n  \n{"c":2}'.encode())
    found, problems = records(path)
    assert found == [(1, {"a": "x\u2028y\x85"}), (1, {"b": 1}), (4, {"c": 2})]
    assert problems == []


def test_a_bad_line_costs_one_line_and_a_cut_last_line_waits(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\n{"b":\n{"c":3}\n{"d":4}{"e":')
    found, problems = records(path)
    assert found == [(1, {"a": 1}), (3, {"c": 3}), (4, {"d": 4})]
    assert [p.line for p in problems] == [2, 4]
    assert problems[0].reason.startswith("not JSON")
    assert problems[1].reason == reading.INCOMPLETE_LAST_LINE


def test_gzip_is_known_by_content_and_a_truncated_one_keeps_what_was_read(tmp_path: Path) -> None:
    plain = b"".join(json.dumps({"n": n, "t": "x" * 50}).encode() + b"\n" for n in range(5000))
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    whole.write_bytes(gzip.compress(plain))
    cut.write_bytes(gzip.compress(plain)[:-2000])
    counted: list[int] = []
    assert len(list(reading.iter_json_records(whole, counted.append))) == 5000
    assert sum(counted) == len(plain)
    found, problems = records(cut)
    assert 0 < len(found) < 5000
    assert len(problems) == 1
    assert reading.head_of(cut).start[:5] == b'{"n":'


def test_deep_nesting_huge_integers_and_bad_utf8_survive(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"[" * 100_000 + b"\n" + b'{"i":' + b"9" * 5000 + b"}\n" + b'{"s":"a\xffb"}\n{"ok":1}\n')
    found, problems = records(path)
    assert [line for line, _ in found] == [2, 3, 4]
    assert found[0][1]["i"] == "9" * 5000
    assert found[1][1]["s"] == "a\ufffdb"
    assert [(p.line, p.skipped) for p in problems] == [(1, True), (3, False)]


def test_members_of_a_document_stream_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "doc.json"
    big = [{"id": n, "text": "é" * 2000} for n in range(400)]
    path.write_text(json.dumps({"info": {"a": 1}, "simulations": big, "end": 7}, ensure_ascii=False, indent=1))
    members = list(reading.iter_json_members(path, {"simulations"}))
    assert members[0] == ("info", 0, {"a": 1})
    assert members[1:-1] == [("simulations", n, item) for n, item in enumerate(big)]
    assert members[-1] == ("end", 0, 7)
    path.write_text(json.dumps([1, 22, [3]]))
    assert list(reading.iter_json_members(path)) == [(None, 0, 1), (None, 1, 22), (None, 2, [3])]


def test_a_document_that_breaks_off_ends_with_one_problem(tmp_path: Path) -> None:
    path = tmp_path / "doc.json"
    path.write_text('[{"a":1},{"a":2},{"a"')
    *good, problem = list(reading.iter_json_members(path))
    assert [item[2] for item in good if not isinstance(item, RecordProblem)] == [{"a": 1}, {"a": 2}]
    assert isinstance(problem, RecordProblem)
    assert isinstance(reading.load_json_document(path), RecordProblem)


def test_an_outline_sees_keys_of_documents_that_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "doc.json"
    path.write_text('[{"task_id": 3, "traj": [{"role": "x", "deep": {"k": "' + "y" * 100_000 + '"}}]}]')
    shape = reading.outline(reading.head_of(path))
    assert (shape.opening, shape.keys) == ("[", frozenset({"task_id", "traj"}))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
@pytest.mark.filterwarnings("ignore")
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "f"
    path.write_bytes(data)
    list(reading.iter_json_records(path))
    list(reading.iter_json_members(path))
    reading.load_json_document(path)
    reading.outline(reading.head_of(path))
