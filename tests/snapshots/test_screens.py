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
    Case("evaluators-several", "evaluators", ("down", "down"), on="judged"),
    Case("evaluators-empty", "evaluators", on="empty"),
    Case("evaluators-failing", "evaluators", on="failing"),
    Case("evaluator", "evaluators/tone", on="judged"),
    Case("evaluator-imported", "evaluators/refund_policy", on="judged"),
    Case("evaluator-diff", "evaluators/tone?diff=1..2", on="judged"),
    Case("evaluator-unknown", "evaluators/nobody", on="judged"),
    Case("editor", "evaluators/tone/edit", on="judged"),
    Case("editor-writing", "evaluators/tone/edit", ("p", *typed("Mind this. ")), on="judged"),
    Case("editor-new", "evaluators?new=labels", on="judged"),
    Case("editor-patterns", "evaluators/request_kind/edit", ("G",), on="judged"),
    Case("trial", "evaluators/groundedness/try", on="judged"),
    Case("trial-by-code", "evaluators/pii_in_answer/try", ("R",), on="judged"),
    Case("scoring-no-model", "scoring"),
    Case("scoring", "scoring", on="judged"),
    Case("scoring-on", "scoring", ("A", "A"), on="judged"),
    Case("scoring-signals", "scoring", ("G",), on="judged"),
    Case("judge", "judge", on="judged"),
    Case("judge-none", "judge"),
    Case("judge-key", "judge", ("a", *typed("sk-123")), on="judged"),
    Case("backfill", "backfill?agents=support-bot", on="judged"),
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
    Case("new-evaluator", "evaluators", ("n",), on="judged"),
    Case("agreeing", "scoring", ("A",), on="judged"),
    Case("editor-kind", "evaluators/tone/edit", ("down", "enter"), on="judged"),
    Case("help-editor", "evaluators/tone/edit", ("question_mark",), on="judged"),
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
SIZES += (
    Case("evaluators-wide", "evaluators", size=WIDE, on="judged"),
    Case("editor-wide", "evaluators/tone/edit", size=WIDE, on="judged"),
    Case("editor-narrow", "evaluators/tone/edit", size=NARROW, on="judged"),
    Case("scoring-wide", "scoring", size=WIDE, on="judged"),
    Case("agreeing-narrow", "scoring", ("A",), size=NARROW, on="judged"),
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
THEMES += tuple(
    Case(f"{name}-{theme}", address, keys, theme=theme, on="judged")
    for theme in ("light", "mono")
    for name, address, keys in (
        ("evaluators", "evaluators", ()),
        ("evaluator-diff", "evaluators/tone?diff=1..2", ()),
        ("editor-writing", "evaluators/tone/edit", ("p",)),
        ("agreeing", "scoring", ("A",)),
    )
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


ASCII += tuple(
    Case(f"{name}-ascii", address, keys, ascii=True, on="judged")
    for name, address, keys in (
        ("evaluators", "evaluators", ("down",)),
        ("editor", "evaluators/tone/edit", ()),
        ("trial-by-code", "evaluators/pii_in_answer/try", ("R",)),
        ("scoring", "scoring", ()),
        ("judge", "judge", ()),
    )
)


class _Failing:
    """A store that cannot be read."""

    def __call__(self) -> Workspace:
        raise StoreError("The store cannot be read: the disk has an error.", "aa-tui doctor looks at it closely.")


def _with_known_key(workspace: Workspace) -> Workspace:
    workspace.project = replace(workspace.project, api_key="0123456789abcdef0123456789abcdef")
    return workspace


def _with_evaluators(workspace: Workspace) -> Workspace:
    """Define evaluators of each kind, one active with a draft, and choose a judge of this machine."""
    from aa_tui.backend.model.evaluator import ModelChoice

    service = workspace.evaluators
    starters = {one.id: one.definition for one in service.templates()}
    for name in ("groundedness", "pii_in_answer", "request_kind", "tone"):
        service.create(name, starters[name], agents=("support-bot",) if name == "tone" else ())
    service.activate("tone")
    service.save("tone", replace(starters["tone"], prompt=starters["tone"].prompt.replace("fitting", "apt")))
    workspace.judges.set(ModelChoice("ollama", "qwen3:8b"))
    return workspace


@pytest.fixture(autouse=True)
def _no_other_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures do not depend on model servers and keyrings that happen to be there; nothing is scored beside them."""
    from aa_tui.backend.judging.providers import keys, local
    from aa_tui.host.scoring_child import ScoringChild

    async def found(timeout_s: float) -> list[local.LocalServer]:
        return [local.LocalServer("ollama", "Ollama", "http://127.0.0.1:11434/v1", ("qwen3:8b", "llama3.2:3b"))]

    monkeypatch.setattr(local, "discover", found)
    monkeypatch.setattr(keys, "_keyring", lambda: None)
    monkeypatch.setattr(ScoringChild, "ensure", lambda self, url: None)


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
        "judged": lambda: _with_evaluators(own()),
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
