"""How many values a large body decodes to, before it is decoded: one value of two bytes takes a hundred in memory.

Real telemetry is text: a large body of it has few values. What has millions of them in a few megabytes is refused.
"""

from __future__ import annotations

import re
from typing import Literal

from aa_tui.server.receiver.bodies import Refused

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_TOKENS = re.compile(rb'(?:[^"]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
_STRUCTURE = (b",", b"[", b"{", b":")
_WINDOW = 1 << 18
"""Bytes whose texts are taken out at once: doing it for a whole body would take several times its size."""
_LENGTH, _FIXED64, _FIXED32, _VARINT = 2, 1, 5, 0
_VARINT_BYTES = 10

# Which fields of an OTLP message are messages themselves: {message: {field: message}}. Everything else is skipped.
_NESTED: dict[str, dict[int, str]] = {
    "traces": {1: "resource spans"},
    "resource spans": {1: "resource", 2: "scope spans"},
    "scope spans": {1: "scope", 2: "span"},
    "span": {9: "key value", 11: "event", 13: "link", 15: "status"},
    "logs": {1: "resource logs"},
    "resource logs": {1: "resource", 2: "scope logs"},
    "scope logs": {1: "scope", 2: "log record"},
    "log record": {5: "any", 6: "key value"},
    "resource": {1: "key value", 3: "entity"},
    "entity": {},
    "scope": {3: "key value"},
    "event": {3: "key value"},
    "link": {4: "key value"},
    "status": {},
    "key value": {2: "any"},
    "any": {5: "array", 6: "key values"},
    "array": {1: "any"},
    "key values": {1: "key value"},
}


def check_json(body: bytes, most: int) -> None:
    """Do nothing where a JSON body holds at most `most` values. One that is no JSON is for the decoder to find.

    Raises:
        Refused: it holds more.
    """
    # A value of OTLP's JSON has twice as many separators as its protobuf has fields, and takes as much memory.
    if _json_values(body, 2 * most) > 2 * most:
        raise _too_heavy(most)


def check_protobuf(body: bytes, kind: Literal["traces", "logs"], most: int) -> None:
    """Do nothing where an OTLP body has at most `most` fields.

    Raises:
        Refused: it has more, or it is no OTLP message.
    """
    if _protobuf_fields(body, kind, most) > most:
        raise _too_heavy(most)


def _json_values(body: bytes, most: int) -> int:
    """Count what separates values, stopping soon after `most`."""
    # Commas within texts count too here; only where that is too many are the texts taken out first.
    rough = sum(body.count(one) for one in _STRUCTURE)
    if rough <= most:
        return rough
    count = at = 0
    while at < len(body) and count <= most:
        whole = _TOKENS.match(body, at, at + _WINDOW)
        end = whole.end() if whole is not None else at
        if end == at:
            # A text longer than the window; one that never ends leaves nothing to count.
            text = _STRING.match(body, at)
            at = text.end() if text is not None else len(body)
            continue
        bare = _STRING.sub(b"", body[at:end])
        count += sum(bare.count(one) for one in _STRUCTURE)
        at = end
    return count


def _protobuf_fields(body: bytes, kind: str, most: int) -> int:
    """Count the fields of an OTLP request, stopping soon after `most`."""
    count = 0
    waiting = [(kind, 0, len(body))]
    while waiting:
        message, at, end = waiting.pop()
        nested = _NESTED[message]
        while at < end:
            count += 1
            if count > most:
                return count
            # Nearly all tags and most sizes have one byte; a call for each would take most of the time.
            tag = body[at]
            at += 1
            if tag >= 0x80:
                tag, at = _varint(body, at - 1, end)
            form = tag & 7
            if form == _LENGTH:
                if at >= end:
                    raise _damaged()
                size = body[at]
                at += 1
                if size >= 0x80:
                    size, at = _varint(body, at - 1, end)
                inner = nested.get(tag >> 3)
                if size > end - at:
                    raise _damaged()
                if inner is not None and size:
                    waiting.append((inner, at, at + size))
                at += size
            elif form == _VARINT:
                _, at = _varint(body, at, end)
            elif form == _FIXED64:
                at += 8
            elif form == _FIXED32:
                at += 4
            else:
                raise _damaged()
        if at != end:
            raise _damaged()
    return count


def _varint(body: bytes, at: int, end: int) -> tuple[int, int]:
    number = shift = 0
    for place in range(at, min(at + _VARINT_BYTES, end)):
        byte = body[place]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place + 1
        shift += 7
    raise _damaged()


def _too_heavy(most: int) -> Refused:
    return Refused(413, f"Payload too large: more than {most:,} values in one request.")


def _damaged() -> Refused:
    return Refused(400, "The body is no OTLP message.")
