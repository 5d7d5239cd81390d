"""Incoming events as the store holds them, grouped into transactions. Looks nothing up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aa_tui.backend.ingest.outcomes import Outcome
from aa_tui.backend.ingest.stored import make_stored
from aa_tui.backend.ingest.writer.records import Incoming, New, Slice
from aa_tui.backend.model.event import EventKind
from aa_tui.backend.support.text import storable_id

SLICE_EVENTS = 1_000
SLICE_CHARS = 3_000_000
"""What one transaction takes at most: keeps it under about 200 ms."""

_OUTSIDE = (int(EventKind.PRODUCT), int(EventKind.IDENTIFY))


def converted(items: Iterable[Incoming | New], received_ms: int) -> Iterator[New]:
    """Yield events as the store holds them; those that do not say when they came came at `received_ms`."""
    last = clipped = ""
    for item in items:
        if isinstance(item, New):
            yield item
            continue
        event = item.event
        came_ms = received_ms if item.received_ms is None else item.received_ms
        stored, texts = make_stored(event, item.source, item.mapper_version, came_ms)
        key = event.session_key
        if not key or stored.kind in _OUTSIDE:
            key = None
        elif key != last:
            last, clipped = key, storable_id(key)
            key = clipped
        else:
            key = clipped
        size = sum(map(len, texts.values())) if texts else 0
        yield New(stored, texts, key, item.file, size, item.force, item.exact)


def sliced(news: Iterable[New], outcomes: Iterable[Outcome], most: int, chars: int) -> Iterator[Slice]:
    """Group events and outcomes into transactions of `most` of them and so many characters.

    Sessions stay whole unless one alone is too large.
    """
    sessions: dict[str | None, tuple[list[New], list[Outcome]]] = {}
    for new in news:
        sessions.setdefault(new.key, ([], []))[0].append(new)
    for outcome in outcomes:
        sessions.setdefault(storable_id(outcome.session_key), ([], []))[1].append(outcome)
    current = Slice()
    for key, (members, said) in sessions.items():
        size = sum(new.size for new in members)
        load = len(members) + len(said)
        if current.load and (current.load + load > most or current.size + size > chars):
            yield current
            current = Slice()
        if load <= most and size <= chars:
            current.news += members
            current.size += size
        else:
            for new in members:
                if current.news and (len(current.news) >= most or current.size + new.size > chars):
                    current.partial = key
                    yield current
                    current = Slice()
                current.news.append(new)
                current.size += new.size
        current.outcomes += said
    if current.load:
        yield current
