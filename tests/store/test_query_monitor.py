"""Monitor's numbers against sums made by hand, and rollups against rows."""

from __future__ import annotations

import random
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from aa_tui.backend.model.event import EventKind
from aa_tui.backend.model.filter import parse_filter
from aa_tui.backend.model.vocabulary import MEASURES
from aa_tui.backend.query.buckets import auto_interval, edges, place_sql
from aa_tui.backend.query.monitor import from_rollups
from aa_tui.backend.query.monitor import view as view_of
from aa_tui.backend.query.readmodels import MonitorView, Series
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.clock import DAY_MS, HOUR_MS, parse_iso_ms
from aa_tui.backend.support.errors import UsageError
from tests.builders import NOW_MS, Made, event, session, workspace


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, list[Made]]]:
    rng = random.Random(3)
    ws = workspace(tmp_path_factory.mktemp("store"), zone="Europe/Berlin")
    made = []
    for n in range(150):
        done = rng.random() < 0.7
        one = session(
            ws,
            f"s-{n}",
            # On whole buckets, so that rollups and rows cut a range at the same places.
            at=(NOW_MS - rng.randrange(20 * DAY_MS)) // 900_000 * 900_000,
            agent=rng.choice(["billing", "coder", "shop"]),
            user=rng.choice(["u-1", "u-2", "u-3"]),
            models=rng.choice([("gpt-4o",), ("claude",)]),
            tools={"search": (2, rng.randrange(2))},
            errors=rng.choice([(), ("Timeout",)]),
            topic=rng.choice(["refunds", "tests"]),
            rules=rng.choice([(), ("retry_storm",)]),
            cost=rng.choice([None, 0.5, 1.5]),
            turns=rng.randrange(1, 5),
            latencies=[rng.uniform(100, 9000) for _ in range(rng.randrange(3))],
            signals=rng.choice(
                [
                    None,
                    {
                        "task_completion": (str(done), done),
                        "response_quality": ("True", True),
                        "user_friction": (str(not done), done),
                    },
                ]
            ),
        )
        # Quality as ingest derives it from the two signals.
        if ("signal.response_quality", "True") in one.facets:
            one.columns["quality_score"] = 0.5 + 0.5 * (("signal.task_completion", "True") in one.facets)
            with ws.store.write() as tx:
                tx.execute(
                    "UPDATE session SET quality_score=:q WHERE project_id=1 AND id=:i",
                    {"q": one.columns["quality_score"], "i": one.id},
                )
        made.append(one)
    yield ws, made
    ws.store.close()


def _line(view: MonitorView, measure: str, group: str = "") -> Series:
    return next(s for s in view.series if s.measure == measure and s.group == group)


def _in(made: list[Made], view: MonitorView) -> list[Made]:
    return [s for s in made if view.from_ms <= s.at < view.to_ms]


def test_tiles_are_the_sums_of_the_sessions(built: tuple[Workspace, list[Made]]) -> None:
    ws, made = built
    view = ws.monitor.view(parse_filter("since:7d"))
    mine = _in(made, view)
    before = [s for s in made if view.from_ms - (view.to_ms - view.from_ms) <= s.at < view.from_ms]
    assert mine and before
    tiles = view.tiles
    assert (tiles["sessions"].value, tiles["sessions"].previous) == (len(mine), len(before))
    assert tiles["turns"].value == sum(s.columns["turns"] for s in mine)
    assert tiles["users"].value == len({s.columns["user_id"] for s in mine})
    priced = [s.columns["cost_nano"] for s in mine if s.columns["cost_nano"] is not None]
    assert (tiles["cost"].value, tiles["cost"].n) == (sum(priced), len(priced))
    scored = [s for s in mine if any(k == "signal.task_completion" for k, _ in s.facets)]
    done = [s for s in scored if ("signal.task_completion", "True") in s.facets]
    assert (tiles["success"].value, tiles["success"].n) == (pytest.approx(len(done) / len(scored)), len(scored))
    assert tiles["friction"].value == pytest.approx(1 - len(done) / len(scored))
    qualities = [s.columns["quality_score"] for s in scored]
    assert tiles["quality"].value == pytest.approx(sum(qualities) / len(qualities))
    assert tiles["error_rate"].value == pytest.approx(sum(s.columns["errors"] > 0 for s in mine) / len(mine))
    assert tiles["latency_p50"].n == sum(len(s.latencies) for s in mine)
    exact = sorted(x for s in mine for x in s.latencies)
    assert tiles["latency_p90"].value == pytest.approx(exact[int(0.9 * (len(exact) - 1))], rel=0.06)
    assert view.scored == len(scored)
    assert view.scored_by == "sample (recorded)"
    assert view.cost_coverage == (
        sum(s.columns["priced_calls"] for s in mine),
        sum(s.columns["model_calls"] for s in mine),
    )
    assert set(tiles) <= set(MEASURES)


@pytest.mark.parametrize("text", ["since:7d", "agent:billing since:9d", "agent:billing,shop since:all", "since:30d"])
def test_rollups_say_the_same_as_rows(
    built: tuple[Workspace, list[Made]], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws, _ = built
    f = parse_filter(text)
    rows = ws.monitor.view(f)
    monkeypatch.setattr(view_of, "ROLLUP_FROM", 0)
    called = []
    original = from_rollups.FromRollups.gather
    monkeypatch.setattr(
        from_rollups.FromRollups,
        "gather",
        lambda *a, **k: (called.append(1), original(*a, **k))[1],  # type: ignore[func-returns-value]
    )
    rolled = ws.monitor.view(f)
    assert called

    def plain(view: MonitorView) -> MonitorView:
        # Users are not in rollups, so there is no line of them; tools come from events there are none of here.
        lines = tuple(s for s in view.series if s.measure != "users")
        return view._replace(series=lines, tools=())

    for measure, tile in rows.tiles.items():
        assert rolled.tiles[measure].value == pytest.approx(tile.value), measure
        assert rolled.tiles[measure].n == tile.n, measure
    assert [s.measure for s in plain(rolled).series] == [s.measure for s in plain(rows).series]
    for one, other in zip(plain(rolled).series, plain(rows).series, strict=True):
        assert [p.n for p in one.points] == [p.n for p in other.points], one.measure
        assert [p.value for p in one.points] == pytest.approx([p.value for p in other.points]), one.measure
    assert rolled.agents == rows.agents
    assert (rolled.errors, rolled.rules, rolled.topics) == (rows.errors, rows.rules, rows.topics)


def test_points_of_a_day_are_the_sessions_of_the_local_day(built: tuple[Workspace, list[Made]]) -> None:
    ws, made = built
    view = ws.monitor.view(parse_filter("since:all"), "day")
    line = _line(view, "sessions")
    ends = [p.start_ms for p in line.points[1:]] + [view.to_ms]
    for point, end in zip(line.points, ends, strict=True):
        assert point.value == sum(point.start_ms <= s.at < end for s in made)
    assert sum(p.value or 0 for p in line.points) == len(made)


@pytest.mark.parametrize("key", ["agent", "model", "topic", "user"])
def test_groups_are_the_largest_values_and_the_rest(built: tuple[Workspace, list[Made]], key: str) -> None:
    ws, made = built
    view = ws.monitor.view(parse_filter("since:10d"), group_by=key)
    column = {"agent": "agent", "model": "primary_model", "topic": "topic", "user": "user_id"}[key]
    mine = _in(made, view)
    for line in (s for s in view.series if s.measure == "sessions"):
        assert sum(p.value or 0 for p in line.points) == sum(s.columns[column] == line.group for s in mine)
    assert {s.group for s in view.series} == {s.columns[column] for s in mine}


def test_more_groups_than_lines_become_other(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    for n in range(8):
        for k in range(n + 1):
            session(ws, f"{n}-{k}", agent=f"a{n}", topic=f"t{n}")
    for key in ("agent", "topic"):
        view = ws.monitor.view(parse_filter("since:7d"), group_by=key)
        sums = {s.group: sum(p.value or 0 for p in s.points) for s in view.series if s.measure == "sessions"}
        assert sums == {**{f"{key[0]}{n}": n + 1 for n in range(3, 8)}, "other": 1 + 2 + 3}
    ws.store.close()


def test_tables(built: tuple[Workspace, list[Made]]) -> None:
    ws, made = built
    view = ws.monitor.view(parse_filter("since:all"))
    for stat in view.agents:
        mine = [s for s in made if s.columns["agent"] == stat.agent]
        assert stat.sessions == len(mine)
        assert stat.cost_nano == sum(s.columns["cost_nano"] or 0 for s in mine)
    assert [a.sessions for a in view.agents] == sorted((a.sessions for a in view.agents), reverse=True)
    assert {(c.value, c.sessions) for c in view.topics} == {
        (t, sum(s.columns["topic"] == t for s in made)) for t in ("refunds", "tests")
    }
    assert [(c.value, c.sessions) for c in view.rules] == [
        ("retry_storm", sum("retry_storm" in s.columns["rules"] for s in made))
    ]
    assert [(c.value, c.sessions) for c in view.errors] == [
        ("Timeout", sum(("error", "Timeout") in s.facets for s in made))
    ]


@pytest.mark.parametrize("text", ["since:7d", "agent:billing since:9d"])
def test_topics_say_how_many_of_them_failed_and_when(built: tuple[Workspace, list[Made]], text: str) -> None:
    ws, made = built
    f = parse_filter(text)
    view, topics = ws.monitor.view(f, "day"), ws.monitor.tables(f, "day").topics
    agents = f.values("agent")
    mine = [one for one in _in(made, view) if not agents or one.columns["agent"] in agents]
    assert {one.topic for one in topics} == {one.columns["topic"] for one in mine}
    for stat in topics:
        own = [one for one in mine if one.columns["topic"] == stat.topic]
        scored = [one for one in own if any(key == "signal.task_completion" for key, _ in one.facets)]
        failed = [one for one in scored if ("signal.task_completion", "False") in one.facets]
        assert (stat.sessions, stat.failed.n) == (len(own), len(scored)) and scored
        assert stat.failed.value == pytest.approx(len(failed) / len(scored))
        starts = [point.start_ms for point in _line(view, "sessions").points]
        ends = [*starts[1:], view.to_ms]
        assert stat.trend == tuple(sum(a <= one.at < b for one in own) for a, b in zip(starts, ends, strict=True))


def test_topics_may_be_the_classes_of_an_evaluator(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    for name, kind in (("a", "bug"), ("b", "bug"), ("c", "question")):
        session(ws, name, topic="refunds", more=[("eval.kind", kind)])
    ws.project.settings["topic_evaluator"] = "kind"
    tables = ws.monitor.tables(parse_filter("since:all"))
    assert tables.topics_from == "kind"
    assert [(one.topic, one.sessions, one.failed.n) for one in tables.topics] == [("bug", 2, 0), ("question", 1, 0)]
    assert tables.topics[0].failed.value is None
    ws.store.close()


def test_tools_of_a_filtered_view_are_counted_from_its_calls(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    mine = session(ws, "a", user="u-1")
    other = session(ws, "b", user="u-2")
    for n in range(4):
        event(
            ws, mine, EventKind.TOOL_CALL, n, name="search", latency_ms=100.0, is_error=int(n == 0), error_type="Boom"
        )
        event(ws, other, EventKind.TOOL_CALL, n, name="pay", latency_ms=100.0)
    (tool,) = ws.monitor.view(parse_filter("user:u-1")).tools
    assert (tool.tool, tool.calls, tool.errors, tool.top_error) == ("search", 4, 1, "Boom")
    assert tool.p50_ms == pytest.approx(100, rel=0.03)
    ws.store.close()


def test_without_scores_success_is_what_rules_say(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    for n in range(4):
        session(ws, f"s{n}", rules=("interrupted",) if n == 0 else ())
    view = ws.monitor.view(parse_filter(""))
    assert (view.scored, view.scored_by) == (0, None)
    assert (view.tiles["success"].value, view.tiles["success"].n) == (0.75, 4)
    assert "quality" not in view.tiles
    assert view.tiles["cost"].value is None
    assert not any(s.measure == "cost" for s in view.series)
    ws.store.close()


def test_sessions_without_a_usable_time_stand_apart(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    session(ws, "timed")
    session(ws, "untimed", time_quality="order_only")
    session(ws, "made-up", time_quality="placeholder", user="u-9")
    view = ws.monitor.view(parse_filter("since:7d"))
    assert (view.tiles["sessions"].value, view.untimed) == (1, 2)
    assert ws.monitor.view(parse_filter("user:u-9")).untimed == 1
    ws.store.close()


def test_no_data_is_not_zero(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    view = ws.monitor.view(parse_filter(""))
    assert view.tiles["sessions"].value == 0 if "sessions" in view.tiles else True
    assert view.tiles.get("error_rate") is None or view.tiles["error_rate"].value is None
    session(ws, "s", cost=1.0)
    line = _line(ws.monitor.view(parse_filter("since:7d")), "cost")
    assert sorted((p.value is None, p.n) for p in line.points)[0] == (False, 1)
    assert sum(p.value is None for p in line.points) == len(line.points) - 1
    ws.store.close()


def test_marks_are_notes_and_first_sights_of_versions(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    session(ws, "s", more=[("version", "2.4.0")], at=NOW_MS - 2 * DAY_MS)
    with ws.store.write() as tx:
        tx.execute(
            "INSERT INTO note(project_id, id, at_ms, text, author, created_ms, deleted, version) "
            "VALUES (1, 1, :at, 'rolled back', 'ada', 0, 0, 1)",
            {"at": NOW_MS - DAY_MS},
        )
    marks = ws.monitor.view(parse_filter("since:7d")).marks
    assert [(m.at_ms, m.label, m.kind) for m in marks] == [
        (NOW_MS - 2 * DAY_MS, "2.4.0", "version"), (NOW_MS - DAY_MS, "rolled back", "note"),
    ]  # fmt: skip
    ws.store.close()


@pytest.mark.parametrize(
    ("zone", "first", "interval", "lengths"),
    [
        ("Europe/Berlin", "2026-10-24T00:00:00+02:00", "day", {24, 25}),
        ("Europe/Berlin", "2026-03-28T00:00:00+01:00", "day", {24, 23}),
        ("Asia/Kolkata", "2026-03-28T00:00:00+05:30", "hour", {1}),
        ("UTC", "2026-01-31T12:00:00+00:00", "month", {24 * 31, 24 * 28}),
        ("America/New_York", "2026-10-28T00:00:00-04:00", "week", {168, 169}),
    ],
)
def test_intervals_are_local_over_changes_of_the_clocks(
    zone: str, first: str, interval: str, lengths: set[int]
) -> None:
    start = parse_iso_ms(first)
    days = {"day": 4, "hour": 1, "month": 60, "week": 20}[interval]
    found = edges(start, start + days * DAY_MS, interval, zone)
    assert found[0] <= start
    assert {(b - a) // HOUR_MS for a, b in pairwise(found)} == lengths
    if interval == "hour":
        assert found[0] == start


@pytest.mark.parametrize("interval", ["hour", "day", "week", "month"])
def test_sql_places_instants_in_the_same_intervals(interval: str) -> None:
    start = parse_iso_ms("2026-10-20T13:20:00+02:00")
    starts = edges(start, start + 70 * DAY_MS, interval, "Europe/Berlin")
    rng = random.Random(1)
    instants = [rng.randrange(start, start + 70 * DAY_MS) for _ in range(300)] + starts + [s - 1 for s in starts[1:]]
    with closing(sqlite3.connect(":memory:")) as connection:
        for at in instants:
            found = connection.execute(f"SELECT {place_sql(str(at), starts)}").fetchone()[0]
            assert found == max(bisect_right(starts, at) - 1, 0)


def test_automatic_intervals() -> None:
    assert [auto_interval(0, d * DAY_MS) for d in (1, 30, 365, 3000)] == ["hour", "day", "week", "month"]


def test_wrong_choices_are_refused(built: tuple[Workspace, list[Made]]) -> None:
    ws, _ = built
    with pytest.raises(UsageError):
        ws.monitor.view(parse_filter(""), "fortnight")
    with pytest.raises(UsageError):
        ws.monitor.view(parse_filter(""), group_by="colour")


def test_the_best_range_holds_the_newest_data(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    assert not ws.monitor.has_agent_data()
    assert ws.monitor.best_range().text == "30d"
    for key, days in (("a", 400), ("b", 80)):
        session(ws, key, at=NOW_MS - days * DAY_MS)
        start, end = ws.monitor.best_range().bounds(NOW_MS, ws.project.time_zone)
        assert start is not None and end is not None
        assert start <= NOW_MS - days * DAY_MS < end
        assert 29 * DAY_MS < end - start < 31 * DAY_MS
    session(ws, "c")
    assert ws.monitor.best_range().text == "30d"
    assert ws.monitor.has_agent_data()
    ws.store.close()


def test_the_checklist_says_what_is_missing_and_what_withholds_text(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    assert not any(row.done for row in ws.monitor.checklist())
    made = session(ws, "s", more=[("withheld", "openinference")])
    session(ws, "t", more=[("withheld", "openinference")])
    session(ws, "u", more=[("withheld", "project")])
    event(ws, made, EventKind.AI_RESPONSE, 0, model="m", latency_ms=5.0, total_tokens=9)
    rows = {row.id: row for row in ws.monitor.checklist()}
    assert {k for k, row in rows.items() if row.done} == {
        "event", "session", "agent", "user", "model", "tokens", "latency", "end",
    }  # fmt: skip
    assert rows["text"].failed and rows["text"].title == "no text"
    assert rows["text"].hint.split("\n") == [
        "2 sessions, OpenInference: OPENINFERENCE_HIDE_INPUTS=false OPENINFERENCE_HIDE_OUTPUTS=false where the agent "
        "runs",
        "1 session, this project's content_mode: :set content_mode full here; what comes from then on has text",
    ]
    assert rows["cost"].hint
    ws.store.close()


def test_every_measure_of_the_vocabulary_is_defined() -> None:
    for measure in MEASURES.values():
        assert measure.title and measure.definition and measure.unit in ("count", "share", "score", "usd", "ms")
    assert MEASURES["latency_p90"].band(8_000) == "good"
    assert MEASURES["latency_p90"].band(31_000) == "critical"
    assert MEASURES["quality"].band(0.5) == "warning"
    assert MEASURES["cost"].band(1) is None
