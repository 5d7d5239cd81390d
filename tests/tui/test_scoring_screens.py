"""Model scoring on the screen: consent, bounds, the judge with its key and check, backfill; a loopback model."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from aa_tui.app import AAApp
from aa_tui.backend.judging.providers import keys
from aa_tui.backend.model.evaluator import ModelChoice
from aa_tui.backend.model.scoring import Cap, ModelUse
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.workspace import Workspace
from aa_tui.host.scoring_child import ScoringChild
from aa_tui.screens.scoring.judge import JudgeScreen
from tests.builders import workspace as fresh
from tests.driving import app_on, line, lines, settle, until
from tests.engine.model_server import HANG, HTML, ModelServer, status
from tests.scoring_kit import batch_answer, choice, conversations

KEY = "sk-test-0123456789abcdef0123456789"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No keyring of this machine, and no process that scores beside the app."""
    monkeypatch.setattr(keys, "_keyring", lambda: None)
    monkeypatch.setattr(ScoringChild, "ensure", lambda self, url: None)


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    made = fresh(tmp_path)
    conversations(made, 6)
    yield made
    made.store.close()


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(answer=batch_answer) as running:
        yield running


def shown(app: AAApp) -> str:
    return "\n".join(lines(app))


async def press(pilot: Pilot[Any], *pressed: str) -> None:
    for key in pressed:
        await pilot.press(key)
    await settle(pilot)


async def type_line(pilot: Pilot[Any], text: str) -> None:
    await until(pilot, lambda app: hasattr(app.focused, "value"))
    box: Any = pilot.app.focused
    box.value = text
    await press(pilot, "enter")


def files_with(text: str) -> list[int]:
    """Return the modes of the files of this user's home that hold a text."""
    files = [path for path in Path(os.environ["AA_TUI_HOME"]).rglob("*") if path.is_file()]
    return [path.stat().st_mode & 0o777 for path in files if text in path.read_text(errors="replace")]


# --- consent -------------------------------------------------------------------------------------------------------


async def test_everything_is_shown_before_a_second_key_agrees(ws: Workspace, server: ModelServer) -> None:
    ws.judges.set(choice(server.base_url))
    app = app_on(ws, "scoring")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda app: "a session" in shown(app))
        await press(pilot, "A")
        page = shown(app)
        for words in (
            "OpenAI-compatible server, on this machine", server.base_url, "mock", "the messages of users and agents",
            "secret-shaped strings are masked", "p95", "6 sessions, in all local, free", "A agrees   esc keeps it off",
        ):  # fmt: skip
            assert words in page, words
        await press(pilot, "enter")
        assert ws.scoring.terms().consent is None, "the first answer is the safe one"
        await press(pilot, "A", "A")
        await until(pilot, lambda app: "on: sessions are scored when they close" in shown(app))
        consent = ws.scoring.terms().consent
        assert consent is not None and consent.by == "tester"
        await press(pilot, "A")
        await until(pilot, lambda app: "Off: no text leaves any more" in shown(app))
        assert ws.scoring.terms().consent is None
        assert server.calls == 0, "deciding calls no model"


async def test_who_may_not_agree_is_told_the_permission(ws: Workspace, server: ModelServer) -> None:
    ws.judges.set(choice(server.base_url))
    ws.actor = Actor("bob", "manager")
    app = app_on(ws, "scoring")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda app: "a session" in shown(app))
        await press(pilot, "A")
        assert "bob (manager) lacks the permission “Administer Project”" in shown(app)
        assert ws.scoring.terms().consent is None


async def test_bounds_and_signals_are_set_and_taken_back(ws: Workspace) -> None:
    app = app_on(ws, "scoring")
    async with app.run_test(size=(80, 40)) as pilot:
        await settle(pilot)
        page = app.screen.moved  # type: ignore[attr-defined]
        page.go_to("cap")
        await press(pilot, "enter")
        await type_line(pilot, "much")
        await until(pilot, lambda app: "“much” is no number" in shown(app))
        await type_line(pilot, "$2.50 1M")
        await until(pilot, lambda app: "$2.50 a day, or 1.0M tokens" in shown(app))
        assert ws.scoring.terms().cap == Cap(2_500_000_000, 1_000_000)
        await press(pilot, "z")
        await until(pilot, lambda app: "$1.00 a day" in shown(app))
        page = app.screen.moved  # type: ignore[attr-defined]
        page.go_to("signal:session_outcome")
        await press(pilot, "enter")
        await until(pilot, lambda app: "Session outcome is on from now on" in shown(app))
        page.go_to("signal:data_quality")
        await press(pilot, "enter")
        assert "computed by code" in shown(app)
        page.go_to("use")
        await press(pilot, "enter", "l")
        await until(pilot, lambda app: "models of this machine only" in shown(app))
        assert ws.scoring.terms().use is ModelUse.LOCAL


async def test_the_places_are_reached_by_name_from_anywhere(ws: Workspace) -> None:
    app = app_on(ws, "sessions")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for name, words in (("scoring", "Model scoring"), ("judge", "Judge: the model"), ("backfill", "What it takes")):
            await line(pilot, name)
            await until(pilot, lambda app, words=words: words in shown(app))  # type: ignore[misc]
            assert str(app.screen.address()) == name  # type: ignore[attr-defined]


# --- the judge -----------------------------------------------------------------------------------------------------


async def test_a_server_of_this_machine_is_offered_first_and_checked(
    ws: Workspace, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aa_tui.backend.judging.providers import local

    discover = local.discover
    monkeypatch.setattr(local, "discover", lambda timeout: discover(timeout, ((server.port, "vllm"),)))
    app = app_on(ws, "judge")
    async with app.run_test(size=(80, 40)) as pilot:
        await until(pilot, lambda app: server.base_url in shown(app))
        await press(pilot, "g", "enter")
        await until(pilot, lambda app: "Models of" in shown(app))
        await press(pilot, "enter")
        await until(pilot, lambda app: "not saved" in shown(app))
        await press(pilot, "C")
        await until(pilot, lambda app: "Check: it can judge" in shown(app))
        assert "local, free" in shown(app) and server.calls == 1
        assert ws.judges.choice() == (None, ""), "nothing is saved by checking"
        await press(pilot, "s")
        await until(pilot, lambda app: "the project's judge" in shown(app))
        assert ws.judges.choice()[0] == ModelChoice("vllm", "mock", server.base_url)
        await press(pilot, "z")
        await until(pilot, lambda app: "no judge yet" in shown(app) or "not saved" in shown(app))
        assert ws.judges.choice() == (None, "")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (status(401, "bad key"), "Make a new key"),
        (status(404, "no such model", code_name="model_not_found"), "Choose a model the provider lists"),
        (HTML, "Something else answers at this address"),
    ],
)
async def test_a_failing_check_says_what_to_do(ws: Workspace, server: ModelServer, fault: Any, words: str) -> None:
    server.always(fault)
    ws.judges.set(choice(server.base_url))
    app = app_on(ws, "judge")
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "C")
        await until(pilot, lambda app: "Check: it cannot judge yet" in shown(app))
        assert words in shown(app)


async def test_a_check_that_hangs_is_left_by_escape(ws: Workspace, server: ModelServer) -> None:
    server.always(HANG)
    ws.judges.set(choice(server.base_url))
    app = app_on(ws, "judge")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("C")
        await until(pilot, lambda app: server.in_flight == 1)
        await pilot.press("escape")
        await until(pilot, lambda app: "The check was stopped" in shown(app), 10)


async def test_a_key_is_never_shown_and_kept_for_its_owner_alone(ws: Workspace) -> None:
    ws.judges.set(ModelChoice("openai", "gpt-4o-mini"))
    app = app_on(ws, "judge")
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, lambda app: "✗ none; a types it" in shown(app))
        await pilot.press("a")
        await until(pilot, lambda app: hasattr(app.focused, "value"))
        for character in KEY:
            await pilot.press({"-": "minus"}.get(character, character))
        assert "*" * len(KEY) in shown(app) and KEY[:12] not in shown(app)
        await press(pilot, "enter")
        await until(pilot, lambda app: "● …6789" in shown(app))
        assert KEY not in shown(app) and not any(KEY in text for text in app.messages)
        assert KEY not in str(app.remembered)
        assert files_with(KEY) == [0o600]
        await press(pilot, "x")
        await until(pilot, lambda app: "The key is forgotten." in shown(app))
        # What is typed next in the same line is shown again.
        app.screen.moved.go_to("model")  # type: ignore[attr-defined]
        await press(pilot, "enter")
        await type_line(pilot, "gpt-x")
        assert "gpt-x" in shown(app)


async def test_a_choice_that_is_not_saved_waits_for_whoever_comes_back(ws: Workspace) -> None:
    app = app_on(ws, "judge")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert isinstance(app.screen, JudgeScreen)
        app.screen.change(ModelChoice("openai", "gpt-4o-mini", parameters=(("temperature", 0.5),)))
        await settle(pilot)
        await press(pilot, "2")
        # Somebody changes a setting: every other place starts anew.
        Workspace(ws.store, ws.project, ws.actor, ws.clock).scoring.set_cap(Cap(1, 1))
        await app.take_changes()
        assert not [screen for screen in app._screens.values() if isinstance(screen, JudgeScreen)]
        await press(pilot, "minus")
        await until(pilot, lambda app: "gpt-4o-mini" in shown(app))
        assert "temperature=0.5" in shown(app) and "not saved" in shown(app)


# --- backfill ------------------------------------------------------------------------------------------------------


def agree(ws: Workspace, server: ModelServer) -> None:
    ws.judges.set(choice(server.base_url))
    ws.scoring.turn_on(choice(server.base_url))


async def test_a_backfill_says_what_it_takes_and_how_far_it_is(ws: Workspace, server: ModelServer) -> None:
    agree(ws, server)
    server.latency_s = 1.0
    app = app_on(ws, "backfill?agents=support-bot")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda app: "6 sessions to score, 6 calls, local, free" in shown(app))
        assert server.calls == 0
        await pilot.press("R")
        await until(pilot, lambda app: app.scoring.under_way)
        await pilot.press("2")
        await until(pilot, lambda app: "backfill beginning" in lines(app)[-2], 30)
        await until(pilot, lambda app: not app.scoring.under_way, 30)
        await press(pilot, "minus")
        await until(pilot, lambda app: "6 scored, 0 failed" in shown(app))
        assert server.calls == 6
        await press(pilot, "r")
        await until(pilot, lambda app: "nothing: all of these are scored already" in shown(app))


async def test_a_backfill_is_stopped_by_a_key(ws: Workspace, server: ModelServer) -> None:
    agree(ws, server)
    server.always(HANG)
    app = app_on(ws, "backfill")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda app: "6 sessions to score" in shown(app))
        await pilot.press("R")
        await until(pilot, lambda app: server.in_flight > 0)
        await pilot.press("q")
        await until(pilot, lambda app: "A backfill is under way" in shown(app))
        await pilot.press("enter")
        await until(pilot, lambda app: "A backfill is under way" not in shown(app))
        await pilot.press("C")
        await until(pilot, lambda app: not app.scoring.under_way, 10)
        assert "stopped" in " ".join(app.messages)


async def test_without_consent_nothing_starts(ws: Workspace, server: ModelServer) -> None:
    ws.judges.set(choice(server.base_url))
    app = app_on(ws, "backfill")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda app: ":scoring asks" in shown(app))
        await press(pilot, "R")
        assert "nobody agreed" in shown(app) and not app.scoring.under_way and server.calls == 0


async def test_the_budget_is_part_of_the_address(ws: Workspace, server: ModelServer) -> None:
    agree(ws, server)
    app = app_on(ws, "backfill")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        app.screen.moved.go_to("budget")  # type: ignore[attr-defined]
        await press(pilot, "enter")
        await type_line(pilot, "$0.50 20k")
        assert "at most $0.500 and 20,000 tokens" in shown(app)
        assert str(app.screen.address()) == "backfill?cost=0.5&tokens=20000"  # type: ignore[attr-defined]


# --- the mark ------------------------------------------------------------------------------------------------------


async def test_scoring_that_is_paused_is_marked_in_every_place(ws: Workspace, server: ModelServer) -> None:
    agree(ws, server)
    conversations(ws, 3, first=6)
    server.always(status(401, "bad key"))
    await asyncio.to_thread(ws.scoring.run_pending)
    assert ws.scoring.status().paused
    app = app_on(ws, "sessions")
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda app: "▲ scoring paused" in lines(app)[-2])
        await press(pilot, "1")
        await until(pilot, lambda app: "▲ scoring paused" in lines(app)[-2])
