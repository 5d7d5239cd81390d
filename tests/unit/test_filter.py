"""The filter language: grammar, errors, canonical text, words, links, sorting and completion."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aa_tui.backend.model.filter import (
    FIELDS,
    SORT_KEYS,
    And,
    Compare,
    Filter,
    FilterError,
    Match,
    Node,
    Not,
    Or,
    Sort,
    Started,
    Term,
    Value,
    all_of,
    any_of,
    complete,
    facet_filter,
    from_link_params,
    negated,
    parse_filter,
    parse_sort,
    to_link_params,
    value_slot,
)
from aa_tui.backend.model.timerange import TimeRange, parse_range
from aa_tui.backend.support.errors import UsageError


def _node(text: str) -> Node | None:
    return parse_filter(text).node


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("", None),
        ("  \t ", None),
        ("agent:billing", Match("agent", (Value("billing"),))),
        ("agent:a,b", Match("agent", (Value("a"), Value("b")))),
        ("agents=a", Match("agent", (Value("a"),))),
        ('agent:"a b","c,d"', Match("agent", (Value("a b"), Value("c,d")))),
        ("model:gpt-4o*", Match("model", (Value("gpt-4o*", True),))),
        ("model:gpt\\*", Match("model", (Value("gpt*"),))),
        ("agent:*", Match("agent", ())),
        ("state:OPEN", Match("state", (Value("open"),))),
        ("agent!=x", Not(Match("agent", (Value("x"),)))),
        ("eval:refund_policy=fail", Match("eval", (Value("fail"),), "refund_policy")),
        ("eval:refund_policy", Match("eval", (), "refund_policy")),
        ('eval:"my check"=4,5', Match("eval", (Value("4"), Value("5")), "my check")),
        ("signal:task_completed=false", Match("signal", (Value("false"),), "task_completion")),
        ("context.plan=pro", Match("context", (Value("pro"),), "plan")),
        ("context.plan:pro", Match("context", (Value("pro"),), "plan")),
        ('context."my plan"=pro', Match("context", (Value("pro"),), "my plan")),
        ("cost>0.5", Compare("cost", ">", 500_000_000)),
        ("cost>=$1", Compare("cost", ">=", 1_000_000_000)),
        ("turns>=3", Compare("turns", ">=", 3)),
        ("turns:3", Compare("turns", "=", 3)),
        ("turns:>3", Compare("turns", ">", 3)),
        ("duration>30s", Compare("duration", ">", 30_000)),
        ("duration>2m", Compare("duration", ">", 120_000)),
        ("latency>250ms", Compare("latency", ">", 250)),
        ("latency>1.5", Compare("latency", ">", 1500)),
        ("tokens<5k", Compare("tokens", "<", 5000)),
        ("quality<70%", Compare("quality", "<", 0.7)),
        ("turns:2..4", And((Compare("turns", ">=", 2), Compare("turns", "<=", 4)))),
        ("turns:1,3", Or((Compare("turns", "=", 1), Compare("turns", "=", 3)))),
        ("turns!=1", Not(Compare("turns", "=", 1))),
        ("since:7d", Started(TimeRange("7d"))),
        ("since:2026-10-01", Started(TimeRange("2026-10-01.."))),
        ("until:2026-10-31", Started(TimeRange("..2026-10-31"))),
        ("since:2026-10-01 until:2026-10-31", Started(TimeRange("2026-10-01..2026-10-31"))),
        ("date:2026-10-01", Started(TimeRange("2026-10-01"))),
        ("date:2026-10-01T14:00..2026-10-01T15:00", Started(TimeRange("2026-10-01T14:00..2026-10-01T15:00"))),
        ("since:all", Started(TimeRange("all"))),
        ("word", Term("word")),
        ('"exact words"', Term("exact words")),
        ("charg*", Term("charg", True)),
        ("14:02", Term("14:02")),
        ("e.g. foo", And((Term("e.g."), Term("foo")))),
        ('"or"', Term("or")),
        ("-agent:x", Not(Match("agent", (Value("x"),)))),
        ("not word", Not(Term("word"))),
        ("--word", Term("word")),
        ("a b", And((Term("a"), Term("b")))),
        ("a and b", And((Term("a"), Term("b")))),
        ("a or b c", Or((Term("a"), And((Term("b"), Term("c")))))),
        ("(a or b) c", And((Or((Term("a"), Term("b"))), Term("c")))),
        ("-(a b)", Not(And((Term("a"), Term("b"))))),
        ("((a))", Term("a")),
        ("foo-bar", Term("foo-bar")),
        ("cwd:C:\\Users", Match("cwd", (Value("C:\\Users"),))),
    ],
)
def test_a_text_means(text: str, node: Node | None) -> None:
    assert _node(text) == node
    assert parse_filter(parse_filter(text).to_text()).node == node


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("agnt:x", 0, "agent"),
        ("word costt>3", 5, "cost"),
        ("http://x", 0, "Quote"),
        ('agent:x "open', 8, "not closed"),
        ("(a or b", 0, "not closed"),
        ("a)", 1, "closing bracket"),
        ("a or", 4, "missing"),
        ("or a", 0, "missing"),
        ("()", 1, "missing"),
        ("agent:", 6, "value"),
        ("agent:a,", 8, "value"),
        ("cost>much", 5, "amount"),
        ("cost>1,", 7, "value"),
        ("tokens<5q", 7, "units"),
        ("agent>x", 5, "compared"),
        ("since:yesterday", 6, "time"),
        ("until:7d", 6, "time"),
        ("date:2026-13-01", 5, "time"),
        ("- x", 0, "right after"),
        ("not", 0, "after it"),
        ('""', 0, "nothing to search"),
        ("context:pro", 8, ""),
        ("eval:=fail", 5, "name"),
        ("(" * 100 + "a" + ")" * 100, 41, "brackets"),
        ("cost>1e99", 5, "amount"),
        ("turns>" + "9" * 25, 6, "too large"),
    ],
)
def test_an_error_has_its_column_and_what_to_do(text: str, column: int, says: str) -> None:
    if text == "context:pro":
        with pytest.raises(FilterError, match="needs a key"):
            parse_filter(text)
        return
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert caught.value.column == column
    assert says in str(caught.value)


_TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
_NAMES = st.one_of(st.sampled_from(["refund_policy", "plan", "my check", "a.b"]), _TEXTS)
_VALUES = st.one_of(
    _TEXTS.map(Value),
    st.sampled_from(["a*", "*b", "g*t", "a b*", "x\\*"]).map(lambda t: Value(t, True)),
)
_LISTS = st.lists(_VALUES, min_size=1, max_size=3, unique=True).map(tuple)


def _amount(unit: str) -> st.SearchStrategy[float]:
    whole = st.integers(0, 10**13)
    broken = st.integers(1, 10**9).map(lambda v: v / 1e6).filter(lambda v: v % 1 != 0)
    return whole if unit == "usd" else st.one_of(whole, broken)


_FACETS = [f for f in FIELDS.values() if f.kind == "facet" and not f.values]
_NUMBERS = [f for f in FIELDS.values() if f.kind == "number"]
_LEAVES: st.SearchStrategy[Node] = st.one_of(
    st.builds(lambda f, v: Match(f.name, v), st.sampled_from(_FACETS), _LISTS),
    st.builds(lambda f: Match(f.name, ()), st.sampled_from(_FACETS)),
    st.builds(lambda f, k, v: Match(f, v, k), st.sampled_from(["eval", "reviewed", "context"]), _NAMES, _LISTS),
    st.builds(lambda k: Match("eval", (), k), _NAMES),
    st.sampled_from(_NUMBERS).flatmap(
        lambda f: st.builds(
            lambda op, v: Compare(f.name, op, v), st.sampled_from([">", ">=", "<", "<=", "="]), _amount(f.unit)
        )
    ),
    st.sampled_from(["7d", "24h", "all", "2026-10-01", "2026-10-01..2026-10-31", "..2026-10-31"]).map(
        lambda t: Started(TimeRange(t))
    ),
    st.builds(
        Term,
        _TEXTS.map(str.strip).filter(lambda t: t and not t.endswith("*")),
        st.booleans(),
    ),
)
_TREES: st.SearchStrategy[Node] = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        inner.map(negated),
        st.lists(inner, min_size=1, max_size=4).map(lambda n: all_of(n) or n[0]),
        st.lists(inner, min_size=1, max_size=4).map(lambda n: any_of(n) or n[0]),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(_TREES)
def test_the_canonical_text_means_the_same(node: Node) -> None:
    f = Filter(node)
    again = parse_filter(f.to_text())
    assert again == f
    assert hash(again) == hash(f)
    assert again.to_text() == f.to_text()


@settings(max_examples=100, deadline=None)
@given(_TREES)
def test_link_parameters_mean_the_same(node: Node) -> None:
    f = Filter(node)
    back = from_link_params(to_link_params(f))
    assert sorted(p.to_text() for p in back.parts()) == sorted(p.to_text() for p in f.parts())


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from('agent:cost><=!-()"\\*,. or7d\n\té\x00'), max_size=40))
def test_any_text_is_a_filter_or_a_filter_error(text: str) -> None:
    try:
        f = parse_filter(text)
    except FilterError as problem:
        assert 0 <= problem.column <= len(text)
        return
    assert parse_filter(f.to_text()) == f


def test_parts_can_be_dropped_and_added() -> None:
    f = parse_filter("agent:a since:7d chargeback")
    assert [p.to_text() for p in f.parts()] == ["agent:a", "since:7d", "chargeback"]
    assert f.drop(1).to_text() == "agent:a chargeback"
    assert f.plus("since:30d").to_text() == "agent:a chargeback since:30d"
    assert f.plus("agent:b").to_text() == "agent:a since:7d chargeback agent:b"
    assert f.plus("agent:a") == f
    assert parse_filter("cost>1 state:open").plus("cost>2 state:closed").to_text() == "cost>2 state:closed"
    assert Filter().plus("a or b").to_text() == "a or b"
    assert not Filter()
    assert parse_filter("a").drop(0) == Filter()


def test_time_and_search_of_a_filter() -> None:
    f = parse_filter('agent:a,b since:7d "two words" one -three agent:c')
    assert f.time_range() == TimeRange("7d")
    assert f.with_range(TimeRange("30d")).time_range() == TimeRange("30d")
    assert f.with_range(None).time_range() is None
    assert f.search_text() == '"two words" one'
    assert f.values("agent") == ("a", "b", "c")
    assert f.values("topic") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "agent:support-bot signal:task_completion=false since:7d chargeback",
            "agent support-bot, task failed, last 7 days, “chargeback”",
        ),
        ("eval:refund_policy=fail cost>0.5 turns>=3", "refund_policy fail, cost over $0.5, turns at least 3"),
        ("-(agent:a or topic:x)", "not (agent a or topic x)"),
        ("duration>30s eval:tone=none context.plan=pro", "duration over 30 s, tone not scored, plan pro"),
        ("", "all sessions"),
    ],
)
def test_words(text: str, words: str) -> None:
    assert parse_filter(text).words() == words


def test_links_name_the_common_fields() -> None:
    f = parse_filter("agent:a,b since:7d cost>0.5 -topic:x")
    assert to_link_params(f) == {"agents": "a,b", "since": "7d", "q": "cost>0.5 -topic:x"}
    assert from_link_params({"agents": "my agent,b"}).values("agent") == ("my agent", "b")
    assert from_link_params({"agent": "x) or (y"}).values("agent") == ("x) or (y",)
    with pytest.raises(FilterError, match="agents"):
        from_link_params({"agnts": "x"})


def test_enter_on_a_value_filters_for_exactly_it() -> None:
    assert facet_filter("topic", "a*b, c").to_text() == 'topic:"a\\*b, c"'
    assert parse_filter(facet_filter("topic", "a*b, c").to_text()) == facet_filter("topic", "a*b, c")
    assert facet_filter("context.plan", "pro").to_text() == "context.plan=pro"


@pytest.mark.parametrize("key", SORT_KEYS)
def test_a_sort_means_the_same_written_and_read(key: str) -> None:
    for descending in (True, False):
        sort = Sort(key, descending or key == "relevance")
        assert parse_sort(sort.to_text()) == sort


def test_sorts() -> None:
    assert parse_sort("cost") == parse_sort("-cost") == Sort("cost", True)
    assert parse_sort("+cost") == Sort("cost", False)
    assert parse_sort("user") == parse_sort("+user") == Sort("user", False)
    assert parse_sort(" -User ") == Sort("user", True)
    assert parse_sort("+relevance") == Sort("relevance", True)
    assert (Sort("cost", True).to_text(), Sort("user", True).to_text()) == ("cost", "-user")
    with pytest.raises(UsageError, match="cost"):
        parse_sort("csot")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("agnt", "agent"), ("agens", "agent"), ("modle", "model"), ("eror_type", "error"), ("reop", "repository"),
     ("toekns", "tokens"), ("durations", "duration"), ("http", None), ("x", None), ("foo", None), ("note", None)],
)  # fmt: skip
def test_an_unknown_field_suggests_what_is_written_almost_so_or_nothing(typed: str, meant: str | None) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter(f"{typed}:x")
    assert caught.value.hint == (f"Did you mean {meant}? " if meant else "") + "Quote the text to search for it."


def test_completion_offers_names_and_fixed_values() -> None:
    assert "agent:" in [c.text for c in complete("ag", 2)]
    assert [c.text for c in complete("word state:cl", 13)] == ["closed"]
    assert complete("word state:cl", 13)[0].start == 11
    assert [c.text for c in complete("-sour", 5)] == ["source:"]
    assert complete("cost>", 5) == []
    slot = value_slot("agent:a,bil", 11)
    assert slot is not None
    assert (slot.facet, slot.prefix, slot.start) == ("agent", "bil", 8)
    named = value_slot("signal:user_friction=tr", 23)
    assert named is not None
    assert (named.facet, named.prefix) == ("signal.user_friction", "tr")
    assert value_slot("cost>1", 6) is None


def test_a_range_of_minutes_is_taken_in_the_zone() -> None:
    lower, upper = parse_range("2026-10-01T14:00..2026-10-01T15:00").bounds(0, "Europe/Berlin")
    assert lower is not None
    assert upper == lower + 3_600_000
    assert parse_range("9999-12-31").bounds(0, "UTC")[1] is not None
