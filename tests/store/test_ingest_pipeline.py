"""Importing files: expected totals, repeats, growth, problems, cancelling, and the sample project."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.ingest.report import ImportOptions, ImportReport, ProgressEvent
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.errors import Cancelled, Forbidden, NotFound, UsageError
from tests.builders import workspace
from tests.ingest_state import dangling, state

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
NOW_MS = 1_796_000_000_000


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    made = workspace(tmp_path, now_ms=NOW_MS)
    yield made
    made.store.close()


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip("shared data absent")
    return path


def sums(ws: Workspace, columns: str) -> dict[str, tuple[Any, ...]]:
    with ws.store.reader() as reader:
        return {row[0]: row[1:] for row in reader.fetch(f"SELECT key, {columns} FROM session")}


def event_line(session: str, number: int, **changes: Any) -> str:
    """Return one line of Amplitude's shape: odd numbers ask, even ones answer."""
    kind = "[Agent] User Message" if number % 2 else "[Agent] AI Response"
    properties = {
        "[Agent] Session ID": session,
        "[Agent] Trace ID": f"{session}-{(number + 1) // 2}",
        "[Agent] Agent ID": "bot",
        "[Agent] Message ID": f"{session}-{number}",
        "$llm_message": {"text": f"words of {session} number {number}"},
    }
    record = {
        "event_type": kind,
        "user_id": "ada",
        "insert_id": f"{session}-{number}",
        "time": 1_790_000_000_000 + number * 1000,
        "event_properties": properties,
    }
    return json.dumps({**record, **changes})


def write_lines(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_teams_transcripts_have_the_expected_sums(ws: Workspace) -> None:
    folder = shared("claude-code-team")
    report = ws.imports.run([folder])
    assert (report.sessions, report.turns, report.skipped_records) == (124, 495, 0)
    got = sums(
        ws,
        "user_messages, model_calls, tool_calls, tool_errors, COALESCE(input_tokens, 0), COALESCE(output_tokens, 0), "
        "user_id",
    )
    with (folder / "sessions.csv").open(encoding="utf-8") as file:
        expected = list(csv.DictReader(file))
    assert len(expected) == len(got)
    for row in expected:
        found = got[row["session_id"]]
        number = {name: int(value) for name, value in row.items() if value and value.isdigit()}
        assert found[:3] == (number["user_prompts"], number["model_calls"], number["tool_calls"]), row["file"]
        if row["format"] == "gemini-cli-chat":
            continue
        tokens = sum(number[f"sum_per_call_{kind}input_tokens"] for kind in ("", "cache_creation_", "cache_read_"))
        assert found[3:6] == (number["tool_errors"], tokens, number["sum_per_call_output_tokens"]), row["file"]
        if row["user"]:
            assert found[6] == row["user"]
    assert dangling(ws.store) == {}
    again = ws.imports.run([folder])
    assert (again.files, again.unchanged, again.events) == (0, report.files, 0)


def test_nested_threads_count_into_their_session_in_any_order(tmp_path: Path) -> None:
    folder = shared("claude-code-nested/spotter")
    files = sorted(path for path in folder.rglob("*.jsonl.gz"))
    (tmp_path / "a").mkdir()
    whole = workspace(tmp_path / "a", now_ms=NOW_MS)
    whole.imports.run([folder])
    calls = sums(whole, "model_calls, tool_calls, agents")
    with (SHARED / "claude-code-nested" / "sessions.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["file"].startswith("spotter/")]
    for key, (model_calls, tool_calls, _) in calls.items():
        own = [row for row in rows if row["session_id"] == key]
        assert model_calls == sum(int(row["model_calls"]) for row in own)
        assert tool_calls == sum(int(row["tool_calls"]) for row in own)
    assert any(len(json.loads(agents)) > 1 for _, _, agents in calls.values())
    (tmp_path / "b").mkdir()
    parts = workspace(tmp_path / "b", now_ms=NOW_MS)
    for path in reversed(files):
        parts.imports.run([path])
    assert state(parts.store) == state(whole.store)
    whole.store.close()
    parts.store.close()


def test_a_growing_file_gives_what_its_longest_version_gives(tmp_path: Path) -> None:
    folder = shared("claude-code-nested/codemie/claude")
    for number, name in enumerate(("incremental-simple", "incremental-subagents")):
        first, second = (
            [path for path in (folder / name / f"{turn}.jsonl.gz", folder / name / turn) if path.exists()]
            for turn in ("turn-1", "turn-2")
        )
        stores = []
        for way, runs in (("long", [second]), ("grown", [first, second]), ("backwards", [second, first])):
            home = tmp_path / f"{number}-{way}"
            home.mkdir()
            made = workspace(home, now_ms=NOW_MS)
            for paths in runs:
                made.imports.run(paths)
            stores.append(state(made.store))
            made.store.close()
        assert stores[0] == stores[1] == stores[2]


def test_a_longer_version_of_a_file_adds_only_what_is_new(ws: Workspace, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "events.jsonl", [event_line("s", n) for n in range(1, 5)])
    assert ws.imports.run([path]).events == 4
    write_lines(path, [event_line("s", n) for n in range(1, 8)])
    report = ws.imports.run([path])
    assert (report.events, report.duplicates, report.sessions, report.turns) == (3, 4, 0, 2)
    os.utime(path, ns=(1, 1))
    assert ws.imports.run([path]).unchanged == 1


def test_a_file_read_under_another_user_changes_hands(ws: Workspace, tmp_path: Path) -> None:
    source = next(shared("claude-code-team/sessions").glob("*.jsonl.gz"))
    path = Path(shutil.copy(source, tmp_path / source.name))
    ws.imports.run([path])
    ws.imports.run([path], ImportOptions(user="grace"))
    with ws.store.reader() as reader:
        assert reader.fetch("SELECT DISTINCT user_id FROM session") == [("grace",)]
        assert reader.fetch("SELECT value, sessions FROM facet WHERE key='user'") == [("grace", 1)]
        assert reader.fetch("SELECT DISTINCT user_id FROM user_day") == [("grace",)]


def test_bad_records_cost_only_themselves_and_unknown_files_only_themselves(ws: Workspace, tmp_path: Path) -> None:
    write_lines(
        tmp_path / "events.jsonl", [event_line("s", 1), '{"event_type": 7}', "{broken", event_line("s", 2, time="noon")]
    )
    cut = gzip.compress("".join(event_line("t", n) + "\n" for n in range(1, 2001)).encode())[:-2000]
    (tmp_path / "prose.txt").write_text("dear diary", encoding="utf-8")
    (tmp_path / "cut.jsonl.gz").write_bytes(cut)
    report = ws.imports.run([tmp_path / name for name in ("events.jsonl", "prose.txt", "cut.jsonl.gz")])
    assert report.sessions == 2 and 1000 < report.events < 2001
    places = {(Path(problem.file).name, problem.line) for problem in report.problems}
    assert {("events.jsonl", 2), ("events.jsonl", 3), ("events.jsonl", 4), ("prose.txt", None)} <= places
    assert report.skipped_records >= 3
    assert {one.status for one in report.per_file} == {"imported", "unknown"}
    with ws.store.reader() as reader:
        assert reader.one("SELECT COUNT(*) FROM import_problem") == (len(report.problems) - 1,)


def test_labels_of_a_benchmark_are_answers_of_its_sessions(ws: Workspace) -> None:
    path = next(path for path in sorted(shared("tau-bench").glob("*.json*")) if "csv" not in path.name)
    report = ws.imports.run([path])
    assert report.sessions > 0 and report.results >= report.sessions
    with ws.store.reader() as reader:
        assert reader.one("SELECT COUNT(*) FROM answer WHERE source='imported'") == (report.results,)
        reviewed = reader.one("SELECT SUM(sessions) FROM facet WHERE key='reviewed.task_success'")
        assert reviewed == (report.sessions,)
        assert reader.one("SELECT COUNT(*) FROM session WHERE time_quality<>'order_only'") == (0,)


def test_records_about_absent_sessions_wait_for_them(ws: Workspace, tmp_path: Path) -> None:
    team = shared("claude-code-team")
    shutil.copy(team / "checkpoints.jsonl.gz", tmp_path)
    first = ws.imports.run([tmp_path])
    assert first.sessions == 0 and first.problems
    with gzip.open(team / "checkpoints.jsonl.gz", "rt", encoding="utf-8") as file:
        wanted = {json.loads(line)["session_id"][-36:] for line in file}
    source = min(
        (team / "sessions" / f"{key}.jsonl.gz" for key in wanted),
        key=lambda p: p.stat().st_size if p.exists() else 1 << 40,
    )
    shutil.copy(source, tmp_path)
    second = ws.imports.run([tmp_path])
    assert second.sessions == 1
    with ws.store.reader() as reader:
        info = reader.one("SELECT info, source, warnings FROM session")
    assert info is not None
    assert "checkpoint_id" in json.loads(info[0])["enrichments"]["custom_metadata"]
    assert info[1] != "agent-checkpoints" and "several_sources" not in info[2]


def test_progress_rises_and_ends_finished(ws: Workspace, tmp_path: Path) -> None:
    for number in range(5):
        write_lines(tmp_path / f"{number}.jsonl", [event_line(f"s{number}", n) for n in range(1, 400)])
    seen: list[ProgressEvent] = []
    ws.imports.run([tmp_path / f"{n}.jsonl" for n in range(5)], progress=seen.append)
    fractions = [one.fraction for one in seen]
    assert fractions == sorted(fractions) and seen[-1].finished and seen[-1].events == 5 * 399


def test_cancelling_keeps_whole_files_and_the_next_import_goes_on(ws: Workspace, tmp_path: Path) -> None:
    for number in range(8):
        write_lines(tmp_path / f"{number}.jsonl", [event_line(f"s{number}", n) for n in range(1, 1001)])
    paths = [tmp_path / f"{number}.jsonl" for number in range(8)]
    token = CancelToken()

    def stop(progress: ProgressEvent) -> None:
        if progress.sessions:
            token.cancel()

    import aa_tui.backend.ingest.pipeline as pipeline

    before, pipeline.PROGRESS_S = pipeline.PROGRESS_S, 0.0
    try:
        report = ws.imports.run(paths, progress=stop, token=token)
    finally:
        pipeline.PROGRESS_S = before
    assert report.cancelled and 0 < report.sessions < 8
    with ws.store.reader() as reader:
        counts = [row[0] for row in reader.fetch("SELECT COUNT(*) FROM event GROUP BY session_id")]
    assert counts == [1000] * report.sessions
    assert dangling(ws.store) == {}
    rest = ws.imports.run(paths)
    assert rest.unchanged == report.sessions and rest.sessions == 8 - report.sessions


def test_an_import_in_a_process_of_its_own_does_the_same(ws: Workspace, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "events.jsonl", [*(event_line("s", n) for n in range(1, 6)), "{broken"])
    seen: list[ProgressEvent] = []
    report = ws.imports.run_apart([path], progress=seen.append)
    assert (report.sessions, report.events, len(report.problems)) == (1, 5, 1)
    assert report.per_file[0].source == "amplitude" and seen[-1].finished
    assert ws.imports.run([path]).unchanged == 1
    with pytest.raises(NotFound, match="no file or folder"):
        ws.imports.run_apart([tmp_path / "nothing"])
    token = CancelToken()
    token.cancel()
    more = write_lines(tmp_path / "more.jsonl", [event_line("t", n) for n in range(1, 6)])
    with pytest.raises(Cancelled):
        ws.imports.run_apart([more], token=token)
    assert list(sums(ws, "turns")) == ["s"]


def test_refusals_say_what_is_wrong(tmp_path: Path) -> None:
    viewer = workspace(tmp_path, now_ms=NOW_MS)
    viewer.actor = Actor("eve", "viewer")
    with pytest.raises(Forbidden, match="Import Data"):
        viewer.imports.run([tmp_path])
    viewer.actor = Actor("eve")
    with pytest.raises(NotFound):
        viewer.imports.run([tmp_path / "nothing"])
    with pytest.raises(UsageError, match="no format"):
        viewer.imports.run([tmp_path], ImportOptions(format="carrier-pigeon"))
    viewer.store.close()


def test_imports_are_journaled_with_their_actor(ws: Workspace, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "events.jsonl", [event_line("s", 1)])
    for _ in range(2):
        ws.imports.run([path])
    with ws.store.reader() as reader:
        assert reader.fetch("SELECT actor, permission, action FROM journal") == [("tester", "Import Data", "import")]


def test_the_sample_keeps_out_of_other_data_and_loads_once(ws: Workspace, tmp_path: Path, monkeypatch: Any) -> None:
    import aa_tui.backend.sources.demo as demo

    whole = demo.generate
    monkeypatch.setattr(demo, "generate", lambda now_ms: whole(now_ms, sessions=60, users=20, days=60))
    first = ws.imports.load_demo()
    assert first.sessions == 60 and first.results > 0
    before = state(ws.store)
    second = ws.imports.load_demo()
    assert (second.events, second.unchanged) == (0, 1)
    assert state(ws.store) == before
    assert dangling(ws.store) == {}
    with ws.store.reader() as reader:
        models = {row[0] for row in reader.fetch("SELECT DISTINCT model FROM signal_result WHERE method='llm'")}
        assert models == {"sample (recorded)"}
    (tmp_path / "other").mkdir()
    other = workspace(tmp_path / "other", now_ms=NOW_MS)
    other.imports.run([write_lines(tmp_path / "events.jsonl", [event_line("s", 1)])])
    with pytest.raises(UsageError, match="other data"):
        other.imports.load_demo()
    other.store.close()


def test_an_interrupted_sample_is_completed(tmp_path: Path, monkeypatch: Any) -> None:
    import aa_tui.backend.ingest.sample as sample
    import aa_tui.backend.sources.demo as demo

    whole = demo.generate
    monkeypatch.setattr(demo, "generate", lambda now_ms: whole(now_ms, sessions=60, users=20, days=60))
    monkeypatch.setattr(sample, "_BATCH", 200)
    monkeypatch.setattr(sample, "_PROGRESS_S", 0.0)
    made: list[tuple[ImportReport, Any]] = []
    for name, stops in (("whole", False), ("broken", True)):
        (tmp_path / name).mkdir()
        ws = workspace(tmp_path / name, now_ms=NOW_MS)
        token = CancelToken()
        if stops:
            cut = ws.imports.load_demo(lambda p, token=token: token.cancel() if p.sessions else None, token)  # type: ignore[misc]
            assert cut.cancelled and 0 < cut.sessions < 60
        made.append((ws.imports.load_demo(), state(ws.store)))
        ws.store.close()
    assert made[0][1] == made[1][1]
