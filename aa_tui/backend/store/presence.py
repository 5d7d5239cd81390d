"""SQL of who is running beside a store: one row of `meta` per running program, with an end that must be put off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aa_tui.backend.store.engine import Reader, Tx


def put(tx: Tx, kind: str, owner: str, facts: Mapping[str, Any]) -> None:
    """Write down, or again, that `owner` runs."""
    tx.execute(
        "INSERT INTO meta(key, value) VALUES (:k, :v) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
        {"k": f"{kind}:{owner}", "v": json.dumps(dict(facts))},
    )


def remove(tx: Tx, kind: str, owner: str) -> None:
    """Forget an owner."""
    tx.execute("DELETE FROM meta WHERE key=:k", {"k": f"{kind}:{owner}"})


def every(reader: Reader, kind: str) -> dict[str, dict[str, Any]]:
    """Return what is written down of each owner of a kind, also of those whose time is over."""
    found = {}
    for key, value in reader.fetch(
        "SELECT key, value FROM meta WHERE key>=:low AND key<:high ORDER BY key",
        {"low": f"{kind}:", "high": f"{kind};"},
    ):
        with suppress(ValueError):
            facts = json.loads(value)
            if isinstance(facts, dict):
                found[key.partition(":")[2]] = facts
    return found
