"""Answers as their senders read them: Amplitude's JSON with `code`, OTLP's messages in the request's encoding."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from starlette.responses import Response

Encoding = Literal["protobuf", "json"]
MEDIA: dict[Encoding, str] = {"protobuf": "application/x-protobuf", "json": "application/json"}
_MOST_WORDS = 2_000
"""Characters of a message: OTLP clients read 4 MiB at most, people far less."""
_MOST_EVENTS = 2_000
"""Events of one Amplitude request."""
_GRPC = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 408: 4, 413: 8, 415: 3, 421: 7, 429: 8, 431: 8, 500: 13, 503: 14}
"""google.rpc.Code by HTTP status, for the `Status` message."""
_UNKNOWN = 2


def amplitude(status: int, body: Mapping[str, Any], retry_after_s: int | None = None) -> Response:
    """Return an answer to an Amplitude client; `code` is added where the body has none."""
    whole: dict[str, Any] = {"code": status, **body}
    if status == 429 and "throttled_events" not in whole:
        # The SDK resends at once whatever is not listed here, and waits half a minute for what is. It looks up the
        # indexes of its own request, so those it does not have do no harm.
        whole |= {
            "eps_threshold": 0,
            "throttled_devices": {},
            "throttled_users": {},
            "throttled_events": list(range(_MOST_EVENTS)),
        }
    return _json(status, whole, retry_after_s)


def otlp(encoding: Encoding, rejected: int, message: str, kind: Literal["traces", "logs"]) -> Response:
    """Return `ExportTraceServiceResponse` or `ExportLogsServiceResponse`: empty where all was taken.

    Args:
        rejected: spans or log records that could not be used.
        message: why, or a warning with nothing rejected.
    """
    words = message[:_MOST_WORDS]
    if encoding == "json":
        if not rejected and not words:
            return _json(200, {}, None)
        counted = "rejectedSpans" if kind == "traces" else "rejectedLogRecords"
        partial: dict[str, Any] = {counted: str(rejected)} if rejected else {}
        return _json(200, {"partialSuccess": partial | ({"errorMessage": words} if words else {})}, None)
    # Both messages have one field, whose message has the count as field 1 and the words as field 2.
    inner = _varint_field(1, rejected) + _text_field(2, words)
    return Response(_bytes_field(1, inner) if inner else b"", 200, media_type=MEDIA["protobuf"])


def otlp_error(encoding: Encoding, status: int, message: str, retry_after_s: int | None = None) -> Response:
    """Return a `google.rpc.Status` for an OTLP client."""
    code, words = _GRPC.get(status, _UNKNOWN), message[:_MOST_WORDS]
    if encoding == "json":
        return _json(status, {"code": code, "message": words}, retry_after_s)
    body = _varint_field(1, code) + _text_field(2, words)
    return Response(body, status, _retry(retry_after_s), media_type=MEDIA["protobuf"])


def refusal(
    path: str, content_type: str, status: int, message: str, retry_after_s: int | None, headers: Mapping[str, str]
) -> Response:
    """Return a refusal in the words of whoever sends to `path`."""
    if path in OTLP_PATHS:
        encoding: Encoding = "protobuf" if content_type == MEDIA["protobuf"] else "json"
        response = otlp_error(encoding, status, message, retry_after_s)
    else:
        response = amplitude(status, {"error": message}, retry_after_s)
    for name, value in headers.items():
        response.headers[name] = value
    return response


OTLP_PATHS: dict[str, Literal["traces", "logs"]] = {
    "/v1/traces": "traces",
    "/v1/logs": "logs",
    "/otlp/v1/traces": "traces",
    "/otlp/v1/logs": "logs",
}
AMPLITUDE_PATHS = ("/2/httpapi", "/batch")
HEALTH_PATH = "/healthz"
PATHS = frozenset({*OTLP_PATHS, *AMPLITUDE_PATHS, HEALTH_PATH})
"""Every path there is."""


def _json(status: int, body: Mapping[str, Any], retry_after_s: int | None) -> Response:
    text = json.dumps(body, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return Response(text, status, _retry(retry_after_s), media_type=MEDIA["json"])


def _retry(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"retry-after": str(max(seconds, 1))}


# Two messages of four fields are written here by hand: loading their generated classes would cost more than all of
# this module, and google.rpc.Status is not among the packages this program needs.


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _varint_field(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number) if number else b""


def _bytes_field(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _text_field(field: int, text: str) -> bytes:
    return _bytes_field(field, text.encode("utf-8", "replace")) if text else b""
