"""What a signal is: its question and rubric, its answers, which of them pass, where its result lands. Values only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aa_tui.backend.model.evaluator import Definition, Method, OutputType
from aa_tui.backend.model.judgement import Verdict
from aa_tui.backend.support.text import storable


@dataclass(frozen=True, slots=True)
class Extra:
    """One more thing the judge is asked for beside a signal's answer, or for the session as a whole."""

    name: str
    """Its field in the reply."""
    ask: str
    """What is asked, for the prompt."""
    choices: tuple[str, ...] = ()
    """The codes it may name; empty for text."""
    many: bool = False
    """Several of the choices, parted by commas."""
    longest: int = 400
    """Characters that are kept of a text."""

    def read(self, said: str) -> tuple[str, ...]:
        """Return what a judge said for it: known codes only, each once; a text is one. Nothing said gives nothing."""
        text = " ".join(said.split())
        if not self.choices:
            return (text[: self.longest],) if text and text.casefold() not in _NOTHING else ()
        found = dict.fromkeys(_code(one) for one in _parts(text))
        known = tuple(one for one in self.choices if _code(one) in found)
        return known if self.many else known[:1]


@dataclass(frozen=True, slots=True)
class Signal:
    """A built-in check that runs on every closed session."""

    id: str
    version: int
    """Rises whenever the question or its answers change."""
    title: str
    question: str
    """The rubric: what counts, what does not, what must bear the answer. Empty for signals of code only."""
    definition: Definition
    property: str
    """Property of the Session Record that the value lands in."""
    by_default: bool = True
    code_only: bool = False
    with_evidence: bool = False
    """Whether the Session Record has a property for its evidence."""
    labels_property: str = ""
    """Property of the Session Record for its labels, or empty."""
    labels_from: str = ""
    """What its labels are: the name of an extra, or `evidence` for the verified quotes. Empty: it has none."""
    extras: tuple[Extra, ...] = ()

    def labels(self, verdict: Verdict, said: Mapping[str, str]) -> tuple[str, ...]:
        """Return the labels of a verdict, given what was said for the extras.

        A verdict that the signal's good value was found has none, whatever else was said.
        """
        if verdict.answer is None or not self.labels_from or self.definition.decide(verdict.answer) is not False:
            return ()
        if self.labels_from == "evidence":
            return tuple(dict.fromkeys(quote.text for quote in verdict.quotes if quote.verified))
        return next(one.read(said.get(one.name, "")) for one in self.extras if one.name == self.labels_from)

    def further(self, verdict: Verdict, said: Mapping[str, str]) -> str | None:
        """Return what was said for the extras that are no labels, as the JSON the store holds; None if nothing."""
        if verdict.answer is None or self.definition.decide(verdict.answer) is not False:
            return None
        found = {one.name: one.read(said.get(one.name, "")) for one in self.extras if one.name != self.labels_from}
        told = {name: values[0] for name, values in found.items() if values}
        return storable(json.dumps(told, ensure_ascii=False)) if told else None


NO_MODEL = Definition(OutputType.BINARY, Method.KEYWORD)
"""The definition of a signal that is code only: nobody is asked."""

_NOTHING = frozenset({"", "none", "n/a", "null", "-", "no", "not applicable"})


def _parts(text: str) -> list[str]:
    """Return the parts of a list that was written as text, with commas, semicolons or as JSON."""
    if text.startswith("["):
        try:
            decoded = json.loads(text)
        except ValueError:
            decoded = None
        if isinstance(decoded, list):
            return [str(one) for one in decoded]
    return text.replace(";", ",").strip("[]").split(",")


def _code(text: str) -> str:
    return text.strip(" \"'.`").casefold().replace("-", "_").replace(" ", "_")
