"""Driving the app in tests: starting it on a workspace, waiting until it has nothing left to do, reading its cells."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from textual.pilot import Pilot

from aa_tui.app import AAApp, AppOptions
from aa_tui.backend.service.workspace import Workspace
from aa_tui.screens.command_line import CommandLine


def app_on(workspace: Workspace | Any, address: str, **options: Any) -> AAApp:
    """Return the app on an open workspace, at a place, touching nothing of the machine."""
    chosen = {"remember": False, "clipboard": "off", "remote": False, **options}
    return AAApp(lambda: workspace, address, AppOptions(**chosen))


async def settle(pilot: Pilot[Any], beyond: float = 0.0, opened: bool = True) -> AAApp:
    """Wait until nothing is being asked and nothing waits to be handled; `beyond` seconds more for delayed looks.

    With `opened` off a store that does not open is no reason to wait.
    """
    app = cast(AAApp, pilot.app)
    if beyond:
        await asyncio.sleep(beyond)
    quiet = 0
    for _ in range(1500):
        if app._exception is not None:
            raise app._exception
        with contextlib.suppress(Exception):
            await pilot.pause()
        quiet = quiet + 1 if app.idle and (app.workspace is not None or not opened) else 0
        if quiet >= 3:
            return app
        await asyncio.sleep(0.005)
    raise AssertionError("the app is still busy after a long time")


async def until(pilot: Pilot[Any], met: Callable[[AAApp], bool], seconds: float = 20.0) -> AAApp:
    """Wait until something is so, whatever else goes on."""
    app = cast(AAApp, pilot.app)
    for _ in range(int(seconds / 0.02)):
        await pilot.pause()
        if met(app):
            return app
        await asyncio.sleep(0.02)
    raise AssertionError("\n".join(lines(app)))


async def line(pilot: Pilot[Any], text: str) -> None:
    """Have a line after `:` done."""
    app = cast(AAApp, pilot.app)
    app.open_command_line(text)
    await until(pilot, lambda app: isinstance(app.screen, CommandLine) and app.focused is not None)
    await pilot.press("enter")


def strips(app: AAApp) -> list[Any]:
    """Return what stands on the screen as strips, one per line."""
    found = app.screen._compositor.render_strips()
    return list(found)


def lines(app: AAApp) -> list[str]:
    """Return what stands on the screen as text, one per line."""
    return ["".join(segment.text for segment in strip) for strip in strips(app)]


def children() -> list[str]:
    """Return the command lines of importing processes this one has started and that still live."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        # A thread or a child may end while it is looked at.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for pid in (task / "children").read_text().split():
                command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
                if "service.apart" in command:
                    found.append(command)
    return found
