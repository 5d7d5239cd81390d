"""What a start imports: the first frame stands on Textual's core and the standard library alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEVER = (
    "sqlmodel", "sqlalchemy", "alembic", "pydantic", "pydantic_settings", "typer", "click", "litellm", "httpx", "mcp",
    "uvicorn", "starlette", "httptools", "numpy", "genai_prices", "watchfiles", "openai", "aiohttp", "psycopg",
    "markdown_it", "pygments",
)  # fmt: skip
"""Not before the first rows, and most of them never when the app is started."""
LATER = (
    "aa_tui.backend.model.filter", "aa_tui.backend.model.event", "aa_tui.backend.service.records",
    "aa_tui.backend.query.readmodels", "aa_tui.screens.monitor", "aa_tui.screens.session.screen",
    "aa_tui.screens.chooser", "aa_tui.widgets.filter_bar", "aa_tui.widgets.choice_list", "aa_tui.widgets.line_input",
    "textual.widgets._data_table", "textual.widgets._text_area", "textual.widgets._markdown",
)  # fmt: skip
"""Not before the first frame of Sessions."""
PROGRAM = """
import asyncio, json, sys
sys.path[:0] = [{root!r}]
import aa_tui.cli.main, aa_tui.cli.start
from aa_tui.app import AAApp, AppOptions

at_frame = []

class Watched(AAApp):
    def on_ready(self):
        # Runs before the app's own handler, which begins to load.
        at_frame.extend(sys.modules)

def opener():
    from tests.fakes import FakeWorkspace
    return FakeWorkspace(n=30)

async def main():
    app = Watched(opener, "sessions", AppOptions(remember=False))
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(400):
            await pilot.pause(0.01)
            if app.idle and app.workspace is not None and len(app.screen.table.ids) == 30:
                break
        assert len(app.screen.table.ids) == 30
    print(json.dumps({{"frame": at_frame, "rows": sorted(sys.modules)}}))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """Names of modules loaded at the first frame and at the first rows, in a clean interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(root=str(ROOT))], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {name: set(modules) for name, modules in json.loads(done.stdout.splitlines()[-1]).items()}


@pytest.mark.parametrize("module", NEVER)
def test_heavy_libraries_are_not_there_with_the_first_rows(loaded: dict[str, set[str]], module: str) -> None:
    assert module not in loaded["rows"]


@pytest.mark.parametrize("module", LATER)
def test_what_is_not_shown_is_not_there_at_the_first_frame(loaded: dict[str, set[str]], module: str) -> None:
    assert module not in loaded["frame"]


def test_monitor_loads_only_its_own_values_with_its_first_figures() -> None:
    """What another view is made of costs as long to declare as Monitor takes to read."""
    program = (
        "import sys; import aa_tui.screens.monitor.screen, aa_tui.backend.service.monitor; print(*sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    there = set(done.stdout.split())
    assert "aa_tui.backend.query.readmodels.monitor" in there
    for other in ("query.readmodels.session", "query.readmodels.sessions", "query.session_detail", "model.event"):
        assert f"aa_tui.backend.{other}" not in there, other
    assert not there & {"aa_tui.widgets.filter_bar", "aa_tui.widgets.prompt", "aa_tui.screens.get_started"}


def test_the_names_looked_for_are_real(loaded: dict[str, set[str]]) -> None:
    assert "textual.app" in loaded["frame"] and "aa_tui.screens.sessions" in loaded["frame"]
    assert "aa_tui.backend.query.readmodels" in loaded["rows"]
