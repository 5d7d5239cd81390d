"""Pictures of every screen in its states, of each popup and of each theme, on the small sample with a frozen clock.

After a wanted change: `pytest tests/snapshots --snapshot-update`, then look at each changed picture before keeping it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from aa_tui.app import AAApp
from aa_tui.backend.model.filter import Sort, parse_filter
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService, open_workspace
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.clock import FrozenClock
from aa_tui.backend.support.errors import StoreError
from tests.conftest import SAMPLE_NOW_MS
from tests.driving import app_on, lines, settle

NORMAL, NARROW, WIDE, TINY = (80, 24), (60, 20), (160, 48), (38, 10)
MONITOR, SESSIONS = "monitor", "sessions"
SEARCH = "sessions?q=refund"
NOTHING = "sessions?agents=support-bot&since=7d&q=xylophone"
SESSION = "session/{key}"
ON_MONITOR = "monitor?since=90d"


@dataclass(frozen=True)
class Case:
    """One picture: where the app is, how large, on what, and what was pressed before."""

    name: str
    address: str
    keys: tuple[str, ...] = ()
    size: tuple[int, int] = NORMAL
    on: str = "sample"
    theme: str = "dark"
    ascii: bool = False


def typed(text: str) -> tuple[str, ...]:
    """Return the keys that type a text."""
    names = {" ": "space", ":": "colon", "/": "slash", "-": "minus", "=": "equals_sign", "<": "less_than_sign"}
    return tuple(names.get(character, character) for character in text)


STATES = (
    Case("monitor", ON_MONITOR),
    Case("monitor-table", ON_MONITOR, ("right_square_bracket", "down")),
    Case("monitor-bucket", ON_MONITOR, ("left", "left")),
    Case("monitor-grouped", f"{ON_MONITOR}&by=agent"),
    Case("monitor-one-agent", f"{ON_MONITOR}&agents=support-bot"),
    Case("monitor-nothing", "monitor?since=7d&agents=nobody"),
    Case("monitor-empty", MONITOR, on="empty"),
    Case("monitor-failing", MONITOR, on="failing"),
    Case("monitor-filter", ON_MONITOR, ("slash", *typed("agent:"))),
    Case("monitor-note", ON_MONITOR, ("N", *typed("new release"))),
    Case("sessions", SESSIONS),
    Case("sessions-read-only", SESSIONS, on="read-only"),
    Case("sessions-search", SEARCH),
    Case("sessions-marked", SESSIONS, ("space", "space", "down", "space")),
    Case("sessions-filter", SESSIONS, ("slash", *typed("model:"))),
    Case("sessions-filter-wrong", SESSIONS, ("slash", *typed("agnt:x"), "enter")),
    Case("sessions-sorted", "sessions?sort=-cost"),
    Case("sessions-nothing", NOTHING),
    Case("sessions-empty", SESSIONS, on="empty"),
    Case("sessions-failing", SESSIONS, on="failing"),
    Case("session-thread", SESSION),
    Case("session-unfolded", SESSION, ("e", "o")),
    Case("session-last-answer", SESSION, ("a",)),
    Case("session-outline", SESSION, ("O", "down")),
    Case("session-search", SESSION, ("slash", *typed("order"), "enter")),
    Case("session-info", SESSION + "/info"),
    Case("session-turns", SESSION + "/turns"),
    Case("session-turns-step", SESSION + "/turns", ("down", "down", "o")),
    Case("session-evaluators", SESSION + "/evaluators"),
    Case("session-review", SESSION + "/review"),
    Case("session-review-answered", "session/{answered}/review"),
    Case("session-coding", "session/{coding}"),
    Case("session-from-a-search", SEARCH, ("enter",)),
    Case("session-unknown", "session/no-such-session"),
    Case("evaluators", "evaluators"),
    Case("runs", "runs"),
    Case("datasets", "datasets"),
    Case("cohorts", "cohorts"),
    Case("too-small", SESSIONS, size=TINY),
)
POPUPS = (
    Case("help-monitor", ON_MONITOR, ("question_mark",)),
    Case("help-sessions", SESSIONS, ("question_mark",)),
    Case("help-session", SESSION, ("question_mark",)),
    Case("help-searched", SESSIONS, ("question_mark", *typed("copy"))),
    Case("palette", SESSIONS, ("ctrl+p",)),
    Case("palette-searched", SESSIONS, ("ctrl+p", *typed("theme"))),
    Case("command-line", SESSIONS, ("colon", *typed("so"))),
    Case("sort", SESSIONS, ("s",)),
    Case("copy-sessions", SESSIONS, ("y",)),
    Case("copy-session", SESSION, ("y",)),
    Case("similar", SESSIONS, ("f",)),
    Case("import", SESSIONS, ("I",)),
    Case("time", ON_MONITOR, ("t",)),
    Case("group-by", ON_MONITOR, ("g",)),
    Case("interval", ON_MONITOR, ("i",)),
    Case("agents", ON_MONITOR, ("a",)),
    Case("compare", f"{ON_MONITOR}&agents=support-bot", ("equals_sign",)),
    Case("theme", SESSIONS, ("colon", *typed("theme"), "enter")),
    Case("project", SESSIONS, ("colon", *typed("project"), "enter")),
    Case("messages", SESSIONS, ("alt+right", "colon", *typed("log"), "enter")),
)
SIZES = tuple(
    Case(f"{name}-{word}", address, keys, size)
    for word, size in (("narrow", NARROW), ("wide", WIDE))
    for name, address, keys in (
        ("monitor", ON_MONITOR, ()),
        ("sessions", SEARCH, ()),
        ("session", SESSION, ("e", "o")),
        ("session-turns", SESSION + "/turns", ()),
    )
)
THEMES = tuple(
    Case(f"{name}-{theme}", address, keys, theme=theme)
    for theme in ("light", "high-contrast", "colour-blind", "ansi-dark", "ansi-light", "mono")
    for name, address, keys in (
        ("monitor", ON_MONITOR, ()),
        ("sessions", SEARCH, ("space", "down")),
        ("session", SESSION, ("e", "o")),
    )
    if theme in ("light", "mono") or name != "sessions"
)
ASCII = tuple(
    Case(f"{name}-ascii", address, keys, ascii=True)
    for name, address, keys in (
        ("monitor", ON_MONITOR, ()),
        ("sessions", SEARCH, ("space", "down")),
        ("session", SESSION, ("e", "o")),
        ("session-turns", SESSION + "/turns", ()),
    )
)


class _Failing:
    """A store that cannot be read."""

    def __call__(self) -> Workspace:
        raise StoreError("The store cannot be read: the disk has an error.", "aa-tui doctor looks at it closely.")


def _with_known_key(workspace: Workspace) -> Workspace:
    workspace.project = replace(workspace.project, api_key="0123456789abcdef0123456789abcdef")
    return workspace


@pytest.fixture
def openers(sample: Workspace, sample_store: str, tmp_path: Path) -> Iterator[dict[str, Callable[[], Workspace]]]:
    """How the store of each kind is opened."""
    store = open_store(f"sqlite:///{tmp_path / 'empty.db'}")
    clock = FrozenClock(SAMPLE_NOW_MS)
    ProjectService(store, clock).create("sample", Actor("ada"), "UTC")
    empty = _with_known_key(open_workspace(store, "sample", Actor("ada"), clock))
    opened = [store]

    def own() -> Workspace:
        # Pictures show the program as its owner sees it, so they are taken of a copy that may be written.
        copy = shutil.copy(sample_store.removeprefix("sqlite:///"), tmp_path / "copy.db")
        opened.append(open_store(f"sqlite:///{copy}"))
        return _with_known_key(open_workspace(opened[-1], "sample", Actor("ada"), clock))

    yield {
        "sample": own,
        "read-only": lambda: _with_known_key(sample),
        "empty": lambda: empty,
        "failing": _Failing(),
    }
    for one in opened:
        one.close()


def _key(sample: Workspace, wanted: str) -> str:
    """Return the newest session of the sample that has what the filter asks for and a few turns."""
    rows = sample.sessions.first_page(parse_filter(wanted), Sort(), limit=1)
    assert rows, wanted
    return rows[0].key


def _app(case: Case, openers: dict[str, Callable[[], Workspace]], sample: Workspace) -> AAApp:
    address = case.address
    for name, wanted in (
        ("{key}", "agent:support-bot rule:tool_error turns:>=3"),
        ("{answered}", "reviewed:refund_policy=*"),
        ("{coding}", "agent:coding-agent tool_calls:>=3"),
    ):
        if name in address:
            address = address.replace(name, _key(sample, wanted))
    app = app_on(None, address, theme=case.theme, ascii=case.ascii)
    app.opening.opener = openers[case.on]
    return app


@pytest.mark.parametrize("case", [*STATES, *POPUPS, *SIZES, *THEMES, *ASCII], ids=lambda case: case.name)
def test_screen(case: Case, openers: dict[str, Any], sample: Workspace, snap_compare: Any) -> None:
    async def drive(pilot: Pilot[Any]) -> None:
        failing = case.on == "failing"
        await settle(pilot, opened=not failing)
        for key in case.keys:
            await pilot.press(key)
            if len(key) > 1:
                await settle(pilot, opened=not failing)
        await settle(pilot, 0.2, opened=not failing)

    assert snap_compare(_app(case, openers, sample), terminal_size=case.size, run_before=drive)


@pytest.mark.parametrize("case", ASCII, ids=lambda case: case.name)
async def test_ascii_is_ascii(case: Case, openers: dict[str, Any], sample: Workspace) -> None:
    """With ASCII glyphs nothing else is drawn, save what the stored text itself holds (here: nothing)."""
    app = _app(case, openers, sample)
    async with app.run_test(size=case.size) as pilot:
        await settle(pilot, 0.4)
        for key in case.keys:
            await pilot.press(key)
        await settle(pilot, 0.3)
        shown = "\n".join(lines(app))
    assert sorted({character for character in shown if not character.isascii()}) == []
