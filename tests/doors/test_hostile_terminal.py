"""Hostile text in a real terminal: what the app writes holds only its own sequences, within bounded time."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import pytest

from tests import hostile
from tests.doors.terminal import SEQUENCE, Terminal

ALL = hostile.entries()
pytestmark = [
    pytest.mark.skipif(not ALL, reason="shared data absent"),
    pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal"),
]

OWN = re.compile(
    rb"\x1b\[[0-9;:]*m"  # colours
    rb"|\x1b\[[0-9;]*H|\x1b\[[0-9]*[ABCDG]|\x1b\[[0-9]*[JK]"  # moving, clearing
    rb"|\x1b\[(?:[0-9]+;[0-9]+)?r|\x1b\[[0-9]+[LM]"  # moving lines
    rb"|\x1b\[\?(?:25|1000|1003|1004|1006|1015|1049|2004|2026|2048|7)[hl]"  # cursor, mouse, screen, paste, sync
    rb"|\x1b\[\?(?:2026|2048)\$p|\x1b\[>[0-9;]*[uc]|\x1b\[[<=>?][0-9;]*u|\x1b\[[0-9]*[nc]"  # questions, keyboard
    rb"|\x1b\[2[23](?:;[012])?t|\x1b\][012];[^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\]1[01];\?(?:\x07|\x1b\\)"  # title, colours
    rb"|\x1b\]22;[a-z-]*\x07|\x1b[=>78c]|\x1b\(B"
)
"""What Textual itself has reason to write."""
_SCREEN = re.compile(rb"\x1b\[\?1049h")


def run(workspace_url: str, project: int, address: str, keys: tuple[bytes, ...], home: Path) -> bytes:
    words = ["open", address, "--store", workspace_url, "--project", str(project)]
    terminal = Terminal(words, 150, 90, home)
    assert terminal.wait_for(b"help", 30), terminal.written[-2000:]
    terminal.read(0.5, 10)
    for key in keys:
        terminal.press(key)
    for _ in range(2):
        # Each alone: an escape and what follows at once would be one key.
        terminal.press(b"\x1b", quiet=0.4)
    code = terminal.close(b"q")
    assert code == 0, (code, terminal.written[-2000:])
    return terminal.written


def harm(written: bytes) -> list[str]:
    """Return what is in the bytes that the app had no reason to write."""
    found = [f"sequence {one!r}" for one in SEQUENCE.findall(written) if not OWN.fullmatch(one)]
    text = SEQUENCE.sub(b"", written).decode("utf-8", "replace")
    controls = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f]")
    found += [
        f"{one.group()!r} in {text[max(0, one.start() - 30) : one.end() + 10]!r}" for one in controls.finditer(text)
    ]
    if len(_SCREEN.findall(written)) > 1:
        found.append("the screen was changed more than once")
    for entry in ALL:
        for raw in () if entry["category"] in ("sgr", "secret") else entry.get("never_raw") or ():
            # Some are what the app itself writes; with the two characters before them they are the entry's.
            at = entry["text"].find(raw)
            whole = (entry["text"][max(0, at - 2) : at] + raw).encode("utf-8", "surrogatepass")
            if len(raw) > 2 and not raw.endswith("\n") and whole in written:
                found.append(f"{entry['id']} {raw!r}")
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, homes: Path) -> tuple[str, int]:
    workspace = hostile.make_store(tmp_path_factory.mktemp("hostile"), ALL)
    workspace.store.close()
    return workspace.store.url, workspace.project.id


@pytest.mark.parametrize(
    ("address", "keys"),
    [
        (
            "sessions",
            (b"\x1b[6~", b"\x1b[6~", b"jj", b"f", b"\x1b", b"y", b"\x1b", b"/agent:", b"\x1b", b"/before\r", b"jj"),
        ),
        (f"session/{hostile.DEEP}", (*[b"\x1b[6~"] * 20, b"e", b"o", b"e", b"o", b"O", b"\x1b")),
        (f"session/{hostile.DEEP}/info", (*[b"\x1b[6~"] * 6, b"]", *[b"\x1b[6~"] * 6, b"o", b"]", b"]")),
        ("monitor?since=all", (b"]", b"]", b"]", b"]", b"?", b"\x1b", b"a", b"\x1b", b"g\x1b")),
    ],
    ids=["sessions", "thread", "tabs", "monitor"],
)
def test_terminal_gets_only_our_own_sequences(
    place: tuple[str, int], address: str, keys: tuple[bytes, ...], tmp_path: Path
) -> None:
    began = time.monotonic()
    written = run(*place, address, keys, tmp_path)
    assert len(written) > 5_000
    assert harm(written) == []
    assert time.monotonic() - began < 60, "bounded"


# What is cut short could join with what stands beside it, and what is big takes other ways: each of these alone.
ALONE = [e for e in ALL if e.get("gen") or e["category"] in ("cut_sequence", "c1_8bit", "benign_control")]


@pytest.mark.long
@pytest.mark.parametrize("entry", ALONE, ids=lambda entry: str(entry["id"]))
def test_each_entry_at_full_size(entry: hostile.Entry, tmp_path: Path) -> None:
    workspace = hostile.make_store(tmp_path, (entry,), full=True)
    workspace.store.close()
    keys = (b"o", b"\x1b[B", b"o", b"\x1b[B", b"o", b"\x1b[6~", b"]", b"]", b"o", b"2", b"jj", b"1")
    written = run(workspace.store.url, workspace.project.id, f"session/{hostile.DEEP}", keys, tmp_path)
    assert harm(written) == []
