"""Judging one session: prompt, call, reply, one repair, verdict; one question or a batch. No store, no transport.

A verdict's `error` is never turned into a value here, and pass or fail comes from the definition's criteria alone.
Every call is paid for before it leaves, the repair as well.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from aa_tui.backend.judging.calling import Called, Caller
from aa_tui.backend.judging.code import judge_by_code
from aa_tui.backend.judging.messages import Message
from aa_tui.backend.judging.prices import price
from aa_tui.backend.judging.prompt import (
    DEFAULT_WINDOW,
    Prompt,
    Question,
    TooLong,
    build_batch_prompt,
    build_prompt,
    estimate_tokens,
)
from aa_tui.backend.judging.providers.contract import CallReply, CallRequest
from aa_tui.backend.judging.reply import (
    BatchReply,
    ReplySpec,
    batch_schema,
    parse_batch,
    parse_reply,
    repair_request,
    reply_shape,
    spec_of,
)
from aa_tui.backend.model.evaluator import Definition, Method, ModelChoice
from aa_tui.backend.model.judgement import REASK, ErrorKind, Judgement, ReplyFlag, Spent, Verdict
from aa_tui.backend.model.transcript import Transcript

ASKED_AGAIN = "\n\n----- asked again -----\n\n"
"""Between the replies of one judgement, where the model was asked more than once."""
_LONGEST_SHOWN_BACK = 4_000
"""Characters of an unusable reply that the repair call shows its writer."""
_MORE = 4
"""A reply cut off at the token limit is asked for once more with this many times the limit."""
_LIMITS = ("max_tokens", "max_completion_tokens")
_TOKENS_PER_EIGHT = 10
"""What is reserved for eight estimated tokens of a prompt: estimates may be low, budgets must hold."""


class Purse(Protocol):
    """Who pays for calls."""

    def reserve(self, tokens: int, nano: int | None) -> bool:
        """Set aside what a call may take at most: tokens in and out, nano-dollars (None: no price known)."""
        ...

    def settle(self, tokens: int, nano: int | None, spent: Spent) -> None:
        """Replace what was set aside by what was spent; of that, None is unknown and counts as set aside."""
        ...


@dataclass(frozen=True, slots=True)
class BatchJudgement:
    """What came of asking several questions about one session in one call."""

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    """By question; empty when there was no usable reply at all."""
    said: Mapping[str, str] = field(default_factory=dict)
    """By-products that were answered."""
    model: str = ""
    provider: str = ""
    parameters: str = ""
    """JSON."""
    prompt: str = ""
    """The prompt as sent, all messages."""
    prompt_hash: str = ""
    raw_reply: str = ""
    """Everything the model wrote, replies separated by `ASKED_AGAIN`."""
    spent: Spent = field(default_factory=Spent)
    error: ErrorKind | None = None
    """Why there is no verdict, or not one for every question because calls failed on the way."""
    detail: str = ""


@dataclass(slots=True)
class _Tally:
    """What the calls of one judgement took, and what was written in them."""

    calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_nano: int | None = None
    latency_ms: float = 0.0
    texts: list[str] = field(default_factory=list)
    replies: int = 0

    def add(self, called: Called, cost: int | None) -> None:
        self.calls += called.attempts
        self.latency_ms += called.latency_ms
        reply = called.reply
        if reply is None:
            return
        first, self.replies = self.replies == 0, self.replies + 1
        self.input_tokens = _sum(first, self.input_tokens, reply.input_tokens)
        self.output_tokens = _sum(first, self.output_tokens, reply.output_tokens)
        self.cost_nano = _sum(first, self.cost_nano, cost)
        self.texts.append(reply.text)

    @property
    def spent(self) -> Spent:
        if not self.calls:
            return Spent()
        return Spent(self.calls, self.input_tokens, self.output_tokens, self.cost_nano, self.latency_ms)

    @property
    def raw(self) -> str:
        return ASKED_AGAIN.join(self.texts)


class Judge:
    """Judges sessions with one model. Belongs to the event loop of its caller; `CancelledError` is all it raises."""

    def __init__(self, caller: Caller, choice: ModelChoice, provider_name: str, purse: Purse | None = None) -> None:
        """Ask `choice`'s model through `caller`; `purse` pays, or nobody has to."""
        self._caller, self._choice, self._provider, self._purse = caller, choice, provider_name, purse
        parameters = dict(choice.parameters)
        limits = [parameters.pop(name, None) for name in _LIMITS]
        self._limit = next((one for one in limits if isinstance(one, int) and one > 0), None)
        self._parameters: dict[str, Any] = parameters
        self._said_parameters = json.dumps(dict(choice.parameters), ensure_ascii=False) if choice.parameters else ""
        self._table_loaded = False

    # --- one question ------------------------------------------------------------------------------------------------

    async def judge(self, definition: Definition, transcript: Transcript) -> Judgement:
        """Judge a session by a definition, and say what came of it with all that it rests on."""
        if definition.method is not Method.LLM:
            return judge_by_code(definition, transcript)
        if not transcript.has_text:
            return self._judgement(definition, _no_text())
        try:
            prompt = build_prompt(definition, transcript, self._choice.window)
        except TooLong as error:
            return self._judgement(definition, Verdict(error=ErrorKind.TOO_LONG, detail=error.message))
        spec, tally = spec_of(definition), _Tally()

        def read(reply: CallReply) -> Verdict:
            return parse_reply(reply.text, spec, prompt.passages, reply.finish_reason)

        limit = self._reply_limit(prompt)
        called = await self._call(prompt, prompt.messages, prompt.schema, limit, tally)
        if called.reply is None:
            return self._judgement(definition, _failed(called), prompt, tally)
        verdict = read(called.reply)
        if verdict.error in REASK:
            asked = _once_more(prompt, called.reply.text, repair_request(verdict, spec))
            verdict = await self._again(prompt, asked, limit, tally, verdict, read)
        elif verdict.error is ErrorKind.TRUNCATED and (more := self._larger(prompt, limit)) is not None:
            verdict = await self._again(prompt, prompt.messages, more, tally, verdict, read)
        return self._judgement(definition, _shortened(verdict, prompt), prompt, tally)

    async def _again(
        self,
        prompt: Prompt,
        messages: tuple[Message, ...],
        limit: int,
        tally: _Tally,
        before: Verdict,
        read: Callable[[CallReply], Verdict],
    ) -> Verdict:
        called = await self._call(prompt, messages, prompt.schema, limit, tally)
        if called.reply is None:
            return replace(before, detail=_joined(before.detail, f"asking again failed: {called.words}"))
        return _reasked(read(called.reply))

    def _judgement(
        self, definition: Definition, verdict: Verdict, prompt: Prompt | None = None, tally: _Tally | None = None
    ) -> Judgement:
        return Judgement(
            verdict=verdict,
            passed=None if verdict.answer is None else definition.decide(verdict.answer),
            method=str(definition.method),
            model=self._choice.model,
            provider=self._provider,
            parameters=self._said_parameters,
            prompt="" if prompt is None else prompt.text,
            prompt_hash="" if prompt is None else prompt.hash,
            raw_reply="" if tally is None else tally.raw,
            spent=Spent() if tally is None else tally.spent,
        )

    # --- several questions -------------------------------------------------------------------------------------------

    async def judge_batch(
        self,
        questions: Sequence[Question],
        transcript: Transcript,
        hints: Sequence[str] = (),
        by_products: Mapping[str, str] | None = None,
    ) -> BatchJudgement:
        """Ask several questions about a session in one call.

        A reply that cannot be used at all is asked for once more, then each question is asked alone; questions whose
        answer alone cannot be used are asked once more together.

        Args:
            hints: what code noticed about the session.
            by_products: further texts asked for, by name, and what each is to say.
        """
        beside = by_products or {}
        if not transcript.has_text:
            nothing = _no_text()
            return self._batch(None, _Tally(), error=nothing.error, detail=nothing.detail)
        try:
            prompt = build_batch_prompt(questions, transcript, self._choice.window, hints, beside)
        except TooLong as error:
            return self._batch(None, _Tally(), error=ErrorKind.TOO_LONG, detail=error.message)
        specs, tally = {one.id: one.spec for one in questions}, _Tally()
        limit = self._reply_limit(prompt)
        called = await self._call(prompt, prompt.messages, prompt.schema, limit, tally)
        if called.reply is None:
            return self._batch(prompt, tally, error=called.error, detail=called.words)
        found = _read_batch(called.reply, specs, prompt, beside)
        if found.error is not None:
            return await self._unusable(found, called.reply, questions, transcript, hints, beside, prompt, tally)
        wrong = {name: specs[name] for name, one in found.verdicts.items() if one.error in REASK}
        verdicts = dict(found.verdicts)
        if wrong:
            reasons = {name: _reason(verdicts[name].error, verdicts[name].detail) for name in wrong}
            asked = _once_more(prompt, called.reply.text, _batch_repair(wrong, (), reasons))
            repaired = await self._call(prompt, asked, batch_schema(wrong), limit, tally)
            if repaired.reply is not None:
                second = _read_batch(repaired.reply, wrong, prompt, ())
                verdicts.update({name: _reasked(one) for name, one in second.verdicts.items()})
        return self._batch(prompt, tally, verdicts, found.said)

    async def _unusable(
        self,
        found: BatchReply,
        reply: CallReply,
        questions: Sequence[Question],
        transcript: Transcript,
        hints: Sequence[str],
        beside: Mapping[str, str],
        prompt: Prompt,
        tally: _Tally,
    ) -> BatchJudgement:
        """Go on after a reply of which nothing could be used."""
        specs = {one.id: one.spec for one in questions}
        limit = self._reply_limit(prompt)
        messages: tuple[Message, ...] = prompt.messages
        if found.error in REASK:
            words = _batch_repair(specs, beside, {"": _reason(found.error, found.detail)})
            messages = _once_more(prompt, reply.text, words)
        elif found.error is ErrorKind.TRUNCATED and (more := self._larger(prompt, limit)) is not None:
            limit = more
        else:
            return self._batch(prompt, tally, error=found.error, detail=found.detail)
        called = await self._call(prompt, messages, prompt.schema, limit, tally)
        if called.reply is None:
            detail = _joined(found.detail, f"asking again failed: {called.words}")
            return self._batch(prompt, tally, error=called.error, detail=detail)
        second = _read_batch(called.reply, specs, prompt, beside)
        if second.error is None:
            verdicts = {name: _reasked(one) for name, one in second.verdicts.items()}
            return self._batch(prompt, tally, verdicts, second.said)
        if second.error not in REASK and second.error is not ErrorKind.TRUNCATED:
            return self._batch(prompt, tally, error=second.error, detail=second.detail)
        return await self._one_by_one(questions, transcript, hints, beside, prompt, tally)

    async def _one_by_one(
        self,
        questions: Sequence[Question],
        transcript: Transcript,
        hints: Sequence[str],
        beside: Mapping[str, str],
        prompt: Prompt,
        tally: _Tally,
    ) -> BatchJudgement:
        """Ask each question alone; by-products come with the first."""
        verdicts: dict[str, Verdict] = {}
        said: dict[str, str] = {}
        for at, question in enumerate(questions):
            products = beside if at == 0 else {}
            alone = build_batch_prompt((question,), transcript, self._choice.window, hints, products)
            called = await self._call(alone, alone.messages, alone.schema, self._reply_limit(alone), tally)
            if called.reply is None:
                return self._batch(prompt, tally, verdicts, said, error=called.error, detail=called.words)
            found = _read_batch(called.reply, {question.id: question.spec}, alone, products)
            verdict = found.verdicts.get(question.id) or Verdict(error=found.error, detail=found.detail)
            verdicts[question.id] = _reasked(verdict)
            said.update(found.said)
        return self._batch(prompt, tally, verdicts, said)

    def _batch(
        self,
        prompt: Prompt | None,
        tally: _Tally,
        verdicts: Mapping[str, Verdict] | None = None,
        said: Mapping[str, str] | None = None,
        *,
        error: ErrorKind | None = None,
        detail: str = "",
    ) -> BatchJudgement:
        found = verdicts or {}
        return BatchJudgement(
            verdicts=found if prompt is None else {name: _shortened(one, prompt) for name, one in found.items()},
            said=said or {},
            model=self._choice.model,
            provider=self._provider,
            parameters=self._said_parameters,
            prompt="" if prompt is None else prompt.text,
            prompt_hash="" if prompt is None else prompt.hash,
            raw_reply=tally.raw,
            spent=tally.spent,
            error=error,
            detail=detail,
        )

    # --- calls and money ---------------------------------------------------------------------------------------------

    async def _call(
        self,
        prompt: Prompt,
        messages: tuple[Message, ...],
        schema: Mapping[str, Any] | None,
        limit: int,
        tally: _Tally,
    ) -> Called:
        """Make one call and pay for it; what was set aside is settled whatever happens, also when it is cancelled."""
        if not self._table_loaded:
            # The price table takes a quarter of a second to load, which a loop should not sit through.
            await asyncio.to_thread(price, self._choice, 1, 1)
            self._table_loaded = True
        request = CallRequest(self._choice.model, messages, schema, limit, self._parameters)
        if self._purse is None:
            unpaid = await self._caller.call(request)
            tally.add(unpaid, self._cost(unpaid))
            return unpaid
        more = sum(estimate_tokens(one.content) for one in messages[len(prompt.messages) :])
        taken = (prompt.tokens + more) * _TOKENS_PER_EIGHT // 8
        tokens, nano = taken + limit, price(self._choice, taken, limit)
        purse, paid = self._purse, 0

        def pay() -> bool:
            nonlocal paid
            if not purse.reserve(tokens, nano):
                return False
            paid += 1
            return True

        called: Called | None = None
        try:
            called = await self._caller.call(request, pay=pay)
        finally:
            cost = None if called is None else self._cost(called)
            for at in range(paid):
                # The last payment was for the attempt that came to an end, those before for some that may be billed.
                purse.settle(tokens, nano, _settled(called if at == paid - 1 else None, cost))
        tally.add(called, cost)
        return called

    def _cost(self, called: Called) -> int | None:
        reply = called.reply
        if reply is None:
            return None
        stated = self._choice.input_price_nano is not None and self._choice.output_price_nano is not None
        if reply.cost_nano is not None and not stated:
            return reply.cost_nano
        if reply.input_tokens is None or reply.output_tokens is None:
            return None
        return price(self._choice, reply.input_tokens, reply.output_tokens)

    def _reply_limit(self, prompt: Prompt) -> int:
        return self._limit or prompt.reply_tokens

    def _larger(self, prompt: Prompt, limit: int) -> int | None:
        """Return a larger token limit that the window has room for, or None."""
        room = (self._choice.window or DEFAULT_WINDOW) - prompt.tokens
        larger = min(_MORE * limit, room)
        return larger if larger > limit else None


def _settled(called: Called | None, cost: int | None) -> Spent:
    """Return what a payment went into: a reply, surely nothing, or nobody knows."""
    if called is None:
        return Spent()
    if called.reply is not None:
        return Spent(called.attempts, called.reply.input_tokens, called.reply.output_tokens, cost, called.latency_ms)
    if called.maybe_billed:
        return Spent(called.attempts, latency_ms=called.latency_ms)
    return Spent(called.attempts, 0, 0, 0, called.latency_ms)


def _sum(first: bool, before: int | None, more: int | None) -> int | None:
    """Return a sum that is unknown as soon as a part of it is."""
    if first:
        return more
    return None if before is None or more is None else before + more


def _no_text() -> Verdict:
    return Verdict(error=ErrorKind.NO_TEXT, detail="The session has no text to judge.")


def _failed(called: Called) -> Verdict:
    return Verdict(error=called.error, detail=called.words)


def _reasked(verdict: Verdict) -> Verdict:
    return replace(verdict, flags=verdict.flags | {ReplyFlag.REASKED})


def _shortened(verdict: Verdict, prompt: Prompt) -> Verdict:
    return replace(verdict, flags=verdict.flags | {ReplyFlag.SHORTENED}) if prompt.shortened else verdict


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _reason(error: ErrorKind | None, detail: str) -> str:
    return f"{error}: {detail}" if detail else str(error)


def _once_more(prompt: Prompt, said: str, words: str) -> tuple[Message, ...]:
    """Return the prompt with the model's reply and what was wrong with it; some servers take no empty message."""
    shown = said.strip()[:_LONGEST_SHOWN_BACK]
    before = (Message("assistant", shown),) if shown else ()
    return (*prompt.messages, *before, Message("user", words))


def _batch_repair(specs: Mapping[str, ReplySpec], beside: Collection[str], reasons: Mapping[str, str]) -> str:
    """Return what a repair call says of some questions; reasons are by question, or under "" for the whole reply."""
    wrong = "\n".join(f"- {name}: {reason}" if name else f"- {reason}" for name, reason in reasons.items())
    shapes = [f'"{name}": {reply_shape(spec)}' for name, spec in specs.items()]
    shapes += [f'"{name}": "<text>"' for name in beside]
    return (
        f"Your reply could not be used:\n{wrong}\n"
        "Answer again with one JSON object alone: no prose, no code fence, no comments, exactly these keys.\n"
        + "{"
        + ",\n ".join(shapes)
        + "}\nDo not change your judgement, only its form."
    )


def _read_batch(
    reply: CallReply, specs: Mapping[str, ReplySpec], prompt: Prompt, by_products: Collection[str]
) -> BatchReply:
    return parse_batch(reply.text, specs, prompt.passages, reply.finish_reason, tuple(by_products))
