"""Where coding agents keep their transcripts: found, counted, and warned of before they are deleted."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from aa_tui.backend.sources import registry
from aa_tui.backend.sources.places import Place, find_places
from aa_tui.backend.support.clock import DAY_MS

NOW = 1_780_000_000_000


def put(path: Path, age_days: float, size: int = 10) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    changed = (NOW - age_days * DAY_MS) / 1000
    os.utime(path, (changed, changed))


def only(places: list[Place]) -> Place:
    assert len(places) == 1
    return places[0]


def test_nothing_installed_is_no_place(tmp_path: Path) -> None:
    (tmp_path / ".claude" / "projects" / "empty").mkdir(parents=True)
    assert find_places(tmp_path, {}, NOW) == []


def test_all_four_agents_are_found_with_counts(tmp_path: Path) -> None:
    put(tmp_path / ".claude" / "projects" / "-home-a" / "s1.jsonl", 3, 100)
    put(tmp_path / ".claude" / "projects" / "-home-a" / "s1" / "subagents" / "agent-x.jsonl", 2, 50)
    put(tmp_path / ".claude" / "projects" / "-home-a" / "notes.md", 1)
    put(tmp_path / ".codex" / "sessions" / "2026" / "01" / "05" / "rollout-2026-01-05-x.jsonl", 400)
    put(tmp_path / ".codex" / "sessions" / "index.jsonl", 1)
    put(tmp_path / ".gemini" / "tmp" / "abc" / "chats" / "session-1.json", 5)
    put(tmp_path / ".gemini" / "tmp" / "abc" / "logs.json", 5)
    put(tmp_path / ".pi" / "agent" / "sessions" / "--home-a--" / "s.jsonl", 9)
    places = find_places(tmp_path, {}, NOW)
    assert [(place.source, place.files) for place in places] == [
        ("claude-code", 2),
        ("codex", 1),
        ("gemini-cli", 1),
        ("pi", 1),
    ]
    assert (places[0].bytes, places[0].newest_ms, places[0].path) == (
        150,
        NOW - 2 * DAY_MS,
        tmp_path / ".claude" / "projects",
    )
    assert [place.cleanup_days for place in places] == [30, None, None, None]
    assert places[1].oldest_expiring == 0


def test_agents_that_keep_other_files_beside_their_transcripts_are_found_too(tmp_path: Path) -> None:
    put(tmp_path / ".copilot" / "session-state" / "s1" / "events.jsonl", 1)
    put(tmp_path / ".copilot" / "session-state" / "s1" / "workspace.json", 1)
    cursor = tmp_path / ".cursor" / "projects" / "home-a-shop"
    put(cursor / "agent-transcripts" / "s1" / "s1.jsonl", 2)
    put(cursor / "agent-transcripts" / "s1" / "subagents" / "child.jsonl", 2)
    put(cursor / "terminals" / "1.jsonl", 2)
    put(tmp_path / ".factory" / "sessions" / "-home-a" / "s1.jsonl", 3)
    put(tmp_path / ".factory" / "sessions" / "-home-a" / "s1.settings.json", 3)
    for name in ("session/p/ses_1.json", "message/ses_1/msg_1.json", "part/msg_1/prt_1.json"):
        put(tmp_path / "data" / "opencode" / "storage" / name, 4)
    places = find_places(tmp_path, {"XDG_DATA_HOME": str(tmp_path / "data")}, NOW)
    assert [(place.source, place.files) for place in places] == [
        ("copilot-cli", 1),
        ("cursor", 2),
        ("droid", 1),
        ("opencode", 1),
    ]
    assert all(registry.by_name(place.source).name == place.source for place in places)
    assert {place.deletes_from_ms for place in places} == {None}


def test_the_day_of_the_first_deletion_is_told(tmp_path: Path) -> None:
    put(tmp_path / ".claude" / "projects" / "p" / "new.jsonl", 1)
    assert only(find_places(tmp_path, {}, NOW)).deletes_from_ms is None
    put(tmp_path / ".claude" / "projects" / "p" / "old.jsonl", 26)
    put(tmp_path / ".claude" / "projects" / "p" / "older.jsonl", 28)
    assert only(find_places(tmp_path, {}, NOW)).deletes_from_ms == NOW + 2 * DAY_MS


def test_transcripts_that_will_be_deleted_soon_are_counted(tmp_path: Path) -> None:
    for number, age in enumerate((1, 22.9, 23.1, 29, 40)):
        put(tmp_path / ".claude" / "projects" / "p" / f"{number}.jsonl", age)
    assert only(find_places(tmp_path, {}, NOW)).oldest_expiring == 3


@pytest.mark.parametrize(
    ("settings", "days", "expiring"),
    [
        (json.dumps({"cleanupPeriodDays": 365}), 365, 0),
        (json.dumps({"cleanupPeriodDays": 10}), 10, 1),
        (json.dumps({"cleanupPeriodDays": "never"}), 30, 0),
        (json.dumps({"cleanupPeriodDays": True}), 30, 0),
        ("[1]", 30, 0),
        ("{broken", 30, 0),
    ],
)
def test_the_agents_own_settings_say_when(tmp_path: Path, settings: str, days: int, expiring: int) -> None:
    put(tmp_path / ".claude" / "projects" / "p" / "s.jsonl", 5)
    (tmp_path / ".claude" / "settings.json").write_text(settings, encoding="utf-8")
    place = only(find_places(tmp_path, {}, NOW))
    assert (place.cleanup_days, place.oldest_expiring) == (days, expiring)


def test_the_environment_moves_the_folders(tmp_path: Path) -> None:
    put(tmp_path / "home" / ".claude" / "projects" / "p" / "s.jsonl", 1)
    put(tmp_path / "elsewhere" / "projects" / "p" / "s.jsonl", 1)
    put(tmp_path / "home" / "cx" / "sessions" / "rollout-1.jsonl", 1)
    env = {"CLAUDE_CONFIG_DIR": str(tmp_path / "elsewhere"), "CODEX_HOME": "~/cx"}
    claude, codex = find_places(tmp_path / "home", env, NOW)
    assert claude.path == tmp_path / "elsewhere" / "projects"
    assert codex.path == tmp_path / "home" / "cx" / "sessions"


def test_circles_and_unreadable_folders_do_not_stop_the_search(tmp_path: Path) -> None:
    folder = tmp_path / ".claude" / "projects" / "p"
    put(folder / "s.jsonl", 1)
    (folder / "loop").symlink_to(tmp_path / ".claude", target_is_directory=True)
    (folder / "dangling.jsonl").symlink_to(tmp_path / "nowhere")
    assert only(find_places(tmp_path, {}, NOW)).files == 1


def test_thousands_of_files_are_counted_without_opening_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for project in range(20):
        folder = tmp_path / ".claude" / "projects" / f"p{project}"
        folder.mkdir(parents=True)
        for number in range(150):
            (folder / f"{number}.jsonl").touch()
    opened: list[str] = []

    def refuse(name: object, *_: object, **__: object) -> None:
        opened.append(str(name))
        raise OSError

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr("io.open", refuse)
    found = only(find_places(tmp_path, {}, NOW))
    monkeypatch.undo()
    assert found.files == 3000
    assert not [name for name in opened if name.endswith(".jsonl")]
