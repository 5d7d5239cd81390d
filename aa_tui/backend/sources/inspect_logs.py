"""Inspect AI evaluation logs, as JSON and as `.eval` archives: a sample is a session. Only this format is known here.

The conversation comes from the recorded events; logs without events are read from their messages. What a scorer asked
a model is the judge's doing: it stays out of the session's tokens and is kept beside them. Scores of code are verified
outcomes, scores of a model are verdicts.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aa_tui.backend.model.event import (
    AgentEvent,
    EventKind,
    ImportedLabel,
    ImportedResult,
    Part,
    RecordProblem,
    SourceItem,
    TimeQuality,
)
from aa_tui.backend.sources import reading
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.otel.messages import Message, finish_reason, parse, shown_calls
from aa_tui.backend.sources.shapes import Shape, misfits
from aa_tui.backend.sources.users import user_for
from aa_tui.backend.sources.values import elapsed_ms, encoded, instant_ms, items, mapping, number, text, whole

if TYPE_CHECKING:
    import zipfile

_REFERENCE = re.compile(r"(?:attachment|tc)://([0-9a-f]{16,64})\Z")
_DEEPEST = 60
_ZIP = b"PK\x03\x04"
_IN_ARCHIVE = (b"_journal/start.json", b"samples/", b"header.json")
_SAMPLE = re.compile(r"samples/[^/]+\.json\Z")
LARGEST_MEMBER = 512 * 1024 * 1024
"""Bytes of one sample in an archive; a bigger one is passed over, whatever its compressed size."""
_VERDICTS = {"C": True, "I": False, "N": False}
_AGENT_SPANS = frozenset({"agent", "handoff", "subtask"})


_SHAPE: Shape = {
    "messages": [{"role!": frozenset({"system", "user", "assistant", "tool"}), "content": (str, list)}],
    "events": [{"event!": str}],
    "scores": dict,
    "score": dict,
}


class _Sample:
    """One sample while it is turned into events."""

    def __init__(
        self, path: Path, sample: dict[str, Any], log: dict[str, Any], first_seq: int, options: ReadOptions
    ) -> None:
        self.attachments = {
            **mapping(mapping(sample.get("transcript")).get("content")),
            **mapping(sample.get("attachments")),
        }
        self.sample = sample
        self.eval = mapping(log.get("eval"))
        run = text(self.eval.get("eval_id")) or text(self.eval.get("run_id")) or path.name
        self.key = f"{run}/{encoded(sample.get('id'))}/{whole(sample.get('epoch')) or 1}"
        self.user = user_for(options, self.key, (str(path),))
        dataset = mapping(self.eval.get("dataset"))
        known = {
            "task": text(self.eval.get("task")),
            "sample": encoded(sample.get("id")),
            "epoch": encoded(sample.get("epoch")),
            "dataset": text(dataset.get("name")),
            "status": text(log.get("status")),
            "limit": text(mapping(sample.get("limit")).get("type")),
            "version": text(mapping(self.eval.get("packages")).get("inspect_ai")),
        }
        self.context = {name: value for name, value in known.items() if value}
        self.seq = first_seq
        self.turn = 0
        self.now = instant_ms(self.eval.get("created"))
        self.events: list[AgentEvent] = []
        self.heard: set[str] = set()
        self.prompts: set[str] = set()
        self.asked_by: dict[str, str] = {}
        self.arguments: dict[str, Any] = {}
        self.scorer_of: dict[str, str] = {}
        self.open_scorers: list[str] = []
        self.open_spans: dict[str, AgentEvent] = {}
        self.judged: dict[str, dict[str, int]] = {}
        self.judges: dict[str, str] = {}
        self.scored_ms: dict[str, int] = {}

    def _event(self, kind: EventKind, key: str, **fields: Any) -> AgentEvent:
        self.seq += 1
        event = AgentEvent(
            kind=kind,
            insert_id=f"inspect:{self.key}:{key}",
            session_key=self.key,
            user_id=self.user,
            time_ms=self.now,
            time_quality=TimeQuality.EXACT if self.now is not None else TimeQuality.ORDER_ONLY,
            seq=self.seq,
            trace_id=f"{self.key}#{self.turn}",
            agent_id=text(self.eval.get("task")) or "inspect",
            context=self.context,
            **fields,
        )
        self.events.append(event)
        return event

    def map(self) -> list[AgentEvent]:
        recorded = items(self.sample.get("events")) or items(mapping(self.sample.get("transcript")).get("events"))
        records = [mapping(self._resolved(one)) for one in recorded]
        if any(record.get("event") == "model" for record in records):
            self._records(records, "", 0)
        else:
            self._messages([mapping(self._resolved(one)) for one in items(self.sample.get("messages"))])
        self._close()
        return self.events

    def _resolved(self, value: Any, depth: int = 0) -> Any:
        """Put the texts that are stored apart back into their places."""
        if isinstance(value, str):
            match = _REFERENCE.match(value)
            found = self.attachments.get(match.group(1)) if match is not None else None
            return found if isinstance(found, str) else value
        if depth > _DEEPEST:
            return value
        if isinstance(value, dict):
            return {key: self._resolved(one, depth + 1) for key, one in value.items()}
        return [self._resolved(one, depth + 1) for one in value] if isinstance(value, list) else value

    # --- from events -----------------------------------------------------------------------------------------------

    def _records(self, records: list[dict[str, Any]], prefix: str, depth: int) -> None:
        for index, record in enumerate(records):
            key = f"{prefix}{index}"
            kind = record.get("event")
            at_ms = instant_ms(record.get("timestamp"))
            self.now = at_ms if at_ms is not None else self.now
            if kind == "span_begin":
                self._span_begin(record, key)
            elif kind == "span_end":
                if (ended := self.open_spans.pop(str(record.get("id")), None)) is not None:
                    ended.latency_ms = elapsed_ms(ended.time_ms, self.now)
                    ended.time_ms = self.now
            elif kind == "step" and record.get("type") == "scorer":
                if record.get("action") == "begin":
                    self.open_scorers.append(text(record.get("name")) or "scorer")
                elif self.open_scorers:
                    self.open_scorers.pop()
            elif kind == "model":
                self._model(record, key)
            elif kind == "tool":
                self._tool(record, key)
                if depth < _DEEPEST:
                    self._records([mapping(one) for one in items(record.get("events"))], f"{key}.", depth + 1)
            elif kind == "score":
                scorer = self._scorer(record)
                if scorer is not None and self.now is not None:
                    self.scored_ms[scorer] = self.now
            elif kind == "error":
                error = mapping(record.get("error"))
                self._failure(key, "error", text(error.get("message")), text(error.get("traceback")))

    def _span_begin(self, record: dict[str, Any], key: str) -> None:
        name, inside = str(record.get("id")), str(record.get("parent_id"))
        if record.get("type") == "scorer":
            self.scorer_of[name] = text(record.get("name")) or "scorer"
        elif inside in self.scorer_of:
            self.scorer_of[name] = self.scorer_of[inside]
        elif str(record.get("type")) in _AGENT_SPANS:
            self.open_spans[name] = self._event(
                EventKind.SPAN, key, span_id=f"{self.key}:{name}", name=text(record.get("name")) or "agent"
            )

    def _scorer(self, record: dict[str, Any]) -> str | None:
        found = self.scorer_of.get(str(record.get("span_id")))
        return found or (self.open_scorers[-1] if self.open_scorers else None)

    def _model(self, record: dict[str, Any], key: str) -> None:
        output = mapping(record.get("output"))
        usage = mapping(output.get("usage"))
        scorer = self._scorer(record)
        if scorer is not None:
            spent = self.judged.setdefault(scorer, {})
            for name in ("input_tokens", "output_tokens", "total_tokens"):
                spent[name] = spent.get(name, 0) + (whole(usage.get(name)) or 0)
            self.judges[scorer] = text(record.get("model")) or ""
            return
        took = number(output.get("time"))
        completed = instant_ms(record.get("completed"))
        started = self.now
        if completed is None and started is not None and took is not None:
            started -= int(min(max(took, 0), 10**7) * 1000)  # older logs stamp a call when it is over
        given = parse(record.get("input"), "user") if items(record.get("input")) else []
        finished, self.now = (completed if completed is not None else self.now), started
        self._hear(given, key)
        self.now = finished
        choice = mapping((items(output.get("choices")) or [None])[0])
        answered = parse([choice["message"]], "assistant") if isinstance(choice.get("message"), dict) else []
        event = self._answer(answered[-1] if answered else None, key)
        event.model = text(output.get("model")) or text(record.get("model"))
        provider = (text(record.get("model")) or "").partition("/")
        event.provider = provider[0] if provider[2] else None
        event.finish_reason = finish_reason(choice.get("stop_reason")) or event.finish_reason
        event.latency_ms = elapsed_ms(started, completed)
        if event.latency_ms is None and took is not None and took >= 0:
            event.latency_ms = took * 1000
        _count(event, usage)
        failed = text(record.get("error")) or text(output.get("error"))
        if failed is not None:
            event.is_error = True
            event.parts[Part.ERROR] = failed
        system = next((one.text for one in given if one.role == "system" and one.text), None)
        if system is not None and system not in self.prompts:
            self.prompts.add(system)
            event.parts[Part.SYSTEM_PROMPT] = system
        tools = encoded(record.get("tools")) if items(record.get("tools")) else None
        if tools is not None and tools not in self.prompts:
            self.prompts.add(tools)
            event.parts[Part.TOOL_DEFINITIONS] = tools

    def _hear(self, given: list[Message], key: str) -> None:
        """Add the messages of the user that were not in an earlier call."""
        is_new = True
        for position, message in enumerate(given):
            if message.role != "user" or message.is_result or not message.text or message.text in self.heard:
                continue
            self.heard.add(message.text)
            self.turn += is_new
            is_new = False
            own = f"{key}:user{position}"
            self._event(EventKind.USER_MESSAGE, own, span_id=f"{self.key}:{own}", text=message.text)

    def _answer(self, message: Message | None, key: str) -> AgentEvent:
        event = self._event(EventKind.AI_RESPONSE, key, span_id=f"{self.key}:{key}")
        if message is None:
            return event
        event.text = message.text
        if message.reasoning is not None:
            event.parts[Part.REASONING] = message.reasoning
        if message.calls:
            event.properties["[Agent] Tool Calls"] = shown_calls(message.calls)
            for call in message.calls:
                if (name := text(call.get("id"))) is not None:
                    self.asked_by[name] = f"{self.key}:{key}"
                    self.arguments[name] = call.get("arguments")
        return event

    def _tool(self, record: dict[str, Any], key: str) -> None:
        started = self.now
        completed = instant_ms(record.get("completed"))
        self.now = completed if completed is not None else self.now
        name = text(record.get("id"))
        event = self._event(
            EventKind.TOOL_CALL, key, span_id=f"{self.key}:{name or key}", parent_id=self.asked_by.get(name or "")
        )
        event.name = text(record.get("function")) or "unknown"
        took = number(record.get("working_time"))
        event.latency_ms = elapsed_ms(started, completed) if completed is not None else None
        if event.latency_ms is None and took is not None and took >= 0:
            event.latency_ms = took * 1000
        if (given := encoded(record.get("arguments"))) is not None:
            event.parts[Part.INPUT] = given
        result = record.get("result")
        if result not in (None, ""):
            event.parts[Part.OUTPUT] = _shown(result)
        self._tool_error(event, mapping(record.get("error")))

    def _tool_error(self, event: AgentEvent, error: dict[str, Any]) -> None:
        if not error:
            return
        event.is_error = True
        event.error_type = text(error.get("type"))
        if (message := text(error.get("message"))) is not None:
            event.parts[Part.ERROR] = message

    # --- from messages ---------------------------------------------------------------------------------------------

    def _messages(self, messages: list[dict[str, Any]]) -> None:
        last: AgentEvent | None = None
        for index, message in enumerate(messages):
            key = f"m{index}"
            if message.get("role") == "tool":
                self._tool_message(message, key)
                continue
            parsed = parse([message], "user")
            if message.get("role") == "assistant":
                last = self._answer(parsed[-1] if parsed else None, key)
                last.model = text(message.get("model"))
            elif message.get("role") == "system" and parsed and parsed[0].text:
                self.prompts.add(parsed[0].text)
            else:
                self._hear(parsed, key)
        if last is not None:
            output = mapping(self.sample.get("output"))
            _count(last, mapping(output.get("usage")))
            last.model = text(output.get("model")) or last.model
        for event in self.events:
            if event.kind is EventKind.AI_RESPONSE and self.prompts:
                event.parts[Part.SYSTEM_PROMPT] = "\n".join(sorted(self.prompts))
                break

    def _tool_message(self, message: dict[str, Any], key: str) -> None:
        name = text(message.get("tool_call_id"))
        event = self._event(EventKind.TOOL_CALL, key, span_id=f"{self.key}:{name or key}")
        event.name = text(message.get("function")) or "unknown"
        if name in self.asked_by:
            event.parent_id = self.asked_by[name]
            if (given := encoded(self.arguments.get(name))) is not None:
                event.parts[Part.INPUT] = given
        else:
            event.warnings = ("no_call",)
        if message.get("content"):
            event.parts[Part.OUTPUT] = _shown(message["content"])
        self._tool_error(event, mapping(message.get("error")))

    # --- the end -----------------------------------------------------------------------------------------------------

    def _failure(self, key: str, name: str, message: str | None, trace: str | None) -> None:
        event = self._event(EventKind.SPAN, key, span_id=f"{self.key}:{key}", name=name, is_error=True)
        if message is not None:
            event.parts[Part.ERROR] = message
        if trace is not None:
            event.parts[Part.STACK_TRACE] = trace

    def _close(self) -> None:
        error = mapping(self.sample.get("error"))
        if error and not any(event.name == "error" for event in self.events):
            self._failure("error", "error", text(error.get("message")), text(error.get("traceback")))
        metadata = {
            "target": self.sample.get("target"),
            "metadata": self.sample.get("metadata") or None,
            "judge_usage": self.judged or None,
            "total_time_s": number(self.sample.get("total_time")),
            "working_time_s": number(self.sample.get("working_time")),
            "choices": self.sample.get("choices") or None,
        }
        enrichment = self._event(EventKind.SESSION_ENRICHMENT, "enrichment")
        enrichment.properties["[Agent] Enrichments"] = {
            "schema_version": "2.0",
            "custom_metadata": {name: value for name, value in metadata.items() if value not in (None, "")},
        }
        self._event(EventKind.SESSION_END, "end")

    def outcomes(self) -> Iterator[ImportedLabel | ImportedResult]:
        """Yield what the scorers said."""
        scores = mapping(self.sample.get("scores"))
        if not scores and isinstance(self.sample.get("score"), dict):
            scores = {"score": self.sample["score"]}
        for scorer, given in scores.items():
            score = mapping(self._resolved(given))
            value = score.get("value")
            for name, one in value.items() if isinstance(value, dict) else ((None, value),):
                criterion = scorer if name is None else f"{scorer}/{name}"
                shown, passed = _verdict(one)
                if shown is not None:
                    yield self._outcome(scorer, criterion, shown, passed, encoded(one) or "", score)

    def _outcome(
        self, scorer: str, criterion: str, shown: str, passed: bool | None, raw: str, score: dict[str, Any]
    ) -> ImportedLabel | ImportedResult:
        explanation = text(score.get("explanation")) or ""
        at_ms = self.scored_ms.get(scorer)
        if scorer in self.judged or scorer.startswith("model_graded"):
            return ImportedResult(
                self.key,
                scorer,
                criterion,
                shown,
                passed,
                explanation,
                text(score.get("answer")) or "",
                model=self.judges.get(scorer, ""),
                at_ms=at_ms,
                input_tokens=self.judged.get(scorer, {}).get("input_tokens"),
                output_tokens=self.judged.get(scorer, {}).get("output_tokens"),
            )
        return ImportedLabel(self.key, criterion, shown, f"inspect {scorer}", raw, explanation, at_ms=at_ms)


def _verdict(value: Any) -> tuple[str | None, bool | None]:
    """Return (answer as text, whether it passed) of a score; letters for correct and incorrect become truth values."""
    if isinstance(value, bool):
        return str(value), value
    if isinstance(value, str) and value in _VERDICTS:
        return str(_VERDICTS[value]), _VERDICTS[value]
    amount = number(value)
    if amount is not None:
        return f"{amount:g}", None
    return (encoded(value), None) if value not in (None, "", []) else (None, None)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    spoken = parse(value, "tool") if isinstance(value, list) else []
    return (spoken[0].text if spoken else None) or encoded(value) or ""


def _count(event: AgentEvent, usage: dict[str, Any]) -> None:
    event.input_tokens = whole(usage.get("input_tokens"))
    event.output_tokens = whole(usage.get("output_tokens"))
    event.total_tokens = whole(usage.get("total_tokens"))
    event.cache_read_tokens = whole(usage.get("input_tokens_cache_read"))
    event.cache_creation_tokens = whole(usage.get("input_tokens_cache_write"))
    event.reasoning_tokens = whole(usage.get("reasoning_tokens"))
    cached = (event.cache_read_tokens or 0) + (event.cache_creation_tokens or 0)
    counted = (event.input_tokens or 0) + (event.output_tokens or 0)
    if event.input_tokens is not None and cached and event.total_tokens == counted + cached:
        event.input_tokens += cached  # models whose input is only what was not cached


class InspectSource:
    """Logs of Inspect AI."""

    name = "inspect"
    title = "Inspect logs"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        if head.start.startswith(_ZIP):
            return any(name in head.start for name in _IN_ARCHIVE) and (
                head.path.suffix == ".eval" or b"_journal/" in head.start
            )
        shape = reading.outline(head)
        return shape.opening == "{" and {"version", "status", "eval"} <= shape.keys and b'"task' in head.start

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        with path.open("rb") as stream:
            is_archive = stream.read(4) == _ZIP
        log: dict[str, Any] = {}
        early: list[tuple[int, Any]] = []
        seq = 0
        for item in _archive(path, options) if is_archive else _document(path, options):
            if isinstance(item, RecordProblem):
                yield item
                continue
            name, place, value = item
            if name != "samples":
                if name in ("eval", "status", "error"):
                    log[name] = value
                continue
            if "eval" not in log:
                early.append((place, value))
                continue
            for found in _items(path, place, value, log, seq, options):
                seq = found.seq if isinstance(found, AgentEvent) else seq
                yield found
        for place, value in early:
            for found in _items(path, place, value, log, seq, options):
                seq = found.seq if isinstance(found, AgentEvent) else seq
                yield found


def _items(
    path: Path, place: int, value: Any, log: dict[str, Any], seq: int, options: ReadOptions
) -> Iterator[SourceItem]:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str | int):
        yield RecordProblem(place, "a sample without an id", field="id")
        return
    yield from misfits(place, value, _SHAPE)
    for name, score in mapping(value.get("scores")).items():
        yield from misfits(place, score, dict, f"scores.{name}")
    sample = _Sample(path, value, log, seq, options)
    yield from sample.map()
    yield from sample.outcomes()


def _document(path: Path, options: ReadOptions) -> Iterator[tuple[str | None, int, Any] | RecordProblem]:
    for item in reading.iter_json_members(path, ("samples",), options.on_bytes):
        yield item if isinstance(item, RecordProblem) else (item[0], item[1] + 1, item[2])


def _archive(path: Path, options: ReadOptions) -> Iterator[tuple[str | None, int, Any] | RecordProblem]:
    """Yield the members of an archive: first what describes the run, then its samples."""
    import zipfile

    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        yield RecordProblem(None, f"the archive cannot be opened: {error}")
        return
    with archive:
        names = archive.namelist()
        header = next((name for name in ("header.json", "_journal/start.json") if name in names), None)
        if header is None:
            yield RecordProblem(None, "the archive describes no run (no header.json)")
        else:
            loaded = _member(archive, header)
            if isinstance(loaded, RecordProblem):
                yield loaded
            for name in ("eval", "status", "error"):
                if name in mapping(loaded):
                    yield name, 1, mapping(loaded)[name]
        if "eval" not in mapping(loaded if header is not None else None):
            yield "eval", 1, {}
        for place, name in enumerate(name for name in names if _SAMPLE.match(name)):
            found = _member(archive, name)
            if options.on_bytes is not None:
                options.on_bytes(archive.getinfo(name).compress_size)
            if isinstance(found, RecordProblem):
                yield RecordProblem(place + 1, found.reason, found.field)
            else:
                yield "samples", place + 1, found


def _member(archive: zipfile.ZipFile, name: str) -> Any | RecordProblem:
    import zipfile

    try:
        if archive.getinfo(name).file_size > LARGEST_MEMBER:
            return RecordProblem(None, f"{name} is larger than {LARGEST_MEMBER} bytes")
        with archive.open(name) as stream:
            raw = stream.read(LARGEST_MEMBER + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError, zlib.error) as error:
        return RecordProblem(None, f"{name} cannot be read: {error}")
    if len(raw) > LARGEST_MEMBER:
        return RecordProblem(None, f"{name} is larger than {LARGEST_MEMBER} bytes")
    values, reason = reading.decode_objects(raw.decode("utf-8", "replace"))
    return values[0] if values else RecordProblem(None, f"{name}: {reason or 'empty'}")


INSPECT = InspectSource()
