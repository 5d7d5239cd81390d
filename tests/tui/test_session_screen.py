"""The session screen, driven by keys, on sessions made by a builder."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from textual.pilot import Pilot

from aa_tui.app import AAApp, SessionList
from aa_tui.backend.model.event import EventKind
from aa_tui.backend.model.filter import Filter
from aa_tui.backend.query.readmodels import ProjectInfo, QuoteRow
from aa_tui.backend.service.permissions import Actor
from aa_tui.backend.support.clock import FrozenClock
from aa_tui.screens.session.screen import SessionScreen
from aa_tui.widgets.frame import OneLine
from aa_tui.widgets.notice import Notice
from aa_tui.widgets.role_lines import RoleLines
from aa_tui.widgets.span_tree import bar
from tests.tui.session_builder import START_MS, FakeSessions, SessionBuilder, judged_session, refund_session


def app_of(*builders: SessionBuilder, address: str = "session/ticket-88213") -> AAApp:
    """Return the app on a workspace that holds these sessions, opened at the first one from a list of all."""
    workspace = SimpleNamespace(
        sessions=FakeSessions(builders),
        project=ProjectInfo(1, "demo", "key", "UTC", len(builders), None, {}),
        clock=FrozenClock(START_MS),
        actor=Actor("ada"),
        store=SimpleNamespace(read_only=False, read_only_reason=None, change_counter=lambda: 1, close=lambda: None),
    )
    app = AAApp(lambda: cast(Any, workspace), address)
    app.session_list = SessionList(list(range(1, len(builders) + 1)), 0, "agent:support-bot")
    return app


async def settled(pilot: Pilot[Any]) -> SessionScreen:
    """Wait until nothing is asked for any more; return the screen."""
    app = cast(AAApp, pilot.app)
    for _ in range(200):
        await pilot.pause(0.01)
        if app.idle and isinstance(app.screen, SessionScreen) and app.screen.detail is not None:
            break
    await pilot.pause()
    return cast(SessionScreen, app.screen)


def lines_of(widget: RoleLines) -> list[str]:
    """Return what a widget shows, line by line."""
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


async def test_thread_shows_the_conversation_with_tools_and_sub_agents() -> None:
    async with app_of(refund_session()).run_test(size=(100, 40)) as pilot:
        shown = "\n".join(lines_of((await settled(pilot)).thread))
    assert "I was charged twice for order 8812" in shown
    assert "issue_refund" in shown and "Timeout" in shown and "30.0 s" in shown
    assert "task for policy-agent" in shown
    assert "edited" in shown


async def test_turn_keys_go_from_user_message_to_user_message() -> None:
    async with app_of(refund_session()).run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.press("j")
        step = screen.selected_step
        assert step is not None and step.turn_no == 2 and step.kind == EventKind.USER_MESSAGE
        await pilot.press("k")
        assert screen.selected_step is not None and screen.selected_step.turn_no == 1


async def test_next_error_then_open_shows_input_and_error() -> None:
    async with app_of(refund_session()).run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.press("e", "o")
        await settled(pilot)
        shown = "\n".join(lines_of(screen.thread))
    assert "TimeoutError: no answer" in shown
    assert '"amount": 42.1' in shown


async def test_typing_right_after_slash_reaches_the_search_and_not_the_keys() -> None:
    async with app_of(refund_session()).run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.press("slash", *"order", "enter")
        await settled(pilot)
        first, total = screen.thread.hit_position
        assert (first, total) == (1, 4)
        await pilot.press("n")
        assert screen.thread.hit_position[0] == 2
        await pilot.press("N", "N")
        assert screen.thread.hit_position[0] == 4
        await pilot.press("escape")
        assert screen.thread.hit_position == (0, 0)


async def test_n_looks_for_what_the_list_was_searched_for() -> None:
    app = app_of(refund_session())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        assert screen.why_not("session.next_hit") is not None
        app.session_list = SessionList([1], 0, "agent:support order")
        await pilot.press("n")
        await settled(pilot)
        assert screen.thread.hit_position == (1, 4)
        await pilot.press("n")
        assert screen.thread.hit_position == (2, 4)


async def test_next_hit_scrolls_to_the_line_within_a_long_output() -> None:
    builder = SessionBuilder()
    builder.user_says("why does it fail?")
    output = "\n".join(f"line {n}" + (" needle" if n in (70, 200) else "") for n in range(300))
    builder.tool("Bash", '{"command": "make"}', output)
    for n in range(30):
        builder.agent_says(f"answer {n}")
    async with app_of(builder).run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.press("slash", *"needle", "enter")
        await settled(pilot)
        assert "line 70 needle" in "\n".join(lines_of(screen.thread))
        await pilot.press("n")
        await settled(pilot)
        assert screen.thread.hit_position == (2, 2)
        assert "line 200 needle" in "\n".join(lines_of(screen.thread))
        await pilot.press("n")
        await settled(pilot)
        assert "line 70 needle" in "\n".join(lines_of(screen.thread))


async def test_what_the_sender_said_stands_under_info_and_not_in_the_thread() -> None:
    builder = refund_session()
    builder.add(EventKind.SESSION_ENRICHMENT, "refund labels", turn_no=0)
    async with app_of(builder).run_test(size=(100, 40)) as pilot:
        screen = await settled(pilot)
        thread = "\n".join(lines_of(screen.thread))
        assert "labels" not in thread and "I was charged twice" in thread
        await pilot.press("slash", *"labels", "enter")
        await settled(pilot)
        assert screen.thread.hit_position == (0, 0)


async def test_similar_offers_what_went_wrong_and_opens_the_list() -> None:
    app = app_of(refund_session())
    async with app.run_test(size=(100, 40)) as pilot:
        screen = await settled(pilot)
        counted: list[str] = []

        def count(part: Filter, token: object = None) -> int:
            counted.append(part.to_text())
            return 3

        cast(Any, app.workspace).sessions.count = count
        await pilot.press("f")
        for _ in range(50):
            await pilot.pause(0.02)
            if app.screen is not screen:
                break
        assert [text for text in counted if " " not in text][:4] == [
            "agent:support-bot", "error:Timeout", "error_category:timeout", "failed_tool:issue_refund"
        ]  # fmt: skip
        assert "agent:support-bot error:Timeout" in counted
        went: list[str] = []
        app.go = lambda address: went.append(str(address))  # type: ignore
        await pilot.press("down", "enter")
        await pilot.pause()
        assert went == ["sessions?errors=Timeout"]


async def test_tabs_go_round_and_say_what_they_know() -> None:
    async with app_of(refund_session()).run_test(size=(100, 40)) as pilot:
        screen = await settled(pilot)
        await pilot.press("right")
        await pilot.pause()
        info = "\n".join(lines_of(screen.page))
        assert "ticket-88213" in info and "4 of 4 calls priced" in info and "cache written –" in info
        await pilot.press("right")
        await pilot.pause()
        tree = "\n".join(lines_of(screen.span_tree))
        assert "issue_refund" in tree and "1 failed" in tree
        await pilot.press("right")
        await pilot.pause()
        assert "not scored: no model was asked" in "\n".join(lines_of(screen.results))
        await pilot.press("right")
        await pilot.pause()
        assert "Nobody has answered" in "\n".join(lines_of(screen.page))
        assert str(screen.address()) == "session/ticket-88213/review"


async def test_next_and_previous_session_of_the_list() -> None:
    async with app_of(refund_session(), refund_session("ticket-9")).run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.press("J")
        await settled(pilot)
        assert screen.detail is not None and screen.detail.row.key == "ticket-9"
        await pilot.press("J")
        await settled(pilot)
        assert screen.detail.row.key == "ticket-9"
        await pilot.press("K")
        await settled(pilot)
        assert screen.detail.row.key == "ticket-88213"


async def test_outline_goes_to_the_chosen_turn() -> None:
    async with app_of(refund_session()).run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.press("O")
        await pilot.pause()
        await pilot.press("down", "enter")
        await pilot.pause()
        assert screen.selected_step is not None and screen.selected_step.turn_no == 2
        assert not screen.outline.has_class("-open")


async def test_a_long_session_lays_out_only_what_is_seen() -> None:
    long = SessionBuilder()
    for n in range(2_500):
        long.user_says(f"question {n}")
        long.agent_says(f"answer {n}")
        if n % 50 == 0:
            long.tool("dump", "{}", "x" * 1_000_000)
    app = app_of(long)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        assert len(screen.thread._laid) < 60
        await pilot.press("G")
        await settled(pilot)
        assert "answer 2499" in "\n".join(lines_of(screen.thread))
        assert len(screen.thread._laid) < 150
        asked = {event_id for ids in cast(Any, app.workspace).sessions.asked for event_id in ids}
        assert len(asked) < 200


async def test_growing_session_keeps_the_reader_where_they_are() -> None:
    made = refund_session()
    async with app_of(made).run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.press("j")
        before = screen.selected_step
        made.user_says("And now?")
        made.agent_says("Now it is done.")
        assert screen.store_changed()
        await settled(pilot)
        assert screen.detail is not None and len(screen.detail.steps) == 10
        await pilot.press("r")
        await settled(pilot)
        assert len(screen.detail.steps) == 12
        assert screen.selected_step is not None and before is not None and screen.selected_step.id == before.id


async def test_narrow_and_tiny_terminals_do_not_break() -> None:
    for size in ((60, 20), (44, 14), (160, 48)):
        async with app_of(refund_session()).run_test(size=size) as pilot:
            screen = await settled(pilot)
            for _ in range(5):
                await pilot.press("right")
                await pilot.pause()
            assert all(len(line) <= size[0] for line in lines_of(screen.thread))


@pytest.mark.parametrize(("start", "end", "expected"), [(0, 1, "████████"), (0.5, 1, "    ████"), (1, 1, "       ▏")])
def test_bars_are_proportional_and_never_vanish(start: float, end: float, expected: str) -> None:
    assert bar(start, end, 8) == expected


async def test_a_thread_without_words_says_who_keeps_them_back_and_the_switch() -> None:
    builder = refund_session()
    whole = builder.detail
    builder.detail = lambda session_id=1, **fields: whole(  # type: ignore[method-assign]
        session_id, **{"info": {"withheld": "openllmetry", "context": {"plan": "pro"}}, **fields}
    )
    async with app_of(builder).run_test(size=(100, 24)) as pilot:
        screen = await settled(pilot)
        notice = screen.query_one(Notice)
        assert notice.plain.startswith("no text ") and "TRACELOOP_TRACE_CONTENT=true" in notice.plain
        assert notice.size.height >= 1 and screen.thread.size.height > 10
        await pilot.press("right")
        await settled(pilot)
        assert notice.plain == "", "the other tabs have no words to miss"
        info = "\n".join(lines_of(screen.page))
        assert "TRACELOOP_TRACE_CONTENT=true" in info and "withheld" not in info


async def test_nothing_is_said_above_a_thread_with_words() -> None:
    async with app_of(refund_session()).run_test(size=(100, 24)) as pilot:
        screen = await settled(pilot)
        assert screen.query_one(Notice).plain == "" and not screen.query_one(Notice).display


JUDGED = "session/ticket-88213/evaluators"


def status(screen: SessionScreen) -> str:
    line = screen.query_one("#status", OneLine)
    return line.plain.strip() if line.display else ""


async def test_verdicts_say_what_they_rest_on_and_an_error_is_none() -> None:
    async with app_of(judged_session(), address=JUDGED).run_test(size=(80, 60)) as pilot:
        screen = await settled(pilot)
        await pilot.pause()
        lines = lines_of(screen.results)
        shown = "\n".join(lines)
        line = {
            name: next(one for one in lines if f" {name}" in one) for name in ("task completion", "tone", "user fr")
        }
        assert "✗ fail" in line["task completion"] and "False" in line["task completion"]
        assert "by mock/gpt · in 1 call · 2,310 tok · $0.0009 · 1.9 s" in shown
        assert (
            "refund 4711 done" in shown and "not in the session" in shown and "a quote is not in the session" in shown
        )
        assert "task failure reason: the refund tool timed out" in shown
        # A hint of code is no verdict, an error neither.
        assert "pass" not in line["user fr"] and "fail" not in line["user fr"] and "by code" in line["user fr"]
        assert "! error" in line["tone"] and "pass" not in line["tone"]
        assert "the reply contradicts itself" in shown
        assert "A refund for an order" in shown
        assert "what the judge wrote" not in shown
        while screen.results.stand is None or screen.results.stand.result.check != "tone":
            await pilot.press("j")
        await pilot.press("enter")
        await pilot.pause()
        assert '{"score": 3} {"score": 5}' in "\n".join(lines_of(screen.results))


async def test_a_quote_leads_to_its_step_and_n_goes_along_what_is_cited() -> None:
    async with app_of(judged_session(), address=JUDGED).run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.pause()
        await pilot.press("down", "enter")
        await pilot.pause()
        assert str(screen.address()) == "session/ticket-88213/thread"
        step = screen.thread.step
        assert step is not None and step.name == "issue_refund"
        assert "cited by task completion ✗ fail  1 of 2" in status(screen)
        await pilot.press("n")
        assert screen.thread.step is not None and screen.thread.step.head == "Your refund has been issued."
        assert "cited by refund policy" in status(screen)
        await pilot.press("n")
        assert screen.thread.step is step
        cited = [screen.thread.render_line(y).text[:1] for y in range(screen.thread.size.height)]
        assert "┃" in cited
        await pilot.press("escape")
        assert status(screen) == ""


async def test_a_quote_that_is_nowhere_is_said_so_and_an_unplaced_one_is_looked_for() -> None:
    async with app_of(judged_session(), address=JUDGED).run_test(size=(80, 24)) as pilot:
        screen = await settled(pilot)
        await pilot.pause()
        await pilot.press("down", "down", "enter")
        await pilot.pause()
        assert "nowhere in the session" in status(screen) and str(screen.address()).endswith("/evaluators")
        while (stand := screen.results.stand) is None or stand.quote is None or stand.quote.text != "Still waiting":
            await pilot.press("down")
        await pilot.press("enter")
        await settled(pilot)
        step = screen.thread.step
        assert step is not None and step.head == "Hello? Still waiting."


async def test_what_looks_written_for_a_judge_is_marked_and_is_no_verdict() -> None:
    made = judged_session()
    made.hints = (QuoteRow("speaks to a judge", made.steps[1].id, 2, "assistant"),)
    async with app_of(made, address=JUDGED).run_test(size=(80, 60)) as pilot:
        screen = await settled(pilot)
        await pilot.pause()
        lines = lines_of(screen.results)
        (line,) = [one for one in lines if "injection hints" in one]
        assert "pass" not in line and "fail" not in line and "by code" in line
        while (stand := screen.results.stand) is None or stand.quote not in made.hints:
            await pilot.press("down")
        await pilot.press("enter")
        await pilot.pause()
        assert screen.thread.step is not None and screen.thread.step.id == made.steps[1].id
