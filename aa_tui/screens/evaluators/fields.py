"""What enter does on a field of the editor: a menu of what it can be, or a line to type. Mixed into the editor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aa_tui.backend.model.evaluator import (
    Definition,
    Label,
    Method,
    ModelChoice,
    OutputType,
    PassCriteria,
    Pattern,
    Scale,
    Target,
    Tier,
)
from aa_tui.backend.support.errors import UsageError
from aa_tui.screens.asking import Asking
from aa_tui.screens.evaluators.draft import (
    Draft,
    change_kind,
    with_label,
    with_pattern,
    with_tier,
    without,
)
from aa_tui.widgets.choice_list import Choice
from aa_tui.widgets.safe_text import safe_line

if TYPE_CHECKING:
    from collections.abc import Sequence

_KINDS = (
    (OutputType.BINARY, Method.LLM, "yes or no, by a model", "start here: it calibrates best", "b"),
    (
        OutputType.CLASSIFICATION,
        Method.LLM,
        "one of several labels, by a model",
        "three or more, each with an example",
        "l",
    ),
    (OutputType.SCORE, Method.LLM, "a score, by a model", "a range with named tiers", "s"),
    (OutputType.BINARY, Method.REGEX, "yes or no, by patterns", "no model, no cost", "r"),
    (OutputType.CLASSIFICATION, Method.KEYWORD, "labels, by patterns", "no model, no cost", "k"),
)
_TARGETS = {
    Target.ANY: "everything that was said and called",
    Target.USER: "what users wrote",
    Target.AGENT: "what the agent answered",
    Target.TOOL_INPUT: "what tools were given",
    Target.TOOL_OUTPUT: "what tools gave back",
}
_EVIDENCE: tuple[tuple[bool, tuple[str, ...], str, str], ...] = (
    (False, (), "not required", ""),
    (True, (), "required", "a verdict without a quote is flagged"),
    (True, ("user", "tool"), "required, of users or tools", "what an agent says of its own work is flagged"),
    (True, ("tool",), "required, of tools", ""),
    (True, ("user",), "required, of users", ""),
)


class EditorFields(Asking):
    """The fields of the editor and how they are changed."""

    if TYPE_CHECKING:
        draft: Draft

        @property
        def is_new(self) -> bool: ...
        def change(self, draft: Draft) -> None: ...
        def write_prompt(self) -> None: ...

    @property
    def _definition(self) -> Definition:
        return self.draft.definition

    def _define(self, **changes: Any) -> None:
        self.change(self.draft.define(**changes))

    def _be(self, definition: Definition) -> None:
        self.change(replace(self.draft, definition=definition))

    def _menu(self, title: str, choices: Sequence[Choice], then: Callable[[Any], Any], cursor: int = 0) -> None:
        self.aa.choose(title, choices, then, typed=False, cursor=cursor)

    def open_field(self, key: str) -> None:
        """Change the field of this key."""
        what, _, at = key.partition(":")
        if what in ("label", "tier", "pattern"):
            many = {"label": self._definition.labels, "tier": self._definition.scale.tiers}
            count = len(many.get(what, self._definition.patterns))
            getattr(self, f"_open_{what}")(count if at == "+" else int(at))
        else:
            getattr(self, f"_open_{what}")()

    # -- lines

    def _open_name(self) -> None:
        def take(text: str) -> None:
            self.change(replace(self.draft, name=" ".join(text.split())))

        self.ask_line("name", self.draft.name, "such as refund_policy", take)

    def _open_criterion(self) -> None:
        def take(text: str) -> None:
            self.change(replace(self.draft, criterion=" ".join(text.split())))

        hint = "one that people answer already shares its answers; empty: one of its own"
        self.ask_line("question", self.draft.criterion, hint, take)

    def _open_agents(self) -> None:
        def take(text: str) -> None:
            self.change(replace(self.draft, agents=tuple(one.strip() for one in text.split(",") if one.strip())))

        self.ask_line("agents", ", ".join(self.draft.agents), "names with commas between; empty: all", take)

    def _open_sampling(self) -> None:
        def take(text: str) -> None:
            self.change(replace(self.draft, sampling=_share(text)))

        self.ask_line("sampling", f"{self.draft.sampling * 100:g} %", "share of sessions; 100 % is all", take)

    def _open_prompt(self) -> None:
        self.write_prompt()

    # -- menus

    def _open_kind(self) -> None:
        choices = [Choice((kind, method), title, note, key) for kind, method, title, note, key in _KINDS]
        if self._definition.output_type is OutputType.CLASSIFICATION and self._definition.method is Method.LLM:
            several = self._definition.multiple
            choices.append(Choice(None, "only one label" if several else "several labels may be chosen", "", "m"))
        now = (self._definition.output_type, self._definition.method)
        at = next((n for n, one in enumerate(choices) if one.value == now), 0)

        def take(value: tuple[OutputType, Method] | str) -> None:
            if isinstance(value, str):
                self._define(multiple=not self._definition.multiple)
            else:
                self._be(change_kind(self._definition, *value))

        choices = [Choice("several", one.title, one.note, one.key) if one.value is None else one for one in choices]
        self._menu("What the answer is, and what gives it", choices, take, at)

    def _open_passing(self) -> None:
        definition = self._definition
        if definition.output_type is OutputType.SCORE:
            self._ask_bounds()
            return
        if definition.output_type is OutputType.BINARY:
            choices = [
                Choice(PassCriteria(value=True), "yes (true)", "", "y"),
                Choice(PassCriteria(value=False), "no (false)", "", "n"),
                Choice(PassCriteria(), "nothing: informational", "neither passes nor fails", "i"),
            ]
            at = next((n for n, one in enumerate(choices) if one.value == definition.passing), 0)
            self._menu("What passes", choices, lambda value: self._define(passing=value), at)
            return
        passing = definition.passing.labels
        names = [one for one in definition.label_names if one]
        choices = [
            Choice(name, f"{'passes' if name in passing else 'fails '}  {safe_line(name, 30)}", "", str(n % 10))
            for n, name in enumerate(names, 1)
        ]
        if not choices:
            self.flash("There is no label yet.", "warn")
            return

        def toggle(name: str) -> None:
            now = [one for one in names if (one in passing) != (one == name)]
            self._define(passing=PassCriteria(labels=tuple(now)))

        self._menu("Which labels pass; each enter changes one", choices, toggle)

    def _ask_bounds(self) -> None:
        rule = self._definition.passing
        text = " ".join(
            f"{sign}{bound:g}" for sign, bound in ((">=", rule.at_least), ("<=", rule.at_most)) if bound is not None
        )

        def take(typed: str) -> None:
            least = most = None
            for word in typed.replace(">= ", ">=").replace("<= ", "<=").split():
                if word.startswith("<="):
                    most = _number(word[2:])
                else:
                    least = _number(word.removeprefix(">="))
            self._define(passing=PassCriteria(at_least=least, at_most=most))

        self.ask_line("passes", text, ">=4, or <=2, or both; empty: informational", take)

    def _open_evidence(self) -> None:
        now = (self._definition.evidence_required, self._definition.evidence_from)
        choices = [Choice((needed, of), title, note) for needed, of, title, note in _EVIDENCE]
        at = next((n for n, one in enumerate(choices) if one.value == now), 0)

        def take(value: tuple[bool, tuple[str, ...]]) -> None:
            self._define(evidence_required=value[0], evidence_from=value[1])

        self._menu("Evidence", choices, take, at)

    def _open_target(self) -> None:
        choices = [Choice(target, title) for target, title in _TARGETS.items()]
        at = list(_TARGETS).index(self._definition.target)
        self._menu("What the patterns read", choices, lambda value: self._define(target=value), at)

    def _open_must_match(self) -> None:
        self._define(must_match=not self._definition.must_match)

    def _open_default_label(self) -> None:
        choices = [Choice(name, safe_line(name, 40)) for name in self._definition.label_names if name]
        choices.append(Choice("", "no verdict"))
        self._menu("Where nothing matched", choices, lambda value: self._define(default_label=value))

    def _open_model(self) -> None:
        choice = self._definition.model
        text = " ".join(one for one in (choice.provider, choice.model, choice.base_url) if one) if choice else ""

        def take(typed: str) -> None:
            self._define(model=model_of(typed))

        hint = "PROVIDER MODEL [ADDRESS], as ollama qwen3:8b; empty: the project's judge (:judge)"
        self.ask_line("model", text, hint, take)

    # -- one of several

    def _open_scale(self) -> None:
        scale = self._definition.scale
        text = f"{scale.least:g} {scale.most:g}{' whole' if scale.integer else ''}"

        def take(typed: str) -> None:
            words = typed.replace("to", " ").replace("..", " ").split()
            whole = any(word.startswith("whole") for word in words)
            ends = [_number(word) for word in words if not word.startswith("whole")]
            if len(ends) != 2:
                raise UsageError("A range has two ends.", "As: 1 5 whole")
            self._define(scale=Scale(ends[0], ends[1], whole, scale.tiers))

        self.ask_line("range", text, "its ends, and “whole” for whole numbers: 1 5 whole", take)

    def _open_tier(self, at: int) -> None:
        tiers = self._definition.scale.tiers
        text = f"{tiers[at].least:g} {tiers[at].name}" if at < len(tiers) else ""

        def take(typed: str) -> None:
            least, _, name = typed.strip().partition(" ")
            if not name.strip():
                raise UsageError("A tier has a score and a name.", "As: 4 good")
            self._be(with_tier(self._definition, at, Tier(name.strip(), _number(least))))

        self.ask_line("tier", text, "the score it begins at, and its name: 4 good", take)

    def _open_label(self, at: int) -> None:
        labels = self._definition.labels
        if at >= len(labels):
            self._ask_label_name(at, Label(""))
            return
        label = labels[at]
        fixed = self._definition.output_type is OutputType.BINARY
        choices = [Choice(("describe", 0), "what it means", safe_line(label.description, 40), "d")]
        if not fixed:
            choices.insert(0, Choice(("name", 0), "its name", safe_line(label.label, 40), "n"))
        choices.append(Choice(("example", len(label.examples)), "add an example", "", "e"))
        for n, example in enumerate(label.examples):
            choices.append(Choice(("example", n), f"example {n + 1}", safe_line(example, 40), str(n + 1)[-1]))
        if not fixed:
            choices.append(Choice(("remove", 0), "remove the label", "z brings it back", "x"))

        def take(value: tuple[str, int]) -> None:
            what, number = value
            if what == "name":
                self._ask_label_name(at, label)
            elif what == "describe":
                self._ask_description(at, label)
            elif what == "example":
                self._ask_example(at, label, number)
            else:
                self._be(without(self._definition, "label", at))

        self._menu(f"Label {safe_line(label.label, 30)}", choices, take)

    def _ask_label_name(self, at: int, label: Label) -> None:
        def take(typed: str) -> None:
            name, _, description = typed.partition("=")
            if not name.strip():
                raise UsageError("A label needs a name.")
            said = description.strip() or label.description
            self._be(with_label(self._definition, at, replace(label, label=name.strip(), description=said)))

        self.ask_line("label", label.label, "NAME, or NAME = what it means", take)

    def _ask_description(self, at: int, label: Label) -> None:
        def take(typed: str) -> None:
            self._be(with_label(self._definition, at, replace(label, description=typed.strip())))

        self.ask_line(f"{safe_line(label.label, 20)} means", label.description, "in plain words, what counts", take)

    def _ask_example(self, at: int, label: Label, number: int) -> None:
        def take(typed: str) -> None:
            examples = [*label.examples]
            examples[number : number + 1] = [typed.strip()] if typed.strip() else []
            self._be(with_label(self._definition, at, replace(label, examples=tuple(examples))))

        text = label.examples[number] if number < len(label.examples) else ""
        self.ask_line(f"{safe_line(label.label, 20)}, for example", text, "empty removes it", take)

    def _open_pattern(self, at: int) -> None:
        patterns = self._definition.patterns
        if at >= len(patterns):
            self._ask_pattern(at, Pattern(""))
            return
        one = patterns[at]
        choices = [Choice("pattern", "the pattern", safe_line(one.pattern, 44), "p")]
        if self._definition.method is Method.KEYWORD:
            choices.append(Choice("label", "the label it counts for", safe_line(one.label, 30), "l"))
        choices.append(Choice("case", "case matters" if one.ignore_case else "case does not matter", "", "c"))
        choices.append(Choice("remove", "remove it", "z brings it back", "x"))

        def take(what: str) -> None:
            if what == "pattern":
                self._ask_pattern(at, one)
            elif what == "label":
                self._choose_label(at, one)
            elif what == "case":
                self._be(with_pattern(self._definition, at, replace(one, ignore_case=not one.ignore_case)))
            else:
                self._be(without(self._definition, "pattern", at))

        self._menu("Pattern", choices, take)

    def _ask_pattern(self, at: int, one: Pattern) -> None:
        def take(typed: str) -> None:
            if not typed.strip():
                raise UsageError("The pattern is empty.", "x on a pattern removes it.")
            self._be(with_pattern(self._definition, at, replace(one, pattern=typed)))
            if self._definition.method is Method.KEYWORD and not one.label:
                self._choose_label(at, self._definition.patterns[at])

        self.ask_line("pattern", one.pattern, r"a regular expression, as \brefund(s|ed)?\b", take)

    def _choose_label(self, at: int, one: Pattern) -> None:
        choices = [Choice(name, safe_line(name, 40)) for name in self._definition.label_names if name]
        if not choices:
            self.flash("There is no label yet; add one first.", "warn")
            return

        def take(name: str) -> None:
            self._be(with_pattern(self._definition, at, replace(one, label=name)))

        self._menu("The label it counts for", choices, take)

    def removable(self, key: str) -> tuple[str, int] | None:
        """Return which of several things the key names, where it can be removed."""
        what, _, at = key.partition(":")
        if what == "label" and self._definition.output_type is OutputType.BINARY:
            return None
        return (what, int(at)) if what in ("label", "tier", "pattern") and at.isdigit() else None

    def action_editor_remove(self) -> None:
        found = self.removable(self.moved.key) if hasattr(self.moved, "key") else None
        if found is not None:
            self._be(without(self._definition, *found))
            self.flash(f"That {found[0]} is removed; z brings it back.")


def model_of(text: str) -> ModelChoice | None:
    """Return the model that a typed line names; None for an empty one.

    Raises:
        UsageError: it names no model.
    """
    words = text.split()
    if not words:
        return None
    if len(words) == 1 and words[0] == "command":
        return ModelChoice("command", "command")
    if len(words) not in (2, 3):
        raise UsageError("A model is named by its provider and its name.", "As: ollama qwen3:8b")
    return ModelChoice(words[0], words[1], words[2] if len(words) == 3 else "")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"“{text}” is no number.") from None


def _share(text: str) -> float:
    """Return a share that is typed as `25 %`, `25` or `0.25`."""
    clean = text.strip()
    number = _number(clean.removesuffix("%").strip())
    share = number / 100 if clean.endswith("%") or number > 1 else number
    if not 0 < share <= 1:
        raise UsageError("Sampling is a share above 0 and at most 100 %.")
    return share
