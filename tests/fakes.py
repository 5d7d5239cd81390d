"""A workspace without a store: the same calls as the service, over sessions made up in memory. For shell tests only."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

from aa_tui.backend.model.event import EventKind
from aa_tui.backend.query.readmodels import (
    MatchExcerpt,
    ProjectInfo,
    SessionBeginning,
    SessionDetail,
    SessionIds,
    SessionRow,
    StepRow,
)
from aa_tui.backend.service.permissions import Actor

NOW = 1_795_269_731_000
TITLES = (
    "Refund for order 8812, charged twice and nobody answers",
    "Dispute a chargeback from last month",
    "Where is my refund",
    "The test suite hangs on the second run, find out why",
    "A present for a ten-year-old who likes dinosaurs and space",
    "Change the delivery address of an order that has left",
)


def row(number: int, **changes: Any) -> SessionRow:
    """Return a believable session number `number` (0 is the newest)."""
    failing = number % 3 == 0
    values: dict[str, Any] = {
        "id": 10_000_000 - number,
        "key": f"ticket-{88213 - number}",
        "agent": ("support-bot", "coding-agent", "shopping-agent")[number % 3],
        "user": f"u-{1000 + number * 37 % 4000}",
        "title": TITLES[number % len(TITLES)],
        "started_ms": NOW - number * 1_260_000,
        "sort_at": NOW - number * 1_260_000,
        "ended_ms": NOW - number * 1_260_000 + 300_000,
        "time_quality": "exact",
        "duration_ms": 300_000 + number % 7 * 61_000,
        "state": "closed",
        "turns": number % 9 + 1,
        "messages": number % 9 * 2 + 2,
        "user_messages": number % 9 + 1,
        "model_calls": number % 9 + 2,
        "tool_calls": number % 5,
        "tool_errors": 1 if failing else 0,
        "errors": 1 if failing else 0,
        "input_tokens": 4000 + number * 13 % 9000,
        "output_tokens": 900,
        "total_tokens": 4900 + number * 13 % 9000,
        "cost_nano": 21_000_000 + number * 977_000 % 90_000_000,
        "cost_estimated": False,
        "priced_calls": 3,
        "source": "demo",
        "model": "gpt-4o-mini",
        "topic": "refunds",
        "rules": ("tool_error", "retry_storm") if failing else (),
    }
    values.update(changes)
    return SessionRow(**values)


def step(number: int, kind: EventKind, head: str, **changes: Any) -> StepRow:
    """Return one step of a session."""
    values: dict[str, Any] = {f.name: None for f in fields(StepRow)}
    values |= {"id": number, "kind": int(kind), "turn_no": 1, "position": number, "depth": 0, "head": head}
    values |= {"text_size": len(head), "cost_estimated": False, "is_error": False, "interrupted": False}
    values |= {"from_agent": False, "marks": (), "warnings": ()} | changes
    return StepRow(**values)


class FakeSessions:
    """`ws.sessions` over a list of rows. `gate` holds every call back until it is set, to test slow answers."""

    def __init__(self, rows: Sequence[SessionRow]) -> None:
        self.all = list(rows)
        self.calls: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def _matching(self, filter: Any, sort: Any) -> list[SessionRow]:
        self.gate.wait(10)
        if self.error is not None:
            raise self.error
        rows = self.all
        for agent in filter.values("agent"):
            rows = [row for row in rows if row.agent == agent]
        word = filter.search_text().lower()
        if word:
            rows = [row for row in rows if word in (row.title or "").lower()]
        keys = {"cost": "cost_nano", "turns": "turns", "duration": "duration_ms", "tokens": "total_tokens"}
        name = keys.get(sort.key, "sort_at")
        return sorted(rows, key=lambda row: getattr(row, name) or 0, reverse=sort.descending)

    def first_page(self, filter: Any, sort: Any, limit: int = 100, token: Any = None) -> list[SessionRow]:
        self.calls.append("first_page")
        return self._matching(filter, sort)[:limit]

    def ids(self, filter: Any, sort: Any, token: Any = None) -> SessionIds:
        self.calls.append("ids")
        rows = self._matching(filter, sort)
        return SessionIds(array("q", [row.id for row in rows]), len(rows))

    def rows(self, ids: Sequence[int], token: Any = None) -> dict[int, SessionRow]:
        self.calls.append("rows")
        self.gate.wait(10)
        wanted = set(ids)
        return {row.id: row for row in self.all if row.id in wanted}

    def count(self, filter: Any, token: Any = None) -> int:
        self.calls.append("count")
        return len(self._matching(filter, SimpleNamespace(key="started", descending=True)))

    def excerpt(self, filter: Any, session_id: int, token: Any = None) -> MatchExcerpt | None:
        row = next(row for row in self.all if row.id == session_id)
        word = filter.search_text().lower()
        at = (row.title or "").lower().find(word)
        return None if at < 0 else MatchExcerpt(session_id, 1, row.title or "", ((at, at + len(word)),))

    def explain_nothing(self, filter: Any, token: Any = None) -> list[Any]:
        from aa_tui.backend.query.readmodels import FilterPart

        return [
            FilterPart(part.to_text(), self.count(part), self.count(filter.drop(n)))
            for n, part in enumerate(filter.parts())
        ]

    def facet_values(self, key: str, prefix: str = "", limit: int = 50, token: Any = None) -> list[Any]:
        from collections import Counter

        from aa_tui.backend.query.readmodels import FacetCount

        counts = Counter(getattr(row, key, "") for row in self.all)
        return [FacetCount(value, n) for value, n in counts.most_common(limit) if value and value.startswith(prefix)]

    def detail(self, session_id: int, token: Any = None) -> SessionDetail:
        """Return a session of four steps: a question, a call, a failed call, an answer."""
        row = next(row for row in self.all if row.id == session_id)
        steps = (
            step(1, EventKind.USER_MESSAGE, row.title or ""),
            step(2, EventKind.TOOL_CALL, '{"order": 8812}', name="lookup_order"),
            step(3, EventKind.TOOL_CALL, '{"order": 8812}', name="issue_refund", is_error=True, error_type="Timeout"),
            step(4, EventKind.AI_RESPONSE, "I'm sorry about that. Let me look at the order. " * 6, agent=row.agent),
        )
        nothing: dict[str, Any] = {f.name: None for f in fields(SessionDetail)}
        nothing |= {"row": row, "steps": steps, "turns": (), "agents": (row.agent,), "models": (), "revision": 1}
        nothing |= {"warnings": (), "info": {}, "by_agent": (), "by_tool": (), "results": (), "answers": ()}
        return SessionDetail(**nothing)

    def beginning(self, session_id: int, steps: int = 60, token: Any = None) -> SessionBeginning:
        found = self.detail(session_id)
        return SessionBeginning(found.row, found.steps[:steps])

    def resolve(self, text: str) -> int:
        return next(row.id for row in self.all if row.key == text)


class FakeViews:
    """`ws.views` in memory."""

    def __init__(self) -> None:
        self.saved: dict[str, str] = {}
        self.undone: list[str] = []

    def save(self, name: str, address: str, shared: bool = False) -> None:
        self.saved[name] = address

    def list(self) -> list[Any]:
        return [SimpleNamespace(name=name, address=address) for name, address in sorted(self.saved.items())]

    def delete(self, name: str) -> None:
        del self.saved[name]

    def undo(self) -> str | None:
        return f"saved view {self.saved.popitem()[0]}" if self.saved else None

    def redo(self) -> str | None:
        return None


class FakeWorkspace:
    """A project without a store."""

    def __init__(self, rows: Sequence[SessionRow] | None = None, n: int = 200, read_only: bool = False) -> None:
        self.project = ProjectInfo(1, "demo", "0" * 32, "UTC", n, NOW)
        self.changes = 0
        self.store = SimpleNamespace(
            read_only=read_only,
            read_only_reason="the file is not yours" if read_only else None,
            change_counter=lambda: self.changes,
            reader=lambda token=None: nullcontext(SimpleNamespace(fetch=lambda sql, params=None: [])),
            close=lambda: None,
            url="fake:",
        )
        self.actor = Actor("ada")
        self.clock = SimpleNamespace(now_ms=lambda: NOW)
        self.views = FakeViews()
        self.privacy = SimpleNamespace(purge_due=lambda token, large: None)
        self.scoring = SimpleNamespace(waits=lambda: False)
        self.reread = lambda: False
        self.data_version = lambda: self.changes
        self.sessions = FakeSessions([row(number) for number in range(n)] if rows is None else rows)
