"""Writes docs/reference.md from the registries, so that it cannot drift; a test compares it with the file."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from aa_tui.actions import reference_table  # noqa: E402
from aa_tui.backend.model.filter import FIELDS, SORT_KEYS  # noqa: E402
from aa_tui.backend.model.vocabulary import MEASURES  # noqa: E402
from aa_tui.backend.service.records import PROJECT_FIELDS, SESSION_FIELDS  # noqa: E402
from aa_tui.backend.support.settings import Settings  # noqa: E402
from aa_tui.themes import PALETTES  # noqa: E402

IMPORT_FIELDS = {
    "files": "Files that were read.",
    "sessions": "Sessions that are new.",
    "turns": "Turns that are new.",
    "events": "Events that are new.",
    "duplicates": "Events that were stored before, or twice in the files.",
    "skipped_records": "Records that could not be used. A whole file that could not is in `problems` only.",
    "problems": "What could not be used: `file`, `line` (1-based in the decompressed file; null when it is about the "
    "file), `reason`.",
}
EXIT_CODES = {
    0: "fine; imports with reported problems too",
    1: "below a threshold, or nothing imported",
    2: "usage or configuration",
    3: "the store cannot be opened, read or written",
    4: "a model provider failed",
    70: "a fault of the program itself: `AA_TUI_TRACEBACK=1` shows where",
    130: "interrupted",
}


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Return a Markdown table."""
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return [
        f"| {' | '.join(head)} |",
        f"| {' | '.join('---' for _ in head)} |",
        *(f"| {' | '.join(row)} |" for row in cells),
        "",
    ]


def reference() -> str:
    """Return the whole page."""
    lines = [
        "# Reference",
        "",
        "Made by `docs/make_reference.py` from the program's own registries.",
        "",
        "## Keys and actions",
        "",
        "Every action is also in the palette (`ctrl+p`) and on the `:` line. Keys are changed in the settings file",
        'under `[keys]` by action id, for example `"sessions.filter" = "/"`.',
        "",
        reference_table(),
        "## Filter language",
        "",
        '`agent:billing error:timeout since:7d cost>0.5 -user:u-1042 "exact words" word`. Parts are combined with and;',
        "`or` and brackets work; a leading `-` negates; a comma lists alternatives; `*` stands for any text. Links",
        "carry the common fields by name (`sessions?agents=a,b&since=7d`) and the rest as `q=`.",
        "",
        *table(("field", "kind", "meaning"), [(f"`{f.name}`", f.kind, f.help) for f in FIELDS.values()]),
        f"Sort keys: {', '.join(f'`{key}`' for key in SORT_KEYS)}. Names go from A to Z, all else most, newest or best "
        "first; a leading `+` makes any of them rise, a leading `-` fall.",
        "",
        "## Session records (`sessions --json`, `session ID --json`, CSV)",
        "",
        "One JSON object per line. A session includes its nested agents. Null is unknown, never zero.",
        "",
        "In CSV unknown is empty and true is 1. Control and invisible characters are written as visible marks, so that "
        "printing the file drives no terminal; a text that a spreadsheet would take for a formula has an apostrophe "
        "before it.",
        "",
        *table(("field", "definition"), [(f"`{f.name}`", f.definition) for f in SESSION_FIELDS]),
        "## Projects (`projects --json`)",
        "",
        *table(("field", "definition"), [(f"`{name}`", text) for name, text in PROJECT_FIELDS.items()]),
        "## Imports (`import --json`, last line)",
        "",
        *table(("field", "definition"), [(f"`{name}`", text) for name, text in IMPORT_FIELDS.items()]),
        "## Measures (Monitor, `monitor --json`)",
        "",
        *table(
            ("measure", "unit", "definition", "denominator"),
            [(f"`{m.id}` {m.title}", m.unit, m.definition, m.denominator) for m in MEASURES.values()],
        ),
        "## Exit codes",
        "",
        *table(("code", "meaning"), [(str(code), text) for code, text in EXIT_CODES.items()]),
        "## Settings",
        "",
        "Defaults, then the host's file, then your file, then `AA_TUI_<KEY>`, then the command line. `aa-tui where`",
        "says where the files are; unknown keys are reported with the nearest name. Keys: "
        + ", ".join(f"`{field.name}`" for field in fields(Settings))
        + ".",
        "",
        "A project's own settings are changed with `aa-tui projects set KEY VALUE` or `:set KEY VALUE`: `time_zone`",
        "(its days), `subscription` (head the cost so), `pricing` (on, off; by default transcripts only),",
        "`content_mode`, `redact` and `retention_days` (see privacy.md).",
        "",
        f"Themes: {', '.join(f'`{name}`' for name in PALETTES)}. `NO_COLOR` chooses `mono`.",
        "The theme set, else the one chosen last, else `light` where the variable `COLORFGBG` tells of a light",
        "background, else `dark`. The terminal is not asked for its background: its answer could come late and would",
        "be taken for typed keys. Where a light terminal sets no variable, `:theme light` is asked for once.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    (ROOT / "docs" / "reference.md").write_text(reference(), encoding="utf-8")
