"""Suggested filters on a real store: how many sessions have a feature, and how much more often than all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aa_tui.app import AAApp
from aa_tui.backend.service.workspace import Workspace
from aa_tui.screens.sessions import SessionsScreen
from tests.builders import session, workspace
from tests.driving import app_on, lines, until


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    """Twenty sessions: half by `billing`; refunds are 4 of billing's 10 and 1 of coder's."""
    made = workspace(tmp_path)
    for n in range(20):
        agent = "billing" if n < 10 else "coder"
        topic = "refunds" if n < 4 or n == 10 else "other"
        session(made, f"s-{n}", at=1_789_000_000_000 - n, agent=agent, topic=topic, user=f"u-{n % 2}", models=())
    yield Workspace(made.store, replace(made.project, sessions=20), made.actor, made.clock)
    made.store.close()


def columns(app: AAApp, feature: str) -> list[str]:
    (line,) = [line for line in lines(app) if feature in line and "│" in line]
    return re.split(r"\s{2,}", line.partition(feature)[2].partition("│")[0].strip())


async def test_a_feature_is_compared_with_all_sessions(ws: Workspace) -> None:
    app = app_on(ws, "sessions")
    async with app.run_test(size=(100, 24)) as pilot:
        await until(pilot, lambda app: "s-0" in "\n".join(lines(app)))
        await pilot.press("f")
        await until(pilot, lambda app: "Sessions like" in "\n".join(lines(app)))
        assert columns(app, "topic:refunds") == ["5", "25 %", "1.6 ×"]
        assert columns(app, "user:u-0") == ["10", "50 %", "1.0 ×"]
        assert columns(app, "agent:billing") == ["10", "50 %"]
        assert "times as often with billing" in "\n".join(lines(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda app: "5 of 20" in "\n".join(lines(app)))
        assert isinstance(app.screen, SessionsScreen) and str(app.screen.address()) == "sessions?topics=refunds"
        await pilot.press("f")
        await until(pilot, lambda app: "Sessions like" in "\n".join(lines(app)))
        assert "topic:refunds" not in "\n".join(lines(app)).split("Sessions like")[1]
        assert columns(app, "agent:billing") == ["10", "50 %", "1.6 ×"]
        assert "times as often in this list" in "\n".join(lines(app))
