"""Receiving live data for every project of a store: check, store durably, answer; then turn into events. No HTTP here.

An answer that says "accepted" is given after the commit to the inbox; `drain`, called in a loop by whoever hosts it,
does the rest. So a process that dies anywhere loses nothing it acknowledged, and stores nothing twice.
"""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from aa_tui.backend.ingest import privacy
from aa_tui.backend.ingest.acceptance import Acceptance, Full, Parcel
from aa_tui.backend.ingest.arrivals import Arrivals, ArrivalTimes, Drained
from aa_tui.backend.ingest.privacy import KEEP_ALL, PrivacyRules
from aa_tui.backend.ingest.privacy.spans import RESOURCE_MODE
from aa_tui.backend.sources.amplitude_event import (
    DEFAULT_MIN_ID_LENGTH,
    InvalidEvent,
    amplitude_event,
    check_event,
    event_from_amplitude,
)
from aa_tui.backend.sources.otel.neutral import NEUTRAL, pack
from aa_tui.backend.sources.otel.requests import (
    WITHOUT_ID,
    Encoding,
    Looked,
    NotOtlp,
    is_of_use,
    log_records,
    look_at_logs,
    look_at_traces,
    spans_of,
)
from aa_tui.backend.store import decisions, inbox
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.cancel import CancelToken
from aa_tui.backend.support.clock import Clock
from aa_tui.backend.support.errors import StoreError
from aa_tui.backend.support.ids import text_hash

__all__ = [
    "Answer",
    "Drained",
    "OtlpAnswer",
    "Receiving",
    "ReceivingLimits",
    "ReceivingProblem",
    "ReceivingProject",
    "ReceivingStatus",
]

_PROJECTS_MS = 1_000
"""How old what is known of the projects' settings may be. An unknown key is always looked up anew."""
_DAILY: dict[str, dict[str, Any]] = {"exceeded_daily_quota_users": {}, "exceeded_daily_quota_devices": {}}


@dataclass(frozen=True, slots=True)
class ReceivingLimits:
    """What receiving may take at most, and how long raw requests are kept."""

    most_events: int = 2_000
    """Events of one Amplitude request; beyond: 413."""
    amplitude_bytes: int = 20_000_000
    """Of one Amplitude request, decompressed; beyond: 413."""
    otlp_bytes: int = 64 * 1024 * 1024
    """Of one OTLP request, decompressed; beyond: 413."""
    queue_rows: int = 20_000
    queue_bytes: int = 256 * 1024 * 1024
    """What may wait to be drained, as it is stored; beyond: 429."""
    retry_after_s: int = 5
    """What a refused client is told to wait."""
    times: ArrivalTimes = field(default_factory=ArrivalTimes)


@dataclass(frozen=True, slots=True)
class ReceivingProject:
    """The project a key belongs to."""

    id: int
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    rules: PrivacyRules = KEEP_ALL
    """What may be stored of what arrives."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an Amplitude client is told. `body` is a JSON object that holds `code`."""

    status: int
    body: dict[str, Any]
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class OtlpAnswer:
    """What an OTLP client is told; the door encodes it as the request was."""

    status: int
    """200, 400, 413, 429 or 503."""
    rejected: int = 0
    """Spans or log records that cannot be used; with 200 a partial success."""
    message: str = ""
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class ReceivingProblem:
    """Something that was refused or could not be used, counted."""

    project_id: int
    kind: str
    """`amplitude`, `traces` or `logs`."""
    reason: str
    items: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class ReceivingStatus:
    """How receiving goes. Counts are of this process, the queue is the store's."""

    received: int
    """Events, spans and log records acknowledged."""
    stored: int
    """Of those drained here, how many were turned into events or needed no event."""
    waiting_rows: int
    waiting_items: int
    waiting_bytes: int
    last_ms: int | None
    """When the last request was acknowledged."""
    problems: tuple[ReceivingProblem, ...]
    """Of all projects and processes, the newest first."""


class Receiving:
    """Takes requests for all projects of one store. Thread-safe; accepting blocks its thread until the commit."""

    def __init__(self, store: Store, clock: Clock, limits: ReceivingLimits | None = None) -> None:
        self._store = store
        self._clock = clock
        self.limits = limits or ReceivingLimits()
        self._acceptance = Acceptance(store, clock, self.limits.queue_rows, self.limits.queue_bytes)
        self._arrivals = Arrivals(store, clock, self.limits.times)
        self._lock = threading.Lock()
        self._projects: dict[bytes, tuple[bytes, ReceivingProject]] = {}
        self._projects_ms: int | None = None
        self._received = 0
        self._stored = 0
        self._last_ms: int | None = None

    # --- whose key -------------------------------------------------------------------------------------------------

    def project_of(self, key: str) -> ReceivingProject | None:
        """Return the project a key belongs to, None for no project's; takes as long for one as for the other.

        Raises:
            StoreError: the store cannot be read.
        """
        now = self._clock.now_ms()
        with self._lock:
            known_ms = self._projects_ms
        stale = known_ms is None or not 0 <= now - known_ms < _PROJECTS_MS
        if stale:
            self._load_projects(now)
        found = self._find(key)
        if found is None and not stale:
            # A key made a moment ago must not be called invalid: that stops clients for good.
            self._load_projects(now)
            found = self._find(key)
        return found

    def _load_projects(self, now: int) -> None:
        with self._store.reader() as reader:
            rows = decisions.projects(reader)
        found: dict[bytes, tuple[bytes, ReceivingProject]] = {}
        for id_, name, key, _, text in rows:
            settings: Any = {}
            with suppress(ValueError):
                settings = json.loads(text)
            settings = settings if isinstance(settings, dict) else {}
            raw = str(key).encode()
            found[_digest(raw)] = raw, ReceivingProject(id_, name, settings, privacy.rules_of(settings))
        with self._lock:
            self._projects, self._projects_ms = found, now

    def _find(self, key: str) -> ReceivingProject | None:
        raw = key.encode("utf-8", "surrogatepass")
        with self._lock:
            known = self._projects.get(_digest(raw))
        if known is None or not hmac.compare_digest(known[0], raw):
            return None
        return known[1]

    # --- Amplitude -------------------------------------------------------------------------------------------------

    def amplitude(self, body: bytes) -> Answer:
        """Take the body of a request to `/2/httpapi` or `/batch`, decompressed; the key stands in it.

        Every answer is JSON with a `code`, which is what clients act on. 200 is given after the commit.
        """
        limits = self.limits
        if len(body) > limits.amplitude_bytes:
            return _too_large()
        try:
            sent = json.loads(body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            # Without a missing field clients would send the same again and again.
            return _refused("The request body is not JSON.", missing_field="events")
        if not isinstance(sent, dict):
            return _refused("The request body is not a JSON object.", missing_field="events")
        key = sent.get("api_key")
        if not isinstance(key, str) or not key:
            return _refused("Request missing required field", missing_field="api_key")
        events = sent.get("events")
        try:
            project = self.project_of(key)
            if project is None:
                return _refused("Invalid API key: it is the key of no project here.")
            if not isinstance(events, list):
                return _refused("Request missing required field", missing_field="events")
            if len(events) > limits.most_events:
                return _too_large()
            return self._take(project, events, sent.get("options"), len(body))
        except Full:
            return Answer(429, _throttled(len(events) if isinstance(events, list) else 0), limits.retry_after_s)
        except StoreError:
            return Answer(503, {"code": 503, "error": "The store cannot be written; send again."}, limits.retry_after_s)

    def _take(self, project: ReceivingProject, events: list[Any], options: Any, size: int) -> Answer:
        shortest = _min_id_length(options, project.settings)
        wrong = _Wrong()
        for at, record in enumerate(events):
            try:
                check_event(record if isinstance(record, dict) else {}, shortest)
            except InvalidEvent as error:
                wrong.add(at, error)
        now = self._clock.now_ms()
        if wrong:
            self._acceptance.put((), {(project.id, "amplitude", reason): n for reason, n in wrong.reasons.items()})
            return wrong.answer()
        if events:
            for at, record in enumerate(events):
                if record.get("time") is None and not record.get("insert_id") and not record.get("$insert_id"):
                    # Nothing tells two such events apart but that they were sent twice.
                    record["insert_id"] = text_hash(str(now), str(at), json.dumps(record, sort_keys=True))
            kept = [_kept(record, at, project.rules, shortest, now) for at, record in enumerate(events)]
            text = json.dumps({"min_id_length": shortest, "events": kept}, separators=(",", ":"))
            self._acceptance.put([Parcel(project.id, "amplitude", "json", now, len(events), text.encode())])
            self._count(len(events), now)
        body = {
            "code": 200,
            "events_ingested": len(events),
            "payload_size_bytes": size,
            "server_upload_time": now,
        }
        return Answer(200, body)

    # --- OTLP ------------------------------------------------------------------------------------------------------

    def traces(self, project: ReceivingProject, body: bytes, encoding: Encoding) -> OtlpAnswer:
        """Take the decompressed body of a trace export request; 200 is given after the commit."""
        return self._otlp(project, "traces", body, encoding, look_at_traces)

    def logs(self, project: ReceivingProject, body: bytes, encoding: Encoding) -> OtlpAnswer:
        """Take the decompressed body of a log export request; 200 is given after the commit."""
        return self._otlp(project, "logs", body, encoding, look_at_logs)

    def _otlp(
        self,
        project: ReceivingProject,
        kind: str,
        body: bytes,
        encoding: Encoding,
        look: Callable[[bytes, Encoding], Looked],
    ) -> OtlpAnswer:
        if len(body) > self.limits.otlp_bytes:
            return OtlpAnswer(413, message="Payload too large")
        now = self._clock.now_ms()
        try:
            looked = look(body, encoding)
        except NotOtlp as error:
            return OtlpAnswer(400, message=str(error))
        refused = {(project.id, kind, WITHOUT_ID): looked.rejected} if looked.rejected else {}
        try:
            parcels = [_parcel(project, kind, encoding, now, items, part) for items, part in looked.parts]
            self._acceptance.put(parcels, refused)
        except Full:
            said = "The receiver still stores what it received before; send again later."
            return OtlpAnswer(429, message=said, retry_after_s=self.limits.retry_after_s)
        except StoreError:
            said = "The store cannot be written; send again later."
            return OtlpAnswer(503, message=said, retry_after_s=self.limits.retry_after_s)
        self._count(looked.items, now)
        return OtlpAnswer(200, looked.rejected, looked.message)

    def _count(self, items: int, now: int) -> None:
        with self._lock:
            self._received += items
            self._last_ms = now

    # --- draining --------------------------------------------------------------------------------------------------

    def drain(self, token: CancelToken, max_items: int = 10_000) -> Drained:
        """Turn about `max_items` of what waits into events; one round. Does nothing while another process drains.

        Raises:
            Cancelled: the token was cancelled; what was not finished is done again by the next round.
            StoreError: the store cannot be written.
        """
        drained = self._arrivals.drain(token, max_items)
        with self._lock:
            self._stored += drained.items
        return drained

    def status(self) -> ReceivingStatus:
        """Return how receiving goes.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._store.reader() as reader:
            waiting = inbox.load(reader)
            problems = tuple(ReceivingProblem(*row) for row in inbox.problems(reader))
        with self._lock:
            received, stored, last_ms = self._received, self._stored, self._last_ms
        return ReceivingStatus(received, stored, waiting.rows, waiting.items, waiting.size, last_ms, problems)

    def close(self) -> None:
        """Let another process drain. The store stays open; closing twice is harmless."""
        self._arrivals.close()


class _Wrong:
    """The events of a request that must be refused, in the words clients act on."""

    def __init__(self) -> None:
        self.missing: dict[str, list[int]] = {}
        self.invalid: dict[str, list[int]] = {}
        self.lengths: dict[str, list[int]] = {}
        self.reasons: dict[str, int] = {}

    def __bool__(self) -> bool:
        return bool(self.reasons)

    def add(self, at: int, error: InvalidEvent) -> None:
        """Note why the event at a place is refused."""
        if error.too_short:
            for name in error.too_short:
                self.lengths.setdefault(name, []).append(at)
        else:
            (self.missing if error.missing else self.invalid).setdefault(error.field, []).append(at)
        reason = str(error)
        self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def answer(self) -> Answer:
        """Return the answer that has the client drop these events and send the others again."""
        body: dict[str, Any] = {"code": 400, "error": "Invalid or missing fields on some events; nothing was stored."}
        for name, places in (
            ("events_with_missing_fields", self.missing),
            ("events_with_invalid_fields", self.invalid),
            ("events_with_invalid_id_lengths", self.lengths),
        ):
            if places:
                body[name] = places
        return Answer(400, body)


def _kept(record: dict[str, Any], at: int, rules: PrivacyRules, shortest: int, now: int) -> dict[str, Any]:
    """Return an event as it may be stored: what is withheld or redacted never touches the disk."""
    given = record.get("event_properties")
    mode = given.get(privacy.CONTENT_MODE) if isinstance(given, dict) else None
    if rules.keeps_all and mode in (None, "", privacy.ContentMode.FULL.value):
        return record
    event = event_from_amplitude(record, at, min_id_length=shortest, received_ms=now)
    kept = privacy.apply(event, rules)
    return record if kept is event else amplitude_event(kept)


def _parcel(project: ReceivingProject, kind: str, encoding: Encoding, now: int, items: int, body: bytes) -> Parcel:
    """Return a part of an OTLP request as it may be stored."""
    if project.rules.keeps_all and RESOURCE_MODE.encode() not in body:
        return Parcel(project.id, kind, encoding, now, items, body)
    if kind == "traces":
        spans, _ = privacy.strip_spans(spans_of(body, encoding), (), project.rules)
        return Parcel(project.id, kind, NEUTRAL, now, items, pack(spans))
    of_use = filter(is_of_use, log_records(body, encoding))
    _, logs = privacy.strip_spans((), of_use, project.rules)
    return Parcel(project.id, kind, NEUTRAL, now, items, pack((), logs))


def _digest(key: bytes) -> bytes:
    return blake2b(key, digest_size=16).digest()


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _min_id_length(options: Any, settings: Mapping[str, Any]) -> int:
    """Return the shortest id allowed: the request's own wish, else the project's setting, else 1."""
    for given in (options.get("min_id_length") if isinstance(options, dict) else None, settings.get("min_id_length")):
        if isinstance(given, int) and not isinstance(given, bool) and 0 < given <= 1_000:
            return given
    return DEFAULT_MIN_ID_LENGTH


def _refused(error: str, missing_field: str | None = None) -> Answer:
    body: dict[str, Any] = {"code": 400, "error": error}
    if missing_field is not None:
        body["missing_field"] = missing_field
    return Answer(400, body)


def _too_large() -> Answer:
    return Answer(413, {"code": 413, "error": "Payload too large"})


def _throttled(count: int) -> dict[str, Any]:
    return {
        "code": 429,
        "error": "Too many requests: what was received before is still being stored.",
        "eps_threshold": 0,
        "throttled_devices": {},
        "throttled_users": {},
        "throttled_events": list(range(count)),
        **_DAILY,
    }
