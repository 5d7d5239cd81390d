"""Judging against the loopback model: verdicts, the one repair, batches, what is paid and what is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from aa_tui.backend.judging.calling import Caller, CallPolicy
from aa_tui.backend.judging.judge import ASKED_AGAIN, Judge
from aa_tui.backend.judging.prompt import Question
from aa_tui.backend.judging.providers.openai_compatible import OpenAICompatible
from aa_tui.backend.judging.reply import ReplySpec
from aa_tui.backend.model.evaluator import Definition, Label, Method, ModelChoice, OutputType, PassCriteria, Pattern
from aa_tui.backend.model.judgement import ErrorKind, ReplyFlag, Spent
from aa_tui.backend.model.transcript import Passage, Transcript
from tests.engine import model_server as ms
from tests.engine.model_server import Answer, ModelServer, status

K, F = ErrorKind, ReplyFlag
SESSION = Transcript(
    1,
    "s-1",
    1,
    "billing",
    (
        Passage(1, "user", "Please refund order 1234, it arrived broken."),
        Passage(2, "tool", '{"refund": "issued", "amount": 20}', name="refund", input='{"order": 1234}'),
        Passage(3, "assistant", "Your refund of 20 dollars is on its way."),
    ),
)
REFUNDED = Definition(
    OutputType.BINARY,
    prompt="Was the refund issued? {{transcript}}",
    labels=(Label("true", "it was"), Label("false", "it was not")),
    passing=PassCriteria(value=True),
)
QUOTED = {"rationale": "The tool said so.", "evidence": [{"turn": 2, "quote": '"refund": "issued"'}]}
GOOD = {"detected": True, **QUOTED}
PROSE = "I think that the refund was issued, all in all."


@dataclass
class Book:
    """A purse that keeps books, with an end."""

    most: int = 10**9
    held: int = 0
    spent: list[tuple[int, int | None, Spent]] = field(default_factory=list)
    refused: int = 0

    def reserve(self, tokens: int, nano: int | None) -> bool:
        if self.held + tokens > self.most:
            self.refused += 1
            return False
        self.held += tokens
        return True

    def settle(self, tokens: int, nano: int | None, spent: Spent) -> None:
        known = spent.input_tokens is not None and spent.output_tokens is not None
        took = (spent.input_tokens or 0) + (spent.output_tokens or 0) if known else tokens
        self.held -= tokens - took
        self.spent.append((tokens, nano, spent))


def replying(*replies: Answer) -> Callable[[dict[str, Any]], Any]:
    """Give the replies one after the other; the last one for ever."""
    left = list(replies)

    def answer(body: dict[str, Any]) -> Any:
        said = left.pop(0) if len(left) > 1 else left[0]
        return said(body) if callable(said) else said

    return answer


@asynccontextmanager
async def judging(
    server: ModelServer, purse: Book | None = None, choice: ModelChoice | None = None, **policy: Any
) -> AsyncIterator[Judge]:
    policy = {"first_backoff_s": 0.002, "deadline_s": 20.0, **policy}
    caller = Caller(OpenAICompatible(server.base_url), CallPolicy(**policy))
    chosen = choice or ModelChoice("compatible", "mock", server.base_url)
    try:
        yield Judge(caller, chosen, "compatible", purse)
    finally:
        await caller.aclose()


async def judged(
    server: ModelServer, definition: Definition = REFUNDED, session: Transcript = SESSION, **more: Any
) -> Any:
    async with judging(server, **more) as judge:
        return await judge.judge(definition, session)


async def test_a_verdict_with_all_it_rests_on() -> None:
    with ModelServer(answer=GOOD) as server:
        found = await judged(server, choice=ModelChoice("compatible", "mock", server.base_url, (("top_p", 0.5),)))
        (seen,) = server.requests
    assert (found.verdict.answer, found.passed, found.verdict.error) == (True, True, None)
    (quote,) = found.verdict.quotes
    assert quote.verified and (quote.turn, quote.role) == (2, "tool")
    assert (found.method, found.model, found.provider) == ("llm", "mock", "compatible")
    assert json.loads(found.parameters) == {"top_p": 0.5} and seen.body["top_p"] == 0.5
    assert seen.body["response_format"]["json_schema"]["schema"]["properties"]["detected"] == {"type": "boolean"}
    assert all(message["content"] in found.prompt for message in seen.body["messages"])
    assert found.prompt_hash and json.loads(found.raw_reply) == GOOD
    assert (found.spent.calls, found.spent.output_tokens, found.spent.cost_nano) == (1, 60, None)


async def test_the_models_own_word_on_passing_counts_for_nothing() -> None:
    with ModelServer(answer={**GOOD, "detected": False, "passed": True, "pass": True}) as server:
        found = await judged(server)
    assert (found.verdict.answer, found.passed) == (False, False)
    with ModelServer(answer=GOOD) as server:
        found = await judged(server, replace(REFUNDED, passing=PassCriteria()))
    assert (found.verdict.answer, found.passed) == (True, None)


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (PROSE, K.NO_JSON),
        ({"detected": "perhaps", **QUOTED}, K.WRONG_TYPE),
        (QUOTED, K.MISSING_FIELD),
        ("", K.EMPTY),
        ("[1]", K.NOT_OBJECT),
        ('{"detected": true "x"}', K.INVALID_JSON),
    ],
)
async def test_one_repair_and_no_more(first: Answer, kind: ErrorKind) -> None:
    with ModelServer(answer=replying(first, GOOD)) as server:
        found = await judged(server)
        again = server.requests[1].body["messages"]
    assert (found.verdict.answer, found.passed, found.spent.calls, server.calls) == (True, True, 2, 2)
    assert F.REASKED in found.verdict.flags
    assert str(kind) in again[-1]["content"] and again[-1]["role"] == "user"
    assert found.raw_reply.split(ASKED_AGAIN)[1] == json.dumps(GOOD)
    with ModelServer(answer=first) as server:
        found = await judged(server)
    assert (found.verdict.answer, found.verdict.error, found.passed, server.calls) == (None, kind, None, 2)
    assert ASKED_AGAIN in found.raw_reply


async def test_a_label_that_is_none_is_an_error_after_the_repair() -> None:
    labels = (Label("yes", "it was"), Label("no", "not"), Label("partly", "some"))
    classified = Definition(
        OutputType.CLASSIFICATION, prompt="Refunded?", labels=labels, passing=PassCriteria(None, ("yes",))
    )
    with ModelServer(answer={"label": "maybe", **QUOTED}) as server:
        found = await judged(server, classified)
    assert (found.verdict.answer, found.verdict.error, found.passed, server.calls) == (None, K.BAD_LABEL, None, 2)


async def test_a_cut_reply_is_repeated_once_with_more_room() -> None:
    with ModelServer(answer=GOOD) as server:
        server.then(ms.TRUNCATED)
        found = await judged(server)
        limits = [seen.body["max_tokens"] for seen in server.requests]
    assert found.verdict.answer is True and len(limits) == 2 and limits[1] > limits[0]
    assert len(server.requests[1].body["messages"]) == 2, "the same question, not a repair"
    with ModelServer(answer=GOOD).always(ms.TRUNCATED) as server:
        found = await judged(server)
    assert (found.verdict.error, server.calls) == (K.TRUNCATED, 2)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (ms.CONTENT_FILTER, K.REFUSAL),
        (ms.REFUSAL, K.REFUSAL),
        (status(401), K.AUTH),
        (ms.EMPTY_CHOICES, K.BAD_RESPONSE),
    ],
)
async def test_what_asking_again_would_not_change_is_not_asked_again(fault: ms.Fault, kind: ErrorKind) -> None:
    with ModelServer(answer=GOOD).always(fault) as server:
        found = await judged(server)
    assert (found.verdict.answer, found.verdict.error, found.passed, server.calls) == (None, kind, None, 1)


async def test_no_text_no_call() -> None:
    with ModelServer() as server:
        found = await judged(server, session=replace(SESSION, has_text=False))
        batch = await batched(server, session=replace(SESSION, has_text=False))
    assert (found.verdict.error, batch.error, server.calls) == (K.NO_TEXT, K.NO_TEXT, 0)


async def test_too_long_for_the_model_is_said_without_a_call() -> None:
    with ModelServer() as server:
        found = await judged(server, choice=ModelChoice("compatible", "mock", server.base_url, window=100))
    assert (found.verdict.error, server.calls) == (K.TOO_LONG, 0)


async def test_a_shortened_session_is_flagged() -> None:
    long = replace(SESSION, passages=tuple(Passage(no, "user", "word " * 500) for no in range(1, 60)))
    with ModelServer(answer={"detected": True, "rationale": "x", "evidence": []}) as server:
        found = await judged(
            server, session=long, choice=ModelChoice("compatible", "mock", server.base_url, window=8_000)
        )
    assert F.SHORTENED in found.verdict.flags and found.verdict.answer is True


async def test_code_evaluators_need_no_model() -> None:
    code = Definition(OutputType.BINARY, Method.REGEX, patterns=(Pattern("refund"),), passing=PassCriteria(value=True))
    with ModelServer() as server:
        found = await judged(server, code)
    assert (found.verdict.answer, found.passed, found.method, server.calls) == (True, True, "regex", 0)


# --- money -----------------------------------------------------------------------------------------------------------

PRICED: dict[str, Any] = {"input_price_nano": 1_000_000, "output_price_nano": 2_000_000}


async def test_every_call_is_paid_for_and_the_repair_too() -> None:
    book = Book()
    with ModelServer(answer=replying(PROSE, GOOD)) as server:
        choice = ModelChoice("compatible", "mock", server.base_url, **PRICED)
        found = await judged(server, purse=book, choice=choice)
    assert len(book.spent) == 2
    assert all(spent.input_tokens and tokens >= spent.input_tokens + 60 for tokens, _, spent in book.spent)
    cost = sum(spent.cost_nano or 0 for _, _, spent in book.spent)
    assert (
        cost
        == found.spent.cost_nano
        == sum((spent.input_tokens or 0) * 1_000 + 60 * 2_000 for _, _, spent in book.spent)
    )
    assert all(nano is not None and nano >= (spent.cost_nano or 0) for _, nano, spent in book.spent)
    assert book.held == sum((spent.input_tokens or 0) + 60 for _, _, spent in book.spent)


async def test_no_money_no_call() -> None:
    with ModelServer(answer=GOOD) as server:
        found = await judged(server, purse=Book(most=10))
    assert (found.verdict.error, found.verdict.answer, server.calls) == (K.BUDGET, None, 0)
    assert found.spent == Spent()


async def test_no_money_for_the_repair_leaves_the_first_error() -> None:
    with ModelServer(answer=replying(PROSE, GOOD)) as server:
        first = Book()
        await judged(server, purse=first)
    with ModelServer(answer=replying(PROSE, GOOD)) as server:
        found = await judged(server, purse=Book(most=first.spent[0][0] + 10))
    assert (found.verdict.error, server.calls) == (K.NO_JSON, 1)
    assert "budget" in found.verdict.detail and found.raw_reply == PROSE


@pytest.mark.parametrize(
    ("fault", "free"), [(status(401), True), (status(429), True), (ms.HANG, False), (ms.RESET, False)]
)
async def test_what_may_have_been_billed_stays_spent(fault: ms.Fault, free: bool) -> None:
    book = Book()
    with ModelServer(answer=GOOD).always(fault) as server:
        found = await judged(server, purse=book, deadline_s=0.5)
    assert found.verdict.answer is None
    payments = 1 if free or fault is ms.HANG else 4
    assert len(book.spent) == payments
    assert book.held == (0 if free else sum(tokens for tokens, _, _ in book.spent))


async def test_a_cancelled_call_is_settled_too() -> None:
    book = Book()
    with ModelServer(answer=GOOD).always(ms.HANG) as server:
        async with judging(server, book) as judge:
            task = asyncio.create_task(judge.judge(REFUNDED, SESSION))
            async with asyncio.timeout(10):
                while not server.calls:  # noqa: ASYNC110  (it happens in another thread)
                    await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert len(book.spent) == 1 and book.spent[0][2].input_tokens is None


# --- several questions -----------------------------------------------------------------------------------------------

BINARY = ReplySpec(OutputType.BINARY)
CHOICE = ReplySpec(OutputType.CLASSIFICATION, ("normal", "risky"))
QUESTIONS = (Question("done", "Was it done?", BINARY), Question("safety", "Was it safe?", CHOICE))
BOTH = {"done": GOOD, "safety": {"label": "normal", **QUOTED}, "topic": "refunds"}
BESIDE = {"topic": "A noun phrase."}


async def batched(server: ModelServer, session: Transcript = SESSION, **more: Any) -> Any:
    async with judging(server, **more) as judge:
        return await judge.judge_batch(QUESTIONS, session, ("The user repeated themselves.",), BESIDE)


async def test_one_call_answers_all_questions() -> None:
    with ModelServer(answer=BOTH) as server:
        found = await batched(server)
    assert {name: one.answer for name, one in found.verdicts.items()} == {"done": True, "safety": "normal"}
    assert (found.said, found.error, server.calls, found.spent.calls) == ({"topic": "refunds"}, None, 1, 1)
    assert found.verdicts["done"].quotes[0].verified and found.prompt_hash and found.raw_reply == json.dumps(BOTH)


async def test_only_what_was_wrong_is_asked_again() -> None:
    wrong = {**BOTH, "safety": {"label": "splendid", **QUOTED}}
    with ModelServer(answer=replying(wrong, {"safety": {"label": "risky", **QUOTED}})) as server:
        found = await batched(server)
        schema = server.requests[1].body["response_format"]["json_schema"]["schema"]
        asked = server.requests[1].body["messages"][-1]["content"]
    assert {name: one.answer for name, one in found.verdicts.items()} == {"done": True, "safety": "risky"}
    assert list(schema["properties"]) == ["safety"] and "bad_label" in asked and '"done"' not in asked
    assert F.REASKED in found.verdicts["safety"].flags and F.REASKED not in found.verdicts["done"].flags
    with ModelServer(answer=wrong) as server:
        found = await batched(server)
    assert found.verdicts["done"].answer is True
    assert (found.verdicts["safety"].answer, found.verdicts["safety"].error) == (None, K.BAD_LABEL)
    assert (found.error, server.calls) == (None, 2)


async def test_a_reply_of_no_use_is_asked_for_once_more() -> None:
    with ModelServer(answer=replying(PROSE, BOTH)) as server:
        found = await batched(server)
    assert {name: one.answer for name, one in found.verdicts.items()} == {"done": True, "safety": "normal"}
    assert all(F.REASKED in one.flags for one in found.verdicts.values())
    assert (server.calls, found.said) == (2, {"topic": "refunds"})


async def test_then_each_question_is_asked_alone() -> None:
    def alone(body: dict[str, Any]) -> Any:
        (name,) = {"done", "safety"} & set(body["response_format"]["json_schema"]["schema"]["properties"])
        return {name: BOTH[name], **({"topic": "refunds"} if name == "done" else {})}

    with ModelServer(answer=replying(PROSE, PROSE, alone)) as server:
        found = await batched(server)
    assert {name: one.answer for name, one in found.verdicts.items()} == {"done": True, "safety": "normal"}
    assert (found.error, found.said, server.calls, found.spent.calls) == (None, {"topic": "refunds"}, 4, 4)
    with ModelServer(answer=PROSE) as server:
        found = await batched(server)
    assert {one.error for one in found.verdicts.values()} == {K.NO_JSON} and server.calls == 4
    assert found.raw_reply.count(ASKED_AGAIN) == 3


async def test_calls_that_fail_on_the_way_are_said_so() -> None:
    with ModelServer(answer=PROSE) as server:
        server.then(None, None, None, status(401))
        found = await batched(server)
    assert found.error is K.AUTH and set(found.verdicts) == {"done"}
    with ModelServer(answer=BOTH).always(status(500)) as server:
        found = await batched(server)
    assert (found.error, dict(found.verdicts), server.calls) == (K.UNAVAILABLE, {}, 4)


async def test_a_refusal_of_all_is_not_asked_six_times() -> None:
    with ModelServer(answer=BOTH).always(ms.CONTENT_FILTER) as server:
        found = await batched(server)
    assert (found.error, server.calls) == (K.REFUSAL, 1)


async def test_many_sessions_at_once_all_end_in_a_verdict_or_an_error() -> None:
    faults = [status(429, retry_after="0"), None, ms.RESET, None, None, ms.MALFORMED, status(500), None, ms.HTML, None]
    with ModelServer(answer=GOOD) as server:
        server.then(*faults * 5)
        async with judging(server) as judge:
            found = await asyncio.gather(*(judge.judge(REFUNDED, SESSION) for _ in range(60)))
    assert len(found) == 60
    assert all((one.verdict.answer is None) != (one.verdict.error is None) for one in found)
    assert sum(one.verdict.error is None for one in found) >= 50
    assert {one.verdict.error for one in found} <= {None, K.BAD_RESPONSE, K.UNAVAILABLE, K.INVALID_JSON, K.TRUNCATED}
