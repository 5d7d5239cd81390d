"""What Sessions says when there is nothing to list: no data yet, or a filter that lets nothing through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from aa_tui import themes
from aa_tui.backend.model.filter import Filter
from aa_tui.backend.support import humanize
from aa_tui.widgets.safe_text import safe, safe_line

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import FilterPart, ProjectInfo

Said = tuple[str, list[str | Content]]


def no_data_yet(project: ProjectInfo) -> Said:
    """Return what to say while the project has no session: ways to bring some."""
    name = safe_line(project.name, 40)
    option = "" if project.name == "default" else f" --project {name}"

    def command(text: str, what: str) -> Content:
        return Content.assemble(Content.styled(f"{text:<38}", themes.style("accent")), " ", what)

    return (
        "No session yet",
        [
            Content.assemble("Nothing has been brought into the project ", Content.styled(name, "bold"), " so far."),
            "",
            command("I", "what coding agents left here"),
            command(f"aa-tui import{option}", "the same, in a shell"),
            command(f"aa-tui import PATH…{option}", "transcripts and logs you name"),
            command("S", "live agents, over HTTP"),
            command("aa-tui demo", "a sample project"),
            "",
            "This list fills by itself as sessions arrive.",
        ],
    )


def filtered_to_nothing(wanted: Filter, parts: Sequence[FilterPart]) -> tuple[int | None, Said]:
    """Return which part excludes most (None when dropping any one alone would not help) and what to say."""
    lines: list[str | Content] = [safe(wanted.words(), "bold"), ""]
    best = max(range(len(parts)), key=lambda n: parts[n].without, default=None)
    for n, part in enumerate(parts):
        mark = n == best and part.without > 0
        text = safe_line(part.text, 28)
        lines.append(
            Content.assemble(
                Content.styled(f"{text:<30}", themes.style("warn" if mark else "text")),
                Content.styled(
                    f"alone {humanize.count(part.alone)}, without it {humanize.count(part.without)}",
                    themes.style("muted"),
                ),
            )
        )
    helps = best is not None and parts[best].without > 0
    key = Content.styled("x", themes.style("accent", "bold"))
    if helps and best is not None:
        lines += ["", Content.assemble(key, " drops ", safe(parts[best].text, "bold", width=40))]
    else:
        lines += ["", "No single part is to blame: no session is left even without any one of them."]
    clear = Content.styled("X", themes.style("accent", "bold"))
    lines.append(
        Content.assemble(
            clear, " clears the filter   ", Content.styled("/", themes.style("accent", "bold")), " edits it"
        )
    )
    return (best if helps else None), ("No session matches", lines)
