"""`evaluators` and `judge` on the command line: data, files, yes before spending, exit codes, hostile text."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.judging.providers import keys
from aa_tui.cli import errors
from tests.doors.test_cli import NASTY, Cli, cli, filled
from tests.engine.model_server import HTML, ModelServer, status

__all__ = ["cli", "filled"]

SAID = {"detected": True, "rationale": "It says so.", "evidence": [{"quote": "on its way", "turn": 3}]}
QUESTION = """\
name = "on_its_way"
output_type = "binary"
prompt = "Did the agent say that something is on its way?"

[[labels]]
label = "true"
description = "it did"

[[labels]]
label = "false"
description = "it did not"

[passing]
value = true
"""
CODE = 'name = "refund_asked"\noutput_type = "binary"\nmethod = "regex"\npatterns = [{ pattern = "refund" }]\n'
KEY = "sk-test-0123456789abcdef0123456789"


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_keyring", lambda: None)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(answer=SAID) as running:
        yield running


@pytest.fixture
def question(tmp_path: Path) -> str:
    file = tmp_path / "question.toml"
    file.write_text(QUESTION)
    return str(file)


@pytest.fixture
def closed(filled: Cli) -> Cli:
    """Sessions are old enough to be closed, as the import decides."""
    assert {one["state"] for one in filled("sessions", "--json").objects()} == {"closed"}
    return filled


def one(shown: Any) -> dict[str, Any]:
    assert shown.code == 0, shown.err
    (found,) = shown.objects()
    assert isinstance(found, dict)
    return found


# --- defining ------------------------------------------------------------------------------------------------------


def test_an_evaluator_goes_from_a_file_to_the_archive(cli: Cli, question: str, tmp_path: Path) -> None:
    assert cli("evaluators", "import", question).out == "Created “on_its_way”, inactive.\n"
    row = one(cli("evaluators", "list", "--json"))
    assert (row["name"], row["state"], row["version"], row["pass_rate"], row["n"]) == (
        "on_its_way", "inactive", 1, None, 0,
    )  # fmt: skip
    assert one(cli("evaluators", "activate", "on_its_way", "--yes", "--json"))["state"] == "active"
    edited = tmp_path / "edited.toml"
    edited.write_text(QUESTION.replace("something", "the parcel"))
    said = cli("evaluators", "edit", "on_its_way", "--file", str(edited))
    assert said.out.startswith("Saved draft v2. v1 keeps scoring")
    assert cli("evaluators", "diff", "on_its_way").out == (
        "prompt:\n  - Did the agent say that something is on its way?\n"
        "  + Did the agent say that the parcel is on its way?\n"
    )
    assert cli("evaluators", "promote", "on_its_way").out == "v2 it is from now on.\n"
    assert one(cli("evaluators", "deactivate", "on_its_way", "--json"))["state"] == "inactive"
    assert one(cli("evaluators", "set", "on_its_way", "--agents", "a,b", "--sampling", "0.5", "--json"))["agents"] == [
        "a", "b",
    ]  # fmt: skip
    assert cli("evaluators", "archive", "on_its_way").code == 0
    assert cli("evaluators", "list", "--json").objects() == []
    assert one(cli("evaluators", "list", "--archived", "--json"))["state"] == "archived"


def test_what_is_exported_can_be_imported(cli: Cli, question: str, tmp_path: Path) -> None:
    cli("evaluators", "import", question)
    for options in ((), ("--json",)):
        shown = cli("evaluators", "export", "on_its_way", *options)
        again = tmp_path / "again"
        again.write_text(shown.out)
        said = cli("evaluators", "import", str(again))
        assert (said.code, said.out) == (0, "“on_its_way”: version v1.\n"), "the same again is no new version"


def test_templates_are_listed_printed_and_good_to_import(cli: Cli, tmp_path: Path) -> None:
    listed = cli("evaluators", "templates", "--json").objects()
    assert len(listed) >= 8
    for template in listed:
        file = tmp_path / "starter.toml"
        file.write_text(cli("evaluators", "templates", template["id"]).out)
        assert cli("evaluators", "validate", str(file)).code == 0
        assert cli("evaluators", "create", template["id"] + "-2", "--template", template["id"]).code == 0
    assert len(cli("evaluators", "list", "--json").objects()) == len(listed)
    assert "There are: " in cli("evaluators", "templates", "nothing").err


def test_validate_says_what_is_wrong_and_how_serious_it_is(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('output_type = "classification"\nprompt = "Which {{colour}} did it have?"\n')
    shown = cli("evaluators", "validate", str(file), "--json")
    assert shown.code == errors.USAGE
    found = {(one["field"], one["severity"]) for one in shown.objects()}
    assert {("labels", "error"), ("prompt", "error")} <= found
    assert cli("evaluators", "create", "x", "--file", str(file)).code == errors.USAGE
    assert cli("evaluators", "validate", str(tmp_path / "missing")).code == errors.USAGE


def test_a_definition_comes_through_a_pipe(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(CODE))
    assert cli("evaluators", "create", "refund_asked", "--file", "-").code == 0
    shown = one(cli("evaluators", "show", "refund_asked", "--json"))
    assert shown["definition"]["patterns"][0]["pattern"] == "refund" and shown["method"] == "regex"


def test_without_a_terminal_nobody_is_asked(cli: Cli, question: str) -> None:
    cli("evaluators", "import", question)
    for words in (("edit", "on_its_way"), ("create", "new")):
        shown = cli("evaluators", *words)
        assert shown.code == errors.USAGE and "no terminal" in shown.err, words
    waiting = cli("evaluators", "activate", "on_its_way")
    assert waiting.code == 0 and "No model is chosen" in waiting.err, "nothing can be spent yet"


def test_activating_says_what_it_will_spend(closed: Cli, question: str, server: ModelServer) -> None:
    closed("evaluators", "import", question)
    closed("judge", "set", "compatible", "mock", "--base-url", server.base_url)
    refused = closed("evaluators", "activate", "on_its_way")
    assert refused.code == errors.USAGE and "--yes" in refused.err
    assert "local, free for each" in refused.err and "$1.00 a day" in refused.err and "waits as long as" in refused.err
    assert closed("evaluators", "activate", "on_its_way", "--yes").code == 0
    assert server.calls == 0


def test_evaluators_of_the_outside_cannot_drive_the_terminal(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "nasty.json"
    document = {"name": f"n{NASTY}", "output_type": "binary", "prompt": f"Did it? {NASTY}\nReally?"}
    file.write_text(json.dumps(document))
    for words in (
        ("import", str(file)),
        ("list",),
        ("show", f"n{NASTY}"),
        ("export", f"n{NASTY}"),
        ("export", f"n{NASTY}", "--json"),
    ):
        shown = cli("evaluators", *words)
        assert shown.code == 0, shown.err
        assert not any(char in shown.out + shown.err for char in "\x1b\x07\u202e"), words


# --- trying --------------------------------------------------------------------------------------------------------


def test_code_is_tried_for_free_and_without_a_yes(closed: Cli, tmp_path: Path) -> None:
    file = tmp_path / "code.toml"
    file.write_text(CODE)
    found = closed("evaluators", "try", str(file), "--json").objects()
    assert len(found) == 3 and all(one["value"] is True and one["local"] and one["calls"] == 0 for one in found)
    assert all(one["evidence"][0]["verified"] for one in found)
    assert closed("evaluators", "list", "--json").objects() == []


def test_a_model_is_tried_after_a_yes_only(closed: Cli, question: str, server: ModelServer) -> None:
    assert closed("judge", "set", "compatible", "mock", "--base-url", server.base_url).code == 0
    refused = closed("evaluators", "try", question, "--session", "s1")
    assert refused.code == errors.USAGE and "Add --yes" in refused.err and server.calls == 0
    assert "1 call, " in refused.err and "local, free" in refused.err and server.base_url in refused.err
    tried = one(closed("evaluators", "try", question, "--session", "s1", "--yes", "--full", "--json"))
    assert (tried["value"], tried["passed"], tried["error"], tried["calls"]) == (True, True, None, 1)
    assert tried["evidence"] == [{"quote": "on its way", "turn": 3, "found": 3, "verified": True}]
    assert "on its way?" in tried["prompt"] and json.loads(tried["raw_reply"]) == SAID and server.calls == 1
    shown = closed("evaluators", "try", question, "--session", "s1", "--max-cost", "0.01")
    assert shown.code == 0 and "s1  True  pass" in shown.out and "“on its way” [turn 3]" in shown.out


def test_a_budget_that_is_too_small_or_cannot_bound_is_refused(closed: Cli, question: str) -> None:
    closed("judge", "set", "compatible", "m", "--base-url", "https://models.example.com/v1")
    unknown = closed("evaluators", "try", question, "--session", "s1", "--max-cost", "5")
    assert unknown.code == errors.USAGE and "price unknown" in unknown.err and "cannot bound" in unknown.err
    set_ = ("judge", "set", "compatible", "m", "--base-url", "https://models.example.com/v1")
    closed(*set_, "--input-price", "1000", "--output-price", "1000")
    small = closed("evaluators", "try", question, "--session", "s1", "--max-cost", "0.01")
    assert small.code == errors.USAGE and "more than --max-cost" in small.err
    assert closed("evaluators", "try", question, "--session", "s1", "--max-cost", "much").code == errors.USAGE


def test_a_road_that_fails_ends_with_4(closed: Cli, question: str, server: ModelServer) -> None:
    closed("judge", "set", "compatible", "mock", "--base-url", server.base_url)
    server.always(status(401, "Incorrect API key provided"))
    failed = closed("evaluators", "try", question, "--session", "s1", "--yes")
    assert failed.code == errors.PROVIDER and "no verdict: auth" in failed.out


# --- the judge -----------------------------------------------------------------------------------------------------


def test_the_judge_is_shown_set_and_taken_back(cli: Cli) -> None:
    assert cli("judge", "show").code == errors.USAGE, "looking makes no store"
    shown = one(
        cli(
            "judge", "set", "compatible", "m", "--base-url", "http://127.0.0.1:9/v1", "--parameter", "temperature=0.2",
            "--window", "8000", "--concurrency", "4", "--json",
        )
    )  # fmt: skip
    assert shown["choice"] == {
        "provider": "compatible", "model": "m", "base_url": "http://127.0.0.1:9/v1",
        "parameters": {"temperature": 0.2}, "window": 8000, "concurrency": 4,
    }  # fmt: skip
    assert (shown["local"], shown["problem"], shown["origin"]) == (True, None, "project")
    assert "this machine, free" in cli("judge", "show").out
    assert one(cli("judge", "use", "off", "--json"))["problem"] == "This project uses no models."
    assert one(cli("judge", "use", "on", "--json"))["problem"] is None
    assert one(cli("judge", "set", "none", "--json"))["provider"] is None
    for wrong in (("set", "nobody", "m"), ("set", "compatible", "m"), ("set", "ollama"), ("use", "sometimes")):
        assert cli("judge", *wrong).code == errors.USAGE, wrong


def test_a_key_comes_through_a_pipe_and_is_never_shown(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(KEY + "\n"))
    kept = cli("judge", "key", "set", "openai")
    assert kept.code == 0 and "Kept: " in kept.err
    listed = cli("judge", "providers", "--json")
    openai = next(row for row in listed.objects() if row["id"] == "openai")
    assert openai["key"]["source"].endswith("keys.toml")
    shown = cli("judge", "providers")
    assert not (keys.key_file().parent.parent / "data").exists(), "keys need no store"
    assert KEY not in kept.out + kept.err + listed.out + shown.out
    assert "forgotten" in cli("judge", "key", "forget", "openai").err
    assert "None was kept" in cli("judge", "key", "forget", "openai").err
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    assert cli("judge", "key", "set", "openai").code == errors.USAGE


def test_a_check_ends_with_4_where_the_model_cannot_judge(cli: Cli, server: ModelServer) -> None:
    words = ("judge", "check", "compatible", "mock", "--base-url", server.base_url, "--json")
    assert one(cli(*words))["ok"] is True and server.calls == 1
    server.always(HTML)
    failed = cli(*words)
    assert failed.code == errors.PROVIDER and failed.objects()[0]["ok"] is False
    assert cli("judge", "check").code == errors.USAGE


def test_a_check_elsewhere_needs_a_yes(cli: Cli) -> None:
    refused = cli("judge", "check", "openai", "gpt-4o-mini")
    assert refused.code == errors.USAGE and "--yes" in refused.err and "1 call" in refused.err
