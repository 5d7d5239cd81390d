"""Evaluators judged by code: patterns over a session's stored texts. No model is asked and nothing is spent."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from aa_tui.backend.judging.patterns import BadPattern, OutOfTime, Searcher
from aa_tui.backend.model.evaluator import Answer, Definition, Method, Pattern, Target
from aa_tui.backend.model.judgement import ErrorKind, Judgement, Quote, Spent, Verdict
from aa_tui.backend.model.transcript import Passage, Transcript

MOST_SECONDS = 1.0
"""All patterns of an evaluator over one session."""
MOST_LINES = 10
"""Matching lines that are kept as evidence."""
MOST_COUNTED = 10_000
"""Matches of one pattern that are counted."""
LONGEST_LINE = 300
"""Characters of a matching line that are kept, around the match."""

_BEFORE = 100


@dataclass(slots=True)
class _Found:
    """What one label's, or all patterns, matched."""

    matches: int = 0
    turns: list[int] = field(default_factory=list)
    lines: list[Quote] = field(default_factory=list)


def judge_by_code(definition: Definition, transcript: Transcript, *, seconds: float = MOST_SECONDS) -> Judgement:
    """Return what a regex or keyword evaluator says of a session, with the matching lines as evidence.

    A session without text gives the error `no_text` ("not applicable"), patterns that take too long or do not compile
    `pattern`, and keywords of which none was found `no_match` unless there is a default label.

    Raises:
        ValueError: the evaluator is judged by a model.
    """
    if definition.method is Method.LLM:
        raise ValueError("this evaluator is judged by a model")
    start = time.perf_counter()
    verdict = _verdict(definition, transcript, Searcher(seconds))
    return Judgement(
        verdict=verdict,
        passed=None if verdict.answer is None else definition.decide(verdict.answer),
        method=str(definition.method),
        spent=Spent(0, 0, 0, 0, (time.perf_counter() - start) * 1000),
    )


def _verdict(definition: Definition, transcript: Transcript, searcher: Searcher) -> Verdict:
    texts = list(_texts(transcript.passages, definition.target))
    if not transcript.has_text or (not texts and not _may_lack(definition.target)):
        return Verdict(error=ErrorKind.NO_TEXT, detail="not applicable: no text to search")
    if not definition.patterns:
        return Verdict(error=ErrorKind.PATTERN, detail="the evaluator has no pattern")
    try:
        if definition.method is Method.REGEX:
            return _by_regex(definition, texts, searcher)
        return _by_keywords(definition, texts, searcher)
    except OutOfTime:
        return Verdict(error=ErrorKind.PATTERN, detail="the patterns took too long on this session")
    except BadPattern as bad:
        return Verdict(error=ErrorKind.PATTERN, detail=str(bad))


def _may_lack(target: Target) -> bool:
    """Whether a session without such texts can be judged: no call of a tool is something that can be said of it."""
    return target in (Target.TOOL_INPUT, Target.TOOL_OUTPUT)


def _texts(passages: Sequence[Passage], target: Target) -> Iterator[tuple[Passage, str]]:
    for one in passages:
        if target is Target.USER:
            said: tuple[str, ...] = (one.text,) if one.role == "user" else ()
        elif target is Target.AGENT:
            said = (one.text,) if one.role == "assistant" else ()
        elif target is Target.TOOL_INPUT:
            said = (one.input,) if one.role == "tool" else ()
        elif target is Target.TOOL_OUTPUT:
            said = (one.text, one.error) if one.role == "tool" else ()
        else:
            said = (one.text, one.input, one.error)
        yield from ((one, text) for text in said if text)


def _search(patterns: Sequence[Pattern], texts: Sequence[tuple[Passage, str]], searcher: Searcher) -> _Found:
    found = _Found()
    for passage, text in texts:
        lines: set[str] = set()
        for pattern in patterns:
            for counted, (start, end) in enumerate(searcher.find(pattern, text), 1):
                found.matches += 1
                if not found.turns or found.turns[-1] != passage.no:
                    found.turns.append(passage.no)
                if len(found.lines) < MOST_LINES and (line := _line(text, start, end)) and line not in lines:
                    lines.add(line)
                    found.lines.append(Quote(line, passage.no, passage.no, passage.role, passage.event_id))
                if counted == MOST_COUNTED:
                    break
    return found


def _line(text: str, start: int, end: int) -> str:
    """Return the line, or lines, of a match, word for word; of long ones the part around the match."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", max(end, start))
    last = len(text) if last < 0 else last
    if last - first > LONGEST_LINE:
        first = max(first, start - _BEFORE)
        last = min(last, first + LONGEST_LINE)
    return text[first:last].strip()


def _by_regex(definition: Definition, texts: Sequence[tuple[Passage, str]], searcher: Searcher) -> Verdict:
    found = _search(definition.patterns, texts, searcher)
    what = "The pattern" if len(definition.patterns) == 1 else "A pattern"
    if found.matches:
        rationale = f"{what} matched {_times(found.matches)}, in {_turns(found.turns)}."
    else:
        rationale = f"No pattern matched in {len(texts):,} text{'' if len(texts) == 1 else 's'}."
    return Verdict(answer=bool(found.matches) is definition.must_match, rationale=rationale, quotes=tuple(found.lines))


def _by_keywords(definition: Definition, texts: Sequence[tuple[Passage, str]], searcher: Searcher) -> Verdict:
    found = {
        label: _search([one for one in definition.patterns if one.label == label], texts, searcher)
        for label in definition.label_names
    }
    hit = [label for label in definition.label_names if found[label].matches]
    if not hit:
        if not definition.default_label:
            return Verdict(error=ErrorKind.NO_MATCH, detail="no keyword was found, and there is no default label")
        answer: Answer = (definition.default_label,) if definition.multiple else definition.default_label
        return Verdict(answer=answer, rationale="No keyword was found: the default label.")
    # Of labels with as many hits the first wins, which is what `max` does.
    best = max(hit, key=lambda label: found[label].matches)
    chosen = tuple(hit) if definition.multiple else (best,)
    counts = ", ".join(f"{label}: {_times(found[label].matches)}" for label in hit)
    quotes = tuple(line for label in chosen for line in found[label].lines)[:MOST_LINES]
    return Verdict(
        answer=chosen if definition.multiple else best, rationale=f"Keywords found: {counts}.", quotes=quotes
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _turns(turns: Sequence[int]) -> str:
    named = list(dict.fromkeys(turns))
    if len(named) == 1:
        return f"turn {named[0]}"
    shown = ", ".join(map(str, named[:5]))
    return f"turns {shown}" + (f" and {len(named) - 5:,} more" if len(named) > 5 else "")
