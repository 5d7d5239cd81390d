"""What every test gets: a home, settings and an environment of its own, no way onto the network, a small sample."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.clock import FrozenClock

SAMPLE_NOW_MS = 1_790_000_000_000
"""The frozen "now" of the small sample: 2026-09-21 14:13:20 UTC."""
SAMPLE_SESSIONS, SAMPLE_USERS = 400, 60

_PERSONAL = ("AA_TUI_", "XDG_", "SSH_", "CLAUDE_", "CODEX_", "GEMINI_", "OPENAI_", "ANTHROPIC_", "AWS_", "AZURE_")
_ALSO_PERSONAL = (
    "NO_COLOR",
    "COLORTERM",
    "FORCE_COLOR",
    "TEXTUAL",
    "TEXTUAL_THEME",
    "COLORFGBG",
    "COLUMNS",
    "LINES",
    "LC_ALL",
)
_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")
_counter = itertools.count()


def _isolate(patch: pytest.MonkeyPatch, home: Path) -> None:
    home.mkdir()
    for name in list(os.environ):
        if name.startswith(_PERSONAL) or name in _ALSO_PERSONAL:
            patch.delenv(name)
    patch.setenv("HOME", str(home))
    patch.setenv("AA_TUI_HOME", str(home / "aa-tui"))
    patch.setenv("AA_TUI_HOST_CONFIG", str(home / "no-host-config.toml"))
    patch.setenv("TZ", "UTC")
    patch.setenv("TERM", "xterm-256color")


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for homes, and one home for everything that is made once per run."""
    folder = tmp_path_factory.mktemp("homes")
    with pytest.MonkeyPatch.context() as patch:
        _isolate(patch, folder / "shared")
        yield folder


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, homes: Path) -> None:
    """Keep a developer's own settings, data and time zone out of the tests, and the tests out of theirs."""
    _isolate(monkeypatch, homes / str(next(_counter)))


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test reach anything but this machine."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def near(address: Any) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
            raise AssertionError(f"a test wanted to reach {address[0]}")

    def safe_connect(self: socket.socket, address: Any) -> None:
        near(address)
        connect(self, address)

    def safe_connect_ex(self: socket.socket, address: Any) -> int:
        near(address)
        return connect_ex(self, address)

    monkeypatch.setattr(socket.socket, "connect", safe_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", safe_connect_ex)


@pytest.fixture(autouse=True)
def _own_looks() -> Iterator[None]:
    """Undo what an app sets for the whole process: theme, ASCII glyphs, keys."""
    yield
    from aa_tui import actions, themes
    from aa_tui.widgets import glyphs

    themes.use(themes.DEFAULT)
    glyphs.set_ascii(False)
    actions.apply_keymap({})


@pytest.fixture(scope="session")
def sample_store(tmp_path_factory: pytest.TempPathFactory, homes: Path) -> str:
    """The URL of a store with one project `sample`: a tenth of the sample that people get, made once per run."""
    from aa_tui.backend.service.permissions import Actor
    from aa_tui.backend.service.projects import ProjectService, open_workspace
    from aa_tui.backend.service.stores import open_store
    from aa_tui.backend.sources import demo

    url = f"sqlite:///{tmp_path_factory.mktemp('sample') / 'store.db'}"
    clock = FrozenClock(SAMPLE_NOW_MS)
    actor = Actor("ada")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "generate", partial(demo.generate, sessions=SAMPLE_SESSIONS, users=SAMPLE_USERS))
        store = open_store(url)
        ProjectService(store, clock).create("sample", actor, "UTC")
        open_workspace(store, "sample", actor, clock).imports.load_demo()
        store.close()
    return url


@pytest.fixture
def sample(sample_store: str) -> Iterator[Workspace]:
    """A workspace on the small sample, as it was at `SAMPLE_NOW_MS`. Tests must not write to it."""
    from aa_tui.backend.service.permissions import Actor
    from aa_tui.backend.service.projects import open_workspace
    from aa_tui.backend.service.stores import open_store

    store = open_store(sample_store, read_only=True)
    yield open_workspace(store, "sample", Actor("ada"), FrozenClock(SAMPLE_NOW_MS))
    store.close()
