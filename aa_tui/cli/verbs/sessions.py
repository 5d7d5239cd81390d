"""The verbs `sessions` and `session`: the list of Sessions and one session with its thread, for programs and people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from aa_tui.cli import errors, output
from aa_tui.cli.verbs.shared import ANYWHERE, FilterWords, Json, filter_text, only_one, open_workspace

if TYPE_CHECKING:
    from aa_tui.backend.query.readmodels import SessionRow
    from aa_tui.backend.service.workspace import Workspace

_CHUNK = 500

group = typer.Typer()


@group.command(
    epilog="Examples:  aa-tui sessions agent:billing since:7d  |  aa-tui sessions 'errors>0' --ids. " + ANYWHERE,
)
def sessions(
    context: typer.Context,
    words: FilterWords = None,
    as_json: Json = False,
    ids: Annotated[bool, typer.Option("--ids", help="Only the sessions' ids.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated, with a header.")] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", min=0, help="At most so many; 0 is all. The table shows 100 by default."),
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            "--sort",
            metavar="KEY",
            help="cost: dearest first, duration, tokens…: most first, user, agent: A to Z; +cost rises, -user falls.",
        ),
    ] = "",
) -> None:
    """List sessions, newest first."""
    from aa_tui.backend.model.filter import Sort, parse_filter, parse_sort
    from aa_tui.backend.service.records import SESSION_FIELDS, session_record
    from aa_tui.cli import present

    form = only_one(json=as_json, ids=ids, csv=as_csv)
    wanted = parse_filter(filter_text(words))
    # A program that reads the list wants all of it; a person's screen does not.
    most = limit if limit is not None else 0 if form else 100
    order = parse_sort(sort) if sort else Sort("relevance") if wanted.search_text() else Sort()

    def rows(ws: Workspace) -> Iterator[list[SessionRow]]:
        if 0 < most <= _CHUNK:
            yield ws.sessions.first_page(wanted, order, most)
            return
        listed = ws.sessions.ids(wanted, order).ids
        listed = listed[:most] if most else listed
        for start in range(0, len(listed), _CHUNK):
            chunk = listed[start : start + _CHUNK]
            found = ws.sessions.rows(chunk)
            yield [found[number] for number in chunk if number in found]

    with open_workspace(context) as ws:
        if form == "json":
            for chunk in rows(ws):
                for row in chunk:
                    output.json_line(session_record(row))
        elif form == "ids":
            for chunk in rows(ws):
                for row in chunk:
                    output.line(row.key)
        elif form == "csv":
            records = (session_record(row) for chunk in rows(ws) for row in chunk)
            output.csv_rows([field.name for field in SESSION_FIELDS], (list(record.values()) for record in records))
        else:
            zone, now = ws.project.time_zone, ws.clock.now_ms()
            lines = [present.session_cells(row, zone, now) for chunk in rows(ws) for row in chunk]
            if lines:
                output.table(present.SESSION_COLUMNS, lines, present.SESSION_RIGHT)
            total = ws.sessions.count(wanted)
            errors.note(f"{len(lines):,} of {total:,} sessions in {ws.project.name}: {wanted.words() or 'all'}.")


@group.command(epilog="Example:  aa-tui session 4f1c --json | jq .cost_usd. " + ANYWHERE)
def session(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="ID", help="A session's id or a unique beginning of it.")],
    as_json: Json = False,
) -> None:
    """Show one session: its facts and its thread."""
    from aa_tui.backend.service.records import session_document
    from aa_tui.cli import present

    with open_workspace(context) as ws:
        number = ws.sessions.resolve(key)
        detail = ws.sessions.detail(number)
        zone = ws.project.time_zone
        if as_json:
            texts = ws.sessions.texts(number, [step.id for step in detail.steps], limit=1 << 30)
            output.json_line(session_document(detail, texts, ws.sessions.projected(number)))
            return
        facts = present.session_facts(detail, zone)
        width = max(len(label) for label, _ in facts)
        for label, value in facts:
            output.line(f"{label:<{width}}  {value}")
        turn = None
        for start in range(0, len(detail.steps), _CHUNK):
            chunk = detail.steps[start : start + _CHUNK]
            texts = ws.sessions.texts(number, [step.id for step in chunk])
            for step in chunk:
                if step.turn_no != turn:
                    turn = step.turn_no
                    output.line()
                    output.line(f"── turn {turn} ──" if turn else "── outside turns ──")
                output.line(present.step_title(step, zone))
                for text in texts.get(step.id, ()):
                    output.block(text.text, "    ")
                    if text.size > len(text.text):
                        output.line(
                            f"    … {text.size - len(text.text):,} more characters of {text.part}; --json has all"
                        )
