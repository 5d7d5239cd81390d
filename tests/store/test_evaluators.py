"""Evaluators as decisions: versions, drafts, activation, permissions, conflicts, undo, rates, agreement, files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aa_tui.backend.model.evaluator import (
    Definition,
    Label,
    Method,
    ModelChoice,
    OutputType,
    PassCriteria,
    Pattern,
    Scale,
    Tier,
)
from aa_tui.backend.service import definition_files
from aa_tui.backend.service.evaluators import EvaluatorService, agreement_of, differences
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.clock import FrozenClock
from aa_tui.backend.support.errors import Conflict, Forbidden, NotFound, UsageError
from tests.postgres_server import running

NOW = 1_790_000_000_000
DAY = 86_400_000
LABELS = (Label("true", "it did"), Label("false", "it did not"))
REFUND = Definition(
    OutputType.BINARY,
    prompt="Did the agent follow the refund policy in every step?",
    labels=LABELS,
    passing=PassCriteria(value=True),
)
TONE = Definition(
    OutputType.CLASSIFICATION,
    prompt="Which tone did the agent have in its answers?",
    labels=tuple(Label(name, f"it was {name}", (f"a {name} answer",)) for name in ("warm", "neutral", "rude")),
    passing=PassCriteria(labels=("warm", "neutral")),
)
CODE = Definition(OutputType.BINARY, Method.REGEX, patterns=(Pattern("refund"),), passing=PassCriteria(value=True))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(str(tmp_path / "store.db"))
    yield opened
    opened.close()


@pytest.fixture
def ws(store: Store) -> Workspace:
    return as_(store, "admin")


def as_(store: Store, role: str, name: str = "ada") -> Workspace:
    clock = FrozenClock(NOW)
    project = ProjectService(store, clock).ensure("default", Actor("ada"))
    return Workspace(store, project, Actor(name, role), clock)


def judge(
    ws: Workspace, evaluator: int, version: int, verdicts: dict[int, tuple[str, int | None]], **more: str
) -> None:
    """Record results as imports and active evaluators do: by session (value, passed)."""
    with ws.store.write() as tx:
        for session, (value, passed) in verdicts.items():
            tx.execute(
                "INSERT INTO result(project_id, id, run_id, evaluator_id, evaluator_version, session_id, "
                "session_revision, sort_at, current, value, passed, method, source, error_kind, evaluated_ms) VALUES "
                "(:p, :id, 0, :e, :v, :s, 0, :at, 1, :value, :passed, 'llm', 'ai', :error, :now)",
                {
                    "p": ws.project.id,
                    "id": evaluator + session * 10 + version,
                    "e": evaluator,
                    "v": version,
                    "s": session,
                    "at": NOW - session * DAY,
                    "value": value or None,
                    "passed": passed,
                    "error": more.get("error"),
                    "now": NOW,
                },
            )


def answer(ws: Workspace, criterion: int, session: int, value: str, reviewer: str, source: str = "scratch") -> None:
    with ws.store.write() as tx:
        tx.execute(
            "INSERT INTO answer(project_id, session_id, criterion_id, reviewer, value, source, origin, sighted, "
            "obsolete, answered_ms, version) VALUES (:p, :s, :c, :r, :v, :source, '', 0, 0, :now, 1)",
            {
                "p": ws.project.id, "s": session, "c": criterion, "r": reviewer, "v": value, "source": source,
                "now": NOW,
            },
        )  # fmt: skip


# --- making one ----------------------------------------------------------------------------------------------------


def test_a_new_evaluator_is_inactive_and_has_a_question_of_its_own(ws: Workspace) -> None:
    made = ws.evaluators.create("  refund   policy ", REFUND, agents=["billing", " billing "], sampling=0.5)
    assert (made.name, made.criterion, made.state, made.version) == ("refund policy", "refund policy", "inactive", 1)
    assert (made.agents, made.sampling, made.draft, made.imported) == (("billing",), 0.5, None, False)
    assert (made.pass_rate, made.agreement, made.last_judged_ms) == (None, None, None)
    shown = ws.evaluators.get("refund policy")
    assert shown.definition == REFUND and shown.versions[0].hash == REFUND.hash
    assert ws.evaluators.list() == [made] and ws.evaluators.get(made.id).row == made


@pytest.mark.parametrize("name", ["", "   ", "x" * 256, "1234"])
def test_names_that_cannot_be_are_refused(ws: Workspace, name: str) -> None:
    with pytest.raises(UsageError, match="name"):
        ws.evaluators.create(name, REFUND)
    assert ws.evaluators.create("x" * 255, REFUND).name == "x" * 255


def test_a_name_is_taken_once_even_by_one_in_the_archive(ws: Workspace) -> None:
    ws.evaluators.create("tone", TONE)
    ws.evaluators.archive("tone")
    with pytest.raises(Conflict, match="already"):
        ws.evaluators.create("tone", REFUND)
    assert ws.evaluators.list() == [] and [row.state for row in ws.evaluators.list(archived=True)] == ["archived"]


def test_a_definition_with_an_error_is_not_saved_and_advice_is_no_error(ws: Workspace) -> None:
    wrong = replace(TONE, labels=TONE.labels[:2])
    with pytest.raises(UsageError, match="labels"):
        ws.evaluators.create("tone", wrong)
    advised = [one for one in ws.evaluators.problems(TONE) if one.severity == "advice"]
    assert any("binary" in one.words for one in advised)
    ws.evaluators.create("tone", TONE)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan")])
def test_sampling_is_a_share(ws: Workspace, share: float) -> None:
    with pytest.raises(UsageError, match="Sampling"):
        ws.evaluators.create("tone", TONE, sampling=share)


def test_all_templates_can_be_made_into_evaluators(ws: Workspace) -> None:
    for one in ws.evaluators.templates():
        ws.evaluators.create(one.id, one.definition)
    assert len(ws.evaluators.list()) == len(ws.evaluators.templates()) >= 8


# --- criteria ------------------------------------------------------------------------------------------------------


def test_evaluators_of_one_criterion_share_its_answers(ws: Workspace) -> None:
    first = ws.evaluators.create("refund_strict", REFUND, criterion="refund policy")
    second = ws.evaluators.create("refund_lax", REFUND, criterion="refund policy")
    assert first.criterion_id == second.criterion_id
    judge(ws, first.id, 1, {1: ("True", 1), 2: ("True", 1), 3: ("False", 0)})
    judge(ws, second.id, 1, {1: ("True", 1)})
    for session, value in ((1, "True"), (2, "False"), (3, "fail")):
        answer(ws, first.criterion_id, session, value, "bob")
    rows = {row.name: row.agreement for row in ws.evaluators.list()}
    assert rows["refund_strict"] == (2, 3, 0) and rows["refund_lax"] == (1, 1, 0)
    with pytest.raises(UsageError, match="answered as binary"):
        ws.evaluators.create("tone", TONE, criterion="refund policy")
    assert [(one.name, one.answers, one.evaluators) for one in ws.evaluators.criteria()] == [("refund policy", 3, 2)]


def test_a_criterion_takes_the_labels_of_its_evaluators(ws: Workspace) -> None:
    ws.evaluators.create("tone", TONE)
    more = replace(TONE, labels=(*TONE.labels, Label("cold", "it was cold", ("a cold answer",))))
    ws.evaluators.save("tone", more)
    assert ws.evaluators.criteria()[0].labels == ("warm", "neutral", "rude", "cold")


def test_answers_survive_new_versions_and_hold_their_kind(ws: Workspace) -> None:
    made = ws.evaluators.create("refund", REFUND)
    ws.evaluators.save("refund", replace(CODE))
    answer(ws, made.criterion_id, 1, "True", "bob")
    ws.evaluators.save("refund", REFUND)
    assert ws.evaluators.criteria()[0].answers == 1
    with pytest.raises(UsageError, match="answered as binary"):
        ws.evaluators.save("refund", TONE)


# --- versions ------------------------------------------------------------------------------------------------------


def test_every_edit_of_an_inactive_evaluator_is_a_frozen_version(ws: Workspace) -> None:
    ws.evaluators.create("refund", REFUND)
    stricter = replace(REFUND, prompt=REFUND.prompt + " Be strict.")
    saved = ws.evaluators.save("refund", stricter)
    assert (saved.no, saved.draft) == (2, False)
    assert ws.evaluators.save("refund", stricter).no == 2, "the same again is no new version"
    shown = ws.evaluators.get("refund")
    assert [(one.no, one.definition) for one in shown.versions] == [(2, stricter), (1, REFUND)]


def test_an_active_evaluator_is_edited_in_a_draft_that_is_promoted(ws: Workspace) -> None:
    ws.evaluators.create("refund", REFUND)
    active = ws.evaluators.activate("refund")
    assert (active.state, active.version, active.activated_ms) == ("active", 1, NOW)
    drafted = ws.evaluators.save("refund", replace(REFUND, prompt="Was every refund within the policy?"))
    again = ws.evaluators.save("refund", replace(REFUND, prompt="Was each refund within the policy, whole?"))
    assert (drafted.no, again.no, again.draft) == (2, 2, True)
    row = ws.evaluators.get("refund").row
    assert (row.version, row.draft) == (1, 2), "version 1 keeps scoring"
    assert ws.evaluators.get("refund").definition == REFUND
    assert ws.evaluators.promote("refund") == 2
    row = ws.evaluators.get("refund").row
    assert (row.version, row.draft, row.activated_ms) == (2, None, NOW)
    with pytest.raises(NotFound, match="no draft"):
        ws.evaluators.promote("refund")


def test_a_version_that_has_judged_is_never_changed_nor_taken_away(ws: Workspace) -> None:
    made = ws.evaluators.create("refund", REFUND)
    ws.evaluators.save("refund", replace(REFUND, prompt="Another question of the same kind?"))
    judge(ws, made.id, 2, {1: ("True", 1)})
    with pytest.raises(Conflict, match="has judged"):
        ws.views.undo()
    shown = ws.evaluators.get("refund")
    assert [one.no for one in shown.versions] == [2, 1] and shown.versions[0].judged == 1


def test_work_under_way_keeps_its_version(ws: Workspace) -> None:
    made = ws.evaluators.create("refund", REFUND)
    ws.evaluators.activate("refund")
    ws.evaluators.save("refund", replace(REFUND, prompt="Another question of the same kind?"))
    ws.evaluators.promote("refund")
    with ws.store.write() as tx:
        tx.execute(
            "INSERT INTO scoring(project_id, session_id, revision, what, version, origin, state, attempts, calls) "
            "VALUES (:p, 1, 1, :e, 2, 'close', 'claimed', 1, 0)",
            {"p": ws.project.id, "e": made.id},
        )
    with pytest.raises(Conflict, match="has judged"):
        ws.views.undo()


def test_an_older_version_can_be_activated_again(ws: Workspace) -> None:
    ws.evaluators.create("refund", REFUND)
    ws.evaluators.save("refund", replace(REFUND, prompt="Another question of the same kind?"))
    assert ws.evaluators.activate("refund").version == 2
    assert ws.evaluators.activate("refund", version=1).version == 1
    with pytest.raises(NotFound, match="version 7"):
        ws.evaluators.activate("refund", version=7)


def test_the_model_is_part_of_the_version(ws: Workspace) -> None:
    ws.evaluators.create("refund", REFUND)
    choice = ModelChoice("compatible", "small", "http://127.0.0.1:9/v1", (("temperature", 0.3),))
    saved = ws.evaluators.set_model("refund", choice)
    assert saved.no == 2 and saved.definition is not None and saved.definition.model == choice
    assert ws.evaluators.get("refund").row.model == "compatible: small"
    ws.evaluators.create("code", CODE)
    with pytest.raises(UsageError, match="by code"):
        ws.evaluators.set_model("code", choice)


def test_versions_are_compared_field_by_field_and_texts_line_by_line(ws: Workspace) -> None:
    ws.evaluators.create("refund", replace(REFUND, prompt="First line stays\nsecond line goes\nthird stays"))
    ws.evaluators.save(
        "refund",
        replace(
            REFUND,
            prompt="First line stays\nsecond came\nthird stays",
            labels=(LABELS[0], Label("false", "it broke it")),
        ),
    )
    found = {one.field: one for one in ws.evaluators.diff("refund", 1, 2)}
    assert found["prompt"].lines == (
        "  First line stays", "- second line goes", "+ second came", "  third stays",
    )  # fmt: skip
    assert (found["labels[2].description"].before, found["labels[2].description"].after) == (
        "it did not",
        "it broke it",
    )
    assert set(found) == {"prompt", "labels[2].description"}
    with pytest.raises(NotFound, match="no version 3"):
        ws.evaluators.diff("refund", 1, 3)
    assert differences({"a": 1}, {"a": 1}) == ()


# --- who may, and who was faster -----------------------------------------------------------------------------------


def test_members_define_and_managers_activate(store: Store) -> None:
    member, manager, viewer = (as_(store, role) for role in ("member", "manager", "viewer"))
    with pytest.raises(Forbidden, match="Manage Inactive Evals"):
        viewer.evaluators.create("refund", REFUND)
    member.evaluators.create("refund", REFUND)
    member.evaluators.set_agents("refund", ["billing"])
    with pytest.raises(Forbidden, match="Activate Evals"):
        member.evaluators.activate("refund")
    manager.evaluators.activate("refund")
    draft = member.evaluators.save("refund", replace(REFUND, prompt="Was every refund within the policy?"))
    assert draft.draft, "a draft scores nothing"
    for forbidden in (
        lambda: member.evaluators.promote("refund"),
        lambda: member.evaluators.deactivate("refund"),
        lambda: member.evaluators.set_sampling("refund", 0.5),
        lambda: member.evaluators.archive("refund"),
    ):
        with pytest.raises(Forbidden, match="Activate Evals"):
            forbidden()
    assert manager.evaluators.promote("refund") == 2
    assert manager.evaluators.deactivate("refund").state == "inactive"


def test_a_change_of_something_that_was_changed_meanwhile_is_refused(store: Store) -> None:
    ada, bob = as_(store, "admin"), as_(store, "admin", "bob")
    seen = ada.evaluators.create("refund", REFUND)
    bob.evaluators.set_sampling("refund", 0.5)
    with pytest.raises(Conflict, match="somebody else"):
        ada.evaluators.save("refund", CODE, stamp=seen.stamp)
    with pytest.raises(Conflict, match="somebody else"):
        ada.evaluators.activate("refund", stamp=seen.stamp)
    assert ada.evaluators.activate("refund", stamp=ada.evaluators.get("refund").row.stamp).state == "active"


def test_decisions_are_journaled_with_who_and_which_permission(ws: Workspace) -> None:
    ws.evaluators.create("refund", REFUND)
    ws.evaluators.activate("refund")
    with ws.store.reader() as reader:
        rows = reader.fetch("SELECT actor, permission, action, subject FROM journal WHERE action LIKE '%evaluator'")
    assert rows == [
        ("ada", "Manage Inactive Evals and Runs", "create evaluator", "refund"),
        ("ada", "Activate Evals", "activate evaluator", "refund"),
    ]


def test_everything_can_be_undone_and_done_again(ws: Workspace) -> None:
    made = ws.evaluators.create("refund", REFUND)
    ws.evaluators.activate("refund")
    ws.evaluators.save("refund", CODE)
    ws.evaluators.promote("refund")
    ws.evaluators.rename("refund", "refunds")
    ws.evaluators.archive("refunds")
    for _ in range(6):
        ws.views.undo()
    assert ws.evaluators.list(archived=True) == [] and ws.evaluators.criteria() == ()
    for _ in range(6):
        ws.views.redo()
    row = ws.evaluators.get(made.id).row
    assert (row.name, row.state, row.version, row.criterion) == ("refunds", "archived", 2, "refund")
    assert ws.evaluators.unarchive("refunds").state == "inactive"


def test_a_draft_can_be_thrown_away_and_brought_back(ws: Workspace) -> None:
    ws.evaluators.create("refund", REFUND)
    ws.evaluators.activate("refund")
    ws.evaluators.save("refund", CODE)
    ws.evaluators.discard_draft("refund")
    assert ws.evaluators.get("refund").draft is None
    assert ws.views.undo() == "discard draft “refund”"
    draft = ws.evaluators.get("refund").draft
    assert draft is not None and draft.definition == CODE


# --- names and what was judged under them --------------------------------------------------------------------------


def test_sessions_are_found_by_the_new_name_after_renaming(ws: Workspace) -> None:
    from aa_tui.backend.store.facts import facet_id

    made = ws.evaluators.create("refund", REFUND)
    with ws.store.write() as tx:
        for key, value in (("eval.refund", "True"), ("evalpass.refund", "pass")):
            params = {"p": ws.project.id, "f": facet_id(key, value), "k": key, "v": value}
            tx.execute("INSERT INTO facet(project_id, id, key, value, sessions) VALUES (:p, :f, :k, :v, 1)", params)
            tx.execute(
                "INSERT INTO session_facet(project_id, facet_id, sort_at, session_id) VALUES (:p, :f, 5, 7)",
                {"p": ws.project.id, "f": params["f"]},
            )
    ws.evaluators.rename(made.id, "refunds")
    with ws.store.reader() as reader:
        rows = reader.fetch(
            "SELECT f.key, f.value, f.id, x.session_id FROM facet f JOIN session_facet x "
            "ON x.project_id=f.project_id AND x.facet_id=f.id WHERE f.project_id=:p ORDER BY f.key",
            {"p": ws.project.id},
        )
    assert rows == [
        ("eval.refunds", "True", facet_id("eval.refunds", "True"), 7),
        ("evalpass.refunds", "pass", facet_id("evalpass.refunds", "pass"), 7),
    ]


def test_one_is_found_by_name_id_and_case(ws: Workspace) -> None:
    made = ws.evaluators.create("Refund", REFUND)
    for name in ("Refund", "refund", str(made.id), made.id):
        assert ws.evaluators.get(name).row == made
    with pytest.raises(NotFound, match="Refund"):
        ws.evaluators.get("tone")


# --- rates ---------------------------------------------------------------------------------------------------------


def test_rates_count_by_week_and_errors_are_no_verdicts(ws: Workspace) -> None:
    made = ws.evaluators.create("refund", REFUND)
    judge(ws, made.id, 1, {1: ("True", 1), 2: ("False", 0), 9: ("True", 1), 400: ("False", 0)})
    judge(ws, made.id, 1, {3: ("", None)}, error="refusal")
    row = ws.evaluators.get("refund").row
    assert (row.passed, row.decided, row.errors, row.pass_rate) == (2, 3, 1, 2 / 3), "the one a year ago is left out"
    assert [(week.decided, week.rate) for week in row.weeks] == [(1, 1.0), (2, 0.5)]
    assert row.weeks[1].week_ms - row.weeks[0].week_ms == 7 * DAY
    assert (NOW - DAY - row.weeks[1].week_ms) < 7 * DAY and row.last_judged_ms == NOW


def test_agreement_follows_the_resolved_answer() -> None:
    rows = [
        (1, "pass", "scratch", "True", 1),
        (1, "fail", "scratch", "True", 1),
        (2, "pass", "scratch", "True", 1),
        (2, "fail", "adjudicated", "True", 1),
        (3, "warm", "scratch", "warm", None),
        (4, "3", "imported", "3.0", None),
        (5, "True", "scratch", "False", 0),
    ]
    assert agreement_of(rows) == (2, 4, 1)
    assert agreement_of([]) is None


def test_sample_evaluators_are_listed_read_only_until_given_a_definition(sample: Workspace) -> None:
    rows = {row.name: row for row in sample.evaluators.list()}
    policy = rows["refund_policy"]
    assert policy.imported and policy.decided > 0 and policy.pass_rate is not None and policy.weeks
    assert policy.agreement is not None and policy.agreement.n > 0 and 0.5 < (policy.agreement.rate or 0) <= 1
    shown = sample.evaluators.get("refund_policy")
    assert shown.definition is None and shown.versions[0].document["imported"] is True


def test_an_import_becomes_an_evaluator_when_it_is_given_a_definition(ws: Workspace) -> None:
    made = ws.evaluators.create("refund", REFUND)
    with ws.store.write() as tx:
        tx.execute("UPDATE evaluator_version SET definition=:d", {"d": json.dumps({"imported": True, "model": "m"})})
    judge(ws, made.id, 1, {1: ("True", 1)})
    with pytest.raises(UsageError, match="without a definition"):
        ws.evaluators.activate("refund")
    ws.evaluators.save("refund", CODE)
    row = ws.evaluators.activate("refund")
    assert (row.version, row.imported, row.decided) == (2, False, 1)


def test_a_store_of_a_team_keeps_them_alike() -> None:
    with running() as server:
        store = open_store(server.place())
        try:
            ws = as_(store, "admin")
            made = ws.evaluators.create("refund", REFUND, agents=["billing"])
            ws.evaluators.activate("refund")
            judge(ws, made.id, 1, {1: ("True", 1), 2: ("False", 0), 9: ("True", 1)})
            answer(ws, made.criterion_id, 1, "pass", "bob")
            ws.evaluators.save("refund", CODE)
            assert ws.evaluators.promote("refund") == 2
            row = ws.evaluators.rename("refund", "refunds")
            assert (row.decided, row.passed, row.agreement, row.version) == (3, 2, (1, 1, 0), 2)
            assert [week.decided for week in row.weeks] == [1, 2] and row.last_judged_ms == NOW
            assert [one.judged for one in ws.evaluators.get("refunds").versions] == [0, 3]
            assert ws.evaluators.recent_sessions() == ()
            for _ in range(4):
                assert ws.views.undo()
            with pytest.raises(Conflict, match="has judged"):
                ws.views.undo()
            row = ws.evaluators.get("refund").row
            assert (row.state, row.version, row.draft) == ("inactive", 1, None)
        finally:
            store.close()


# --- files ---------------------------------------------------------------------------------------------------------

NASTY = 'He said "no" \\ """three""" \x1b[2J \u202egnp\ttab\n  end "'


@pytest.mark.parametrize("write", [definition_files.to_toml, definition_files.to_json])
def test_definitions_survive_files(write: object) -> None:
    assert callable(write)
    given = [
        *(one.definition for one in EvaluatorService.templates()),
        replace(REFUND, prompt=NASTY),
        replace(TONE, multiple=True, model=ModelChoice("compatible", "m", "http://127.0.0.1:1/v1", (("top_p", 0.5),))),
        Definition(
            OutputType.SCORE, prompt=NASTY, scale=Scale(-1, 5, True, (Tier('a"b', -1), Tier("high", 3))),
            passing=PassCriteria(at_least=0),
        ),
        replace(REFUND, passing=PassCriteria(value=False)),
    ]  # fmt: skip
    for one in given:
        read = definition_files.parse(write(definition_files.document(one, "n", "c", ["a,b"], 0.25)))
        assert read == definition_files.EvaluatorFile(one, "n", "c", ("a,b",), 0.25)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "says nothing"),
        ("{", "neither"),
        ("prompt = 1 = 2", "neither"),
        ('output_type = "binary"\npromt = "x"', "Did you mean prompt"),
        ('prompt = "x"', "output_type"),
        ('output_type = "ternary"', "ternary"),
        ('output_type = "binary"\nsampling = "all"', "sampling"),
        ('output_type = "binary"\nagents = "billing"', "agents"),
        ('output_type = "binary"\nlabels = 3', "cannot be read"),
    ],
)
def test_files_that_cannot_be_read_say_why(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        definition_files.parse(text)


def test_files_may_use_the_public_names_of_fields() -> None:
    read = definition_files.parse(
        json.dumps(
            {
                "type": "categorical",
                "description": "Which tone?",
                "tags": [{"label": "warm", "description": "d", "examples": ["e"]}],
            }
        )
    )
    assert read.definition.output_type is OutputType.CLASSIFICATION
    assert (read.definition.prompt, read.definition.label_names) == ("Which tone?", ("warm",))
