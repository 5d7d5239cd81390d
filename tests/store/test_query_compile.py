"""Filters answered by SQL against the same filters evaluated one session at a time in Python."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from aa_tui.backend.model.event import EventKind
from aa_tui.backend.model.filter import (
    FIELDS,
    And,
    Compare,
    Filter,
    Match,
    Node,
    Not,
    Or,
    Sort,
    Started,
    Term,
    parse_filter,
    parse_sort,
)
from aa_tui.backend.query.compile import Compiler, Scope, planning, ranking
from aa_tui.backend.query.compile.parts import COLUMN, SORT_COLUMN, Driver
from aa_tui.backend.service.workspace import Workspace
from tests.builders import DAY_MS, NOW_MS, Made, event, session, workspace

_WORDS = ["refund", "chargeback", "order", "late", "invoice", "Größe", "naïve", "thanks"]
_FILTERS = [
    "agent:billing", "agent:billing,coder", "agent:sub", "agent:b*", "agent:*", "agent:nobody", "user:u-1", "user:u-*",
    "model:gpt-4o*", "model:gpt-4o", "tool:search", "failed_tool:search", "error:Timeout", "topic:refunds", "topic:*",
    "state:open", "rule:retry_storm", "tag:vip", "context.plan=pro", "context.plan=*", "signal:task_completion=false",
    "signal:task_completion=fail", "signal:task_completion", "signal:task_completion=none",
    "signal:task_completion=none,false", "eval:x=fail", "eval:x=none", "has:text", "source:test", "cohort:churned",
    "since:2d", "since:7d", "date:2026-09-18", "until:2026-09-18", "date:2026-09-15..2026-09-19", "since:all",
    "cost>0.5", "cost<=0.5", "cost>=0", "turns>=3", "turns:2", "turns!=2", "tokens>1k", "errors>0", "duration>30s",
    "duration:1s..40s", "latency>1s", "p90<2s", "quality<0.5", "messages>4", "refund", "refund order",
    '"refund order"', "charg*", '"order la*"', "grosse", "größe", "naive", "id:s-3", "id:s-1*", "id:*", "s-4", "u-2",
    "m-7", "u-2 refund", "nothing-like-this", "\"!!\"",
]  # fmt: skip
_SORTS = ["-started", "started", "-cost", "cost", "-turns", "turns", "-duration", "-tokens", "-errors", "user",
          "-user", "agent", "-agent", "-relevance"]  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, list[Made]]]:
    rng = random.Random(7)
    path = tmp_path_factory.mktemp("store")
    ws = workspace(path)
    other = workspace(path, name="other", project_id=2)
    made = []
    for n in range(120):
        at = NOW_MS - rng.randrange(12 * DAY_MS)
        made.append(
            session(
                ws,
                f"s-{n}",
                at=at,
                first_known_ms=at + rng.choice([0, 0, 20_000, -20_000, 5 * DAY_MS, -DAY_MS // 2]),
                agent=rng.choice(["billing", "coder", "shop"]),
                agents=rng.choice([(), (), ("sub",), ("billing-helper", "sub")]),
                user=rng.choice(["u-1", "u-2", "u-3", None]),
                state=rng.choice(["open", "closed", "closed"]),
                models=rng.choice([("gpt-4o",), ("gpt-4o-mini",), ("claude",), ("gpt-4o", "claude"), ()]),
                tools=rng.choice([None, {"search": (2, 1)}, {"search": (1, 0), "pay": (1, 1)}]),
                errors=rng.choice([(), (), ("Timeout",), ("RateLimitError", "Timeout")]),
                topic=rng.choice([None, "refunds", "late orders"]),
                rules=rng.choice([(), ("retry_storm",), ("retry_storm", "interrupted")]),
                cost=rng.choice([None, 0.0, 0.01, 0.5, 0.75, 2.0]),
                turns=rng.randrange(1, 6),
                duration_ms=rng.choice([None, 1000, 31_000, 90_000]),
                tokens=rng.choice([None, 100, 1000, 50_000]),
                latencies=rng.choice([(), (500.0,), (1500.0, 2500.0)]),
                signals=rng.choice([None, {"task_completion": ("True", True)}, {"task_completion": ("False", False)}]),
                context=rng.choice([None, {"plan": "pro"}, {"plan": "free"}]),
                tags=rng.choice([(), ("vip",)]),
                quality=rng.choice([None, 0.2, 0.9]),
                text=" ".join(rng.choices(_WORDS, k=rng.randrange(0, 7))),
            )
        )
    event(ws, made[5], EventKind.USER_MESSAGE, 0, insert_id="m-7")
    session(other, "s-3", text="refund order", agent="billing")
    yield ws, made
    ws.store.close()
    other.store.close()


def _plain(text: str) -> str:
    return text.casefold().replace("ö", "o").replace("ï", "i")


def _words(text: str) -> list[str]:
    # As the index cuts words: diacritics go, but ß stays one letter of its own.
    return re.findall(r"[^\W_]+", text.lower().replace("ö", "o").replace("ï", "i"))


def _holds(term: Term, text: str) -> bool:
    wanted, words = _words(term.text), _words(text)
    for at in range(len(words) - len(wanted) + 1):
        got = words[at : at + len(wanted)]
        if (
            wanted
            and (got[:-1] == wanted[:-1])
            and (got[-1].startswith(wanted[-1]) if term.prefix else got[-1] == wanted[-1])
        ):
            return True
    return False


def lets_through(node: Node | None, s: Made, exact: bool = False) -> bool:
    """The meaning of a filter, spelled out for one session."""
    match node:
        case None:
            return True
        case And():
            words = [n for n in node.nodes if isinstance(n, Term)]
            return all(lets_through(n, s, exact=exact and len(words) == 1) for n in node.nodes)
        case Or():
            return any(lets_through(n, s) for n in node.nodes)
        case Not():
            return not lets_through(node.node, s)
        case Term():
            named = {s.key, s.columns["user_id"], *s.message_ids}
            return _holds(node, s.text) or (exact and not node.prefix and node.text in named)
        case Started():
            lower, upper = node.range.bounds(NOW_MS, "UTC")
            return (lower is None or s.at >= lower) and (upper is None or s.at < upper)
        case Compare():
            value = s.columns[COLUMN[node.field]]
            if value is None:
                return False
            return bool(
                {
                    ">": value > node.value,
                    ">=": value >= node.value,
                    "<": value < node.value,
                    "<=": value <= node.value,
                    "=": value == node.value,
                }[node.op]
            )
        case Match(field="id"):
            return any(v.matches(s.key) for v in node.values)
        case Match():
            kind = FIELDS[node.field].kind
            key = node.field if kind == "facet" else f"{node.field}.{node.key}"
            mine = [v for k, v in s.facets if k == key]
            if not node.values:
                return bool(mine)
            verdicts = [v for k, v in s.facets if k == f"{node.field}pass.{node.key}"]
            for wanted in node.values:
                if kind == "named" and wanted.text.lower() == "none":
                    if not mine:
                        return True
                elif kind == "named":
                    if any(v.lower() == wanted.text.lower() for v in [*mine, *verdicts]):
                        return True
                elif any(wanted.matches(v) for v in mine):
                    return True
            return False
    raise AssertionError(node)


def _expected(f: Filter, made: list[Made]) -> list[Made]:
    return [s for s in made if lets_through(f.node, s, exact=True)]


def _sort_value(s: Made, key: str) -> object:
    return {"agent": s.columns["agent"], "user": s.columns["user_id"]}.get(key) or (
        s.columns.get(SORT_COLUMN.get(key, ""), s.at)
    )


def _check_order(ids: list[int], f: Filter, sort: Sort, by_id: dict[int, Made]) -> None:
    if sort.key == "relevance" and f.terms():
        return
    rows = [by_id[i] for i in ids]
    if sort.key in ("started", "relevance"):
        keys = [(s.at, s.id) for s in rows]
        assert keys == sorted(keys, reverse=sort.descending or sort.key == "relevance")
        return
    column = SORT_COLUMN.get(sort.key, "agent")
    values = [s.columns[column] for s in rows]
    known = [v for v in values if v is not None]
    assert known == sorted(known, reverse=sort.descending)
    assert values[: len(known)] == known, "unknown values come last"


def _check(ws: Workspace, made: list[Made], f: Filter, sort: Sort) -> None:
    by_id = {s.id: s for s in made}
    expected = {s.id for s in _expected(f, made)}
    with ws.store.reader() as reader:
        scope = Scope(ws.project.id, "UTC", NOW_MS)
        ids = list(Compiler(reader, scope, f).ids(sort).ids)
        page = Compiler(reader, scope, f).page(sort, 10)
        count = Compiler(reader, scope, f).count()
    text = f"{f.to_text()!r} {sort.to_text()}"
    assert set(ids) == expected, text
    assert len(ids) == len(expected), text
    assert count == len(expected), text
    assert page == ids[:10], text
    _check_order(ids, f, sort, by_id)


@pytest.mark.parametrize("text", ["", *_FILTERS])
def test_each_part_alone(built: tuple[Workspace, list[Made]], text: str) -> None:
    ws, made = built
    for sort in ("-started", "-relevance"):
        _check(ws, made, parse_filter(text), parse_sort(sort))


def test_some_parts_mean_something_and_not_everything(built: tuple[Workspace, list[Made]]) -> None:
    _, made = built
    sizes = {text: len(_expected(parse_filter(text), made)) for text in _FILTERS}
    empty = {t for t, n in sizes.items() if n == 0}
    assert empty == {
        "agent:nobody", "eval:x=fail", "cohort:churned", "grosse", "nothing-like-this", '"!!"',
    } | ({"u-2 refund"} if sizes["u-2 refund"] == 0 else set())  # fmt: skip
    assert sizes["s-4"] == sizes["m-7"] == sizes["id:s-3"] == 1


def _combination(rng: random.Random, depth: int = 0) -> str:
    pieces = []
    for _ in range(rng.choice([1, 2, 2, 3, 4])):
        roll = rng.random()
        if roll < 0.2 and depth < 2:
            inner = " or ".join(_combination(rng, depth + 1) for _ in range(2))
            pieces.append(f"{rng.choice(['', '-'])}({inner})")
        else:
            pieces.append(rng.choice(["", "", "", "-"]) + rng.choice(_FILTERS))
    return " ".join(pieces)


@pytest.mark.parametrize("seed", range(8))
def test_random_combinations_in_every_order(built: tuple[Workspace, list[Made]], seed: int) -> None:
    ws, made = built
    rng = random.Random(seed)
    for _ in range(40):
        _check(ws, made, parse_filter(_combination(rng)), parse_sort(rng.choice(_SORTS)))


@pytest.mark.parametrize("seed", range(4))
def test_the_same_with_every_driver_forced(
    built: tuple[Workspace, list[Made]], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planner's choice among drivers must change nothing but the time."""
    ws, made = built
    rng = random.Random(100 + seed)
    for _ in range(40):
        turn, seeks = rng.randrange(6), rng.random() < 0.5

        def choose(self: Compiler, limit: int | None, turn: int = turn, seeks: bool = seeks) -> Driver:
            choices = self.plan().choices
            return choices[turn % len(choices)]._replace(seeks=seeks)

        monkeypatch.setattr(Compiler, "best", choose)
        monkeypatch.setattr(planning.Planner, "best", choose)
        _vary_costs(rng, monkeypatch)
        _check(ws, made, parse_filter(_combination(rng)), parse_sort(rng.choice(_SORTS)))


def _vary_costs(rng: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every way of a search the cheapest now and then, and estimates of samples as well as counts."""
    monkeypatch.setattr(planning, "GATHER", rng.choice([0, 5, 1000]))
    monkeypatch.setattr(planning, "_FEW", rng.choice([1, 10, 1000]))
    monkeypatch.setattr(planning, "_SEEN", rng.choice([1, 10, 1000]))
    monkeypatch.setattr(planning, "_FILTERED", rng.choice([0, 1000]))
    monkeypatch.setattr(planning, "_MEMBER_COST", rng.choice([0.0, 1e9]))
    monkeypatch.setattr(planning, "_FILTERED_COST", rng.choice([0.0, 1e9]))
    monkeypatch.setattr(planning, "_JOIN_COST", rng.choice([0.0, 1e9]))
    monkeypatch.setattr(planning, "_SEEK_COST", rng.choice([0.0, 1e9]))
    monkeypatch.setattr(ranking, "_WEIGH_COST", rng.choice([0.0, 1e9]))


@pytest.mark.parametrize("seed", range(4))
def test_every_way_of_a_search_finds_the_same_in_the_same_order(
    built: tuple[Workspace, list[Made]], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws, _ = built
    rng = random.Random(200 + seed)
    searches = [text for text in _FILTERS if parse_filter(text).terms()]
    for _ in range(12):
        f = parse_filter(f"{rng.choice(searches)} {_combination(rng)}")
        answers = set()
        for _ in range(8):
            with monkeypatch.context() as patch, ws.store.reader() as reader:
                _vary_costs(rng, patch)
                compiler = Compiler(reader, Scope(ws.project.id, "UTC", NOW_MS), f)
                answers.add((tuple(compiler.page(Sort("relevance"), 10)), tuple(compiler.ids(Sort("relevance")).ids)))
        assert len(answers) == 1, f.to_text()


@pytest.mark.parametrize("text", ["refund", "refund agent:billing", '"refund order" since:7d', "charg* -state:open"])
def test_ranking_some_ranks_the_newest(
    built: tuple[Workspace, list[Made]], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the cap, whatever the way, the newest matches by row id are ranked, and exactly as many."""
    ws, made = built
    rng = random.Random(text)
    matching = sorted((s.id for s in _expected(parse_filter(text), made)), reverse=True)
    cap = len(matching) // 2
    assert cap
    monkeypatch.setattr(ranking, "RANK_CAP", cap)
    for _ in range(12):
        with monkeypatch.context() as patch, ws.store.reader() as reader:
            _vary_costs(rng, patch)
            found = Compiler(reader, Scope(ws.project.id, "UTC", NOW_MS), parse_filter(text)).ids(Sort("relevance"))
        assert (found.capped, found.matches) == (True, len(matching))
        assert sorted(found.ids, reverse=True) == matching[:cap]


def test_ranking_stops_at_the_newest_matches_and_says_so(
    built: tuple[Workspace, list[Made]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ws, made = built
    monkeypatch.setattr(ranking, "RANK_CAP", 10)
    f = parse_filter("refund")
    with ws.store.reader() as reader:
        found = Compiler(reader, Scope(1, "UTC", NOW_MS), f).ids(parse_sort("relevance"))
    matching = sorted((s for s in made if _holds(Term("refund"), s.text)), key=lambda s: s.id, reverse=True)
    assert found.capped
    assert found.matches == len(matching) > 10
    assert set(found.ids) == {s.id for s in matching[:10]}


def test_ranking_prefers_the_session_that_says_it_more(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    session(ws, "a", text="refund " + "other words here " * 20)
    best = session(ws, "b", text="refund refund refund please", at=NOW_MS - 5 * DAY_MS)
    exact = session(ws, "refund", text="nothing of the kind", at=NOW_MS - 9 * DAY_MS)
    for n in range(20):
        session(ws, f"c{n}", text="something else entirely")
    with ws.store.reader() as reader:
        page = Compiler(reader, Scope(1, "UTC", NOW_MS), parse_filter("refund")).page(parse_sort("relevance"), 3)
    assert page[:2] == [exact.id, best.id]
    ws.store.close()


def test_a_day_is_a_day_of_the_projects_zone(tmp_path: Path) -> None:
    ws = workspace(tmp_path, zone="America/New_York")
    late = session(ws, "late", at=1_789_700_400_000)  # 2026-09-18 03:00 UTC, still the 17th in New York
    with ws.store.reader() as reader:
        scope = Scope(1, "America/New_York", NOW_MS)
        assert Compiler(reader, scope, parse_filter("date:2026-09-17")).page(Sort(), 5) == [late.id]
        assert Compiler(reader, scope, parse_filter("date:2026-09-18")).page(Sort(), 5) == []
    ws.store.close()


@pytest.mark.parametrize(
    "text", ['agent:"x\' OR 1=1 --"', '"a\\" OR \\"b"', '"NEAR(a b)"', "user:%", "tag:_*", '"a\x00b"']
)
def test_hostile_values_are_only_values(built: tuple[Workspace, list[Made]], text: str) -> None:
    ws, made = built
    _check(ws, made, parse_filter(text), Sort())
