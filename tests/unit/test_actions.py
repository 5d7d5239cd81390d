"""The registry of actions: sane in itself, its keys without collisions, its documented table current."""

from __future__ import annotations

from pathlib import Path

import pytest

from aa_tui import actions
from aa_tui.actions import ACTIONS, CHAINS

_TAKEN = {"ctrl+j", "ctrl+m", "ctrl+i", "ctrl+h", "ctrl+a", "ctrl+b", "ctrl+s", "ctrl+q"}
"""Keys that terminals, multiplexers and line discipline keep for themselves."""


def test_ids_are_unique_and_live_in_their_scope() -> None:
    ids = [action.id for action in ACTIONS]
    assert len(ids) == len(set(ids))
    for action in ACTIONS:
        assert action.id.count(".") == 1
        assert any(action.scope in chain for chain in CHAINS.values()), action.id


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_says_what_it_does(action: actions.Action) -> None:
    assert action.title and len(action.title) <= 20
    assert action.help.endswith(".") and len(action.help) > 10
    assert not action.spends or action.title.endswith("…")


def test_no_two_actions_of_a_scope_share_a_key() -> None:
    assert actions.clashes() == []


def test_no_default_key_is_taken_or_needs_altgr_alone() -> None:
    for action in ACTIONS:
        assert not set(action.keys) & _TAKEN, action.id
        for key in action.keys[:1]:
            assert key == "shift+tab" or not key.startswith(("f1", "f2", "shift+")), action.id


def test_a_nearer_scope_takes_a_key_from_a_farther_one() -> None:
    for scope in CHAINS:
        keys = [key for action in actions.actions_for(scope) for key in action.keys]
        assert len(keys) == len(set(keys)), scope


def test_help_is_reachable_in_every_place() -> None:
    for scope in CHAINS:
        helped = next(action for action in actions.actions_for(scope) if action.id == "app.help")
        assert helped.keys == ("question_mark",)


def test_keymap_replaces_reports_and_restores() -> None:
    problems = actions.apply_keymap({"sessions.sort": "/", "sessions.sorted": "q", "app.quit": ["ctrl+x"]})
    assert any("sessions.filter" in line and "sessions.sort" in line for line in problems)
    assert any("did you mean sessions.sort" in line for line in problems)
    assert actions.find("app.quit").keys == ("ctrl+x",)
    assert actions.find("sessions.sort").keys == ("slash",)
    assert actions.apply_keymap({}) == []
    assert actions.find("app.quit").keys == ("q",)


def test_documented_key_table_is_current() -> None:
    document = Path(__file__).resolve().parents[2] / "docs" / "keys.md"
    assert actions.reference_table().strip() in document.read_text(encoding="utf-8")


def test_a_key_of_ones_own_that_hides_one_that_works_everywhere_is_reported() -> None:
    try:
        (line,) = actions.apply_keymap({"sessions.filter": "q"})
        assert "sessions.filter" in line and "app.quit" in line
    finally:
        assert actions.apply_keymap({}) == []
