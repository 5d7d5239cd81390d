"""Takes the README's pictures from the real app on the sample project: docs/pictures/*.svg. Draws nothing itself."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
FOLDER = ROOT / "docs" / "pictures"
SHOTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("monitor", "monitor?range=30d", ("tab",)),
    ("sessions", "sessions?agents=support-bot&q=error:*", ("j", "j")),
    ("session", "", ("e", "o")),
    ("turns", "", ("right", "right", "o")),
)
"""Name, address and keys; an empty address stays on the session that the list opened."""


def without_outside_fonts(svg: str) -> str:
    """Drop the font that the picture would ask a server for: any monospace font will do."""
    svg = re.sub(r"@font-face\s*\{[^}]*\}", "", svg)
    return svg.replace("Fira Code", "ui-monospace")


async def take() -> None:
    """Load the sample project into a temporary store and take every picture."""
    from aa_tui.app import AAApp
    from aa_tui.backend.service.sample import open_sample

    workspace = open_sample()
    app = AAApp(lambda: workspace, SHOTS[0][1])
    async with app.run_test(size=(110, 34)) as pilot:

        async def settle() -> None:
            await pilot.pause(0.5)
            for _ in range(400):
                await pilot.pause(0.05)
                if app.idle:
                    break
            await pilot.pause(0.5)

        await settle()
        for name, address, keys in SHOTS:
            if address:
                app.go(address)
            elif name == "session":
                await pilot.press("enter")
            await settle()
            for key in keys:
                await pilot.press(key)
                await settle()
            FOLDER.mkdir(parents=True, exist_ok=True)
            svg = without_outside_fonts(app.export_screenshot(title="aa-tui"))
            (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["AA_TUI_HOME"] = home
        asyncio.run(take())
