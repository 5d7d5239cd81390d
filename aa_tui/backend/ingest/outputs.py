"""What is wrong with a tool's output although the call did not fail: found once, while the text is at hand. Pure."""

from __future__ import annotations

import json
import re

from aa_tui.backend.model.event import AgentEvent

EMPTY, NO_DATA, NO_PROPERTY = "tool_empty_output", "no_data_returned", "property_not_found"

_SHELLS = frozenset(
    {"bash", "shell", "sh", "zsh", "cmd", "powershell", "terminal", "exec", "exec_command", "execute_bash",
     "run_command", "run_terminal_cmd", "run_shell_command", "local_shell", "execute"}
)  # fmt: skip
"""Tools that run command lines: one that prints nothing has done what it should."""
_LONGEST_NOTHING = 200
_LONGEST_ANSWER = 2_000
"""Longer outputs hold something, and words in them may be anything's."""
_NOTHING = frozenset({"[]", "{}", "null", "none", '""', "''", "()", "[[]]", "[{}]"})
_SAYS_NOTHING = re.compile(
    r"(?:there (?:is|are|was|were) )?(?:no|0|zero) (?:data|rows|records|results|values)"
    r"(?: (?:was|were))?(?: (?:returned|found|available|for [^.]{1,80}))?[.!]?"
)
_PROPERTY = re.compile(
    r"property_not_found|(?:event |user )?property [^\n]{1,80}? (?:was |is |could )?(?:not |cannot be )(?:be )?found"
    r"|(?:unknown|no such) property",
    re.IGNORECASE,
)
_LISTS = frozenset({"data", "results", "result", "rows", "items", "records", "values", "documents", "hits", "matches"})


def output_problem(event: AgentEvent, given: str | None, output: str | None) -> str | None:
    """Return the code of what is wrong with the output of a call that did not fail, or None.

    A call whose input is not known either tells nothing: texts were withheld. Nor does one that has no result yet.
    """
    if not output:
        if not given or event.interrupted or (event.name or "").lower() in _SHELLS:
            return None
        return None if "no_result" in event.warnings or "incomplete" in event.warnings else EMPTY
    if len(output) > _LONGEST_ANSWER:
        return None
    if len(output) <= _LONGEST_NOTHING:
        text = output.strip().lower()
        if not text or text in _NOTHING or _SAYS_NOTHING.fullmatch(text) or (text[0] == "{" and _holds_nothing(text)):
            return NO_DATA
    return NO_PROPERTY if "roperty" in output and _PROPERTY.search(output) else None


def _holds_nothing(text: str) -> bool:
    """Tell whether an object's lists of results are all empty."""
    if "[]" not in text:
        return False
    try:
        decoded = json.loads(text)
    except ValueError:
        return False
    lists = [value for name, value in decoded.items() if name in _LISTS]
    return bool(lists) and not any(lists)
