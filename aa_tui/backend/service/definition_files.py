"""Evaluators as files that people edit and share: JSON or TOML in, TOML or JSON out. Nothing is stored here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aa_tui.backend.model.evaluator import Definition, OutputType
from aa_tui.backend.support.errors import UsageError

_HINT = "`aa-tui evaluators templates NAME` prints one that works."
_DEFAULTS = Definition(OutputType.BINARY).document()
_AROUND = ("name", "criterion", "agents", "sampling")
_OLD_NAMES = {"tags": "labels", "description": "prompt", "type": "output_type"}
"""Names of the same fields in public interfaces."""


@dataclass(frozen=True, slots=True)
class EvaluatorFile:
    """What a file says: a definition, and where it stands what goes with it."""

    definition: Definition
    name: str = ""
    criterion: str = ""
    agents: tuple[str, ...] = ()
    sampling: float | None = None
    """None: it says nothing of it."""


def parse(text: str) -> EvaluatorFile:
    """Return what a JSON or TOML text says.

    Raises:
        UsageError: it is neither, has unknown fields, or a value is none of its kind; the message says where.
    """
    said = _load(text)
    document = {_OLD_NAMES.get(name, name): value for name, value in said.items()}
    unknown = [name for name in document if name not in _DEFAULTS and name not in _AROUND]
    if unknown:
        import difflib

        close = difflib.get_close_matches(unknown[0], [*_DEFAULTS, *_AROUND], n=1)
        raise UsageError(f"An evaluator has no field “{unknown[0]}”.", f"Did you mean {close[0]}?" if close else _HINT)
    sampling = document.get("sampling")
    if sampling is not None and (isinstance(sampling, bool) or not isinstance(sampling, int | float)):
        raise UsageError("sampling is no number.", "0.1 scores one session in ten.")
    agents = document.get("agents", [])
    if not isinstance(agents, list) or not all(isinstance(one, str) for one in agents):
        raise UsageError("agents is no list of names.", 'For example: agents = ["billing"].')
    try:
        definition = Definition.of(document)
    except KeyError as error:
        raise UsageError(f"The definition lacks {error}.", _HINT) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"The definition cannot be read: {error}.", _HINT) from None
    return EvaluatorFile(
        definition,
        str(document.get("name", "")),
        str(document.get("criterion", "")),
        tuple(agents),
        None if sampling is None else float(sampling),
    )


def document(
    definition: Definition, name: str = "", criterion: str = "", agents: Sequence[str] = (), sampling: float = 1.0
) -> dict[str, Any]:
    """Return an evaluator as one flat document, without what has its default."""
    around = {"name": name, "criterion": criterion if criterion != name else "", "agents": list(agents)}
    said: dict[str, Any] = {key: value for key, value in around.items() if value}
    if sampling != 1.0:
        said["sampling"] = sampling
    for key, value in definition.document().items():
        if key == "output_type" or value != _DEFAULTS[key]:
            said[key] = _plain(value)
    return said


def to_json(said: Mapping[str, Any]) -> str:
    """Return a document as JSON for people."""
    return json.dumps(said, indent=2, ensure_ascii=False) + "\n"


def to_toml(said: Mapping[str, Any]) -> str:
    """Return a document as TOML; texts of several lines stay texts of several lines."""
    lines = [f"{key} = {_toml(value)}\n" for key, value in said.items() if not _is_table(value)]
    for key, value in said.items():
        if isinstance(value, Mapping):
            lines += _table(f"[{key}]", value)
        elif _is_table(value):
            for one in value:
                lines += _table(f"[[{key}]]", one)
    return "".join(lines)


def _load(text: str) -> dict[str, Any]:
    stripped = text.lstrip()
    said: Any = None
    try:
        if stripped.startswith("{"):
            said = json.loads(text)
        else:
            import tomllib

            said = tomllib.loads(text.replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"This is neither JSON nor TOML: {error}.", _HINT) from None
    if not isinstance(said, dict) or not said:
        raise UsageError("The file says nothing.", _HINT)
    return said


def _plain(value: Any) -> Any:
    """Return a value without what is not set, which TOML cannot say."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if one not in (None, [], "")}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (isinstance(value, list) and bool(value) and isinstance(value[0], Mapping))


def _table(head: str, said: Mapping[str, Any]) -> list[str]:
    return [f"\n{head}\n", *(f"{key} = {_toml(value)}\n" for key, value in said.items())]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _toml_text(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value)


def _toml_text(text: str) -> str:
    """Return a text as TOML; what drives a terminal or cannot be seen is escaped, so that a file can be looked at."""
    if "\n" not in text:
        inner = "".join(char if char.isprintable() and char not in '"\\' else _escaped(char) for char in text)
        return f'"{inner}"'
    inner = "".join(
        char if char in "\n\t" or (char.isprintable() and char != "\\") else _escaped(char) for char in text
    )
    inner = inner.replace('"""', '""\\"')
    return f'"""\n{inner[:-1] + _escaped(inner[-1]) if inner.endswith(chr(34)) else inner}"""'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
