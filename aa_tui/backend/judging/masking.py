"""Masking of what must not reach a model: strings of the shape of keys, tokens and passwords. Nothing else is hidden.

The patterns are those of redaction at ingest, whatever a project redacts there: a transcript that is kept whole on this
machine is one thing, sending its secrets to a provider another.
"""

from __future__ import annotations

from aa_tui.backend.support.redaction import PLACEHOLDERS, SECRET, Redactor, hints_at_secrets

MASK = PLACEHOLDERS[SECRET]
"""What stands for a secret."""
_redactor = Redactor((SECRET,))


def mask_secrets(text: str) -> str:
    """Return `text` with secret-shaped strings replaced by `MASK`; the very same object when it has none."""
    return _redactor.text(text)


def may_hold_secrets(text: str) -> bool:
    """Return whether `mask_secrets` could change a text or one of the lines it was joined of; False is certain."""
    return "\\u" in text or hints_at_secrets(text)
