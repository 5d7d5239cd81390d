"""The search index: one document per session, put in, taken out and replaced. Ranking and matching are `query`'s.

The SQLite index keeps no text of its own, so a document is taken out by building it again exactly; `search_state` has
its hash and the version of the builder, so that a document that cannot be built again is noticed, never guessed at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any

from aa_tui.backend.model.event import EventKind, Part
from aa_tui.backend.store import contents, search_words
from aa_tui.backend.store.engine import Reader, Tx
from aa_tui.backend.store.facts import fetch_in
from aa_tui.backend.support.ids import text_hash

BUILDER_VERSION = 1
"""Raise it with every change of `build_document`, and rebuild."""
MESSAGE_CHARS = 32_000
TOOL_CHARS = 8_000
DOCUMENT_CHARS = 256_000

PARTS = (Part.TEXT, Part.INPUT, Part.OUTPUT, Part.ERROR)
"""Texts that can be searched; reasoning and prompts cannot."""
_BESIDES = (Part.INPUT, Part.OUTPUT, Part.ERROR)
"""Those of messages that come after all messages."""
_MESSAGES = (int(EventKind.USER_MESSAGE), int(EventKind.AI_RESPONSE))
_event_id = itemgetter(0)

SearchText = tuple[int, int, str | None, Mapping[str, str]]
"""(event id, kind, name, texts by part)."""


def build_document(texts: Iterable[SearchText]) -> str:
    """Return the search document of a session: its messages, then tool names, inputs, outputs and errors.

    Messages come first so that they are searched whole before long tool outputs fill the rest. Depends only on the
    events' ids and texts, not on the order they are given in.
    """
    pieces: list[str] = []
    others: list[str] = []
    for _, kind, name, parts in sorted(texts, key=_event_id):
        if kind in _MESSAGES:
            if text := parts.get(Part.TEXT):
                pieces.append(text[:MESSAGE_CHARS])
                if len(parts) == 1:
                    continue
            wanted: tuple[str, ...] = _BESIDES
        else:
            if name:
                others.append(name[:TOOL_CHARS])
            wanted = PARTS
        for part in wanted:
            if text := parts.get(part):
                others.append(text[:TOOL_CHARS])
    pieces += others
    if sum(map(len, pieces)) + len(pieces) > DOCUMENT_CHARS:
        pieces = list(_fitting(pieces))
    return "\n".join(pieces)


def _fitting(pieces: Iterable[str]) -> Iterator[str]:
    """Yield what fits into a document."""
    room = DOCUMENT_CHARS
    for piece in pieces:
        if room <= 0:
            return
        yield piece[:room]
        room -= len(piece[:room]) + 1


def stored_texts(reader: Reader, project_id: int, session_id: int) -> dict[int, dict[str, str]]:
    """Return the searchable beginnings of a session's stored texts, by event id and part."""
    found: dict[int, dict[str, str]] = {}
    for event_id, part, text, _ in contents.read(reader, project_id, session_id, only=PARTS, limit=MESSAGE_CHARS):
        found.setdefault(event_id, {})[part] = text
    return found


def stored_document(reader: Reader, project_id: int, session_id: int) -> str:
    """Return the search document of a session from what is stored."""
    texts = stored_texts(reader, project_id, session_id)
    events = reader.fetch(
        "SELECT id, kind, name FROM event WHERE project_id=:p AND session_id=:s", {"p": project_id, "s": session_id}
    )
    return build_document((row[0], row[1], row[2], texts.get(row[0], {})) for row in events)


def states(reader: Reader, project_id: int, ids: Iterable[int]) -> dict[int, tuple[str, int]]:
    """Return (document hash, builder version) of what the index holds, by session."""
    rows = fetch_in(
        reader,
        "SELECT session_id, document_hash, builder_version FROM search_state WHERE project_id=:p "
        "AND session_id IN ({values})",
        {"p": project_id},
        ids,
    )
    return {row[0]: (row[1], row[2]) for row in rows}


def replace_documents(tx: Tx, project_id: int, changes: Iterable[tuple[int, str | None, str | None]]) -> None:
    """Replace documents: (session, the document the index holds or None, the new one or None to only take out).

    A document that is not the one recorded is left in place and marked for `rebuild_search`: taking out another text
    than was put in would damage the index.
    """
    changes = list(changes)
    held = states(tx, project_id, [session for session, old, _ in changes if old is not None])
    taken: list[dict[str, Any]] = []
    put: list[dict[str, Any]] = []
    kept: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    for session, old, new in changes:
        if old is not None and session in held:
            if held[session] != (text_hash(old), BUILDER_VERSION):
                tx.execute(
                    "UPDATE search_state SET builder_version=0 WHERE project_id=:p AND session_id=:s",
                    {"p": project_id, "s": session},
                )
                continue
            if old == new:
                continue
            taken.append({"p": project_id, "s": session, "document": old})
        if new is None:
            gone.append({"p": project_id, "s": session})
            continue
        put.append({"p": project_id, "s": session, "document": new})
        kept.append(
            {"p": project_id, "s": session, "hash": text_hash(new), "version": BUILDER_VERSION, "size": len(new)}
        )
    _take_out(tx, taken)
    put_in(tx, put)
    tx.executemany(
        "INSERT INTO search_state(project_id, session_id, document_hash, builder_version, size) "
        "VALUES (:p, :s, :hash, :version, :size) ON CONFLICT(project_id, session_id) DO UPDATE SET "
        "document_hash=excluded.document_hash, builder_version=excluded.builder_version, size=excluded.size",
        kept,
    )
    tx.executemany("DELETE FROM search_state WHERE project_id=:p AND session_id=:s", gone)


def put_in(tx: Tx, rows: Iterable[Mapping[str, Any]]) -> None:
    """Put documents into the index itself: rows of `p`, `s`, `document`, of sessions that it does not hold."""
    if tx.dialect == "sqlite":
        # In order of row ids: FTS5 writes out what it has gathered, as a segment of its own, whenever one goes back.
        ordered = sorted([(row["s"], row["document"]) for row in rows])
        tx.executerows("INSERT INTO session_fts(rowid, document) VALUES (:s, :document)", ordered)
        return
    cut = [(row, search_words.words(row["document"])) for row in rows]
    tx.executemany(
        "INSERT INTO session_fts(project_id, rowid, document, search) "
        "VALUES (:p, :s, :document, CAST(:vector AS tsvector))",
        [
            {
                "p": row["p"],
                "s": row["s"],
                "document": search_words.document_of(found),
                "vector": search_words.vector_of(found),
            }
            for row, found in cut
        ],
    )


def _take_out(tx: Tx, rows: list[dict[str, Any]]) -> None:
    if tx.dialect == "sqlite":
        ordered = sorted([(row["s"], row["document"]) for row in rows])
        tx.executerows(
            "INSERT INTO session_fts(session_fts, rowid, document) VALUES ('delete', :s, :document)", ordered
        )
    else:
        tx.executemany(
            "DELETE FROM session_fts WHERE project_id=:p AND rowid=:s", [{"p": row["p"], "s": row["s"]} for row in rows]
        )


def clear_index(tx: Tx) -> None:
    """Empty the index for all projects; every project must be built again afterwards."""
    if tx.dialect == "sqlite":
        tx.execute("INSERT INTO session_fts(session_fts) VALUES ('delete-all')")
    else:
        tx.execute("DELETE FROM session_fts")
    tx.execute("DELETE FROM search_state")
