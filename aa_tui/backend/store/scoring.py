"""SQL of model scoring: what is due, who has it, what became of it, what was set aside and spent. Decides nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aa_tui.backend.store.engine import Reader, Row, Tx
from aa_tui.backend.store.facts import fetch_in

LEASE_KEY = "scoring_lease"
_CAPPED = "('signals', 'evaluators')"
_WORK_COLUMNS = {
    "session_id": "session_id", "revision": "revision", "evaluator_id": "what",
    **{
        name: name
        for name in (
            "version", "state", "reason", "attempts", "model", "calls", "input_tokens", "output_tokens", "cost_nano",
            "latency_ms", "topic_summary", "request_complexity", "topic", "versions", "raw_reply", "error", "due_ms",
            "evaluated_ms",
        )
    },
}  # fmt: skip
"""Columns of a piece of work by the names of `model.scoring.WorkRow`."""
_SPENT = (
    "day", "purpose", "provider", "model", "local", "calls", "input_tokens", "output_tokens", "cost_nano", "held_nano",
    "held_tokens", "unpriced_calls",
)  # fmt: skip
"""Names of `model.scoring.SpentLine`."""
_FINISHED = (
    "state", "reason", "due_ms", "version", "provider", "model", "parameters", "prompt_hash", "raw_reply", "flags",
    "calls", "input_tokens", "output_tokens", "cost_nano", "latency_ms", "topic_summary", "request_complexity", "topic",
    "versions", "error", "evaluated_ms",
)  # fmt: skip
"""Columns that the end of a piece of work sets."""


@dataclass(frozen=True, slots=True)
class ActiveEvaluator:
    """An evaluator that scores newly closed sessions, with its active version."""

    id: int
    name: str
    version: int
    activated_ms: int
    agents: tuple[str, ...]
    """Root agents it is for; empty: all."""
    sampling: float
    definition: str
    """JSON."""


@dataclass(frozen=True, slots=True)
class Close:
    """A close of a session that something may have to be done for."""

    session_id: int
    revision: int
    written_ms: int
    key: str
    agent: str
    has_text: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A piece of work that this program has."""

    session_id: int
    revision: int
    what: int
    version: int
    attempts: int


# --- what there is to do -------------------------------------------------------------------------------------------


def active_evaluators(reader: Reader, project_id: int) -> list[ActiveEvaluator]:
    """Return the active evaluators by id."""
    rows = reader.fetch(
        "SELECT e.id, e.name, e.active_version, e.activated_ms, e.agents, e.sampling, v.definition FROM evaluator e "
        "JOIN evaluator_version v ON v.project_id=e.project_id AND v.evaluator_id=e.id AND v.no=e.active_version "
        "WHERE e.project_id=:p AND e.state='active' AND e.activated_ms IS NOT NULL ORDER BY e.id",
        {"p": project_id},
    )
    found = []
    for number, name, version, activated, agents, sampling, definition in rows:
        named: tuple[str, ...] = ()
        with suppress(ValueError):
            loaded = json.loads(agents)
            named = tuple(str(one) for one in loaded) if isinstance(loaded, list) else ()
        found.append(ActiveEvaluator(number, name, version, activated, named, sampling, definition))
    return found


def closes(reader: Reader, project_id: int, what: int, since_ms: int, after: Row, limit: int) -> list[Close]:
    """Return closes recorded since an instant that no work is written down for, in the order they were recorded.

    Args:
        what: 0 the signals, else an evaluator.
        after: (written_ms, session id) of the last one that was looked at.
    """
    rows = reader.fetch(
        "SELECT r.session_id, r.revision, r.written_ms, s.key, s.agent, s.has_text FROM session_revision r "
        "JOIN session s ON s.project_id=r.project_id AND s.id=r.session_id AND s.revision=r.revision "
        "AND s.state='closed' WHERE r.project_id=:p AND r.written_ms>=:since "
        "AND (r.written_ms>:at OR (r.written_ms=:at AND r.session_id>:id)) "
        "AND NOT EXISTS (SELECT 1 FROM scoring w WHERE w.project_id=r.project_id AND w.session_id=r.session_id "
        "AND w.revision=r.revision AND w.what=:what) ORDER BY r.written_ms, r.session_id LIMIT :n",
        {"p": project_id, "since": since_ms, "what": what, "at": after[0], "id": after[1], "n": limit},
    )
    return [Close(row[0], row[1], row[2], row[3], row[4], bool(row[5])) for row in rows]


def closed_sessions(reader: Reader, project_id: int, ids: Iterable[int]) -> list[Close]:
    """Return the closed ones among sessions, in the order given."""
    wanted = list(ids)
    rows = fetch_in(
        reader,
        "SELECT id, revision, sort_at, key, agent, has_text FROM session WHERE project_id=:p AND state='closed' "
        "AND id IN ({values})",
        {"p": project_id},
        wanted,
    )
    found = {row[0]: Close(row[0], row[1], row[2], row[3], row[4], bool(row[5])) for row in rows}
    return [found[one] for one in wanted if one in found]


def settled(reader: Reader, project_id: int, what: int, ids: Iterable[int]) -> dict[int, tuple[int, int, str]]:
    """Return (revision, version, state) of the newest work on sessions that is done, or that no text lets be done."""
    rows = fetch_in(
        reader,
        "SELECT session_id, revision, version, state FROM scoring WHERE project_id=:p AND what=:what "
        "AND (state='done' OR (state='not_scored' AND reason='no_text')) AND session_id IN ({values})",
        {"p": project_id, "what": what},
        ids,
    )
    found: dict[int, tuple[int, int, str]] = {}
    for session, revision, version, state in rows:
        if session not in found or found[session][0] < revision:
            found[session] = (revision, version, state)
    return found


def count_unscored(reader: Reader, project_id: int) -> int:
    """Return how many closed sessions with text have no signals judged by a model for their newest close."""
    row = reader.one(
        "SELECT COUNT(*) FROM session s WHERE s.project_id=:p AND s.state='closed' AND s.has_text=1 "
        "AND NOT EXISTS (SELECT 1 FROM scoring w WHERE w.project_id=s.project_id AND w.session_id=s.id "
        "AND w.revision=s.revision AND w.what=0 AND w.state='done')",
        {"p": project_id},
    )
    return int(row[0]) if row is not None else 0


def newest_with_text(reader: Reader, project_id: int, limit: int) -> list[int]:
    """Return the newest closed sessions that have text."""
    rows = reader.fetch(
        "SELECT id FROM session WHERE project_id=:p AND state='closed' AND has_text=1 "
        "ORDER BY sort_at DESC, id DESC LIMIT :n",
        {"p": project_id, "n": limit},
    )
    return [row[0] for row in rows]


def counts(reader: Reader, project_id: int, now_ms: int) -> tuple[int, int, int]:
    """Return how many pieces of work wait or are under way, how many of them are due, and how many failed for good."""
    row = reader.one(
        "SELECT COUNT(*), COALESCE(SUM(CASE WHEN due_ms<=:now THEN 1 ELSE 0 END), 0) FROM scoring "
        "WHERE project_id=:p AND due_ms IS NOT NULL AND origin='close'",
        {"p": project_id, "now": now_ms},
    )
    failed = reader.one(
        "SELECT COUNT(*) FROM scoring w JOIN session s ON s.project_id=w.project_id AND s.id=w.session_id "
        "AND s.revision=w.revision WHERE w.project_id=:p AND w.state='failed' AND w.due_ms IS NULL",
        {"p": project_id},
    )
    waiting, due = (int(row[0]), int(row[1])) if row is not None else (0, 0)
    return waiting, due, int(failed[0]) if failed is not None else 0


def work_of(reader: Reader, project_id: int, session_id: int) -> list[dict[str, Any]]:
    """Return the work on a session by the names of `model.scoring.WorkRow`, newest close first."""
    rows = reader.fetch(
        f"SELECT {', '.join(_WORK_COLUMNS.values())} FROM scoring WHERE project_id=:p AND session_id=:s "
        "ORDER BY revision DESC, what",
        {"p": project_id, "s": session_id},
    )
    return [dict(zip(_WORK_COLUMNS, row, strict=True)) for row in rows]


def rules_of(reader: Reader, project_id: int, ids: Iterable[int]) -> dict[int, str]:
    """Return what rules of code know of sessions, by id: codes parted by blanks."""
    rows = fetch_in(
        reader, "SELECT id, rules FROM session WHERE project_id=:p AND id IN ({values})", {"p": project_id}, ids
    )
    return {row[0]: row[1] for row in rows}


def projects_with_work(reader: Reader, now_ms: int) -> list[int]:
    """Return the projects in which anything may have to be scored: with a consent, active evaluators or due work."""
    rows = reader.fetch(
        "SELECT p.id FROM project p WHERE p.settings LIKE '%\"signals_consent\"%' "
        "OR EXISTS (SELECT 1 FROM evaluator e WHERE e.project_id=p.id AND e.state='active') "
        "OR EXISTS (SELECT 1 FROM scoring w WHERE w.project_id=p.id AND w.due_ms<=:now AND w.origin='close') "
        "ORDER BY p.id",
        {"now": now_ms},
    )
    return [row[0] for row in rows]


def any_due(reader: Reader, now_ms: int) -> bool:
    """Return whether any project has due work."""
    return (
        reader.one(
            "SELECT 1 FROM project p WHERE EXISTS (SELECT 1 FROM scoring w WHERE w.project_id=p.id "
            "AND w.due_ms<=:now AND w.origin='close')",
            {"now": now_ms},
        )
        is not None
    )


def newest_close(reader: Reader, project_id: int) -> int | None:
    """Return when the newest close of a session was recorded."""
    row = reader.one("SELECT MAX(written_ms) FROM session_revision WHERE project_id=:p", {"p": project_id})
    return None if row is None else row[0]


# --- work that is written down, taken and finished ------------------------------------------------------------------


def enqueue(tx: Tx, project_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write down work: rows of `s`, `revision`, `what`, `version`, `state`, `reason`, `due`; known work stays."""
    tx.executemany(
        "INSERT INTO scoring(project_id, session_id, revision, what, version, origin, state, reason, attempts, due_ms) "
        "VALUES (:p, :s, :revision, :what, :version, 'close', :state, :reason, 0, :due) ON CONFLICT DO NOTHING",
        [{"p": project_id, **row} for row in rows],
    )


def scanned(reader: Reader, project_id: int) -> dict[str, int]:
    """Return until which recorded close new work was looked for, by what."""
    row = reader.one("SELECT value FROM meta WHERE key=:k", {"k": f"scoring:{project_id}"})
    if row is not None:
        with suppress(ValueError):
            found = json.loads(row[0])
            if isinstance(found, dict):
                return {key: value for key, value in found.items() if isinstance(value, int)}
    return {}


def set_scanned(tx: Tx, project_id: int, until: Mapping[str, int]) -> None:
    """Remember until which recorded close new work was looked for."""
    tx.execute(
        "INSERT INTO meta(key, value) VALUES (:k, :v) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
        {"k": f"scoring:{project_id}", "v": json.dumps(dict(until))},
    )


def drop_outdated(tx: Tx, project_id: int, now_ms: int) -> None:
    """Give up due work on sessions that were opened again or closed anew, and on evaluators not active any more."""
    tx.execute(
        "UPDATE scoring SET state='not_scored', reason='superseded', due_ms=NULL, owner=NULL WHERE project_id=:p "
        "AND due_ms<=:now AND NOT EXISTS (SELECT 1 FROM session s WHERE s.project_id=scoring.project_id "
        "AND s.id=scoring.session_id AND s.revision=scoring.revision AND s.state='closed')",
        {"p": project_id, "now": now_ms},
    )
    tx.execute(
        "UPDATE scoring SET state='not_scored', reason='inactive', due_ms=NULL, owner=NULL WHERE project_id=:p "
        "AND due_ms<=:now AND what<>0 AND origin='close' AND NOT EXISTS (SELECT 1 FROM evaluator e "
        "WHERE e.project_id=scoring.project_id AND e.id=scoring.what AND e.state='active')",
        {"p": project_id, "now": now_ms},
    )


def claim(
    tx: Tx, project_id: int, owner: str, what: Iterable[int], now_ms: int, until_ms: int, limit: int
) -> list[Claim]:
    """Take due work of some kinds, all of a session together, the longest due first; at most `limit` sessions."""
    kinds = sorted(set(what))
    if not kinds:
        return []
    names = {f"w{at}": kind for at, kind in enumerate(kinds)}
    listed = ", ".join(f":{name}" for name in names)
    sessions = tx.fetch(
        f"SELECT session_id, MIN(due_ms) AS first_due FROM scoring WHERE project_id=:p AND due_ms<=:now "
        f"AND origin='close' AND what IN ({listed}) GROUP BY session_id ORDER BY first_due, session_id LIMIT :n",
        {"p": project_id, "now": now_ms, "n": limit, **names},
    )
    rows = fetch_in(
        tx,
        "SELECT session_id, revision, what, version, attempts FROM scoring WHERE project_id=:p AND due_ms<=:now "
        f"AND origin='close' AND what IN ({listed}) AND session_id IN ({{values}})",
        {"p": project_id, "now": now_ms, **names},
        [row[0] for row in sessions],
    )
    tx.executemany(
        "UPDATE scoring SET state='claimed', owner=:owner, due_ms=:until, attempts=attempts+1 "
        "WHERE project_id=:p AND session_id=:s AND revision=:r AND what=:w",
        [{"p": project_id, "s": row[0], "r": row[1], "w": row[2], "owner": owner, "until": until_ms} for row in rows],
    )
    return [Claim(row[0], row[1], row[2], row[3], row[4] + 1) for row in rows]


def claim_for(tx: Tx, project_id: int, owner: str, wanted: Sequence[Claim], now_ms: int, until_ms: int) -> None:
    """Take work that somebody asked for, whatever became of it before; work another program has now stays with it."""
    tx.executemany(
        "INSERT INTO scoring(project_id, session_id, revision, what, version, origin, state, attempts, owner, due_ms) "
        "VALUES (:p, :s, :r, :w, :version, 'backfill', 'claimed', 1, :owner, :until) "
        "ON CONFLICT(project_id, session_id, revision, what) DO UPDATE SET version=excluded.version, "
        "origin='backfill', state='claimed', attempts=scoring.attempts+1, owner=excluded.owner, due_ms=excluded.due_ms "
        "WHERE scoring.state<>'claimed' OR scoring.due_ms<=:now",
        [
            {
                "p": project_id,
                "s": one.session_id,
                "r": one.revision,
                "w": one.what,
                "version": one.version,
                "owner": owner,
                "until": until_ms,
                "now": now_ms,
            }
            for one in wanted
        ],
    )


def owned(reader: Reader, project_id: int, owner: str, ids: Iterable[int]) -> set[tuple[int, int, int]]:
    """Return (session, revision, what) of the work on sessions that an owner still has."""
    rows = fetch_in(
        reader,
        "SELECT session_id, revision, what FROM scoring WHERE project_id=:p AND owner=:owner AND state='claimed' "
        "AND session_id IN ({values})",
        {"p": project_id, "owner": owner},
        ids,
    )
    return {(row[0], row[1], row[2]) for row in rows}


def renew(tx: Tx, project_id: int, owner: str, until_ms: int) -> None:
    """Put off the end of the leases of an owner."""
    tx.execute(
        "UPDATE scoring SET due_ms=:until WHERE project_id=:p AND due_ms IS NOT NULL AND state='claimed' "
        "AND owner=:owner",
        {"p": project_id, "owner": owner, "until": until_ms},
    )


def give_back(tx: Tx, project_id: int, owner: str, now_ms: int) -> int:
    """Put back what an owner has and did not finish, as if it had never been taken; return how many."""
    tx.execute(
        "DELETE FROM scoring WHERE project_id=:p AND due_ms IS NOT NULL AND state='claimed' AND owner=:owner "
        "AND origin='backfill' AND attempts<=1",
        {"p": project_id, "owner": owner},
    )
    return tx.execute(
        "UPDATE scoring SET state='waiting', owner=NULL, due_ms=CASE WHEN origin='close' THEN :now END, "
        "attempts=attempts-1 WHERE project_id=:p AND due_ms IS NOT NULL AND state='claimed' AND owner=:owner",
        {"p": project_id, "owner": owner, "now": now_ms},
    )


def owners(reader: Reader, project_id: int) -> list[str]:
    """Return who has work."""
    rows = reader.fetch(
        "SELECT DISTINCT owner FROM scoring WHERE project_id=:p AND due_ms IS NOT NULL AND state='claimed' "
        "AND owner IS NOT NULL",
        {"p": project_id},
    )
    return [row[0] for row in rows]


def finish(tx: Tx, project_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what became of work: rows of `s`, `r`, `w` and the columns of `_FINISHED`."""
    sets = ", ".join(f"{name}=:{name}" for name in _FINISHED)
    tx.executemany(
        f"UPDATE scoring SET {sets}, owner=NULL WHERE project_id=:p AND session_id=:s AND revision=:r AND what=:w",
        [{"p": project_id, **row} for row in rows],
    )


# --- who scores ----------------------------------------------------------------------------------------------------


def lease(reader: Reader) -> tuple[str, int]:
    """Return who scores for this store by themselves, and until when; ("", 0) when nobody does."""
    row = reader.one("SELECT value FROM meta WHERE key=:k", {"k": LEASE_KEY})
    if row is not None:
        with suppress(ValueError, KeyError, TypeError):
            held = json.loads(row[0])
            return str(held["owner"]), int(held["until_ms"])
    return "", 0


def take_lease(tx: Tx, owner: str, until_ms: int) -> None:
    """Become who scores, or stay it."""
    tx.execute(
        "INSERT INTO meta(key, value) VALUES (:k, :v) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
        {"k": LEASE_KEY, "v": json.dumps({"owner": owner, "until_ms": until_ms})},
    )


def drop_lease(tx: Tx, owner: str) -> None:
    """Leave it to others."""
    if lease(tx)[0] == owner:
        tx.execute("DELETE FROM meta WHERE key=:k", {"k": LEASE_KEY})


def note(reader: Reader, project_id: int) -> dict[str, Any] | None:
    """Return why scoring stands still (`kind`, `words`, `day`, `cap`), as who scored last left it, or None."""
    row = reader.one("SELECT value FROM meta WHERE key=:k", {"k": f"scoring_note:{project_id}"})
    if row is not None:
        with suppress(ValueError):
            found = json.loads(row[0])
            if isinstance(found, dict) and {"kind", "words", "day", "cap"} <= found.keys():
                return found
    return None


def set_note(tx: Tx, project_id: int, said: Mapping[str, Any] | None) -> None:
    """Say why scoring stands still, or that it does not."""
    key = f"scoring_note:{project_id}"
    if said is None:
        tx.execute("DELETE FROM meta WHERE key=:k", {"k": key})
    else:
        tx.execute(
            "INSERT INTO meta(key, value) VALUES (:k, :v) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
            {"k": key, "v": json.dumps(dict(said))},
        )


# --- money ---------------------------------------------------------------------------------------------------------


def used(reader: Reader, project_id: int, day: int) -> tuple[int, int]:
    """Return the nano-dollars, and the tokens at models without a known price, that count against a day's cap.

    What is set aside or lost counts in full, and so does what was settled without a known cost.
    """
    row = reader.one(
        "SELECT COALESCE(SUM(CASE WHEN state='settled' THEN COALESCE(cost_nano, reserved_nano, 0) "
        "ELSE COALESCE(reserved_nano, 0) END), 0), "
        "COALESCE(SUM(CASE WHEN reserved_nano IS NOT NULL OR cost_nano IS NOT NULL THEN 0 WHEN state='settled' "
        "THEN COALESCE(input_tokens, 0)+COALESCE(output_tokens, 0) ELSE reserved_tokens END), 0) "
        f"FROM spending WHERE project_id=:p AND day=:day AND local=0 AND purpose IN {_CAPPED}",
        {"p": project_id, "day": day},
    )
    return (int(row[0]), int(row[1])) if row is not None else (0, 0)


def hold(tx: Tx, row: Mapping[str, Any]) -> None:
    """Set something aside: `p`, `id`, `at`, `day`, `purpose`, `provider`, `model`, `nano`, `tokens`, `until`."""
    tx.execute(
        "INSERT INTO spending(project_id, id, at_ms, day, purpose, provider, model, local, state, calls, "
        "reserved_nano, reserved_tokens, until_ms) VALUES (:p, :id, :at, :day, :purpose, :provider, :model, 0, "
        "'reserved', 0, :nano, :tokens, :until) ON CONFLICT(project_id, id) DO UPDATE SET state='reserved', "
        "reserved_nano=excluded.reserved_nano, reserved_tokens=excluded.reserved_tokens, until_ms=excluded.until_ms",
        row,
    )


def set_hold(tx: Tx, project_id: int, number: int, nano: int | None, tokens: int, until_ms: int) -> None:
    """Say how much is set aside still."""
    tx.execute(
        "UPDATE spending SET reserved_nano=:nano, reserved_tokens=:tokens, until_ms=:until "
        "WHERE project_id=:p AND id=:id AND state='reserved'",
        {"p": project_id, "id": number, "nano": nano, "tokens": tokens, "until": until_ms},
    )


def drop_hold(tx: Tx, project_id: int, number: int) -> None:
    """Set nothing aside any more."""
    tx.execute(
        "DELETE FROM spending WHERE project_id=:p AND id=:id AND state IN ('reserved', 'lost')",
        {"p": project_id, "id": number},
    )


def spend(tx: Tx, row: Mapping[str, Any]) -> None:
    """Add to what was spent: `p`, `id`, `at`, `day`, `purpose`, `provider`, `model`, `local`, `calls`,
    `input_tokens`, `output_tokens`, `cost` (None: unknown)."""
    tx.execute(
        "INSERT INTO spending(project_id, id, at_ms, day, purpose, provider, model, local, state, calls, "
        "input_tokens, output_tokens, cost_nano, reserved_nano, reserved_tokens) VALUES (:p, :id, :at, :day, :purpose, "
        ":provider, :model, :local, 'settled', :calls, :input_tokens, :output_tokens, :cost, NULL, 0) "
        "ON CONFLICT(project_id, id) DO UPDATE SET calls=spending.calls+excluded.calls, "
        "input_tokens=spending.input_tokens+excluded.input_tokens, "
        "output_tokens=spending.output_tokens+excluded.output_tokens, "
        "cost_nano=spending.cost_nano+excluded.cost_nano",
        row,
    )


def expire_holds(tx: Tx, project_id: int, now_ms: int) -> None:
    """Count what was set aside by programs that ended as spent: their calls may have been billed."""
    tx.execute(
        "UPDATE spending SET state='lost' WHERE project_id=:p AND state='reserved' AND until_ms<:now",
        {"p": project_id, "now": now_ms},
    )


def spent_lines(reader: Reader, project_id: int, since_day: int) -> list[dict[str, Any]]:
    """Return what was spent by day, purpose and model, by the names of `model.scoring.SpentLine`, newest day first."""
    rows = reader.fetch(
        "SELECT day, purpose, provider, model, local, SUM(calls), COALESCE(SUM(input_tokens), 0), "
        "COALESCE(SUM(output_tokens), 0), SUM(cost_nano), "
        "COALESCE(SUM(CASE WHEN state='settled' THEN 0 ELSE reserved_nano END), 0), "
        "COALESCE(SUM(CASE WHEN state='settled' THEN 0 ELSE reserved_tokens END), 0), "
        "SUM(CASE WHEN cost_nano IS NULL THEN calls ELSE 0 END) FROM spending WHERE project_id=:p AND day>=:day "
        "GROUP BY day, purpose, provider, model, local ORDER BY day DESC, purpose, provider, model",
        {"p": project_id, "day": since_day},
    )
    # PostgreSQL adds up to decimals.
    return [
        dict(zip(_SPENT, (*row[:5], *(None if one is None else int(one) for one in row[5:])), strict=True))
        for row in rows
    ]


def history(reader: Reader, project_id: int, model: str, limit: int) -> list[Row]:
    """Return (input tokens, output tokens, calls) of the newest sessions whose signals a model judged."""
    return reader.fetch(
        "SELECT input_tokens, output_tokens, calls FROM scoring WHERE project_id=:p AND what=0 AND state='done' "
        "AND model=:m AND input_tokens IS NOT NULL AND output_tokens IS NOT NULL ORDER BY session_id DESC LIMIT :n",
        {"p": project_id, "m": model, "n": limit},
    )
