"""The rooms and doors of docs/architecture.md as data: who may import whom, and which packages a room may use."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "aa_tui"
B = "aa_tui.backend"

ROOMS: dict[str, tuple[str, ...]] = {
    f"{B}.support": (),
    f"{B}.model": (f"{B}.support",),
    f"{B}.sources": (f"{B}.model", f"{B}.support"),
    f"{B}.store": (f"{B}.model", f"{B}.support"),
    f"{B}.ingest": (f"{B}.model", f"{B}.support", f"{B}.sources", f"{B}.store", f"{B}.signals"),
    f"{B}.query": (f"{B}.model", f"{B}.support", f"{B}.store", f"{B}.signals"),
    f"{B}.signals": (f"{B}.model", f"{B}.support", f"{B}.judging"),
    f"{B}.judging": (f"{B}.model", f"{B}.support"),
    f"{B}.runs": (
        f"{B}.model",
        f"{B}.support",
        f"{B}.store",
        f"{B}.ingest",
        f"{B}.query",
        f"{B}.signals",
        f"{B}.judging",
    ),
    f"{B}.service": (B,),
    "aa_tui.widgets": (f"{B}.model", f"{B}.support", f"{B}.query.readmodels", "aa_tui.themes"),
    "aa_tui.screens": (
        "aa_tui.widgets",
        f"{B}.service",
        f"{B}.model",
        f"{B}.support",
        f"{B}.query.readmodels",
        "aa_tui.actions",
        "aa_tui.address",
        "aa_tui.themes",
        "aa_tui.commands",
        "aa_tui.host",
    ),
    "aa_tui.host": (f"{B}.service.records", f"{B}.query.readmodels", f"{B}.support"),
    "aa_tui.server": (f"{B}.service", f"{B}.model", f"{B}.support", "aa_tui.address"),
    "aa_tui.cli": (
        f"{B}.service",
        f"{B}.model",
        f"{B}.support",
        f"{B}.query.readmodels",
        "aa_tui.address",
        "aa_tui.actions",
        "aa_tui.app",
        "aa_tui.server",
    ),
}
"""What a room may import of the project, besides itself. The CLI may start the app and servers, by a lazy import."""

PACKAGES: dict[str, tuple[str, ...]] = {
    f"{B}.support": ("pydantic", "pydantic_settings", "platformdirs"),
    f"{B}.model": (),
    f"{B}.sources": ("watchfiles", "opentelemetry", "google"),
    f"{B}.store": ("sqlmodel", "sqlalchemy", "alembic", "psycopg"),
    f"{B}.ingest": ("genai_prices",),
    f"{B}.query": (),
    f"{B}.signals": (),
    f"{B}.judging": ("aiohttp", "genai_prices", "keyring", "litellm", "regex", "yarl"),
    f"{B}.runs": (),
    f"{B}.service": (),
    "aa_tui.widgets": ("textual", "rich"),
    "aa_tui.screens": ("textual", "rich"),
    "aa_tui.app": ("textual", "rich"),
    "aa_tui.themes": ("textual",),
    "aa_tui.actions": (),
    "aa_tui.address": (),
    "aa_tui.history": (),
    "aa_tui.commands": (),
    "aa_tui.host": (),
    "aa_tui.cli": ("typer", "click"),
    "aa_tui.server": ("starlette", "uvicorn", "mcp"),
}
"""Third-party packages a room may use."""

LAZY = {
    "aiohttp",
    "keyring",
    "litellm",
    "mcp",
    "uvicorn",
    "starlette",
    "numpy",
    "alembic",
    "genai_prices",
    "watchfiles",
    "pydantic_settings",
    "psycopg",
    "regex",
}
"""Never at module level: they are heavy and imported when first used."""
LAZY_EXCEPT = {f"{B}.store.migrations", "aa_tui.server"}


@lru_cache
def modules() -> tuple[tuple[str, ast.Module], ...]:
    """Return every module of the package with its syntax tree."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append((name, ast.parse(path.read_text(encoding="utf-8"))))
    return tuple(found)


@lru_cache
def names() -> frozenset[str]:
    """Return the names of all modules, to tell `from room import module` from `from module import name`."""
    return frozenset(name for name, _ in modules())


def imports_of(tree: ast.Module) -> Iterator[tuple[str, int, bool]]:
    """Yield (module, line, at module level) of every import that runs; type-checking blocks do not count."""
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped.update(child for inner in node.body for child in ast.walk(inner))
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside.update(child for child in ast.walk(node) if child is not node)
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, node not in inside
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            for alias in node.names:
                part = f"{node.module}.{alias.name}"
                target = part if part in names() else node.module
                yield target, node.lineno, node not in inside


def within(module: str, room: str) -> bool:
    return module == room or module.startswith(room + ".")


def room_of(module: str, rooms: dict[str, tuple[str, ...]]) -> str | None:
    return max((room for room in rooms if within(module, room)), key=len, default=None)


def test_rooms_import_only_through_their_doors() -> None:
    wrong = []
    for name, tree in modules():
        room = room_of(name, ROOMS)
        if room is None:
            continue
        allowed = (room, "aa_tui.__init__", *ROOMS[room])
        for target, line, _ in imports_of(tree):
            inside = within(target, "aa_tui") and target not in ("aa_tui", "aa_tui.host")
            if inside and not any(within(target, door) for door in allowed):
                wrong.append(f"{name}:{line} imports {target}")
    assert not wrong, "\n".join(wrong)


def test_rooms_use_only_their_packages() -> None:
    wrong = []
    for name, tree in modules():
        room = room_of(name, PACKAGES)
        if room is None:
            continue
        for target, line, _ in imports_of(tree):
            top = target.partition(".")[0]
            if top in sys.stdlib_module_names or top in ("aa_tui", "__future__") or top in PACKAGES[room]:
                continue
            wrong.append(f"{name}:{line} imports {target}")
    assert not wrong, "\n".join(wrong)


def test_no_terminal_in_the_backend() -> None:
    wrong = [
        f"{name}:{line} imports {target}"
        for name, tree in modules()
        if within(name, B)
        for target, line, _ in imports_of(tree)
        if target.partition(".")[0] in ("textual", "rich")
    ]
    assert not wrong, "\n".join(wrong)


def test_heavy_libraries_are_imported_when_first_used() -> None:
    wrong = [
        f"{name}:{line} imports {target} at module level"
        for name, tree in modules()
        if not any(within(name, room) for room in LAZY_EXCEPT)
        for target, line, top_level in imports_of(tree)
        if top_level and target.partition(".")[0] in LAZY
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("call", ["notify", "Static", "Label", "Button", "Checkbox", "OptionList"])
def test_no_widget_parses_markup(call: str) -> None:
    """Stored text in brackets crashes or acts wherever markup is parsed: these calls must switch it off."""
    wrong = []
    for name, tree in modules():
        if within(name, "aa_tui.backend"):
            continue  # nothing of Textual's is there, which is another test; its own `Label` is an evaluator's
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called != call:
                continue
            off = any(
                keyword.arg == "markup" and isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                for keyword in node.keywords
            )
            literal = not node.args or isinstance(node.args[0], ast.Constant)
            if not off and not literal:
                wrong.append(f"{name}:{node.lineno} {call} without markup=False")
    assert not wrong, "\n".join(wrong)


def test_colours_live_in_themes_only() -> None:
    import re

    hexes = re.compile(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b(?![\w-])")
    wrong = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for suffix in ("*.tcss", "*.py")
        for path in PACKAGE.rglob(suffix)
        if (path.name != "themes.py" and "screens" in path.parts) or "widgets" in path.parts or "styles" in path.parts
        for match in [hexes.search(path.read_text(encoding="utf-8"))]
        if match
    ]
    assert not wrong, "\n".join(wrong)


def test_every_module_says_what_lives_there() -> None:
    missing = [name for name, tree in modules() if not ast.get_docstring(tree)]
    assert not missing, missing


def test_the_layers_of_pyproject_hold() -> None:
    """import-linter follows chains of imports, which the tables above do not."""
    from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == EXIT_STATUS_SUCCESS
