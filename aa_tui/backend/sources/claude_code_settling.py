"""What only a whole Claude Code file tells of its events: session, latencies, parents, context, abandoned branches."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from aa_tui.backend.model.event import AgentEvent, EventKind, Part
from aa_tui.backend.sources.claude_code_records import Records
from aa_tui.backend.sources.claude_code_text import (
    is_inside,
    repository_of,
)
from aa_tui.backend.sources.claude_code_threads import (
    ThreadLink,
    find_link,
    session_file,
)
from aa_tui.backend.sources.contract import ReadOptions
from aa_tui.backend.sources.users import user_for

ABANDONED = "abandoned_branch"
"""Property of events on a branch that the person rewound away from."""

_LONGEST_CALL_MS = 30 * 60_000


class Transcript(Records):
    """All of one file, settled once it has been read."""

    def finish(self, options: ReadOptions) -> Iterator[AgentEvent]:
        """Settle what only the whole file tells, and yield its events in file order."""
        events = self._events
        if not events:
            return
        self._settle_sessions()
        self._settle_calls()
        with_context = True
        if self._agent is None:
            self._flag_abandoned()
        else:
            with_context = self._hang_up(self._agent) == "orphan_thread"
        if with_context:
            self._settle_context()
        folder = next((cwd for _, cwd, _, _ in self._places if cwd), None)
        users: dict[str | None, str | None] = {}
        for event in events:
            if event.session_key not in users:
                users[event.session_key] = user_for(options, event.session_key, (self._path.absolute(), folder))
            event.user_id = users[event.session_key]
        yield from events

    def _settle_sessions(self) -> None:
        """One file is one session, named like the file if it can be, else like its last record.

        Records copied from an earlier session stay that session's only where its own file lies beside; otherwise the
        copy is all there is of them and they belong to the conversation that goes on from them.
        """
        stem = self._stem()
        found = {event.session_key for event in self._events}
        if stem in found:
            own = stem
        else:
            own = next((event.session_key for event in reversed(self._events) if event.session_key), None) or stem
        self._session = own
        belongs: dict[str | None, str] = {own: own, None: own}
        for key in found:
            if key is not None and key != own:
                beside = self._agent is None and session_file(self._path.parent, key) is not None
                belongs[key] = key if beside else own
        for event in self._events:
            event.session_key = belongs[event.session_key]

    def _settle_calls(self) -> None:
        for own, call in self._calls.items():
            triggered = self._triggered_ms.get(own)
            if call.time_ms is not None and triggered is not None and 0 < call.time_ms - triggered < _LONGEST_CALL_MS:
                call.latency_ms = call.time_ms - triggered
            usage = self._usage.get(own)
            if usage is None or own not in self._triggered_ms:
                continue
            uncached, call.output_tokens, created, read, call.cache_creation_1h_tokens = usage
            call.cache_creation_tokens, call.cache_read_tokens = created, read
            if uncached is not None or created is not None or read is not None:
                call.input_tokens = (uncached or 0) + (created or 0) + (read or 0)
            if call.input_tokens is not None and call.output_tokens is not None:
                call.total_tokens = call.input_tokens + call.output_tokens
        for event in self._events:
            if event.kind is EventKind.TOOL_CALL and Part.OUTPUT not in event.parts:
                event.warnings += ("no_result",)

    def _hang_up(self, agent: str) -> str | None:
        """Hang a nested thread's events on the call that launched it; return the warning, if any."""
        session = self._events[0].session_key
        last = max((event.time_ms for event in self._events if event.time_ms is not None), default=None)
        link: ThreadLink = find_link(self._path, agent, session, self._first_parent, last)
        trace = link.trace_id or self._main.trace_id or f"thread-{agent}"
        for event in self._events:
            event.agent_id = link.agent_id
            event.trace_id = trace
            if event.kind is not EventKind.TOOL_CALL and event.parent_id is None:
                event.parent_id = link.parent_id
        if link.warning is not None:
            self._events[0].warnings += (link.warning,)
        return link.warning

    def _settle_context(self) -> None:
        """Put the surroundings on the first event of each session and wherever they change."""
        home = next((cwd for _, cwd, _, _ in self._places if cwd), None)
        known = self._parents
        title = next((text for leaf, text in reversed(self._titles) if leaf in known), None)
        changes = iter(self._places)
        following = next(changes, None)
        current: dict[str, str] = {}
        told: dict[str | None, dict[str, str]] = {}
        for event in self._events:
            if following is not None and following[0] is event:
                current = _surroundings(home, *following[1:])
                following = next(changes, None)
            session = event.session_key
            if told.get(session) == current:
                continue
            first = session not in told
            told[session] = current
            event.context = dict(current)
            if session is not None:
                event.context["resume"] = f"claude --resume {shlex.quote(session)}"
            if first and session == self._session:
                if title is not None:
                    event.context["title"] = title
                if self._pull_request is not None:
                    event.context["pull_request"] = self._pull_request

    def _flag_abandoned(self) -> None:
        """Flag the turns on branches that were left by rewinding or by editing an earlier prompt.

        The live conversation is the chain from the last record up. A typed prompt is on a left branch when it is not in
        that chain but the way up from it leads into it; a way that ends at a missing parent says nothing.
        """
        parents = self._parents
        live: set[str] = set()
        at: str | None = self._last_uuid
        while at is not None and at not in live:
            live.add(at)
            at = parents.get(at)
        dead: set[str] = set()
        checked: dict[str, bool] = {}
        for prompt in self._prompts:
            way: list[str] = []
            node: str | None = prompt
            while node is not None and node in parents and node not in live and node not in checked:
                checked[node] = False
                way.append(node)
                node = parents[node]
            gone = node is not None and (node in live or checked.get(node, False)) and bool(way)
            for passed in way:
                checked[passed] = gone
            if checked.get(prompt, False):
                dead.add(prompt)
        if dead:
            for event in self._events:
                if event.trace_id in dead:
                    event.properties[ABANDONED] = True


def _surroundings(home: str | None, cwd: str | None, branch: str | None, version: str | None) -> dict[str, str]:
    """Context of one place. The repository stays that of the first folder while the agent moves about inside it."""
    context: dict[str, str] = {}
    if cwd is not None:
        context["cwd"] = cwd
        root = home if home is not None and is_inside(cwd, home) else cwd
        repository = repository_of(root)
        if repository is not None:
            context["repository"] = repository
    if branch is not None and branch != "HEAD":
        context["branch"] = branch
    if version is not None:
        context["version"] = version
    return context
