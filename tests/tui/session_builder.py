"""A readable way to make a session's read-model without a store, for tests of the session screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aa_tui.backend.model.event import EventKind, Part
from aa_tui.backend.query.readmodels import (
    ContentText,
    JudgingRow,
    QuoteRow,
    ResultRow,
    SessionDetail,
    SessionRow,
    StepRow,
    ThreadHit,
    TurnRow,
)

START_MS = 1_763_733_600_000


class SessionBuilder:
    """Collects steps and their texts; `detail()` is what the service would return."""

    def __init__(self, key: str = "ticket-88213", user: str = "u-1042", agent: str = "support-bot") -> None:
        self.key, self.user, self.agent = key, user, agent
        self.steps: list[StepRow] = []
        self.texts: dict[int, tuple[ContentText, ...]] = {}
        self.turn = 0
        self.time_ms = START_MS
        self.results: list[ResultRow] = []
        self.judging: JudgingRow | None = None
        self.hints: tuple[QuoteRow, ...] = ()

    def add(self, kind: EventKind, text: str = "", **fields: Any) -> int:
        """Add a step; keyword arguments override fields of the `StepRow` or give further parts (`output="…"`)."""
        parts = {name: fields.pop(name) for name in ("input", "output", "error", "reasoning") if name in fields}
        event_id = len(self.steps) + 1
        self.time_ms += fields.pop("after_ms", 1_200)
        main = parts.get("input", text) if kind == EventKind.TOOL_CALL else text
        values: dict[str, Any] = {
            "id": event_id, "kind": int(kind), "turn_no": self.turn, "position": event_id - 1, "depth": 0,
            "parent_event": None, "time_ms": self.time_ms, "latency_ms": None, "ttfb_ms": None, "agent": self.agent,
            "parent_agent": None, "name": None, "model": None, "head": main[:200],
            "text_size": sum(map(len, parts.values())) or len(text), "input_tokens": None, "output_tokens": None,
            "total_tokens": None, "cost_nano": None, "cost_estimated": False, "is_error": False, "error_type": None,
            "finish_reason": None, "interrupted": False, "from_agent": False, "score_value": None,
            "score_source": None, "marks": (), "warnings": (),
        }  # fmt: skip
        values.update(fields)
        self.steps.append(StepRow(**values))
        texts = {Part.TEXT: text, **parts}
        self.texts[event_id] = tuple(ContentText(part, body, len(body)) for part, body in texts.items() if body)
        return event_id

    def user_says(self, text: str, **fields: Any) -> int:
        """Begin a turn."""
        self.turn += 1
        return self.add(EventKind.USER_MESSAGE, text, **fields)

    def agent_says(self, text: str, **fields: Any) -> int:
        """Add an answer."""
        facts = {"model": "gpt-4o-mini", "latency_ms": 1200.0, "total_tokens": 410, "cost_nano": 900_000}
        return self.add(EventKind.AI_RESPONSE, text, **{**facts, **fields})

    def tool(self, name: str, arguments: str, output: str = "", **fields: Any) -> int:
        """Add a tool call."""
        return self.add(
            EventKind.TOOL_CALL, name=name, input=arguments, output=output, **{"latency_ms": 310.0, **fields}
        )

    def turns(self) -> tuple[TurnRow, ...]:
        """Return the turns the steps make."""
        rows = []
        for no in range(1, self.turn + 1):
            steps = [step for step in self.steps if step.turn_no == no]
            rows.append(
                TurnRow(
                    no=no,
                    started_ms=min(step.time_ms - int(step.latency_ms or 0) for step in steps if step.time_ms),
                    ended_ms=max(step.time_ms for step in steps if step.time_ms),
                    user_head=next((s.head for s in steps if s.kind == EventKind.USER_MESSAGE), None),
                    answer_head=next((s.head for s in steps if s.kind == EventKind.AI_RESPONSE), None),
                    messages=sum(s.kind in (EventKind.USER_MESSAGE, EventKind.AI_RESPONSE) for s in steps),
                    model_calls=sum(s.kind == EventKind.AI_RESPONSE for s in steps),
                    tool_calls=sum(s.kind == EventKind.TOOL_CALL for s in steps),
                    tool_errors=sum(s.kind == EventKind.TOOL_CALL and s.is_error for s in steps),
                    errors=sum(s.is_error for s in steps),
                    total_tokens=sum(s.total_tokens or 0 for s in steps),
                    cost_nano=sum(s.cost_nano or 0 for s in steps),
                    cost_estimated=False,
                )
            )
        return tuple(rows)

    def row(self, session_id: int = 1, **fields: Any) -> SessionRow:
        """Return the list's line of this session."""
        values: dict[str, Any] = {
            "id": session_id, "key": self.key, "agent": self.agent, "user": self.user,
            "title": self.steps[0].head if self.steps else None, "started_ms": START_MS, "sort_at": START_MS,
            "ended_ms": self.time_ms, "time_quality": "exact", "duration_ms": self.time_ms - START_MS,
            "state": "closed", "turns": self.turn, "messages": len(self.steps),
            "user_messages": self.turn, "model_calls": sum(s.kind == EventKind.AI_RESPONSE for s in self.steps),
            "tool_calls": sum(s.kind == EventKind.TOOL_CALL for s in self.steps),
            "tool_errors": sum(s.is_error for s in self.steps), "errors": sum(s.is_error for s in self.steps),
            "input_tokens": 1800, "output_tokens": 488, "total_tokens": 2288, "cost_nano": 5_495_000,
            "cost_estimated": False, "priced_calls": 4, "source": "amplitude", "model": "gpt-4o-mini",
            "topic": "refunds", "rules": ("tool_error",),
        }  # fmt: skip
        values.update(fields)
        return SessionRow(**values)

    def detail(self, session_id: int = 1, **fields: Any) -> SessionDetail:
        """Return the whole session as its five tabs need it."""
        values: dict[str, Any] = {
            "row": self.row(session_id), "steps": tuple(self.steps), "turns": self.turns(), "agents": (self.agent,),
            "models": ("gpt-4o-mini",), "close_reason": "explicit_close", "closed_ms": self.time_ms, "revision": 1,
            "input_tokens": 1800, "output_tokens": 488, "reasoning_tokens": None, "cache_read_tokens": 600,
            "cache_creation_tokens": None, "latency_avg_ms": 1706.75, "latency_p50_ms": 1200.0,
            "latency_p90_ms": 3100.0, "user_score": None, "warnings": (), "info": {"context": {"plan": "pro"}},
            "by_agent": (), "by_tool": (), "results": tuple(self.results), "answers": (), "judging": self.judging,
        }  # fmt: skip
        values.update(fields)
        return SessionDetail(**values)


class FakeSessions:
    """Answers like `Workspace.sessions` from sessions made by builders."""

    def __init__(self, builders: Sequence[SessionBuilder]) -> None:
        self.builders = list(builders)
        self.asked: list[tuple[int, ...]] = []

    def resolve(self, text: str) -> int:
        return next(n for n, builder in enumerate(self.builders, 1) if builder.key == text)

    def detail(self, session_id: int, token: object = None) -> SessionDetail:
        return self.builders[session_id - 1].detail(session_id)

    def injection_hints(self, session_id: int, token: object = None) -> tuple[QuoteRow, ...]:
        return self.builders[session_id - 1].hints

    def rows(self, ids: Sequence[int], token: object = None) -> dict[int, SessionRow]:
        return {n: self.builders[n - 1].row(n) for n in ids}

    def texts(
        self, session_id: int, event_ids: Sequence[int], limit: int = 20_000, token: object = None
    ) -> dict[int, tuple[ContentText, ...]]:
        self.asked.append(tuple(event_ids))
        texts = self.builders[session_id - 1].texts
        return {
            n: tuple(ContentText(t.part, t.text[:limit], t.size) for t in texts[n]) for n in event_ids if n in texts
        }

    def find(self, session_id: int, needle: str, token: object = None) -> list[ThreadHit]:
        hits = []
        for event_id, parts in self.builders[session_id - 1].texts.items():
            for part in parts:
                at = part.text.casefold().find(needle.casefold())
                while at >= 0:
                    hits.append(ThreadHit(event_id, part.part, at, len(needle)))
                    at = part.text.casefold().find(needle.casefold(), at + 1)
        return hits


def refund_session(key: str = "ticket-88213") -> SessionBuilder:
    """A support session of two turns with a failed tool, as in the screens' sketch."""
    made = SessionBuilder(key)
    made.user_says("I was charged twice for order 8812 and nobody answers.")
    made.agent_says("I'm sorry about that. Let me look at the order.")
    made.tool("lookup_order", '{"order": 8812}', '{"status": "shipped", "charges": [42.1, 42.1]}')
    made.tool(
        "issue_refund", '{"order": 8812, "amount": 42.10}', error="TimeoutError: no answer", is_error=True,
        error_type="Timeout", latency_ms=30_000.0, after_ms=30_000,
    )  # fmt: skip
    made.agent_says("I could not refund it just now. I will try again.\n\n" + "This takes a moment. " * 30)
    made.user_says("Hello? Still waiting.", marks=("edited",))
    made.add(EventKind.USER_MESSAGE, "Find the refund policy for double charges.", from_agent=True,
             agent="policy-agent", parent_agent="support-bot", depth=1)  # fmt: skip
    made.agent_says("Double charges are refunded in full.", agent="policy-agent", parent_agent="support-bot", depth=1)
    made.agent_says("Your refund has been issued.")
    made.add(EventKind.SESSION_END)
    return made


def judged_session() -> SessionBuilder:
    """The refund session with verdicts of every kind: judged, by code, cited, made up, and one that failed."""
    made = refund_session()
    failed = next(step for step in made.steps if step.is_error)
    last = [step for step in made.steps if step.kind == EventKind.AI_RESPONSE][-1]
    made.judging = JudgingRow("done", "", "mock/gpt", "compatible", 1, 2_100, 210, 900_000, 1_900.0, START_MS)
    made.results += [
        result("task_completion", "False", False, rationale="The refund never happened, but the agent says it did.",
               quotes=(QuoteRow("TimeoutError: no answer", failed.id, 5, "tool", True),
                       QuoteRow("refund 4711 done", None, 9, "", False)),
               flags=("evidence_unverified",), extras=(("task_failure_reason", "the refund tool timed out"),)),
        result("user_friction", "True", None, method="code", model=None, labels=("tool_cascade_fail",)),
        result("topic_summary", "A refund for an order that was charged twice", None),
        result("refund_policy", "false", False, kind="evaluator", version=3, score=None, input_tokens=900,
               output_tokens=80, cost_nano=400_000, rationale="Claims a refund that no tool confirms.",
               quotes=(QuoteRow("Your refund has been issued.", last.id, 8, "assistant", True),)),
        result("tone", None, None, kind="evaluator", error="two objects disagree", error_kind="ambiguous",
               raw_reply='{"score": 3} {"score": 5}'),
        result("imported_check", "pass", True, kind="evaluator", method="llm", quotes=(QuoteRow("Still waiting"),)),
    ]  # fmt: skip
    return made


def result(check: str, value: str | None, passed: bool | None, **fields: Any) -> ResultRow:
    """Return a result of a signal; keyword arguments override fields."""
    values: dict[str, Any] = {
        "kind": "signal", "version": 1, "score": None, "rationale": None, "evidence": None, "model": "mock/gpt",
        "method": "llm", "latency_ms": None, "cost_nano": None, "error": None, "evaluated_ms": START_MS,
    }  # fmt: skip
    return ResultRow(check=check, value=value, passed=passed, **{**values, **fields})
