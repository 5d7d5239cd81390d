"""What of an event may be stored: content modes and redaction, applied before anything is written. Deletes nothing.

`rules_of` reads a project's settings, `apply` an event, `apply_to_outcome` a verdict or label, `strip_spans` raw spans
that wait to be mapped. All of them are pure.
"""

from __future__ import annotations

from aa_tui.backend.ingest.privacy.events import (
    WITHHELD,
    apply,
    apply_to_outcome,
    apply_to_reason,
    effective_mode,
)
from aa_tui.backend.ingest.privacy.rules import (
    CONTENT_MODE,
    KEEP_ALL,
    ContentMode,
    PrivacyRules,
    mode_of,
    rules_of,
    stricter,
)
from aa_tui.backend.ingest.privacy.spans import strip_spans
from aa_tui.backend.support.redaction import PATTERNS, PLACEHOLDERS, Redactor

__all__ = [
    "CONTENT_MODE",
    "KEEP_ALL",
    "PATTERNS",
    "PLACEHOLDERS",
    "WITHHELD",
    "ContentMode",
    "PrivacyRules",
    "Redactor",
    "apply",
    "apply_to_outcome",
    "apply_to_reason",
    "effective_mode",
    "mode_of",
    "rules_of",
    "stricter",
    "strip_spans",
]
