"""Who and what a session is about: agents, user, title, and what Info shows. Sums are in `totals`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aa_tui.backend.ingest.closing_rules import SessionSettings
from aa_tui.backend.ingest.rules import IS_EDIT, IS_REGENERATION, is_machine
from aa_tui.backend.ingest.sessionise.facets import MOST_VALUES
from aa_tui.backend.ingest.sessionise.kinds import AI, END, ENRICHMENT, SCORE, TOOL, USER
from aa_tui.backend.ingest.sessionise.results import FACET_CHARS
from aa_tui.backend.ingest.sessionise.scores import normal_score, score_facets
from aa_tui.backend.ingest.sessionise.totals import Totals
from aa_tui.backend.ingest.sessionise.warnings import Warn
from aa_tui.backend.ingest.stored import CONTEXT, HAS_REASONING, TAGS, StoredEvent, props_of
from aa_tui.backend.ingest.titles import title_from
from aa_tui.backend.model.text_switches import BY_MODE, HERE, INSTRUMENTATION, SWITCHES, WITHHELD_BY

TITLE_CHARS = 200
UNKNOWN_AGENT = "unknown"
_CONTEXT_FACETS = {
    "repository": "repository", "branch": "branch", "cwd": "cwd", "version": "version", "env": "env",
    "customer_org": "org",
}  # fmt: skip
_NOT_DIMENSIONS = frozenset({"title", "resume", "idle_timeout_minutes"})
_INFO_PROPERTIES = {
    "[Agent] Agent Description": "description",
    "[Agent] SDK Version": "sdk",
    "[Agent] Runtime": "runtime",
    "[Amplitude] Session Replay ID": "replay",
    "[Agent] Locale": "locale",
    "[Agent] Git SHA": "git_sha",
}

_CONTENT_MODE = "[Agent] Content Mode"
_FULL = "full"
_HAS_ATTACHMENTS, _ATTACHMENTS = "[Agent] Has Attachments", "[Agent] Attachments"
_ENRICHMENTS = "[Agent] Enrichments"
_TOLD = frozenset(
    {*_INFO_PROPERTIES, _CONTENT_MODE, IS_EDIT, IS_REGENERATION, _HAS_ATTACHMENTS, _ATTACHMENTS, _ENRICHMENTS}
    | {INSTRUMENTATION, WITHHELD_BY}
)
"""Properties besides context and tags that say something of the session; most events have none."""


def agent_chain(ordered: Sequence[StoredEvent]) -> list[str]:
    """Return the agents: the root (of the first event that nobody delegated), then in order of first appearance."""
    found = dict.fromkeys([event.agent_id for event in ordered if event.agent_id])
    root = next((event.agent_id for event in ordered if event.agent_id and not event.parent_agent_id), None)
    if root is None:
        root = next((event.parent_agent_id for event in ordered if event.agent_id and event.parent_agent_id), None)
    root = root or UNKNOWN_AGENT
    return [root, *(agent for agent in found if agent != root)]


def user_of(ordered: Sequence[StoredEvent], warn: Warn) -> str | None:
    """Return the user, else the device; warns of several users."""
    users = dict.fromkeys([event.user_id for event in ordered if event.user_id])
    if len(users) > 1:
        warn("mixed_users")
    for user in users:
        return user
    return next((event.device_id for event in ordered if event.device_id), None)


def title_of(ordered: Sequence[StoredEvent], info: Mapping[str, Any]) -> str | None:
    """Return what they wanted: the title given, else the first line of a person, at most `TITLE_CHARS`."""
    given = info.get("title")
    if isinstance(given, str) and given.strip():
        return given.strip()[:TITLE_CHARS]
    asked = [e for e in ordered if e.kind == USER and not e.from_agent and e.head]
    first = next((e.head for e in asked if not is_machine(e)), None) or next((e.head for e in asked), None)
    if first is None:
        first = next((e.head for e in ordered if e.kind == AI and e.head), None)
    return None if first is None else title_from(first)[:TITLE_CHARS]


def describe(
    ordered: Sequence[StoredEvent], totals: Totals, settings: SessionSettings, warn: Warn
) -> tuple[dict[str, Any], dict[str, dict[str, None]]]:
    """Gather context, tags, versions, enrichments and scores; return what Info shows and facet values by key."""
    context: dict[str, str] = {}
    facets: dict[str, dict[str, None]] = {}
    enrichments: dict[str, Any] = {}
    info: dict[str, Any] = {}
    modes: set[str] = set()
    without_text: dict[str, None] = {}
    """What keeps texts back, by what events say of it."""
    scores: list[StoredEvent] = []
    asked: set[str | None] | None = None
    """Ids of the answers that called tools; made when it is needed."""
    last_context: object = None
    last_tags: object = None

    def facet(key: str, value: object) -> None:
        values = facets.setdefault(key, {})
        if len(values) < MOST_VALUES:
            values[str(value)[:FACET_CHARS]] = None

    for event in ordered:
        kind = event.kind
        if kind == AI and event.head is None and not event.is_error and "empty_response" in (event.warnings or ""):
            props = props_of(event)
            if asked is None:
                asked = {other.parent_id for other in ordered if other.kind == TOOL}
            if not props.get(HAS_REASONING) and event.span_id not in asked:
                warn.codes.add("empty_response")
        if kind == SCORE:
            scores.append(event)
            score_facets(event, settings, facet)
        if event.properties is None:
            continue
        props = props_of(event)
        sent = props.get(CONTEXT)
        if sent != last_context and isinstance(sent, Mapping):
            last_context = sent
            for name, value in sent.items():
                context.setdefault(name, value)
                if name in _CONTEXT_FACETS:
                    facet(_CONTEXT_FACETS[name], value)
                elif name not in _NOT_DIMENSIONS:
                    facet(f"context.{name[:FACET_CHARS]}", value)
        tags = props.get(TAGS)
        if tags != last_tags and isinstance(tags, list):
            last_tags = tags
            for tag in tags:
                facet("tag", tag)
        if _TOLD.isdisjoint(props):
            continue
        for name in _INFO_PROPERTIES.keys() & props.keys():
            info.setdefault(_INFO_PROPERTIES[name], props[name])
        mode = props.get(_CONTENT_MODE)
        if isinstance(mode, str):
            modes.add(mode)
        for name in (WITHHELD_BY, INSTRUMENTATION):
            if isinstance(reason := props.get(name), str):
                without_text[reason] = None
        if kind == USER:
            if props.get(IS_EDIT):
                facet("has", "edit")
            if props.get(IS_REGENERATION):
                facet("has", "regeneration")
        if props.get(_HAS_ATTACHMENTS) or props.get(_ATTACHMENTS):
            facet("has", "attachments")
        if kind in (END, ENRICHMENT):
            given = props.get(_ENRICHMENTS)
            if isinstance(given, str):
                try:
                    given = json.loads(given)
                except ValueError:
                    given = None
            if isinstance(given, Mapping):
                enrichments.update(given)
    if totals.has_text:
        facet("has", "text")
    elif (reason := _why_no_text(ordered, totals, modes, without_text)) is not None:
        facet("withheld", reason)
        info["withheld"] = reason
    if context:
        info["context"] = dict(sorted(context.items()))
        for name in ("title", "resume", "repository", "branch", "cwd", "env"):
            if name in context:
                info[name] = context[name]
        if "customer_org" in context:
            info["org"] = context["customer_org"]
    for key, name in (("tag", "tags"), ("version", "versions")):
        if key in facets:
            info[name] = sorted(facets[key])
    if modes:
        info["content_modes"] = sorted(modes)
        for mode in modes:
            facet("content_mode", mode)
    if enrichments:
        info["enrichments"] = dict(sorted(enrichments.items()))
    user_scores = [
        normal_score(event, settings)
        for event in scores
        if event.score_value is not None and (event.score_source or "user") == "user"
    ]
    if user_scores:
        info["user_score"] = sum(user_scores) / len(user_scores)
    return info, facets


def _why_no_text(
    ordered: Sequence[StoredEvent], totals: Totals, modes: set[str], said: Mapping[str, None]
) -> str | None:
    """Return what keeps a session's texts back, a key of `SWITCHES`; None where nothing was to be said anyway."""
    if not totals.model_calls and not totals.user_messages:
        return None
    if HERE in said:
        return HERE
    if modes - {_FULL}:
        return BY_MODE
    known = next((reason for reason in said if reason in SWITCHES), None)
    return known or next((event.source for event in ordered if event.source in SWITCHES), None)
