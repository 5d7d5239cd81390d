"""Rollups of both levels against a recount from session rows, over random ranges and zones, and after every change."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.model.event import AgentEvent, EventKind
from aa_tui.backend.model.filter import parse_filter
from aa_tui.backend.model.histogram import added_up, merge, pack
from aa_tui.backend.query.buckets import edges
from aa_tui.backend.query.compile import Scope
from aa_tui.backend.query.monitor import from_rollups
from aa_tui.backend.query.monitor import view as view_of
from aa_tui.backend.query.readmodels import MonitorView
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.store import rollups
from aa_tui.backend.store.rollups import BUCKET_MS, DAY, QUARTER, Days, spans
from aa_tui.backend.support.clock import DAY_MS, parse_iso_ms
from tests.builders import NOW_MS, session, workspace
from tests.ingest_state import state

# Clocks that change at 1, 2 and 3 o'clock, at midnight and by half an hour; quarters of an hour; a day that never was.
_ZONES = (
    ("Europe/Berlin", "2026-10-25T01:00:00+00:00"),
    ("America/New_York", "2026-03-08T07:00:00+00:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00+00:00"),
    ("Asia/Kathmandu", "2026-05-01T00:00:00+00:00"),
    ("America/St_Johns", "2011-11-06T02:31:00+00:00"),
    ("America/Havana", "2026-11-01T05:00:00+00:00"),
    ("Africa/Cairo", "2026-04-23T22:00:00+00:00"),
    ("Pacific/Apia", "2011-12-30T10:00:00+00:00"),
)


@pytest.mark.parametrize(("zone", "change"), _ZONES)
def test_days_are_those_of_charts(zone: str, change: str) -> None:
    middle = parse_iso_ms(change)
    starts = edges(middle - 5 * DAY_MS, middle + 5 * DAY_MS, "day", zone)
    days = Days(zone)
    rng = random.Random(zone)
    for _ in range(200):
        bucket = rng.randrange(starts[0] // BUCKET_MS + 1, starts[-1] // BUCKET_MS - 1)
        first, end = days.around(bucket)
        assert first <= bucket < end
        assert max(s for s in starts if s <= bucket * BUCKET_MS) == first * BUCKET_MS
        assert min(s for s in starts if s > bucket * BUCKET_MS) == end * BUCKET_MS


@pytest.mark.parametrize(("zone", "change"), _ZONES)
def test_parts_make_up_the_range_and_days_are_whole(zone: str, change: str) -> None:
    middle = parse_iso_ms(change) // BUCKET_MS
    rng = random.Random(zone)
    days = Days(zone)
    for _ in range(200):
        first = middle + rng.randrange(-500, 500)
        last = first + rng.randrange(1, 600)
        parts = spans(days, first, last)
        assert [a for _, a, _ in parts] == [first, *(b for _, _, b in parts)][: len(parts)]
        assert parts[-1][2] == last
        for level, a, b in parts:
            if level == DAY:
                assert days.around(a)[0] == a and days.around(b)[0] == b
            else:
                assert b - a < 2 * 101
    assert spans(None, 3, 500) == [(QUARTER, 3, 500)]


def _random_sessions(ws: Workspace, middle: int, rng: random.Random) -> None:
    for n in range(160):
        done = rng.random() < 0.6
        session(
            ws,
            f"s-{n}",
            at=(middle + rng.randrange(-6 * DAY_MS, 6 * DAY_MS)) // BUCKET_MS * BUCKET_MS,
            agent=rng.choice(["billing", "coder", "shop"]),
            user=rng.choice([None, "u-1", "u-2", "u-3", "u-4"]),
            tools={"search": (2, rng.randrange(2))},
            errors=rng.choice([(), ("Timeout",), ("Timeout", "Auth")]),
            topic=rng.choice([None, "refunds", "tests"]),
            rules=rng.choice([(), ("retry_storm",)]),
            cost=rng.choice([None, 0.5, 1.5]),
            turns=rng.randrange(1, 5),
            latencies=[rng.uniform(100, 9000) for _ in range(rng.randrange(3))],
            signals=rng.choice([None, {"task_completion": (str(done), done), "session_safety": ("Normal", True)}]),
        )


def _view(ws: Workspace, text: str, interval: str, group: str | None, ends: tuple[int, int]) -> MonitorView:
    """Return the view of any range: the language of filters knows days and hours before now only."""
    with ws.store.reader() as reader:
        scope = Scope(ws.project.id, ws.project.time_zone, ws.clock.now_ms())
        query = view_of.MonitorQuery(reader, scope, parse_filter(text), interval, group)
        query.period.from_ms, query.period.to_ms = ends
        return query.view({})


def _plain(view: MonitorView) -> MonitorView:
    """Without what rows and rollups do not have in common: a line of users, tools (there are no events here), means of
    quality (rows average what sessions say, of which these say nothing)."""
    lines = tuple(s for s in view.series if s.measure not in ("users", "quality"))
    tiles = {name: tile for name, tile in view.tiles.items() if name != "quality"}
    agents = tuple(a._replace(quality=a.success) for a in view.agents)
    return view._replace(series=lines, tiles=tiles, agents=agents, tools=())


@pytest.mark.parametrize(("zone", "change"), _ZONES)
def test_any_range_in_any_zone_equals_a_recount_from_rows(
    zone: str, change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    middle = parse_iso_ms(change)
    rng = random.Random(zone)
    ws = workspace(tmp_path, zone=zone, now_ms=middle + 20 * DAY_MS)
    _random_sessions(ws, middle, rng)
    levels: set[int] = set()
    kept = rollups.spans

    def spied(*given: Any) -> list[tuple[int, int, int]]:
        found = kept(*given)
        levels.update(level for level, _, _ in found)
        return found

    monkeypatch.setattr(from_rollups, "spans", spied)
    for _ in range(12):
        first = middle // BUCKET_MS + rng.randrange(-700, 400)
        ends = (first * BUCKET_MS, (first + rng.randrange(4, 900)) * BUCKET_MS)
        text = rng.choice(["", "agent:billing", "agent:coder,shop"])
        interval = rng.choice(["hour", "day", "day", "week", "month"])
        group = rng.choice([None, "agent"])
        monkeypatch.setattr(view_of, "ROLLUP_FROM", 1 << 60)
        rows = _view(ws, text, interval, group, ends)
        monkeypatch.setattr(view_of, "ROLLUP_FROM", 0)
        assert _plain(_view(ws, text, interval, group, ends)) == _plain(rows), (text, interval, ends)
    assert levels == {QUARTER, DAY}
    ws.store.close()


def test_another_time_zone_makes_other_days(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_of, "ROLLUP_FROM", 0)
    ws = workspace(tmp_path, zone="Pacific/Auckland")
    _random_sessions(ws, NOW_MS - 8 * DAY_MS, random.Random(5))
    f = parse_filter("since:20d")
    projects = ProjectService(ws.store, ws.clock)
    before = ws.monitor.view(f)
    moved = projects.set_setting(ws.project, "time_zone", "America/St_Johns", Actor("ada"))
    # Whoever still has the old zone open reads quarters of an hour, not days that are other ones now.
    assert ws.monitor.view(f) == before
    direct = workspace(tmp_path / "other", zone="America/St_Johns")
    _random_sessions(direct, NOW_MS - 8 * DAY_MS, random.Random(5))
    for name in ("rollup_session", "rollup_dim", "rollup_latency", "rollup_user", "rollup_user_day"):
        assert state(ws.store)[name] == state(direct.store)[name], name
    fresh = Workspace(ws.store, moved, ws.actor, ws.clock)
    assert fresh.monitor.view(f) == direct.monitor.view(f)
    ws.store.close()
    direct.store.close()


def test_what_is_taken_away_leaves_nothing(tmp_path: Path) -> None:
    ws = workspace(tmp_path, zone="Europe/Berlin")
    days = Days("Europe/Berlin")
    b = NOW_MS // BUCKET_MS
    sums = (1, *[2] * (len(rollups.SESSION_SUMS) - 1))
    one: tuple[Any, ...] = (
        {(b, "a"): sums},
        {("tool", b, "a", "x"): (1, 1, 0, 0, 0)},
        {("", b, "a", "", 7): 2, ("", b, "a", "", 9): 1},
        {(b, "a", "ada"): 1},
    )
    other: tuple[Any, ...] = ({(b + 1, "a"): sums}, {}, {("", b + 1, "a", "", 9): 4}, {(b + 1, "a", "ada"): 1})

    def change(given: tuple[Any, ...], sign: int) -> None:
        def turned(found: dict[Any, Any]) -> dict[Any, Any]:
            return {k: tuple(sign * n for n in v) if isinstance(v, tuple) else sign * v for k, v in found.items()}

        with ws.store.write() as tx:
            rollups.add(tx, 1, days, *(turned(part) for part in given))

    def kept() -> dict[str, list[tuple[Any, ...]]]:
        return {name: rows for name, rows in state(ws.store).items() if name.startswith("rollup_")}

    nothing = kept()
    change(one, 1)
    alone = kept()
    day = days.around(b)[0]
    assert alone["rollup_latency"] == [(1, "", QUARTER, b, "a", "", "7:2 9:1"), (1, "", DAY, day, "a", "", "7:2 9:1")]
    assert alone["rollup_user_day"] == [(1, day, "a", "ada")]
    change(other, 1)
    change(other, -1)
    # She was there in another quarter of the same day: the day keeps her.
    assert kept() == alone
    change(one, -1)
    assert kept() == nothing == {name: [] for name in nothing}
    ws.store.close()


def test_sets_of_users_survive_packing() -> None:
    rng = random.Random(1)
    numbers = [rng.randrange(3 * rollups.BLOCK) for _ in range(500)]
    assert list(rollups.unpack_users(rollups.pack_users(numbers))) == sorted(numbers)
    found = {
        block * rollups.BLOCK + n
        for block, bits in rollups.bits_of(numbers).items()
        for n in range(bits.bit_length())
        if rollups.unpack_bits(rollups.pack_bits(bits)) >> n & 1
    }
    assert found == set(numbers)


def test_histograms_merge_as_their_counts_add_up() -> None:
    counts = {3: 1, 5: 2}
    merge(counts, pack({5: 4, 80: 1}))
    merge(counts, None)
    assert counts == {3: 1, 5: 6, 80: 1}
    assert added_up(["3:1 5:2", "5:2 6:1", "5:3"]) == {3: 1, 5: 7, 6: 1} and added_up([]) == {}


def test_a_tool_s_most_frequent_error_comes_from_its_own_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aa_tui.backend.ingest.writer import Incoming, Writer

    ws = workspace(tmp_path)
    events = [
        AgentEvent(
            EventKind.TOOL_CALL, f"e{n}", session_key="s", time_ms=NOW_MS - 60_000 + n, user_id="ada", name=tool,
            is_error=error is not None, error_type=error, latency_ms=40.0 + n,
        )
        for n, (tool, error) in enumerate(
            [("pay", "Declined"), ("pay", "Declined"), ("pay", "Timeout"), ("find", "Timeout"), ("find", None)]
        )
    ]  # fmt: skip
    Writer(ws.store, 1, ws.clock).write([Incoming(event, "test", 1) for event in events])
    rows = ws.monitor.view(parse_filter("since:7d"))
    monkeypatch.setattr(view_of, "ROLLUP_FROM", 0)
    rolled = ws.monitor.view(parse_filter("since:7d"))
    assert [(t.tool, t.calls, t.errors, t.top_error) for t in rolled.tools] == [
        ("pay", 3, 3, "Declined"), ("find", 2, 1, "Timeout"),
    ]  # fmt: skip
    assert rolled.tools == rows.tools
    ws.store.close()
