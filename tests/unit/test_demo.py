"""The sample project: same seed and day give the same stories, and what `PLANTED` promises can be counted."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from itertools import pairwise
from statistics import mean, quantiles

import pytest

from aa_tui.backend.model.event import AgentEvent, EventKind, ImportedLabel, ImportedResult
from aa_tui.backend.sources.demo import KEYWORD_EVALUATOR, PLANTED, demo_size, generate
from aa_tui.backend.sources.demo.coding import CODING
from aa_tui.backend.sources.demo.people import coding_slots, make_people, slots
from aa_tui.backend.sources.demo.script import compile_script, slots_used
from aa_tui.backend.sources.demo.shopping import SHOPPING
from aa_tui.backend.sources.demo.support import INCIDENT, SUPPORT
from aa_tui.backend.sources.demo.timeline import Quota
from aa_tui.backend.support.clock import DAY_MS, HOUR_MS

NOW = 1_780_000_000_000
END = NOW - NOW % DAY_MS


class Project:
    """All items of the full sample project, sorted into what the tests ask for."""

    def __init__(self) -> None:
        self.items = list(generate(NOW))
        self.events = [item for item in self.items if isinstance(item, AgentEvent)]
        self.results = [item for item in self.items if isinstance(item, ImportedResult)]
        self.labels = [item for item in self.items if isinstance(item, ImportedLabel)]
        self.sessions: dict[str, list[AgentEvent]] = defaultdict(list)
        for event in self.events:
            if event.session_key:
                self.sessions[event.session_key].append(event)
        self.completed = {
            result.session_key: result.passed
            for result in self.results
            if result.evaluator == "signal:task_completion" and result.passed is not None
        }

    def days_ago(self, key: str) -> float:
        return (END - (self.sessions[key][0].time_ms or 0)) / DAY_MS

    def of_agent(self, agent: str) -> list[str]:
        return [key for key, events in self.sessions.items() if events[0].agent_id == agent]

    @cache  # noqa: B019 (one instance per test run)
    def first_sessions(self) -> dict[str, str]:
        """User to key of the first session."""
        first: dict[str, str] = {}
        for key in sorted(self.sessions, key=lambda key: self.sessions[key][0].time_ms or 0):
            user = self.sessions[key][0].user_id
            if user:
                first.setdefault(user, key)
        return first


@pytest.fixture(scope="module")
def project() -> Project:
    return Project()


def _digest(items: Iterable[AgentEvent | ImportedLabel | ImportedResult]) -> list[str]:
    return [json.dumps(asdict(item), sort_keys=True, default=str) for item in items]


def test_same_seed_and_day_give_the_same_project() -> None:
    one = _digest(generate(NOW, sessions=150, users=40))
    assert one == _digest(generate(END + 5 * HOUR_MS, sessions=150, users=40))
    assert one != _digest(generate(NOW, seed=8, sessions=150, users=40))


def test_other_days_have_other_ids() -> None:
    today = {item.insert_id for item in generate(NOW, sessions=60, users=20) if isinstance(item, AgentEvent)}
    later = {item.insert_id for item in generate(NOW + DAY_MS, sessions=60, users=20) if isinstance(item, AgentEvent)}
    assert not today & later


@pytest.mark.parametrize(("sessions", "users", "days"), [(1, 1, 40), (30, 30, 5), (200, 10, 60)])
def test_small_projects_have_the_asked_number_of_sessions(sessions: int, users: int, days: int) -> None:
    events = [i for i in generate(NOW, sessions=sessions, users=users, days=days) if isinstance(i, AgentEvent)]
    assert len({event.session_key for event in events if event.session_key}) == sessions
    assert len({event.user_id for event in events if event.user_id}) <= users


def test_counts(project: Project) -> None:
    assert len(project.sessions) == 4000
    users = {event.user_id for event in project.events} - {None}
    assert len(users) == 400
    assert all(re.fullmatch(r"u-\d{4}", user) for user in users if user)
    assert any(event.user_id is None and event.device_id for event in project.events)
    assert 55_000 < len(project.events) < 70_000
    assert abs(len(project.items) / demo_size() - 1) < 0.05
    share = Counter(events[0].agent_id for events in project.sessions.values())
    assert set(share) == {"support-bot", "coding-agent", "shopping-agent"}
    assert 0.55 < share["support-bot"] / 4000 < 0.66


def test_ids_are_unique_and_times_in_range(project: Project) -> None:
    assert len({event.insert_id for event in project.events}) == len(project.events)
    times = [event.time_ms for event in project.events]
    assert all(time is not None and END - 121 * DAY_MS < time < END for time in times)
    spans = [(event.session_key, event.span_id) for event in project.events if event.span_id]
    assert len(set(spans)) == len(spans)


def test_sessions_come_in_one_piece_and_in_order_of_time(project: Project) -> None:
    order = [event.session_key for event in project.events if event.session_key]
    runs = [after for before, after in pairwise(order) if before != after]
    assert len(runs) == len(set(runs))
    for events in project.sessions.values():
        assert all((a.time_ms or 0) <= (b.time_ms or 0) for a, b in pairwise(events))
        assert {event.parent_id for event in events} - {None} <= {event.span_id for event in events}


def test_every_kind_is_there(project: Project) -> None:
    assert {event.kind for event in project.events} == set(EventKind) - {EventKind.FOREIGN}
    product = Counter(event.event_type for event in project.events if event.kind is EventKind.PRODUCT)
    wanted = {"sign_up", "app_open", "search", "add_to_cart", "purchase", "upgrade", "cancel_subscription"}
    assert wanted <= set(product)
    reasons = Counter(event.finish_reason for event in project.events)
    assert reasons["content_filter"] > 5 and reasons["length"] > 5 and reasons["tool_use"] and reasons["tool_calls"]
    assert any(event.interrupted for event in project.events)
    for flag in ("[Agent] Is Regeneration", "[Agent] Is Edit", "[Agent] Was Copied", "[Agent] Abandonment Turn"):
        assert any(flag in event.properties for event in project.events), flag
    ended = sum(any(e.kind is EventKind.SESSION_END for e in events) for events in project.sessions.values())
    assert 3000 < ended < 3900


def test_the_delegate_works_inside_of_the_delegating_call(project: Project) -> None:
    asked = [event for event in project.events if event.from_agent]
    assert len(asked) > 200
    for message in asked:
        assert (message.agent_id, message.parent_agent_id) == ("recipe-agent", "shopping-agent")
        events = project.sessions[message.session_key or ""]
        call = next(event for event in events if event.span_id == message.parent_id)
        assert call.kind is EventKind.TOOL_CALL and call.agent_id == "shopping-agent"


def test_numbers_of_model_calls_fit_together(project: Project) -> None:
    unpriced = 0
    for event in project.events:
        if event.kind is EventKind.AI_RESPONSE and not event.is_error:
            assert event.input_tokens is not None and event.output_tokens is not None
            assert event.total_tokens == event.input_tokens + event.output_tokens
            assert (event.cache_read_tokens or 0) + (event.cache_creation_tokens or 0) <= event.input_tokens
            assert event.latency_ms and event.ttfb_ms and event.ttfb_ms <= event.latency_ms
            unpriced += event.cost_nano is None
            assert event.cost_nano is None or event.cost_nano > 0
    assert 0 < unpriced < 600


def test_texts_have_no_template_leftovers(project: Project) -> None:
    leftover = re.compile(r"\{[a-z0-9_]*\}|%\(|\|\||%s|\[pair\]")
    for event in project.events:
        if event.text is not None:
            assert event.text.strip() and not re.search(r"[{}~]", event.text), event.text
        for text in (event.text or "", *event.parts.values()):
            assert not leftover.search(text), text
        if event.kind is EventKind.TOOL_CALL:
            assert isinstance(json.loads(event.parts["input"]), dict)
    for item in (*project.results, *project.labels):
        text = item.rationale if isinstance(item, ImportedResult) else item.note
        assert not re.search(r"[{}~|%]", text), text


def test_every_slot_of_every_scenario_has_a_value() -> None:
    from random import Random

    rng = Random(1)
    person = make_people(rng, 1)[0]
    known = slots(rng, person, NOW, "").keys() | {"eta"}
    known |= coding_slots(rng, "payments", "bug fix", "x").keys()
    for script in (SUPPORT, INCIDENT, CODING, SHOPPING):
        for scenario in compile_script(script):
            assert slots_used(scenario) <= known, scenario.key
            assert len({frozenset(values) for values in scenario.vars}) <= 1, scenario.key
            assert scenario.ok and scenario.fail


def test_bad_script_lines_are_refused() -> None:
    with pytest.raises(ValueError, match="bad tool line"):
        compile_script("## a | b | c | d | 1 |\n@ok 1\nU: hi\nT broken")


def test_the_incident_shows_in_raw_counts(project: Project) -> None:
    support = project.of_agent("support-bot")
    incident = [key for key in support if 8 < project.days_ago(key) <= 10]
    before = [key for key in support if 10 < project.days_ago(key) <= 30]

    def failed(keys: list[str]) -> float:
        return 1 - mean(bool(project.completed[key]) for key in keys if key in project.completed)

    def refunds(keys: list[str]) -> float:
        calls = [e.is_error for key in keys for e in project.sessions[key] if e.name == "issue_refund"]
        return mean(calls)

    def p90(keys: list[str]) -> float:
        took = [e.latency_ms for k in keys for e in project.sessions[k] if e.kind == EventKind.AI_RESPONSE]
        return quantiles([value for value in took if value], n=10)[8]

    assert len(incident) / 2 > 1.3 * len(before) / 20
    assert failed(incident) > 2.5 * failed(before)
    assert refunds(incident) > 0.7 and refunds(before) < 0.05
    assert 2.5 < p90(incident) / p90(before) < 4.5


def test_release_and_model_change(project: Project) -> None:
    failures: dict[str, list[bool]] = defaultdict(list)
    for key in project.of_agent("support-bot"):
        if project.days_ago(key) > 12 and key in project.completed:
            failures[project.sessions[key][0].context["version"]].append(not project.completed[key])
    assert set(failures) == {"v4.1", "v4.2"}
    assert mean(failures["v4.1"]) > 1.2 * mean(failures["v4.2"])
    spend: dict[bool, list[int]] = defaultdict(list)
    for key in project.of_agent("coding-agent"):
        late = project.days_ago(key) < PLANTED["model_change"]["days_ago"]
        spend[late].append(sum(event.cost_nano or 0 for event in project.sessions[key]))
    assert 1.3 < mean(spend[True]) / mean(spend[False]) < 1.9


def test_the_planted_retention_can_be_counted(project: Project) -> None:
    last: dict[str, int] = defaultdict(int)
    for event in project.events:
        if event.user_id:
            last[event.user_id] = max(last[event.user_id], event.time_ms or 0)
    planted = PLANTED["retention"]
    back: dict[bool, list[bool]] = defaultdict(list)
    for user, key in project.first_sessions().items():
        start = project.sessions[key][0].time_ms or 0
        if key in project.completed and start <= END - 31 * DAY_MS:
            back[bool(project.completed[key])].append(last[user] >= start + planted["day"] * DAY_MS)
    assert len(back[True]) > 100 and len(back[False]) > 50
    assert mean(back[True]) == pytest.approx(planted["after_success"], abs=0.02)
    assert mean(back[False]) == pytest.approx(planted["after_failure"], abs=0.03)


def test_the_planted_funnel_can_be_counted(project: Project) -> None:
    acts: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for event in project.events:
        if event.kind is EventKind.PRODUCT and event.properties.get("journey_type") != "agent":
            acts[event.user_id or ""].append((event.time_ms or 0, event.event_type))
    first = project.first_sessions()
    counts: dict[bool, Counter[str]] = defaultdict(Counter)
    for user, done in acts.items():
        if user not in first or first[user] not in project.completed:
            continue
        count = counts[bool(project.completed[first[user]])]
        for position, (at, name) in enumerate(done):
            near = [(time - at, other) for time, other in done[position + 1 : position + 4]]
            count[name] += 1
            count["search>cart"] += name == "search" and any(n == "add_to_cart" and t <= 600_000 for t, n in near)
            count["cart>buy"] += name == "add_to_cart" and any(n == "purchase" and t <= 1_200_000 for t, n in near)
    planted = PLANTED["funnel"]
    for ok, group in ((True, "after_success"), (False, "after_failure")):
        count = counts[ok]
        assert count["search>cart"] / count["search"] == pytest.approx(planted["search_to_cart"][group], abs=0.025)
        assert count["cart>buy"] / count["add_to_cart"] == pytest.approx(planted["cart_to_purchase"][group], abs=0.03)


def test_recorded_results_quote_the_session_and_name_the_sample_model(project: Project) -> None:
    said = {key: "\n".join(event.text or "" for event in events) for key, events in project.sessions.items()}
    by_name: dict[str, list[ImportedResult]] = defaultdict(list)
    for result in project.results:
        assert result.model == "sample (recorded)"
        assert result.evidence in said[result.session_key]
        assert (result.error is not None) == (result.value == "")
        by_name[result.evaluator].append(result)
    signals = {
        "task_completion",
        "response_quality",
        "user_friction",
        "negative_feedback",
        "session_safety",
        "user_intent",
    }
    assert set(by_name) == {f"signal:{name}" for name in signals} | {"refund_policy"}
    scored = {key for key in project.sessions if project.days_ago(key) <= 110}
    for name in signals:
        missing = scored - {result.session_key for result in by_name[f"signal:{name}"]}
        assert not missing
    assert {result.value for result in by_name["signal:session_safety"]} == {"Normal", "Off Topic", "Prompt Injection"}
    unhappy = [result for result in by_name["signal:negative_feedback"] if result.value == "True"]
    assert unhappy and all(result.labels and not result.passed for result in unhappy)


def test_labels_are_balanced_and_the_recorded_judge_errs_as_planted(project: Project) -> None:
    labels = [label for label in project.labels if label.criterion == "refund_policy"]
    answers: dict[str, set[str]] = defaultdict(set)
    first: dict[str, str] = {}
    for label in labels:
        assert label.reviewer in {"dana", "lee"} and label.at_ms is not None
        answers[label.session_key].add(label.value)
        first.setdefault(label.session_key, label.value)
    assert len(answers) == PLANTED["refund_policy_judge"]["labelled_sessions"]
    assert Counter(first.values()) == {"pass": 60, "fail": 60}
    assert len(labels) == 120 + PLANTED["refund_policy_judge"]["labelled_twice"]
    assert sum(len(values) == 2 for values in answers.values()) == PLANTED["refund_policy_judge"]["contested"]
    assert sum(bool(label.note) for label in labels) > 20
    verdicts = {r.session_key: r.value for r in project.results if r.evaluator == "refund_policy"}
    table = Counter((first[key], verdicts[key]) for key in first)
    assert table["pass", "pass"] / 60 == pytest.approx(PLANTED["refund_policy_judge"]["tpr"], abs=0.02)
    assert table["fail", "fail"] / 60 == pytest.approx(PLANTED["refund_policy_judge"]["tnr"], abs=0.02)


def test_the_keyword_evaluator_makes_both_kinds_of_mistake(project: Project) -> None:
    patterns = KEYWORD_EVALUATOR["labels"]["promises_date"]
    table: Counter[tuple[str, bool]] = Counter()
    for label in project.labels:
        if label.criterion == KEYWORD_EVALUATOR["criterion"]:
            events = project.sessions[label.session_key]
            text = "\n".join(e.text or "" for e in events if e.kind is EventKind.AI_RESPONSE).lower()
            table[label.value, any(pattern in text for pattern in patterns)] += 1
    assert sum(table.values()) == 120
    assert table["promises_date", True] > table["promises_date", False] > 0
    assert table["no_promise", False] > table["no_promise", True] > 0


def test_topics_and_coding_context_are_there(project: Project) -> None:
    topics: Counter[str] = Counter()
    for event in project.events:
        if event.kind is EventKind.SESSION_ENRICHMENT:
            labels = json.loads(event.properties["[Agent] Enrichments"])
            topics[labels["topic_classifications"]["request_topic"]["primary"]] += 1
    assert topics["refunds"] > 300 and len(topics) > 12
    for key in project.of_agent("coding-agent"):
        assert {"repository", "branch", "cwd", "title", "version", "env"} <= project.sessions[key][0].context.keys()


def test_quota_is_exact() -> None:
    quota = Quota(0.38)
    assert sum(quota.take() for _ in range(100)) == 38
