"""Reading source files: gzip or plain, JSON Lines, JSON documents and big arrays. No format is known here.

Every reader survives hostile bytes: what cannot be decoded becomes a `RecordProblem`, never an exception. Only
`OSError` (the file cannot be opened or read) passes through.
"""

from __future__ import annotations

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from aa_tui.backend.model.event import RecordProblem
from aa_tui.backend.sources.contract import Head

HEAD_BYTES = 64 * 1024
"""How much of a file `head_of` reads."""
MAX_LINE_BYTES = 256 * 1024 * 1024
"""Longer lines are passed over: no agent writes them, and one must not fill the memory."""
INCOMPLETE_LAST_LINE = "incomplete last line, will be read when the file grows"

_GZIP_MAGIC = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_CHUNK = 256 * 1024
_WHITE = re.compile(r"[ \t\n\r\ufeff]*")
_LONGEST_INT = 4000
_OUTLINED_RECORDS = 20
_OUTLINED_LINES = 60

OnBytes = Callable[[int], None]


def _lenient_int(digits: str) -> int | str:
    """Integers too long for Python's conversion limit stay text: they can only be ids."""
    return int(digits) if len(digits) <= _LONGEST_INT else digits


_LENIENT = json.JSONDecoder(parse_int=_lenient_int, strict=False)


def open_stream(path: Path) -> BinaryIO:
    """Open a file for reading decompressed bytes; gzip is recognised by its first two bytes, not by the name.

    Raises:
        OSError: the file cannot be opened.
    """
    raw = path.open("rb")
    try:
        magic = raw.read(2)
        raw.seek(0)
    except BaseException:
        raw.close()
        raise
    if magic != _GZIP_MAGIC:
        return raw
    raw.close()
    return cast(BinaryIO, gzip.open(path, "rb"))


def head_of(path: Path) -> Head:
    """Return the first 64 KiB of the decompressed content; a broken gzip file gives what could be read.

    Raises:
        OSError: the file cannot be opened or read.
    """
    start = bytearray()
    with open_stream(path) as stream:
        try:
            while len(start) < HEAD_BYTES and (chunk := stream.read(min(8192, HEAD_BYTES - len(start)))):
                start += chunk
        except (EOFError, zlib.error, gzip.BadGzipFile):
            pass
    return Head(path, bytes(start[3:] if start.startswith(_BOM) else start))


def _decode_text(raw: bytes) -> tuple[str, bool]:
    """Return the text and whether bytes that are not UTF-8 had to be replaced."""
    try:
        return raw.decode("utf-8"), False
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace"), True


def decode_objects(text: str) -> tuple[list[Any], str | None]:
    """Decode all JSON values glued together in `text`; return them and why the rest could not be decoded, if so."""
    found: list[Any] = []
    position = cast(re.Match[str], _WHITE.match(text)).end()
    while position < len(text):
        try:
            value, position = _LENIENT.raw_decode(text, position)
        except json.JSONDecodeError as error:
            return found, f"not JSON: {error.msg} at column {error.pos + 1}"
        except RecursionError:
            return found, "nested too deeply"
        except ValueError as error:
            return found, f"not JSON: {error}"
        found.append(value)
        position = cast(re.Match[str], _WHITE.match(text, position)).end()
    return found, None


def iter_json_records(
    path: Path, on_bytes: OnBytes | None = None, skip: Callable[[bytes], bool] | None = None
) -> Iterator[tuple[int, Any] | RecordProblem]:
    """Yield (1-based line in the decompressed file, decoded value) for each record of a JSON Lines file.

    Lines end at `\\n` only. Objects glued together on one line are all yielded under its number. A line that cannot be
    decoded yields a `RecordProblem` in its place; a last line that has no line break and cannot be decoded is taken
    for one still being written. Lines for which `skip` returns True are passed over undecoded.

    Raises:
        OSError: the file cannot be opened or read.
    """
    number = 0
    unreported = 0
    with open_stream(path) as stream:
        while True:
            try:
                raw = stream.readline(MAX_LINE_BYTES)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                yield RecordProblem(number + 1, f"the compressed data ends or breaks here: {error}")
                break
            if not raw:
                break
            number += 1
            unreported += len(raw)
            if on_bytes is not None and unreported >= _CHUNK:
                on_bytes(unreported)
                unreported = 0
            if len(raw) >= MAX_LINE_BYTES and not raw.endswith(b"\n"):
                yield RecordProblem(number, f"line longer than {MAX_LINE_BYTES} bytes")
                _skip_line(stream)
                continue
            if number == 1 and raw.startswith(_BOM):
                raw = raw[3:]
            if skip is not None and skip(raw):
                continue
            try:
                value = json.loads(raw.decode("utf-8"))
            except (ValueError, RecursionError):
                yield from _decode_line(number, raw)
            else:
                yield number, value
    if on_bytes is not None and unreported:
        on_bytes(unreported)


def _skip_line(stream: IO[bytes]) -> None:
    try:
        while (rest := stream.readline(_CHUNK)) and not rest.endswith(b"\n"):
            pass
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return


def _decode_line(number: int, raw: bytes) -> Iterator[tuple[int, Any] | RecordProblem]:
    if not raw.strip():
        return
    text, replaced = _decode_text(raw)
    values, reason = decode_objects(text)
    for value in values:
        yield number, value
    if reason is not None:
        yield RecordProblem(number, reason if raw.endswith(b"\n") else INCOMPLETE_LAST_LINE)
    elif replaced:
        yield RecordProblem(number, "bytes that are not UTF-8 were replaced", skipped=False)


def load_json_document(path: Path, on_bytes: OnBytes | None = None) -> Any | RecordProblem:
    """Return the one JSON value a file holds, however it is laid out, or a `RecordProblem` that says why not.

    Raises:
        OSError: the file cannot be opened or read.
    """
    pieces: list[bytes] = []
    with open_stream(path) as stream:
        try:
            while chunk := stream.read(_CHUNK):
                pieces.append(chunk)
                if on_bytes is not None:
                    on_bytes(len(chunk))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            return RecordProblem(None, f"the compressed data ends or breaks: {error}")
    raw = b"".join(pieces)
    text, _ = _decode_text(raw[3:] if raw.startswith(_BOM) else raw)
    del raw, pieces
    values, reason = decode_objects(text)
    if not values:
        return RecordProblem(None, reason or "empty file")
    return values[0]


class _Window:
    """The part of a big document that is in memory; grows by doubling so that decoding stays linear."""

    def __init__(self, stream: BinaryIO, on_bytes: OnBytes | None) -> None:
        self.text = ""
        self.position = 0
        self.broken: str | None = None
        self._ended = False
        self._stream = stream
        self._on_bytes = on_bytes
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def _grow(self) -> None:
        kept = self.text[self.position :]
        try:
            chunk = self._stream.read(max(_CHUNK, len(kept)))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.broken = f"the compressed data ends or breaks: {error}"
            chunk = b""
        if chunk and self._on_bytes is not None:
            self._on_bytes(len(chunk))
        self._ended = not chunk
        self.text = kept + self._decoder.decode(chunk, final=self._ended)
        self.position = 0

    def peek(self) -> str:
        """Return the next character that is not white space, or "" at the end."""
        while True:
            self.position = cast(re.Match[str], _WHITE.match(self.text, self.position)).end()
            if self.position < len(self.text):
                return self.text[self.position]
            if self._ended:
                return ""
            self._grow()

    def value(self) -> Any:
        """Decode the value at the position. Raises ValueError or RecursionError."""
        self.peek()
        while True:
            try:
                value, end = _LENIENT.raw_decode(self.text, self.position)
            except ValueError:
                if self._ended:
                    raise
            else:
                if end < len(self.text) or self._ended:
                    self.position = end
                    return value
            self._grow()


def iter_json_members(
    path: Path, streamed: Collection[str] = (), on_bytes: OnBytes | None = None
) -> Iterator[tuple[str | None, int, Any] | RecordProblem]:
    """Yield the members of one big JSON document without holding it whole.

    A top-level array yields (None, index, element) for each element. A top-level object yields (key, 0, value) for
    each member, but the elements of an array under a key in `streamed` come one by one as (key, index, element).
    Where the document breaks off, one `RecordProblem` ends the stream.

    Raises:
        OSError: the file cannot be opened or read.
    """
    with open_stream(path) as stream:
        window = _Window(stream, on_bytes)
        at = 0
        try:
            opening = window.peek()
            if opening == "[":
                for at, value in _elements(window):
                    yield None, at, value
                return
            if opening != "{":
                yield RecordProblem(None, "neither a JSON object nor an array")
                return
            window.position += 1
            while window.peek() not in ("}", ""):
                key = window.value()
                if not isinstance(key, str) or window.peek() != ":":
                    raise ValueError("a member name was expected")
                window.position += 1
                if key in streamed and window.peek() == "[":
                    for at, value in _elements(window):
                        yield key, at, value
                else:
                    yield key, 0, window.value()
                if window.peek() == ",":
                    window.position += 1
                elif window.peek() != "}":
                    raise ValueError("the document ends early")
            if window.peek() == "":
                raise ValueError("the document ends early")
        except RecursionError:
            yield RecordProblem(at + 1, "nested too deeply; the rest of the document was not read")
        except ValueError as error:
            yield RecordProblem(at + 1, f"{window.broken or error}; the rest of the document was not read")


def _elements(window: _Window) -> Iterator[tuple[int, Any]]:
    window.position += 1
    index = 0
    while window.peek() not in ("]", ""):
        yield index, window.value()
        index += 1
        following = window.peek()
        if following == ",":
            window.position += 1
        elif following != "]":
            raise ValueError("an array ends early or an element is malformed")
    if window.peek() == "":
        raise ValueError("an array ends early")
    window.position += 1


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]')


@dataclass(frozen=True, slots=True)
class Outline:
    """What the head of a file shows of its JSON, complete or cut off."""

    opening: str
    """`{`, `[` or "" when the content is not a JSON object or array."""
    keys: frozenset[str]
    """Member names of the first object: the document itself, or the first element of the array, or the first line."""
    records: tuple[dict[str, Any], ...]
    """Objects of JSON Lines that are complete in the head (several only when it is JSON Lines); for an array, its
    leading complete objects."""


_latest_outline: tuple[Head, Outline] | None = None
"""Every source asks for the outline of the same head in turn."""


def outline(head: Head) -> Outline:
    """Return the shape of a file's head for `sniff`. Never raises."""
    global _latest_outline
    latest = _latest_outline
    if latest is not None and latest[0] is head:
        return latest[1]
    found = _outline(head)
    _latest_outline = (head, found)
    return found


def _outline(head: Head) -> Outline:
    text = head.start.decode("utf-8", "replace")
    start = cast(re.Match[str], _WHITE.match(text)).end()
    opening = text[start : start + 1]
    if opening not in ("{", "["):
        return _outline_of_lines(text)
    records: list[dict[str, Any]] = []
    position = start + 1 if opening == "[" else start
    while len(records) < _OUTLINED_RECORDS:
        position = cast(re.Match[str], _WHITE.match(text, position)).end()
        if opening == "[" and text[position : position + 1] == ",":
            position = cast(re.Match[str], _WHITE.match(text, position + 1)).end()
        try:
            value, position = _LENIENT.raw_decode(text, position)
        except (ValueError, RecursionError):
            break
        if isinstance(value, dict) and value:
            records.append(value)
    if not records:
        lines = _outline_of_lines(text)
        return lines if lines.records else Outline(opening, _first_keys(text, start, 2 if opening == "[" else 1), ())
    return Outline(opening, frozenset(records[0]), tuple(records))


def _outline_of_lines(text: str) -> Outline:
    """Return the outline of JSON Lines whose beginning is damaged; one that shows nothing when it is none."""
    records = _objects_of_lines(text)
    return Outline("{", frozenset(records[0]), tuple(records)) if records else Outline("", frozenset(), ())


def _objects_of_lines(text: str) -> list[dict[str, Any]]:
    """Return the objects that stand on a line of their own, if that is what most of the whole lines are.

    The members of a document that is laid out over lines end in commas or begin with names, or are few beside its
    brackets.
    """
    lines = [line for line in text.split("\n")[:-1] if line.strip()][:_OUTLINED_LINES]
    records: list[dict[str, Any]] = []
    for line in lines:
        if line.lstrip().startswith("{"):
            values, reason = decode_objects(line)
            if reason is None and isinstance(values[0], dict) and values[0]:
                records.append(values[0])
    return records[:_OUTLINED_RECORDS] if 2 * len(records) > len(lines) else []


def _first_keys(text: str, start: int, wanted_depth: int) -> frozenset[str]:
    """Collect the member names of the first object at a depth of a document that is cut off."""
    keys: set[str] = set()
    depth = 0
    last: str | None = None
    for match in _TOKEN.finditer(text, start):
        token = match.group()
        if token in "[{":
            depth += 1
        elif token in "]}":
            depth -= 1
            if depth < wanted_depth:
                break
        elif token == ":" and depth == wanted_depth and last is not None:
            keys.add(last)
        last = token[1:-1] if token[0] == '"' else None
    return frozenset(keys)


def is_json_lines(head: Head) -> bool:
    """Tell whether the file can be read line by line: its first line holds whole records, or is longer than the head.

    A document that stands on one line counts as JSON Lines of one record, unless it is an array.
    """
    content = head.start.lstrip()
    if b"\n" not in content and len(head.start) >= HEAD_BYTES:
        return content.startswith(b"{")
    values, reason = decode_objects(_decode_text(content.split(b"\n", 1)[0])[0])
    if reason is None and bool(values) and not isinstance(values[0], list):
        return True
    # The first line may be the damaged one.
    return bool(_objects_of_lines(_decode_text(head.start)[0]))
