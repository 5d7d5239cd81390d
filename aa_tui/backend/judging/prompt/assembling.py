"""Putting a prompt together: words, a random mark, the data, the words again. Sends nothing and reads no reply."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from aa_tui.backend.judging.messages import Message
from aa_tui.backend.judging.prompt.data import head_line
from aa_tui.backend.judging.prompt.fitting import Fitted, fit
from aa_tui.backend.judging.prompt.tokens import DEFAULT_WINDOW, estimate_tokens
from aa_tui.backend.judging.prompt.wording import (
    LAST_RESPONSE,
    LAST_USER,
    SYSTEM,
    TRANSCRIPT,
    Question,
    Wording,
    batched,
    single,
)
from aa_tui.backend.judging.reply import ReplySpec, batch_schema, reply_schema, spec_of
from aa_tui.backend.model.evaluator import Definition
from aa_tui.backend.model.transcript import Passage, Transcript
from aa_tui.backend.support.errors import AAError
from aa_tui.backend.support.ids import text_hash

MARK_BYTES = 16
"""Of the random number around the data: nobody who wrote a session can have guessed it."""
BEGIN, END = "<<<DATA {mark}>>>", "<<<END OF DATA {mark}>>>"
REPLY_TOKENS = 1_000
"""Kept free in the window for the reply to one question."""
MORE_REPLY_TOKENS = 250
"""The same for each further question of a batch."""
_SAFE = 0.95
"""The part of a window that is filled; the estimate of tokens is one."""
_MOST_REPLY = 0.5


class TooLong(AAError):
    """The session does not fit the model's window even in its shortest form."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt that is ready to be sent, and what must be known of it afterwards."""

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None
    """The JSON schema of the reply, for servers that hold models to one."""
    shortened: bool
    """Something of the session was left out."""
    tokens: int
    """Estimate of what it takes."""
    hash: str
    """Equal for equal prompts; the random mark does not count."""
    passages: tuple[Passage, ...]
    """The session as the judge was shown it: masked, marked and shortened. Its quotes are looked for in this."""
    reply_tokens: int
    """What the window has room for beside the prompt at least, and a reply needs at most."""

    @property
    def text(self) -> str:
        """All messages as they are sent, for showing and keeping."""
        return "\n\n".join(f"[{one.role}]\n{one.content}" for one in self.messages)


def build_prompt(definition: Definition, transcript: Transcript, window: int | None, mark: str | None = None) -> Prompt:
    """Return the prompt that asks an evaluator's question about a session.

    Args:
        definition: an evaluator judged by a model.
        transcript: the session.
        window: tokens the model takes in; None: a cautious default.
        mark: what stands for the random number around the data, for showing prompts side by side; it must not occur
            in the transcript.

    Raises:
        TooLong: even the shortest form does not fit the window.
        ValueError: the given mark occurs in the session.
    """
    spec = spec_of(definition)
    wording = single(definition.prompt, definition.labels, spec)
    return _built(wording, transcript, (), _schema(spec), window, REPLY_TOKENS, mark)


def build_batch_prompt(
    questions: Sequence[Question],
    transcript: Transcript,
    window: int | None,
    hints: Sequence[str],
    by_products: Mapping[str, str],
    mark: str | None = None,
) -> Prompt:
    """Return the prompt that asks several questions about a session in one call.

    Args:
        questions: at least one, with different ids.
        transcript: the session.
        window: tokens the model takes in; None: a cautious default.
        hints: what code noticed; stands in the data, for it may hold names from outside.
        by_products: further texts asked for, by name, and what each is to say.
        mark: see `build_prompt`.

    Raises:
        TooLong: even the shortest form does not fit the window.
        ValueError: the given mark occurs in the session.
    """
    wording = batched(tuple(questions), tuple(by_products.items()), bool(hints))
    schema = _batch_schema(tuple((one.id, one.spec) for one in questions), tuple(by_products))
    reply = REPLY_TOKENS + MORE_REPLY_TOKENS * (len(questions) - 1)
    return _built(wording, transcript, hints, schema, window, reply, mark)


@lru_cache(maxsize=128)
def _schema(spec: ReplySpec) -> Mapping[str, Any]:
    return reply_schema(spec)


@lru_cache(maxsize=32)
def _batch_schema(specs: tuple[tuple[str, ReplySpec], ...], by_products: tuple[str, ...]) -> Mapping[str, Any]:
    return batch_schema(dict(specs), by_products)


def _built(
    wording: Wording,
    transcript: Transcript,
    hints: Sequence[str],
    schema: Mapping[str, Any],
    window: int | None,
    reply: int,
    mark: str | None,
) -> Prompt:
    room = window or DEFAULT_WINDOW
    reply = min(reply, int(room * _MOST_REPLY))
    head = head_line(transcript, hints)
    around = wording.tokens + estimate_tokens(head) + 4 * MARK_BYTES
    passages, missing = transcript.passages, ""
    if TRANSCRIPT not in wording.uses:
        passages, missing = _last_ones(transcript.passages, wording.uses)
    budget = int(room * _SAFE) - reply - around
    fitted = fit(passages, transcript.agent, budget) if passages else Fitted((), (), False)
    if fitted is None:
        raise TooLong(
            f"The session does not fit a model that takes {room:,} tokens, even shortened.",
            "Choose a model with a larger window.",
        )
    data = "\n".join((head, *fitted.lines)) + missing
    number = _number(data, wording, mark)
    said = f"{wording.before}{BEGIN.format(mark=number)}\n{data}\n{END.format(mark=number)}{wording.after}"
    return Prompt(
        messages=(Message("system", SYSTEM), Message("user", said)),
        schema=schema,
        shortened=fitted.shortened or transcript.shortened,
        tokens=around + estimate_tokens(data),
        hash=text_hash(wording.hash, data),
        passages=fitted.passages,
        reply_tokens=reply,
    )


def _last_ones(passages: Sequence[Passage], uses: Collection[str]) -> tuple[tuple[Passage, ...], str]:
    """Return the last messages that a prompt uses, in order, and lines about those that there are not."""
    found: list[Passage] = []
    missing = ""
    for name, role in ((LAST_USER, "user"), (LAST_RESPONSE, "assistant")):
        if name not in uses:
            continue
        last = next((one for one in reversed(passages) if one.role == role), None)
        if last is None:
            missing += f'\n{{"role":"{role}","missing":true}}'
        else:
            found.append(last)
    return tuple(sorted(found, key=lambda one: one.no)), missing


def _number(data: str, wording: Wording, given: str | None) -> str:
    """Return the random number around the data, which stands nowhere in it.

    Raises:
        ValueError: a given one does.
    """
    number = given or secrets.token_hex(MARK_BYTES)
    while number in data or number in wording.before or number in wording.after:
        if given:
            raise ValueError("the mark occurs in what it is to mark")
        number = secrets.token_hex(MARK_BYTES)
    return number
