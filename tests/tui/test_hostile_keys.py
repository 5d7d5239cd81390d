"""Keys pressed at random, in every size: nothing raises, the frame stays whole. A found row of keys is kept below."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from aa_tui.backend.service.workspace import Workspace
from tests.driving import app_on, lines, settle

KEYS = (
    *"abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPRSTUVWXYZ0123456789",
    *(
        "enter",
        "escape",
        "tab",
        "shift+tab",
        "space",
        "up",
        "down",
        "left",
        "right",
        "home",
        "end",
        "pageup",
        "pagedown",
    ),
    *("slash", "colon", "question_mark", "minus", "equals_sign", "asterisk", "full_stop", "left_square_bracket"),
    *(
        "right_square_bracket",
        "grave_accent",
        "ctrl+p",
        "ctrl+d",
        "ctrl+u",
        "ctrl+l",
        "alt+left",
        "alt+right",
        "backspace",
    ),
    *("enter", "escape", "down", "right", "j", "j", "2", "1", "tab", "escape", "enter"),
)
"""Without the keys that leave the program, hand over the terminal or start others: q, ctrl+c, ctrl+z, p, P, Y."""
LEAVE_OUT = frozenset("pPYQ")
SIZES = ((80, 24), (60, 20), (44, 14), (160, 48))


async def mash(workspace: Workspace, size: tuple[int, int], seed: int, count: int) -> None:
    rng = Random(f"{seed} {size}")
    keys = [key for key in KEYS if key not in LEAVE_OUT]
    app = app_on(workspace, rng.choice(["monitor?since=90d", "sessions", "sessions?q=refund"]))
    pressed: list[str] = []
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for number in range(count):
            pressed.append(rng.choice(keys))
            try:
                await pilot.press(pressed[-1])
                if number % 25 == 24:
                    await settle(pilot)
                    shown = lines(app)
                    assert len(shown) == size[1]
                    assert "Something went wrong here" not in "\n".join(shown)
                if number % 50 == 49:
                    while len(app.screen_stack) > 1:
                        await pilot.press("escape")
                        await settle(pilot)
                    last = lines(app)[-1]
                    assert last.rstrip().endswith("? help"), last
            except Exception as error:
                raise AssertionError(f"after {' '.join(pressed)}") from error
    assert "Something went wrong here" not in "\n".join(app.messages)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_random_keys(
    sample: Workspace, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    await mash(sample, size, 1, 100)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_many_random_keys(
    sample: Workspace, size: tuple[int, int], seed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    await mash(sample, size, seed, 500)
