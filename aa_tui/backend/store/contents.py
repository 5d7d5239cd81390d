"""Long texts of events: packed into one row per event, written, and read back. Whoever wants a text comes here.

The head of an event, which its row holds anyway, is the dictionary its texts are compressed with, so that their
beginning is not stored twice.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from aa_tui.backend.model.event import Part
from aa_tui.backend.store.engine import Reader, Row, Tx

SHORT_BYTES = 400
"""Texts below this are not compressed: it would cost more than it saves beyond what leaving out the head does."""
FAST, SMALL = 1, 6
"""Levels of compression. The latter takes half as long again, for whoever has the time, and saves a thirtieth."""
_CODE = {Part.TEXT: "t", Part.INPUT: "i", Part.OUTPUT: "o", Part.ERROR: "e", Part.REASONING: "r"}
"""How the store writes the names of the most frequent parts."""
_PART = {code: part for part, code in _CODE.items()}
_PLAIN, _DEFLATED, _AFTER_HEAD = b"\0", b"\1", b"\2"
_WINDOW = -15
"""Raw deflate: no checksum of its own, the store's pages are whole or the store is damaged."""
_SMALL_WINDOW, _SMALL_BYTES = -12, 4096
"""For texts that need no more: getting a quarter of a megabyte of memory for each takes longer than compressing it."""
_MOST_BYTES_PER_CHAR = 4

Content = tuple[int, str, str, int]
"""(event id, part, its text or the beginning of it, its whole size in characters)."""


def pack(texts: Mapping[str, str], head: str | None, level: int = FAST) -> tuple[str, bytes]:
    """Return which parts there are, with their sizes in characters, and the texts as the store keeps them.

    Short texts come first, so that the beginnings of all are near the beginning.

    Args:
        texts: by part.
        head: that of the event.
        level: how hard it is tried to compress them, `FAST` or `SMALL`.
    """
    ordered = sorted(texts.items(), key=lambda one: (len(one[1]), one[0]))
    raw = "".join([text for _, text in ordered]).encode()
    parts = " ".join([f"{_CODE.get(part, part)}:{len(text)}" for part, text in ordered])
    known = (head or " ").encode()
    if len(raw) < SHORT_BYTES:
        return parts, _AFTER_HEAD + raw[len(known) :] if head and raw.startswith(known) else _PLAIN + raw
    window, memory = (_WINDOW, 8) if len(raw) + len(known) > _SMALL_BYTES else (_SMALL_WINDOW, 5)
    packer = zlib.compressobj(level, zlib.DEFLATED, window, memory, zlib.Z_DEFAULT_STRATEGY, known)
    packed = packer.compress(raw) + packer.flush()
    return parts, _DEFLATED + packed if len(packed) < len(raw) else _PLAIN + raw


def unpack(
    parts: str, body: bytes, head: str | None, only: Iterable[str] | None = None, limit: int | None = None
) -> Iterator[tuple[str, str, int]]:
    """Yield (part, text, whole size) of what `pack` returned.

    Args:
        parts: which there are.
        body: their texts.
        head: that of the event, as it was when its texts were packed.
        only: the names of the parts wanted; None: all.
        limit: characters of each part; None: all.
    """
    wanted: list[tuple[str, int, int]] = []
    at = 0
    for one in parts.split(" "):
        code, _, digits = one.rpartition(":")
        name = _PART.get(code, code)
        size = int(digits)
        if only is None or name in only:
            wanted.append((name, at, size))
        at += size
    if not wanted:
        return
    last = max(start + (size if limit is None else min(size, limit)) for _, start, size in wanted)
    whole = _decoded(bytes(body), head, last)
    for name, start, size in wanted:
        yield name, whole[start : start + (size if limit is None else min(size, limit))], size


def _decoded(body: bytes, head: str | None, chars: int) -> str:
    """Return at least the first characters of a body."""
    most = chars * _MOST_BYTES_PER_CHAR
    if body[:1] == _PLAIN:
        raw = body[1 : most + 1]
    elif body[:1] == _AFTER_HEAD:
        raw = (head or "").encode() + body[1:]
    else:
        unpacker = zlib.decompressobj(_WINDOW, (head or " ").encode())
        raw = unpacker.decompress(body[1:], max(most, 1))
    return raw.decode("utf-8", "ignore")


def insert(tx: Tx, rows: Sequence[Row]) -> None:
    """Insert texts: rows of project, session, event, and what `pack` returned."""
    tx.executerows(
        "INSERT INTO content(project_id, session_id, event_id, parts, body) VALUES (:p, :s, :e, :parts, :body)", rows
    )


def read(
    reader: Reader,
    project_id: int,
    session_id: int,
    event_ids: Iterable[int] | None = None,
    only: Iterable[str] | None = None,
    limit: int | None = None,
) -> Iterator[Content]:
    """Yield texts of a session's events, ordered by event.

    Args:
        reader: a snapshot.
        project_id: whose.
        session_id: 0 for events of no session.
        event_ids: of which events; None: of all. At most some thousand.
        only: the names of the parts wanted; None: all.
        limit: characters of each text; None: all.
    """
    params: dict[str, Any] = {"p": project_id, "s": session_id}
    chosen = ""
    if event_ids is not None:
        listed = ", ".join(str(int(one)) for one in event_ids)
        if not listed:
            return
        chosen = f"AND c.event_id IN ({listed}) "
    sql = (
        "SELECT c.event_id, c.parts, c.body, e.head FROM content c JOIN event e ON e.project_id=c.project_id "
        "AND e.session_id=c.session_id AND e.id=c.event_id WHERE c.project_id=:p AND c.session_id=:s "
        f"{chosen}ORDER BY c.event_id"
    )
    names = None if only is None else frozenset(only)
    for chunk in reader.stream(sql, params, 50):
        for event_id, parts, body, head in chunk:
            for part, text, size in unpack(parts, body, head, names, limit):
                yield event_id, part, text, size
