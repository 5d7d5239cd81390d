"""OpenCode storage: one small JSON file per session, message and part. Only this format is known here.

The session's file stands for the tree: naming any file of it reads the whole session. A session that another one's
`task` call started is shown inside that call, in the session of the outermost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from aa_tui.backend.model.event import AgentEvent, EventKind, Part, RecordProblem, SourceItem
from aa_tui.backend.sources import reading
from aa_tui.backend.sources.contract import Head, ReadOptions
from aa_tui.backend.sources.shapes import Shape, misfits
from aa_tui.backend.sources.users import user_for
from aa_tui.backend.sources.values import (
    elapsed_ms,
    encoded,
    epoch_ms,
    items,
    mapping,
    number,
    repository_name,
    stated_nano,
    stem,
    text,
    whole,
)

AGENT_ID = "opencode"
SUBAGENT = "subagent"
_ABORTED = "MessageAbortedError"
_DONE = frozenset({"completed", "success", "error"})
_KINDS = ("session", "message", "part")
_DEEPEST = 16
"""Levels of nested sessions that are followed up to the outermost."""


def _json_files(folder: Path) -> list[Path]:
    try:
        found = [path for path in folder.iterdir() if path.name.endswith((".json", ".json.gz")) and path.is_file()]
    except OSError:
        return []
    return sorted(found)


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []


def _load(path: Path) -> dict[str, Any]:
    """Return the object a file holds, empty when it holds none or cannot be read."""
    try:
        found = reading.load_json_document(path)
    except OSError:
        return {}
    return found if isinstance(found, dict) else {}


def _root_of(path: Path) -> tuple[Path, str] | None:
    """Return the storage folder and the kind of a file by its place; None when it is not laid out like one."""
    parents = path.absolute().parents
    if len(parents) > 2 and parents[1].name in _KINDS:
        root, kind = parents[2], parents[1].name
    elif len(parents) > 1 and parents[0].name == "part":
        root, kind = parents[1], "part"
    else:
        return None
    # Folders of these names are common: one alone says nothing.
    siblings = sum((root / name).is_dir() for name in _KINDS)
    return (root, kind) if siblings > 1 and path.name.endswith((".json", ".json.gz")) else None


@dataclass(slots=True)
class _Store:
    """What is known of one storage folder; looks at its files when asked, and once."""

    root: Path
    _sessions: dict[str, Path] | None = None
    _messages: dict[str, str] | None = None
    _named: dict[str, str] | None = None
    _leads: dict[str, Path | None] = field(default_factory=dict)

    def session_file(self, session: str) -> Path | None:
        """Return the file of a session. Its name is the id, or ends in it."""
        if self._sessions is None:
            files = [path for folder in _folders(self.root / "session") for path in _json_files(folder)]
            self._sessions = {stem(path): path for path in files}
        return self._sessions.get(session) or self._sessions.get(f"ses_{session}")

    def messages(self, session: str) -> list[Path]:
        return _json_files(self.root / "message" / session) if _is_name(session) else []

    def parts(self, message: str) -> list[Path]:
        """Return the files of a message's parts; older versions keep those of all messages in one folder."""
        own = _json_files(self.root / "part" / message) if _is_name(message) else []
        folder = self.root / "part"
        try:
            changed = folder.stat().st_mtime_ns
        except OSError:
            return own
        return own + (_flat_parts(folder, changed).get(message, []) if message else [])

    def session_of_message(self, message: str) -> str | None:
        """Return the session of a message: by the name of its file, else by what the files say."""
        if self._messages is None:
            self._messages = {
                stem(path): folder.name for folder in _folders(self.root / "message") for path in _json_files(folder)
            }
        if message in self._messages:
            return self._messages[message]
        if self._named is None:
            self._named = {}
            for folder in _folders(self.root / "message"):
                for path in _json_files(folder):
                    self._named[text(_load(path).get("id")) or ""] = folder.name
        return self._named.get(message) if message else None

    def lead(self, path: Path, kind: str) -> Path | None:
        """Return the file that stands for the session a file belongs to."""
        if kind == "session":
            return path
        if kind == "message":
            session: str | None = path.parent.name
        else:
            message = path.parent.name if path.parent.parent.name == "part" else None
            session = self.session_of_message(message) if message is not None else None
            if session is None:
                part = _load(path)
                session = text(part.get("sessionID")) or self.session_of_message(text(part.get("messageID")) or "")
        if session is None:
            return None
        if session not in self._leads:
            # Without its own file a session is stood for by its first message.
            self._leads[session] = self.session_file(session) or next(iter(self.messages(session)), None)
        return self._leads[session]


@lru_cache(maxsize=4)
def _flat_parts(folder: Path, _changed: int) -> dict[str, list[Path]]:
    """Return the parts that lie in the folder itself by message. Every session of a storage asks for them."""
    found: dict[str, list[Path]] = {}
    for path in _json_files(folder):
        found.setdefault(text(_load(path).get("messageID")) or "", []).append(path)
    return found


def _is_name(value: str) -> bool:
    """Ids from files become parts of paths: they must not lead elsewhere."""
    return bool(value) and value not in (".", "..") and not {"/", "\\", "\0"} & set(value) and len(value) < 200


@dataclass(slots=True)
class _Place:
    """Where a session is shown: its own, or the call of another session that started it."""

    session: str
    agent: str = AGENT_ID
    parent_agent: str | None = None
    trace: str | None = None
    call: str | None = None
    orphan: bool = False


def _place_of(store: _Store, session: str, document: dict[str, Any]) -> _Place:
    parent = text(document.get("parentID"))
    if parent is None:
        return _Place(session)
    place = _Place(session, orphan=True)
    for level in range(_DEEPEST):
        file = store.session_file(parent)
        if file is None:
            break
        if level == 0:
            found = _launch_of(store, parent, session)
            if found is None:
                break
            place.trace, place.call, place.agent = found
            place.parent_agent, place.orphan = AGENT_ID, False
        above = text(_load(file).get("parentID"))
        place.session = parent
        if above is None or above == parent:
            break
        parent = above
    return place


def _launch_of(store: _Store, parent: str, child: str) -> tuple[str, str, str] | None:
    """Return the turn, the call and the kind of agent by which a session started another."""
    turn = f"{parent}#0"
    for path in store.messages(parent):
        message = _load(path)
        own = text(message.get("id")) or stem(path)
        turn = own if message.get("role") == "user" else text(message.get("parentID")) or turn
        for file in store.parts(own):
            part = _load(file)
            state = mapping(part.get("state"))
            metadata = mapping(state.get("metadata"))
            if child in (metadata.get("sessionId"), metadata.get("sessionID")):
                kind = text(mapping(state.get("input")).get("subagent_type")) or SUBAGENT
                return turn, text(part.get("callID")) or text(part.get("id")) or stem(file), kind
    return None


_MESSAGE: Shape = {"role!": frozenset({"user", "assistant", "system"})}
_PART: Shape = {"type!": str, "text": str}


class _Reader:
    """One session while it is turned into events."""

    def __init__(self, store: _Store, path: Path, session: str, document: dict[str, Any], options: ReadOptions) -> None:
        self.store = store
        self.own = session
        self.place = _place_of(store, session, document)
        self.session = self.place.session
        cwd = text(document.get("directory"))
        known = {
            "title": text(document.get("title")),
            "repository": repository_name(None, cwd),
            "cwd": cwd,
            "version": text(document.get("version")),
            "resume": f"opencode --session {self.session}",
        }
        if self.place.call is not None:
            known.pop("title")
        self.context = {name: value for name, value in known.items() if value}
        self.user = user_for(options, self.session, (cwd, str(path)))
        self.options = options
        self.seq = 0
        self.turn = self.place.trace or f"{session}#0"
        self.first = True

    def _event(self, kind: EventKind, key: str, time_ms: int | None, **fields: Any) -> AgentEvent:
        self.seq += 1
        event = AgentEvent(
            kind=kind,
            insert_id=f"opencode:{self.own}:{key}",
            session_key=self.session,
            user_id=self.user,
            time_ms=time_ms,
            seq=self.seq,
            trace_id=self.turn,
            agent_id=self.place.agent,
            parent_agent_id=self.place.parent_agent,
            context=self.context,
            **fields,
        )
        event.span_id = event.span_id or key
        event.parent_id = event.parent_id or self.place.call
        if self.place.orphan and self.first:
            event.warnings = ("orphan_thread",)
        self.first = False
        return event

    def read(self) -> Iterator[SourceItem]:
        messages: list[tuple[int, str, dict[str, Any]]] = []
        for path in self.store.messages(self.own):
            message = self._document(path)
            if isinstance(message, RecordProblem):
                yield message
                continue
            yield from _named(path, message, _MESSAGE)
            own = text(message.get("id")) or stem(path)
            messages.append((epoch_ms(mapping(message.get("time")).get("created")) or 0, own, message))
        for _, own, message in sorted(messages, key=lambda one: one[:2]):
            parts: list[dict[str, Any]] = []
            for path in self.store.parts(own):
                part = self._document(path)
                if isinstance(part, RecordProblem):
                    yield part
                else:
                    yield from _named(path, part, _PART)
                    parts.append({**part, "id": text(part.get("id")) or stem(path)})
            yield from self._message(own, message, parts)

    def _document(self, path: Path) -> dict[str, Any] | RecordProblem:
        try:
            found = reading.load_json_document(path, self.options.on_bytes)
        except OSError as error:
            return RecordProblem(None, f"{path.name}: cannot be read: {error.strerror or error}")
        if isinstance(found, RecordProblem):
            return RecordProblem(None, f"{path.name}: {found.reason}")
        return found if isinstance(found, dict) else RecordProblem(None, f"{path.name}: not a JSON object")

    def _message(self, own: str, message: dict[str, Any], parts: list[dict[str, Any]]) -> Iterator[AgentEvent]:
        role = message.get("role")
        if role == "user":
            yield self._prompt(own, message, parts)
        elif role == "assistant":
            if self.place.trace is None:
                self.turn = text(message.get("parentID")) or self.turn
            yield from self._answer(own, message, parts)

    def _prompt(self, own: str, message: dict[str, Any], parts: list[dict[str, Any]]) -> AgentEvent:
        if self.place.trace is None:
            self.turn = own
        event = self._event(EventKind.USER_MESSAGE, own, epoch_ms(mapping(message.get("time")).get("created")))
        typed = [part for part in parts if part.get("type") == "text" and part.get("synthetic") is not True]
        summary = mapping(message.get("summary"))
        event.text = _joined(typed) or text(summary.get("body")) or text(summary.get("title"))
        event.from_agent = self.place.call is not None
        files = sum(part.get("type") == "file" for part in parts)
        if files:
            event.properties.update({"[Agent] Has Attachments": True, "[Agent] Attachment Count": files})
        return event

    def _answer(self, own: str, message: dict[str, Any], parts: list[dict[str, Any]]) -> Iterator[AgentEvent]:
        time = mapping(message.get("time"))
        created, completed = epoch_ms(time.get("created")), epoch_ms(time.get("completed"))
        event = self._event(EventKind.AI_RESPONSE, own, completed or created)
        event.latency_ms = elapsed_ms(created, completed)
        chosen = mapping(message.get("model"))
        event.model = text(message.get("modelID")) or text(chosen.get("modelID"))
        event.provider = text(message.get("providerID")) or text(chosen.get("providerID"))
        event.finish_reason = text(message.get("finish"))
        event.text = _joined([part for part in parts if part.get("type") == "text"])
        if reasoning := _joined([part for part in parts if part.get("type") == "reasoning"]):
            event.parts[Part.REASONING] = reasoning
        steps = [part for part in parts if part.get("type") == "step-finish"]
        _tokens(event, mapping(message.get("tokens")), steps)
        event.cost_nano = _cost(message, steps)
        if event.cost_nano is None and message.get("cost"):
            event.properties["stated_cost"] = message["cost"]
        failure = mapping(message.get("error"))
        if failure:
            event.interrupted = failure.get("name") == _ABORTED
            event.is_error = not event.interrupted
            event.error_type = text(failure.get("name"))
            reason = text(mapping(failure.get("data")).get("message")) or encoded(failure.get("data"))
            if reason is not None:
                event.parts[Part.ERROR] = reason
        yield event
        for part in parts:
            if part.get("type") == "tool":
                yield self._tool(own, part, event)
            elif part.get("type") in ("patch", "compaction"):
                step = self._event(EventKind.SPAN, f"{own}:{part['id']}", event.time_ms, name=str(part["type"]))
                step.parent_id = event.span_id
                if files := encoded(items(part.get("files")) or None):
                    step.parts[Part.OUTPUT] = files
                yield step

    def _tool(self, own: str, part: dict[str, Any], answer: AgentEvent) -> AgentEvent:
        state = mapping(part.get("state"))
        time = mapping(state.get("time"))
        started, ended = epoch_ms(time.get("start")), epoch_ms(time.get("end"))
        event = self._event(EventKind.TOOL_CALL, f"{own}:{part['id']}", ended or started or answer.time_ms)
        event.span_id = text(part.get("callID")) or text(part.get("id"))
        event.parent_id = answer.span_id
        event.name = text(part.get("tool")) or "unknown"
        event.latency_ms = elapsed_ms(started, ended)
        status = text(state.get("status"))
        if status not in _DONE:
            event.warnings = (*event.warnings, "no_result")
        if (given := encoded(state.get("input"))) is not None:
            event.parts[Part.INPUT] = given
        shown = encoded(state.get("output"))
        if shown is not None:
            event.parts[Part.OUTPUT] = shown
        code = whole(mapping(state.get("metadata")).get("exit"))
        if code is not None:
            event.properties["exit_code"] = code
            event.error_type = f"exit {code}" if code else None
        event.is_error = status == "error" or bool(code)
        failure = encoded(state.get("error")) or (shown if event.is_error else None)
        if failure is not None:
            event.parts[Part.ERROR] = failure
        return event


def _named(path: Path, document: dict[str, Any], shape: Shape) -> Iterator[RecordProblem]:
    """Yield what is wrong in one of a session's files, with the file's name."""
    for problem in misfits(None, document, shape):
        yield replace(problem, reason=f"{path.name}: {problem.reason}")


def _joined(parts: list[dict[str, Any]]) -> str | None:
    return "\n\n".join(said for part in parts if (said := text(part.get("text")))) or None


def _tokens(event: AgentEvent, tokens: dict[str, Any], steps: list[dict[str, Any]]) -> None:
    """Cached tokens stand beside the input here. Without a message's own counts, its steps' are added up."""
    told = [tokens] if tokens else [mapping(step.get("tokens")) for step in steps]
    counts = [(whole(one.get("input")), whole(one.get("output"))) for one in told]
    if all(given is None and said is None for given, said in counts) or not any(map(any, counts)):
        return
    caches = [mapping(one.get("cache")) for one in told]
    read = sum(whole(cache.get("read")) or 0 for cache in caches)
    written = sum(whole(cache.get("write")) or 0 for cache in caches)
    reasoning = sum(whole(one.get("reasoning")) or 0 for one in told)
    fresh, output = sum(given or 0 for given, _ in counts), sum(said or 0 for _, said in counts)
    total = whole(tokens.get("total"))
    event.input_tokens = fresh + read + written
    # Some versions count reasoning inside the output and some beside it; their total tells which.
    event.output_tokens = output + reasoning if total == event.input_tokens + output + reasoning else output
    event.reasoning_tokens = min(reasoning, event.output_tokens)
    event.cache_read_tokens, event.cache_creation_tokens = read, written
    event.total_tokens = event.input_tokens + event.output_tokens


def _cost(message: dict[str, Any], steps: list[dict[str, Any]]) -> int | None:
    """Return what an answer cost: a number of dollars, or an object that says so; an object of other units does not."""
    for costs in ([message.get("cost")], [step.get("cost") for step in steps]):
        known = [stated_nano(cost.get("usd") if isinstance(cost, dict) else number(cost)) for cost in costs]
        if any(cost is not None for cost in known):
            return sum(cost or 0 for cost in known)
    return None


class OpenCodeSource:
    """The storage folder of OpenCode."""

    name = "opencode"
    title = "OpenCode session"
    mapper_version = 1

    def sniff(self, head: Head) -> bool:
        shape = reading.outline(head)
        if shape.opening != "{" or "id" not in shape.keys:
            return False
        if {"projectID", "directory"} <= shape.keys or {"sessionID", "role", "time"} <= shape.keys:
            return True
        return {"messageID", "type"} <= shape.keys and not {"message", "timestamp"} & shape.keys

    def leads(self) -> Callable[[Path], Path | None]:
        stores: dict[Path, _Store] = {}

        def lead(path: Path) -> Path | None:
            place = _root_of(path)
            if place is None:
                return None
            store = stores.setdefault(place[0], _Store(place[0]))
            return store.lead(path, place[1])

        return lead

    def members(self, path: Path) -> tuple[Path, ...]:
        found = _tree(path)
        if found is None:
            return (path,)
        store, session, lead = found
        members = [lead]
        for file in store.messages(session):
            members.append(file)
            named = store.parts(stem(file))
            members += named or store.parts(text(_load(file).get("id")) or "")
        return tuple(dict.fromkeys(members))

    def read(self, path: Path, options: ReadOptions) -> Iterator[SourceItem]:
        found = _tree(path)
        if found is None:
            yield RecordProblem(None, "a part of an OpenCode session whose session and message files are not here")
            return
        store, session, lead = found
        document: dict[str, Any] = {}
        if lead.parent.parent.name == "session":
            loaded = reading.load_json_document(lead, options.on_bytes)
            if isinstance(loaded, dict):
                document = loaded
            else:
                reason = loaded.reason if isinstance(loaded, RecordProblem) else "not a JSON object"
                yield RecordProblem(None, f"{lead.name}: {reason}")
        yield from _Reader(store, lead, session, document, options).read()


def _tree(path: Path) -> tuple[_Store, str, Path] | None:
    """Return the storage, the session's id and the file that stands for it."""
    place = _root_of(path)
    if place is None:
        return None
    store = _Store(place[0])
    lead = store.lead(path, place[1])
    if lead is None:
        return None
    if lead.parent.parent.name == "session":
        return store, text(_load(lead).get("id")) or stem(lead), lead
    return store, lead.parent.name, lead


OPENCODE = OpenCodeSource()
