"""THE function that turns stored text into text that is safe to draw: plain, nothing hidden, nothing lost. No styles.

What comes from outside is stored as it came and passes through here on its way to any screen, terminal or title:

- control characters become visible marks (Escape is drawn as U+241B), so no terminal sequence survives;
- bidi controls and invisible characters become marks that name them, in place: `⟨U+202E⟩`, `⟨U+200B ×3⟩`;
- joiners and selectors stay where scripts and emoji need them; at most 8 combining marks stay on a base character;
- colour sequences are dropped (or kept for a caller that turns them into styles); concealing text is not colour;
- tab and newline stay, or on one line become marks themselves.

The result is never markup: give it to text or content objects, not to markup parsers. Twice is the same as once.
"""

from __future__ import annotations

import re
from functools import cache

LINE_BREAK_MARK = "⏎"
TAB_MARK = "␉"
MAX_MARKS = 8
"""Combining marks drawn on one base character."""

_EMOJI = "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u27ff\u2900-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_HAN_AND_MATH = "\u2200-\u22ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_JOINING = (
    "\u0590-\u061b\u061d-\u0dff\u0e00-\u109f\u1780-\u17b3\u17b6-\u180a\u1810-\u18af\u1900-\u1aaf\u1b00-\u1c4f"
    "\ua800-\uabff\ufb1d-\ufdff\ufe70-\ufefc\U00010d00-\U0001b000\U0001e800-\U0001e95f"
)
"""Scripts whose letters change shape beside a joiner or non-joiner; without the invisible characters among them."""
_STACKING = (
    "\u0300-\u034e\u0350-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u06d6-\u06dc\u06df-\u06e4"
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0f71-\u0f84\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
)
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_TAGS = "\U000e0000-\U000e00ff"
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff"
    "\uffa0\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
)
_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f"
_SURROGATES = "\ud800-\udfff"

_SGR = re.compile("\x1b\\[([0-9;:]{0,64})m")
_ASCII_SUSPECT = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_SUSPECT = re.compile(f"[{_CONTROLS}{_INVISIBLE}{_SELECTORS}{_TAGS}{_SURROGATES}]|[{_STACKING}]{{{MAX_MARKS + 1}}}")
_KEPT = "|".join(
    (
        f"(?<=[{_EMOJI}])\u200d(?=[{_EMOJI}])",
        f"(?<=[{_EMOJI}]\ufe0f)\u200d(?=[{_EMOJI}])",
        f"(?<=[{_JOINING}])(?<![{_STACKING}]{{{MAX_MARKS + 1}}})[\u200c\u200d]",
        f"(?<=[{_EMOJI}0-9#*])[\ufe0e\ufe0f](?![{_SELECTORS}])",
        f"(?<=[{_HAN_AND_MATH}])[{_SELECTORS}](?![{_SELECTORS}])",
        "(?<=[\u1810-\u18af])[\u180b-\u180d\u180f]",
        "(?<=[\u2801-\u28ff])\u2800+|\u2800+(?=[\u2801-\u28ff])",
        "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,8}\U000e007f",
    )
)
"""What scripts, emoji sequences and braille pictures need."""


@cache
def _replaced(beside_colour: bool = False) -> re.Pattern[str]:
    """Return what is looked at one by one; built when first needed, because compiling it costs milliseconds."""
    colour = "(?P<colour>\x1b\\[[0-9;:]{0,64}m)|" if beside_colour else ""
    return re.compile(
        f"{colour}(?P<kept>{_KEPT})|(?P<break>\r\n)|(?P<control>[{_CONTROLS}])|(?P<selectors>[{_SELECTORS}]+)|(?P<tags>[{_TAGS}]+)"
        f"|(?P<invisible>(?P<same>[{_INVISIBLE}])(?P=same)*)|(?P<surrogate>[{_SURROGATES}])"
        f"|(?P<stack>[{_STACKING}]{{{MAX_MARKS + 1},}})"
    )


_HIDES = frozenset({"selectors", "tags", "invisible"})


def drawable(text: str, *, one_line: bool = False, keep_sgr: bool = False) -> str:
    """Return `text` as it may be drawn.

    Args:
        one_line: line breaks and tabs become marks, for cells, titles and log lines.
        keep_sgr: colour sequences (`ESC [ … m`) stay, for a caller that turns them into styles; all else as usual.
    """
    suspect = _ASCII_SUSPECT if text.isascii() else _SUSPECT
    if suspect.search(text):
        if keep_sgr:
            text = _replaced(beside_colour=True).sub(_mark, text)
        else:
            # First, so that what a sequence kept apart is judged together.
            text = _replaced().sub(_mark, _SGR.sub(_drop_colour, text) if "\x1b" in text else text)
    return text.replace("\n", LINE_BREAK_MARK).replace("\t", TAB_MARK) if one_line else text


def has_hidden(text: str) -> bool:
    """Return whether `text` has bidi controls or invisible characters that no script or emoji in it needs."""
    return not text.isascii() and any(match.lastgroup in _HIDES for match in _replaced().finditer(text))


class DrawableStream:
    """`drawable` for text that arrives in pieces: the pieces' results together equal the result of the whole.

    It holds back the end of a piece whose meaning the next piece decides.
    """

    def __init__(self, *, one_line: bool = False, keep_sgr: bool = False) -> None:
        self._one_line = one_line
        self._keep_sgr = keep_sgr
        self._held = ""

    def feed(self, text: str) -> str:
        """Take the next piece; return what can be drawn now."""
        text = self._held + text
        cut = _last_safe_cut(text)
        self._held = text[cut:]
        return drawable(text[:cut], one_line=self._one_line, keep_sgr=self._keep_sgr)

    def close(self) -> str:
        """Return what was held back."""
        text, self._held = self._held, ""
        return drawable(text, one_line=self._one_line, keep_sgr=self._keep_sgr)


_CONTEXT = re.compile(f"[{_CONTROLS}{_INVISIBLE}{_SELECTORS}{_TAGS}{_SURROGATES}{_STACKING}]")
_LONGEST_SGR = 67
_OPEN_SGR = re.compile("\x1b(\\[[0-9;:]{0,64})?\\Z")


def _last_safe_cut(text: str) -> int:
    """Return the last place between two characters that mean the same whatever stands beyond the other."""
    end = len(text)
    escape = text.rfind("\x1b")
    if escape >= 0 and _OPEN_SGR.match(text, escape):
        end = escape
    for place in range(end - 1, 0, -1):
        if _CONTEXT.match(text, place) or _CONTEXT.match(text, place - 1):
            continue
        colour = _SGR.match(text, max(text.rfind("\x1b", max(place - _LONGEST_SGR, 0), place), 0))
        if colour is None or colour.end() <= place:
            return place
    return 0


def _conceals(parameters: str) -> bool:
    """Return whether a colour sequence hides text (8), which is not among the colours that follow 38, 48 or 58."""
    values = parameters.replace(":", ";").split(";")
    place = 0
    while place < len(values):
        if values[place] in {"38", "48", "58"}:
            place += 5 if values[place + 1 : place + 2] == ["2"] else 3
        elif values[place].lstrip("0") == "8":
            return True
        else:
            place += 1
    return False


def _drop_colour(match: re.Match[str]) -> str:
    return match.group() if _conceals(match.group(1)) else ""


def _name(character: str) -> str:
    return f"U+{ord(character):04X}"


def _mark(match: re.Match[str]) -> str:
    found = match.group()
    kind = match.lastgroup
    if kind == "kept":
        return found
    if kind == "colour":
        return found if not _conceals(found[2:-1]) else "\u241b" + found[1:]
    if kind == "break":
        return "\n"
    if kind == "control":
        code = ord(found)
        return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else f"⟨{_name(found)}⟩"
    if kind == "selectors":
        return f"⟨{len(found)} variation selector{'s' if len(found) > 1 else ''}⟩"
    if kind == "tags":
        return f"⟨U+E0000 block, {len(found)} character{'s' if len(found) > 1 else ''}⟩"
    if kind == "surrogate":
        return "\ufffd"
    if kind == "stack":
        return f"{found[:MAX_MARKS]}⟨{len(found) - MAX_MARKS} more marks⟩"
    return f"⟨{_name(found[0])}⟩" if len(found) == 1 else f"⟨{_name(found[0])} ×{len(found)}⟩"
