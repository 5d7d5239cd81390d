"""Getting started: is there any data, what has arrived so far, and what to fix (spec section 13)."""

from __future__ import annotations

from aa_tui.backend.model.text_switches import SWITCHES
from aa_tui.backend.query.compile import Scope
from aa_tui.backend.query.readmodels import CheckRow
from aa_tui.backend.store.engine import Reader
from aa_tui.backend.support.humanize import plural

_RESPONSES = 1000
_BELOW = "e.event_type < '[Agent]!'"
"""Fill rates are those of the newest answers."""


def has_agent_data(reader: Reader, scope: Scope) -> bool:
    """Tell whether the project has any session."""
    return reader.one("SELECT 1 FROM session WHERE project_id=:p LIMIT 1", {"p": scope.project_id}) is not None


def checklist(reader: Reader, scope: Scope) -> list[CheckRow]:
    """Return what has arrived so far and what to fix (spec section 13)."""
    p = {"p": scope.project_id}

    def facet_sum(key: str, *values: str) -> int:
        names = {f"v{i}": v for i, v in enumerate(values)}
        clause = f" AND value IN ({', '.join(':' + n for n in names)})" if values else ""
        row = reader.one(
            f"SELECT COALESCE(SUM(sessions), 0) FROM facet WHERE project_id=:p AND key=:k{clause}",
            {**p, "k": key, **names},
        )
        return int(row[0]) if row else 0

    total = facet_sum("state")
    recent = f"(SELECT id FROM session WHERE project_id=:p ORDER BY sort_at DESC, id DESC LIMIT {_RESPONSES}) s"
    within = f"{recent} CROSS JOIN event e WHERE e.project_id=:p AND e.session_id=s.id AND e."
    kept = len(reader.fetch(f"SELECT 1 FROM {within}event_type >= '[Agent] ' AND {_BELOW} LIMIT {_RESPONSES}", p))
    orphans = len(
        reader.fetch(
            "SELECT 1 FROM event e WHERE e.project_id=:p AND e.session_id=0 AND e.event_type >= '[Agent] ' "
            f"AND {_BELOW} LIMIT {_RESPONSES}",
            p,
        )
    )
    answers = reader.fetch(
        "SELECT e.model, COALESCE(e.total_tokens, e.input_tokens), e.latency_ms, e.cost_nano "
        f"FROM {within}event_type='[Agent] AI Response' LIMIT {_RESPONSES}",
        p,
    )
    n = len(answers)
    filled = [sum(1 for row in answers if row[i] or (i == 3 and row[i] is not None)) for i in range(4)]
    with_text = facet_sum("has", "text")
    known_agents = total - facet_sum("agent", "unknown")
    recorded = reader.one("SELECT COUNT(*) FROM session_revision WHERE project_id=:p", p)

    def row_(id_: str, title: str, have: int, of: int, hint: str) -> CheckRow:
        done = have > 0 and have >= of * 0.9
        return CheckRow(id_, title, done, have, of, "" if done else hint)

    return [
        row_("event", "first event", kept + orphans, 1, "nothing has arrived yet: import or send something"),
        row_("session", "session ID", kept, kept + orphans, "without it nothing is in Sessions"),
        row_("agent", "agent ID", known_agents, total, "without it the agent filter is useless"),
        row_("user", "user", facet_sum("user"), total, "without it there are no cohorts and no user activity"),
        row_("model", "model of answers", filled[0], n, "answers do not say which model wrote them"),
        row_("tokens", "tokens of answers", filled[1], n, "the token chart stays empty"),
        row_("latency", "latency of answers", filled[2], n, "the latency chart stays empty"),
        row_("cost", "cost of answers", filled[3], n, "the cost chart stays empty"),
        _text_row(reader, scope, with_text, total),
        row_("end", "session end", facet_sum("state", "closed"), 1, "sessions wait for the idle timeout"),
        row_("record", "first session record", int(recorded[0]) if recorded else 0, 1, "written when a session closes"),
    ]


def _text_row(reader: Reader, scope: Scope, with_text: int, total: int) -> CheckRow:
    """Return whether texts arrive, and where they do not, by which switch they are kept back."""
    if with_text and with_text >= total * 0.9:
        return CheckRow("text", "text", True, with_text, total, "")
    held = reader.fetch(
        "SELECT value, sessions FROM facet WHERE project_id=:p AND key='withheld' AND sessions>0 "
        "ORDER BY sessions DESC, value",
        {"p": scope.project_id},
    )
    lines = [f"{plural(count, 'session')}, {SWITCHES[reason].words}" for reason, count in held if reason in SWITCHES]
    if lines:
        return CheckRow("text", "no text", False, with_text, total, "\n".join(lines), failed=True)
    hint = "no task completion or response quality; send $llm_message, or import transcripts"
    return CheckRow("text", "text", False, with_text, total, hint)
