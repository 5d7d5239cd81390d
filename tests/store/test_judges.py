"""The judge of a project and trials against a loopback model: consent, keys, what is spent, what goes wrong."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aa_tui.backend.judging.providers import keys
from aa_tui.backend.model.evaluator import Definition, Label, Method, ModelChoice, OutputType, PassCriteria, Pattern
from aa_tui.backend.model.judgement import ErrorKind, ReplyFlag
from aa_tui.backend.model.scoring import ModelUse
from aa_tui.backend.query.readmodels import TryResult
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.service.projects import ProjectService
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.service.workspace import Workspace
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import FrozenClock
from aa_tui.backend.support.errors import (
    Cancelled,
    ConfigError,
    Forbidden,
    NotFound,
    StoreReadOnly,
    UsageError,
)
from tests.builders import NOW_MS
from tests.engine.model_server import HANG, MALFORMED, WRONG_LABEL, ModelServer, status
from tests.scoring_kit import ANSWERED, choice, conversations, ids, rows

REFUND = Definition(
    OutputType.BINARY,
    prompt="Did the agent say where the parcel is?",
    labels=(Label("true", "it did"), Label("false", "it did not")),
    passing=PassCriteria(value=True),
)
CODE = Definition(OutputType.BINARY, Method.REGEX, patterns=(Pattern("leipzig"),), passing=PassCriteria(value=True))
SAID = {"detected": True, "rationale": "It named Leipzig.", "evidence": [{"quote": ANSWERED, "turn": 2}]}
KEY = "sk-test-0123456789abcdef0123456789"


@pytest.fixture(autouse=True)
def _no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the keyring of whoever runs the tests out of them."""
    monkeypatch.setattr(keys, "_keyring", lambda: None)


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    store = open_store(str(tmp_path / "store.db"))
    clock = FrozenClock(NOW_MS)
    project = ProjectService(store, clock).create("default", Actor("ada"), "UTC")
    workspace = Workspace(store, project, Actor("ada"), clock)
    conversations(workspace, 4)
    yield workspace
    store.close()


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer(answer=SAID) as running:
        yield running


def spent(ws: Workspace) -> list[tuple[object, ...]]:
    return rows(ws, "SELECT purpose, model, local, state, calls, cost_nano FROM spending WHERE project_id=:p")


# --- the choice ----------------------------------------------------------------------------------------------------


def test_a_project_has_no_judge_until_somebody_chooses_one(ws: Workspace) -> None:
    view = ws.judges.view()
    assert (view.choice, view.origin, view.problem) == (None, "", "No model is chosen.")
    chosen = choice("http://127.0.0.1:9/v1", parameters=(("temperature", 0.2),), window=8_000)
    view = ws.judges.set(chosen)
    assert (view.choice, view.origin, view.local, view.priced, view.problem) == (chosen, "project", True, False, None)
    assert rows(ws, "SELECT actor, permission, action FROM journal WHERE action='choose judge' AND project_id=:p") == [
        ("ada", "Administer Project", "choose judge")
    ]
    ws.views.undo()
    assert ws.judges.choice() == (None, "")


def test_a_choice_gives_no_consent(ws: Workspace) -> None:
    ws.judges.set(choice("http://127.0.0.1:9/v1"))
    assert not ws.scoring.status().on


def test_the_machines_settings_name_a_judge_for_projects_without_one(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AA_TUI_JUDGE_PROVIDER", "ollama")
    monkeypatch.setenv("AA_TUI_JUDGE_MODEL", "qwen3:8b")
    assert ws.judges.choice() == (ModelChoice("ollama", "qwen3:8b"), "settings")
    ws.judges.set(choice("http://127.0.0.1:9/v1"))
    assert ws.judges.choice()[1] == "project"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (ModelChoice("nobody", "m"), "no provider"),
        (ModelChoice("ollama", " "), "needs a model"),
        (ModelChoice("compatible", "m"), "needs an address"),
        (ModelChoice("compatible", "m", "file:///etc/passwd"), "http"),
        (ModelChoice("compatible", "m", "https://ada:secret@example.com/v1"), "password"),
    ],
)
def test_choices_that_cannot_work_are_refused(ws: Workspace, wrong: ModelChoice, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ws.judges.set(wrong)
    assert ws.judges.choice() == (None, "")


def test_only_admins_choose(ws: Workspace) -> None:
    manager = Workspace(ws.store, ws.project, Actor("bob", "manager"), ws.clock)
    with pytest.raises(Forbidden, match="Administer"):
        manager.judges.set(choice("http://127.0.0.1:9/v1"))
    with pytest.raises(Forbidden, match="Administer"):
        manager.judges.set_use(ModelUse.OFF)


def test_a_project_may_allow_models_of_this_machine_only_or_none(ws: Workspace, server: ModelServer) -> None:
    ws.judges.set_use(ModelUse.LOCAL)
    with pytest.raises(UsageError, match="this machine only"):
        ws.judges.set(ModelChoice("openai", "gpt-4o-mini"))
    ws.judges.set(choice(server.base_url))
    ws.judges.set_use(ModelUse.OFF)
    view = ws.judges.view()
    assert view.use is ModelUse.OFF and view.problem == "This project uses no models."
    session = ids(ws)["s-0"]
    with pytest.raises(UsageError, match="no models"):
        ws.evaluators.try_on(REFUND, [session], go_ahead=True)
    with pytest.raises(UsageError, match="no models"):
        ws.judges.check()
    assert server.calls == 0 and spent(ws) == []


# --- keys ----------------------------------------------------------------------------------------------------------


def test_keys_are_shown_by_their_source_alone(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    openai = ModelChoice("openai", "gpt-4o-mini")
    assert ws.judges.view_of(openai).problem == "There is no key."
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    view = ws.judges.view_of(openai)
    assert view.key.source == "OPENAI_API_KEY" and view.problem is None and view.priced
    assert not view.local and view.address == "https://api.openai.com/v1"
    row = next(one for one in ws.judges.providers() if one.id == "openai")
    assert row.key == view.key and "OPENAI_API_KEY" in row.variables
    assert KEY not in repr(view) + repr(ws.judges.providers())
    assert ws.judges.key_of(ModelChoice("openai", "m", "https://elsewhere.example/v1")).source == "", "not its host"


def test_a_kept_key_is_in_a_file_of_mode_0600_and_nowhere_else(ws: Workspace, tmp_path: Path) -> None:
    openai = ModelChoice("openai", "gpt-4o-mini")
    state = ws.judges.set_key(KEY, openai)
    file = Path(state.source)
    assert file == keys.key_file() and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert KEY not in state.masked and not state.missing
    assert KEY.encode() not in (tmp_path / "store.db").read_bytes()
    assert not any(KEY in str(row) for row in rows(ws, "SELECT forward, inverse FROM journal WHERE project_id=:p"))
    assert ws.judges.forget_key(openai) and not ws.judges.forget_key(openai)
    assert ws.judges.key_of(openai).missing


def test_a_key_file_that_others_may_read_is_said_and_not_used(ws: Workspace) -> None:
    openai = ModelChoice("openai", "gpt-4o-mini")
    ws.judges.set_key(KEY, openai)
    keys.key_file().chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        ws.judges.key_of(openai)
    assert "may be read by others" in (ws.judges.view_of(openai).problem or "")
    assert len(ws.judges.providers()) > 5


# --- the check -----------------------------------------------------------------------------------------------------


def test_a_check_is_one_tiny_call_without_any_text_of_sessions(ws: Workspace, server: ModelServer) -> None:
    report = ws.judges.check(choice(server.base_url))
    assert report.ok and server.calls == 1
    assert "parcel" not in server.requests[0].text
    assert spent(ws) == [("check", "mock", 1, "settled", 1, 0)]


def test_a_check_says_what_is_wrong(ws: Workspace, server: ModelServer) -> None:
    server.then(status(401, "Incorrect API key provided"))
    report = ws.judges.check(choice(server.base_url))
    failed = [step for step in report.steps if not step.ok]
    assert not report.ok and failed and all(step.words and step.help for step in failed)
    nobody = ws.judges.check(choice("http://127.0.0.1:9/v1"))
    assert not nobody.ok


def test_nothing_is_called_without_a_model_or_by_those_who_may_only_look(ws: Workspace, server: ModelServer) -> None:
    with pytest.raises(UsageError, match="No model"):
        ws.judges.check()
    viewer = Workspace(ws.store, ws.project, Actor("eve", "viewer"), ws.clock)
    with pytest.raises(Forbidden, match="Manage Inactive"):
        viewer.judges.check(choice(server.base_url))
    with pytest.raises(Forbidden, match="Manage Inactive"):
        viewer.evaluators.try_on(CODE, [ids(ws)["s-0"]])
    assert server.calls == 0


def test_local_servers_are_found(ws: Workspace, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from functools import partial

    from aa_tui.backend.judging.providers import local

    monkeypatch.setattr(local, "discover", partial(local.discover, ports=((server.port, "ollama"), (9, "vllm"))))
    found = ws.judges.discover(2.0)
    assert [(one.provider, one.base_url, one.models) for one in found] == [("ollama", server.base_url, ("mock",))]


# --- trying --------------------------------------------------------------------------------------------------------


def test_trying_shows_everything_and_writes_nothing_but_what_it_cost(ws: Workspace, server: ModelServer) -> None:
    ws.judges.set(choice(server.base_url))
    session = ids(ws)["s-0"]
    estimate = ws.evaluators.estimate_try(REFUND, [session])
    assert (estimate.sessions, estimate.calls, estimate.local) == (1, 1, True)
    assert 0 < estimate.low_tokens < estimate.high_tokens and server.calls == 0
    (result,) = ws.evaluators.try_on(REFUND, [session])
    one = result.judgement
    assert (one.verdict.answer, one.passed, one.verdict.error) == (True, True, None)
    assert [(quote.text, quote.verified, quote.found) for quote in one.verdict.quotes] == [(ANSWERED, True, 2)]
    assert REFUND.prompt in one.prompt and "parcel 4711" in one.prompt and "Leipzig" in one.raw_reply
    assert one.spent.calls == 1 and one.spent.input_tokens and one.spent.latency_ms and result.local
    assert result.session_key == "s-0" and server.calls == 1
    assert rows(ws, "SELECT COUNT(*) FROM result WHERE project_id=:p") == [(0,)]
    assert ws.evaluators.list() == [] and spent(ws) == [("try", "mock", 1, "settled", 1, 0)]


def test_results_come_as_they_are_there_and_in_the_order_asked(ws: Workspace, server: ModelServer) -> None:
    ws.judges.set(choice(server.base_url))
    known = ids(ws)
    wanted = [known["s-2"], known["s-0"], known["s-3"]]
    seen: list[TryResult] = []
    results = ws.evaluators.try_on(REFUND, wanted, advance=seen.append)
    assert [one.session_id for one in results] == wanted
    assert sorted(one.session_id for one in seen) == sorted(wanted)
    assert spent(ws)[0][4] == 3


def test_code_is_free_needs_no_model_and_calls_nobody(ws: Workspace) -> None:
    session = ids(ws)["s-1"]
    assert ws.evaluators.estimate_try(CODE, [session]).calls == 0
    (result,) = ws.evaluators.try_on(CODE, [session])
    assert result.judgement.passed is True and result.judgement.verdict.quotes[0].text == ANSWERED
    assert result.local and spent(ws) == []


def test_texts_leave_the_machine_only_if_somebody_said_so(ws: Workspace) -> None:
    ws.judges.set(ModelChoice("compatible", "m", "https://models.example.com/v1"))
    session = ids(ws)["s-0"]
    with pytest.raises(UsageError, match="nobody agreed"):
        ws.evaluators.try_on(REFUND, [session])
    assert spent(ws) == []


def test_an_evaluators_own_model_judges_it(ws: Workspace, server: ModelServer) -> None:
    from dataclasses import replace

    ws.judges.set(choice("http://127.0.0.1:9/v1"))
    own = replace(REFUND, model=ModelChoice("compatible", "own", server.base_url))
    (result,) = ws.evaluators.try_on(own, [ids(ws)["s-0"]])
    assert result.judgement.model == "own" and server.requests[0].body["model"] == "own"


def test_a_reply_that_cannot_be_read_is_asked_for_once_more_and_is_never_a_verdict(
    ws: Workspace, server: ModelServer
) -> None:
    ws.judges.set(choice(server.base_url))
    session = ids(ws)["s-0"]
    server.then(MALFORMED)
    (mended,) = ws.evaluators.try_on(REFUND, [session])
    assert mended.judgement.passed is True and ReplyFlag.REASKED in mended.judgement.verdict.flags
    assert mended.judgement.spent.calls == 2
    server.always(WRONG_LABEL)
    (wrong,) = ws.evaluators.try_on(REFUND, [session])
    assert wrong.judgement.verdict.answer is None and wrong.judgement.passed is None
    assert wrong.judgement.verdict.error is not None and "perhaps" in wrong.judgement.raw_reply


def test_errors_of_the_road_are_told_for_each_session(ws: Workspace, server: ModelServer) -> None:
    ws.judges.set(choice(server.base_url))
    server.always(status(401))
    results = ws.evaluators.try_on(REFUND, list(ids(ws).values()))
    assert {one.judgement.verdict.error for one in results} <= {ErrorKind.AUTH, ErrorKind.BLOCKED}
    assert all(one.judgement.passed is None for one in results)


def test_a_trial_can_be_cancelled_in_the_middle_of_a_call(ws: Workspace, server: ModelServer) -> None:
    ws.judges.set(choice(server.base_url))
    server.always(HANG)
    token = CancelToken()
    timer = threading.Timer(0.3, token.cancel)
    timer.start()
    with pytest.raises(Cancelled):
        ws.evaluators.try_on(REFUND, [ids(ws)["s-0"]], token=token)
    timer.join()
    assert server.calls == 1


def test_a_budget_keeps_calls_from_leaving(ws: Workspace, server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from aa_tui.backend.judging.providers import open_provider
    from aa_tui.backend.runs import roads

    monkeypatch.setattr(roads, "open_road", lambda *_: open_provider(choice(server.base_url), None))
    elsewhere = choice("https://models.example.com/v1", input_price_nano=1_000_000, output_price_nano=4_000_000)
    ws.judges.set(elsewhere)
    session = ids(ws)["s-0"]
    estimate = ws.evaluators.estimate_try(REFUND, [session])
    assert estimate.low_nano and estimate.high_nano and estimate.low_nano < estimate.high_nano and not estimate.local
    (refused,) = ws.evaluators.try_on(REFUND, [session], go_ahead=True, most_nano=1_000)
    assert refused.judgement.verdict.error is ErrorKind.BUDGET and server.calls == 0 and spent(ws) == []
    (judged,) = ws.evaluators.try_on(REFUND, [session], go_ahead=True, most_nano=10**9)
    assert judged.judgement.passed is True and server.calls == 1
    assert spent(ws) == [("try", "mock", 0, "settled", 1, judged.judgement.spent.cost_nano)]
    assert judged.judgement.spent.cost_nano and not judged.local


def test_what_cannot_be_tried_is_said(ws: Workspace, server: ModelServer) -> None:
    with pytest.raises(UsageError, match="No model"):
        ws.evaluators.try_on(REFUND, [ids(ws)["s-0"]], go_ahead=True)
    ws.judges.set(choice(server.base_url))
    with pytest.raises(NotFound, match="no session"):
        ws.evaluators.try_on(REFUND, [1])
    with pytest.raises(UsageError, match="at most"):
        ws.evaluators.try_on(REFUND, list(range(21)))
    assert server.calls == 0


def test_a_store_that_may_only_be_read_spends_nothing(ws: Workspace, server: ModelServer) -> None:
    ws.judges.set(choice(server.base_url))
    session = ids(ws)["s-0"]
    store = open_store(ws.store.url, read_only=True)
    reading = Workspace(store, ws.project, Actor("ada"), ws.clock)
    with pytest.raises(StoreReadOnly):
        reading.evaluators.try_on(REFUND, [session])
    with pytest.raises(StoreReadOnly):
        reading.judges.check()
    assert reading.evaluators.try_on(CODE, [session])[0].judgement.passed is True
    store.close()
    assert server.calls == 0


def test_the_newest_closed_sessions_are_offered(ws: Workspace) -> None:
    known = ids(ws)
    assert ws.evaluators.recent_sessions(2) == (known["s-3"], known["s-2"])


def test_a_command_of_this_machine_can_judge(ws: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import json
    import shlex
    import sys

    script = tmp_path / "judge.py"
    script.write_text(f"import sys\nsys.stdin.read()\nprint({json.dumps(SAID)!r})\n")
    ws.judges.set(ModelChoice("command", "command"))
    assert "No command" in (ws.judges.view().problem or "")
    monkeypatch.setenv("AA_TUI_JUDGE_COMMAND", shlex.join([sys.executable, str(script)]))
    assert ws.judges.view().problem is None
    with pytest.raises(UsageError, match="nobody agreed"):
        ws.evaluators.try_on(REFUND, [ids(ws)["s-0"]])
    (result,) = ws.evaluators.try_on(REFUND, [ids(ws)["s-0"]], go_ahead=True)
    assert result.judgement.passed is True and not result.local
