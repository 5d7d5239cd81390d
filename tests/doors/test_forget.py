"""Privacy from the command line: settings, imports under them, and deleting for good, which is asked first."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from aa_tui.cli import errors
from tests.doors.test_cli import NASTY, Cli, cli, filled, write_events

__all__ = ["cli", "filled"]
DAY = 86_400_000


def store_bytes(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file() and "store" in path.name)


def test_a_project_says_what_it_keeps(filled: Cli) -> None:
    (shown,) = filled("projects", "--json").objects()
    assert (shown["content_mode"], shown["redact"], shown["retention_days"]) == ("full", [], None)
    done = filled("projects", "set", "content_mode", "metadata_only")
    assert done.code == 0 and "from now on" in done.err
    filled("projects", "set", "redact", "email,iban")
    filled("projects", "set", "retention_days", "36000")
    (shown,) = filled("projects", "--json").objects()
    assert (shown["content_mode"], shown["redact"], shown["retention_days"]) == (
        "metadata_only",
        ["email", "iban"],
        36000,
    )
    assert "email, iban" in filled("projects", "set").out
    for wrong in (
        ("content_mode", "little"),
        ("redact", "names"),
        ("retention_days", "0"),
        ("retention_days", "a week"),
    ):
        assert filled("projects", "set", *wrong).code == 2
    for name in ("content_mode", "redact", "retention_days"):
        filled("projects", "set", name, "default")
    (shown,) = filled("projects", "--json").objects()
    assert (shown["content_mode"], shown["redact"], shown["retention_days"]) == ("full", [], None)


@pytest.mark.parametrize(("key", "value"), [("content_mode", "metadata_only"), ("redact", "on")])
def test_an_import_stores_only_what_the_project_keeps(cli: Cli, tmp_path: Path, key: str, value: str) -> None:
    cli("projects", "create", "default")
    cli("projects", "set", key, value)
    text = write_events(tmp_path / "events.jsonl").read_text().replace("refund please", "zqsecret zq@forget.example")
    (tmp_path / "events.jsonl").write_text(text)
    assert cli("import", str(tmp_path / "events.jsonl")).code == 0
    held = store_bytes(tmp_path / "home")
    assert b"zq@forget.example" not in held
    assert (b"zqsecret" in held) == (key == "redact")
    sessions = cli("sessions", "--json").objects()
    assert len(sessions) == 3 and sessions[0]["cost_usd"] is not None
    # Another rule reads the files again, so that what was withheld comes when it is wanted after all.
    cli("projects", "set", key, "default")
    assert cli("import", str(tmp_path / "events.jsonl")).code == 0
    assert len(cli("sessions", "zqsecret", "--ids").out.split()) == 3


def test_deleting_a_user_needs_a_yes(filled: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refused = filled("forget", "user", "ada")
    assert refused.code == 2
    assert "2 sessions" in refused.err and "cannot be undone" in refused.err and "--yes" in refused.err
    monkeypatch.setattr(errors, "can_ask", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert "Nothing was deleted" in filled("forget", "user", "ada").err
    assert len(filled("sessions", "--ids").out.split()) == 3
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    done = filled("forget", "user", "ada")
    assert done.code == 0 and "Deleted: 2 sessions, 6 events" in done.out
    assert len(filled("sessions", "--ids").out.split()) == 1
    assert filled("forget", "user", "nobody", "--yes").code == 2
    again = filled("import", str(tmp_path / "events.jsonl"))
    assert again.code == 0
    assert len(filled("sessions", "--ids").out.split()) == 1
    held = store_bytes(tmp_path / "home")
    assert b"refund please 1" not in held and b"refund please 3" in held
    assert filled("forget", "user", "ada", "--yes").code == 0


def test_deleting_a_session_and_what_is_too_old(filled: Cli) -> None:
    (gone,) = filled("forget", "session", "s3", "--yes", "--json").objects()
    assert (gone["sessions"], gone["events"], gone["left"]) == (1, 3, [])
    assert NASTY not in filled("sessions", "--json").out
    assert filled("forget", "session", "s3", "--yes").code == 2
    assert filled("forget", "expired", "--yes").code == 2
    said = filled("projects", "set", "retention_days", "1").err
    assert "2 sessions" in said
    assert json.loads(filled("forget", "expired", "--yes", "--json").out)["sessions"] == 2
    assert filled("sessions", "--ids").out == ""
    assert filled("forget", "expired").code == 0


def test_a_store_that_may_only_be_read_forgets_nothing(filled: Cli) -> None:
    assert filled("forget", "user", "ada", "--yes", "--read-only").code == 3
    assert filled("forget").code in (0, 2)
