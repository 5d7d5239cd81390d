"""The command line: data on stdout, talk on stderr, exit codes, stable names, hostile text, light start."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.store import filesystem
from aa_tui.cli import errors, start
from aa_tui.cli import help as texts
from aa_tui.cli.arguments import VERBS, parse
from aa_tui.cli.main import run

ROOT = Path(__file__).resolve().parents[2]
NASTY = "\x1b]52;c;eA==\x07=cmd()\x1b[2J \u202egnp\n[/red]"
DAY = 86_400_000
BASE = 1_780_000_000_000


def event(kind: str, key: str, at: int, **properties: Any) -> str:
    named = {name if name[0] == "$" else f"[Agent] {name.replace('_', ' ')}": properties[name] for name in properties}
    named |= {"[Agent] Session ID": key, "[Agent] Trace ID": f"{key}-1"}
    return json.dumps(
        {
            "event_type": f"[Agent] {kind}",
            "user_id": "ada" if key != "s3" else NASTY,
            "time": at,
            "insert_id": f"{key}-{kind}",
            "event_properties": named,
        }
    )


def write_events(path: Path) -> Path:
    lines = []
    for number, agent in enumerate(("billing", "billing", NASTY), 1):
        key, at = f"s{number}", BASE + number * DAY
        answer = {"$llm_message": {"text": "on its way"}}
        lines += [
            event("User Message", key, at, Agent_ID=agent, **{"$llm_message": {"text": f"refund please {number}"}}),
            event("Tool Call", key, at + 1000, Agent_ID=agent, Tool_Name="lookup", Is_Error=number == 2),
            event("AI Response", key, at + 2000, Agent_ID=agent, Model_Name="m-1", Cost_USD=0.25 * number, **answer),
        ]
    path.write_text("\n".join(lines) + "\n")
    return path


@dataclass
class Result:
    code: int
    out: str
    err: str

    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command line in this process, in a home of its own."""
    for name in list(os.environ):
        if name.startswith("AA_TUI_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AA_TUI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AA_TUI_HOST_CONFIG", str(tmp_path / "host.toml"))
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def call(*argv: str) -> Result:
        capsys.readouterr()
        code = run(argv)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def filled(cli: Cli, tmp_path: Path) -> Cli:
    assert cli("import", str(write_events(tmp_path / "events.jsonl"))).code == 0
    return cli


# --- the first layer -----------------------------------------------------------------------------------------------


def test_common_options_work_before_and_after_the_verb() -> None:
    for argv in (
        ["--store", "x", "--project=p", "sessions", "a:b", "--json"],
        ["sessions", "--project", "p", "a:b", "--json", "--store=x"],
    ):
        common = parse(argv)
        assert (common.store, common.project, common.rest) == ("x", "p", ["sessions", "a:b", "--json"])
    assert parse(["sessions", "--", "--store", "x"]).rest == ["sessions", "--", "--store", "x"]


def test_help_names_every_verb_on_one_screen(cli: Cli) -> None:
    shown = cli("--help")
    assert (shown.code, shown.out) == (0, texts.SCREEN)
    assert all(f"  {verb} " in shown.out for verb in VERBS)
    assert len(shown.out.splitlines()) <= 40 and all(len(line) <= 100 for line in shown.out.splitlines())


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in {"demo", "open"}])
def test_every_verb_has_a_help_of_its_own(cli: Cli, verb: str) -> None:
    shown = cli(verb, "--help")
    assert shown.code == 0 and "Usage: aa-tui" in shown.out


def test_the_verbs_that_are_made_are_those_that_are_named() -> None:
    """The start tells verbs from places by their names alone: a verb that is not named would never be reached."""
    from typer.main import get_command

    from aa_tui.cli import verbs

    made = get_command(verbs.app).commands  # type: ignore[attr-defined]
    assert set(made) == set(VERBS) - {"demo", "open"}


def test_version(cli: Cli) -> None:
    from aa_tui import __version__

    assert cli("--version").out == f"aa-tui {__version__}\n"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["sesions"], "Did you mean sessions?"),
        (["--store"], "--store needs a value"),
        (["sessions", "agnt:x"], "column 1"),
        (["sessions", "--limit", "many"], "--limit"),
        (["sessions", "--json", "--csv"], "Choose one of --json, --csv"),
        (["open"], "Open what?"),
        (["open", "nowhere/at/all"], "is not a place"),
        (["completion", "tcsh"], "bash, zsh, fish"),
        (["session"], "ID"),
        (["store", "init", "x"], "--group"),
        (["demo", "now"], "takes no argument"),
    ],
)
def test_usage_errors_say_what_is_wrong(cli: Cli, argv: list[str], words: str) -> None:
    result = cli(*argv)
    assert (result.code, result.out) == (2, "")
    assert words in result.err


def test_no_terminal_and_no_verb_is_a_summary_and_a_hint(filled: Cli) -> None:
    result = filled()
    assert result.code == 2
    assert "project default: 3 sessions" in result.out
    assert "aa-tui sessions --help" in result.err


def test_reading_makes_no_store(cli: Cli, tmp_path: Path) -> None:
    for argv in (["sessions"], ["projects"], ["monitor"], ["store", "info"], []):
        result = cli(*argv)
        assert result.code == 2 and "no store" in result.out + result.err
    assert not (tmp_path / "home").exists()


def test_broken_store_is_exit_3(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_bytes(b"no database at all, but long enough to be looked at " * 20)
    result = cli("sessions", "--store", str(tmp_path / "bad.db"))
    assert (result.code, result.out) == (3, "") and "damaged" in result.err


def test_unexpected_errors_are_words_and_a_code(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError("\x1b[2Jboom")

    monkeypatch.setattr("aa_tui.cli.arguments.parse", fail)
    result = cli("where")
    assert result.code == errors.OUR_FAULT
    assert "ZeroDivisionError: ␛[2Jboom" in result.err and "Traceback" not in result.err


# --- sessions ------------------------------------------------------------------------------------------------------

FIELDS = {
    "id",
    "agent",
    "user",
    "started_at",
    "ended_at",
    "duration_ms",
    "turns",
    "messages",
    "user_messages",
    "model_calls",
    "tool_calls",
    "tool_errors",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "cost_estimated",
    "errors",
    "state",
    "source",
}


def test_sessions_json_has_the_promised_names_and_raw_text(filled: Cli) -> None:
    result = filled("sessions", "--json")
    objects = result.objects()
    assert [one["id"] for one in objects] == ["s3", "s2", "s1"]
    assert all(set(one) >= FIELDS for one in objects)
    assert result.out.isascii() and "\x1b" not in result.out
    second = objects[1]
    assert (second["agent"], second["user"], second["turns"], second["messages"]) == ("billing", "ada", 1, 2)
    assert (second["tool_calls"], second["tool_errors"], second["cost_usd"]) == (1, 1, 0.5)
    assert second["started_at"].endswith("Z") and second["cost_estimated"] is False
    assert objects[0]["user"] == NASTY


def test_sessions_filter_limit_sort_and_ids(filled: Cli) -> None:
    assert filled("sessions", "agent:billing", "--ids").out.split() == ["s2", "s1"]
    assert filled("sessions", "-agent:billing", "--ids").out.split() == ["s3"]
    assert filled("sessions", "--ids", "--limit", "1").out.split() == ["s3"]
    assert filled("sessions", "--ids", "--limit", "0", "--sort", "cost").out.split() == ["s3", "s2", "s1"]
    assert filled("sessions", "--ids", "--sort=-cost").out.split() == ["s3", "s2", "s1"]
    assert filled("sessions", "--ids", "--sort", "-cost").out.split() == ["s3", "s2", "s1"]
    assert filled("sessions", "--ids", "--sort", "+cost").out.split() == ["s1", "s2", "s3"]
    assert filled("sessions", "errors>0", "--ids").out.split() == ["s2"]


def test_sessions_for_people_are_drawable(filled: Cli) -> None:
    result = filled("sessions")
    assert "3 of 3 sessions in default" in result.err
    for text in (result.out, filled("session", "s3").out):
        assert "\x1b" not in text and "\u202e" not in text and "\x07" not in text
        assert "␛[2J" in text and "⟨U+202E⟩" in text and "[/red]" in text
    assert len(result.out.splitlines()) == 4


def test_csv_drives_no_spreadsheet(filled: Cli) -> None:
    rows = list(csv.DictReader(io.StringIO(filled("sessions", "--csv").out)))
    assert [row["id"] for row in rows] == ["s3", "s2", "s1"]
    assert rows[1]["cost_usd"] == "0.5"
    assert not any(value.startswith(("=", "+", "@", "\t")) for row in rows for value in row.values())


def test_session_is_found_by_its_beginning_and_shown_whole(filled: Cli) -> None:
    (shown,) = filled("session", "s2", "--json").objects()
    assert set(shown) >= FIELDS
    assert [one["kind"] for one in shown["events"]] == ["user_message", "tool_call", "ai_response"]
    assert shown["events"][0]["texts"] == {"text": "refund please 2"}
    assert "refund please 2" in filled("session", "s2").out
    ambiguous = filled("session", "s")
    assert ambiguous.code == 2 and "s1" in ambiguous.err
    assert filled("session", "nope").code == 2


# --- monitor, projects, store --------------------------------------------------------------------------------------


def test_monitor_takes_the_range_of_the_newest_data(filled: Cli) -> None:
    (view,) = filled("monitor", "--json").objects()
    assert view["project"] == "default" and view["tiles"]["sessions"]["value"] == 3
    assert view["tiles"]["cost_usd"]["value"] == pytest.approx(1.5)
    (none,) = filled("monitor", "--range", "2001-01-01..2001-01-02", "--json").objects()
    assert none["tiles"]["sessions"]["value"] in (0, None)
    (some,) = filled("monitor", "agent:billing", "--range", "all", "--json").objects()
    assert some["tiles"]["sessions"]["value"] == 2
    shown = filled("monitor")
    assert "Sessions" in shown.out and "billing" in shown.out and "\x1b" not in shown.out


def test_projects_are_listed_created_and_chosen(filled: Cli) -> None:
    (made,) = filled("projects", "create", "shop", "--zone", "Asia/Tokyo", "--json").objects()
    assert list(made) == ["id", "name", "api_key", "content_mode", "redact", "retention_days"]
    listed = filled("projects", "--json").objects()
    assert [one["name"] for one in listed] == ["default", "shop"] and made in listed
    assert filled("projects", "list", "--json").objects() == listed
    assert "Asia/Tokyo" in filled("projects").out
    assert filled("sessions", "--ids", "--project", "shop").out == ""
    assert filled("sessions", "--ids", "--project", str(made["id"])).out == ""
    wrong = filled("--project", "nope", "sessions")
    assert wrong.code == 2 and "default, shop" in wrong.err
    assert filled("projects", "create", "shop").code == 2


def test_a_person_sets_what_a_project_says_of_its_money_and_days(filled: Cli) -> None:
    assert filled("projects", "set", "--json").objects()[0]["subscription"] is None
    filled("projects", "set", "time_zone", "Asia/Tokyo")
    assert filled("projects", "set", "subscription", "on", "--json").objects() == [
        {
            "time_zone": "Asia/Tokyo",
            "subscription": True,
            "pricing": None,
            "content_mode": None,
            "redact": None,
            "retention_days": None,
            "topic_evaluator": None,
        }
    ]
    assert filled("monitor", "--json").objects()[0]["time_zone"] == "Asia/Tokyo"
    assert "subscription" in filled("monitor").err
    assert filled("projects", "set", "subscription", "default", "--json").objects()[0]["subscription"] is None
    for wrong in (("colour", "on"), ("subscription", "maybe"), ("time_zone", "Mars/Olympus"), ("time_zone", "")):
        assert filled("projects", "set", *wrong).code == 2
    assert filled("projects", "set", "subscription", "on", "--read-only").code == 3


def test_store_info_and_rebuilding(filled: Cli) -> None:
    (info,) = filled("store", "info", "--json").objects()
    assert info["projects"] == [{"id": info["projects"][0]["id"], "name": "default", "sessions": 3}]
    before = filled("monitor", "--range", "all", "--json").objects()[0]["tiles"]
    assert filled("store", "rollups").code == 0 and filled("store", "reindex").code == 0
    assert filled("monitor", "--range", "all", "--json").objects()[0]["tiles"] == before
    assert filled("sessions", "refund", "--ids").out.split() != []


def test_store_init_makes_a_default_for_everybody(cli: Cli, tmp_path: Path) -> None:
    import grp

    group = grp.getgrgid(os.getgid()).gr_name
    made = cli("store", "init", str(tmp_path / "team"), "--group", group)
    assert (made.code, made.out) == (0, f"sqlite:///{tmp_path}/team/store.db\n")
    assert f"sqlite:///{tmp_path}/team/store.db" in cli("where").out
    assert cli("store", "init", str(tmp_path / "x"), "--group", "no-such-group").code == 2


def test_read_only_is_kept(filled: Cli, tmp_path: Path) -> None:
    (tmp_path / "more.jsonl").write_text(event("User Message", "s9", BASE, Agent_ID="new") + "\n")
    result = filled("--read-only", "import", str(tmp_path / "more.jsonl"))
    assert result.code == 3 and "read-only" in result.err
    assert filled("projects", "create", "x", "--read-only").code == 3
    assert filled("sessions", "--read-only", "--ids").code == 0


# --- import --------------------------------------------------------------------------------------------------------


def test_import_reports_what_is_new_and_again_nothing(cli: Cli, tmp_path: Path) -> None:
    path = write_events(tmp_path / "events.jsonl")
    with path.open("a") as file:
        file.write("{broken\n")
    first = cli("import", str(path), "--json")
    (report,) = first.objects()
    assert first.code == 0
    assert list(report) == ["files", "sessions", "turns", "events", "duplicates", "skipped_records", "problems"]
    assert (report["files"], report["sessions"], report["events"], report["skipped_records"]) == (1, 3, 9, 1)
    assert report["problems"][0]["file"].endswith("events.jsonl") and report["problems"][0]["line"] == 10
    again = cli("import", str(path))
    assert again.code == 0 and "0 events new" in again.out


def test_import_of_nothing_usable_is_exit_1_and_of_nothing_named_exit_2(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a shopping list\nmilk\n")
    unknown = cli("import", str(tmp_path / "a.txt"))
    assert unknown.code == 1 and "a.txt: unknown format" in unknown.err
    assert cli("import", str(tmp_path / "missing.jsonl")).code == 2
    nothing = cli("import")
    assert nothing.code == 2 and "Import what?" in nothing.err


def test_records_about_sessions_that_are_not_here_are_nothing_imported(cli: Cli, tmp_path: Path) -> None:
    record = {"checkpoint_id": "c1", "session_id": "11111111-2222-4333-8444-555555555555", "created_at": "2026-01-01"}
    (tmp_path / "checkpoints.jsonl").write_text(json.dumps(record) + "\n")
    for _ in range(2):
        result = cli("import", str(tmp_path / "checkpoints.jsonl"))
        assert result.code == 1 and "sessions that are not here" in result.err


def test_the_day_from_which_transcripts_are_deleted_is_told(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "person" / ".claude" / "projects" / "p"
    folder.mkdir(parents=True)
    now = time.time()
    for name, days_ago in (("soon", 27.5), ("fresh", 1.0)):
        (folder / f"{name}.jsonl").write_text("{}\n")
        os.utime(folder / f"{name}.jsonl", (now - days_ago * 86_400,) * 2)
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    monkeypatch.setattr(errors, "can_ask", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("none\n"))
    told = re.search(r"deletes 1 transcript from (\w+ \d+) on \(it keeps them 30 days\)", cli("import").err)
    days = {time.strftime("%b %-d", time.gmtime(now + 2.5 * 86_400 + hours * 3600)) for hours in (-14, 0, 14)}
    assert told is not None and told[1] in days, "in the project's zone"
    os.utime(folder / "soon.jsonl", (now - 40 * 86_400,) * 2)
    monkeypatch.setattr(sys, "stdin", io.StringIO("none\n"))
    assert "deletes 1 transcript any day now" in cli("import").err


def test_import_offers_the_places_of_coding_agents(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "person"
    folder = home / ".claude" / "projects" / "p"
    folder.mkdir(parents=True)
    message = {"role": "user", "content": "hello there"}
    record = {"type": "user", "uuid": "u1", "sessionId": "c1", "timestamp": "2026-01-01T00:00:00Z", "message": message}
    (folder / "c1.jsonl").write_text(json.dumps(record) + "\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    monkeypatch.setattr(errors, "can_ask", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n"))
    result = cli("import", "--json")
    assert "Claude Code" in result.err and "1 transcript" in result.err
    assert result.code == 0 and json.loads(result.out)["sessions"] == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO("none\n"))
    assert cli("import").code == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO("7\n"))
    assert cli("import").code == 2


def test_interrupt_keeps_the_store_and_says_130(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_events(tmp_path / "events.jsonl")
    pressed: list[bool] = []

    def press(*_: object) -> None:
        if not pressed:
            pressed.append(True)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(errors.ProgressBar, "__call__", press)
    handler = signal.getsignal(signal.SIGINT)
    result = cli("import", str(path))
    assert result.code == 130 and "importing again goes on from there" in result.err
    assert signal.getsignal(signal.SIGINT) is handler


def test_second_interrupt_stops_at_once(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_events(tmp_path / "events.jsonl")

    def press(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(errors.ProgressBar, "__call__", press)
        result = cli("import", str(path))
    assert result.code == 130 and "Interrupted" in result.err
    assert cli("import", str(path)).code == 0


# --- places and settings -------------------------------------------------------------------------------------------


def test_where_names_files_and_origins(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AA_TUI_THEME", "mono")
    monkeypatch.setenv("AA_TUI_THEEM", "mono")
    (shown,) = cli("where", "--json", "--project", "p").objects()
    assert shown["store"].endswith("home/data/store.db")
    assert shown["set"] == {
        "theme": {"value": "mono", "from": "AA_TUI_THEME"},
        "project": {"value": "p", "from": "--project"},
    }
    assert shown["problems"] == ["AA_TUI_THEEM: theem: unknown (did you mean theme?)"]


def test_a_database_password_is_never_shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AA_TUI_STORE", "postgresql://ada:hunter2@127.0.0.1:1/aa")
    for argv in (["where"], ["where", "--json"], ["doctor"], ["sessions"], []):
        result = cli(*argv)
        assert "hunter2" not in result.out + result.err, argv
        assert "127.0.0.1" in result.out + result.err


def test_doctor_has_a_line_per_check_and_fails_on_a_broken_store(cli: Cli, tmp_path: Path) -> None:
    checks = cli("doctor", "--json")
    assert checks.code == 0
    found = {one["id"]: one["status"] for one in checks.objects()}
    assert {"settings", "filesystem", "store", "sqlite", "search", "disk", "terminal", "encoding"} <= set(found)
    cli("projects", "create", "p")
    assert {"modes", "schema", "integrity", "size"} <= {one["id"] for one in cli("doctor", "--json").objects()}
    (tmp_path / "home" / "data" / "store.db").chmod(0o666)
    modes = next(one for one in cli("doctor", "--json").objects() if one["id"] == "modes")
    assert modes["status"] == "warn" and "open to everybody" in modes["detail"] and "chmod 600" in modes["advice"]
    (tmp_path / "bad.db").write_bytes(b"not a database, only text that is long enough " * 30)
    broken = cli("doctor", "--store", str(tmp_path / "bad.db"))
    assert broken.code == 3 and "fail  Store" in broken.out


def on_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "mounts"
    table.write_text(f"/dev/sda1 / ext4 rw 0 0\nfiler:/ {tmp_path}/home nfs4 rw 0 0\n")
    monkeypatch.setattr(filesystem, "MOUNT_TABLE", table)


def test_network_home_without_a_terminal_ends_with_the_exact_command(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_network(tmp_path, monkeypatch)
    result = cli("import", "my file.jsonl", "--json")
    assert result.code == 3 and "nfs4" in result.err
    suggestion = filesystem.local_suggestion()
    assert f"Run this instead: aa-tui --store {suggestion} import 'my file.jsonl' --json" in result.err
    assert cli().code == 3


def test_network_home_on_a_terminal_offers_a_place_and_remembers_it(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_network(tmp_path, monkeypatch)
    monkeypatch.setattr(errors, "can_ask", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{tmp_path}/local/store.db\n"))
    first = cli("projects", "create", "p")
    assert first.code == 0 and "Remembered in" in first.err
    assert (tmp_path / "local" / "store.db").exists()
    monkeypatch.setattr(errors, "can_ask", lambda: False)
    assert [one["name"] for one in cli("projects", "--json").objects()] == ["p"]


# --- starting the app ----------------------------------------------------------------------------------------------


def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Stand in for the app on a terminal; return what it would be started with."""
    calls: list[tuple[Any, ...]] = []

    def run_app(store: Any, project: Any, address: Any, options: Any) -> int:
        calls.append((store, project, address, options))
        return 0

    monkeypatch.setattr("aa_tui.app.run_app", run_app)
    monkeypatch.setattr(start, "has_terminal", lambda: True)
    return calls


def test_the_app_gets_what_was_asked(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = started(monkeypatch)
    assert cli("--theme", "mono", "sessions?agents=billing", "--no-mouse", "--ascii", "--read-only").code == 0
    store, project, address, options = calls[0]
    assert (store, project, address) == (None, None, "sessions?agents=billing")
    assert (options.theme, options.mouse, options.ascii, options.read_only) == ("mono", False, True, True)
    cli("--store", "x.db", "--project", "p")
    assert calls[1][:3] == ("x.db", "p", None)
    cli("open", "session/s1/turns")
    assert calls[2][2] == "session/s1/turns"


def test_a_lone_word_is_not_taken_for_a_session(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = started(monkeypatch)
    assert cli("sesssions").code == 2 and cli("--jsno").code == 2
    assert calls == []
    assert cli("open", "s1").code == 0 and calls[0][2] == "s1"


def test_demo_opens_its_own_store(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = started(monkeypatch)
    built: list[bool] = []
    monkeypatch.setattr(
        "aa_tui.backend.service.imports.ImportService.load_demo", lambda self, progress, token: built.append(True)
    )
    assert cli("demo").code == 0 and cli("demo").code == 0
    assert built == [True, True], "a sample that was interrupted is completed; a complete one is left as it is"
    assert calls[0][:2] == (f"sqlite:///{tmp_path}/home/data/demo.db", "sample")
    assert not (tmp_path / "home" / "data" / "store.db").exists()


def test_starting_the_app_imports_nothing_that_only_verbs_need(tmp_path: Path) -> None:
    code = """
import sys
import aa_tui.app
from aa_tui.cli import start
heavy = {"typer", "pydantic", "pydantic_settings", "alembic", "sqlalchemy", "sqlmodel", "litellm", "httpx"}
def run_app(*_):
    print(",".join(sorted(heavy & set(sys.modules))))
    return 0
aa_tui.app.run_app = run_app
start.has_terminal = lambda: True
from aa_tui.cli.main import run
sys.exit(run(["--theme", "mono", "monitor?range=7d"]))
"""
    environment = {**os.environ, "AA_TUI_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


def test_a_reader_that_leaves_early_is_no_failure(filled: Cli, tmp_path: Path) -> None:
    command = f"{sys.executable} -m aa_tui keys | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, env={**os.environ}, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] in {"0", "141"} and done.stderr == ""


def test_progress_is_drawn_on_a_terminal_only(tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl")
    environment = {**os.environ, "AA_TUI_HOME": str(tmp_path / "home"), "TERM": "xterm"}
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "aa_tui", "import", str(events)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=follower,
    )
    os.close(follower)
    seen = b""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            piece = os.read(leader, 4096)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    out, _ = child.communicate(timeout=30)
    os.close(leader)
    assert (child.returncode, b"3 sessions" in out, b"\x1b" in out) == (0, True, False), seen
    assert b"100%" in seen and seen.endswith(b"\r\x1b[K"), "the line is cleared at the end"
