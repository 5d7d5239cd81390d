"""Every value of every format's sample replaced by one of another type: what was said is there, or it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aa_tui.backend.model.event import AgentEvent, RecordProblem
from aa_tui.backend.sources import registry
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.shapes import Shape, misfits
from tests.mutating import Sample
from tests.mutating_samples import written

_FREE: dict[str, frozenset[str]] = {
    # Attributes and inputs are whatever a sender wants them to be: any type is right.
    "otel": frozenset({"attributes", "tags"}),
    "langfuse": frozenset({"input"}),
    "langsmith": frozenset({"inputs"}),
}
_CHOICES: dict[str, frozenset[str]] = {
    # An empty list of findings or of contents says nothing, but it is of the right type.
    "inspect": frozenset({"value"}),
}
Place = tuple[str | int, ...]


def _wrong(value: Any) -> list[Any]:
    """Return values of other types; no empty array for a text, since many formats allow both."""
    if isinstance(value, bool):
        return ["x", [1]]
    if isinstance(value, str):
        return [0, {"a": 1}]
    if isinstance(value, int | float):
        return ["x", [1], {}]
    if isinstance(value, list):
        return [0, "x", {"a": 1}]
    return [0, "x", [1]] if isinstance(value, dict) else []


def _places(value: Any, place: Place = ()) -> Iterator[tuple[Any, Any, Place]]:
    """Yield (holder, key, whole place) of every value inside a value."""
    pairs: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key, (*place, key)
        yield from _places(inner, (*place, key))


def _load(data: bytes) -> tuple[Any, Callable[[Any], bytes]]:
    try:
        return json.loads(data), lambda value: json.dumps(value).encode()
    except ValueError:
        lines = [json.loads(line) for line in data.splitlines()]
        return lines, lambda value: b"".join(json.dumps(one).encode() + b"\n" for one in value)


def _read(sample: Sample, path: Path) -> tuple[int, int, list[str]]:
    """Return the numbers of things and of problems that were read, and the events' warnings."""
    things = problems = 0
    warnings: list[str] = []
    for item in registry.by_name(sample.format).read(path, ReadOptions()):
        if isinstance(item, RecordProblem):
            problems += 1
            continue
        things += 1
        if isinstance(item, AgentEvent):
            warnings += item.warnings
    return things, problems, sorted(warnings)


_SAMPLES = [one for one in written() if one.format != "csv-events" and not one.targets[0].endswith(".eval")]


@pytest.mark.parametrize("sample", _SAMPLES, ids=lambda one: f"{one.format}-{one.name}")
def test_nothing_of_another_type_is_passed_over_in_silence(sample: Sample, tmp_path: Path) -> None:
    for name, data in sample.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    first = tmp_path / sample.targets[0]
    things, problems, warnings = _read(sample, first)
    free = _FREE.get(sample.format, frozenset()) | _CHOICES.get(sample.format, frozenset())
    silent, tried = [], 0
    for target in sample.targets:
        value, dump = _load(sample.files[target])
        for holder, key, place in _places(value):
            if free & {one for one in place if isinstance(one, str)}:
                continue
            before = holder[key]
            others = _wrong(before)
            if not others:
                continue
            # One of them in turn: what comes several times in a sample meets all.
            holder[key] = other = others[tried % len(others)]
            (tmp_path / target).write_bytes(dump(value))
            tried += 1
            now = _read(sample, first)
            if now[0] < things and now[1] <= problems and now[2] == warnings:
                silent.append(f"{target} {place}: {type(before).__name__} became {other!r}")
            holder[key] = before
        (tmp_path / target).write_bytes(sample.files[target])
    assert tried > 5
    assert not silent, "\n".join(silent)


def test_misfits_say_where_and_what() -> None:
    shape: Shape = {
        "messages!": [{"role!": frozenset({"user", "tool"}), "content": (str, [dict]), "n": float}],
        "ok": bool,
    }
    good = {"messages": [{"role": "user", "content": "x", "n": 1}, {"role": "tool", "content": [{}]}], "ok": None}
    assert list(misfits(3, good, shape)) == []
    bad = {
        "messages": [
            {"role": "pirate", "content": 7},
            {"content": ["x"], "n": True},
            None,
            "x",
        ],
        "ok": "yes",
    }
    told = list(misfits(3, bad, shape))
    assert {problem.line for problem in told} == {3}
    assert [problem.reason for problem in told] == [
        'messages[0].role is "pirate", which is not known',
        "messages[0].content is a number, not text or an array",
        "messages[1].role is missing",
        "messages[1].content[0] is text, not an object",
        "messages[1].n is true or false, not a number",
        "messages[2] is null, not an object",
        "messages[3] is text, not an object",
        "ok is text, not true or false",
    ]
    assert [problem.reason for problem in misfits(None, [], shape)] == ["the record is an array, not an object"]
    assert len(list(misfits(1, {"messages": [1] * 1000}, shape))) == 20
    assert [problem.reason for problem in misfits(1, {}, shape)] == ["messages is missing"]
