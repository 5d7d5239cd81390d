"""Reading a request's body within limits: size before and after decompression, time, and the shared budget."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from io import BytesIO

from starlette.requests import ClientDisconnect, Request

from aa_tui.server.receiver.limits import Place, ServerLimits

ENCODINGS = ("gzip", "deflate")
"""Content encodings that are understood, besides none."""
_STEP = 1 << 20
"""Decompressed at once: what the event loop does between two looks at other requests."""
_MOST_MEMBERS = 64
"""Parts of one gzip body; real clients send one, and each part costs a copy of what follows it."""


class Refused(Exception):
    """The request is not taken: an HTTP status and words for the sender."""

    def __init__(self, status: int, message: str, retry_after_s: int | None = None, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after_s = retry_after_s
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Expander:
    """Decompresses a stream of chunks piece by piece; no piece is larger than a step, whatever the ratio."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._stream: zlib._Decompress | None = None
        self._members = 0

    def expand(self, data: bytes) -> Iterator[bytes]:
        """Yield what these bytes decompress to.

        Raises:
            Refused: they are not in the encoding.
        """
        pending = False
        while data or pending:
            if self._stream is None:
                self._stream = self._begin(data)
            try:
                piece = self._stream.decompress(data, _STEP)
            except zlib.error as error:
                raise Refused(400, f"The body is not {self._encoding}.") from error
            pending = len(piece) == _STEP
            if piece:
                yield piece
            data = self._stream.unconsumed_tail
            if self._stream.eof:
                data, self._stream, pending = self._stream.unused_data, None, False

    def finish(self) -> None:
        """Check that the stream is whole.

        Raises:
            Refused: it ends too early.
        """
        if self._stream is not None:
            raise Refused(400, f"The {self._encoding} body ends too early.")

    def _begin(self, data: bytes) -> zlib._Decompress:
        self._members += 1
        if self._members > (_MOST_MEMBERS if self._encoding == "gzip" else 1):
            raise Refused(400, f"The {self._encoding} body has too many parts.")
        if self._encoding == "gzip":
            return zlib.decompressobj(wbits=31)
        # “deflate” is a zlib stream by the standard and a bare one from some clients: the first byte tells.
        return zlib.decompressobj(wbits=15 if data[0] & 0x0F == 8 else -15)


def encoding_of(request: Request) -> str:
    """Return the body's content encoding, empty for none.

    Raises:
        Refused: it is none of `ENCODINGS`.
    """
    named = ",".join(request.headers.getlist("content-encoding")).strip().lower()
    if named in {"", "identity"}:
        return ""
    if named not in ENCODINGS:
        raise Refused(415, "Content-Encoding may be gzip or deflate.", accept_encoding=", ".join(ENCODINGS))
    return named


async def read_body(request: Request, most: int, place: Place, limits: ServerLimits) -> bytes:
    """Return the decompressed body.

    Args:
        most: bytes it may have, both as sent and decompressed.
        place: where the request holds its part of the budget.

    Raises:
        Refused: too large, too slow, damaged, or the client went away.
        Busy: the budget has no room for it now.
    """
    encoding = encoding_of(request)
    declared = _declared(request)
    if declared > most:
        raise _too_large(most)
    if not encoding:
        place.hold(declared)
    expander = Expander(encoding) if encoding else None
    loop = asyncio.get_running_loop()
    last = loop.time() + limits.body_seconds
    body, sent = BytesIO(), 0
    try:
        async with asyncio.timeout(limits.idle_seconds) as clock:
            async for chunk in request.stream():
                clock.reschedule(min(loop.time() + limits.idle_seconds, last))
                sent += len(chunk)
                if sent > most:
                    raise _too_large(most)
                for piece in expander.expand(chunk) if expander is not None else (chunk,):
                    size = body.tell() + len(piece)
                    if size > most:
                        raise _too_large(most)
                    place.hold(size)
                    body.write(piece)
                    if len(piece) == _STEP:
                        await asyncio.sleep(0)
    except TimeoutError:
        raise Refused(408, "The body came too slowly.", connection="close") from None
    except ClientDisconnect:
        raise Refused(400, "The client went away within the body.") from None
    if expander is not None:
        expander.finish()
    return body.getvalue()


def _declared(request: Request) -> int:
    text = request.headers.get("content-length", "0")
    if not text.isascii() or not text.isdigit():
        raise Refused(400, "Content-Length is no number.")
    return int(text)


def _too_large(most: int) -> Refused:
    return Refused(413, f"Payload too large: at most {most:,} bytes, also after decompression.")
