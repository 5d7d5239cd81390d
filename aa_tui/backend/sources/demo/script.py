"""The small language the sample conversations are written in, and its compiler. No conversation lives here.

A scenario starts with `## key | topic | subtopic | intent | weight [| flags]`. Lines that follow:

- `vars a=x; b=y`: one set of slot values; a session draws one of the sets.
- `@open`: lines every branch starts with. `@ok WEIGHT k=v…` and `@fail WEIGHT k=v…`: one way the session can go on
  (`alone=1`: without the opening; `taskok=1`: the user got what they asked for although a rule was broken).
- `U: text`: the user. `U?0.4: text`: this turn happens only sometimes. `A: text`: the agent's answer.
  `A>: text`: the agent says this while it calls tools. `K: text`: reasoning of the next model call.
- `T name(a=b; c={slot}) => x=y`: a tool call. `T! name(…) => ErrorType: message`: one that fails. `T!*3`: repeated.
  Output that starts with `|` is plain text, `\\n` a line break; otherwise it is pairs that become JSON.
- `R: query => title; title`: retrieval with its child steps. `D: instruction`: delegation to the child agent, whose own
  lines are indented by two spaces.
- `= text`: why the branch counts as completed or not.
- `||` separates phrasings; a line without a marker continues the text above; `~phrase~` marks spoken displeasure;
  `{slot}` is filled per session.

Markers take flags in brackets: `A[filter]` and `A[length]` set the finish reason, `A[stop]` is interrupted by the user,
`A[copied]` is copied by them; `[pair]` takes the phrasing with the same number as the text before it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

_SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_MARK = re.compile(r"^(?:(U|A>|A|K|R|D)(\?[\d.]+)?(?:\[([a-z]+)\])?:|(=)) (.*)$", re.DOTALL)
_TOOL = re.compile(r"^T(!?)(?:\*(\d))? ([a-z_0-9]+)\((.*?)\) => (.*)$")
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$|^true$|^false$|^null$")
_PHRASE = re.compile(r"~([^~]+)~")

NUMERIC_SLOTS = frozenset({"amount", "fee", "big", "total", "half", "in_days", "late_days", "qty", "count", "servings"})
"""Slots whose value is a number, written without quotes in tool JSON."""


@dataclass(frozen=True, slots=True)
class Line:
    """One marker line. `kind` is U, A, P (text beside tool calls), T, R, K or D."""

    kind: str
    texts: tuple[str, ...] = ()
    """Phrasings as `%(slot)s` templates."""
    flag: str = ""
    chance: float = 1.0
    name: str = ""
    tool_input: str = ""
    tool_output: str = ""
    error_type: str = ""
    raw: bool = False
    """The tool's output is plain text, not JSON."""
    repeat: int = 1
    docs: tuple[str, ...] = ()
    child: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Branch:
    """One way a session goes. `turns` is a list of turns, each a list of lines that starts with a user line."""

    ok: bool
    weight: float
    turns: tuple[tuple[Line, ...], ...]
    why: tuple[str, ...]
    marks: dict[str, str]


@dataclass(slots=True)
class Scenario:
    """A kind of conversation: what it is about and its branches."""

    key: str
    topic: str
    subtopic: str
    intent: str
    weight: float
    flags: frozenset[str]
    vars: list[dict[str, str]] = field(default_factory=list)
    opening: list[Line] = field(default_factory=list)
    ok: list[Branch] = field(default_factory=list)
    fail: list[Branch] = field(default_factory=list)


def template(text: str) -> str:
    """Return `text` with `{slot}` turned into a `%(slot)s` template."""
    return _SLOT.sub(r"%(\1)s", text.replace("%", "%%").replace("\\n", "\n"))


def phrases(text: str) -> tuple[str, list[str]]:
    """Return `text` without `~` marks, and the marked phrases."""
    return _PHRASE.sub(r"\1", text), _PHRASE.findall(text)


def slots_used(scenario: Scenario) -> set[str]:
    """Return the slot names a scenario needs from outside its own `vars`."""
    found: set[str] = set()

    def visit(lines: tuple[Line, ...]) -> None:
        for line in lines:
            for text in (*line.texts, line.tool_input, line.tool_output, *line.docs):
                found.update(re.findall(r"%\(([a-z0-9_]+)\)s", text))
            visit(line.child)

    for branch in (*scenario.ok, *scenario.fail):
        for turn in branch.turns:
            visit(turn)
        for text in branch.why:
            found.update(re.findall(r"%\(([a-z0-9_]+)\)s", text))
    for names in scenario.vars[:1]:
        found -= names.keys()
    return found


def _json_template(pairs: str) -> str:
    """Return a JSON object template for `a=b; c={slot}`."""
    made = []
    for pair in filter(None, (part.strip() for part in pairs.split(";"))):
        name, _, value = pair.partition("=")
        slot = _SLOT.fullmatch(value)
        if _NUMBER.match(value) or (slot and slot[1] in NUMERIC_SLOTS):
            shown = value
        elif value.startswith("["):
            shown = json.dumps([part.strip() for part in value.strip("[]").split(",") if part.strip()])
        else:
            shown = json.dumps(value, ensure_ascii=False)
        made.append(f"{json.dumps(name.strip())}: {shown}")
    return template("{" + ", ".join(made) + "}")


def _tool(line: str) -> Line:
    match = _TOOL.match(line)
    if match is None:
        raise ValueError(f"bad tool line: {line}")
    failed, repeat, name, given, result = match.groups()
    if failed:
        error_type, _, message = result.partition(": ")
        return Line(
            "T", (), "", 1.0, name, _json_template(given), template(message), error_type, True, int(repeat or 1)
        )
    raw = result.startswith("|")
    output = template(result[1:].strip()) if raw else _json_template(result)
    return Line("T", (), "", 1.0, name, _json_template(given), output, "", raw, int(repeat or 1))


def _lines(raw: list[str]) -> tuple[list[Line], tuple[str, ...]]:
    """Return the compiled lines of one branch and its reasons."""
    made: list[Line] = []
    why: tuple[str, ...] = ()
    joined: list[str] = []
    for line in raw:
        child = line.startswith("  ")
        if child or _MARK.match(line) or line.startswith(("T ", "T!", "T*")):
            joined.append(line)
        elif line.startswith("|| ") or not joined:
            joined[-1] += " " + line
        else:
            joined[-1] += "\n" + line
    position = 0
    while position < len(joined):
        line = joined[position]
        position += 1
        if line.startswith("T"):
            made.append(_tool(line))
            continue
        match = _MARK.match(line)
        if match is None:
            raise ValueError(f"bad line: {line}")
        kind, chance, flag, reason, text = match.groups()
        parts = [part.strip() for part in text.split("||")]
        if reason:
            why = tuple(template(part) for part in parts)
            continue
        if kind == "R":
            query, _, docs = text.partition(" => ")
            titles = tuple(template(part.strip()) for part in docs.split(";"))
            made.append(Line("R", (template(query),), docs=titles))
            continue
        texts = tuple(template(part) for part in parts)
        inner: list[Line] = []
        if kind == "D":
            body = []
            while position < len(joined) and joined[position].startswith("  "):
                body.append(joined[position][2:])
                position += 1
            inner, _ = _lines(body)
        kind = "P" if kind == "A>" else kind
        made.append(Line(kind, texts, flag or "", float(chance[1:]) if chance else 1.0, child=tuple(inner)))
    return made, why


def split_turns(lines: list[Line]) -> tuple[tuple[Line, ...], ...]:
    """Return `lines` as turns, each beginning with a user line."""
    made: list[list[Line]] = []
    for line in lines:
        if line.kind == "U" or not made:
            made.append([])
        made[-1].append(line)
    return tuple(tuple(turn) for turn in made)


def compile_script(text: str) -> list[Scenario]:
    """Return the scenarios written in `text`.

    Raises:
        ValueError: a line is not in the language.
    """
    scenarios: list[Scenario] = []
    head: list[str] = []
    body: list[str] = []

    def close() -> None:
        if not head:
            return
        lines, why = _lines(body)
        if head[0] == "open":
            scenarios[-1].opening = lines
        else:
            marks = dict(part.split("=", 1) for part in head[2:])
            turns = split_turns(lines if "alone" in marks else [*scenarios[-1].opening, *lines])
            branch = Branch(head[0] == "ok" or "taskok" in marks, float(head[1]), turns, why, marks)
            (scenarios[-1].ok if branch.ok else scenarios[-1].fail).append(branch)
        head.clear()
        body.clear()

    for line in text.strip("\n").splitlines():
        if not line.strip():
            continue
        if line.startswith("## "):
            close()
            parts = [part.strip() for part in line[3:].split("|")]
            flags = frozenset(parts[5].split(",")) if len(parts) > 5 else frozenset()
            scenarios.append(Scenario(parts[0], parts[1], parts[2], parts[3], float(parts[4]), flags))
        elif line.startswith("vars "):
            pairs = (part.split("=", 1) for part in line[5:].split(";"))
            scenarios[-1].vars.append({name.strip(): value.strip().replace("\\n", "\n") for name, value in pairs})
        elif line.startswith("@"):
            close()
            head.extend(line[1:].split())
        else:
            body.append(line)
    close()
    return scenarios
