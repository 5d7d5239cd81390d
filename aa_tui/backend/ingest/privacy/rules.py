"""What a project's settings say of privacy, as a value. Applying it to events and spans is done beside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from aa_tui.backend.support.ids import text_hash
from aa_tui.backend.support.redaction import PATTERNS, Redactor

CONTENT_MODE = "[Agent] Content Mode"
"""Property that says what an event's sender withheld; afterwards what was withheld from it here."""


class ContentMode(StrEnum):
    """How much of what was said is kept, from all to least."""

    FULL = "full"
    CUSTOMER_ENRICHED = "customer_enriched"
    """No texts; what the sender concluded from them is kept whole."""
    METADATA_ONLY = "metadata_only"
    """No texts, and none in the sender's conclusions either."""

    @property
    def withholds(self) -> bool:
        """Whether texts are taken out."""
        return self is not ContentMode.FULL


_STRICTNESS = {ContentMode.FULL: 0, ContentMode.CUSTOMER_ENRICHED: 1, ContentMode.METADATA_ONLY: 2}


def mode_of(value: Any) -> ContentMode:
    """Return the mode a sender or a setting names; a name nobody knows counts as the strictest, none as full."""
    if value is None or value == "":
        return ContentMode.FULL
    name = str(value).strip().lower().replace(" ", "_").replace("-", "_")
    return next((mode for mode in ContentMode if mode.value == name), ContentMode.METADATA_ONLY)


def stricter(first: ContentMode, second: ContentMode) -> ContentMode:
    """Return whichever of two modes keeps less."""
    return first if _STRICTNESS[first] >= _STRICTNESS[second] else second


@dataclass(frozen=True)
class PrivacyRules:
    """What a project keeps of what arrives. The default keeps everything that the sender sent."""

    mode: ContentMode = ContentMode.FULL
    patterns: tuple[str, ...] = ()
    """Pattern sets of `redaction.PATTERNS` that are replaced by placeholders; empty: no redaction."""

    @property
    def redacts(self) -> bool:
        """Whether anything is replaced by placeholders."""
        return bool(self.patterns)

    @property
    def keeps_all(self) -> bool:
        """Whether only the sender's own mode can take anything out."""
        return not self.mode.withholds and not self.patterns

    @cached_property
    def redactor(self) -> Redactor:
        """What replaces; made once."""
        return Redactor(self.patterns)

    def mark(self) -> str:
        """Return a short name of these rules, equal for equal ones: files imported by other rules are read again."""
        return "-" if self.keeps_all else text_hash(self.mode.value, *self.patterns)[:8]


KEEP_ALL = PrivacyRules()
"""The rules of a project that has no privacy settings."""


def rules_of(settings: Mapping[str, Any] | str | None) -> PrivacyRules:
    """Return the rules in a project's settings, decoded or as JSON text.

    `content_mode` names a mode, `redact` is true, false or a list of pattern sets. What cannot be understood is taken
    in its strictest sense.
    """
    if isinstance(settings, str):
        try:
            settings = json.loads(settings)
        except ValueError:
            settings = {}
    if not isinstance(settings, Mapping):
        return KEEP_ALL
    given = settings.get("redact")
    if given is None or given is False:
        patterns: tuple[str, ...] = ()
    elif isinstance(given, list):
        patterns = tuple(name for name in PATTERNS if name in given) or PATTERNS
    else:
        patterns = PATTERNS
    return PrivacyRules(mode_of(settings.get("content_mode")), patterns)
