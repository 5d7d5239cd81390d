"""The verb `serve` without receiving: units and ssh lines to paste, taken ports, stores that may only be read."""

from __future__ import annotations

import configparser
import io
import shlex
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from aa_tui.backend.service import receivers
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.support.clock import SystemClock
from aa_tui.backend.support.errors import UsageError
from aa_tui.backend.support.settings import load_settings, load_settings_light
from aa_tui.cli import units
from aa_tui.cli.errors import LiveLine
from aa_tui.cli.main import run
from aa_tui.cli.serve import limits_of


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens at."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def unit_of(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


def test_a_unit_names_everything_that_was_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "a store" / "100% $HOME.db"
    words = ["serve", "--print-unit", "--port", "4400", "--allowed-host", "bot.lan", "--access-log"]
    assert run(["--store", str(store), *words]) == 0
    shown = capsys.readouterr()
    unit = unit_of(shown.out)
    command = unit["Service"]["ExecStart"]
    assert f'--store "{tmp_path}/a store/100%% $$HOME.db"' in command
    assert command.endswith("serve --host 127.0.0.1 --port 4400 --allowed-host bot.lan --access-log")
    assert Path(shlex.split(command)[0]).is_absolute() and unit["Install"]["WantedBy"] == "default.target"
    assert "systemctl --user enable" in shown.err and not store.exists(), "printing makes nothing"


def test_a_unit_holds_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--store", "postgresql://ada:hunter2@db/agents", "serve", "--print-unit"]) == 0
    shown = capsys.readouterr()
    assert "hunter2" not in shown.out + shown.err and "--store" not in shown.out
    assert "Environment=AA_TUI_STORE=" in shown.err
    assert run(["--store", "postgresql://ada@db/agents", "serve", "--print-unit"]) == 0
    assert "--store postgresql://ada@db/agents serve" in capsys.readouterr().out


def test_the_ssh_line_forwards_loopback_to_loopback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--print-ssh", "me@bot.example", "--port", "4400"]) == 0
    words = shlex.split(capsys.readouterr().out)
    assert words[0] == "ssh" and words[-1] == "me@bot.example"
    assert words[words.index("-R") + 1] == "127.0.0.1:4400:127.0.0.1:4400"


@pytest.mark.parametrize("host", ["-oProxyCommand=touch x", " ", "a\nb"])
def test_what_ssh_would_take_for_an_option_is_refused(host: str) -> None:
    with pytest.raises(UsageError):
        units.ssh_line(host, 4318)


def test_a_taken_port_is_said_with_what_to_do(taken: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "store.db")
    assert run(["--store", path, "serve", "--port", str(taken)]) == 2
    said = capsys.readouterr().err
    assert f"Port {taken} is taken" in said and f"--port {taken + 1}" in said
    store = open_store(path)
    me = receivers.describe("127.0.0.1", taken, SystemClock().now_ms())
    receivers.Presence(store, SystemClock(), me).tell(0, 0, 0)
    store.close()
    assert run(["--store", path, "serve", "--port", str(taken)]) == 2
    assert f"A receiver of this store listens at port {taken} already: process {me.pid}" in capsys.readouterr().err


def test_a_store_that_may_only_be_read_is_no_place_for_a_receiver(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "store.db")
    open_store(path).close()
    assert run(["--store", path, "--read-only", "serve", "--port", "0"]) == 3
    assert "may only be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--port", "70000"], ["--port", "x"], ["--print-unit", "--json"], ["--host", "::::"]]
)
def test_what_makes_no_sense_is_refused(words: list[str], tmp_path: Path) -> None:
    assert run(["--store", str(tmp_path / "store.db"), "serve", *words]) == 2


def test_limits_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (limits_of(load_settings_light().values).amplitude_bytes, limits_of(load_settings().values).otlp_bytes) == (
        20_000_000,
        64 << 20,
    )
    monkeypatch.setenv("AA_TUI_AMPLITUDE_LIMIT_MB", "2")
    monkeypatch.setenv("AA_TUI_OTLP_LIMIT_MB", "200")
    for loaded in (load_settings_light(), load_settings()):
        limits = limits_of(loaded.values)
        assert (limits.amplitude_bytes, limits.otlp_bytes) == (2_000_000, 200 << 20)
        assert limits.budget >= limits.otlp_bytes
    monkeypatch.setenv("AA_TUI_OTLP_LIMIT_MB", "0")
    problems = load_settings_light().problems
    assert [(one.key, one.reason) for one in problems] == [("otlp_limit_mb", "must be a whole number from 1 to 1,000")]


def test_the_live_line_gives_way_to_words(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    monkeypatch.setattr(sys, "stderr", out)
    live = LiveLine()
    live.show("1 event \x1b[31m" + "x" * 500)
    live.note("something else")
    live.close()
    first, second = out.getvalue().split("something else\n")
    assert (
        first.startswith("\r1 event ") and first.endswith("\r\x1b[K") and len(first) < 200 and "\x1b[31m" not in first
    )
    assert second.startswith("\r1 event ") and second.endswith("\r\x1b[K")
