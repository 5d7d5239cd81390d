"""Finding personal data and secrets in text and putting placeholders there. Knows no event and no setting.

Every pattern is linear in the length of the text: a match can begin only where the character before cannot belong to
it, and what it repeats is possessive or bounded. What looks like a number of some kind is settled by its checksum.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

EMAIL, PHONE, CARD, IBAN, SSN, IP, SECRET = "email", "phone", "credit_card", "iban", "ssn", "ip_address", "secret"
PATTERNS = (EMAIL, PHONE, CARD, IBAN, SSN, IP, SECRET)
"""Names of the pattern sets, as a project's setting lists them."""
PLACEHOLDERS = {
    EMAIL: "[email]",
    PHONE: "[phone]",
    CARD: "[credit_card]",
    IBAN: "[iban]",
    SSN: "[ssn]",
    IP: "[ip_address]",
    SECRET: "[REDACTED]",
}
"""What stands for a find, as the Amplitude SDK writes it; `[iban]` is ours."""

_DEEPEST = 6
"""JSON inside of JSON texts that is looked into."""
_DEEPEST_VALUE = 50
_NOT_WORD = "(?<![A-Za-z0-9])"
_END = "(?![A-Za-z0-9])"

# --- secrets -------------------------------------------------------------------------------------------------------

_QUOTE = r"(?:\\{0,8}[\"'])?"
"""Maybe a quotation mark; with escapes, as in JSON inside of JSON that was cut and is none any more."""
_BEGIN, _FINISH = "-----BEGIN ", "PRIVATE KEY-----"
_KEY_BLOCK = re.compile(r"(?:[A-Za-z0-9+/=:, \-]|\\n|\\r|\s)*+")
_KEY_LINES = re.compile(r"(?:(?:\\n|\\r|\s)*+[A-Za-z0-9+/=]{16,}+)*+")
_LONGEST_LABEL = 40
_SHAPES: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = tuple(
    (hints, re.compile(pattern), replacement)
    for hints, pattern, replacement in (
        # The user name and password of a URL; the rest of it stays.
        (
            ("://",),
            rf"{_NOT_WORD}([a-z][a-z0-9+.\-]{{1,20}}://)[^\s/@:\"']{{0,200}}:[^\s/@\"']{{1,400}}@",
            r"\1[REDACTED]@",
        ),
        (
            ("eyJ",),
            r"(?<![A-Za-z0-9_\-])eyJ[A-Za-z0-9_\-]{6,}+\.[A-Za-z0-9_\-]{6,}+(?:\.[A-Za-z0-9_\-]*+){0,3}",
            "[REDACTED]",
        ),
        (
            ("earer", "EARER"),
            rf"{_NOT_WORD}((?i:bearer)[ \t]{{1,4}})[A-Za-z0-9._~+/\-]{{12,}}+={{0,2}}",
            r"\1[REDACTED]",
        ),
        (
            ("uthorization", "UTHORIZATION"),
            rf"((?i:authorization){_QUOTE}[ \t]{{0,3}}[:=][ \t]{{0,3}}{_QUOTE}(?i:basic|token|apikey)[ \t]{{1,4}})"
            r"[A-Za-z0-9._~+/\-]{8,}+={0,2}",
            r"\1[REDACTED]",
        ),
        (("AKIA", "ASIA", "ABIA", "ACCA"), rf"{_NOT_WORD}A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{{16}}{_END}", "[REDACTED]"),
        (
            ("ecret", "ECRET"),
            rf"((?i:aws_?secret_?(?:access_?)?key){_QUOTE}[ \t]{{0,3}}[:=][ \t]{{0,3}}{_QUOTE})"
            r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
            r"\1[REDACTED]",
        ),
        (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), rf"{_NOT_WORD}gh[pousr]_[A-Za-z0-9]{{30,}}+", "[REDACTED]"),
        (("github_pat_",), rf"{_NOT_WORD}github_pat_[A-Za-z0-9_]{{22,}}+", "[REDACTED]"),
        (("glpat-",), rf"{_NOT_WORD}glpat-[A-Za-z0-9_\-]{{20,}}+", "[REDACTED]"),
        (("xox", "xapp-"), rf"{_NOT_WORD}(?:xox[abeoprs]|xapp)-[A-Za-z0-9\-]{{10,}}+", "[REDACTED]"),
        (("AIza",), rf"{_NOT_WORD}AIza[A-Za-z0-9_\-]{{35}}(?![A-Za-z0-9_\-])", "[REDACTED]"),
        (("k_live_", "k_test_"), rf"{_NOT_WORD}[sr]k_(?:live|test)_[A-Za-z0-9]{{16,}}+", "[REDACTED]"),
        (("hf_",), rf"{_NOT_WORD}hf_[A-Za-z0-9]{{30,}}+", "[REDACTED]"),
        (("npm_",), rf"{_NOT_WORD}npm_[A-Za-z0-9]{{36}}{_END}", "[REDACTED]"),
    )
)
_PAIRS = tuple(shape for shape in _SHAPES if shape[0][0] in ("uthorization", "ecret"))
"""Shapes that take a name and its value together, which JSON has in two strings."""
_SK = re.compile(rf"{_NOT_WORD}sk-[A-Za-z0-9_\-]{{20,}}+")


def _key_blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield where private key blocks lie; one whose end was cut off reaches as far as it looks like one."""
    at = 0
    while (start := text.find(_BEGIN, at)) >= 0:
        label_end = text.find(_FINISH, start, start + len(_BEGIN) + _LONGEST_LABEL + len(_FINISH))
        if label_end < 0:
            at = start + len(_BEGIN)
            continue
        body = label_end + len(_FINISH)
        end = text.find("-----", body)
        last = -1
        if end >= 0 and text.startswith("-----END ", end) and _KEY_BLOCK.fullmatch(text, body, end) is not None:
            last = text.find(_FINISH, end, end + len(_BEGIN) + _LONGEST_LABEL + len(_FINISH))
        if last >= 0:
            stop = last + len(_FINISH)
        else:
            lines = _KEY_LINES.match(text, body)
            stop = lines.end() if lines is not None else body
        yield start, stop
        at = stop


def _private_keys(text: str) -> str:
    pieces: list[str] = []
    at = 0
    for start, stop in _key_blocks(text):
        pieces += [text[at:start], PLACEHOLDERS[SECRET]]
        at = stop
    return "".join(pieces) + text[at:] if pieces else text


def _sk(match: re.Match[str]) -> str:
    found = match.group()
    # Words joined by hyphens are no key; a key mixes digits with letters.
    mixed = any(char.isdigit() for char in found) and (len(found) >= 36 or any(char.isupper() for char in found))
    return PLACEHOLDERS[SECRET] if mixed else found


def secret_spans(text: str) -> list[tuple[int, int]]:
    """Return where secret-shaped strings lie, as (start, end): for whoever cuts a text and must not cut one in two."""
    if not hints_at_secrets(text):
        return []
    found = list(_key_blocks(text))
    found += [match.span() for match in _SK.finditer(text)]
    for hints, pattern, _ in _SHAPES:
        if any(hint in text for hint in hints):
            found += [match.span() for match in pattern.finditer(text)]
    return sorted(found)


def _paired(text: str) -> str:
    """Replace the values that only their names tell; JSON stays JSON, for nothing of its form is replaced."""
    for hints, pattern, replacement in _PAIRS:
        if any(hint in text for hint in hints):
            text = pattern.sub(replacement, text)
    return text


def _secrets(text: str) -> str:
    if _BEGIN in text and _FINISH in text:
        text = _private_keys(text)
    if "sk-" in text:
        text = _SK.sub(_sk, text)
    for hints, pattern, replacement in _SHAPES:
        if any(hint in text for hint in hints):
            text = pattern.sub(replacement, text)
    return text


# --- addresses -----------------------------------------------------------------------------------------------------

# Han, Kana and Hangul are words without blanks around them and must not become part of an address.
_LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0386\u0388-\u03ff\u0400-\u0481\u048a-\u04ff\u1e00-\u1eff"
_LOCAL = rf"{_LETTER}\u0300-\u036f0-9._%+\-"
_LABEL = rf"{_LETTER}\u0300-\u036f0-9\-"
_EMAIL = re.compile(rf"(?<![{_LOCAL}])[{_LOCAL}]++@(?:[{_LABEL}]{{1,63}}\.){{1,10}}[{_LETTER}]{{2,63}}{_END}")
_V4 = re.compile(r"(?<![A-Za-z0-9.])(?:\d{1,3}\.){3}\d{1,3}(?![A-Za-z0-9]|\.\d)")
_V6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,8}[0-9A-Fa-f]{0,4}(?![\w:])")
_FEWEST_V6_GROUPS = 3
"""Of a shortened address; `a::b` and `1::2` are code far more often."""


def _v4(match: re.Match[str]) -> str:
    return PLACEHOLDERS[IP] if all(int(part) < 256 for part in match.group().split(".")) else match.group()


def _v6(match: re.Match[str]) -> str:
    from ipaddress import AddressValueError, IPv6Address

    found = match.group()
    groups = [group for group in found.split(":") if group]
    if len(groups) < _FEWEST_V6_GROUPS or not any(char.isdigit() for char in found):
        return found
    try:
        IPv6Address(found)
    except AddressValueError:
        return found
    return PLACEHOLDERS[IP]


def _addresses(text: str) -> str:
    if "." in text:
        text = _V4.sub(_v4, text)
    if ("::" in text or text.count(":") >= 7) and _HEX_GROUPS.search(text) is not None:
        text = _V6.sub(_v6, text)
    return text


# --- numbers with checksums ----------------------------------------------------------------------------------------

_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
}  # fmt: skip
_IBAN_HEAD = re.compile(rf"{_NOT_WORD}([A-Za-z]{{2}})(\d\d)(?=[ \u00a0]?[A-Za-z0-9])")
_IBAN_BODIES = {
    length: re.compile(rf"(?:[ \u00a0]?[A-Za-z0-9]){{{length - 4}}}{_END}") for length in set(_IBAN_LENGTHS.values())
}
_NO_GAPS = str.maketrans("", "", " \u00a0")


def _ibans(text: str) -> str:
    pieces: list[str] = []
    at = 0
    for match in _IBAN_HEAD.finditer(text):
        length = _IBAN_LENGTHS.get(match.group(1).upper())
        if length is None or match.start() < at:
            continue
        body = _IBAN_BODIES[length].match(text, match.end())
        if body is not None and _has_iban_checksum(match.group() + body.group().translate(_NO_GAPS)):
            pieces += [text[at : match.start()], PLACEHOLDERS[IBAN]]
            at = body.end()
    return "".join(pieces) + text[at:] if pieces else text


def _has_iban_checksum(found: str) -> bool:
    return int("".join(str(int(char, 36)) for char in found[4:] + found[:4])) % 97 == 1


_GROUPS = re.compile(r"(?<![A-Za-z0-9_])\d++(?:[ \u00a0\-]\d++)*+")
_DIGITS = re.compile(r"\d+")


def _is_card(digits: str) -> bool:
    """Tell whether digits are a payment card's number: a range that is issued, its length, and Luhn's checksum."""
    if not (13 <= len(digits) <= 19 and digits.isascii()):
        return False
    two, four, length = int(digits[:2]), int(digits[:4]), len(digits)
    issued = (
        (digits[0] == "4" and length in (13, 16, 19))
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and length == 16)
        or (two in (34, 37) and length == 15)
        or ((four == 6011 or two == 65 or 644 <= int(digits[:3]) <= 649) and length >= 16)
        or (two == 62 and length >= 16)
        or (3528 <= four <= 3589 and length >= 16)
        or ((300 <= int(digits[:3]) <= 305 or two in (36, 38, 39)) and length in (14, 16, 19))
        or (two in (50, 56, 57, 58, 60, 61, 63, 64, 66, 67, 68, 69))
    )
    if not issued:
        return False
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _cards_in(match: re.Match[str]) -> str:
    """Replace cards among groups of digits: one group, or a first of four and more of at least three but the last."""
    run = match.group()
    if len(run) < 13:
        return run
    after = match.string[match.end() : match.end() + 1]
    groups = [(one.start(), one.end()) for one in _DIGITS.finditer(run)]
    if after.isalnum() or after == "_":
        groups.pop()
    pieces: list[str] = []
    at = index = 0
    while index < len(groups):
        start = groups[index][0]
        digits = ""
        for last in range(index, len(groups)):
            low, high = groups[last]
            if high - low + len(digits) > 19 or (last == index and high - low < 4):
                break
            digits += run[low:high]
            if _is_card(digits):
                pieces += [run[at:start], PLACEHOLDERS[CARD]]
                at, index = high, last
                break
            if high - low < 3:
                break
        index += 1
    return "".join(pieces) + run[at:] if pieces else run


_SSN = re.compile(r"(?<![A-Za-z0-9\-])\d{3}([\- ])\d\d\1\d{4}(?![A-Za-z0-9\-])")
_NANP = re.compile(
    rf"{_NOT_WORD}(?:\+?1[\-. ]?)?(?:\(\d{{3}}\)[\-. ]?|\d{{3}}[\-. ])\d{{3}}[\-. ]?\d{{4}}{_END}"
    # Ten digits in a row are more often an id, as in an address or after a name.
    rf"|(?<![A-Za-z0-9.\-/=#:_])[2-9]\d\d[2-9]\d{{6}}(?![A-Za-z0-9/_]|[.\-]\d)"
)
_ABROAD = re.compile(
    r"(?:(?<![A-Za-z0-9+])\+[1-9]|(?<![A-Za-z0-9+.,:\-])(?<!\d )00[1-9]\d{0,2}(?=[ \u00a0.\-/(]))"
    rf"(?:[ \u00a0.\-/()]{{0,2}}\d){{6,14}}{_END}"
)
_AT_HOME = re.compile(
    r"(?<![A-Za-z0-9.,:\-/])\(?0\d{1,4}\)?[ \u00a0/\-.]{1,3}\d{2,4}(?:[ \u00a0\-.]\d{2,4}){1,3}"
    r"(?![A-Za-z0-9]|[.\-:/]\d)"
)
_DATE = re.compile(r"\d\d[./\-]\d\d[./\-](?:\d\d){1,2}(?!\d)")


def _at_home(match: re.Match[str]) -> str:
    found = match.group()
    is_number = 9 <= sum(map(str.isdigit, found)) <= 13 and _DATE.match(found) is None
    return PLACEHOLDERS[PHONE] if is_number else found


def _phones(text: str) -> str:
    text = _ABROAD.sub(PLACEHOLDERS[PHONE], text)
    text = _NANP.sub(PLACEHOLDERS[PHONE], text)
    return _AT_HOME.sub(_at_home, text)


def _ssn(match: re.Match[str]) -> str:
    found = match.group()
    return found if found[:3] in ("000", "666") or found[4:6] == "00" or found[-4:] == "0000" else PLACEHOLDERS[SSN]


# --- all together --------------------------------------------------------------------------------------------------

_NUMBERS = re.compile(r"\d[\d .()/:\-\u00a0]{4,}\d")
_HEX_GROUPS = re.compile(r"[0-9A-Fa-f]:[0-9A-Fa-f:]")
_SECRET_HINTS = ("sk-", _BEGIN, *dict.fromkeys(hint for hints, _, _ in _SHAPES for hint in hints))
_ANY_SECRET_HINT = re.compile("|".join(map(re.escape, _SECRET_HINTS)))
_SHORT = 100
"""Up to this length one pattern looks for all hints; in longer texts finding them one by one is quicker."""
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_LONG_NUMBER = re.compile(r"(?<![\w.\-+])\d{13,19}(?![\w.])")


def hints_at_secrets(text: str) -> bool:
    """Return whether a text may hold a secret; False is certain, for what no JSON escape hides."""
    if len(text) < _SHORT:
        return _ANY_SECRET_HINT.search(text) is not None
    for hint in _SECRET_HINTS:  # noqa: SIM110 (as a generator it takes twice as long)
        if hint in text:
            return True
    return False


class Redactor:
    """Replaces what some pattern sets find. Immutable and safe to share."""

    def __init__(self, patterns: Iterable[str] = PATTERNS) -> None:
        """Look for `patterns`, names of `PATTERNS`; others are passed over."""
        wanted = set(patterns)
        self._email = EMAIL in wanted
        self._secret = SECRET in wanted
        self._numbers: list[Callable[[str], str]] = []
        if IBAN in wanted:
            self._numbers.append(_ibans)
        if CARD in wanted:
            self._numbers.append(lambda text: _GROUPS.sub(_cards_in, text))
        if SSN in wanted:
            self._numbers.append(lambda text: _SSN.sub(_ssn, text))
        if IP in wanted:
            self._numbers.append(_addresses)
        if PHONE in wanted:
            self._numbers.append(_phones)
        self._ip = IP in wanted
        self._card = CARD in wanted

    def text(self, text: str) -> str:
        """Return a text with its finds replaced; the very same object when there are none.

        The texts inside JSON are looked at one by one, so that it stays valid JSON whatever was written with escapes.
        """
        return self._text(text, 0)

    def value(self, value: Any) -> Any:
        """Return a JSON value with finds in its texts, keys and long numbers replaced; the same object without any."""
        return self._value(value, 0)

    def _text(self, text: str, depth: int) -> str:
        if len(text) < 6 or not self._may_hold(text):
            return text
        start = text[:1] if not text[:1].isspace() else text.lstrip()[:1]
        if start and start in '{["' and depth < _DEEPEST and _is_json(text):
            found = self._json(text, depth)
        else:
            found = self._plain(text)
        return text if found == text else found

    def _may_hold(self, text: str) -> bool:
        if "\\u" in text:
            return True
        if self._email and "@" in text:
            return True
        if self._secret and hints_at_secrets(text):
            return True
        if self._numbers and _NUMBERS.search(text) is not None:
            return True
        return self._ip and ":" in text and _HEX_GROUPS.search(text) is not None

    def _plain(self, text: str) -> str:
        if self._secret and hints_at_secrets(text):
            text = _secrets(text)
        if self._email and "@" in text:
            text = _EMAIL.sub(PLACEHOLDERS[EMAIL], text)
        if self._numbers and (_NUMBERS.search(text) is not None or _HEX_GROUPS.search(text) is not None):
            for find in self._numbers:
                text = find(text)
        return text

    def _json(self, text: str, depth: int) -> str:
        if self._secret:
            text = _paired(text)
        pieces: list[str] = []
        at = 0
        for match in _STRING.finditer(text):
            pieces.append(self._between(text[at : match.start()]))
            pieces.append(self._quoted(match.group(), depth))
            at = match.end()
        pieces.append(self._between(text[at:]))
        return "".join(pieces)

    def _quoted(self, quoted: str, depth: int) -> str:
        if not (self._may_hold(quoted)):
            return quoted
        inside = json.loads(quoted, strict=False)
        found = self._text(inside, depth + 1)
        return quoted if found == inside else json.dumps(found, ensure_ascii=False)

    def _between(self, text: str) -> str:
        if not self._card or len(text) < 13:
            return text
        return _LONG_NUMBER.sub(lambda m: f'"{PLACEHOLDERS[CARD]}"' if _is_card(m.group()) else m.group(), text)

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value, 0)
        if depth > _DEEPEST_VALUE:
            return self._buried(value)
        if isinstance(value, dict):
            found = self._object(value, depth)
            same = len(found) == len(value) and all(
                new_key is key and new is old
                for (new_key, new), (key, old) in zip(found.items(), value.items(), strict=True)
            )
            return value if same else found
        if isinstance(value, list | tuple):
            listed = [self._value(one, depth + 1) for one in value]
            return value if all(new is old for new, old in zip(listed, value, strict=True)) else listed
        if self._card and isinstance(value, int) and not isinstance(value, bool) and _is_card(str(value)):
            return PLACEHOLDERS[CARD]
        return value

    def _buried(self, value: Any) -> Any:
        """Return a value that lies too deep to be walked as JSON text, which is searched all the same."""
        if not isinstance(value, dict | list | tuple):
            return self._value(value, 0)
        try:
            return self._plain(json.dumps(value, ensure_ascii=False, default=str))
        except (RecursionError, ValueError):
            return PLACEHOLDERS[SECRET]

    def _object(self, value: dict[Any, Any], depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, inner in value.items():
            name = self._text(key, 0) if isinstance(key, str) else key
            number = 1
            base = name
            while name in found:
                number += 1
                name = f"{base} {number}"
            found[name] = self._value(inner, depth + 1)
        return found


def _is_json(text: str) -> bool:
    try:
        json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return False
    return True
