"""Client-made, time-ordered ids: of events and records from natural keys, of sessions from their start alone."""

from __future__ import annotations

import secrets
from hashlib import blake2b

_LOW_BITS = 21
_LOW_MASK = (1 << _LOW_BITS) - 1
_MAX_MS = (1 << 42) - 1
_SESSION_BITS = 8


def stable_id(at_ms: int, *natural_key: object) -> int:
    """Return a positive 63-bit integer: 42 bits of epoch milliseconds, 21 bits of a hash of the natural key.

    Ids of later instants are larger, so a date range is close to an id range. The same key and instant give the
    same id anywhere. Callers resolve the rare collision by adding 1.
    """
    key = natural_key[0] if len(natural_key) == 1 else "\x1f".join(map(str, natural_key))
    digest = blake2b(str(key).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (min(max(at_ms, 0), _MAX_MS) << _LOW_BITS) | (int.from_bytes(digest, "big") & _LOW_MASK)


def new_id(at_ms: int) -> int:
    """Return a time-ordered id with random low bits, for things that have no natural key."""
    return (min(max(at_ms, 0), _MAX_MS) << _LOW_BITS) | secrets.randbits(_LOW_BITS)


def id_floor(at_ms: int) -> int:
    """Return the smallest id an instant can have; `id >= id_floor(t)` bounds a range by time."""
    return min(max(at_ms, 0), _MAX_MS) << _LOW_BITS


def first_session_id(at_ms: int) -> int:
    """Return the smallest id of a session that begins at an instant, a positive integer: quarters of a second.

    The search index writes down, for every word of a session, how far its id is from the one before: ids close to each
    other halve it. So they hold no hash, and callers take the next free one. `id >= first_session_id(t)` bounds a
    range by time.
    """
    return (min(max(at_ms, 0), _MAX_MS) >> _SESSION_BITS) + 1


def session_moment(number: int) -> int:
    """Return about when a session with an id began, epoch milliseconds."""
    return (number - 1) << _SESSION_BITS


def text_hash(*parts: str) -> str:
    """Return 24 hex digits that identify the parts in order; for insert ids of records that carry none."""
    digest = blake2b(digest_size=12)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()


def new_api_key() -> str:
    """Return a fresh project key: 32 hex digits, as Amplitude's clients expect."""
    return secrets.token_hex(16)
