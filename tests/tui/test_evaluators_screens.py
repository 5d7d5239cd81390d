"""Evaluators on the screen: list, versions, editor and trials, on a small store and a loopback model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from aa_tui.app import AAApp
from aa_tui.backend.model.evaluator import Definition
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.workspace import Workspace
from aa_tui.screens.evaluators.editor import EditorScreen
from tests.builders import workspace as fresh
from tests.driving import app_on, lines, settle, until
from tests.engine.model_server import HANG, ModelServer
from tests.scoring_kit import THANKS, choice, conversations

SAID = {"detected": True, "rationale": "The user said so.", "evidence": [{"quote": THANKS, "turn": 3}]}
NASTY = "x\x1b]52;c;eA==\x07[/red]‮gnp"


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    made = fresh(tmp_path)
    conversations(made, 4)
    yield made
    made.store.close()


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(answer=SAID) as running:
        yield running


def starter(ws: Workspace, name: str) -> Definition:
    return next(one.definition for one in ws.evaluators.templates() if one.id == name)


def shown(app: AAApp) -> str:
    return "\n".join(lines(app))


async def press(pilot: Pilot[Any], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
    await settle(pilot)


async def type_line(pilot: Pilot[Any], text: str) -> None:
    """Replace what stands in the open line and press enter."""
    box: Any = None
    await until(pilot, lambda app: hasattr(app.focused, "value"))
    box = pilot.app.focused
    box.value = text
    await press(pilot, "enter")


def editor(app: AAApp) -> EditorScreen:
    assert isinstance(app.screen, EditorScreen)
    return app.screen


# --- the list ------------------------------------------------------------------------------------------------------


async def test_an_empty_list_teaches_and_leads_on(ws: Workspace) -> None:
    app = app_on(ws, "evaluators")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "Start with binary, it calibrates best" in shown(app)
        await press(pilot, "n")
        await until(pilot, lambda app: "Starters, meant to be changed" in shown(app))
        await press(pilot, "escape", "m")
        await until(pilot, lambda app: "Where texts go" in shown(app))


async def test_activating_is_one_key_and_one_key_takes_it_back(ws: Workspace) -> None:
    ws.evaluators.create("tone", starter(ws, "tone"))
    app = app_on(ws, "evaluators")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "○ inactive" in shown(app)
        await press(pilot, "A")
        assert "● active" in shown(app) and "tone is active but waits" in shown(app)
        assert ws.evaluators.get("tone").row.state == "active"
        await press(pilot, "z")
        assert "○ inactive" in shown(app)
        assert ws.evaluators.get("tone").row.state == "inactive"


async def test_a_key_that_one_may_not_use_names_the_permission(ws: Workspace) -> None:
    ws.evaluators.create("tone", starter(ws, "tone"))
    ws.actor = Actor("bob", "member")
    app = app_on(ws, "evaluators")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "A")
        assert "bob (member) lacks the permission “Activate Evals”" in shown(app)
        assert ws.evaluators.get("tone").row.state == "inactive"


async def test_archived_ones_leave_the_list_until_they_are_asked_for(ws: Workspace) -> None:
    ws.evaluators.create("tone", starter(ws, "tone"))
    app = app_on(ws, "evaluators")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "x")
        assert "No evaluator yet" in shown(app)
        await press(pilot, "v")
        assert "– archived" in shown(app) and str(app.screen.address()) == "evaluators?archived=1"  # type: ignore[attr-defined]
        await press(pilot, "x")
        assert "○ inactive" in shown(app)


async def test_names_from_outside_are_only_drawn(ws: Workspace) -> None:
    ws.evaluators.create(NASTY, replace(starter(ws, "tone"), prompt=NASTY * 3))
    app = app_on(ws, "evaluators")
    async with app.run_test(size=(160, 48)) as pilot:
        for keys in ((), ("enter",), ("e",), ("p",)):
            await settle(pilot)
            await press(pilot, *keys)
            assert not {"\x1b", "\x07", "‮"} & set(shown(app)), keys
            assert "[/red]" in shown(app), keys


# --- one evaluator -------------------------------------------------------------------------------------------------


async def test_versions_stand_side_by_side_and_going_back_leads_back(ws: Workspace) -> None:
    before = starter(ws, "tone")
    ws.evaluators.create("tone", before)
    ws.evaluators.activate("tone")
    ws.evaluators.save("tone", replace(before, prompt=before.prompt.replace("fitting", "apt")))
    app = app_on(ws, "evaluators/tone")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "v2   draft" in shown(app) and "v1   scores" in shown(app)
        await press(pilot, "equals_sign")
        assert "- How fitting was the agent's tone" in shown(app) and "+ How apt was the agent's tone" in shown(app)
        assert str(app.screen.address()) == "evaluators/tone?diff=1..2"  # type: ignore[attr-defined]
        await press(pilot, "minus")
        assert "Versions, newest first" in shown(app)
        await press(pilot, "P")
        assert ws.evaluators.get("tone").row.version == 2
        await press(pilot, "z")
        row = ws.evaluators.get("tone").row
        assert (row.version, row.draft) == (1, 2)


async def test_an_evaluator_that_is_not_there_is_said_so(ws: Workspace) -> None:
    app = app_on(ws, "evaluators/nobody")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "There is no evaluator “nobody”" in shown(app)


# --- the editor ----------------------------------------------------------------------------------------------------


async def test_what_is_wrong_stands_beside_it_while_one_writes(ws: Workspace) -> None:
    ws.evaluators.create("tone", starter(ws, "tone"))
    app = app_on(ws, "evaluators/tone/edit")
    async with app.run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        assert "start with binary" in shown(app)
        await press(
            pilot, "p", *"Look ", "left_curly_bracket", "left_curly_bracket", *"foo", *["right_curly_bracket"] * 2
        )
        await until(pilot, lambda app: "there is no variable {{foo}}" in shown(app))
        assert "1 to put right" in shown(app)
        await press(pilot, "escape", "s")
        assert "save: prompt: there is no variable" in shown(app)
        assert len(ws.evaluators.get("tone").versions) == 1
        await press(pilot, "z")
        await until(pilot, lambda app: "{{foo}}" not in shown(app))
        assert editor(app).draft.definition == starter(ws, "tone")


async def test_a_new_one_is_written_saved_and_taken_back(ws: Workspace) -> None:
    app = app_on(ws, "evaluators?new=empty")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "the prompt is empty" in shown(app)
        await press(pilot, "enter")
        await type_line(pilot, "polite")
        await press(pilot, "p", *"Was the agent polite throughout?", "escape")
        await until(pilot, lambda app: "the prompt is empty" not in shown(app))
        await press(pilot, "s")
        await until(pilot, lambda app: "Saved, inactive." in shown(app))
        found = ws.evaluators.get("polite")
        assert found.row.state == "inactive" and found.definition is not None
        assert found.definition.prompt == "Was the agent polite throughout?"
        assert str(editor(app).address()) == "evaluators/polite/edit"
        assert app.remembered.drafts == {}
        await press(pilot, "z")
        assert ws.evaluators.list() == []
        assert editor(app).draft.name == "polite", "what was typed is still there"


async def test_what_was_typed_is_there_again_whatever_happened(ws: Workspace) -> None:
    ws.evaluators.create("tone", starter(ws, "tone"))
    app = app_on(ws, "evaluators/tone/edit")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "p", *"Mind this. ")
        await press(pilot, "escape", "2")
        # Somebody changes a setting: every other place starts anew.
        Workspace(ws.store, ws.project, ws.actor, ws.clock).judges.set(choice("http://127.0.0.1:9/v1"))
        await app.take_changes()
        assert not [screen for screen in app._screens.values() if isinstance(screen, EditorScreen)]
        await press(pilot, "minus")
        await until(pilot, lambda app: "This is what you typed before" in shown(app))
        assert editor(app).draft.definition.prompt.startswith("Mind this. How fitting")
        await press(pilot, "X")
        assert editor(app).draft.definition == starter(ws, "tone")
        await press(pilot, "z")
        assert editor(app).draft.definition.prompt.startswith("Mind this. ")
    again = app_on(ws, "evaluators/tone/edit")
    again.remembered.drafts.update(app.remembered.drafts)
    async with again.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert editor(again).draft.definition.prompt.startswith("Mind this. ")


async def test_what_somebody_else_saved_meanwhile_is_not_written_over_unseen(ws: Workspace) -> None:
    ws.evaluators.create("tone", starter(ws, "tone"))
    app = app_on(ws, "evaluators/tone/edit")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "p", *"Mine. ", "escape")
        ws.evaluators.set_sampling("tone", 0.5)
        await press(pilot, "s")
        await until(pilot, lambda app: "What you typed is still here" in "".join(app.messages))
        assert len(ws.evaluators.get("tone").versions) == 1
        await press(pilot, "s")
        await until(pilot, lambda app: "Saved as v2" in shown(app))


async def test_labels_are_added_described_and_removed(ws: Workspace) -> None:
    app = app_on(ws, "evaluators?new=labels")
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for name in ("refund = money back", "question = wants to know", "other = all else"):
            editor(app).open_field("label:+")
            await type_line(pilot, name)
        definition = editor(app).draft.definition
        assert [(one.label, one.description) for one in definition.labels] == [
            ("refund", "money back"), ("question", "wants to know"), ("other", "all else"),
        ]  # fmt: skip
        await until(pilot, lambda app: '"refund" has no example' in shown(app))
        editor(app)._form.go_to("label:1")
        await press(pilot, "x")
        assert editor(app).draft.definition.label_names == ("refund", "other")
        await press(pilot, "z")
        assert editor(app).draft.definition.label_names == ("refund", "question", "other")


# --- trials --------------------------------------------------------------------------------------------------------


async def test_a_trial_says_what_it_takes_then_shows_all_that_a_verdict_rests_on(
    ws: Workspace, server: ModelServer
) -> None:
    ws.judges.set(choice(server.base_url))
    ws.evaluators.create("grounded", starter(ws, "groundedness"))
    app = app_on(ws, "evaluators/grounded/edit")
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "T")
        await until(pilot, lambda app: "3 calls, local, free" in shown(app))
        assert "on this machine" in shown(app) and server.calls == 0
        await press(pilot, "R")
        await until(pilot, lambda app: "3 sessions judged. Nothing was saved." in shown(app))
        assert server.calls == 3
        assert shown(app).count("✓ pass") == 3 and f"“{THANKS}”" in shown(app) and "The user said so." in shown(app)
        await press(pilot, "j", "enter")
        assert "the prompt as it was sent" in shown(app)
        await press(pilot, "G")
        assert "what the judge wrote" in editor(app).trial_page.plain
        assert len(ws.evaluators.get("grounded").versions) == 1


async def test_a_trial_elsewhere_asks_before_text_leaves(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdef")
    definition = replace(starter(ws, "groundedness"), model=None)
    ws.evaluators.create("grounded", definition)
    from aa_tui.backend.model.evaluator import ModelChoice

    ws.judges.set(ModelChoice("openai", "gpt-4o-mini"))
    app = app_on(ws, "evaluators/grounded/try")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda app: "tokens, $" in shown(app))
        assert "at most $" in shown(app)
        await press(pilot, "R")
        await until(pilot, lambda app: "Texts go to OpenAI gpt-4o-mini" in shown(app))
        await press(pilot, "enter")
        assert editor(app).trial.results == [] and not editor(app).judging, "the first answer is the safe one"


async def test_a_trial_that_hangs_is_cancelled_by_a_key(ws: Workspace, server: ModelServer) -> None:
    server.always(HANG)
    ws.judges.set(choice(server.base_url))
    ws.evaluators.create("grounded", starter(ws, "groundedness"))
    app = app_on(ws, "evaluators/grounded/try")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda app: "3 calls" in shown(app))
        await pilot.press("R")
        await until(pilot, lambda app: server.in_flight == 3 and "judging 0 of 3" in shown(app))
        await pilot.press("C")
        await until(pilot, lambda app: "Stopped" in shown(app), 10)
        assert not editor(app).judging


async def test_patterns_are_tried_without_any_model(ws: Workspace) -> None:
    ws.evaluators.create("pii", starter(ws, "pii_in_answer"))
    app = app_on(ws, "evaluators/pii/try")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda app: "no call, free" in shown(app))
        await press(pilot, "R")
        await until(pilot, lambda app: "by code, free" in shown(app))
